"""What everybody who works on a run's tasks shares: where facts go, and what bounds requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from seedrender.errors import RateLimitedError
from seedrender.project.roots import named
from seedrender.run.downloads import DownloadPlaces
from seedrender.run.files import Files
from seedrender.run.gate import Gate
from seedrender.run.inputs import Inputs
from seedrender.run.pace import Pace, spread
from seedrender.run.purse import Purse
from seedrender.run.slots import Slots
from seedrender.run.store import Store
from seedrender.values.entry import LockEntry, TaskRecord
from seedrender.values.job import Job, JobId
from seedrender.values.manifest import PollSchedule
from seedrender.values.money import Amount
from seedrender.values.provider import Provider
from seedrender.values.task import Task

LONGEST_WAIT_S = 900.0  # whatever a provider asks for
_MAX_BACKOFF_S = 60.0
_DOUBLINGS = 16  # more than there can be below that: a provider may be down for days


class Listener(Protocol):
    """Who is told what happens, as it happens."""

    def note(self, job: JobId, what: str, detail: str = "") -> None:
        """Take one change of a job's state."""
        ...

    def say(self, words: str) -> None:
        """Take what concerns the whole run."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the work on tasks needs."""

    provider: Provider
    store: Store
    files: Files
    inputs: Inputs
    slots: Slots
    pace: Pace
    gate: Gate
    poll: PollSchedule
    listener: Listener
    purse: Purse = field(default_factory=Purse)
    settled: Callable[[Job, Task], Amount | None] = lambda _job, task: task.cost  # what it did cost
    said: str = ""  # of the command line's choices, as another command repeats them
    waits: bool = True  # False: submit and leave, look once at what was submitted before
    downloads: DownloadPlaces = field(default_factory=DownloadPlaces)

    @property
    def manifest(self) -> str:
        """The manifest as a command names it."""
        return named(self.files.root, self.store.lock.manifest) + self.said

    async def keep(self, job: JobId, *records: TaskRecord) -> None:
        """Note facts about tasks of one job: on disk first, whatever else depends on them."""
        await self.store.keep(LockEntry(job=job, tasks=records))
        for record in records:
            self.purse.note(job, record)

    def wait_s(self, error: Exception, attempt: int) -> float:
        """Return how long to wait before asking again: longer each time, and as long as is asked.

        Where the provider counts requests, everybody waits.
        """
        own_s = min(2.0 ** min(attempt, _DOUBLINGS), _MAX_BACKOFF_S) / self.provider.limits.speed
        wait_s = own_s * spread(0.5)
        if isinstance(error, RateLimitedError):
            asked_s = min(error.retry_after_s or 0.0, LONGEST_WAIT_S) * (1 + spread(1.0) / 10)
            wait_s = max(wait_s, asked_s)
            if not error.is_concurrency:
                self.pace.too_fast(asked_s)
        return wait_s
