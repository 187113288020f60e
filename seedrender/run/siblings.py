"""Finds what the other manifests of a folder have bought and have no job for any more.

A film that is split leaves a task on the line of a job that is in another manifest now.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from seedrender.errors import SeedrenderError
from seedrender.lock import fold
from seedrender.lock.prune import clips_of
from seedrender.project.ownership import Ownership
from seedrender.values.entry import Lock, LockEntry
from seedrender.values.job import JobId


class Sibling(Protocol):
    """Another manifest of the folder, read and expanded."""

    @property
    def ids(self) -> Collection[JobId]:
        """Every job and long take that it names."""

    def of_its_own(self, lock: Lock) -> Lock:
        """Return its lock, each task on the line of the job that has a use for it."""


@dataclass(slots=True)
class Siblings:
    """The manifests beside this one, which are read only where they may have what is wanted."""

    ownership: Ownership
    load: Callable[[Path], Sibling]  # raises SeedrenderError
    paths: set[str] = field(default_factory=set)  # of clips that were found: they stay there
    _left: dict[str, Lock] = field(default_factory=dict)  # by manifest

    def left(self, wanted: Callable[[], Collection[str]]) -> Lock:
        """Return the tasks that no job of theirs asks for; `wanted`: digests of what is asked here.

        A manifest that is not right keeps all that it has.
        """
        found, digests = Lock(manifest=""), None
        for _, lock in self.ownership.neighbours():
            digests = digests if digests is not None else wanted()
            if any(r.fingerprint.digest in digests for e in lock.entries.values() for r in e.tasks):
                found = fold.fold(found, self._left_in(lock).entries.values())
        return found

    def _left_in(self, lock: Lock) -> Lock:
        name = lock.manifest
        if name not in self._left:
            self._left[name] = Lock(manifest=name, entries=self._without_a_job(lock))
            for entry in self._left[name].entries.values():
                self.paths.update(clip.path for clip in clips_of(entry))
        return self._left[name]

    def _without_a_job(self, lock: Lock) -> dict[JobId, LockEntry]:
        try:
            sibling = self.load(self.ownership.manifest.with_name(lock.manifest))
            known = sibling.of_its_own(lock)
        except (SeedrenderError, OSError):
            return {}
        return {job: entry for job, entry in known.entries.items() if job not in sibling.ids}
