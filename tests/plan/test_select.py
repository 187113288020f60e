from __future__ import annotations

import pytest

from seedrender.errors import ConfigError
from seedrender.plan.select import named, select, whole_takes
from seedrender.values.job import JobId
from seedrender.values.manifest import LongTake
from tests.builders import job

JOBS = [
    job("spin/black", tags=("hero",)),
    job("spin/silver", tags=("a:b",)),
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
        pytest.param(("tag:a:b",), "spin/silver", id="a tag with a colon"),
        pytest.param(("fly/03", "fly/0[13]"), "fly/01 fly/02 fly/03", id="the same twice"),
        pytest.param(("fly/02..", "spin/silver"), "spin/silver fly/01 fly/02 fly/03", id="order"),
        pytest.param(("tag:hero", "fly/01"), "spin/black fly/01", id="several"),
    ],
)
def test_selectors_name_jobs(selectors: tuple[str, ...], ids: str) -> None:
    assert " ".join(j.id for j in select(JOBS, selectors)) == ids


@pytest.mark.parametrize(
    ("selector", "hint"),
    [
        pytest.param("spinn", "did you mean 'spin'?", id="a slip"),
        pytest.param("spin/blakc", "did you mean 'spin/black'?", id="a slip in a job"),
        pytest.param("tag:villain", "`expand` lists the ids there are", id="no such tag"),
        pytest.param("tag:", "`expand` lists the ids there are", id="no tag"),
        pytest.param("label:hero", "`expand` lists the ids there are", id="another word"),
        pytest.param("zzz..", "`expand` lists the ids there are", id="nothing onwards"),
        pytest.param("..fly/02", "did you mean 'fly/02'?", id="backwards"),
    ],
)
def test_a_selector_that_names_nothing_is_an_error(selector: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        select(JOBS, ["spin", selector])

    assert str(caught.value) == f"no job, shot or chain matches '{selector}'; {hint}"


def test_a_second_manifest_is_no_selector() -> None:
    with pytest.raises(ConfigError, match="one manifest at a time"):
        select(JOBS, ["other.yaml"])


def test_what_is_said_of_a_shot_of_several_takes_is_said_of_the_first_alone() -> None:
    takes = [job("kiss"), job("kiss@2", shot="kiss"), job("kiss@3", shot="kiss")]

    assert named(takes, ["kiss"]) == ("kiss",)
    assert named(takes, ["kiss", "kiss@*"]) == ("kiss", "kiss@2", "kiss@3")
    assert [one.id for one in select(takes, ["kiss"])] == ["kiss", "kiss@2", "kiss@3"]


def test_what_a_person_names_comes_without_what_it_continues() -> None:
    assert named(JOBS, ["fly/02", "spin"]) == ("spin/black", "spin/silver", "fly/02")


def test_a_take_is_joined_only_when_all_of_it_is_selected() -> None:
    segments = tuple(JobId(f"fly/0{n}") for n in (1, 2, 3))
    take = LongTake(id=JobId("fly"), segments=segments, output="fly.mp4")

    assert whole_takes([take], JOBS) == (take,)
    assert whole_takes([take], JOBS[:-1]) == ()
