"""Turns requests into what is left of a limit: so many in so many seconds, for each key."""

from __future__ import annotations

from collections import defaultdict, deque

from seedrender.sim.clock import Clock


class Windows:
    """The times of the latest requests, by what they are counted for."""

    def __init__(self) -> None:
        self._times: defaultdict[tuple[str, ...], deque[float]] = defaultdict(deque)

    def take(
        self, key: tuple[str, ...], clock: Clock, *, limit: int, seconds: float
    ) -> float | None:
        """Count a request; return None, or in how many seconds it would be within the limit."""
        now, times = clock.now(), self._times[key]
        while times and times[0] <= now - seconds:
            times.popleft()
        if len(times) >= limit:
            return times[0] + seconds - now
        times.append(now)
        return None
