"""Ends a run before its work is done: at a person's signals, or when its time is over."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Protocol, Self

from seedrender.errors import StoppedError
from seedrender.run.deadline import Deadline, end_in_time
from seedrender.run.desk import Desk
from seedrender.run.executor import Executor

_SHOWN = 10
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_DEAF = 3  # signals in a row that the event loop did not get: it hangs, and the process is ended


class Patience(Protocol):
    """How long a run goes on after it was asked to end."""

    @property
    def grace_s(self) -> float:
        """Seconds in which what is in flight is still collected."""
        ...


class Signals:
    """The signals that end a run, from before its first request until its facts are kept.

    No signal interrupts a line of code: each is handed to the event loop. Before the jobs are
    driven it cancels the run; while they are driven, it drains and then stops it; when facts are
    being kept, the first one waits until that is done. One that was ignored when the process began
    (`nohup`, `trap '' HUP`, a job in the background) stays ignored.

    Raises: StoppedError from its block, where a signal has cancelled the run.
    """

    def __init__(self) -> None:
        self.first: signal.Signals | None = None
        self._act: Callable[[], None] = self._cancel
        self._before: dict[signal.Signals, Any] = {}
        self._received = self._delivered = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None

    def __enter__(self) -> Self:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if threading.current_thread() is threading.main_thread():
            for number in _ENDING:
                before = signal.getsignal(number)
                if before not in (signal.SIG_IGN, None):
                    self._before[number] = before
                    signal.signal(number, self._take)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before.clear()
        if isinstance(error, asyncio.CancelledError) and self.first is not None:
            words = f"Stopped by {self.first.name}. Nothing is lost: run the same command again"
            raise StoppedError(words, signal=self.first) from None

    def drives(self, act: Callable[[], None]) -> None:
        """Call this for each signal from now on."""
        self._act = act

    def keeps(self) -> None:
        """Let the first signal wait from now on; a second one cancels."""
        is_first = True

        def wait() -> None:
            nonlocal is_first
            if not is_first:
                self._cancel()
            is_first = False

        self._act = wait

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _take(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal, between two lines of whatever runs."""
        self.first = self.first or signal.Signals(number)
        self._received += 1
        assert self._loop is not None, "it is entered"
        if self._loop.is_closed() or self._received - self._delivered > _DEAF:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._delivered += 1
        self._act()


async def until_stopped(
    executor: Executor,
    desk: Desk,
    deadline: Deadline | None,
    patience: Patience,
    signals: Signals,
) -> signal.Signals | None:
    """Run until done, out of time or interrupted; return the signal that interrupted it.

    The first SIGINT, SIGTERM or SIGHUP submits no more and collects for a while; the second stops
    now.
    """
    count = 0

    def interrupted() -> None:
        nonlocal count
        count += 1
        if count == 1:
            executor.drain("interrupted", patience.grace_s)
            desk.listener.say(_words(executor, patience.grace_s))
        else:
            executor.stop("interrupted")

    signals.drives(interrupted)
    watch = None
    if deadline is not None:
        watch = asyncio.create_task(end_in_time(executor, desk, deadline))
        await asyncio.sleep(0)  # it may be over before the first submit
    try:
        await executor.run()
    finally:
        signals.keeps()
        if watch is not None:
            watch.cancel()
    return signals.first if count else None


def _words(executor: Executor, grace_s: float) -> str:
    jobs = executor.in_flight
    if not jobs:
        return "Stopping: nothing is in flight."
    more = f" and {len(jobs) - _SHOWN} more" if len(jobs) > _SHOWN else ""
    return (
        f"Stopping: no further submits. In flight: {', '.join(jobs[:_SHOWN])}{more}. Collecting "
        f"for up to {grace_s:g} s; the same signal again stops now. Nothing is lost: run again."
    )
