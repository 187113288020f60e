"""Bounds the requests a minute: submits and polls share them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from seedrender.values.provider import RateWindow

_SLOWER, _FASTER = 0.75, 1.02
_JITTER = 0.1


class Pace:
    """A request budget, spread evenly, slower after the provider said that it was too fast.

    `window` returns what the provider's newest answer says of its own count.
    """

    def __init__(
        self, requests_per_minute: float, window: Callable[[], RateWindow | None] = lambda: None
    ) -> None:
        self._interval_s = 60.0 / requests_per_minute
        self._burst_s = min(1.0, 10 * self._interval_s)  # what an idle while may save up
        self._window = window
        self._slowness = 1.0
        self._next_at = 0.0
        self._heeded: RateWindow | None = None

    async def turn(self) -> None:
        """Wait until one more request may leave."""
        self._heed_window()
        now = asyncio.get_running_loop().time()
        start = max(self._next_at, now - self._burst_s)
        self._next_at = start + self._interval_s * self._slowness
        self._slowness = max(1.0, self._slowness / _FASTER)
        await asyncio.sleep(max(0.0, self._next_at - now))

    def too_fast(self, retry_after_s: float) -> None:
        """Let nothing leave for a while, with some jitter on top, and less often after that."""
        self._slowness = min(self._slowness / _SLOWER, 1 / _SLOWER**4)
        self._hold_back(retry_after_s)

    def _heed_window(self) -> None:
        """Wait for the provider's next window where this one is used up."""
        window = self._window()
        if window is not None and window is not self._heeded and window.remaining <= 0:
            self._heeded = window
            self._hold_back(window.reset_in_s)

    def _hold_back(self, seconds: float) -> None:
        jitter = 1 + random.uniform(0, _JITTER)  # noqa: S311 - nothing secret rests on it
        now = asyncio.get_running_loop().time()
        self._next_at = max(self._next_at, now + seconds * jitter)


def spread(jitter: float) -> float:
    """Draw a factor about 1, so that many waits do not end together."""
    return random.uniform(1 - jitter, 1 + jitter)  # noqa: S311 - nothing secret rests on it
