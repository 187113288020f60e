"""Who holds a manifest, whatever happens to its files meanwhile."""

from __future__ import annotations

import errno
import fcntl
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.errors import LockError, LockHeldError
from seedrender.project.folder_mark import FolderMark
from seedrender.project.hold import Hold, hold_path, holding, journal_path

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own in it
is_linux = pytest.mark.skipif(sys.platform != "linux", reason="folders have marks on Linux only")


def lock_path(folder: Path) -> Path:
    return folder / "film.lock"


def new_hold(folder: Path) -> Hold:
    return Hold(lock_path(folder), folder / "film.yaml")


def write(folder: Path) -> None:
    (folder / "film.yaml").write_text("seedrender: 1\n")


def save(folder: Path) -> None:
    """Do as an editor does: write beside it, and rename."""
    (folder / "film.yaml~").write_text("seedrender: 1\n")
    (folder / "film.yaml~").rename(folder / "film.yaml")


def clean(folder: Path) -> None:
    """Do as `git clean -fdx` does."""
    shutil.rmtree(folder / ".seedrender", ignore_errors=True)
    for path in folder.glob("film.lock*"):
        path.unlink()


def stash(folder: Path) -> None:
    """Do as `git stash -u` does with all that git sees, ignored files included."""
    clean(folder)
    save(folder)


def remove_journal(folder: Path) -> None:
    journal_path(lock_path(folder)).unlink(missing_ok=True)


def remove_hold_file(folder: Path) -> None:
    hold_path(lock_path(folder)).unlink(missing_ok=True)


def exchange_journal(folder: Path) -> None:
    journal = journal_path(lock_path(folder))
    journal.with_suffix(".new").write_bytes(b"")
    journal.with_suffix(".new").rename(journal)


def set_hold_file_aside(folder: Path) -> None:
    """Rename the folder of the hold file, or bring it back."""
    here, there = folder / ".seedrender", folder / "aside"
    if there.exists():
        shutil.rmtree(here, ignore_errors=True)
        there.rename(here)
    elif here.exists():
        here.rename(there)


