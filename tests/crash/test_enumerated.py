"""A run dies at every moment at which it can, each is resumed, and the ledger is compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from seedrender.lock import lockfile
from seedrender.run import store
from tests.builders import entry, record
from tests.crash.enumerated import enumerate_crashes
from tests.crash.film import SHORT, STALE
from tests.crash.images import JOURNAL, LOCK


@pytest.mark.parametrize(
    ("route", "resumed"), [pytest.param("modellix", 40), pytest.param("sim", 30)]
)
def test_a_run_that_dies_at_any_moment_is_resumed_and_pays_nothing_twice(
    tmp_path: Path, route: str, resumed: int
) -> None:
    totals = enumerate_crashes(tmp_path, route, SHORT)

    counts = totals.counts
    assert totals.broken == [], totals
    assert counts["steps"] > 200
    assert (
        counts["killed"] + counts["killed, sent"] + counts["power lost"] + counts["torn"] > resumed
    )
    assert counts["cuts"] > 2000


@pytest.mark.xfail(reason="a crash behind its move loses track of a clip that is replaced")
def test_a_clip_that_is_replaced_is_known_after_any_crash(tmp_path: Path) -> None:
    totals = enumerate_crashes(tmp_path, "modellix", STALE, each_byte=100)

    assert [row for row in totals.broken if row.kind in ("wrong clip", "lost")] == []


@pytest.mark.xfail(reason="the journal's own name is not synced where the lockfile needs no write")
def test_the_journal_outlives_a_loss_of_power_on_a_strict_file_system(tmp_path: Path) -> None:
    totals = enumerate_crashes(tmp_path, "modellix", STALE, each_byte=100, is_strict=True)

    assert [row for row in totals.broken if row.kind == "unrecorded"] == []


@pytest.mark.xfail(reason="where all is done, a journal is not folded in")
def test_a_crash_behind_the_last_note_leaves_no_journal_for_good(tmp_path: Path) -> None:
    totals = enumerate_crashes(tmp_path, "sim", STALE, each_byte=100)

    assert [row for row in totals.broken if row.kind == "left behind"] == []


@pytest.mark.xfail(reason="the journal is decoded before its torn line is cut off")
def test_a_journal_that_is_torn_inside_a_letter_is_read(tmp_path: Path) -> None:
    header = b'{"journal": 1}\n'
    line = lockfile.entry_line(entry("spin", record(error="雨"))).encode()
    (tmp_path / JOURNAL).write_bytes(header + line + line[: line.index("雨".encode()) + 1])

    found = store.read(tmp_path / LOCK, "film.yaml")

    assert list(found.entries) == ["spin"]
