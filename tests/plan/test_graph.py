from __future__ import annotations

from seedrender.plan import graph
from tests.builders import job


def test_the_work_behind_a_job_is_its_longest_way_to_an_end() -> None:
    jobs = [
        job("fly/01", duration_s=15),
        job("fly/02", duration_s=15, needs=("fly/01",)),
        job("fly/03", duration_s=12, needs=("fly/02",)),
        job("spin"),
    ]

    found = graph.build(jobs)

    assert found.behind_s == {"fly/01": 42, "fly/02": 27, "fly/03": 12, "spin": 5}
    assert found.longest_chain() == ("fly/01", "fly/02", "fly/03")


def test_a_graph_of_nothing_has_no_chain() -> None:
    assert graph.build([]).longest_chain() == ()
