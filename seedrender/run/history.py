"""Remembers how long tasks took, of the lock and of the run, and what that says of others."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from seedrender.plan import polling
from seedrender.plan.polling import Course, Group
from seedrender.plan.times import ENOUGH, Times, learn
from seedrender.values.entry import JobState, Lock, TaskRecord
from seedrender.values.manifest import PollSchedule
from seedrender.values.provider import Limits

_KEPT = 400  # times in each group, the newest: many more than tasks are in flight, or else they
# would be the quick ones of a batch
_GROWTH = 1.25  # of a group's number of times, until its course is computed anew
_STEPS = 2  # rows of a table within the schedule's longest interval
_LEAST_STEP_S = 0.01
_TOLERANCE = 1.5  # a submit takes a while to be answered
_ENDS_OF_ITS_OWN = (JobState.SUCCEEDED, JobState.FAILED, JobState.BLOCKED)


@dataclass(frozen=True, slots=True)
class _Computed:
    count: int  # of times, when it was computed
    course: Course | None


def is_contradicted(told_s: float, ours_s: float) -> bool:
    """Say whether a provider's clock goes another way than ours: no task ends after it was seen."""
    return told_s > _TOLERANCE * ours_s


class History:
    """Render times by group, in the provider's seconds."""

    def __init__(self, limits: Limits, poll: PollSchedule) -> None:
        self._limits = limits
        self._poll = poll
        self._times: defaultdict[Group, deque[float]] = defaultdict(lambda: deque(maxlen=_KEPT))
        self._counts: Counter[Group] = Counter()
        self._computed: dict[Group, _Computed] = {}

    def remember(self, lock: Lock, provider: str) -> None:
        """Take the times that a lock keeps of a provider's tasks."""
        records = [record for entry in lock.entries.values() for record in entry.tasks]
        known = ((record.finished_at, record) for record in records if record.provider == provider)
        dated = ((moment, record) for moment, record in known if moment is not None)
        for finished_at, record in sorted(dated, key=lambda pair: pair[0]):
            parts = record.fingerprint.parts
            took_s = self._took_s(record, finished_at)
            if took_s is not None and "model" in parts:
                named = (parts.get(name) for name in ("model", "tier", "resolution", "duration_s"))
                self.add(polling.named_group(provider, *named), took_s)

    def _took_s(self, record: TaskRecord, finished_at: datetime) -> float | None:
        """Return a task's own time, unless our clock says otherwise.

        The simulator's clock is another one on purpose.
        """
        if record.state not in _ENDS_OF_ITS_OWN or record.render_s is None:
            return None
        if self._limits.speed != 1 or record.submitted_at is None:
            return record.render_s
        ours_s = max(0.0, (finished_at - record.submitted_at).total_seconds())
        is_sane = not is_contradicted(record.render_s, ours_s)
        return min(record.render_s, ours_s) if is_sane else None

    def add(self, finest: Group, took_s: float) -> None:
        """Take the time of a task that has just ended."""
        for group in polling.coarser(finest):
            self._times[group].append(took_s)
            self._counts[group] += 1

    def course(self, finest: Group, still_out: Callable[[Group], Iterable[float]]) -> Course | None:
        """Return when to look at tasks of a group; None: by the fixed schedule.

        The finest group with enough times counts; `still_out` names the ages of running tasks.
        """
        for group in polling.coarser(finest):
            count = self._counts[group]
            if count < ENOUGH:
                continue
            before = self._computed.get(group)
            if before is None or count >= before.count * _GROWTH:
                course = self._compute(group, still_out(group))
                before = self._computed[group] = _Computed(count, course)
            return before.course
        return None

    def _compute(self, group: Group, still_out: Iterable[float]) -> Course | None:
        step_s = max(self._poll.max_interval_s / _STEPS, _LEAST_STEP_S)
        times = learn(tuple(self._times[group]), tuple(still_out), step_s)
        return None if times is None else polling.course(times, self._poll, self._affordable(times))

    def _affordable(self, times: Times) -> float:
        """Return how many looks the request budget leaves each task, with all places taken."""
        per_task = self._limits.requests_per_minute / 60 * times.area[-1] / self._limits.concurrency
        return per_task - 1  # the submit
