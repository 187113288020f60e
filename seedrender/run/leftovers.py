"""Remembers which files of ours a provider keeps, so that the run after a crash deletes them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path

from seedrender.run.files import write_atomically

_MOST = 1000


class Leftovers:
    """A list of ids under `.seedrender/` beside the manifest; an empty one has no file."""

    def __init__(self, root: Path, route: str) -> None:
        self._path = root / ".seedrender" / f"uploads-{route}.json"
        self._ids = dict.fromkeys(_read(self._path))

    def ids(self) -> Sequence[str]:
        """Return what is kept, by all that we know."""
        return tuple(self._ids)

    def add(self, file_id: str) -> None:
        """Note an upload."""
        self._ids[file_id] = None
        self._save()

    def discard(self, file_id: str) -> None:
        """Note that one is gone."""
        if file_id in self._ids:
            del self._ids[file_id]
            self._save()

    def _save(self) -> None:
        """Write the list; where that fails, a file stays at the provider until it lapses there."""
        with contextlib.suppress(OSError):
            if not self._ids:
                self._path.unlink(missing_ok=True)
                return
            self._path.parent.mkdir(exist_ok=True)
            ignore = self._path.parent / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", "utf-8")
            write_atomically(self._path, json.dumps(list(self._ids)))


def _read(path: Path) -> list[str]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    rows = found if isinstance(found, list) else []
    return [row for row in rows if isinstance(row, str)][:_MOST]
