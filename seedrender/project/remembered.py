"""Knows where clips have been, by every lockfile and memory of a folder."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from seedrender.errors import LockError
from seedrender.lock import lockfile
from seedrender.lock.prune import clips_of
from seedrender.project.left_behind import left_by
from seedrender.project.lock_read import bytes_of, is_gone
from seedrender.project.purchases import PurchaseLog
from seedrender.values.entry import Lock


class RememberedPlaces:
    """Says where clips were, by what is noted when somebody first asks.

    Those of other manifests count too: a film that was split or renamed leaves clips where it was.
    """

    def __init__(self, lock_path: Path, manifest: str) -> None:
        self._lock_path, self._manifest = lock_path, manifest
        self._paths: dict[str, set[str]] | None = None  # by sha256
        self._others: set[str] = set()

    def __call__(self, sha256: str) -> Collection[str]:
        """Return the paths that a clip has had, relative to the manifest."""
        return sorted(self._read().get(sha256, ()))

    def are_others(self, path: str) -> bool:
        """Say whether another manifest, which is there, has a clip at a path: it stays there."""
        self._read()
        return path in self._others

    def _read(self) -> dict[str, set[str]]:
        if self._paths is None:
            self._paths = {}
            with suppress(LockError):  # whoever would buy is refused
                self._add(PurchaseLog(self._lock_path).read(self._manifest))
            for lock in self._of_others():
                paths = self._add(lock)
                if not is_gone(self._lock_path.parent, lock.manifest):
                    self._others |= paths
        return self._paths

    def _add(self, lock: Lock) -> set[str]:
        assert self._paths is not None, "it is being read"
        clips = [clip for entry in lock.entries.values() for clip in clips_of(entry)]
        for clip in clips:
            self._paths.setdefault(clip.sha256, set()).add(clip.path)
        return {clip.path for clip in clips}

    def _of_others(self) -> Iterator[Lock]:
        for path, manifest in left_by(self._lock_path.parent):
            if manifest != self._manifest and path.suffix == ".lock":
                with suppress(LockError, UnicodeDecodeError):
                    yield lockfile.loads(bytes_of(path).decode("utf-8"), path.name)
