"""Turns our time into the simulator's, which passes faster by a factor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class Clock:
    """The simulator's time in epoch seconds; it only goes forward while its world is served."""

    def __init__(
        self, speed: float, start: float | None = None, wall: Callable[[], float] = time.time
    ) -> None:
        self.speed = speed
        self.wall = wall
        self._wall_start = wall()
        self._start = self._wall_start if start is None else start

    def now(self) -> float:
        """Return the simulator's time."""
        return self._start + (self.wall() - self._wall_start) * self.speed

    def wall_at(self, moment: float) -> float:
        """Return when a moment of the simulator comes on our own clock: what clients are told."""
        return self.wall() + (moment - self.now()) / self.speed

    async def sleep(self, seconds: float) -> None:
        """Wait so many of the simulator's seconds."""
        await asyncio.sleep(seconds / self.speed)
