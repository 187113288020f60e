"""What lies beside a manifest and belongs to one that is gone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seedrender.errors import LockError
from seedrender.lock import lockfile
from seedrender.project.left_behind import LeftBehind
from seedrender.project.lock_read import is_gone
from seedrender.values.entry import JobState, Lock, LockEntry
from tests.builders import clip, entry, record

DONE = entry("a", record("c1", JobState.SUCCEEDED), output=clip("c1", "renders/a.mp4"))
FLIES = entry("b", record("c2"))


def lockfile_of(path: Path, manifest: str, *entries: LockEntry) -> Path:
    path.parent.mkdir(exist_ok=True)
    lock = Lock(manifest=manifest, entries={one.job: one for one in entries})
    path.write_text(lockfile.dumps(lock), "utf-8")
    return path


def journal_of(path: Path, manifest: str, *entries: LockEntry) -> Path:
    header = json.dumps({"journal": 1, "manifest": manifest}).encode() + b"\n"
    path.write_bytes(header + b"".join(map(lockfile.journal_line, entries)))
    return path


def left(folder: Path) -> LeftBehind:
    return LeftBehind(folder / "film.lock")


def test_lockfile_journal_and_memory_of_a_manifest_that_is_gone_are_found(tmp_path: Path) -> None:
    lockfile_of(tmp_path / "old.lock", "old.yaml", DONE)
    journal_of(tmp_path / "old.lock.journal", "old.yaml", FLIES)
    lockfile_of(tmp_path / ".seedrender/older.lock", "older.yaml", entry("c", record("c3")))

    found = left(tmp_path)

    assert sorted(found.lock.entries) == ["a", "b", "c"]
    assert sorted(found.before.entries if found.before else ()) == ["a", "b"]  # of old.yaml
    assert found.paths == frozenset()  # its own are there


def test_of_two_manifests_that_are_gone_none_is_what_this_was(tmp_path: Path) -> None:
    lockfile_of(tmp_path / "old.lock", "old.yaml", DONE)
    lockfile_of(tmp_path / "other.lock", "other.yaml", FLIES)

    found = left(tmp_path)

    assert found.before is None
    assert sorted(found.lock.entries) == ["a", "b"]
    assert found.paths == {"renders/a.mp4"}


def test_a_memory_alone_does_not_say_that_a_manifest_was_renamed(tmp_path: Path) -> None:
    lockfile_of(tmp_path / ".seedrender/old.lock", "old.yaml", DONE)

    assert left(tmp_path).before is None


@pytest.mark.parametrize("name", ["film.lock", "film.lock.journal", ".seedrender/film.lock"])
def test_what_is_the_films_own_by_its_name_is_read_elsewhere(tmp_path: Path, name: str) -> None:
    write = journal_of if name.endswith("journal") else lockfile_of
    write(tmp_path / name, "old.yaml", DONE)

    assert not left(tmp_path).lock.entries


def test_what_belongs_to_a_manifest_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").touch()
    lockfile_of(tmp_path / "other.lock", "other.yaml", DONE)

    assert not left(tmp_path).lock.entries


@pytest.mark.parametrize("name", ["film.lock.journal", ".seedrender/film.lock.journal"])
def test_what_was_left_in_a_folder_that_git_renamed_is_found(tmp_path: Path, name: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "now").mkdir()
    (tmp_path / "before/.seedrender").mkdir(parents=True)
    journal_of(tmp_path / "before" / name, "film.yaml", FLIES, DONE)

    found = left(tmp_path / "now")

    assert dict(found.lock.entries) == {"a": DONE, "b": FLIES}
    assert (found.before, found.paths) == (None, frozenset())


def test_what_a_manifest_that_was_moved_alone_had_bought_is_found(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "now").mkdir()
    lockfile_of(tmp_path / "before/film.lock", "film.yaml", DONE)

    assert dict(left(tmp_path / "now").lock.entries) == {"a": DONE}
    (tmp_path / "before/film.yaml").touch()  # which was copied
    assert not left(tmp_path / "now").lock.entries


def test_what_is_in_flight_in_a_folder_whose_film_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for folder in ("now", "other", ".hidden"):
        (tmp_path / folder).mkdir()
    (tmp_path / "other/film.yaml").touch()
    journal_of(tmp_path / "other/film.lock.journal", "film.yaml", FLIES)
    journal_of(tmp_path / ".hidden/film.lock.journal", "film.yaml", FLIES)

    assert not left(tmp_path / "now").lock.entries


def test_what_cannot_be_read_in_another_folder_is_named_with_its_place(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "now").mkdir()
    (tmp_path / "before").mkdir()
    path = journal_of(tmp_path / "before/film.lock.journal", "film.yaml", FLIES)
    path.write_bytes(path.read_bytes() + b"{broken\n")

    with pytest.raises(LockError, match=r"^\.\./before/film\.lock\.journal is of a manifest"):
        _ = left(tmp_path / "now").lock


@pytest.mark.parametrize("harm", [b"\n{broken\n", b"\n\xff\n"])
def test_what_cannot_be_read_stops_the_buying_and_says_whose_it_is(
    tmp_path: Path, harm: bytes
) -> None:
    path = lockfile_of(tmp_path / "old.lock", "old.yaml", DONE)
    path.write_bytes(path.read_bytes() + harm)
    found = left(tmp_path)

    with pytest.raises(LockError, match=r"old\.lock is of a manifest that is gone, old\.yaml"):
        _ = found.lock
    assert found.paths == frozenset()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b.yaml", "a\0.yaml", "a\n.yaml"])
def test_a_name_that_is_no_files_is_not_gone(tmp_path: Path, name: str) -> None:
    assert not is_gone(tmp_path, name)
