"""Remembers beside the lockfile, where git does not reach, what was bought from here."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from seedrender.errors import LockError
from seedrender.lock import fold, lockfile
from seedrender.lock.fold import Action
from seedrender.lock.identity import SIMULATED
from seedrender.plan.make import Plan
from seedrender.project.own_folder import NAME, OwnFolder
from seedrender.values.entry import Fingerprint, Lock, LockEntry, TaskRecord
from seedrender.values.job import JobId

_WORTH = (Action.ASK, Action.RESUME, Action.REUSE)  # a clip of it is there, or may be
_SHOWN = 5


class Memory:
    """A second lockfile under `.seedrender/`: a stash, a checkout or a deletion takes the first.

    It decides nothing: it is only asked before money is spent on what it has.
    """

    def __init__(self, lock_path: Path) -> None:
        self._path = lock_path.parent / NAME / lock_path.name
        self._lacking: dict[str, TaskRecord] = {}  # by fingerprint: what a lock should know

    def keep(self, lock: Lock, *, forgotten: Collection[str] = ()) -> None:
        """Add what a lock knows of paid tasks, less submits that a person took out of it."""
        known = self._read(lock.manifest)
        found = fold.fold(known, [entry for entry in lock.entries.values() if _is_paid(entry)])
        kept = {job: _without(entry, forgotten) for job, entry in found.entries.items()}
        entries = {job: entry for job, entry in kept.items() if entry.tasks}
        if entries == known.entries:
            return
        text = lockfile.dumps(Lock(manifest=lock.manifest, entries=entries))
        with contextlib.suppress(OSError):  # it is a net, and no floor
            OwnFolder(self._path.parents[1]).write(self._path.name, text)

    def known(self, manifest: str) -> Lock:
        """Return what is remembered of paid tasks."""
        return self._read(manifest)

    def check(self, plan: Plan, lock: Lock, allowed: Collection[JobId]) -> None:
        """Refuse to buy what was bought before by a lockfile that knew more than this one.

        Raises: LockError.
        """
        objection = self.objection(plan, lock, allowed)
        if objection:
            raise LockError(objection)

    def objection(self, plan: Plan, lock: Lock, allowed: Collection[JobId] = ()) -> str:
        """Say why a run of this plan would be refused; empty: it would not."""
        self._lacking = {
            record.fingerprint.digest: record
            for entry in self.unknown_to(lock).entries.values()
            for record in entry.tasks
        }
        wanted = {
            step.job.id: step.fingerprint
            for step in plan.steps
            if step.will_submit and step.fingerprint is not None and step.job.id not in allowed
        }
        return self._objection(lock.manifest, wanted)

    def check_one(self, job: JobId, wanted: Fingerprint, manifest: str) -> None:
        """Refuse likewise what a plan could not know yet. Raises: LockError."""
        objection = self._objection(manifest, {job: wanted})
        if objection:
            raise LockError(objection)

    def _objection(self, manifest: str, wanted: Mapping[JobId, Fingerprint]) -> str:
        found = {
            job: self._lacking[digest]
            for job, fingerprint in wanted.items()
            for digest in fingerprint.digests
            if digest in self._lacking
        }
        return self._words(manifest, found) if found else ""

    def unknown_to(self, lock: Lock) -> Lock:
        """Return the tasks, with their clips, that are worth something and not in this lock."""
        known = {r.correlation_id for entry in lock.entries.values() for r in entry.tasks}
        entries: dict[JobId, LockEntry] = {}
        for job, entry in self._read(lock.manifest).entries.items():
            tasks = tuple(r for r in entry.tasks if _is_worth(r) and r.correlation_id not in known)
            if tasks:
                entries[job] = replace(entry, tasks=tasks)
        return Lock(manifest=lock.manifest, entries=entries)

    def _words(self, manifest: str, found: Mapping[JobId, TaskRecord]) -> str:
        rows = [f"{job} ({record.task_id or 'outcome unknown'})" for job, record in found.items()]
        shown = ", ".join(rows[:_SHOWN]) + (" …" if len(rows) > _SHOWN else "")
        place = f".seedrender/{self._path.name}"
        return (
            f"{self._path.name} knows nothing of what was bought before for {shown}; nothing was "
            "sent. Was the lockfile stashed, restored or deleted, or is it another branch's? Bring "
            f"it back with git, or join what is remembered: seedrender lock merge {manifest} "
            f"{place}. To pay again, run with --resubmit {next(iter(found))}, or delete {place}"
        )

    def _read(self, manifest: str) -> Lock:
        """Read what is remembered; where that cannot be read, it is nothing."""
        try:
            found = lockfile.loads(self._path.read_text("utf-8"), self._path.name)
        except (OSError, ValueError, LockError):
            return Lock(manifest=manifest)
        return found if found.manifest == manifest else Lock(manifest=manifest)


def _is_worth(record: TaskRecord) -> bool:
    """Whether a clip of a task is there, or may be, and somebody paid for it."""
    return fold.next_action(record.state) in _WORTH and record.provider != SIMULATED


def _is_paid(entry: LockEntry) -> bool:
    return any(record.provider != SIMULATED for record in entry.tasks)


def _without(entry: LockEntry, submits: Collection[str]) -> LockEntry:
    """Return an entry less some of its records."""
    tasks = tuple(record for record in entry.tasks if record.correlation_id not in submits)
    return LockEntry(job=entry.job, tasks=tasks, output=entry.output, pin=entry.pin)
