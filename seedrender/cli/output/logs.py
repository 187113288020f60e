"""Sends the log of a run to a file, or its warnings to people; a log never stops the work."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from seedrender.errors import printable
from seedrender.run.bugs import without_secrets
from seedrender.run.events import Ended, Event, JobEvent, Rendering, Said, Started
from seedrender.run.outlet import Outlet

LEVELS = ("debug", "info", "warning", "error")
_events = logging.getLogger("seedrender.events")


class _Handler(logging.Handler):
    """Hands each record on as one line."""

    def __init__(self, take: Callable[[str], None], *, is_dated: bool) -> None:
        super().__init__()
        self._take = take
        self._is_dated = is_dated

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record on; one that cannot be put into words is left out."""
        try:
            self._take(self._line(record))
        except Exception:  # noqa: BLE001 - a log never stops the work
            self._take(f"a record of {record.name} cannot be put into words")

    def _line(self, record: logging.LogRecord) -> str:
        words = record.getMessage()
        if record.exc_info and self._is_dated:
            trace = logging.Formatter().formatException(record.exc_info)
            words = " | ".join([words, *trace.splitlines()])
        words = without_secrets(printable(words), os.environ)
        if not self._is_dated:
            return f"{record.levelname.lower()}: {words}"
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        stamp = at.replace("+00:00", "Z")
        return f"{stamp} {record.levelname:7} {record.name}: {words}"


class LoggedEvents:
    """Writes the events of a run to its log."""

    label = "log"

    def open(self) -> None:
        """Have nothing to begin."""

    def receive(self, event: Event) -> None:
        """Log one event: what somebody should look at as a warning."""
        if isinstance(event, JobEvent):
            level = logging.WARNING if event.is_bad else logging.INFO
            level = logging.DEBUG if isinstance(event, Rendering) else level
            _events.log(level, "%s  %s  %s", event.job, event.what, event.detail)
        elif isinstance(event, Said):
            _events.info("%s", event.words)
        elif isinstance(event, Started):
            _events.info("%s: %d jobs, %d not done", event.manifest, event.jobs, event.pending)
        elif isinstance(event, Ended):
            _events.info("ended with exit code %d", event.exit_code)

    def close(self) -> str:
        """Have nothing to end."""
        return ""


@contextmanager
def logging_to(
    file: Outlet | None, level: str | None, say: Callable[[str], None]
) -> Iterator[None]:
    """Log to a file from `level` (info) on; without one, tell people from `level` (warning) on."""
    root = logging.getLogger()
    name = level or ("warning" if file is None else "info")
    if file is None:
        handler = _Handler(say, is_dated=False)
    else:
        handler = _Handler(lambda line: _put(file, line), is_dated=True)
    before, raises = root.level, logging.raiseExceptions
    root.addHandler(handler)
    root.setLevel(name.upper())
    logging.raiseExceptions = False
    try:
        yield
    finally:
        logging.raiseExceptions = raises
        root.setLevel(before)
        root.removeHandler(handler)


def _put(file: Outlet, line: str) -> None:
    file.write(f"{line}\n")
