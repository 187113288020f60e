"""Counts which job uses which file, where only so many may be kept at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

from seedrender.errors import RejectedError
from seedrender.values.job import JobId


def to_nobody(words: str) -> None:
    """Say nothing."""
    del words


class Shelf:
    """Files in use, by content. A job gets all places that it needs, or waits for all of them.

    So no two jobs can each hold what the other one waits for.
    """

    def __init__(self, places: int | None, left: int = 0) -> None:
        self._places = places
        self._left = left  # places of files that earlier runs left
        self._users: dict[str, set[JobId]] = {}
        self._busy: set[JobId] = set()  # who will give something back
        self._change = asyncio.Condition()

    def expect(self, jobs: Collection[JobId]) -> None:
        """Note who waits for earlier tasks: when those have ended, their files go."""
        self._busy.update(jobs)

    async def leave_to_others(self, count: int) -> None:
        """Note how many places the files of earlier runs take."""
        async with self._change:
            self._left = count
            self._change.notify_all()

    async def take(
        self, job: JobId, files: Collection[str], say: Callable[[str], None] = to_nobody
    ) -> None:
        """Wait for places, and take them. Raises: RejectedError where none will become free."""
        async with self._change:
            if not self._fits(files) and self._busy - {job}:
                say(f"for a place among the {self._places} files that the provider keeps")
            await self._change.wait_for(lambda: self._fits(files) or not self._busy - {job})
            if not self._fits(files):
                raise RejectedError(
                    f"all {self._places} files that the provider keeps are needed by tasks whose "
                    "end is not known; run again when those are settled; nothing was bought"
                )
            self._busy.add(job)
            for file in files:
                self._users.setdefault(file, set()).add(job)

    async def keep(self, job: JobId) -> None:
        """Note that a job gives nothing back in this run: its task may still read what it uses."""
        async with self._change:
            self._busy.discard(job)
            self._change.notify_all()

    def files_of(self, job: JobId) -> list[str]:
        """Return what a job uses."""
        return [file for file, users in self._users.items() if job in users]

    def leave(self, job: JobId) -> list[str]:
        """Note that a job is done, and return the files that nobody else uses."""
        left = [file for file, users in self._users.items() if users == {job}]
        for users in self._users.values():
            users.discard(job)
        return left

    def is_used(self, file: str) -> bool:
        """Say whether a job uses a file."""
        return bool(self._users.get(file))

    async def clear(self, job: JobId, files: Collection[str]) -> None:
        """Give the places of files to who waits for one, unless somebody took them meanwhile."""
        async with self._change:
            self._busy.discard(job)
            for file in files:
                if not self.is_used(file):
                    self._users.pop(file, None)
            self._change.notify_all()

    def _fits(self, files: Collection[str]) -> bool:
        taken = len({*self._users, *files}) + self._left
        return self._places is None or taken <= self._places
