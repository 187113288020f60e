"""What is said to be safe where a lockfile cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from seedrender.errors import LockCorruptError
from seedrender.lock import fold, lockfile
from seedrender.project.files import write_atomically
from seedrender.project.hold import journal_path
from seedrender.project.purchases import PurchaseLog
from seedrender.run import store
from seedrender.values.entry import JobState, Lock, LockEntry
from tests.builders import clip, entry, record
from tests.run.git import Repository

NAME = "film.yaml"
REPAIR = "`seedrender lock repair film.yaml` keeps every line that can be read"
RESTORE = "`git restore --source=HEAD film.lock` is safe"
Harm = Callable[[bytes], bytes]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Type commands in the film's folder."""
    monkeypatch.chdir(tmp_path)


def done(job: str, name: str) -> LockEntry:
    return entry(job, record(name, JobState.SUCCEEDED, provider="ark"), output=clip(name))


def lock(*entries: LockEntry) -> Lock:
    return fold.fold(Lock(manifest=NAME), entries)


@pytest.fixture
def film(tmp_path: Path) -> Repository:
    """A film of which one task is committed."""
    repository = Repository(tmp_path)
    repository.render(done("a", "c1"))
    return repository


def advice(film: Repository) -> str:
    with pytest.raises(LockCorruptError) as caught:
        store.read(film.lock_path, NAME)
    return str(caught.value)


def damage(path: Path, old: bytes, new: bytes) -> None:
    assert old in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(old, new, 1))


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda text: text[:-9], id="torn"),
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda text: b"\x00" * len(text), id="zeroes"),
        pytest.param(lambda text: text.replace(b"2026", b"\xff\xff"), id="no text"),
        pytest.param(lambda text: text.replace(b'"sha256": "', b'"sha256": "!'), id="odd"),
    ],
)
def test_where_the_commit_knows_all_that_can_be_made_out_restoring_is_safe(
    film: Repository, harm: Harm
) -> None:
    film.lock_path.write_bytes(harm(film.lock_path.read_bytes()))

    words = advice(film)

    assert RESTORE in words
    assert f"Otherwise, {REPAIR}" in words
    assert "nothing was sent and nothing changed" in words
    film.git("restore", "--source=HEAD", "film.lock")
    assert store.read(film.lock_path, NAME) == lock(done("a", "c1"))


@pytest.mark.parametrize("place", ["lockfile", "journal", "memory"])
def test_what_the_commit_does_not_know_is_named_and_restoring_is_no_advice(
    film: Repository, place: str
) -> None:
    news = [done(f"b{n}", f"n{n}") for n in range(7)]
    whole = lockfile.dumps(lock(done("a", "c1"), *(news if place == "lockfile" else ())))
    film.lock_path.write_text(whole)
    if place == "journal":
        lines = b"".join(map(lockfile.journal_line, news))
        journal_path(film.lock_path).write_bytes(b'{"journal": 1}\n' + lines)
    if place == "memory":
        PurchaseLog(film.lock_path).keep(lock(*news), write_atomically)
    damage(film.lock_path, b'"state": "succeeded"', b'"state": "!"')

    words = advice(film)

    assert "is safe" not in words
    assert REPAIR in words
    named = "task-n0, task-n1, task-n2, task-n3, task-n4 and 2 more"
    assert f"`git restore` would lose {named}" in words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"job": "b", "tasks": [{"correlation_id": "n1", !\n', "would lose job b"),
        ('{"job": "a", "tasks": [{"correlation_id": "n1", !\n', "would lose submit n1"),
        ('{"job": "a", "tasks": [{"task_id": "tas', "may lose a task: an id is cut off here"),
    ],
)
def test_what_is_less_than_a_task_id_counts_too(film: Repository, text: str, words: str) -> None:
    film.lock_path.write_text(film.lock_path.read_text() + text)

    assert words in advice(film)
    assert "is safe" not in advice(film)


@pytest.mark.parametrize("way", ["no git", "no commit", "damaged there", "another's there"])
def test_without_a_commit_that_can_be_read_repair_is_the_advice(
    film: Repository, tmp_path: Path, way: str
) -> None:
    whole = film.lock_path.read_bytes()
    if way == "no git":
        (tmp_path / ".git").rename(tmp_path / "elsewhere")
    if way == "no commit":
        film.git("update-ref", "-d", "HEAD")
    if "there" in way:
        there = whole[:-9] if way == "damaged there" else whole.replace(b"film.yaml", b"x.yaml")
        film.lock_path.write_bytes(there)
        film.git("commit", "-aqm", "x")
    film.lock_path.write_bytes(whole[:-9])

    words = advice(film)

    assert words.endswith(f"nothing was sent and nothing changed. {REPAIR}, and says what it keeps")


def test_a_damaged_journal_is_not_brought_back_by_git(film: Repository) -> None:
    journal_path(film.lock_path).write_bytes(b'{"journal": 1}\n{}\n')

    words = advice(film)

    assert words.startswith("film.lock.journal:2: ")
    assert "git restore" not in words
    assert REPAIR in words


def test_conflict_markers_are_joined_and_not_restored(film: Repository) -> None:
    film.lock_path.write_text("<<<<<<< HEAD\n" + film.lock_path.read_text())

    assert "seedrender lock merge" in advice(film)
    assert "restore" not in advice(film)
