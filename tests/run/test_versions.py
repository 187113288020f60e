"""Other versions of a lockfile beside it, as a cloud drive leaves them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seedrender.errors import LockError
from seedrender.lock import fold, lockfile
from seedrender.project.files import write_atomically
from seedrender.project.purchases import PurchaseLog
from seedrender.run import versions
from seedrender.values.entry import Lock, LockEntry
from tests.builders import entry, record

NAME = "film.yaml"
COPY = "film (Ben's conflicted copy).lock"
OURS, THEIRS = entry("a", record("c1", provider="ark")), entry("b", record("c2", provider="ark"))


def lock(*entries: LockEntry) -> Lock:
    return fold.fold(Lock(manifest=NAME), entries)


def check(folder: Path, known: Lock) -> None:
    versions.check(folder / "film.lock", NAME, known)


@pytest.mark.parametrize("place", [COPY, f".seedrender/{COPY}", "film.lock.conflict1"])
def test_a_version_that_knows_more_stops_the_buying_and_says_how_the_two_are_joined(
    tmp_path: Path, place: str
) -> None:
    (tmp_path / ".seedrender").mkdir()
    (tmp_path / place).write_text(lockfile.dumps(lock(OURS, THEIRS)))

    with pytest.raises(LockError, match=r"another version of film\.lock, with paid tasks"):
        check(tmp_path, lock(OURS))
    check(tmp_path, lock(OURS, THEIRS))
    assert PurchaseLog(tmp_path / "film.lock").keep(lock(THEIRS), write_atomically) == ""
    check(tmp_path, lock(OURS))


def test_what_cannot_be_read_or_is_anothers_or_was_simulated(tmp_path: Path) -> None:
    check(tmp_path, lock())
    (tmp_path / "act.lock").write_text(lockfile.dumps(Lock(manifest="act.yaml", entries={})))
    (tmp_path / COPY).write_text(lockfile.dumps(lock(entry("b", record("c2")))))
    check(tmp_path, lock())
    (tmp_path / COPY).write_text('{"lock": 1, "manifest": "film.yaml"}\nnonsense\n')

    with pytest.raises(LockError, match=r"another version of film\.lock, and cannot be read"):
        check(tmp_path, lock())


def test_a_version_of_the_journal_counts_too(tmp_path: Path) -> None:
    header = json.dumps({"journal": 1, "manifest": NAME}).encode() + b"\n"
    (tmp_path / "film.lock.journal~").write_bytes(header + lockfile.journal_line(THEIRS))

    with pytest.raises(LockError, match=r"film\.lock\.journal~ is another version of film\.lock"):
        check(tmp_path, lock(OURS))
    check(tmp_path, lock(THEIRS))


def test_its_own_files_are_no_other_versions_nor_are_other_names_of_them(tmp_path: Path) -> None:
    (tmp_path / "film.lock").write_text(lockfile.dumps(lock(OURS)))
    (tmp_path / "film.LOCK").hardlink_to(tmp_path / "film.lock")  # as where letters are one
    assert PurchaseLog(tmp_path / "film.lock").keep(lock(OURS), write_atomically) == ""

    check(tmp_path, lock())
