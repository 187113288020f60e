"""Finds what a manifest that was renamed, moved or removed left: lockfile, journal and memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from seedrender.errors import LockError
from seedrender.lock import fold
from seedrender.lock.prune import clips_of
from seedrender.project import lock_files
from seedrender.project.lock_files import LockFile
from seedrender.values.entry import Lock


class LeftBehind:
    """What belongs to manifests that are gone: each may be what this one was.

    That goes for the whole repository: a manifest is moved to another folder without its lockfile,
    and where git moves a folder it leaves what it ignores.
    """

    def __init__(self, lock_path: Path) -> None:
        self._lock_path = lock_path
        self._folder = lock_path.parent

    @cached_property
    def lock(self) -> Lock:
        """All that those files know of tasks. Raises: LockError where one cannot be read."""
        elsewhere = (file for file in lock_files.in_other_folders(self._folder) if file.is_left)
        whole = Lock(manifest="")
        for known in (*self._by_owner.values(), *self._read(elsewhere).values()):
            whole = fold.fold(whole, known.entries.values())
        return whole

    def check(self) -> None:
        """Make sure that all can be read before anything is bought. Raises: LockError."""
        _ = self.lock

    @cached_property
    def before(self) -> Lock | None:
        """What this manifest had noted under its name before; None: that is not certain.

        It is where one manifest that is gone has left a lockfile or a journal, and no other one.
        What is only remembered of it is in `lock`. Raises: LockError where a file cannot be read.
        """
        files = [file for file in self._files if file.path.parent == self._folder]
        owners = {file.manifest for file in files}
        return self._read(files)[owners.pop()] if len(owners) == 1 else None

    @cached_property
    def paths(self) -> frozenset[str]:
        """Return where clips of others are: they are copied from there, and never taken away."""
        try:
            before = self.before.manifest if self.before is not None else None
            locks = [lock for name, lock in self._by_owner.items() if name != before]
        except LockError:  # said where something is bought
            return frozenset()
        entries = (entry for lock in locks for entry in lock.entries.values())
        return frozenset(clip.path for entry in entries for clip in clips_of(entry))

    @cached_property
    def _by_owner(self) -> Mapping[str, Lock]:
        return self._read(self._files)

    @cached_property
    def _files(self) -> tuple[LockFile, ...]:
        """Return the files of this folder of which the manifest is gone."""
        ours = lock_files.own_paths(self._lock_path)
        found = lock_files.in_folder(self._folder)
        return tuple(file for file in found if file.is_left and file.path not in ours)

    def _read(self, files: Iterable[LockFile]) -> Mapping[str, Lock]:
        """Read files by the manifest that they belong to. Raises: LockError."""
        found: dict[str, Lock] = {}
        for file in files:
            known = found.get(file.manifest, Lock(manifest=file.manifest))
            try:
                events = file.read()
            except LockError as error:
                shown = os.path.relpath(file.path, self._folder)
                raise LockError(
                    f"{shown} is of a manifest that is gone, {file.manifest}, and may tell of "
                    f"tasks that are paid; it cannot be read ({error}). Nothing was sent: mend it, "
                    "or move it out of the repository if it has nothing to do with this film"
                ) from None
            found[file.manifest] = fold.fold(known, events)
        return found
