"""Finds what a manifest that was renamed or removed left: its lockfile, journal and memory."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from seedrender.errors import LockError
from seedrender.lock import fold, lockfile
from seedrender.lock.prune import clips_of
from seedrender.project.hold import journal_path
from seedrender.project.lock_read import bytes_of, is_gone
from seedrender.project.own_folder import NAME
from seedrender.project.roots import repository
from seedrender.values.entry import Event, Lock, LockEntry

_HEADER_BYTES = 4096


class LeftBehind:
    """What belongs to manifests that are gone: each may be what this one was.

    In its own folder that is all that they knew. Elsewhere in the repository, where git leaves what
    it ignores when a folder is renamed, it is the tasks that they had in flight.
    """

    def __init__(self, lock_path: Path) -> None:
        self._lock_path = lock_path
        self._folder = lock_path.parent

    @cached_property
    def lock(self) -> Lock:
        """All that those files know of tasks. Raises: LockError where one cannot be read."""
        whole = Lock(manifest="")
        for known in self._by_owner.values():
            whole = fold.fold(whole, known.entries.values())
        return fold.fold(whole, self._in_flight_elsewhere())

    def check(self) -> None:
        """Make sure that all can be read before anything is bought. Raises: LockError."""
        _ = self.lock

    @cached_property
    def before(self) -> Lock | None:
        """What this manifest had noted under its name before; None: that is not certain.

        It is where one manifest that is gone has left a lockfile or a journal, and no other one.
        What is only remembered of it is in `lock`. Raises: LockError where a file cannot be read.
        """
        files = [(path, name) for path, name in self._files if path.parent == self._folder]
        owners = {name for _, name in files}
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
    def _files(self) -> tuple[tuple[Path, str], ...]:
        """Return the files of this folder, each with the manifest that is gone."""
        memory = self._folder / NAME / self._lock_path.name
        ours = {self._lock_path, memory, *map(journal_path, (self._lock_path, memory))}
        return tuple((path, name) for path, name in _left_in(self._folder) if path not in ours)

    def _in_flight_elsewhere(self) -> Iterator[LockEntry]:
        home = self._folder.resolve()
        for folder in _folders(repository(home)):
            files = () if folder == home else tuple(_left_in(folder))
            for known in self._read(files).values():
                for entry in known.entries.values():
                    if tasks := fold.alive(entry):
                        yield LockEntry(job=entry.job, tasks=tasks)

    def _read(self, files: Iterable[tuple[Path, str]]) -> Mapping[str, Lock]:
        """Read files by the manifest that they belong to. Raises: LockError."""
        found: dict[str, Lock] = {}
        for path, name in files:
            known = found.get(name, Lock(manifest=name))
            found[name] = fold.fold(known, _events(path, os.path.relpath(path, self._folder)))
        return found


def _folders(root: Path) -> Iterator[Path]:
    """Yield a folder and those below it that a film may have been in; links are not followed."""
    for folder, names, files in os.walk(root):
        if NAME in names or any(name.endswith((".lock", ".lock.journal")) for name in files):
            yield Path(folder)
        names[:] = sorted(name for name in names if not name.startswith("."))


def _left_in(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files in a folder that belong to manifests that are gone from it, with these."""
    return ((path, name) for path, name in left_by(folder) if is_gone(folder, name))


def left_by(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the lockfiles, journals and memories in a folder, each with the manifest of its own."""
    for pattern in ("*.lock", "*.lock.journal", f"{NAME}/*.lock", f"{NAME}/*.lock.journal"):
        for path in sorted(folder.glob(pattern)):
            is_plain = path.is_file() and not path.is_symlink()  # no pipe, either
            name = owner(path) if is_plain else None
            if name is not None:
                yield path, name


def owner(path: Path) -> str | None:
    """Return whose lockfile or journal a file is, by its first line; None: it is none of ours."""
    try:
        with path.open("rb") as file:
            header = json.loads(file.readline(_HEADER_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    is_ours = isinstance(header, dict) and bool(header.keys() & {"lock", "journal"})
    name = header.get("manifest") if is_ours else None
    return name if isinstance(name, str) else None


def _events(path: Path, shown: str) -> tuple[Event, ...]:
    try:
        if path.suffix == ".journal":
            return lockfile.loads_journal(bytes_of(path), path.name)
        text = bytes_of(path).decode("utf-8")
        return tuple(lockfile.loads(text, path.name).entries.values())
    except (LockError, UnicodeDecodeError, OSError) as error:
        raise LockError(
            f"{shown} is of a manifest that is gone, {owner(path)}, and may tell of tasks that "
            f"are paid; it cannot be read ({error}). Nothing was sent: mend it, or move it out of "
            "the repository if it has nothing to do with this film"
        ) from None
