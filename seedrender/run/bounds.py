"""Ends an expansion that takes more processor time than its jobs explain."""

from __future__ import annotations

import gc
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from seedrender.errors import ManifestError, Origin, Violation

# 100,000 jobs take some 10 s on an ordinary machine: a tenth of that speed is still allowed. The
# text of as many shots is 12 MB, and 3 s pass before it is read and the first of them is a job.
_FIRST_S = 3.0
_BYTES_PER_S = 2_000_000
_JOBS_PER_S = 1000
_LOOK_S = 0.25


@contextmanager
def bounded(
    file: str, tick: Callable[[int], None] | None, *, size_bytes: int = 0
) -> Iterator[Callable[[int], None]]:
    """Yield a `tick` that also keeps the time of what comes between two calls.

    It looks at the processor's time, so a slow disk and other programs count for nothing. Only the
    main thread of a POSIX system can be stopped so; the other bounds hold everywhere.

    Raises: ManifestError.
    """
    started, jobs = time.process_time(), 0
    reading_s = _FIRST_S + size_bytes / _BYTES_PER_S

    def heard(count: int) -> None:
        nonlocal jobs
        jobs = count
        if tick is not None:
            tick(count)

    def look(_number: int, _frame: FrameType | None) -> None:
        used = time.process_time() - started
        if used > reading_s + jobs / _JOBS_PER_S:
            message = f"the expansion takes too long: {used:.0f} s for {jobs} jobs"
            hint = "look for loops over long lists in the expressions"
            raise ManifestError([Violation(origin=Origin(file, 1, 1), message=message, hint=hint)])

    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGPROF"):
        yield heard
        return
    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, _LOOK_S, _LOOK_S)
    try:
        yield heard
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextmanager
def without_collector() -> Iterator[None]:
    """Do without the cyclic garbage collector: there is no garbage while a tree is built."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
