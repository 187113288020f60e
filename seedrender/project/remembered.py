"""Knows where clips have been, by every lockfile, journal and memory of a repository."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path, PurePosixPath

from seedrender.errors import LockError
from seedrender.lock import salvage
from seedrender.project import lock_files
from seedrender.project.lock_read import bytes_of, real


class RememberedPlaces:
    """Says where clips were, by what is noted when somebody first asks.

    Those of other manifests count too: a film that was split, renamed or moved leaves clips where
    it was. Whether the clip is still there is not looked at here.
    """

    def __init__(self, lock_path: Path, manifest: str) -> None:
        self._lock_path, self._manifest = lock_path, manifest
        self._paths: dict[str, set[str]] | None = None  # by sha256
        self._others: dict[str, set[str]] = {}  # those of manifests that are there
        self._taken: set[str] = set()  # the same, whatever lies there

    def __call__(self, sha256: str) -> Collection[str]:
        """Return the paths that a clip has had, relative to the manifest's folder; `..` too."""
        return sorted(self._read().get(sha256, ()))

    def are_others(self, path: str) -> bool:
        """Say whether another manifest, which is there, has a clip at a path: it stays there."""
        self._read()
        return path in self._taken

    def of_others(self, sha256: str) -> Collection[str]:
        """Return where other manifests, which are there, have a clip, or want it to be."""
        self._read()
        return sorted(self._others.get(sha256, ()))

    def _read(self) -> dict[str, set[str]]:
        if self._paths is None:
            self._paths = {}
            home = self._lock_path.parent
            with suppress(LockError):  # a link that leads outside
                for path in lock_files.own_paths(real(self._lock_path)):
                    self._add(path, ".")
            for file in (*lock_files.in_folder(home), *lock_files.in_other_folders(home)):
                is_here = file.folder == home
                is_ours = is_here and file.manifest == self._manifest
                folder = "." if is_here else os.path.relpath(file.folder, home.resolve())
                self._add(file.path, folder, is_others=not (is_ours or file.is_left))
        return self._paths

    def _add(self, path: Path, folder: str, *, is_others: bool = False) -> None:
        assert self._paths is not None, "it is being read"
        with suppress(LockError):  # whoever would buy is refused
            for sha256, place in salvage.places(bytes_of(path)):
                found = PurePosixPath(folder, place).as_posix()
                self._paths.setdefault(sha256, set()).add(found)
                if is_others:
                    self._others.setdefault(sha256, set()).add(found)
                    self._taken.add(found)