class Table:
    """Two runs and a world that meddles; what breaks the law is an assertion that fails."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs: list[Hold | None] = [None, None]
        self.was_lost = [False, False]
        write(folder)

    def start(self, number: int) -> None:
        if self.runs[number] is not None:
            return
        run = new_hold(self.folder)
        try:
            run.take()
        except LockHeldError:
            run.release()
            return
        self.runs[number] = run
        self.was_lost[number] = False

    def end(self, number: int) -> None:
        run = self.runs[number]
        if run is not None:
            run.remove_journal()
            run.release()
        self.runs[number] = None

    def may_submit(self) -> list[int]:
        """Return the runs that pass the check before a request, which never pass it again after."""
        passing = []
        for number, run in enumerate(self.runs):
            if run is not None and run.is_ours():
                assert not self.was_lost[number], "what is lost stays lost"
                passing.append(number)
            elif run is not None:
                self.was_lost[number] = True
        return passing

    def close(self) -> None:
        for number in (0, 1):
            self.end(number)


WORLD: dict[str, Callable[[Path], None]] = {
    "save": save,
    "clean": clean,
    "stash": stash,
    "rm journal": remove_journal,
    "rm hold": remove_hold_file,
    "mv journal": exchange_journal,
    "mv hold": set_hold_file_aside,
}
RUNS: dict[str, Callable[[Table], None]] = {
    "start 0": lambda table: table.start(0),
    "start 1": lambda table: table.start(1),
    "end 0": lambda table: table.end(0),
    "end 1": lambda table: table.end(1),
}
CHECK = "check"  # of both


@contextmanager
def table() -> Iterator[Table]:
    root = MEMORY if MEMORY.is_dir() else None
    with TemporaryDirectory(dir=root, prefix="seedrender-") as name:
        found = Table(Path(name))
        try:
            yield found
        finally:
            found.close()


def play(steps: tuple[str, ...]) -> Iterator[Table]:
    with table() as found:
        for step in steps:
            if step in WORLD:
                WORLD[step](found.folder)
            elif step in RUNS:
                RUNS[step](found)
            if step == CHECK:
                passing = found.may_submit()
                assert len(passing) <= 1, (steps, "two runs may submit")
            yield found


@is_linux
def test_no_second_run_begins_while_the_first_is_alive_whatever_is_done_to_the_files() -> None:
    for meddled in itertools.product([*WORLD, CHECK], repeat=3):
        for found in play(("start 0", *meddled, "start 1", CHECK)):
            assert found.runs[1] is None, meddled


@pytest.mark.parametrize("first", [*WORLD])
def test_without_marks_two_runs_never_pass_the_check(
    first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FolderMark, "is_elsewhere", lambda _: False)
    words = [*WORLD, CHECK, "start 1"]

    for others in itertools.product(words, repeat=2):
        for _ in play(("start 0", first, *others, "start 1", CHECK, CHECK)):
            pass


STEPS = st.lists(st.sampled_from([*WORLD, *RUNS, CHECK]), min_size=4, max_size=14)


@given(STEPS)
def test_at_most_one_run_may_submit_at_a_time_and_none_again_once_it_is_lost(
    steps: list[str],
) -> None:
    for found in play((*steps, CHECK)):
        alive = [run for run in found.runs if run is not None]
        assert sys.platform != "linux" or len(alive) <= 1


@pytest.mark.parametrize(
    ("meddle", "is_lost"),
    [
        (save, False),
        (clean, True),
        (stash, True),
        (remove_journal, True),
        (remove_hold_file, True),
        (exchange_journal, True),
        (set_hold_file_aside, True),
        (lambda folder: (folder / "film.yaml").unlink(), False),
        (lambda folder: (folder / "film.lock").write_text("x"), False),
    ],
)
def test_a_run_goes_on_where_every_other_one_must_still_meet_it(
    tmp_path: Path,
    meddle: Callable[[Path], None],
    is_lost: bool,  # noqa: FBT001 - a row of the table
) -> None:
    write(tmp_path)
    with holding(lock_path(tmp_path), tmp_path / "film.yaml") as run:
        meddle(tmp_path)

        assert run.is_ours() is not is_lost
        with (
            pytest.raises(LockHeldError, match=r"film\.lock is held by another run"),
            holding(lock_path(tmp_path), tmp_path / "film.yaml"),
        ):
            pass


def test_what_was_removed_is_named(tmp_path: Path) -> None:
    write(tmp_path)
    with holding(lock_path(tmp_path), tmp_path / "film.yaml") as run:
        clean(tmp_path)
        run.is_ours()

        assert run.lost == (
            ".seedrender/film.lock.hold and film.lock.journal were removed or replaced during the "
            "run"
        )


def test_a_manifest_that_was_saved_is_locked_too_and_the_old_one_stays_so(tmp_path: Path) -> None:
    write(tmp_path)
    os.link(tmp_path / "film.yaml", tmp_path / "old.yaml")
    with holding(lock_path(tmp_path), tmp_path / "film.yaml") as run:
        for _ in range(12):
            save(tmp_path)
            assert run.is_ours()

        for name in ("film.yaml",):
            with pytest.raises(BlockingIOError), (tmp_path / name).open() as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize("way", ["linked folder", "linked manifest", "hard link", "linked lock"])
def test_runs_by_other_paths_meet(tmp_path: Path, way: str) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    write(one)
    if way == "linked folder":
        two.symlink_to(one)
    else:
        two.mkdir()
    if way == "linked manifest":
        (two / "film.yaml").symlink_to(one / "film.yaml")
    if way == "hard link":
        os.link(one / "film.yaml", two / "film.yaml")
    if way == "linked lock":
        write(two)
        (two / "film.lock").symlink_to(one / "film.lock")

    with (
        holding(lock_path(one), one / "film.yaml"),
        pytest.raises(LockHeldError) as caught,
        holding(lock_path(two).resolve(), two / "film.yaml"),
    ):
        pass

    assert f"process {os.getpid()}" in str(caught.value) or way == "hard link"
    assert way == "linked folder" or not (two / ".seedrender").exists()


def test_two_manifests_of_a_folder_run_at_once_and_end_without_each_others_files(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.yaml").write_text("a")
    (tmp_path / "b.yaml").write_text("b")
    with holding(tmp_path / "a.lock", tmp_path / "a.yaml") as one:
        with holding(tmp_path / "b.lock", tmp_path / "b.yaml") as other:
            assert one.is_ours()
            assert other.is_ours()

        assert one.is_ours()


def test_what_ends_removes_nothing_of_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FolderMark, "is_elsewhere", lambda _: False)
    write(tmp_path)
    first, second = new_hold(tmp_path), new_hold(tmp_path)
    first.take()
    stash(tmp_path)
    second.take()

    first.remove_journal()
    first.release()

    assert second.is_ours()
    second.release()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".seedrender", "film.yaml"]
    assert [path.name for path in (tmp_path / ".seedrender").iterdir()] == [".gitignore"]


def test_a_journal_with_facts_of_a_run_that_was_killed_is_left(tmp_path: Path) -> None:
    write(tmp_path)
    journal_path(lock_path(tmp_path)).write_bytes(b"facts\n")

    with holding(lock_path(tmp_path), tmp_path / "film.yaml"):
        pass

    assert journal_path(lock_path(tmp_path)).read_bytes() == b"facts\n"


@pytest.mark.parametrize("name", ["film.lock.journal", ".seedrender/film.lock.hold"])
@pytest.mark.parametrize("kind", ["link", "dangling link", "folder", "pipe"])
def test_what_is_planted_in_the_place_of_a_file_of_ours_is_refused_and_left(
    tmp_path: Path, name: str, kind: str
) -> None:
    write(tmp_path)
    (tmp_path / "precious").write_text("precious")
    (tmp_path / ".seedrender").mkdir()
    place = tmp_path / name
    if "link" in kind:
        place.symlink_to(tmp_path / ("precious" if kind == "link" else "not there"))
    elif kind == "folder":
        place.mkdir()
    else:
        os.mkfifo(place)

    with (
        pytest.raises(LockError, match=r"cannot be written .* nothing was sent"),
        holding(lock_path(tmp_path), tmp_path / "film.yaml"),
    ):
        pass

    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "not there").exists()


@pytest.fixture
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(_file: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", flock)
    monkeypatch.setattr(FolderMark, "is_elsewhere", lambda _: False)


def told(folder: Path) -> str:
    with (
        pytest.raises(LockHeldError) as caught,
        holding(lock_path(folder), folder / "film.yaml"),
    ):
        pass
    return str(caught.value)


def left_by(folder: Path, **told_of_it: object) -> None:
    path = hold_path(lock_path(folder))
    path.parent.mkdir(exist_ok=True)
    told_of_it = {"host": socket.gethostname(), "started_at": "2026-11-23T10:00:00Z"} | told_of_it
    path.write_text(json.dumps(told_of_it))


@pytest.mark.usefixtures("no_locks")
def test_without_locks_a_hold_file_that_is_made_exclusively_holds(tmp_path: Path) -> None:
    write(tmp_path)
    with holding(lock_path(tmp_path), tmp_path / "film.yaml") as run:
        words = told(tmp_path)

        assert run.is_ours()
        assert f"held by another run: process {os.getpid()} on " in words
        clean(tmp_path)
        assert not run.is_ours()

    with holding(lock_path(tmp_path), tmp_path / "film.yaml"):
        pass
    assert not hold_path(lock_path(tmp_path)).exists()


@pytest.mark.usefixtures("no_locks")
def test_without_locks_what_was_left_behind_is_named_and_never_taken(tmp_path: Path) -> None:
    write(tmp_path)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    command = "rm .seedrender/film.lock.hold"

    left_by(tmp_path, pid=ended.pid)
    gone = told(tmp_path)
    left_by(tmp_path, pid=os.getpid(), process_started=1)
    reused = told(tmp_path)
    left_by(tmp_path, pid=7, host="elsewhere")
    far = told(tmp_path)
    hold_path(lock_path(tmp_path)).write_text("?")
    nobody = told(tmp_path)

    assert f"was left by process {ended.pid} on {socket.gethostname()}, since 2026" in gone
    assert "which has ended" in gone
    assert "which has ended" in reused
    assert "held by process 7 on elsewhere, since 2026-11-23T10:00:00Z" in far
    assert "if it has ended, " in far
    assert "does not say whose it is" in nobody
    for words in (gone, reused, far, nobody):
        assert command in words
        assert words.endswith("; nothing was sent")
    assert hold_path(lock_path(tmp_path)).read_text() == "?"


@pytest.mark.usefixtures("no_locks")
def test_a_hold_file_of_a_process_of_which_only_the_number_is_known_is_held(tmp_path: Path) -> None:
    write(tmp_path)
    left_by(tmp_path, pid=os.getpid())

    assert "held by another run" in told(tmp_path)


def test_a_file_system_that_fails_otherwise_is_no_other_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(_file: int, _operation: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("fcntl.flock", flock)
    write(tmp_path)

    with (
        pytest.raises(LockError, match=r"film\.lock\.hold cannot be written .* nothing was sent"),
        holding(lock_path(tmp_path), tmp_path / "film.yaml"),
    ):
        pass


def test_nothing_is_held_in_a_folder_that_leads_outside(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    ours = tmp_path / "ours"
    ours.mkdir()
    write(ours)
    (ours / ".seedrender").symlink_to(tmp_path / "theirs")

    with (
        pytest.raises(LockError, match="cannot be written"),
        holding(lock_path(ours), ours / "film.yaml"),
    ):
        pass  # pragma: no cover - it is not reached

    assert list((tmp_path / "theirs").iterdir()) == []
    assert not journal_path(lock_path(ours)).exists()
