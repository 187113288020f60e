"""A run dies at every moment at which it can, each is resumed, and the ledger is compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.enumerated import Totals, enumerate_crashes
from tests.crash.film import ROUTES, SHORT, STALE

_NOISE = 12  # steps more or less from run to run: sockets are read in pieces


def is_all_enumerated(totals: Totals) -> bool:
    """Say whether every moment that a run had was stopped at."""
    found, wanted = totals.counts, totals.there_are
    names = ("disk operations", "journal writes")
    return all(found[name] == wanted[name] > 0 for name in names) and (
        abs(found["steps"] - wanted["steps"]) <= _NOISE < wanted["steps"]
    )


@pytest.mark.parametrize("route", ROUTES)
def test_a_run_that_dies_at_any_moment_is_resumed_and_pays_nothing_twice(
    tmp_path: Path, route: str
) -> None:
    totals = enumerate_crashes(tmp_path, route, SHORT, each_byte=9)

    assert totals.broken == [], totals
    assert is_all_enumerated(totals), totals.there_are


@pytest.mark.parametrize("route", ROUTES)
def test_a_clip_that_is_replaced_is_known_after_any_crash(tmp_path: Path, route: str) -> None:
    totals = enumerate_crashes(tmp_path, route, STALE, each_byte=9)

    assert totals.broken == [], totals
    assert is_all_enumerated(totals), totals.there_are
