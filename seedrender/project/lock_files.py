"""Finds lockfiles, journals and memories by their first line, whatever they are called."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from seedrender.errors import LockError
from seedrender.lock import lockfile, merge, salvage
from seedrender.project.files import is_temporary
from seedrender.project.hold import journal_path
from seedrender.project.lock_read import bytes_of, is_gone, is_name
from seedrender.project.own_folder import NAME, OwnFolder
from seedrender.project.roots import folders
from seedrender.values.entry import Event

_HEADER_BYTES = 4096
_KEPT = re.compile(r".+\.(damaged|aside)-[0-9]+")  # what `lock repair` and a run have read already


@dataclass(frozen=True, slots=True)
class LockFile:
    """A lockfile, a journal or a memory, and the manifest of whose tasks it tells.

    A copy that a cloud drive, an editor or git left is one too: `film.lock.conflict1`.
    """

    path: Path
    manifest: str
    is_journal: bool

    @property
    def folder(self) -> Path:
        """The manifest's folder."""
        return self.path.parent.parent if self.path.parent.name == NAME else self.path.parent

    @property
    def is_left(self) -> bool:
        """Whether its manifest is gone."""
        return is_gone(self.folder, self.manifest)

    @property
    def is_of_one_there(self) -> bool:
        """Whether its manifest is there."""
        return is_name(self.manifest) and (self.folder / self.manifest).is_file()

    def digests(self) -> frozenset[str]:
        """Return what could be the digests of fingerprints; nothing where it cannot be read."""
        with suppress(LockError):
            return salvage.digests(bytes_of(self.path))
        return frozenset()

    def read(self) -> tuple[Event, ...]:
        """Read what it tells; of two sides that git has not merged, both. Raises: LockError."""
        data = bytes_of(self.path)
        if self.is_journal:
            return lockfile.loads_journal(data, self.path.name)
        try:
            lock = merge.resolve(data.decode("utf-8"), self.path.name)
        except UnicodeDecodeError as error:
            raise LockError(f"{self.path.name}: byte {error.start} is not UTF-8") from None
        return tuple(lock.entries.values())


def own_paths(lock_path: Path) -> frozenset[Path]:
    """Return where the lockfile, the memory and the journals of one manifest are."""
    memory = lock_path.parent / NAME / lock_path.name
    return frozenset([lock_path, memory, journal_path(lock_path), journal_path(memory)])


def in_folder(folder: Path) -> Iterator[LockFile]:
    """Yield those of a manifests' folder, in the order of their names."""
    is_ours = not OwnFolder(folder).is_outside()
    for place in (folder, folder / NAME) if is_ours else (folder,):
        for path in _candidates(place):
            if (found := look(path)) is not None:
                yield found


def in_other_folders(folder: Path) -> Iterator[LockFile]:
    """Yield those of the other folders of the repository."""
    home = folder.resolve()
    for place, names, files in folders(home):
        if place != home and (NAME in names or any(map(_may_be_one, files))):
            yield from in_folder(place)


def _candidates(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as found:
            return sorted(folder / one.name for one in found if _may_be_one(one.name))
    except OSError:
        return []


def _may_be_one(name: str) -> bool:
    """Say whether a file by this name is looked into."""
    is_one = ".lock" in name.casefold()
    return is_one and not is_temporary(name) and _KEPT.fullmatch(name) is None


def look(path: Path) -> LockFile | None:
    """Say what a file is by its first line; None: it is none of ours, or a link."""
    if path.is_symlink() or not path.is_file():  # no pipe, either
        return None
    try:
        with path.open("rb") as file:
            rows = file.read(_HEADER_BYTES).decode("utf-8", "replace").split("\n")
        header = json.loads(next(r for r in rows if not r.startswith(lockfile.MARKERS)))
    except (OSError, ValueError, RecursionError, StopIteration):
        return None
    name = header.get("manifest") if isinstance(header, dict) else None
    if not isinstance(name, str) or not header.keys() & {"lock", "journal"}:
        return None
    return LockFile(path, name, is_journal="journal" in header)
