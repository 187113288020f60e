"""Interrupts a run at every step, or lets every operation on its disk fail; then resumes it."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from seedrender.plan.outcome import Exit
from seedrender.run.project import Project
from tests.crash import oracle
from tests.crash.clockwork import SteppingLoop
from tests.crash.disk import Disk
from tests.crash.enumerated import SAFE, Totals, moments, resume_once
from tests.crash.film import Film, started
from tests.crash.images import look
from tests.crash.oracle import Broken

_BUG = 1
_STOPPED = 1000  # the number of each run that is stopped: all are equal until then
_SAID = (0, 4, 6)  # the signal came when all was said


class _Counter:
    """Does something, once, at so many steps of a render."""

    def __init__(self, film: Film, number: int, act: Callable[[], None]) -> None:
        self.count = 0
        self._film, self._number, self._act = film, number, act

    def step(self) -> None:
        self.count += self._film.is_rendering
        if self.count == self._number:
            self._number = 0
            self._act()


def interrupt_everywhere(folder: Path, route: str, shots: str, *, stride: int = 1) -> Totals:
    """Send SIGINT at every step of a run, each time from its start; resume what it leaves."""
    film, loaded = started(folder, route, shots)
    start, totals = look(film, "start", {}), Totals(there_are=moments(film, loaded))
    number, is_over = 1, False
    while not is_over:
        start.restore(film)
        film.number = _STOPPED
        counter = _Counter(film, number, lambda: signal.raise_signal(signal.SIGINT))
        ended = film.run(loaded, on_step=counter.step)
        is_over = counter.count < number
        totals.counts["interrupted"] += not is_over
        if not is_over and ended.code not in (Exit.INTERRUPTED, *_SAID):
            words = f"step {number}: exit code {ended.code}: {ended.words}"
            totals.broken.append(Broken("exit code", words))
        resume_once(film, loaded, totals, f"interrupted at step {number}")
        number += stride
    return totals


def sleep_everywhere(
    folder: Path, route: str, shots: str, *, hours: float, is_felt: bool, stride: int = 1
) -> Totals:
    """Let the machine sleep at every step; `is_felt`: the clock that waits go by goes on."""
    film, loaded = started(folder, route, shots)
    start, totals = look(film, "start", {}), Totals(there_are=moments(film, loaded))

    def sleep() -> None:
        if is_felt:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, SteppingLoop), "films run on a stepping loop"
            loop.sleep_through(hours * 3600)
        else:
            film.slept_s += hours * 3600

    number, is_over = 1, False
    while not is_over:
        start.restore(film)
        film.number = _STOPPED
        counter = _Counter(film, number, sleep)
        ended = film.run(loaded, on_step=counter.step)
        is_over = counter.count < number
        totals.counts["slept"] += not is_over
        if ended.code == _BUG:
            totals.broken.append(Broken("bug", f"slept at step {number}: {ended.words}"))
        resume_once(film, loaded, totals, f"slept at step {number}")
        number += stride
    return totals


def fail_everywhere(
    folder: Path,
    route: str,
    shots: str,
    *,
    number: int = errno.ENOSPC,
    is_for_good: bool = True,
    stride: int = 1,
) -> Totals:
    """Let the n-th operation on the disk fail, for every n; then make room and resume."""
    film, loaded = started(folder, route, shots)
    start, totals = look(film, "start", {}), Totals(there_are=moments(film, loaded))
    first, is_over = 1, False
    while not is_over:
        start.restore(film)
        film.number = _STOPPED
        fault = Fault(first, number, is_for_good=is_for_good)
        _run_with(film, loaded, fault, totals)
        is_over = not fault.struck
        totals.counts["failed"] += bool(fault.struck)
        resume_once(film, loaded, totals, f"{errno.errorcode[number]} at {fault}")
        first += stride
    return totals


class Fault:
    """An error from the n-th operation on; what removes or closes a file succeeds."""

    def __init__(self, first: int, number: int, *, is_for_good: bool) -> None:
        self._first, self._number, self._is_for_good = first, number, is_for_good
        self._count = 0
        self.struck: list[str] = []

    def __str__(self) -> str:
        return f"operation {self._first} ({', '.join(self.struck[:3])})"

    def before(self, kind: str, path: Path) -> None:
        """Raise where it is time."""
        if kind in SAFE:
            return
        self._count += 1
        if self._count == self._first or (self._is_for_good and self._count > self._first):
            self.struck.append(f"{kind} {path.name}")
            raise OSError(self._number, os.strerror(self._number), str(path))


def _run_with(film: Film, loaded: Project, fault: Fault, totals: Totals) -> None:
    try:
        with ExitStack() as stack:
            film.keep_base()
            stack.enter_context(Disk(film.folder, before=fault.before))
            ended = film.run(loaded)
    except Exception as error:  # noqa: BLE001 - whatever leaves it is a bug
        words = f"{fault}: {type(error).__name__}: {error}"
        totals.broken.append(Broken("bug", words))
        return
    totals.counts[f"exit {ended.code}"] += 1
    if ended.code == _BUG:
        totals.broken.append(Broken("bug", f"{fault}: {ended.words}"))
    if ended.code == 0 and fault.struck:
        totals.broken.append(Broken("exit code", f"{fault}: nobody was told"))
    unrecorded = oracle.violations(ended.tasks, loaded.read_lock(), film.folder)
    totals.counts["unrecorded at once"] += sum(1 for b in unrecorded if b.kind == "unrecorded")
