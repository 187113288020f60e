"""Bounds what a run asks of a provider: tasks in flight, and requests a minute."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count


class Slots:
    """Places for tasks in flight; the one with the most work behind it goes first."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._queue: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = count()

    @asynccontextmanager
    async def place(self, behind_s: int) -> AsyncIterator[None]:
        """Hold a place for as long as the task is in flight."""
        await self._take(behind_s)
        try:
            yield
        finally:
            self._give_back()

    async def _take(self, behind_s: int) -> None:
        if self._free > 0 and not self._queue:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, (-behind_s, next(self._order), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back()
            raise

    def _give_back(self) -> None:
        while self._queue:
            turn = heapq.heappop(self._queue)[2]
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class Pace:
    """A request budget a minute, spread evenly; submits and polls share it."""

    def __init__(self, requests_per_minute: float) -> None:
        self._interval_s = 60.0 / requests_per_minute
        self._burst_s = min(1.0, 10 * self._interval_s)  # what an idle while may save up
        self._next_at = 0.0

    async def turn(self) -> None:
        """Wait until one more request may leave."""
        now = asyncio.get_running_loop().time()
        self._next_at = max(self._next_at, now - self._burst_s) + self._interval_s
        await asyncio.sleep(max(0.0, self._next_at - now))

    def hold_back(self, seconds: float) -> None:
        """Let nothing leave for a while: the provider asked for it."""
        now = asyncio.get_running_loop().time()
        self._next_at = max(self._next_at, now + seconds)


class Gate:
    """Says whether more may be bought, and knows who waits for the answer to a submit."""

    def __init__(self) -> None:
        self.is_open = True
        self.awaiting_answer: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Let nothing more be bought in this run."""
        self.is_open = False

    @contextmanager
    def answer_is_due(self) -> Iterator[None]:
        """Mark the time in which a cancel would leave a paid task unknown."""
        task = asyncio.current_task()
        assert task is not None, "jobs are driven in tasks"
        self.awaiting_answer.add(task)
        try:
            yield
        finally:
            self.awaiting_answer.discard(task)
