"""Ends a run before its work is done: a person's signals, and the time that it was given."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from seedrender.run.desk import Desk
from seedrender.run.executor import Executor

_LOOK_S = 15.0  # how often the time is compared: a machine that slept has used it up meanwhile
_SHOWN = 10


class Patience(Protocol):
    """How long a run goes on after it was asked to end."""

    @property
    def grace_s(self) -> float:
        """Seconds in which what is in flight is still collected."""
        ...


async def until_stopped(
    executor: Executor, desk: Desk, deadline_s: float | None, patience: Patience
) -> bool:
    """Run until done, out of time or interrupted; say whether it was interrupted.

    The first SIGINT or SIGTERM submits no more and collects for a while; the second stops now.
    """
    signals = 0

    def interrupted() -> None:
        nonlocal signals
        signals += 1
        if signals == 1:
            desk.listener.say(_words(executor, patience.grace_s))
            executor.drain("interrupted", patience.grace_s)
        else:
            executor.stop("interrupted")

    with _handled(interrupted):
        watch = asyncio.create_task(_end_in_time(executor, deadline_s)) if deadline_s else None
        try:
            await executor.run()
        finally:
            if watch is not None:
                watch.cancel()
    return signals > 0


@contextmanager
def _handled(interrupted: object) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    assert callable(interrupted), "it is a handler"
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _end_in_time(executor: Executor, deadline_s: float) -> None:
    """Stop the run at its deadline; hours in which the machine slept count as well."""
    ends_at = _elapsed_s() + deadline_s
    while (left_s := ends_at - _elapsed_s()) > 0:  # noqa: ASYNC110 - nobody can tell us the time
        await asyncio.sleep(min(left_s, _LOOK_S))
    executor.stop("the deadline was reached")


def _elapsed_s() -> float:
    """Read a clock that nobody sets and that goes on in the machine's sleep, where there is one."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(boot) if boot is not None else time.monotonic()


def _words(executor: Executor, grace_s: float) -> str:
    jobs = executor.in_flight
    if not jobs:
        return "Stopping: nothing is in flight."
    more = f" and {len(jobs) - _SHOWN} more" if len(jobs) > _SHOWN else ""
    return (
        f"Stopping: no further submits. In flight: {', '.join(jobs[:_SHOWN])}{more}. Collecting "
        f"for up to {grace_s:g} s; the same signal again stops now. Nothing is lost: run again."
    )
