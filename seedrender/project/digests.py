"""Turns files into their sha256, and reads none twice that did not change meanwhile."""

from __future__ import annotations

import stat
from pathlib import Path

from seedrender.project.files import sha256


class Digests:
    """The digests that one command has computed, by device, inode, size and time of change."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, int, int], str] = {}

    def of(self, path: Path, size_bytes: int | None = None) -> str | None:
        """Return a file's sha256; None: there is no regular file, or it has another size."""
        try:
            found = path.stat()
            if not stat.S_ISREG(found.st_mode) or size_bytes not in (None, found.st_size):
                return None
            key = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            if key not in self._known:
                self._known[key] = sha256(path)
        except OSError:
            return None
        return self._known[key]
