from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from seedrender.run.lifetimes import expected_wait_s, lapses_at
from seedrender.values.entry import LockEntry
from tests.builders import T0, entry, record

END = datetime(2026, 11, 25, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("X-Amz-Date=20261125T120000Z&X-Amz-Expires=7200&X-Amz-Signature=x", id="s3"),
        pytest.param("x-goog-date=20261125T120000Z&x-goog-expires=7200", id="google"),
        pytest.param("X-Tos-Date=20261125T120000Z&X-Tos-Expires=7200", id="tos"),
        pytest.param(f"Expires={int(END.timestamp())}&Signature=x", id="seconds"),
        pytest.param("se=2026-11-25T14%3A00%3A00Z&sig=x", id="azure"),
    ],
)
def test_a_signed_link_says_how_long_it_holds(query: str) -> None:
    assert lapses_at(f"https://cdn.example/a.png?{query}") == END


@pytest.mark.parametrize(
    "query",
    ["", "v=3", "X-Amz-Date=today&X-Amz-Expires=1", "X-Amz-Date=20261125T120000Z&X-Amz-Expires=9" + "9" * 30, "expires=never", "se=soon&sig=x"],
)  # fmt: skip
def test_what_says_nothing_holds_as_far_as_we_know(query: str) -> None:
    assert lapses_at(f"https://cdn.example/a.png?{query}") is None


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
