"""Chooses who is told what a run does: people, `--events`, `--log-file`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from seedrender.cli.output.logs import LEVELS, LoggedEvents, logging_to
from seedrender.run.announcer import Announcer, Receiver
from seedrender.run.outlet import Outlet, open_file
from seedrender.run.progress import EventLines, progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Where a person wants what happens to be told, beside the terminal."""

    events: str | None = None  # a file, or "-" for standard output
    log_file: Path | None = None
    log_level: str | None = None

    @property
    def takes_stdout(self) -> bool:
        """Whether standard output carries events, and nothing else."""
        return self.events == "-"


def telling_options(command: Callable[..., int]) -> Callable[..., int]:
    """Take `--events`, `--log-file` and `--log-level`, and hand them over as one value."""

    @wraps(command)
    def with_telling(
        *, events: str | None, log_file: Path | None, log_level: str | None, **others: Any
    ) -> int:
        telling = Telling(events=events, log_file=log_file, log_level=log_level)
        return command(telling=telling, **others)

    for option in (
        click.option(
            "--events",
            metavar="FILE|-",
            help="Write what happens as JSON lines to a file, or to standard output.",
        ),
        click.option(
            "--log-file",
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write a log to this file, after what is in it.",
        ),
        click.option(
            "--log-level",
            type=click.Choice(LEVELS),
            help="Log from this level on. Default: warning, with --log-file info.",
        ),
    ):
        with_telling = option(with_telling)
    return with_telling


@contextmanager
def announcing(
    telling: Telling, *, total: int, ours: Collection[Path] = (), is_shown: bool = True
) -> Iterator[Announcer]:
    """Open everything that is told what happens, for the length of a run.

    `ours` are files of the project, which no events and no log are written into; `is_shown`:
    people are told, too.

    Raises: ConfigError where a file cannot be written: nothing was sent.
    """
    with ExitStack() as opened:
        receivers: list[Receiver] = []
        log = None
        if telling.events is not None:
            receivers.append(_event_lines(opened, telling.events, ours))
        if telling.log_file is not None:
            log = _outlet(opened, telling.log_file, "--log-file", ours)
            receivers.append(_LogFile(log, str(telling.log_file)))
        opened.pop_all()  # from here on, each is closed by its receiver
        receivers += [progress(sys.stderr, total)] if is_shown else []
        with (
            Announcer(receivers) as announcer,
            logging_to(log, telling.log_level, announcer.say),
        ):
            yield announcer


class _LogFile(LoggedEvents):
    """The log with its file."""

    def __init__(self, out: Outlet, label: str) -> None:
        self.label = label
        self._out = out

    def close(self) -> str:
        """Write what waits."""
        return self._out.finish()


def _event_lines(opened: ExitStack, where: str, ours: Collection[Path]) -> EventLines:
    if where == "-":
        return EventLines(Outlet(sys.stdout), "events on standard output")
    return EventLines(_outlet(opened, Path(where), "--events", ours), where)


def _outlet(opened: ExitStack, path: Path, option: str, ours: Collection[Path]) -> Outlet:
    descriptor = open_file(path, option, ours)
    opened.callback(os.close, descriptor)  # where the next one cannot be opened
    return Outlet(descriptor, is_owned=True)
