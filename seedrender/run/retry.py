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
    RejectedError,
    StorageError,
    UnavailableError,
)
from seedrender.run.desk import Desk
from seedrender.run.downloads import CostlyError

T = TypeVar("T")

_COSTLY_AGAIN = 3  # fresh links for a clip that crawls

TRANSIENT = (UnavailableError, RateLimitedError)
ANY_TROUBLE_WITH_A_FILE = (
    *(*TRANSIENT, ArtifactError, NotFoundError, ProtocolError),
    RejectedError,  # of a read: nothing that was asked for was wrong
)


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
SUBMITS = Patience(attempts=6)  # to a host that cannot be reached: nothing is bought meanwhile
BUSY = Patience(attempts=40)  # too many requests: more than half an hour
FULL = Patience(attempts=240)  # too many tasks in flight, perhaps a colleague's: some four hours
UPLOADS = Patience(attempts=6)  # before a purchase: nothing is lost
LAST_FRAMES = Patience(attempts=4)  # not paid for by itself
CLIPS = Patience(seconds=600.0)  # paid for: links come late, stores are down for minutes


class Attempts:
    """The attempts at one thing: how many there were, and since when."""

    def __init__(self, desk: Desk, patience: Patience, tell: Callable[[str], None]) -> None:
        """Begin with none; `tell` gets a line before each wait."""
        self._desk, self._patience, self._tell = desk, patience, tell
        self._started_at = asyncio.get_running_loop().time()
        self._failed = self._costly = 0

    async def failed(self, error: Exception, patience: Patience | None = None) -> None:
        """Wait for the next attempt. Raises: the error, where there is none.

        `patience`: with errors of this kind, in place of the usual one.
        """
        if isinstance(error, StorageError):
            raise error
        self._failed += 1
        self._costly += isinstance(error, CostlyError)
        is_slow = isinstance(error, CostlyError)  # it took its time already
        wait_s = 0.0 if is_slow else self._desk.wait_s(error, self._failed)
        patience = patience or self._patience
        if patience.seconds is not None:  # whatever is asked for, there is a second attempt
            wait_s = min(wait_s, patience.seconds / 2 / self._desk.provider.limits.speed)
        elapsed_s = asyncio.get_running_loop().time() + wait_s - self._started_at
        is_over = patience.is_over(self._failed, elapsed_s * self._desk.provider.limits.speed)
        if is_over or self._costly > _COSTLY_AGAIN:
            raise error
        self._tell(f"{error}; asking again{in_words(wait_s)}")
        await asyncio.sleep(wait_s)


async def retried(
    desk: Desk,
    work: Callable[[], Awaitable[T]],
    patience: Patience,
    tell: Callable[[str], None],
    again: tuple[type[Exception], ...] = TRANSIENT,
) -> T:
    """Return what `work` returns in the end. Raises: the last error, where patience is over."""
    attempts = Attempts(desk, patience, tell)
    while True:
        try:
            return await work()
        except again as error:
            await attempts.failed(error)


def in_words(wait_s: float) -> str:
    """Say how long a wait is, where it is worth a word."""
    return f" in {wait_s:.0f} s" if wait_s >= 1 else ""
