"""Says which folders a project may read media from and write clips into."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

OPTION = "--allow-outside"
_MOST_NAME_BYTES, _MOST_PATH_BYTES = 255, 4095


@dataclass(frozen=True, slots=True)
class Roots:
    """The manifest's repository, or its folder where there is none, and what a person allowed.

    Links are resolved first. Git's own folder is never part of it.
    """

    bounds: tuple[Path, ...]  # resolved

    @classmethod
    def around(cls, folder: Path, allowed: Iterable[Path] = ()) -> Roots:
        """Return the roots of a manifest in a folder."""
        return cls((repository(folder), *(path.resolve() for path in allowed)))

    def hold(self, path: Path) -> bool:
        """Return whether a path leads inside."""
        found = resolved(path)
        if found is None:
            return False
        return any(
            found.is_relative_to(bound) and ".git" not in found.relative_to(bound).parts
            for bound in self.bounds
        )

    def words(self, path: Path, *, is_allowable: bool = True) -> str:
        """Say where a path leads that is outside, and which option allows it."""
        found = resolved(path)
        if found is None:
            return "leads in a circle" if _may_be(path) else "has a name that no file can have"
        if not is_allowable or ".git" in found.parts:
            return f"leads outside, to {found}"
        place = found if found.is_dir() else found.parent
        return f"leads outside, to {found}; `{OPTION} {place}` allows that"


def named(folder: Path, manifest: str) -> str:
    """Return a manifest as a command that is typed here names it, quoted for a shell."""
    path = folder.absolute() / manifest
    with suppress(OSError, ValueError):  # no working folder; or a path that is not below it
        path = path.relative_to(Path.cwd())
    words = str(path)
    return shlex.quote(f"./{words}" if words.startswith("-") else words)


def repository(folder: Path) -> Path:
    """Return the git repository around a folder, or the folder, resolved."""
    try:
        found = folder.resolve()
    except OSError:  # the working folder is gone
        return folder
    return next((p for p in (found, *found.parents) if os.path.lexists(p / ".git")), found)


def folders(folder: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield the folders of the repository around one, as `os.walk` does: with what is in each.

    Links are not followed, and hidden folders are not looked into.
    """
    for place, names, files in os.walk(repository(folder)):
        yield Path(place), names, files
        names[:] = sorted(name for name in names if not name.startswith("."))


def resolved(path: Path) -> Path | None:
    """Return where a path leads; None: nowhere, in a circle, or where nobody may look."""
    try:
        return path.resolve() if _may_be(path) else None
    except (OSError, RuntimeError):
        return None


def _may_be(path: Path) -> bool:
    """Say whether a file can have this name: Linux takes 255 bytes a part, 4,095 in all, no NUL."""
    try:
        parts = [len(os.fsencode(part)) for part in path.parts]
    except UnicodeEncodeError:  # half a character
        return False
    if "\0" in str(path):
        return False
    return max(parts, default=0) <= _MOST_NAME_BYTES and sum(parts) + len(parts) <= _MOST_PATH_BYTES
