"""Finds clips that were set aside by the digits of their sha256 that their names end in."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from pathlib import Path, PurePosixPath

DIGITS = 12
_NAME = re.compile(rf".*?(?P<digits>[0-9a-f]{{{DIGITS}}})(\.[^.]*)?")


class Kept:
    """The files under folders `.superseded/`, whatever they are called before those digits."""

    def __init__(self) -> None:
        self._known: dict[Path, dict[str, list[str]]] = {}

    def names(self, folder: Path, sha256: str) -> tuple[str, ...]:
        """Return the files that may have these bytes, relative to the folder, in order."""
        if folder not in self._known:
            self._known[folder] = _read(folder)
        return tuple(self._known[folder].get(sha256[:DIGITS], ()))

    def forget(self) -> None:
        """Look again at the next question: something came or went."""
        self._known.clear()


def _read(folder: Path) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for place, folders, names in os.walk(folder):  # follows no links
        folders.sort()
        inside = PurePosixPath(Path(place).relative_to(folder).as_posix())
        for name in sorted(names):
            match = _NAME.fullmatch(name)
            if match is not None:
                found[match["digits"]].append((inside / name).as_posix())
    return dict(found)


def is_of(path: str, sha256: str) -> bool:
    """Say whether a file that was set aside is named after these bytes."""
    match = _NAME.fullmatch(PurePosixPath(path).name)
    return match is not None and match["digits"] == sha256[:DIGITS]
