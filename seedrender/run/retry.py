"""Repeats what may succeed later: one way for all requests, each with an end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from seedrender.errors import (
    ArtifactError,
    NotFoundError,
    ProtocolError,
    RateLimitedError,
    StorageError,
    UnavailableError,
)
from seedrender.run.desk import Desk

T = TypeVar("T")

TRANSIENT = (UnavailableError, RateLimitedError)
ANY_TROUBLE_WITH_A_FILE = (*TRANSIENT, ArtifactError, NotFoundError, ProtocolError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long something is repeated: so many times, or for so long, whichever ends first."""

    attempts: int | None = None
    seconds: float | None = None  # of the provider's time

    def is_over(self, attempt: int, elapsed_s: float) -> bool:
        """Whether there is no further attempt after this one."""
        is_last = self.attempts is not None and attempt >= self.attempts
        return is_last or (self.seconds is not None and elapsed_s >= self.seconds)


ONCE = Patience(attempts=1)
UPLOADS = Patience(attempts=6)  # before a purchase: nothing is lost
LAST_FRAMES = Patience(attempts=4)  # not paid for by itself
CLIPS = Patience(seconds=600.0)  # paid for: links come late, stores are down for minutes


async def retried(
    desk: Desk,
    work: Callable[[], Awaitable[T]],
    patience: Patience,
    tell: Callable[[str], None],
    again: tuple[type[Exception], ...] = TRANSIENT,
) -> T:
    """Return what `work` returns in the end; `tell` gets a line before each wait.

    Raises: the last error, where patience is over; a local disk that is full at once.
    """
    loop = asyncio.get_running_loop()
    started_at, attempt = loop.time(), 0
    while True:
        attempt += 1
        try:
            return await work()
        except StorageError:
            raise
        except again as error:
            wait_s = desk.wait_s(error, attempt)
            elapsed_s = (loop.time() + wait_s - started_at) * desk.provider.limits.speed
            if patience.is_over(attempt, elapsed_s):
                raise
            tell(f"{error}; asking again in {wait_s:.0f} s")
            await asyncio.sleep(wait_s)
