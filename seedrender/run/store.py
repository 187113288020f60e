"""Keeps the facts of a run: durable in the journal as they happen, in the lockfile at its end."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from seedrender.errors import LockCorruptError, LockError, LockHeldError
from seedrender.lock import codec, fold, lockfile
from seedrender.lock.fold import Moves
from seedrender.project.files import sync_folder, tidy, write_atomically
from seedrender.project.roots import Roots
from seedrender.run.clock import Clock
from seedrender.run.journal import Journal
from seedrender.run.memory import Memory
from seedrender.values.entry import Event, JobState, Lock, LockEntry, TaskRecord
from seedrender.values.job import CorrelationId, JobId
from seedrender.values.task import TaskId

NO_MOVES = Moves()


def no_moves(lock: Lock) -> Moves:
    """Leave everything where it is."""
    del lock
    return NO_MOVES


class Store:
    """The lock of one run, held by this process alone."""

    def __init__(self, path: Path, lock: Lock, journal: Journal, moves: Moves = NO_MOVES) -> None:
        self._path = path
        self._moves = moves
        self.renamed = dict(lock.renamed)  # id now → before, of what is yet to be written
        self._manifest = lock.manifest
        self._entries = dict(lock.entries)
        self._journal = journal
        self._unwritten: dict[CorrelationId, tuple[JobId, TaskId]] = {}
        self.clock = Clock(fold.newest_moment(lock))
        self.memory = Memory(path)

    @property
    def lock(self) -> Lock:
        """Everything that is known now."""
        return Lock(manifest=self._manifest, entries=self._entries, renamed=self.renamed)

    @property
    def failure(self) -> LockError | None:
        """Why nothing more may be bought: the journal could not be written."""
        return self._journal.failure

    def entry(self, job: JobId) -> LockEntry | None:
        """Return what is known of one job now."""
        return self._entries.get(job)

    def settled(self, job: JobId) -> None:
        """Note that a job's new name, or owner, needs no further work."""
        self.renamed.pop(job, None)

    async def intend(self, job: JobId, record: TaskRecord) -> None:
        """Note that a request is about to leave; it may leave when this returns.

        Raises: LockError where that is not on disk: neither this request nor another one may leave
            in this run.
        """
        if self.failure is not None:
            raise self.failure
        try:
            await self.append(LockEntry(job=job, tasks=(record,)))
        except LockError:
            nothing = replace(record, state=JobState.PLANNED)
            await self.keep(LockEntry(job=job, tasks=(nothing,)))
            raise

    async def keep(self, fact: Event) -> None:
        """Note what has happened, on disk where that is possible and in memory in any case."""
        try:
            await self.append(fact)
        except LockError:
            for record in fact.tasks:
                if record.task_id is not None:
                    self._unwritten[record.correlation_id] = (fact.job, record.task_id)
        else:
            self._unwritten.clear()  # lines that had failed before were written with this one

    async def take_over(self, moves: Moves, job: JobId) -> None:
        """Note that a job owns a task which stood on another line, or on none. Raises: LockError.

        `moves` are all of this run.
        """
        self._moves = replace(moves, names=self._moves.names)
        lock = fold.rehome(self.lock, moves.owners, moves.known)
        self._entries, self.renamed = dict(lock.entries), dict(lock.renamed)
        await self.append(self._entries[job])

    async def append(self, event: Event) -> None:
        """Note a fact as it can be read again; it is on disk when this returns. Raises: LockError.

        An odd optional value is left out, and named with what was said.
        """
        event = codec.readable(event)
        known = self._entries.get(event.job)
        self._entries[event.job] = event if known is None else fold.join(known, event)
        await self._journal.append(lockfile.journal_line(event))

    def compact(self) -> None:
        """Fold everything into the lockfile, with what came into it from elsewhere meanwhile.

        Raises: LockError; it names the tasks that are on no disk.
        """
        found = self._moves.applied(read_lockfile(self._path, self._manifest))
        merged = fold.fold(found, self._entries.values())
        whole = Lock(manifest=self._manifest, entries=merged.entries)
        if self._save(whole):
            self.memory.keep(whole)

    def rewrite(self, lock: Lock) -> None:
        """Put another lock in the place of all that is known: upkeep may take away and rename.

        Raises: LockError.
        """
        before, self._entries = _submits(self.lock), dict(lock.entries)
        self._save(self.lock)
        self.memory.keep(self.lock, forgotten=before - _submits(self.lock))

    def _save(self, lock: Lock) -> bool:
        """Write a lock; False: it is written already."""
        text = lockfile.dumps(lock)
        if self._path.exists() and self._path.read_text("utf-8") == text:
            return False
        try:
            write_atomically(self._path, text)
        except OSError as error:
            raise LockError(
                f"{self._path.name} cannot be written ({error.strerror}); {self._what_is_lost()} "
                "Make room or mend the permissions, then run again"
            ) from None
        return True

    def _what_is_lost(self) -> str:
        journal = journal_path(self._path).name
        if not self._unwritten:
            return f"what happened is in {journal}, and nothing is lost."
        tasks = "".join(
            f"\n  seedrender adopt {self._manifest} {job} --task {task_id}"
            for job, task_id in self._unwritten.values()
        )
        return f"these tasks are paid, and neither it nor {journal} could take them:{tasks}\n"


