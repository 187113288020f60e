"""What commands have in common: arguments, tables for people, one document for programs."""

from __future__ import annotations

import json
import os
import re
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click

from seedrender.cli.output.streams import control
from seedrender.errors import UNPRINTABLE, ManifestError, SeedrenderError, printable
from seedrender.project.roots import OPTION
from seedrender.run.choices import Choices
from seedrender.source.expand import Tick
from seedrender.source.parse import duration_s

F = TypeVar("F", bound=Callable[..., Any])
_PATIENCE_S = 1.0
_LEAST_ROOM = 24  # columns below which a cell is not broken


@dataclass(slots=True)
class State:
    """What `main` must know of the command that it runs."""

    is_json: bool = False
    command: str = ""
    folder: Path | None = None  # of the manifest


class Duration(click.ParamType[float]):
    """A time such as 90s, 15m or 2h, as manifests write it."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return seconds."""
        if isinstance(value, float):
            return value
        seconds = duration_s(str(value))
        if seconds is None:
            self.fail(f"{value} is no time such as 90s, 15m or 2h", param, ctx)
        return seconds


class ManifestPath(click.Path):
    """The path of a manifest; a link would have a lockfile of its own, and buy all again."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if path.is_symlink():
            self.fail(
                f"{path} is a link to {path.readlink()}: name the file itself, whose lockfile "
                "knows what is paid. To share a manifest between films, `include:` it",
                param,
                ctx,
            )
        return path


def manifest_argument(command: F) -> F:
    """Take the manifest's path."""

    def remember(ctx: click.Context, _param: click.Parameter, value: Path) -> Path:
        ctx.find_root().obj.folder = value.parent
        return value

    return click.argument("manifest", type=ManifestPath(), callback=remember)(command)


def selectors_argument(command: F) -> F:
    """Take selectors: ids of jobs, shots or chains, globs, `tag:NAME`, `chain/02..`."""
    return click.argument("selectors", nargs=-1, metavar="[SELECTOR]...")(command)


def resubmit_option(command: Callable[..., int]) -> Callable[..., int]:
    """Take ids of jobs that a person wants bought again."""
    return click.option(
        "--resubmit",
        multiple=True,
        metavar="JOB",
        help="Buy a job again whose earlier submit has no known outcome; that one may be paid too.",
    )(command)


def choices_options(command: Callable[..., int]) -> Callable[..., int]:
    """Take `--profile`, `--set`, `--vars` and `--allow-outside`, and hand them over as one."""

    @wraps(command)
    def with_choices(
        *,
        profile: str | None,
        flags: tuple[str, ...],
        files: tuple[Path, ...],
        outside: tuple[Path, ...],
        **others: Any,
    ) -> int:
        choices = Choices(profile=profile, flags=flags, files=files, outside=outside)
        return command(choices=choices, **others)

    path = click.Path(exists=True, dir_okay=False, path_type=Path)
    for option in (
        click.option("--profile", metavar="NAME", help="Use a profile of the manifest."),
        click.option(
            "--set",
            "flags",
            metavar="NAME=VALUE",
            multiple=True,
            help="Give a var another value, read as YAML. May be repeated; the last one wins.",
        ),
        click.option(
            "--vars",
            "files",
            metavar="FILE",
            type=path,
            multiple=True,
            help="Give vars the values of a YAML or JSON file. --set goes before it.",
        ),
    ):
        with_choices = option(with_choices)
    return outside_option(with_choices)


def outside_option(command: F) -> F:
    """Take `--allow-outside`: links to clips and references may lead there."""
    return click.option(
        OPTION,
        "outside",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        multiple=True,
        help="Let links to renders and references lead to this folder, such as one on another "
        "volume. May be repeated.",
    )(command)


def route_option(command: Callable[..., int]) -> Callable[..., int]:
    """Take `--provider`, and hand it over with the other choices; stands below their options."""

    @wraps(command)
    def with_route(*, choices: Choices, provider: str | None, **others: Any) -> int:
        return command(choices=replace(choices, provider=provider), **others)

    return only_route_option(with_route)


def only_route_option(command: F) -> F:
    """Take `--provider`."""
    words = "Another route than the manifest's own."
    return click.option("--provider", metavar="NAME", help=words)(command)


def json_option(command: F) -> F:
    """Take `--json`: exactly one JSON document on standard output."""

    def remember(ctx: click.Context, _param: click.Parameter, value: bool) -> bool:  # noqa: FBT001
        ctx.find_root().obj.is_json = value
        return value

    option = click.option(
        "--json",
        "is_json",
        is_flag=True,
        callback=remember,
        is_eager=True,
        help="Print one JSON document instead of words.",
    )
    return option(command)


