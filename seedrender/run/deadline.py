"""Ends a run when its time is over, counted from its beginning; the machine's sleep counts too."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Self, TypeVar

from seedrender.run.announcer import reason_of
from seedrender.run.desk import Desk
from seedrender.run.executor import Executor

T = TypeVar("T")

REACHED = "the deadline was reached"
_ANSWER_S = 200.0  # a submit is given up after 180 s: its answer says what was bought
_LOOK_S = 15.0  # how often the time is compared: a machine that slept has used it up meanwhile


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a run ends."""

    ends_at: float  # by `_elapsed_s`

    @classmethod
    def in_(cls, after_s: float | None) -> Self | None:
        """Begin to count; None: there is no end. Raises: OSError where no clock can be read."""
        return None if after_s is None else cls(_elapsed_s() + after_s)

    @property
    def left_s(self) -> float:
        """How long is left. Raises: OSError where no clock can be read."""
        return self.ends_at - _elapsed_s()


async def within(deadline: Deadline | None, looking: Awaitable[T]) -> T | None:
    """Wait for a look that buys nothing, but not beyond the deadline; None: it was not over then.

    Raises: what the look raises.
    """
    if deadline is None:
        return await looking
    try:
        async with asyncio.timeout(max(_left_s(deadline), 0.0)) as time_left:
            return await looking
    except TimeoutError:
        if not time_left.expired():
            raise
        return None


def close_in_time(desk: Desk, deadline: Deadline | None) -> None:
    """Let nothing be bought where the deadline has passed before there was anything to buy."""
    if deadline is not None and _left_s(deadline) <= 0:
        desk.gate.close(REACHED)


def _left_s(deadline: Deadline) -> float:
    try:
        return deadline.left_s
    except (OSError, OverflowError, ValueError):  # told when the run is to be ended by it
        return _LOOK_S


async def end_in_time(executor: Executor, desk: Desk, deadline: Deadline) -> None:
    """Stop the run at its deadline."""
    try:
        while (left_s := deadline.left_s) > 0:  # noqa: ASYNC110 - nobody tells us the time
            await asyncio.sleep(min(left_s, _LOOK_S))
    except (OSError, OverflowError, ValueError) as error:
        desk.listener.say(f"The clock cannot be read ({reason_of(error)}): the run ends now.")
    executor.stop(REACHED, answers_s=_ANSWER_S)


def _elapsed_s() -> float:
    """Read a clock that nobody sets and that goes on in the machine's sleep, where there is one."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(boot) if boot is not None else time.monotonic()
