"""`run --record FILE`: keeps what a provider was asked and what it said, to be handed in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedrender.cli.console import echo
from seedrender.project.lock_read import is_taken_for_ours
from seedrender.project.own_folder import NAME, OwnFolder
from seedrender.run import git
from seedrender.run.outlet import Outlet

if TYPE_CHECKING:
    from seedrender.providers.recording import Recorder

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Where a recording goes."""

    path: Path | None = None
    may_be_kept_by_git: bool = False


def record_options(command: Callable[..., int]) -> Callable[..., int]:
    """Take `--record` and `--record-in-git`, and hand them over as one value."""

    @wraps(command)
    def with_record(*, record: Path | None, record_in_git: bool, **others: Any) -> int:
        to_record = Record(path=record, may_be_kept_by_git=record_in_git)
        return command(to_record=to_record, **others)

    for option in (
        click.option(
            "--record",
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write each request and answer as a JSON line to a new file, without keys, "
            "signatures and media. `sim --replay FILE` answers by it.",
        ),
        click.option(
            "--record-in-git", is_flag=True, help="Record also where git would commit the file."
        ),
    ):
        with_record = option(with_record)
    return with_record


@contextmanager
def recording(record: Record, *, is_simulated: bool) -> Iterator[Recorder | None]:
    """Open a recording for the length of a run; None: nothing is recorded."""
    if record.path is None:
        yield None
        return
    from seedrender.providers.recording import Recorder

    out = Outlet(_opened(record, record.path, is_simulated=is_simulated), is_owned=True)
    try:
        yield Recorder(out.write)
    finally:
        if words := out.finish():
            echo(f"Not everything was recorded in {record.path}: {words}.", is_error=True)


def _opened(record: Record, path: Path, *, is_simulated: bool) -> int:
    if is_simulated:
        raise click.UsageError(
            "--record keeps what a provider says, and to `sim` nothing is sent: serve it with "
            "`seedrender sim`, and run on the route that it answers for"
        )
    if not record.may_be_kept_by_git and git.would_keep(path):
        raise click.UsageError(
            f"{path} is where git would commit it, and a recording has your prompts in it. Name a "
            "file elsewhere, such as .seedrender/record.jsonl, or say --record-in-git"
        )
    if is_taken_for_ours(path):
        raise click.UsageError(f"{path} would be taken for a file of the project; name another one")
    try:
        if path.parent.name == NAME:
            OwnFolder(path.parent.parent).make()
        return os.open(path, _FLAGS, 0o600)
    except FileExistsError:
        raise click.UsageError(f"{path} is there: a recording is written over nothing") from None
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written ({error.strerror})") from None
