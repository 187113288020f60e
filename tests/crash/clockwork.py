"""A loop that owns its time, counts its steps, and still speaks over real loopback sockets."""

from __future__ import annotations

import asyncio
import selectors
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

T = TypeVar("T")
_PATIENCE_S = 0.001  # what may still be on its way through the kernel, before time jumps


class _PatientSelector(selectors.DefaultSelector):
    """Waits for threads and sockets in real time, and jumps over every other wait."""

    now = 0.0
    busy_threads = 0

    def select(self, timeout: float | None = None) -> Any:
        if self.busy_threads:
            return super().select(min(0.01, timeout) if timeout is not None else 0.01)
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        ready = super().select(_PATIENCE_S)
        if not ready and timeout is not None:
            self.now += max(timeout, 0.0)
        return ready


class _Steps(deque[Any]):
    """The handles that are to be run; each one that is taken out is a step."""

    def __init__(self, on_step: Callable[[], None]) -> None:
        super().__init__()
        self._on_step = on_step

    def popleft(self) -> Any:
        self._on_step()
        return super().popleft()


class SteppingLoop(asyncio.SelectorEventLoop):
    """Calls `on_step` before each callback that it runs."""

    def __init__(self, on_step: Callable[[], None]) -> None:
        self.patient = _PatientSelector()
        super().__init__(self.patient)
        self._ready = _Steps(on_step)

    def time(self) -> float:
        return self.patient.now

    def sleep_through(self, seconds: float) -> None:
        """Let time pass as it does while a machine sleeps."""
        self.patient.now += seconds

    def run_in_executor(  # type: ignore[override]  # any function will do
        self, executor: Executor | None, func: Any, *args: Any
    ) -> Any:
        self.patient.busy_threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._one_less)
        return future

    def _one_less(self, _future: object) -> None:
        self.patient.busy_threads -= 1


def run(work: Coroutine[Any, Any, T], on_step: Callable[[], None] = lambda: None) -> T:
    """Run a coroutine on a loop of its own."""
    with asyncio.Runner(loop_factory=lambda: SteppingLoop(on_step)) as runner:
        return runner.run(work)
