"""Notes a person's word that clips stay as they are, or that the manifest decides again."""

from __future__ import annotations

from collections.abc import Sequence

from seedrender.errors import ConfigError
from seedrender.lock import fold
from seedrender.plan import select
from seedrender.run.project import Project
from seedrender.run.store import hold
from seedrender.values.entry import LockEntry, Pin
from seedrender.values.job import CorrelationId, JobId


async def pin(
    project: Project, selectors: Sequence[str], *, is_on: bool
) -> list[tuple[JobId, str]]:
    """Pin or unpin the named jobs; say of each what became of it.

    Raises: LockError; ConfigError where a selector names nothing, or nothing has a clip to keep.
    """
    jobs = select.named(project.all_jobs, selectors)
    said: list[tuple[JobId, str]] = []
    async with hold(project.lock_path, project.path.name, project.moves) as store:
        chosen = project.owners(store.lock).choices()
        entries = {job: store.entry(job) for job in jobs}
        if is_on and not any(entry is not None and entry.output for entry in entries.values()):
            raise ConfigError(f"{jobs[0]} has no clip yet: there is nothing to pin")
        for job, entry in entries.items():
            if is_on and (entry is None or entry.output is None):
                said.append((job, "has no clip yet: not pinned"))
            elif (entry is not None and entry.is_pinned) == is_on:
                said.append((job, "is pinned already" if is_on else "was not pinned"))
            else:
                word = Pin(is_on=is_on, at=store.clock.now(), made_by=_kept(entry, chosen.get(job)))
                await store.append(LockEntry(job=job, pin=word))
                said.append((job, "is pinned" if is_on else "is no longer pinned"))
    return said


def _kept(entry: LockEntry | None, chosen: CorrelationId | None) -> CorrelationId | None:
    """Return whose clip a person sees: that which the plan puts in its place."""
    if entry is None or entry.output is None:
        return None
    has_it = any(r.correlation_id == chosen and fold.clip_of(r, entry) for r in entry.tasks)
    return chosen if has_it else CorrelationId(entry.output.made_by)
