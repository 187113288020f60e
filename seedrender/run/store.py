"""Keeps the facts of a run: durable in the journal as they happen, in the lockfile at its end."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from seedrender.errors import LockCorruptError, LockError, printable
from seedrender.lock import codec, fold, lockfile, repair
from seedrender.lock.moves import Moves, rehome
from seedrender.project import holder
from seedrender.project.files import denial, sync_folder, tidy, write_atomically
from seedrender.project.hold import Hold, holding, journal_path
from seedrender.project.left_behind import LeftBehind
from seedrender.project.lock_read import bytes_of, read_journal, read_lockfile, real
from seedrender.project.purchases import PurchaseLog
from seedrender.project.roots import named
from seedrender.run import recovery, unmerged
from seedrender.run.clock import Clock
from seedrender.run.journal import Journal
from seedrender.run.watched import Watched
from seedrender.values.entry import Event, JobState, Lock, LockEntry, TaskRecord
from seedrender.values.job import CorrelationId, JobId
from seedrender.values.task import TaskId

_log = logging.getLogger(__name__)
NO_MOVES = Moves()


class Store:
    """The lock of one run, held by this process alone."""

    def __init__(
        self,
        path: Path,
        lock: Lock,
        journal: Journal,
        hold: Hold,
        moves: Moves = NO_MOVES,
    ) -> None:
        self._path = path
        self._moves = moves
        self.renamed = dict(lock.renamed)  # id now → before, of what is yet to be written
        self._manifest = lock.manifest
        self._entries = dict(lock.entries)
        self._by_task = {task: e for entry in lock.entries.values() for task, e in _tasks_of(entry)}
        self._journal, self._hold, self._watched = journal, hold, Watched(path)
        self._lost: LockError | None = None
        self._unwritten: dict[CorrelationId, tuple[JobId, TaskId]] = {}
        self.clock = Clock(fold.newest_moment(lock))
        self.purchases = PurchaseLog(path)
        self.notes: list[str] = []  # what a person should know of the files, in words

    @property
    def lock(self) -> Lock:
        """Everything that is known now."""
        return Lock(manifest=self._manifest, entries=self._entries, renamed=self.renamed)

    @property
    def failure(self) -> LockError | None:
        """Why nothing more may be bought: the journal failed, or another run may not meet us."""
        return self._lost or self._watched.news or self._journal.failure

    @property
    def ending(self) -> LockError | None:
        """With what a run ends in which buying had to stop; None: it had not."""
        if self._lost is not None:
            return LockError(
                f"{self._hold.lost}: from then on nothing was bought, since another run could not "
                f"see this one. {self._path.name} has everything that happened, and nothing is "
                "lost: run again to go on"
            )
        if self._watched.news is not None:
            return self._watched.news
        if self._journal.failure is not None:
            return LockError(
                f"{self._journal.failure}. The lockfile has everything now: make room and run again"
            )
        return None

    def check_hold(self) -> None:
        """Make sure that every other run must meet this one.

        Raises: LockError where it need not any more; what is known is in the lockfile then.
        """
        if self._lost is None and not self._hold.is_ours():
            self._lost = LockError(
                f"{self._hold.lost}; no further request is sent, and what runs is collected"
            )
            self._rescue()
        if self._lost is not None:
            raise self._lost

    def owner_of(self, provider: str, task_id: TaskId) -> JobId | None:
        """Return the job that has a task of a route already; None: none has."""
        return self._by_task.get((provider, task_id))

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
        self.check_hold()
        self._watched.check(self._entries.values())
        try:
            await self.append(LockEntry(job=job, tasks=(record,)))
            self.check_hold()
        except LockError:
            nothing = replace(record, state=JobState.PLANNED)
            await self.keep(LockEntry(job=job, tasks=(nothing,)))
            raise

    async def keep(self, fact: Event) -> None:
        """Note what has happened, on disk where that is possible and in memory in any case."""
        with suppress(LockError):
            self.check_hold()
        try:
            await self.append(fact)
        except LockError:
            for record in fact.tasks:
                if record.task_id is not None:
                    self._unwritten[record.correlation_id] = (fact.job, record.task_id)
        else:
            self._unwritten.clear()  # lines that had failed before were written with this one
        if self._lost is not None:  # the journal may be nobody's by now
            self._rescue()

    async def take_over(self, moves: Moves, job: JobId) -> None:
        """Note that a job owns a task which stood on another line, or on none. Raises: LockError.

        `moves` are all of this run.
        """
        self._moves = replace(moves, names=self._moves.names)
        lock = rehome(self.lock, moves.owners, moves.known)
        self._entries, self.renamed = dict(lock.entries), dict(lock.renamed)
        await self.append(self._entries[job])

    async def append(self, event: Event) -> None:
        """Note a fact as it can be read again; it is on disk when this returns. Raises: LockError.

        An odd optional value is left out, and named with what was said.
        """
        event = codec.readable(event)
        known = self._entries.get(event.job)
        self._entries[event.job] = event if known is None else fold.join(known, event)
        self._by_task.update(_tasks_of(event))
        await self._journal.append(lockfile.journal_line(event))

    def begin(self) -> None:
        """Bring the lockfile up to date, and begin the journal anew. Raises: LockError."""
        self._compact(read_lockfile(self._path, self._manifest))
        self._note(self.purchases.follow(self._manifest, write_atomically))
        try:
            self._journal.start(holder.words_to_keep(self._manifest, journal=lockfile.LOCK_VERSION))
            sync_folder(self._path.parent)
        except OSError as error:
            path = journal_path(self._path)
            words = f"{path.name} cannot be written ({denial(error, path)})"
            raise LockError(f"{words}; nothing was sent") from None

    def finish(self) -> None:
        """Fold everything into the lockfile, and remove what only a run needs.

        Raises: LockError; it names the tasks that are on no disk.
        """
        with suppress(LockError):
            self.check_hold()
        self.compact()
        if self._lost is None:
            tidy(self._path.parent)  # of a run that was killed
        self._hold.remove_journal()
        self.purchases.forget_journal(self._hold.journal)

    def compact(self) -> None:
        """Fold everything into the lockfile, with what came into it from elsewhere meanwhile.

        One that cannot be read any more costs nothing of what is known: it is put aside.

        Raises: LockError; it names the tasks that are on no disk.
        """
        try:
            found = read_lockfile(self._path, self._manifest)
        except LockError as error:
            found = self._put_aside(error)
        self._compact(found)

    def _compact(self, found: Lock) -> None:
        merged = fold.fold(self._moves.applied(found), self._entries.values())
        whole = Lock(manifest=self._manifest, entries=merged.entries)
        self._remember(whole)  # first: what a crash leaves undone, the next run does again
        text = lockfile.dumps(self.purchases.placed(whole))
        if not self._is_saved(text):
            self._save(text)
        self._watched.look()

    def _rescue(self) -> None:
        """Write the lockfile now: the journal is not where the next run looks for it."""
        with suppress(LockError):  # it is tried again with the next fact, and at the end
            self.compact()
            self._unwritten.clear()

    def _put_aside(self, error: LockError) -> Lock:
        """Keep a lockfile that became unreadable, and return what can be read of it."""
        try:
            data = bytes_of(self._path)
        except LockError:
            data = b""
        try:
            aside = recovery.kept_aside(self._path)
        except OSError as trouble:
            raise LockError(
                f"{error}\nIt cannot be put aside either ({trouble.strerror}); "
                f"{self._what_is_lost()}"
            ) from None
        damage = error.damage if isinstance(error, LockCorruptError) else ""
        self.notes.append(
            f"{damage or error}. That happened during the run: the file is kept as {aside.name}, "
            f"and {self._path.name} has everything that this run knows"
        )
        ours = b"".join(map(lockfile.journal_line, self._entries.values()))
        try:
            found = repair.repair(
                data, ours, manifest=self._manifest, name=self._path.name, jobs=self._entries
            )
        except LockError:  # of another manifest, or of a newer program
            return Lock(manifest=self._manifest)
        return found.lock

    def _remember(self, lock: Lock, *, forgotten: Collection[str] = ()) -> None:
        self._note(self.purchases.keep(lock, write_atomically, forgotten=forgotten))

    def _note(self, words: str) -> None:
        if words and words not in self.notes:
            self.notes.append(words)

    def rewrite(self, lock: Lock) -> None:
        """Put another lock in the place of all that is known: upkeep may take away and rename.

        Raises: LockError.
        """
        before, self._entries = _submits(self.lock), dict(lock.entries)
        if not self._is_saved(text := lockfile.dumps(self.lock)):
            self._save(text)
        self._remember(self.lock, forgotten=before - _submits(self.lock))

    def _is_saved(self, text: str) -> bool:
        """Return whether the lockfile holds just this; one that cannot be read does not."""
        with suppress(LockError):
            return bytes_of(self._path) == text.encode()
        return False

    def _save(self, text: str) -> None:
        """Write the lockfile. Raises: LockError."""
        try:
            write_atomically(self._path, text)
        except OSError as error:
            raise LockError(
                f"{self._path.name} cannot be written ({denial(error, self._path)}); "
                f"{self._what_is_lost()} Make room or set the permissions right, then run again"
            ) from None

    def _what_is_lost(self) -> str:
        journal = journal_path(self._path).name
        if not self._unwritten:
            return f"what this run did is in {journal}."
        manifest = named(self._path.parent, self._manifest)
        tasks = "".join(
            f"\n  seedrender adopt {manifest} {job} --task {task_id}"
            for job, task_id in self._unwritten.values()
        )
        return f"these tasks are paid, and it is not certain that {journal} has them:{tasks}\n"


def _tasks_of(entry: LockEntry) -> Iterator[tuple[tuple[str, TaskId], JobId]]:
    for record in entry.tasks:
        if record.task_id is not None:
            yield (record.provider, record.task_id), entry.job


def _submits(lock: Lock) -> set[CorrelationId]:
    return {record.correlation_id for entry in lock.entries.values() for record in entry.tasks}


@asynccontextmanager
async def hold(
    path: Path, manifest: str, moves: Callable[[Lock], Moves] = lambda _: NO_MOVES
) -> AsyncIterator[Store]:
    """Hold a lockfile for the length of a run: journal first, lockfile at the end.

    `moves` tells how the lines of the lock change.

    Raises: LockHeldError, LockVersionError, LockCorruptError; LockError where it cannot be written.
    """
    with claimed(path, manifest) as held:
        path = real(path)
        lock = read(path, manifest)
        found = moves(lock)
        journal = Journal(held.journal, journal_path(path).name)
        store = Store(path, found.applied(lock), journal, held, found)
        store.begin()
        try:
            yield store
        finally:
            store.finish()
            for words in store.notes:
                _log.warning("%s", printable(words))


@contextmanager
def claimed(path: Path, manifest: str) -> Iterator[Hold]:
    """Hold the files of a lockfile, and read or change none.

    Raises: LockHeldError with the holder's own words; LockError.
    """
    with holding(real(path), path.with_name(manifest)) as held:
        yield held


def read(path: Path, manifest: str) -> Lock:
    """Read lockfile and journal without holding them.

    Raises: LockVersionError, LockCorruptError, also where git has not merged the lockfile.
    """
    path = real(path)
    unmerged.check(path)
    with recovery.advised(path, manifest):
        lock, events = read_lockfile(path, manifest), read_journal(journal_path(path), manifest)
        if not path.exists() and not events:  # the manifest may have had another name
            lock = replace(LeftBehind(path).before or lock, manifest=manifest)
        return fold.fold(lock, events)


def is_left(path: Path) -> bool:
    """Whether a killed run, or the manifest under its former name, left what is in no lockfile."""
    is_renamed = not (path := real(path)).exists() and LeftBehind(path).before is not None
    return is_renamed or journal_path(path).exists()
