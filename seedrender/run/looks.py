"""Decides when to look at each task that is waited for, and how: held, shared, or one by one."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from seedrender.errors import (
    NotFoundError,
    ProviderError,
    RateLimitedError,
    UnavailableError,
)
from seedrender.plan import polling
from seedrender.plan.polling import Course, Group
from seedrender.run.clock import wall
from seedrender.run.history import History, is_contradicted
from seedrender.run.pace import Pace, spread
from seedrender.values.entry import TaskRecord
from seedrender.values.job import Job
from seedrender.values.manifest import PollSchedule
from seedrender.values.provider import Provider
from seedrender.values.task import Task, TaskId, TaskState

_MOST_HELD = 50  # half of the connections: other requests have theirs
_ASSENTS = 2  # answers, one after another, that show that a server does not hold, or lists not
_HELD_PART = 0.25  # of the time to be held: sooner than that is at once
_BEFORE_HOLD = 0.02  # of the tasks may end before the first held request is there
_HALVINGS = 12
_LONGEST_WAIT_S = 86_400.0
_LEARNT_FROM = (TaskState.SUCCEEDED, TaskState.FAILED, TaskState.REFUSED)


_PASSING = (UnavailableError, RateLimitedError)


@dataclass(slots=True, kw_only=True, eq=False)
class Watch:
    """One task that is waited for; ages are the provider's seconds since it was created."""

    task_id: TaskId
    group: Group
    is_fresh: bool  # submitted by this run
    born_at: float  # on the loop's clock
    is_due: bool  # look at once
    looks: int = 0
    seen: float = 0.0  # the age at which it was last known to run
    asked: float = 0.0  # the age at the last look
    spread: float = 1.0  # of the next wait by the fixed schedule
    provider_state: str = ""
    reply: Task | ProviderError | None = None  # of a look for many


