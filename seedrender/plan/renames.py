"""Finds jobs that only got another name: same footage as an entry whose id is gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seedrender.lock import fold
from seedrender.lock.fingerprint import fingerprint
from seedrender.plan.make import join_fingerprint
from seedrender.values.entry import Lock, LockEntry
from seedrender.values.job import Job, JobId
from seedrender.values.manifest import LongTake


def seen(
    lock: Lock, jobs: Sequence[Job], takes: Sequence[LongTake], digests: Mapping[str, str]
) -> Mapping[str, str]:
    """Return id before → id now, for jobs that were never rendered and clips that nobody claims.

    Each clip is claimed once, by the first job in the order of the manifest.
    """
    named = {job.id for job in jobs} | {take.id for take in takes}
    orphans = {j: e for j, e in lock.entries.items() if j not in named and e.output is not None}
    if not orphans:
        return {}
    made_for = _by_digest(orphans)
    clips = {j: e.output.sha256 for j, e in lock.entries.items() if e.output is not None}
    moved: dict[str, str] = {}
    for job in jobs:
        parents = {need: clips[need] for need in job.parents if need in clips}
        if job.id in lock.entries or len(parents) < len(job.parents):
            continue
        wanted = fingerprint(job, digests, parents).digests
        known = next((digest for digest in wanted if digest in made_for), None)
        if known is not None:
            before = made_for.pop(known)
            moved[before] = job.id
            clips[job.id] = clips[before]
    for take in takes:
        if take.id not in lock.entries and all(job in clips for job in take.segments):
            joined = join_fingerprint(take, tuple(clips[job] for job in take.segments)).digest
            if joined in made_for:
                moved[made_for.pop(joined)] = take.id
    return moved


def _by_digest(orphans: Mapping[JobId, LockEntry]) -> dict[str, JobId]:
    """Map what each clip was made from to its id; the first id where two are equal."""
    found: dict[str, JobId] = {}
    for job in sorted(orphans):
        record, output = fold.output_record(orphans[job]), orphans[job].output
        assert output is not None, "an orphan without a clip is left out"
        # a long take, which has no record, is known by its segments' clips
        found.setdefault(record.fingerprint.digest if record else output.made_by, job)
    return found
