"""`lock repair` where what is remembered of purchases is damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from seedrender.errors import LockVersionError
from seedrender.lock import fold, lockfile
from seedrender.lock.repair import Outcome
from seedrender.project.files import write_atomically
from seedrender.project.purchases import PurchaseLog
from seedrender.run import store, upkeep
from seedrender.run.upkeep import Mended
from seedrender.values.entry import JobState, Lock, LockEntry
from seedrender.values.job import JobId
from tests.builders import clip, entry, record

NAME = "film.yaml"
Harm = Callable[[bytes], bytes]


def done(job: str, name: str) -> LockEntry:
    return entry(job, record(name, JobState.SUCCEEDED, provider="ark"), output=clip(name))


A, B = done("a", "c1"), done("b", "c2")


def lock(*entries: LockEntry) -> Lock:
    return fold.fold(Lock(manifest=NAME), entries)


class Film:
    """A lockfile that knows one task, and a memory that knows two."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "film.lock"
        self.log = PurchaseLog(self.path)
        self.know(A)
        self.log.keep(lock(A, B), write_atomically)

    def know(self, *entries: LockEntry) -> None:
        self.path.write_text(lockfile.dumps(lock(*entries)))

    def harm(self, harm: Harm) -> None:
        self.log.path.write_bytes(harm(self.log.path.read_bytes()))

    def repair(self, *, accept_loss: bool = False) -> Mended:
        return upkeep.repair_files(self.path, NAME, ["a", "b"], accept_loss=accept_loss)

    def read(self) -> Lock:
        return store.read(self.path, NAME)


@pytest.fixture
def film(tmp_path: Path) -> Film:
    return Film(tmp_path)


def test_a_memory_that_can_be_read_is_left_alone(film: Film) -> None:
    before = film.log.path.stat()

    mended = film.repair()

    assert (mended.purchases, mended.kept) == (None, ())
    assert film.log.path.stat() == before


def test_every_line_that_can_be_read_is_kept_and_the_damaged_file_beside_it(film: Film) -> None:
    film.harm(lambda text: text.replace(b'"size_bytes": 1000', b'"size_bytes": -1', 1))
    harmed = film.log.path.read_bytes()

    mended = film.repair()

    assert film.log.read(NAME) == lock(A, B)  # the lockfile knows the clip of the one
    (copy,) = mended.kept
    assert copy.parent == film.log.path.parent
    assert copy.read_bytes() == harmed
    assert film.read() == lock(A)


def test_a_task_of_which_only_the_job_can_be_read_is_not_bought_again(film: Film) -> None:
    film.harm(lambda text: text.replace(b'"task_id": "task-c2"', b'"task_id": !'))

    mended = film.repair()

    assert mended.purchases is not None
    assert [d.outcome for d in mended.purchases.damages] == [Outcome.UNKNOWN]
    assert fold.job_state(film.read().entries[JobId("b")]) is JobState.UNKNOWN
    assert film.log.read(NAME).entries[JobId("b")].tasks[0].is_guess


def test_what_the_lockfile_knows_is_not_missed(film: Film) -> None:
    film.know(A, B)
    film.harm(lambda text: text[:-30])

    mended = film.repair()

    assert not mended.is_loss
    assert film.log.read(NAME) == lock(A, B)


@pytest.mark.parametrize(
    "harm", [lambda _: b"", lambda text: b"\x00" * len(text), lambda text: text[:-30]]
)
def test_where_something_may_be_lost_nothing_is_written_before_a_person_accepts_it(
    film: Film, harm: Harm
) -> None:
    film.harm(harm)
    harmed, known = film.log.path.read_bytes(), film.path.read_bytes()

    refused = film.repair()

    assert refused.is_loss or film.read().entries.keys() >= {"a", "b"}
    if not refused.is_loss:
        return
    assert (refused.kept, film.log.path.read_bytes()) == ((), harmed)
    assert film.path.read_bytes() == known
    accepted = film.repair(accept_loss=True)
    assert film.log.read(NAME).entries.keys() >= {"a"}
    assert not harmed or accepted.kept[-1].read_bytes() == harmed


def test_after_a_rename_of_the_manifest_what_is_remembered_is_taken_over(film: Film) -> None:
    film.harm(lambda text: text.replace(b"film.yaml", b"old.yaml"))

    mended = film.repair()

    assert not mended.is_loss
    assert film.log.read(NAME) == lock(A, B)


def test_a_memory_of_a_newer_program_is_left_to_it(film: Film) -> None:
    film.harm(lambda text: text.replace(b'"lock": 1', b'"lock": 3'))

    with pytest.raises(LockVersionError, match="upgrade seedrender"):
        film.repair()


def test_a_damaged_journal_that_a_killed_run_left_is_repaired_with_the_memory(film: Film) -> None:
    header = b'{"journal": 1, "manifest": "film.yaml"}\n'
    third = done("a", "c3")
    film.log.journal.write_bytes(
        header
        + lockfile.journal_line(third)
        + lockfile.journal_line(B).replace(b"task-c2", b"task-c3")
    )
    harmed = film.log.journal.read_bytes()

    mended = film.repair()

    assert film.log.read(NAME) == lock(A, B, third)
    assert not film.log.journal.exists()
    assert harmed in [copy.read_bytes() for copy in mended.kept]


def test_a_damaged_journal_without_a_memory_is_repaired_too(film: Film) -> None:
    film.log.path.rename(film.log.journal)
    film.log.journal.write_bytes(
        b'{"journal": 1, "manifest": "film.yaml"}\n'
        + lockfile.journal_line(B)
        + b'{"job": "b", "tasks": [\n'
        + b'{"torn'
    )

    film.repair(accept_loss=True)

    assert film.log.read(NAME).entries.keys() == {"a", "b"}
    assert not film.log.journal.exists()
