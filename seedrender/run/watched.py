"""Notices that somebody else wrote the lockfile while a run holds it, as a `git pull` does."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from seedrender.errors import LockError
from seedrender.run import recovery, unmerged
from seedrender.values.entry import LockEntry


class Watched:
    """The lockfile as it was when this run looked last."""

    def __init__(self, path: Path) -> None:
        self._path, self._index = path, unmerged.index_of(path)
        self._seen = self._marks()
        self.news: LockError | None = None  # what was brought in, once that was seen

    def look(self) -> None:
        """Take the file as it is now for known."""
        self._seen = self._marks()

    def check(self, entries: Iterable[LockEntry]) -> None:
        """Look whether the file, or git beside it, tells of tasks that this run does not know.

        Raises: LockError where it does: what is bought next may be bought already.
        """
        marks = self._marks()
        if self.news is None and marks != self._seen:
            known = {str(record.correlation_id) for entry in entries for record in entry.tasks}
            if recovery.told_in(self._path).correlation_ids - known or self._is_half_merged():
                self.news = LockError(
                    f"{self._path.name} was written by somebody else during the run, and tells of "
                    "tasks that it does not know, as after a `git pull`: nothing more was bought, "
                    "and what ran was collected. Run again: what came in is used"
                )
            self._seen = marks
        if self.news is not None:
            raise self.news

    def _is_half_merged(self) -> bool:
        try:
            unmerged.check(self._path)
        except LockError:
            return True
        return False

    def _marks(self) -> tuple[object, ...]:
        return tuple(map(_mark, (self._path, self._index)))


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
