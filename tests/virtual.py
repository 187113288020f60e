"""An event loop that owns its time: waits end at once, seven hours pass in no time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

T = TypeVar("T")

_PATIENCE_S = 5  # for a thread that nobody counts, as at the end of a run


class _JumpingSelector(selectors.DefaultSelector):
    """Waits for threads in real time, and jumps over every other wait."""

    now = 0.0
    busy_threads = 0

    def select(self, timeout: float | None = None) -> Any:
        if self.busy_threads:
            return super().select(0 if timeout == 0 else 0.01)
        ready = super().select(0)
        if not ready and timeout is None:
            ready = super().select(_PATIENCE_S)
            assert ready, "nobody will ever wake up: everybody waits for somebody"
        if not ready and timeout is not None:
            self.now += max(timeout, 0.0)
        return ready


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(  # type: ignore[override]  # any function will do
        self, executor: Executor | None, func: Any, *args: Any
    ) -> Any:
        self._jumping.busy_threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._one_less)
        return future

    def _one_less(self, _future: object) -> None:
        self._jumping.busy_threads -= 1


def run(work: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """Run a coroutine; return its result and how many seconds passed in its own time."""
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        result = runner.run(work)
        return result, runner.get_loop().time()
