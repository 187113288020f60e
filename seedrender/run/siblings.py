"""Finds what other manifests have bought and no job of theirs has a use for.

A film that is split leaves tasks on the lines of jobs that are in another manifest now.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from seedrender.errors import LockError, SeedrenderError
from seedrender.lock import fold
from seedrender.lock.fingerprint import fingerprint
from seedrender.lock.prune import clips_of
from seedrender.project import lock_files, lock_read
from seedrender.project.ownership import Ownership, lock_path
from seedrender.project.purchases import PurchaseLog
from seedrender.project.roots import named
from seedrender.run import store
from seedrender.values.entry import Lock, LockEntry, TaskRecord
from seedrender.values.job import Job, JobId

Wanted = Mapping[str, JobId]  # digest of what is to be bought → the job that asks for it


class Sibling(Protocol):
    """Another manifest, read and expanded."""

    @property
    def outputs(self) -> frozenset[str]:
        """The files that it makes, relative to its folder."""

    def unused(self, lock: Lock) -> Lock:
        """Return what it has bought and has no use for."""


@dataclass(slots=True)
class Siblings:
    """The other manifests of the repository.

    One is expanded only where it has bought what is wanted; one of another folder is not even read
    where its files do not speak of that.
    """

    ownership: Ownership
    load: Callable[[Path], Sibling]  # raises SeedrenderError
    paths: set[str] = field(default_factory=set)  # of clips that were found: they stay there
    _known: dict[Path, Lock] = field(default_factory=dict)
    _unused: dict[Path, Lock] = field(default_factory=dict)

    def left(self, wanted: Callable[[], Wanted]) -> Lock:
        """Return the tasks that no job of theirs has a use for.

        Raises: LockError where one cannot be read, or has what is wanted and is not right itself.
        """
        found = Lock(manifest="")
        home = self.ownership.manifest.parent
        beside = tuple(self.ownership.siblings())
        elsewhere = [file for file in lock_files.in_other_folders(home) if file.is_of_one_there]
        if not (asked := wanted() if beside or elsewhere else {}):
            return found
        told = (file for file in elsewhere if not asked.keys().isdisjoint(file.digests()))
        for path in dict.fromkeys([*beside, *(file.folder / file.manifest for file in told)]):
            known = self._read(path)
            records = (r for entry in known.entries.values() for r in entry.tasks)
            has = next((r for r in records if r.fingerprint.digest in asked), None)
            if has is not None:
                job = asked[has.fingerprint.digest]
                found = fold.fold(found, self._left_by(path, known, job, has).entries.values())
        return found

    def _read(self, path: Path) -> Lock:
        """Return all that one knows: its lockfile, journal and memory. Raises: LockError."""
        if path not in self._known:
            try:
                lock = store.read(lock_path(path), path.name)
                log = PurchaseLog(lock_read.real(lock_path(path)))
                self._known[path] = fold.fold(lock, log.unknown_to(lock).entries.values())
            except LockError as error:
                raise LockError(
                    f"{self._shown(path)} may have bought what is wanted here, and what it knows "
                    f"cannot be read: {error}"
                ) from None
        return self._known[path]

    def _left_by(self, path: Path, known: Lock, job: JobId, task: TaskRecord) -> Lock:
        if path not in self._unused:
            try:
                self._unused[path] = self.load(path).unused(known)
            except (SeedrenderError, OSError) as error:
                ours, task_id = self.ownership.manifest, task.task_id or "ID"
                raise LockError(
                    f"{self._shown(path)} has bought just what {job} asks for, and "
                    f"is not right itself, so that nobody can say whether it still has a use for "
                    f"it; nothing was sent. Mend it, or take the task over with `seedrender adopt "
                    f"{named(ours.parent, ours.name)} {job} --task {task_id}`; what is "
                    f"wrong: {error}"
                ) from None
            if path.parent == self.ownership.manifest.parent:
                for entry in self._unused[path].entries.values():
                    self.paths.update(clip.path for clip in clips_of(entry))
        return self._unused[path]

    def _shown(self, path: Path) -> str:
        return os.path.relpath(path, self.ownership.manifest.parent.resolve())


def lacking(jobs: Iterable[Job], references: Mapping[str, str], lock: Lock) -> Wanted:
    """Return what jobs ask for of which a lock has too few, as far as their parents are there.

    `references`: sha256 of each local one, by its name.
    """
    lines = lock.entries.values()
    here = Counter(r.fingerprint.digest for e in lines for r in e.tasks if _is_good(r, e))
    outputs = {job: e.output.identity for job, e in lock.entries.items() if e.output}
    found: dict[str, JobId] = {}
    for job in jobs:
        if all(parent in outputs for parent in job.parents):
            parents = {parent: outputs[parent] for parent in job.parents}
            digests = fingerprint(job, references, parents).digests
            own = next((digest for digest in digests if here[digest]), None)
            if own is None:
                found |= dict.fromkeys(digests, job.id)
            else:
                here[own] -= 1
    return found


def _is_good(record: TaskRecord, entry: LockEntry) -> bool:
    """Say whether a task has a clip, or may have one yet."""
    is_live = fold.next_action(record.stage) in (fold.Action.ASK, fold.Action.RESUME)
    return (is_live and not record.is_lost) or fold.clip_of(record, entry) is not None
