from __future__ import annotations

from datetime import timedelta
from typing import Any

from seedrender.run.lifetimes import expected_wait_s
from seedrender.values.entry import LockEntry
from tests.builders import T0, entry, record


def waited(seconds: float, name: str, **fields: Any) -> LockEntry:
    finished = T0 + timedelta(seconds=seconds)
    return entry(name, record(name, finished_at=finished, **fields))


def test_nineteen_of_twenty_jobs_are_done_within_the_expected_wait() -> None:
    entries = [waited(60.0 * n, f"s{n}") for n in range(1, 41)]

    assert expected_wait_s(entries, "sim") == 60.0 * 38


def test_the_providers_own_clock_goes_before_ours() -> None:
    entries = [waited(40_000.0, f"s{n}", render_s=900.0) for n in range(8)]

    assert expected_wait_s(entries, "sim") == 900.0


def test_of_another_route_or_few_tasks_nothing_is_concluded() -> None:
    few = [waited(5000.0, f"s{n}") for n in range(4)]
    other = [waited(5000.0, f"o{n}", provider="modellix") for n in range(9)]

    assert expected_wait_s([*few, *other], "sim") == 3600.0


def test_quick_jobs_leave_ten_minutes_all_the_same() -> None:
    assert expected_wait_s([waited(5.0, f"s{n}") for n in range(9)], "sim") == 600.0
