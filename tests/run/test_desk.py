from __future__ import annotations

import random
from dataclasses import replace
from typing import Any, cast

import pytest

from seedrender.errors import RateLimitedError, UnavailableError
from seedrender.run.desk import Desk
from seedrender.run.gate import Gate
from seedrender.run.pace import Pace
from seedrender.run.slots import Slots
from seedrender.values.entry import LockEntry, TaskRecord
from seedrender.values.job import JobId
from seedrender.values.manifest import PollSchedule
from tests import virtual
from tests.builders import entry, record
from tests.scripted import Scripted


class Noticing(Pace):
    """Notes how long everybody is to wait."""

    def __init__(self) -> None:
        super().__init__(6000)
        self.held_s: list[float] = []

    def too_fast(self, retry_after_s: float) -> None:
        self.held_s.append(retry_after_s)


def desk(pace: Pace, speed: float = 1.0) -> Desk:
    provider = Scripted()
    provider.limits = replace(provider.limits, speed=speed)
    nobody = cast(Any, None)
    return Desk(
        provider=provider,
        store=nobody,
        files=nobody,
        inputs=nobody,
        slots=Slots(4),
        pace=pace,
        gate=Gate(),
        poll=PollSchedule(),
        listener=nobody,
    )


def waits(error: Exception, attempt: int, speed: float = 1.0) -> tuple[float, float, list[float]]:
    """The shortest and the longest wait of many, and what everybody is told to wait."""
    pace = Noticing()
    at = desk(pace, speed)
    random.seed(1)
    found = [at.wait_s(error, attempt) for _ in range(200)]
    return min(found), max(found), pace.held_s


@pytest.mark.parametrize(
    ("attempt", "speed", "wait_s"),
    [
        pytest.param(1, 1.0, 2.0, id="two seconds"),
        pytest.param(3, 1.0, 8.0, id="longer each time"),
        pytest.param(6, 1.0, 60.0, id="a minute at most"),
        pytest.param(9999, 1.0, 60.0, id="whatever the number"),
        pytest.param(3, 4.0, 2.0, id="a simulator's seconds are shorter"),
    ],
)
def test_who_is_troubled_waits_longer_each_time_by_half_more_or_less(
    attempt: int, speed: float, wait_s: float
) -> None:
    least, most, held_s = waits(UnavailableError("refused"), attempt, speed)

    assert 0.5 * wait_s <= least < 0.52 * wait_s
    assert 1.48 * wait_s < most <= 1.5 * wait_s
    assert held_s == []


def test_a_provider_that_counts_requests_makes_everybody_wait_at_least_as_long_as_it_says() -> None:
    least, most, held_s = waits(RateLimitedError("later", retry_after_s=100.0), 1)

    assert 100 <= least < 101
    assert 119 < most <= 120
    assert len(held_s) == 200
    assert 100 <= min(held_s) < 101


def test_nobody_waits_for_a_day_whatever_a_provider_asks_for() -> None:
    least, most, _ = waits(RateLimitedError("later", retry_after_s=86_400.0), 1)

    assert 900 <= least < most <= 1080


def test_a_provider_that_asks_for_less_than_our_own_wait_gets_ours() -> None:
    least, _, held_s = waits(RateLimitedError("later", retry_after_s=1.0), 6)

    assert 30 <= least < 32
    assert max(held_s) <= 1.2


def test_one_that_does_not_say_how_long_gets_our_own_wait_and_everybody_is_slowed_down() -> None:
    least, most, held_s = waits(RateLimitedError("later"), 2)

    assert 2 <= least < most <= 6
    assert held_s == [0.0] * 200


def test_too_many_tasks_at_once_slow_nobody_else_down() -> None:
    error = RateLimitedError("too many", retry_after_s=10.0, is_concurrency=True)

    least, _, held_s = waits(error, 1)

    assert (least >= 10, held_s) == (True, [])


class Shelves:
    """Notes what is kept, in a store or in a purse."""

    def __init__(self, kept: list[object]) -> None:
        self._kept = kept

    async def keep(self, event: LockEntry) -> None:
        self._kept.append(event)

    def note(self, job: JobId, found: TaskRecord) -> None:
        self._kept.append((job, found))


def test_a_fact_goes_to_disk_before_anything_else_is_done_with_it() -> None:
    kept: list[object] = []
    shelves = cast(Any, Shelves(kept))
    at = replace(desk(Noticing()), store=shelves, purse=shelves)

    virtual.run(at.keep(JobId("spin"), record("c1")))

    assert kept == [entry("spin", record("c1")), ("spin", record("c1"))]