def _submits(lock: Lock) -> set[CorrelationId]:
    return {record.correlation_id for entry in lock.entries.values() for record in entry.tasks}


@asynccontextmanager
async def hold(
    path: Path, manifest: str, moves: Callable[[Lock], Moves] = no_moves
) -> AsyncIterator[Store]:
    """Hold a lockfile for the length of a run: journal first, lockfile at the end.

    `moves` tells how the lines of the lock change.

    Raises: LockHeldError, LockVersionError, LockCorruptError; LockError where it cannot be written.
    """
    path = real(path)
    with claimed(journal_path(path)) as file:
        lock = read(path, manifest)
        found = moves(lock)
        journal = Journal(file)
        store = Store(path, found.applied(lock), journal, found)
        store.compact()
        _begin(journal, path, manifest)
        try:
            yield store
        finally:
            store.compact()
            tidy(path.parent)  # of a run that was killed
            journal_path(path).unlink(missing_ok=True)


def _begin(journal: Journal, path: Path, manifest: str) -> None:
    try:
        journal.start(_header(manifest))
        sync_folder(path.parent)
    except OSError as error:
        raise LockError(
            f"{journal_path(path).name} cannot be written ({error.strerror}); nothing was sent"
        ) from None


def read(path: Path, manifest: str) -> Lock:
    """Read lockfile and journal without holding them.

    Raises: LockVersionError, LockCorruptError.
    """
    path = real(path)
    lock = read_lockfile(path, manifest)
    return fold.fold(lock, read_journal(journal_path(path), manifest))


def read_journal(path: Path, manifest: str) -> tuple[Event, ...]:
    """Read what a run that was killed left. Raises: LockVersionError, LockCorruptError."""
    data = bytes_of(path)
    events = lockfile.loads_journal(data, path.name)
    header = data.partition(b"\n")[0].decode("utf-8", "replace")
    owner = json.loads(header).get("manifest", manifest) if events else manifest
    if owner != manifest:
        raise LockCorruptError(
            f"{path.name} belongs to {owner}, not to {manifest}; nothing was sent and nothing "
            "changed. If the manifest was renamed, `seedrender lock repair` with its name takes "
            "over what the journal tells; if not, move the journal to where it belongs"
        )
    return events


def read_lockfile(path: Path, manifest: str) -> Lock:
    """Read the lockfile alone; none yet is an empty one."""
    if not path.exists():
        return Lock(manifest=manifest)
    lock = lockfile.loads(text_of(path), path.name)
    if lock.manifest != manifest:
        raise LockCorruptError(
            f"{path.name} belongs to {lock.manifest or 'no manifest'}, not to {manifest}; if the "
            "manifest was renamed, change the name in the lockfile's first line"
        )
    return lock


def real(path: Path) -> Path:
    """Return where a lockfile really is: two runs by different paths must meet at one journal.

    Raises: LockError where it is a link that leads out of the repository.
    """
    roots = Roots.around(path.parent)
    if path.is_symlink() and not roots.hold(path):
        raise LockError(
            f"{path.name} is a link that {roots.words(path, is_allowable=False)}; nothing was "
            "changed. Put the lockfile beside its manifest, where git has it"
        )
    return path.resolve()


def is_left(path: Path) -> bool:
    """Whether a run that was killed left facts that are not in the lockfile yet."""
    return journal_path(real(path)).exists()


def journal_path(path: Path) -> Path:
    """Return the journal's place beside its lockfile."""
    return path.with_name(path.name + ".journal")


@contextmanager
def claimed(path: Path) -> Iterator[BinaryIO]:
    """Open and lock the journal. Raises: LockHeldError with the holder's own words."""
    file = _claim(path)
    try:
        yield file
    finally:
        file.close()


def _claim(path: Path) -> BinaryIO:
    while True:
        try:
            file = path.open("ab+", buffering=0)
        except OSError as error:
            raise LockError(
                f"{path.name} cannot be written ({error.strerror}); nothing was sent"
            ) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise LockHeldError(
                f"{path.name.removesuffix('.journal')} is held by another run: {_holder(path)}. "
                "Wait for it, or stop it; nothing was sent"
            ) from None
        if path.exists() and os.fstat(file.fileno()).st_ino == path.stat().st_ino:
            return file
        file.close()  # the holder ended and removed the file between our two calls


def _holder(path: Path) -> str:
    try:
        header = json.loads(text_of(path).partition("\n")[0])
        return f"process {header['pid']} on {header['host']}, since {header['started_at']}"
    except (ValueError, KeyError, TypeError, LockError):
        return "one that has just started"


def _header(manifest: str) -> bytes:
    header = {
        "journal": lockfile.LOCK_VERSION,
        "manifest": manifest,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "started_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    return json.dumps(header).encode() + b"\n"


def text_of(path: Path) -> str:
    """Read a file as UTF-8; one that is not there is empty. Raises: LockError."""
    return _decoded(path, bytes_of(path))


def bytes_of(path: Path) -> bytes:
    """Read a file; one that is not there is empty. Raises: LockError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise LockError(f"{path.name} cannot be read: {error.strerror}") from None


def _decoded(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LockCorruptError(
            f"{path.name}: byte {error.start} is not UTF-8; restore it from git, or see what "
            "`seedrender lock repair` with the manifest's name can keep"
        ) from None
