"""A run dies at every moment at which it can, each is resumed, and the ledger is compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.enumerated import enumerate_crashes
from tests.crash.film import SHORT, STALE


@pytest.mark.parametrize(
    ("route", "resumed"), [pytest.param("modellix", 40), pytest.param("sim", 30)]
)
def test_a_run_that_dies_at_any_moment_is_resumed_and_pays_nothing_twice(
    tmp_path: Path, route: str, resumed: int
) -> None:
    totals = enumerate_crashes(tmp_path, route, SHORT)

    counts = totals.counts
    assert [row for row in totals.broken if not row.kind.endswith("--resubmit")] == [], totals
    assert counts["steps"] > 150
    assert (
        counts["killed"] + counts["killed, sent"] + counts["power lost"] + counts["torn"] > resumed
    )
    assert counts["cuts"] > 2000


@pytest.mark.parametrize("route", ["modellix", "sim"])
def test_a_clip_that_is_replaced_is_known_after_any_crash(tmp_path: Path, route: str) -> None:
    totals = enumerate_crashes(tmp_path, route, STALE, each_byte=20)

    assert totals.broken == [], totals
    assert totals.counts["killed"] > 15


def test_a_loss_of_power_forgets_nothing_on_a_strict_file_system(tmp_path: Path) -> None:
    totals = enumerate_crashes(tmp_path, "modellix", STALE, each_byte=100, is_strict=True)

    assert totals.broken == [], totals


def test_a_second_lost_answer_is_told_as_the_first_one_is(tmp_path: Path) -> None:
    totals = enumerate_crashes(tmp_path, "modellix", SHORT, each_byte=1000)

    assert totals.broken == [], totals
