"""Chooses, where a job has several clips of one definition, those that save the most purchases.

Two clones that rendered the same, once merged, have two clips of a shot, and other clips that
continue one of them or the other. A clip that continues another one shows nothing beside a third;
so it is chosen for all jobs together, and what is in its place stays where that costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from seedrender.values.entry import TaskRecord
from seedrender.values.job import Job, JobId

_MOST_TRIES = 20_000  # of options for a job; then the first of each is taken
_MOST_FORKS = 150  # within one another
Clips = Mapping[JobId, str | None]  # sha256 of what each job has; None: nothing yet


class Saved(NamedTuple):
    """What a choice saves, the weightiest first."""

    wanted_now: int = 0  # jobs that are to be rendered now, and need not be bought
    jobs: int = 0

    def with_(self, other: Saved) -> Saved:
        """Return what both save."""
        return Saved(*map(sum, zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class Option:
    """A task that shows what a job wants, or will; none for a clip that stays whatever it shows."""

    record: TaskRecord | None
    identity: str | None  # of its clip; None: it is not fetched yet


Options = Callable[[Job, Clips], Sequence[Option]]  # the best first, given what the parents have
Choice = tuple[Saved, dict[JobId, Option]]


@dataclass(slots=True)
class Assignment:
    """The search for the best choice among the options of jobs, none of which needs a later one."""

    jobs: Sequence[Job]
    options: Options
    selected: frozenset[JobId]
    _tries: int = 0
    _with_children: frozenset[JobId] = field(default=frozenset())

    def best(self) -> dict[JobId, Option]:
        """Return the option of each job that has one."""
        self._with_children = frozenset(p for job in self.jobs for p in job.parents)
        return self._solved(self.jobs, {}, 0)[1]

    def _solved(self, jobs: Sequence[Job], given: Clips, depth: int) -> Choice:
        """Choose for jobs, of whose parents all others are `given`."""
        known = dict(given)
        saved, chosen, left = self._forced(jobs, known, depth)
        for part in _parts(left):
            more, theirs = self._forked(part, known, depth)
            saved, chosen = saved.with_(more), {**chosen, **theirs}
        return saved, chosen

    def _forced(
        self, jobs: Sequence[Job], known: dict[JobId, str | None], depth: int
    ) -> tuple[Saved, dict[JobId, Option], list[Job]]:
        """Choose where there is nothing to choose; return also the jobs that are left."""
        saved, chosen, left = Saved(), dict[JobId, Option](), list[Job]()
        may_try = depth < _MOST_FORKS and self._tries < _MOST_TRIES
        for job in jobs:
            if not known.keys() >= set(job.parents):
                left.append(job)
                continue
            options = self._of(job, known)
            is_fork = len({option.identity for option in options}) > 1
            if is_fork and may_try and job.id in self._with_children:
                left.append(job)
                continue
            known[job.id] = options[0].identity if options else None
            if options:
                chosen[job.id] = options[0]
                saved = saved.with_(self._saved(job))
        return saved, chosen, left

    def _forked(self, jobs: Sequence[Job], given: Clips, depth: int) -> Choice:
        """Try each option of the first job."""
        job, later = jobs[0], jobs[1:]
        found: list[Choice] = []
        for option in self._of(job, given):
            if found and self._tries >= _MOST_TRIES:
                break
            saved, chosen = self._solved(later, {**given, job.id: option.identity}, depth + 1)
            found.append((saved.with_(self._saved(job)), {job.id: option, **chosen}))
        return max(found, key=lambda choice: choice[0])  # the first one of equals

    def _of(self, job: Job, given: Clips) -> Sequence[Option]:
        self._tries += 1
        return self.options(job, given)

    def _saved(self, job: Job) -> Saved:
        return Saved(int(job.id in self.selected), 1)


def _parts(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Part jobs into those that rest on one another, each in their order."""
    homes: dict[JobId, JobId] = {job.id: job.id for job in jobs}

    def home(job: JobId) -> JobId:
        while homes[job] != job:
            homes[job] = job = homes[homes[job]]
        return job

    for job in jobs:
        for parent in job.parents:
            if parent in homes:
                homes[home(job.id)] = home(parent)
    parts: dict[JobId, list[Job]] = {}
    for job in jobs:
        parts.setdefault(home(job.id), []).append(job)
    yield from parts.values()
