"""Keeps the sha256 of files by size and times, so that what did not change is not read again."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seedrender.project.files import sha256
from seedrender.project.own_folder import NAME, OwnFolder

CACHE = Path(NAME) / "hashes.json"  # beside the manifest
_VERSION = 1
_MIN_BYTES = 1 << 20  # smaller files are read faster than they are worth a line
_GRANULE_NS = 2_000_000_000  # the coarsest clock of a file system that we know: FAT
_MAX_CACHE_BYTES = 64 * 2**20
_HEX = 64

Stamp = list[int]  # size, and the times and the number that the system keeps of a file


class Hashes:
    """The digests of the files beside one manifest.

    A file that changed less than two seconds ago is read anew each time: it may change again
    without showing it. The time of the last change of its record, which no program can set back, is
    looked at too.
    """

    def __init__(self, root: Path, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._path = root / CACHE
        self._root, self._clock_ns = root, clock_ns
        self._rows: dict[str, tuple[Stamp, str]] = {}
        self._seen: dict[str, str] = {}
        self._is_changed = False
        self._is_loaded = False

    def sha256(self, path: Path) -> str:
        """Return a file's digest. Raises: OSError."""
        name = os.path.relpath(path, self._root)
        if name not in self._seen:
            self._seen[name] = self._sha256(name, path)
        return self._seen[name]

    def _sha256(self, name: str, path: Path) -> str:
        stamp, started_ns = _stamp(path), self._clock_ns()
        if stamp[0] < _MIN_BYTES:
            return sha256(path)
        self._load()
        known = self._rows.get(name)
        is_settled = started_ns - max(stamp[1], stamp[2]) >= _GRANULE_NS
        if known is not None and known[0] == stamp and is_settled:
            return known[1]
        digest = sha256(path)
        if is_settled and _stamp(path) == stamp:
            self._rows[name] = (stamp, digest)
            self._is_changed = True
        elif self._rows.pop(name, None) is not None:
            self._is_changed = True
        return digest

    def save(self) -> None:
        """Keep what was found for the next time; a folder that takes no file is no error."""
        if not self._is_changed:
            return
        rows = {name: [*stamp, digest] for name, (stamp, digest) in sorted(self._rows.items())}
        with contextlib.suppress(OSError):
            text = json.dumps({"hashes": _VERSION, "files": rows})
            OwnFolder(self._root).write(self._path.name, text)
            self._is_changed = False

    def _load(self) -> None:
        """Read the cache once; one that is not as we write it is none."""
        if self._is_loaded:
            return
        self._is_loaded = True
        try:
            if self._path.stat().st_size > _MAX_CACHE_BYTES:
                return
            found = json.loads(OwnFolder(self._root).read(self._path.name))
            if found["hashes"] == _VERSION:
                self._rows = dict(_row(name, row) for name, row in found["files"].items())
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self._rows = {}


def _row(name: str, row: Any) -> tuple[str, tuple[Stamp, str]]:
    *stamp, digest = row
    is_digest = isinstance(digest, str) and len(digest) == _HEX
    if not is_digest or not all(type(number) is int for number in stamp):
        raise ValueError
    return name, (stamp, digest)


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
