"""Finds the entries of a lock that no manifest asks for any more."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from seedrender.lock import fold
from seedrender.values.entry import Lock, LockEntry
from seedrender.values.job import JobId
from seedrender.values.task import Artifact, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """An entry whose job is not in the manifest."""

    entry: LockEntry
    kept_for: str  # why it must stay; empty: it may go

    @property
    def clips(self) -> tuple[Artifact, ...]:
        """Return the clip in its place, and those that were set aside."""
        return clips_of(self.entry)


def clips_of(entry: LockEntry) -> tuple[Artifact, ...]:
    """Return the clip of a job in its place, and those that were set aside."""
    aside = [r.superseded for r in entry.tasks if r.superseded is not None]
    return (*aside, *([entry.output] if entry.output is not None else []))


def frames_of(entry: LockEntry) -> tuple[Frame, ...]:
    """Return the last pictures that were kept of a job's clips."""
    return tuple(r.last_frame for r in entry.tasks if r.last_frame is not None)


def known_files(lock: Lock) -> frozenset[str]:
    """Return the sha256 of every file that a lock names."""
    entries = lock.entries.values()
    clips = (clip.sha256 for entry in entries for clip in clips_of(entry))
    return frozenset([*clips, *(f.sha256 for entry in entries for f in frames_of(entry))])


def orphans(lock: Lock, ids: Collection[JobId]) -> tuple[Orphan, ...]:
    """Return the entries of jobs and takes that are not among these, in the order of the file."""
    return tuple(
        Orphan(entry=entry, kept_for=_kept_for(entry))
        for job, entry in sorted(lock.entries.items())
        if job not in ids
    )


def without(lock: Lock, gone: Collection[JobId]) -> Lock:
    """Return the lock without these entries."""
    entries = {job: entry for job, entry in lock.entries.items() if job not in gone}
    return replace(lock, entries=entries)


def _kept_for(entry: LockEntry) -> str:
    live = fold.alive(entry)
    if any(record.task_id is None for record in live):
        return "a paid task may exist: its outcome is unknown"
    if live:
        return f"task {live[-1].task_id} is at the provider, paid already"
    return "it is pinned" if entry.is_pinned else ""
