"""Remembers beside the lockfile, where git does not reach, what was bought from here."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from seedrender.errors import LockCorruptError, LockError, LockVersionError
from seedrender.lock import fold, lockfile
from seedrender.lock.fold import Action
from seedrender.lock.identity import SIMULATED
from seedrender.project.files import denial, plain_bytes
from seedrender.project.hold import journal_path
from seedrender.project.lock_read import bytes_of, is_gone, read_journal
from seedrender.project.own_folder import NAME, OwnFolder
from seedrender.project.roots import named
from seedrender.values.entry import Lock, LockEntry, TaskRecord
from seedrender.values.job import JobId
from seedrender.values.task import Artifact

Write = Callable[[Path, str], None]  # raises OSError
_WORTH = (Action.ASK, Action.RESUME, Action.REUSE)  # a clip of it is there, or may be


_LIVE = b'"state": "submitted"'


class PurchaseLog:
    """A second lockfile under `.seedrender/`: a stash, a checkout or a deletion takes the first.

    What it knows and the lockfile does not is taken over in place of a purchase. Where it cannot be
    read, nobody knows what it has, and nothing is bought. While a run goes on, its journal has a
    second name here: what a killed run wrote stays when the first one is taken away.
    """

    def __init__(self, lock_path: Path) -> None:
        self.path = lock_path.parent / NAME / lock_path.name
        self.journal = journal_path(self.path)
        self._first_journal = journal_path(lock_path)
        self._is_checked = False
        self._is_whole = True  # what was to be kept could be
        self._latest: Mapping[str, Artifact] = {}  # by task, when something was last kept

    @property
    def shown(self) -> str:
        """How people find it."""
        return f"{NAME}/{self.path.name}"

    def read(self, manifest: str) -> Lock:
        """Read what is remembered, with what a killed run left; no file is an empty one.

        Raises: LockVersionError, LockCorruptError, LockError: what is wrong, and what to do.
        """
        return self._with_orphan(self._written(manifest))

    def may_have_live(self) -> bool:
        """Say whether a task may be among them that still runs, as a quick look at the text tells.

        Raises: LockError.
        """
        return any(_LIVE in self._bytes(path) for path in (self.path, self.journal))

    def orphan(self) -> bytes:
        """Return the journal that a killed run left here alone. Raises: LockError."""
        return b"" if _are_one(self.journal, self._first_journal) else self._bytes(self.journal)

    def _bytes(self, path: Path) -> bytes:
        """Read one of the two; one that is not there is empty. Raises: LockError."""
        self._check_inside(path)
        return bytes_of(path)

    def _check_inside(self, path: Path) -> None:
        """Refuse what another project remembers. Raises: LockError."""
        if OwnFolder(self.path.parents[1]).is_outside(path.name):
            raise LockError(
                f"{NAME}/{path.name} is a link that leads outside the repository; nothing was "
                "sent. Take the link away: what was bought from here is remembered there"
            )

    def follow(self, manifest: str, write: Write) -> str:
        """Give the journal that begins its second name; one that was there is taken over first.

        Returns why that was not possible, in words; empty: it was, or files have one name here.
        """
        if _are_one(self.journal, self._first_journal):
            return ""
        if words := self.keep(Lock(manifest=manifest), write):  # of what was left
            return words
        with suppress(OSError):
            OwnFolder(self.path.parents[1]).make()
            self.journal.unlink(missing_ok=True)
            self.journal.hardlink_to(self._first_journal)
        return ""

    def forget_journal(self, file: int) -> None:
        """Take away the second name of an open journal, where all that it has is kept."""
        with suppress(OSError, LockError):
            has_facts = bytes_of(self.journal).count(b"\n") > 1  # below its first line
            if (self._is_whole or not has_facts) and os.path.samestat(
                self.journal.lstat(), os.fstat(file)
            ):
                self.journal.unlink()

    def _with_orphan(self, written: Lock) -> Lock:
        if not self.orphan():
            return written
        manifest = written.manifest
        try:
            events = read_journal(self.journal, manifest, folder=self._first_journal.parent)
        except LockVersionError:
            raise
        except LockCorruptError as error:
            raise self._damaged(error.damage or str(error), manifest) from None
        left = paid(fold.fold(Lock(manifest=manifest), events))
        return fold.fold(written, left.entries.values())

    def _written(self, manifest: str) -> Lock:
        """Read the file. Raises: as `read`."""
        self._check_inside(self.path)
        try:
            text = plain_bytes(self.path).decode("utf-8")
            found = lockfile.loads(text, self.shown) if text else None
        except (FileNotFoundError, NotADirectoryError):
            return Lock(manifest=manifest)
        except OSError as error:
            raise LockError(
                f"{self.shown}, which remembers what was bought, cannot be read "
                f"({denial(error, self.path)}); make it readable, nothing was sent"
            ) from None
        except UnicodeDecodeError as error:
            raise self._damaged(
                f"{self.shown}: byte {error.start} is not UTF-8", manifest
            ) from None
        except LockVersionError:
            raise
        except LockCorruptError as error:
            raise self._damaged(error.damage or str(error), manifest) from None
        if found is None:
            raise self._damaged(f"{self.shown} is empty", manifest)
        if found.manifest != manifest and not is_gone(self.path.parents[1], found.manifest):
            owner = found.manifest or "no manifest"
            raise self._damaged(f"{self.shown} belongs to {owner}, not to {manifest}", manifest)
        return Lock(manifest=manifest, entries=found.entries)

    def keep(self, lock: Lock, write: Write, *, forgotten: Collection[str] = ()) -> str:
        """Add what a lock knows of paid tasks, less submits that a person took out of it.

        Returns why that was not possible, in words; empty: it was.
        """
        words = self._kept(lock, write, forgotten)
        self._is_whole = not words
        return words

    def _kept(self, lock: Lock, write: Write, forgotten: Collection[str]) -> str:
        bought = paid(lock).entries.values()
        if not (bought or forgotten or self.journal.exists()):
            return ""
        try:
            known = self._written(lock.manifest)
            found = fold.fold(self._with_orphan(known), bought)
        except LockError as error:
            return f"What was bought is in the lockfile only: {error}"
        lines = lock.entries.values()
        owners: dict[str, JobId | None] = {r.correlation_id: e.job for e in lines for r in e.tasks}
        owners.update(dict.fromkeys(forgotten))
        self._latest = _latest_clips(found)
        kept = (_of_its_own(entry, owners, self._latest) for entry in found.entries.values())
        entries = {entry.job: entry for entry in kept if entry.tasks}
        if entries == known.entries:
            return ""
        try:
            OwnFolder(self.path.parents[1]).make()
            write(self.path, lockfile.dumps(Lock(manifest=lock.manifest, entries=entries)))
        except OSError as error:
            return (
                f"What was bought is in the lockfile only: {self.shown} cannot be written "
                f"({denial(error, self.path)})"
            )
        return ""

    def placed(self, lock: Lock) -> Lock:
        """Return a lock that was just kept, with clips where they were put after it was written.

        A lockfile that came back from git names the places of its day.
        """
        entries = {job: _placed(entry, self._latest) for job, entry in lock.entries.items()}
        return replace(lock, entries=entries)

    def check(self, lock: Lock) -> None:
        """Make sure before anything is bought that it can be read, and that the lock agrees.

        Raises: LockError, also where the lock says of a task that was paid that it was simulated.
        """
        if self._is_checked:
            return
        bought = paid(self.read(lock.manifest)).entries.values()
        known = {r.correlation_id for e in bought for r in e.tasks if r.provider != SIMULATED}
        for job, entry in lock.entries.items():
            if any(r.provider == SIMULATED and r.correlation_id in known for r in entry.tasks):
                manifest = named(self.path.parents[1], lock.manifest)
                raise LockError(
                    f"{self.path.name} says of {job} that it was simulated, and {self.shown} "
                    "remembers that it was paid: somebody has edited the lockfile. Nothing was "
                    f"sent; `seedrender lock merge {manifest} {shlex.quote(str(self.path))}` puts "
                    "right what it says"
                )
        self._is_checked = True

    def unknown_to(self, lock: Lock) -> Lock:
        """Return what is worth something and is not in this lock, each task with its clip.

        Also a person's later word about a clip: its pin, beside the clip.

        Raises: LockError where it cannot be read.
        """
        known = {r.correlation_id for entry in lock.entries.values() for r in entry.tasks}
        entries: dict[JobId, LockEntry] = {}
        for job, entry in self.read(lock.manifest).entries.items():
            tasks = tuple(r for r in entry.tasks if _is_worth(r) and r.correlation_id not in known)
            made = {record.correlation_id for record in tasks}
            here = lock.entries.get(job, LockEntry(job=job))
            is_pinned_since = fold.last_word(here.pin, entry.pin) != here.pin
            is_told = is_pinned_since or (entry.output and entry.output.made_by in made)
            output = entry.output if is_told else None
            if tasks or is_pinned_since:
                pin = entry.pin if is_pinned_since else None
                entries[job] = LockEntry(job=job, tasks=tasks, output=output, pin=pin)
        return Lock(manifest=lock.manifest, entries=entries)

    def _damaged(self, wrong: str, manifest: str) -> LockCorruptError:
        return LockCorruptError(
            f"{wrong}. It remembers what was bought from here, so that nothing is bought before it "
            "can be read; nothing was sent. "
            f"`seedrender lock repair {named(self.path.parents[1], manifest)}` keeps every line "
            "that can be read, and the damaged file beside it"
        )


def paid(lock: Lock) -> Lock:
    """Return the entries of jobs for which money was spent."""
    entries = {job: entry for job, entry in lock.entries.items() if _is_paid(entry)}
    return Lock(manifest=lock.manifest, entries=entries)


def _is_paid(entry: LockEntry) -> bool:
    return any(record.provider != SIMULATED for record in entry.tasks)


def _is_worth(record: TaskRecord) -> bool:
    says = record.has_ended_in_vain or fold.next_action(record.stage) in _WORTH
    return says and record.provider != SIMULATED


def _are_one(path: Path, other: Path) -> bool:
    """Say whether two paths are names of one file."""
    try:
        return os.path.samestat(path.lstat(), other.lstat())
    except OSError:
        return False


def _latest_clips(lock: Lock) -> Mapping[str, Artifact]:
    """Return the clip of each task as it is in its newest place, on whatever line that stands."""
    latest: dict[str, Artifact] = {}
    for clip in (entry.output for entry in lock.entries.values()):
        if clip is not None:
            latest[clip.made_by] = fold.later(latest.get(clip.made_by), clip) or clip
    return latest


def _placed(entry: LockEntry, latest: Mapping[str, Artifact]) -> LockEntry:
    if entry.output is None:
        return entry
    return replace(entry, output=fold.later(entry.output, latest.get(entry.output.made_by)))


def _of_its_own(
    entry: LockEntry, owners: Mapping[str, JobId | None], latest: Mapping[str, Artifact]
) -> LockEntry:
    """Return an entry less the records that belong to others, or to nobody, and their clip."""
    job, output = entry.job, entry.output
    tasks = tuple(r for r in entry.tasks if owners.get(r.correlation_id, job) == job)
    if output is not None:
        output = latest[output.made_by] if owners.get(output.made_by, job) == job else None
    return LockEntry(job=job, tasks=tasks, output=output, pin=entry.pin)
