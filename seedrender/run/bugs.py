"""Turns an exception that nobody foresaw into one line for people and a file for its reporter."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import stat
import sys
import tempfile
import traceback
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from seedrender import __version__
from seedrender.errors import BugError, SeedrenderError, printable
from seedrender.plan.outcome import Exit
from seedrender.run.announcer import reason_of

_FOLDER = ".seedrender"
_MOST_BYTES = 1 << 20  # of one file: a thousand jobs may meet the same bug
_MOST_CHARACTERS = 300  # of an exception's own words in one line
_ADDRESS = re.compile(r"(https?://)(?:[^\s/@'\"]*@)?([^\s'\"<>?#]*)[?#][^\s'\"<>]*")
_SECRET_NAME = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL", re.IGNORECASE)
_SHORTEST = 6  # characters of a value that is taken for a secret


def bug(error: BaseException, folder: Path | None, *, where: str = "") -> BugError:
    """Return what people are told, after writing the traceback to a file that it names.

    `folder` is the manifest's; without one the file is among the temporary ones. `where` is a job.
    """
    words = without_secrets(printable(_one_line(error)), os.environ)
    place = _place(error)
    kept = _written(_report(error, where), folder)
    tail = f"its traceback is in {kept}" if kept else "its traceback could not be written"
    head = f"{printable(where)}: " if where else ""
    return BugError(
        f"{head}an exception that seedrender does not expect: {words}{place}; {tail}. This is a "
        "bug in seedrender or in a plugin: please report it with that file"
    )


def with_bugs(code: Exit, errors: Collection[SeedrenderError]) -> Exit:
    """Return a run's exit code: a bug outweighs what else is left over, but no decision."""
    has_bug = any(isinstance(error, BugError) for error in errors)
    return Exit.BUG if has_bug and code < Exit.UNDECIDED else code


def without_secrets(text: str, environ: Mapping[str, str]) -> str:
    """Take the queries of addresses out of a text, and the values of keys in the environment."""
    for name, value in environ.items():
        if len(value) >= _SHORTEST and _SECRET_NAME.search(name):
            text = text.replace(value, f"${name}")
    return _ADDRESS.sub(r"\1\2", text)


def _one_line(error: BaseException) -> str:
    name = type(error).__name__
    words = reason_of(error)
    words = words if words.startswith(name) else f"{name}: {words}"
    return words if len(words) <= _MOST_CHARACTERS else f"{words[:_MOST_CHARACTERS]}…"


def _place(error: BaseException) -> str:
    """Name the file and line that raised it."""
    last = None
    for frame in traceback.walk_tb(error.__traceback__):
        last = frame
    if last is None:
        return ""
    name = Path(last[0].f_code.co_filename).name
    return printable(f" ({name}:{last[1]})")


def _report(error: BaseException, where: str) -> str:
    try:
        lines = traceback.format_exception(error)
    except Exception:  # noqa: BLE001 - an exception whose own words cannot be had
        lines = [f"{type(error).__name__}\n", *traceback.format_tb(error.__traceback__)]
    head = (
        f"seedrender {__version__}, Python {platform.python_version()}, {sys.platform}, "
        f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n"
    )
    named = f"job {where}\n" if where else ""
    return without_secrets(head + named + "".join(lines), os.environ) + "\n"


@cache
def _name() -> str:
    """Return one file name for this process."""
    return f"bug-{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.getpid()}.txt"


def _written(text: str, folder: Path | None) -> str:
    """Add a report to a file that is ours alone; return its place, empty where there is none."""
    content = text.encode("utf-8", "backslashreplace")
    places = [folder / _FOLDER] if folder is not None else []
    for place in [*places, _temporary()]:
        if place is None:
            continue
        try:
            if place.name == _FOLDER:
                _make(place)
            _append(place / _name(), content)
        except (OSError, ValueError):
            continue
        return printable(str(place / _name()))
    return ""


def _temporary() -> Path | None:
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return None


def _make(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    if not stat.S_ISDIR(folder.lstat().st_mode):
        raise NotADirectoryError(folder)
    with contextlib.suppress(FileExistsError), (folder / ".gitignore").open("x") as ignore:
        ignore.write("*\n")  # exclusively: a link there is not followed


def _append(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags | os.O_NONBLOCK, 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            raise PermissionError(path)
        left = memoryview(content[: max(0, _MOST_BYTES - found.st_size)])
        while left:
            left = left[os.write(descriptor, left) :]
    finally:
        os.close(descriptor)
