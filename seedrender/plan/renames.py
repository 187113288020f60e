"""Finds long takes that only got another name: the same clips, joined in the same way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seedrender.plan.make import join_fingerprint
from seedrender.values.entry import Lock
from seedrender.values.job import JobId
from seedrender.values.manifest import LongTake


def seen(lock: Lock, takes: Sequence[LongTake], named: frozenset[JobId]) -> Mapping[str, str]:
    """Return id before → id now, for takes that were never joined and joins that nobody claims.

    `named` is every id of the manifest. Each join is claimed once, by the first take in the order
    of the manifest.
    """
    clips = {j: e.output.sha256 for j, e in lock.entries.items() if e.output is not None}
    made_for: dict[str, JobId] = {}
    for job, entry in sorted(lock.entries.items()):
        if job not in named and entry.output is not None and not entry.tasks:
            made_for.setdefault(entry.output.made_by, job)
    moved: dict[str, str] = {}
    for take in takes:
        if take.id not in lock.entries and all(job in clips for job in take.segments):
            joined = join_fingerprint(take, tuple(clips[job] for job in take.segments)).digest
            if joined in made_for:
                moved[made_for.pop(joined)] = take.id
    return moved
