"""Tells people what a run does: bars on a terminal, one plain line a change elsewhere."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Self

from seedrender.values.job import JobId

if TYPE_CHECKING:
    from rich.progress import TaskID  # rich is loaded on a terminal only

_ROWS = 10
_ENDS = ("done", "failed", "blocked", "expired", "cancelled", "unknown", "error")


@contextmanager
def heard_or_not(out: IO[str]) -> Iterator[None]:
    """Go on where the reader of a pipe has gone: what was paid for is collected all the same."""
    try:
        yield
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, out.fileno())
        os.close(nowhere)


class PlainProgress:
    """One line for every change of a job's state."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._last: dict[JobId, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        with heard_or_not(self._out):
            self._out.flush()

    def say(self, words: str) -> None:
        """Print what concerns the whole run."""
        with heard_or_not(self._out):
            self._out.write(f"{time.strftime('%H:%M:%S')}  {words}\n")
            self._out.flush()

    def note(self, job: JobId, what: str, detail: str = "") -> None:
        """Print a change; what was said of a job already is not said again."""
        line = f"{job}  {what}  {detail}".rstrip()
        if self._last.get(job) != line:
            self._last[job] = line
            self.say(line)


class TerminalProgress:
    """A bar for the whole run and up to ten rows of what goes on; ends stay as lines above."""

    def __init__(self, out: IO[str], total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._console = Console(file=out, highlight=False, soft_wrap=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            console=self._console,
            refresh_per_second=4,
        )
        self._all = self._bar.add_task("clips", total=total, count=f"0/{total}")
        self._total, self._ended = total, 0
        self._rows: dict[JobId, TaskID] = {}

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        for row in self._rows.values():
            self._bar.remove_task(row)
        self._bar.stop()

    def say(self, words: str) -> None:
        """Print what concerns the whole run."""
        from rich.markup import escape

        self._console.print(escape(words))

    def note(self, job: JobId, what: str, detail: str = "") -> None:
        """Move a job's row; print how it ended."""
        from rich.markup import escape

        if what == "differs":
            self._console.print(escape(f"{job}  {what}  {detail}"))
        elif what in _ENDS or what == "joined":
            self._end(job, what)
            self._console.print(escape(f"{job}  {what}  {detail}".rstrip()))
        elif job in self._rows:
            self._bar.update(self._rows[job], description=escape(f"{job}  {what}"))
        elif len(self._rows) < _ROWS:
            self._rows[job] = self._bar.add_task(escape(f"{job}  {what}"), total=None, count="")

    def _end(self, job: JobId, what: str) -> None:
        row = self._rows.pop(job, None)
        if row is not None:
            self._bar.remove_task(row)
        if what != "joined":
            self._ended += 1
            self._bar.update(self._all, advance=1, count=f"{self._ended}/{self._total}")


def progress(out: IO[str], total: int) -> PlainProgress | TerminalProgress:
    """Choose by where the words go."""
    return TerminalProgress(out, total) if out.isatty() else PlainProgress(out)
