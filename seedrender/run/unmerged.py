"""The sides of a lockfile that git has not merged: its index keeps what the working tree may lack.

Where no driver of ours ran (it is not on git's PATH, or an attribute forbids to merge), git leaves
one side in the working tree, without markers: half of what was bought.
"""

from __future__ import annotations

from pathlib import Path

from seedrender.errors import ConfigError, LockCorruptError
from seedrender.lock import salvage
from seedrender.project.hold import journal_path
from seedrender.project.lock_read import bytes_of
from seedrender.project.roots import repository
from seedrender.run import git

_SIDES = ("2", "3")  # ours and theirs; 1 is what both began with


def check(path: Path) -> None:
    """Refuse a lockfile of which git keeps more than it says. Raises: LockCorruptError."""
    if lacking(path):
        raise LockCorruptError(
            f"{path.name} is not merged: git left one side in it, and keeps tasks of the other one "
            "by itself. `seedrender lock merge` with the manifest's name joins the two sides: "
            "every task id is kept; nothing was sent"
        )


def lacking(path: Path) -> bytes:
    """Return the sides that tell of tasks which neither lockfile nor journal know, joined.

    Raises: LockError where the lockfile cannot be read.
    """
    sides = _sides(path)
    if not sides:
        return b""
    here = salvage.told(bytes_of(path)) | salvage.told(bytes_of(journal_path(path)))
    found = [side for side in sides if not _is_told(salvage.told(side), here)]
    return b"".join(side.rstrip(b"\n") + b"\n" for side in found)


def _is_told(side: salvage.Told, here: salvage.Told) -> bool:
    return side.correlation_ids <= here.correlation_ids and side.task_ids <= here.task_ids


def _sides(path: Path) -> list[bytes]:
    """Return both sides as git's index has them; none where they are merged, or git cannot tell."""
    if not (repository(path.parent) / ".git").exists():
        return []
    try:
        rows = git.asked(path.parent, "ls-files", "-u", "-z", "--", f":(literal){path.name}")
        stages = [row.partition("\t")[0].split() for row in rows.split("\0") if row]
        objects = [words[1] for words in stages if words[2:] and words[2] in _SIDES]
        return [git.blob(path.parent, name) for name in dict.fromkeys(objects)]
    except ConfigError:
        return []
