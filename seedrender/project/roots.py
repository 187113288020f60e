"""Says which folders a project may read media from and write clips into."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

OPTION = "--allow-outside"


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
            return "leads in a circle"
        if not is_allowable or ".git" in found.parts:
            return f"leads outside, to {found}"
        place = found if found.is_dir() else found.parent
        return f"leads outside, to {found}; `{OPTION} {place}` allows that"


def repository(folder: Path) -> Path:
    """Return the git repository around a folder, or the folder, resolved."""
    found = folder.resolve()
    return next((p for p in (found, *found.parents) if (p / ".git").exists()), found)


def resolved(path: Path) -> Path | None:
    """Return where a path leads; None: in a circle, or a folder on the way cannot be read."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return None
