"""Says what a shared file system lacks that a local one has; a run does without."""

from __future__ import annotations

import fcntl
from pathlib import Path

from seedrender.project.files import new_file, sync_folder


def lacking(folder: Path) -> tuple[str, ...]:
    """Try folder sync and locks with a file that is removed again; what cannot be tried is fine."""
    found = []
    try:
        if not sync_folder(folder):
            found.append("folder sync")
        with new_file(folder / "probe") as probe:
            if not _has_locks(probe.file.fileno()):
                found.append("locks")
    except OSError:  # it is said elsewhere that it takes no file
        pass
    return tuple(found)


def _has_locks(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
