"""Turns jobs into a graph: who waits for whose clip, and how much work hangs behind each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seedrender.values.job import Job, JobId, MediaKind

_ASSUMED_DURATION_S = 5  # of a job whose author did not say: only for the order of work


@dataclass(frozen=True, slots=True)
class JobGraph:
    """Jobs in manifest order; a job comes after all that it needs."""

    jobs: Mapping[JobId, Job]
    behind_s: Mapping[JobId, int]  # seconds of footage on the longest way from a job to an end

    def longest_chain(self) -> tuple[JobId, ...]:
        """Return the jobs that must run one after the other, whatever the concurrency."""
        if not self.jobs:
            return ()
        way = [max(self.jobs, key=lambda job: self.behind_s[job])]
        while following := [job for job in self.jobs if way[-1] in self.jobs[job].parents]:
            way.append(max(following, key=lambda job: self.behind_s[job]))
        return tuple(way)

    def footage_s(self, chain: Sequence[JobId]) -> int:
        """Return how long the clips of some jobs are together, as far as is known before."""
        jobs = [self.jobs[job] for job in chain]
        return sum(_length_s(job) for job in jobs if job.makes is not MediaKind.IMAGE)


def build(jobs: Sequence[Job]) -> JobGraph:
    """Build the graph; jobs arrive in an order in which none needs a later one."""
    by_id = {job.id: job for job in jobs}
    behind: dict[JobId, int] = {}
    longest_after: dict[JobId, int] = {}
    for job in reversed(jobs):
        behind[job.id] = _length_s(job) + longest_after.get(job.id, 0)
        for need in job.parents:
            longest_after[need] = max(longest_after.get(need, 0), behind[job.id])
    return JobGraph(jobs=by_id, behind_s={job: behind[job] for job in by_id})


def _length_s(job: Job) -> int:
    """Return the seconds of a job's clip; a picture, which is soon made, counts as one."""
    is_still = job.makes is MediaKind.IMAGE
    return job.stated_duration_s or (1 if is_still else _ASSUMED_DURATION_S)


def bond(job: Job, parent: Job) -> str:
    """Say what a job has to do with one that it waits for."""
    if parent.id in job.needs:
        return f"continues {parent.id}"
    what = "picture" if parent.makes is MediaKind.IMAGE else "clip"
    return f"uses the {what} of {parent.id}"
