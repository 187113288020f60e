"""Finds files by their size: one whose name nobody noted may have the bytes of a clip."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath

from seedrender.values.magic import is_footage_name


class Footage:
    """The clips and pictures below a folder, as they are when somebody first asks."""

    def __init__(self) -> None:
        self._known: dict[int, list[str]] | None = None

    def of_size(
        self, size_bytes: int, root: Path, folder: str, others: Callable[[], Iterable[str]]
    ) -> list[str]:
        """Return the files of a size below a folder, and among others, relative to the root."""
        if self._known is None:
            known: defaultdict[int, list[str]] = defaultdict(list)
            for place in dict.fromkeys([*_below(root, folder), *others()]):
                try:
                    known[(root / place).stat().st_size].append(place)
                except (OSError, ValueError):
                    continue
            self._known = dict(known)
        return self._known.get(size_bytes, [])


def _below(root: Path, folder: str) -> Iterator[str]:
    for place, folders, names in os.walk(root / folder):  # follows no links but the folder itself
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = PurePosixPath(folder, Path(place).relative_to(root / folder).as_posix())
        yield from ((inside / name).as_posix() for name in sorted(names) if is_footage_name(name))
