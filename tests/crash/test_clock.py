"""Machines that sleep for hours, and clocks that are set while and between runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.crash import oracle
from tests.crash.film import FIRST, SHORT, STALE, WORLD, Film, started
from tests.crash.stopped import sleep_everywhere

T0 = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
STUCK = 'run: {deadline: 2h}\nshots: {one: {prompt: "A hat. [sim:stuck]"}}\n'
DAY = timedelta(days=1)


@contextmanager
def elapsed(film: Film) -> Iterator[None]:
    """Let the clock that goes on in sleep be the loop's, and what was slept."""
    with patch("time.clock_gettime", lambda _: asyncio.get_running_loop().time() + film.slept_s):
        yield


@pytest.mark.parametrize("is_felt", [True, False], ids=["clocks go on", "clocks stand still"])
def test_hours_of_sleep_at_any_step_lose_nothing_and_pay_nothing_twice(
    tmp_path: Path, *, is_felt: bool
) -> None:
    totals = sleep_everywhere(tmp_path, "modellix", SHORT, hours=6, is_felt=is_felt, stride=8)

    assert totals.broken == [], totals
    there_are = totals.there_are["steps of the run"]
    assert abs(totals.counts["slept"] - len(range(1, there_are + 1, 8))) <= 1 < there_are // 8


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param((timedelta(), -DAY, -2 * DAY), id="back"),
        pytest.param((timedelta(), 3650 * DAY, -DAY), id="far ahead and back"),
        pytest.param((timedelta(), -timedelta(seconds=1), -timedelta(seconds=2)), id="a little"),
    ],
)
def test_the_newest_clip_stays_the_newest_where_the_clock_is_set_between_runs(
    tmp_path: Path, steps: tuple[timedelta, timedelta, timedelta]
) -> None:
    film = Film(tmp_path, "modellix")
    marks = []
    for shots, step in zip((FIRST, STALE, FIRST), steps, strict=True):
        film.write(shots)
        film.clock = lambda by=step: T0 + by
        ended = film.run(film.load())
        assert ended.code == 0, ended.words
        marks.append((tmp_path / "renders" / "again.mp4").read_bytes()[-25:])
        lock = film.load().read_lock()
        assert oracle.violations(ended.tasks, lock, tmp_path) == []
        assert list(oracle.lost(ended.tasks, lock, tmp_path, tmp_path / WORLD)) == []

    assert marks[0] == marks[2] != marks[1]
    assert len(ended.tasks) == 3


def test_a_clock_that_runs_backwards_during_a_run_changes_nothing(tmp_path: Path) -> None:
    moment = T0

    def backwards() -> datetime:
        nonlocal moment
        moment -= timedelta(minutes=1)
        return moment

    film, loaded = started(tmp_path, "modellix", STALE, clock=backwards)
    ended = film.run(loaded)
    film.clock = None
    again = film.run(loaded)

    lock = loaded.read_lock()
    assert (ended.code, again.code) == (0, 0), ended.words
    assert oracle.violations(again.tasks, lock, tmp_path) == []
    assert list(oracle.lost(again.tasks, lock, tmp_path, tmp_path / WORLD)) == []
    assert len(again.tasks) == 3


@pytest.mark.parametrize("hours", [0.0, 5.0])
def test_a_deadline_counts_the_hours_of_sleep_and_the_task_is_kept(
    tmp_path: Path, hours: float
) -> None:
    film = Film(tmp_path, "modellix")
    film.write(STUCK)
    loaded, began, steps = film.load(), film.wall, 0

    def step() -> None:
        nonlocal steps
        steps += film.is_rendering
        if steps == 150:
            film.slept_s = hours * 3600

    with elapsed(film):
        ended = film.run(loaded, on_step=step)
        took = film.wall - began
        again = film.run(loaded)

    assert (ended.code, again.code) == (5, 5), ended.words
    assert max(hours, 2) * 3600 <= took < max(hours, 2) * 3600 + 600
    assert len(again.tasks) == 1


def test_a_deadline_counts_what_is_looked_at_before_the_first_submit(tmp_path: Path) -> None:
    film = Film(tmp_path, "modellix")
    film.write(STUCK)
    loaded = film.load()

    async def look(*_: object, **__: object) -> None:
        film.slept_s = 3 * 3600.0 * film.is_rendering  # not in the run that makes its clips

    with elapsed(film), patch("seedrender.run.online.wrong_references", look):
        ended = film.run(loaded)

    assert (ended.code, ended.tasks) == (5, ()), ended.words
