"""Lockfiles, journals and memories are known by their first line, whatever they are called."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from seedrender.errors import LockError
from seedrender.lock import lockfile, merge
from seedrender.project import lock_files
from seedrender.project.files import NewFile
from seedrender.values.entry import JobState, Lock, LockEntry
from tests.builders import entry, record

ONE = entry("a", record("c1", JobState.SUCCEEDED))
OTHER = entry("b", record("c2"))


def text_of(*entries: LockEntry) -> bytes:
    lock = Lock(manifest="film.yaml", entries={one.job: one for one in entries})
    return lockfile.dumps(lock).encode()


@pytest.mark.parametrize(
    "name",
    [
        "film.lock",
        "film (Ben's conflicted copy).lock",
        "film.sync-conflict-20261201-101010-ABCDEFG.lock",
        "film.lock.conflict1",  # rclone
        "film.lock..path1",
        "film.lock (1)",
        "film.lock.orig",  # git mergetool
        "film.lock~",
        "film.LOCK",
        ".film.lock.mine",
        ".seedrender/film.lock.conflict1",
    ],
)
def test_a_copy_is_known_under_every_name(tmp_path: Path, name: str) -> None:
    (tmp_path / ".seedrender").mkdir()
    (tmp_path / name).write_bytes(text_of(ONE))

    (found,) = lock_files.in_folder(tmp_path)

    assert (found.path, found.manifest, found.folder) == (tmp_path / name, "film.yaml", tmp_path)
    assert found.is_left
    (tmp_path / "film.yaml").touch()
    assert not found.is_left
    assert found.read() == (ONE,)


@pytest.mark.parametrize("name", ["film.lock.journal", "film.lock (Ben's copy).journal"])
def test_a_journal_is_known_by_its_first_line(tmp_path: Path, name: str) -> None:
    header = json.dumps({"journal": 1, "manifest": "film.yaml"}).encode() + b"\n"
    (tmp_path / name).write_bytes(header + lockfile.journal_line(OTHER) + b'{"job": "torn')

    (found,) = lock_files.in_folder(tmp_path)

    assert (found.is_journal, found.read()) == (True, (OTHER,))


def test_of_what_git_has_not_merged_both_sides_are_read(tmp_path: Path) -> None:
    marked = merge.marked(text_of(ONE), text_of(OTHER))
    (tmp_path / "film.lock.orig").write_bytes(marked)

    (found,) = lock_files.in_folder(tmp_path)

    assert sorted(one.job for one in found.read()) == ["a", "b"]


def test_what_is_damaged_is_known_and_cannot_be_read(tmp_path: Path) -> None:
    for name, harm in (("a.lock", b"nonsense\n"), ("b.lock", b"\xff\n")):
        (tmp_path / name).write_bytes(text_of(ONE) + harm)

    for found in lock_files.in_folder(tmp_path):
        with pytest.raises(LockError, match=found.path.name):
            found.read()


@pytest.mark.parametrize(
    "text", ["", "# poetry\n", "[1]\n", '{"lock": 1}\n', '{"lock": 1, "manifest": 3}\n', "[" * 9999]
)
def test_those_of_other_tools_are_none_of_ours(tmp_path: Path, text: str) -> None:
    (tmp_path / "poetry.lock").write_text(text)

    assert not [*lock_files.in_folder(tmp_path)]


def test_what_was_read_already_or_is_being_written_does_not_count(tmp_path: Path) -> None:
    for name in ("film.lock.damaged-1", "film.lock.journal.damaged-2", "film.lock.aside-1"):
        (tmp_path / name).write_bytes(text_of(ONE))
    new = NewFile(tmp_path / "film.lock")
    new.file.write(text_of(ONE))
    new.file.flush()

    assert not [*lock_files.in_folder(tmp_path)]
    new.discard()


def test_pipes_and_links_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "old.lock")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/old").write_bytes(text_of(ONE))
    (tmp_path / "link.lock").symlink_to(tmp_path / "out/old")

    assert not [*lock_files.in_folder(tmp_path)]
    assert not [*lock_files.in_folder(tmp_path / "not there")]


def test_those_of_the_other_folders_of_the_repository_are_found(tmp_path: Path) -> None:
    for folder in (".git", "now", "old/.seedrender", "old/below", ".hidden"):
        (tmp_path / folder).mkdir(parents=True)
    names = ["film.lock", "old/.seedrender/film.lock", "old/below/film.lock.conflict1"]
    for name in (*names, "now/film.lock", ".hidden/film.lock"):
        (tmp_path / name).write_bytes(text_of(ONE))

    found = lock_files.in_other_folders(tmp_path / "now")

    assert [file.path.relative_to(tmp_path).as_posix() for file in found] == names


def test_a_folder_of_notes_that_leads_outside_the_repository_is_not_read(tmp_path: Path) -> None:
    for folder in ("home/.git", "home/now", "home/other", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "elsewhere/film.lock").write_bytes(text_of(ONE))
    for folder in ("now", "other"):
        (tmp_path / f"home/{folder}/.seedrender").symlink_to(tmp_path / "elsewhere")

    assert not [*lock_files.in_folder(tmp_path / "home/now")]
    assert not [*lock_files.in_other_folders(tmp_path / "home/now")]


def test_a_file_of_any_size_is_not_read_whole(tmp_path: Path) -> None:
    with (tmp_path / "film.lock").open("wb") as file:
        file.write(text_of(ONE))
        file.truncate(1 << 40)  # a terabyte that takes no room

    (found,) = lock_files.in_folder(tmp_path)

    assert found.digests() == frozenset()
    with pytest.raises(LockError, match="larger than 512 MiB"):
        found.read()
