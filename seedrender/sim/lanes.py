"""Turns tasks that wait for each other into the times at which they start: a lane a model."""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field

from seedrender.sim.ledger import NEVER, Ledger, TaskRecord
from seedrender.sim.settings import SimSettings

_LARGEST = "4k"  # one of these at a time


@dataclass(slots=True)
class _Lane:
    """The tasks of one account with one model."""

    width: int
    waiting: list[str] = field(default_factory=list)  # ids, in order of creation
    ends: list[float] = field(default_factory=list)  # the latest ends, a heap of `width` at most

    def opens_at(self) -> float:
        """Return when the next task can be let in."""
        return self.ends[0] if len(self.ends) >= self.width else 0.0

    def let_in(self, ends_at: float) -> None:
        """Take a place until then."""
        heapq.heappush(self.ends, ends_at)
        if len(self.ends) > self.width:
            heapq.heappop(self.ends)


class Lanes:
    """Where tasks wait until fewer of their account and model are running."""

    def __init__(self, ledger: Ledger, settings: SimSettings) -> None:
        self._ledger = ledger
        self._settings = settings
        self._lanes: defaultdict[tuple[str, ...], _Lane] = defaultdict(self._lane)
        for task in ledger.tasks.values():
            if task.ready_at:
                self.add(task)

    def _lane(self) -> _Lane:
        return _Lane(self._settings.ark_concurrency)

    def _of(self, task: TaskRecord) -> _Lane:
        is_largest = task.body["resolution"] == _LARGEST
        tier = str(task.echo.get("service_tier", ""))
        lane = self._lanes[task.account, task.slug, tier, _LARGEST if is_largest else ""]
        if is_largest:
            lane.width = 1
        return lane

    def add(self, task: TaskRecord) -> None:
        """Let a task wait, or count it as running if it was started before."""
        lane = self._of(task)
        if task.starts_at < NEVER:
            lane.let_in(task.ended_at)
        elif task.canceled_at is None:
            lane.waiting.append(task.task_id)

    def waiting(self, task: TaskRecord) -> int:
        """Return how many wait in a task's lane."""
        return len(self._of(task).waiting)

    def leave(self, task: TaskRecord) -> None:
        """Let a task wait no longer."""
        self._of(task).waiting.remove(task.task_id)

    def settle(self, now: float) -> None:
        """Start whatever had its turn until now, in the order in which that came about."""
        for lane in self._lanes.values():
            while lane.waiting and self._start_next(lane, now):
                pass

    def _start_next(self, lane: _Lane, now: float) -> bool:
        tasks = [self._ledger.tasks[task_id] for task_id in lane.waiting]
        moment = max(lane.opens_at(), min(task.ready_at for task in tasks))
        overdue = [t for t in tasks if t.expires_at is not None and t.expires_at <= moment]
        if late := [t for t in overdue if t.ended_at <= now]:
            lane.waiting = [t.task_id for t in tasks if t not in late]
            return True
        if moment > now:
            return False
        ready = [task for task in tasks if task.ready_at <= moment]
        first = min(ready, key=lambda task: (-int(task.echo.get("priority", 0)), task.number))
        started = self._ledger.change(
            first.task_id, starts_at=moment, ends_at=moment + first.render_s
        )
        lane.waiting.remove(first.task_id)
        lane.let_in(started.ended_at)
        return True
