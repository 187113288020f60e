"""Tells people and programs what a run does: bars on a terminal, plain lines, or JSON lines."""

from __future__ import annotations

import errno
import json
import time
from typing import IO, TYPE_CHECKING, cast

from seedrender.errors import printable
from seedrender.run.announcer import Receiver
from seedrender.run.events import LASTING, Event, JobEvent, Joined, Said
from seedrender.run.outlet import Outlet
from seedrender.values.job import JobId

if TYPE_CHECKING:
    from rich.progress import TaskID  # rich is loaded on a terminal only

_ROWS = 10
_LEAST_ROOM, _BESIDE = 20, 40  # columns of a row's words, and of bar, count and time


def _line(event: JobEvent) -> str:
    return printable(f"{event.job}  {event.what}  {event.detail}".rstrip())


def _ended(out: Outlet) -> str:
    """Finish a stream of words; that its reader has gone, or was never there, is no trouble."""
    words = out.finish()
    is_closed = isinstance(out.failure, OSError) and out.failure.errno in (errno.EPIPE, errno.EBADF)
    return "" if is_closed else words


class PlainProgress:
    """One line for every change of a job's state."""

    def __init__(self, out: Outlet, label: str = "standard error") -> None:
        self.label = label
        self._out = out

    def open(self) -> None:
        """Have nothing to begin."""

    def receive(self, event: Event) -> None:
        """Print one line."""
        if isinstance(event, Said):
            self._say(printable(event.words))
        elif isinstance(event, JobEvent):
            self._say(_line(event))

    def close(self) -> str:
        """Write what waits."""
        return _ended(self._out)

    def _say(self, words: str) -> None:
        self._out.write(f"{time.strftime('%H:%M:%S')}  {words}\n")


class TerminalProgress:
    """A bar for the whole run and up to ten rows of what goes on; ends stay as lines above."""

    label = "the terminal"

    def __init__(self, out: Outlet, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
        from rich.table import Column

        self._out = out
        self._console = Console(file=cast(IO[str], out), highlight=False, soft_wrap=True)
        room = max(_LEAST_ROOM, self._console.width - _BESIDE)  # a long name leaves the bar its own
        self._bar = Progress(
            TextColumn("{task.description}", table_column=Column(no_wrap=True, max_width=room)),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[count]}", table_column=Column(no_wrap=True)),
            TimeElapsedColumn(),
            console=self._console,
            refresh_per_second=4,
        )
        self._all = self._bar.add_task("clips", total=total, count=f"0/{total}")
        self._total, self._ended = total, 0
        self._rows: dict[JobId, TaskID] = {}

    def open(self) -> None:
        """Show the bar."""
        self._bar.start()

    def receive(self, event: Event) -> None:
        """Move a job's row; print how it ended."""
        if isinstance(event, Said):
            self._print(printable(event.words))
        elif isinstance(event, JobEvent):
            self._move(event)

    def close(self) -> str:
        """Take the rows away, and leave the bar as it is."""
        try:
            for row in self._rows.values():
                self._bar.remove_task(row)
            self._bar.stop()
        finally:
            trouble = _ended(self._out)
        return trouble

    def _move(self, event: JobEvent) -> None:
        from rich.markup import escape

        job, row = event.job, self._rows.get(event.job)
        if event.is_end or isinstance(event, Joined):
            self._end(event)
            self._print(_line(event))
            return
        if isinstance(event, LASTING):
            self._print(_line(event))
            return
        words = escape(printable(f"{job}  {event.what}"))
        if row is not None:
            self._bar.update(row, description=words)
        elif len(self._rows) < _ROWS:
            self._rows[job] = self._bar.add_task(words, total=None, count="")

    def _print(self, words: str) -> None:
        from rich.markup import escape

        self._console.print(escape(words))

    def _end(self, event: JobEvent) -> None:
        row = self._rows.pop(event.job, None)
        if row is not None:
            self._bar.remove_task(row)
        if not isinstance(event, Joined):
            self._ended += 1
            count = f"{self._ended}/{self._total}"
            self._bar.update(self._all, completed=self._ended, count=count)


class EventLines:
    """One JSON object a line for every event."""

    def __init__(self, out: Outlet, label: str) -> None:
        self.label = label
        self._out = out

    def open(self) -> None:
        """Have nothing to begin."""

    def receive(self, event: Event) -> None:
        """Write one event; in ASCII, so that any reader has the same text."""
        self._out.write(json.dumps(event.as_json()) + "\n")

    def close(self) -> str:
        """Write what waits."""
        return self._out.finish()


def progress(out: IO[str] | None, total: int) -> Receiver:
    """Choose by where the words go."""
    outlet = Outlet(out)
    return TerminalProgress(outlet, total) if outlet.isatty() else PlainProgress(outlet)