class Looks:
    """All watches of one run; every request waits for its turn at the request budget."""

    def __init__(
        self, provider: Provider, pace: Pace, poll: PollSchedule, history: History
    ) -> None:
        self._provider, self._pace, self._poll, self._history = provider, pace, poll, history
        self._watched: set[Watch] = set()
        self._held = 0
        self._not_held = 0  # answers at once to requests that were to be held, in a row
        self._not_listed = 0  # lists that were refused, in a row
        self._sharing: set[Watch] = set()
        self._joined = asyncio.Event()
        self._lead = asyncio.Lock()

    @contextmanager
    def watch(self, job: Job, record: TaskRecord, *, is_fresh: bool) -> Iterator[Watch]:
        """Wait for a task of this run, or of an earlier one, which is looked at at once."""
        assert record.task_id is not None, "only tasks are polled"
        age = 0.0
        if not is_fresh and record.submitted_at is not None:
            age = max(0.0, (wall() - record.submitted_at).total_seconds())
        watch = Watch(
            task_id=record.task_id,
            group=polling.group(self._provider.name, job),
            is_fresh=is_fresh,
            born_at=self._time() - age / self._speed,
            is_due=not is_fresh,
            spread=spread(self._poll.jitter),
        )
        self._watched.add(watch)
        try:
            yield watch
        finally:
            self._watched.discard(watch)

    async def look(self, watch: Watch) -> Task:
        """Wait until it is time to look at a task, and say what is seen. Raises: ProviderError.

        After an error the next look is due at once: the caller says when to ask again.
        """
        try:
            task = await self._look(watch)
        except ProviderError:
            watch.is_due = True
            self._has_asked(watch)
            raise
        self._learn(watch, task)
        watch.is_due = False
        self._has_asked(watch)
        if not task.state.is_final:
            watch.seen, watch.provider_state = watch.asked, task.provider_state
        return task

    async def _look(self, watch: Watch) -> Task:
        limits = self._provider.limits
        if limits.hold_s > 0 and self._not_held < _ASSENTS and self._held < _MOST_HELD:
            return await self._hold(watch)
        if limits.batch > 1 and self._not_listed < _ASSENTS:
            return await self._share(watch)
        await self._sleep(self._wait_s(watch))
        return await self._ask(watch)

    async def _ask(self, watch: Watch) -> Task:
        """Ask for one task, as every service allows it."""
        await self._pace.turn()
        return await self._provider.poll(watch.task_id)

    def _has_asked(self, watch: Watch) -> None:
        watch.looks += 1
        watch.asked = self._age(watch)
        watch.spread = spread(self._poll.jitter)

    def _learn(self, watch: Watch, task: Task) -> None:
        """Keep how long it took: between the last two looks, whatever the provider's clock says.

        Where it says something else entirely, the middle is as good as any.
        """
        is_ours = watch.is_fresh or self._speed == 1  # a simulator stands still between runs
        if task.state in _LEARNT_FROM and task.render_s is not None and is_ours:
            age = self._age(watch)
            took_s = min(max(task.render_s, watch.seen), age)
            if is_contradicted(task.render_s, age):
                took_s = (watch.seen + age) / 2
            self._history.add(watch.group, took_s)

    def _wait_s(self, watch: Watch) -> float:
        """Return how long to wait, in the provider's seconds, before one task is looked at."""
        if watch.is_due:
            return 0.0
        course, age = self._course(watch), self._age(watch)
        next_age = None if course is None else course.next_age(age)
        return self._fixed_wait_s(watch, course) if next_age is None else next_age - age

    def _fixed_wait_s(self, watch: Watch, course: Course | None) -> float:
        """Return the fixed schedule's wait; the longest where a task is out longer than any was."""
        if course is not None:
            return self._poll.max_interval_s * watch.spread
        return polling.fixed_wait_s(self._poll, watch.looks) * watch.spread

    def _course(self, watch: Watch) -> Course | None:
        return self._history.course(watch.group, self._still_out)

    def _still_out(self, group: Group) -> Iterator[float]:
        return (w.seen for w in self._watched if w.seen > 0 and w.group[: len(group)] == group)

    async def _hold(self, watch: Watch) -> Task:
        """Let the server answer when the task ends, or after a while."""
        self._held += 1
        try:
            await self._sleep(self._wait_to_hold_s(watch))
            await self._pace.turn()
            started_at = self._time()
            try:
                task = await self._provider.poll(watch.task_id, hold=True)
            except _PASSING:
                self._not_held += 1
                raise
            except ProviderError:  # it may be of this way of asking alone
                task = await self._ask(watch)
                self._not_held = _ASSENTS
                return task
            self._judge_hold(watch, task, (self._time() - started_at) * self._speed)
            return await self._ask(watch) if _came_to_nothing(task) else task
        finally:
            self._held -= 1

    def _wait_to_hold_s(self, watch: Watch) -> float:
        if watch.is_due or watch.looks > 0:
            return 0.0
        course = self._course(watch)
        if course is None:
            return self._poll.first_s * watch.spread
        return max(0.0, course.times.early(_BEFORE_HOLD) - self._age(watch))

    def _judge_hold(self, watch: Watch, task: Task, took_s: float) -> None:
        """Notice a server that answers at once; a new state may be why, the same one is not."""
        if took_s >= self._provider.limits.hold_s * _HELD_PART:
            self._not_held = 0
        elif not task.state.is_final and task.provider_state == watch.provider_state:
            self._not_held += 1

    async def _share(self, watch: Watch) -> Task:
        """Look together with all others: whoever comes first waits and asks for all."""
        watch.reply = None
        self._sharing.add(watch)
        self._joined.set()
        try:
            while watch.reply is None:
                async with self._lead:
                    if watch.reply is None:
                        await self._look_for_all()
        finally:
            self._sharing.discard(watch)
        reply: Task | ProviderError = watch.reply
        if isinstance(reply, _PASSING) and self._not_listed < _ASSENTS:
            raise reply
        if isinstance(reply, Task) and not _came_to_nothing(reply):
            return reply
        task = await self._ask(watch)  # lists lag, or may be closed to a key, or wrong
        if isinstance(reply, ProviderError) and not isinstance(reply, NotFoundError):
            self._not_listed = _ASSENTS
        return task

    async def _look_for_all(self) -> None:
        """Ask for as many tasks as a request takes, the most urgent ones, and hand out answers."""
        await self._time_for_all()
        await self._pace.turn()
        by_urgency = sorted(self._sharing, key=lambda w: -self._urgency(w, 0.0))
        asked = by_urgency[: self._provider.limits.batch]
        found: dict[TaskId, Task] = {}
        failure: ProviderError = NotFoundError("the provider's list does not name it")
        try:
            found.update(await self._provider.poll_many([watch.task_id for watch in asked]))
            self._not_listed = 0
        except ProviderError as error:
            failure = error
            self._not_listed += isinstance(error, _PASSING)
        for watch in asked:
            watch.reply = found.get(watch.task_id, failure)
            self._sharing.discard(watch)

    async def _time_for_all(self) -> None:
        """Wait until a look is worth its price; a task that joins brings that time forward."""
        while True:
            self._joined.clear()
            wait_s = self._shared_wait_s()
            if wait_s <= 0:
                return
            try:
                async with asyncio.timeout(wait_s / self._speed):
                    await self._joined.wait()
            except TimeoutError:
                return

    def _shared_wait_s(self) -> float:
        watches = tuple(self._sharing)

        def urgency(wait_s: float) -> float:
            return sum(self._urgency(watch, wait_s) for watch in watches)

        if urgency(0.0) >= 1:
            return 0.0
        least, most = 0.0, 1.0
        while urgency(most) < 1 and most < _LONGEST_WAIT_S:
            least, most = most, 2 * most
        for _ in range(_HALVINGS):
            middle = (least + most) / 2
            least, most = (middle, most) if urgency(middle) < 1 else (least, middle)
        return most

    def _urgency(self, watch: Watch, after_s: float) -> float:
        """Return what a task contributes to a look after a while; 1 is worth a request.

        By the fixed schedule it is the square of the part of the wait that has passed, so that one
        task alone is looked at by that schedule, and many share their looks.
        """
        if watch.is_due:
            return math.inf
        course, age = self._course(watch), self._age(watch) + after_s
        passed = age - watch.asked
        if course is None or watch.asked >= course.times.end:
            wait_s = self._fixed_wait_s(watch, course)
            return (passed / wait_s) ** 2 if wait_s else math.inf
        if watch.looks > 0 and passed >= self._poll.max_interval_s:
            return 1.0
        return course.urgency(watch.asked, age)

    @property
    def _speed(self) -> float:
        return self._provider.limits.speed

    def _time(self) -> float:
        return asyncio.get_running_loop().time()

    def _age(self, watch: Watch) -> float:
        return (self._time() - watch.born_at) * self._speed

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)


def _came_to_nothing(task: Task) -> bool:
    """Say whether a task has ended without a result, so that it may be bought again."""
    return task.state.is_final and task.state is not TaskState.SUCCEEDED
