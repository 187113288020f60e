from __future__ import annotations

import errno
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.errors import ArtifactError, StorageError
from seedrender.project import files
from seedrender.project.files import (
    NewFile,
    copy_file,
    move_file,
    new_file,
    replace_file,
    sha256,
    sync_folder,
    tidy,
    write_atomically,
    writing,
)
from tests.crash.disk import Disk

GONE_PID = 2**22 + 1  # beyond the most that Linux gives out


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refuse(number: int, kind: str, times: int = 1_000) -> Disk:
    """Return a disk that refuses a kind of change so often."""
    left = [times]

    def before(what: str, _path: Path) -> None:
        if what == kind and left[0]:
            left[0] -= 1
            raise OSError(number, os.strerror(number))

    return Disk(Path("/"), before=before)


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_a_file_is_the_old_one_or_the_new_one_whole(old: bytes, new: bytes) -> None:
    with TemporaryDirectory() as folder:
        place = Path(folder) / "a.mp4"
        place.write_bytes(old)

        with new_file(place) as made:
            made.file.write(new)
            before = place.read_bytes()
            made.place()

        assert (before, place.read_bytes()) == (old, new)


def test_what_is_not_placed_is_taken_away(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), new_file(tmp_path / "a.mp4"):
        raise ZeroDivisionError

    assert names(tmp_path) == []


def test_two_files_in_the_making_never_share_a_name(tmp_path: Path) -> None:
    with new_file(tmp_path / "a.mp4") as one, new_file(tmp_path / "a.mp4") as other:
        one.file.write(b"one")
        other.file.write(b"other")
        other.place()
        one.place()

    assert (tmp_path / "a.mp4").read_bytes() == b"one"
    assert names(tmp_path) == ["a.mp4"]


@pytest.mark.parametrize("name", ["a" * 200 + ".mp4", "é" * 120 + ".mp4", "a.mp4"])
def test_a_temporary_name_is_short_hidden_and_says_what_it_is(tmp_path: Path, name: str) -> None:
    with new_file(tmp_path / name) as new:
        assert new.path.parent == tmp_path
        assert new.path.name[0] == "."
        assert new.path.suffix == ".part"
        assert len(os.fsencode(new.path.name)) < 100


def test_a_link_in_the_place_gives_way_and_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "plan.json").symlink_to(victim)

    write_atomically(tmp_path / "plan.json", "new")

    assert victim.read_text() == "precious"
    assert not (tmp_path / "plan.json").is_symlink()
    assert (tmp_path / "plan.json").read_text() == "new"


def test_a_name_that_is_taken_already_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / ".planted.part").symlink_to(victim)

    planted = patch.object(files, "_temporary_name", return_value=".planted.part")
    with planted, pytest.raises(FileExistsError):
        NewFile(tmp_path / "plan.json")

    assert victim.read_text() == "precious"


def test_a_new_file_has_the_rights_that_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a", "x")
    finally:
        os.umask(before)

    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "number", [errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.ENOSYS]
)
def test_a_file_system_that_syncs_no_folder_is_no_error(tmp_path: Path, number: int) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112 - a descriptor
            raise OSError(number, os.strerror(number))
        real(descriptor)

    with patch("os.fsync", fsync):
        assert not sync_folder(tmp_path)
        write_atomically(tmp_path / "a", "x")

    assert sync_folder(tmp_path)


def test_a_disk_that_fails_while_a_folder_is_synced_is_an_error(tmp_path: Path) -> None:
    with refuse(errno.EIO, "fsync"), pytest.raises(OSError, match="Input/output"):
        sync_folder(tmp_path)


@pytest.mark.parametrize("number", [errno.EBUSY, errno.ETXTBSY, errno.EACCES])
def test_a_file_that_another_program_has_open_on_a_share_is_tried_again(
    tmp_path: Path, number: int
) -> None:
    (tmp_path / "a").write_text("a")

    with refuse(number, "rename", times=2):
        replace_file(tmp_path / "a", tmp_path / "b")

    assert names(tmp_path) == ["b"]


def test_one_that_stays_in_use_is_said(tmp_path: Path) -> None:
    with refuse(errno.EBUSY, "rename"), pytest.raises(StorageError, match="busy"), writing("a"):
        write_atomically(tmp_path / "a", "x")

    assert names(tmp_path) == []


def test_a_move_to_another_file_system_is_a_copy_that_is_checked(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"clip" * 100_000)
    digest = sha256(tmp_path / "a")

    with refuse(errno.EXDEV, "rename", times=1):
        move_file(tmp_path / "a", tmp_path / "deep/er/b", digest)

    assert sha256(tmp_path / "deep/er/b") == digest
    assert names(tmp_path) == ["deep"]


def test_a_copy_with_other_bytes_replaces_nothing_and_takes_nothing_away(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"changed")
    (tmp_path / "b").write_bytes(b"in place")

    with pytest.raises(ArtifactError, match="changed while"):
        copy_file(tmp_path / "a", tmp_path / "b", "0" * 64)

    assert (tmp_path / "b").read_bytes() == b"in place"
    assert names(tmp_path) == ["a", "b"]


def test_what_killed_runs_left_is_taken_away_and_nothing_else(tmp_path: Path) -> None:
    node = files._node()
    ours = f".a.mp4.{node}-{os.getppid():x}-00000000.part"
    elsewhere = ".a.mp4.000000-1-00000000.part"
    kept = [ours, elsewhere, ".a.mp4.part", "a.mp4.part", f".a.{node}-zz-00000000.part"]
    old = ".b.mp4.000000-1-00000000.part"
    for name in (*kept, old, f".a.mp4.{node}-{GONE_PID:x}-00000000.part"):
        (tmp_path / name).write_text("x")
    os.utime(tmp_path / old, (0, 0))
    (tmp_path / f".c.{node}-{GONE_PID:x}-00000000.part").symlink_to("a.mp4.part")

    tidy(tmp_path)

    assert set(names(tmp_path)) == {*kept, f".c.{node}-{GONE_PID:x}-00000000.part"}


def test_what_is_being_written_is_not_tidied_away_and_what_this_process_gave_up_is(
    tmp_path: Path,
) -> None:
    with new_file(tmp_path / "a") as new:
        (tmp_path / new.path.name.replace(".a.", ".b.")).write_text("of a crash that was played")

        tidy(tmp_path)

        assert names(tmp_path) == [new.path.name]


def test_a_folder_that_is_not_there_needs_no_tidying(tmp_path: Path) -> None:
    tidy(tmp_path / "gone")