@contextmanager
def counting() -> Iterator[Tick]:
    """Show on a terminal how many jobs there are already, once that takes long."""
    started, is_shown = time.monotonic(), False

    def tick(count: int) -> None:
        nonlocal is_shown
        if sys.stderr.isatty() and time.monotonic() - started > _PATIENCE_S:
            is_shown = True
            control(f"\r{count:,} jobs …")

    try:
        yield tick
    finally:
        if is_shown:
            control("\r\x1b[K")


def echo(text: str, *, is_error: bool = False) -> None:
    """Print lines for people; what a terminal would obey, or a stream lacks, is escaped.

    A terminal gets no line that it would have to break within a word.
    """
    width = _terminal_columns(sys.stderr if is_error else sys.stdout)
    lines = [part for line in text.split("\n") for part in _folded(printable(line), width)]
    click.echo("\n".join(lines), err=is_error)


def _folded(line: str, width: int) -> list[str]:
    """Break a line that is too long, and go on below it, two columns further in; 0: never."""
    if not width or columns(line) <= width:
        return [line]
    indent = " " * (len(line) - len(line.lstrip(" ")) + 2)
    first, *rest = _wrapped(line, max(width - len(indent), _LEAST_ROOM))
    return [first, *(f"{indent}{part.lstrip(' ')}" for part in rest)]


def say_document(text: str) -> None:
    """Print a document for programs whose writer has escaped what has to be."""
    click.echo(text, nl=not text.endswith("\n"))


def say_json_rows(head: Mapping[str, Any], name: str, rows: Iterable[Any]) -> None:
    """Print the one document with a long list in it, row by row."""
    start = _json(head).removesuffix("\n}")
    click.echo(f"{start},\n  {json.dumps(name)}: [", nl=False)
    comma = "\n    "
    for row in rows:
        text = _json(row).replace("\n", "\n    ")
        click.echo(f"{comma}{text}", nl=False)
        comma = ",\n    "
    click.echo("\n  ]\n}")


def say_json(value: Any) -> None:
    """Print the one document."""
    click.echo(_json(value))


def is_narrow() -> bool:
    """Say whether standard output takes less than all characters."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("_", "-")
    return encoding not in ("utf-8", "utf8")


def _json(value: Any) -> str:
    """Return JSON that standard output can take."""
    text = json.dumps(value, indent=2, ensure_ascii=is_narrow())
    return UNPRINTABLE.sub(_escaped, text)


def _escaped(sign: re.Match[str]) -> str:
    """Escape what a terminal would obey, as JSON does; line ends are the document's own."""
    return sign[0] if sign[0] == "\n" else json.dumps(sign[0])[1:-1]


def say_error(error: SeedrenderError, state: State) -> None:
    """Print an error where it belongs: in the one document, or on standard error."""
    if not state.is_json:
        echo(str(error), is_error=True)
        return
    violations = error.violations if isinstance(error, ManifestError) else ()
    say_json(
        {
            "exit_code": error.exit_code,
            "error": type(error).__name__,
            "message": str(error),
            "violations": [violation.as_json() for violation in violations],
        }
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Align columns; the last one takes what is left, and on a terminal goes on below itself.

    Where too little is left for it, it stands below its row.

    What cells say may come from anywhere.
    """
    lines = [list(head), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(columns(line[n]) for line in lines) for n in range(len(head) - 1)]
    before = sum(widths) + 2 * len(widths)
    width = _terminal_columns(sys.stdout)
    room = width - before
    printed = []
    for line in lines:
        cells = [c + " " * (w - columns(c)) for c, w in zip(line, widths, strict=False)]
        if width and room < _LEAST_ROOM:
            printed.append("  ".join(cells).rstrip())
            printed += [f"    {part}" for part in _wrapped(line[-1], width - 4) if part]
            continue
        last = _wrapped(line[-1], room) if room >= _LEAST_ROOM else [line[-1]]
        printed.append("  ".join([*cells, last[0]]))
        printed += [" " * before + part for part in last[1:]]
    return "\n".join(printed)


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes: Chinese signs take two."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 1 + (unicodedata.east_asian_width(sign) in "WF")
        for sign in text
    )


def _terminal_columns(stream: TextIO) -> int:
    """Return the width of a stream; 0: it is no terminal."""
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 0
    except (OSError, ValueError, AttributeError):
        return 0


def _wrapped(text: str, room: int) -> list[str]:
    """Break a text between words; a word that is too long stays whole, to be copied."""
    lines, line = [], ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and columns(longer) > room:
            lines.append(line)
            longer = word
        line = longer
    return [*lines, line]
