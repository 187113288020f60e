"""What befalls a run from outside: signals, and hands that take its files away."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.run.git import IDENTITY

SIGNALS: Mapping[str, signal.Signals] = {
    "SIGTERM": signal.SIGTERM,
    "SIGHUP": signal.SIGHUP,
    "SIGINT": signal.SIGINT,
}
STREAMS: Mapping[str, str] = {"stderr full": "full", "streams closed": "closed"}
JOURNAL, NOTES = "film.lock.journal", ".seedrender"


def _git(folder: Path, *words: str) -> None:
    command = ["git", *words]
    subprocess.run(command, cwd=folder, env=IDENTITY, capture_output=True, check=False)


def commit(folder: Path) -> None:
    """Check in the manifest, its rows and its lockfile."""
    if not (folder / ".git").exists():
        _git(folder, "init", "-q", "-b", "main")
    names = [name for name in ("film.yaml", "rows.csv", "film.lock") if (folder / name).exists()]
    _git(folder, "add", "-f", *names)
    _git(folder, "commit", "-q", "-m", "film")


def _stash(folder: Path) -> None:
    _git(folder, "stash", "push", "-q", "-u")


def _clean(folder: Path) -> None:
    _git(folder, "clean", "-q", "-fdx")


def _journal_away(folder: Path) -> None:
    (folder / JOURNAL).unlink(missing_ok=True)


def _hold_away(folder: Path) -> None:
    (folder / NOTES / "film.lock.hold").unlink(missing_ok=True)


def _notes_away(folder: Path) -> None:
    shutil.rmtree(folder / NOTES, ignore_errors=True)


REMOVALS: Mapping[str, Callable[[Path], None]] = {
    "journal removed": _journal_away,
    "hold removed": _hold_away,
    "git stash -u": _stash,
    "git clean -fdx": _clean,
    ".seedrender removed": _notes_away,
}
WITH_GIT = ("git stash -u", "git clean -fdx")
# What was bought is known to the lockfile, to the journal of a run and to the notes beside it. A
# person who takes all of them away has taken all there is: of one film either the notes go, or the
# lockfile does.
OF_NOTES = ("git clean -fdx", ".seedrender removed")
OF_THE_LOCK = ("git stash -u",)
