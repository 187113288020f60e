from __future__ import annotations

from seedrender.plan import graph
from seedrender.values.job import Mode
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


def test_of_two_ways_on_the_longer_one_is_the_chain_whatever_stands_first() -> None:
    jobs = [
        job("a", duration_s=5),
        job("z", duration_s=4, needs=("a",)),
        job("b", duration_s=9, needs=("a",)),
        job("c", duration_s=1, needs=("z",)),
        job("alone", duration_s=13),
    ]

    found = graph.build(jobs)

    assert found.behind_s == {"a": 14, "z": 5, "b": 9, "c": 1, "alone": 13}
    assert found.longest_chain() == ("a", "b")
    assert list(found.jobs) == list(found.behind_s) == ["a", "z", "b", "c", "alone"]


def test_a_job_whose_length_the_model_chooses_counts_as_one_of_usual_length() -> None:
    assert graph.build([job(duration_s=-1)]).behind_s == {"spin": 5}


def test_a_picture_counts_as_one_second_in_the_order_of_work() -> None:
    picture = job("hero", mode=Mode.T2I)

    assert graph.build([picture, job("spin")]).behind_s == {"hero": 1, "spin": 5}


def test_what_a_job_has_to_do_with_another_is_said() -> None:
    clip, picture = job("clip"), job("hero", mode=Mode.T2I)

    assert graph.bond(job("fly/02", needs=("clip",)), clip) == "continues clip"
    assert graph.bond(job("spin"), clip) == "uses the clip of clip"
    assert graph.bond(job("spin"), picture) == "uses the picture of hero"
