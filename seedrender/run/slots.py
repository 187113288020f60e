"""Bounds the tasks in flight at a provider, and learns how many it takes."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from itertools import count

from seedrender.values.task import TaskId


class Slot:
    """One place in flight. Once it is a task's, it is free when that task has ended, not before."""

    def __init__(self, slots: Slots, task_id: TaskId | None = None) -> None:
        self._slots = slots
        self.task_id = task_id
        self.has_ended = False

    def becomes(self, task_id: TaskId) -> None:
        """Give the place to the task that was made."""
        self.task_id = task_id
        self._slots.begin(task_id)


class Slots:
    """Places for tasks in flight; the one with the most work behind it goes first.

    A place belongs to its task: where nobody waits for the task any more it still runs, and counts.
    Tasks of earlier runs have their places from the start, even beyond the limit.
    """

    def __init__(self, most: int, in_flight: Collection[TaskId] = ()) -> None:
        self._most = most
        self._limit = most  # what the provider takes, as far as we know
        self._tasks = set(in_flight)
        self._reserved = 0  # places whose task does not exist yet
        self._accepted = 0  # submits since the limit was last moved
        self._queue: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()

    @property
    def limit(self) -> int:
        """How many tasks may be in flight now."""
        return self._limit

    @property
    def in_flight(self) -> int:
        """How many places are taken."""
        return len(self._tasks) + self._reserved

    @property
    def tasks(self) -> int:
        """How many tasks are at the provider."""
        return len(self._tasks)

    @property
    def is_free(self) -> bool:
        """Whether a place could be had without waiting."""
        return self.in_flight < self._limit and not self._queue

    @asynccontextmanager
    async def place(self, behind_s: int) -> AsyncIterator[Slot]:
        """Hold a place for a task that is to be made."""
        await self._take(behind_s)
        slot = Slot(self)
        try:
            yield slot
        finally:
            if slot.task_id is None:
                self._reserved -= 1
            self._leave(slot)

    @asynccontextmanager
    async def place_of(self, task_id: TaskId) -> AsyncIterator[Slot]:
        """Hold the place of a task that exists already."""
        self._tasks.add(task_id)
        slot = Slot(self, task_id)
        try:
            yield slot
        finally:
            self._leave(slot)

    def begin(self, task_id: TaskId) -> None:
        """Turn a place that was reserved into its task's."""
        self._reserved -= 1
        self._tasks.add(task_id)

    def limit_to(self, most: int) -> None:
        """Let a person change the most that may be in flight."""
        self._most = self._limit = most
        self._wake()

    def refused(self) -> None:
        """Shrink to what is in flight now: the provider takes no more."""
        self._limit = max(1, min(self._limit, len(self._tasks)))
        self._accepted = 0

    def troubled(self) -> None:
        """Grow no further for now: the provider has other troubles."""
        self._accepted = 0

    def accepted(self) -> None:
        """Grow by one after as many submits as there are places."""
        self._accepted += 1
        if self._accepted > self._limit and self._limit < self._most:
            self._limit += 1
            self._accepted = 0
            self._wake()

    async def _take(self, behind_s: int) -> None:
        if self.is_free:
            self._reserved += 1
            return
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, (-behind_s, next(self._order), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._reserved -= 1
                self._wake()
            raise

    def _leave(self, slot: Slot) -> None:
        if slot.task_id is not None and slot.has_ended:
            self._tasks.discard(slot.task_id)
        self._wake()

    def _wake(self) -> None:
        while self._queue and self.in_flight < self._limit:
            turn = heapq.heappop(self._queue)[2]
            if not turn.done():
                self._reserved += 1
                turn.set_result(None)
