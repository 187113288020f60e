from __future__ import annotations

import pytest

from seedrender.errors import ConfigError
from seedrender.plan.select import select, whole_takes
from seedrender.values.job import JobId
from seedrender.values.manifest import LongTake
from tests.builders import job

JOBS = [
    job("spin/black", tags=("hero",)),
    job("spin/silver"),
    job("fly/01"),
    job("fly/02", needs=("fly/01",)),
    job("fly/03", needs=("fly/02",)),
]


@pytest.mark.parametrize(
    ("selectors", "ids"),
    [
        pytest.param((), "spin/black spin/silver fly/01 fly/02 fly/03", id="all"),
        pytest.param(("spin",), "spin/black spin/silver", id="a shot"),
        pytest.param(("spin/silver",), "spin/silver", id="a job"),
        pytest.param(("spin/*",), "spin/black spin/silver", id="a glob"),
        pytest.param(("tag:hero",), "spin/black", id="a tag"),
        pytest.param(("fly/02..",), "fly/01 fly/02 fly/03", id="onwards, with what it needs"),
        pytest.param(("fly/02",), "fly/01 fly/02", id="a segment, with what it needs"),
        pytest.param(("tag:hero", "fly/01"), "spin/black fly/01", id="several"),
    ],
)
def test_selectors_name_jobs(selectors: tuple[str, ...], ids: str) -> None:
    assert " ".join(j.id for j in select(JOBS, selectors)) == ids


@pytest.mark.parametrize(
    ("selector", "hint"),
    [
        pytest.param("spinn", "did you mean 'spin'?", id="a slip"),
        pytest.param("tag:villain", "`expand` lists", id="no such tag"),
        pytest.param("zzz..", "`expand` lists", id="nothing onwards"),
    ],
)
def test_a_selector_that_names_nothing_is_an_error(selector: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        select(JOBS, [selector])

    assert hint in str(caught.value)


def test_a_take_is_joined_only_when_all_of_it_is_selected() -> None:
    segments = tuple(JobId(f"fly/0{n}") for n in (1, 2, 3))
    take = LongTake(id=JobId("fly"), segments=segments, output="fly.mp4")

    assert whole_takes([take], JOBS) == (take,)
    assert whole_takes([take], JOBS[:-1]) == ()
