"""Marks a folder as in use for one lockfile, where no file in it is sure to last.

The mark is a shared lock on one byte of the folder itself; the byte follows from the lockfile's
name, so that the runs of other manifests are not met. Whoever asks for an exclusive lock of that
byte is told that it is taken. The system takes the mark away when the process ends.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
import sys
from contextlib import suppress
from pathlib import Path

_LAYOUT = "hhqqi4x"  # struct flock64
_ONE_BYTE = 1


class FolderMark:
    """The mark of one process; where the system has none, it is never seen."""

    def __init__(self, lock_path: Path) -> None:
        digest = hashlib.sha256(os.fsencode(lock_path.name)).digest()
        self._at = int.from_bytes(digest[:8]) >> 2
        self._folder: int | None = None
        if sys.platform == "linux":
            with suppress(OSError):
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
                self._folder = os.open(lock_path.parent, flags)

    def is_elsewhere(self) -> bool:
        """Say whether another process has marked the folder for this lockfile."""
        if sys.platform == "linux" and self._folder is not None:
            with suppress(OSError):
                asked = self._lock(fcntl.F_WRLCK)
                found = fcntl.fcntl(self._folder, fcntl.F_OFD_GETLK, asked)
                return bool(struct.unpack(_LAYOUT, found)[0] != fcntl.F_UNLCK)
        return False

    def set(self) -> None:
        """Mark the folder, where that is possible."""
        if sys.platform == "linux" and self._folder is not None:
            with suppress(OSError):
                fcntl.fcntl(self._folder, fcntl.F_OFD_SETLK, self._lock(fcntl.F_RDLCK))

    def close(self) -> None:
        """Take the mark away."""
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    def _lock(self, kind: int) -> bytes:
        return struct.pack(_LAYOUT, kind, os.SEEK_SET, self._at, _ONE_BYTE, 0)
