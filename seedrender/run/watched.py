"""Notices that somebody else wrote the lockfile while a run holds it, as a `git pull` does."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from seedrender.errors import LockError
from seedrender.lock import salvage
from seedrender.lock.salvage import Told
from seedrender.project.lock_read import bytes_of
from seedrender.values.entry import LockEntry


class Watched:
    """The lockfile as it was when this run looked last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._mark()

    def look(self) -> None:
        """Take the file as it is now for known."""
        self._seen = self._mark()

    def check(self, entries: Iterable[LockEntry]) -> None:
        """Look whether the file tells of tasks that this run does not know.

        Raises: LockError where it does: what is bought next may be bought already.
        """
        mark = self._mark()
        if mark == self._seen:
            return
        found = Told()
        with suppress(LockError):  # what cannot be read is told at the end
            found = salvage.told(bytes_of(self._path))
        known = {str(record.correlation_id) for entry in entries for record in entry.tasks}
        if found.correlation_ids - known:
            raise LockError(
                f"{self._path.name} was written by somebody else during the run, and tells of "
                "tasks that it does not know, as after a `git pull`: nothing more is bought, and "
                "what runs is collected. Run again: what came in is used"
            )
        self._seen = mark

    def _mark(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
