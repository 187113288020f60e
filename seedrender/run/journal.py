"""Puts facts on disk before the next step is taken; those that wait share one sync."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable

from seedrender.errors import LockError


class Journal:
    """An append-only file of lines.

    After one failure it is not trusted with another intent: a sync that failed may have lost what
    it was given, and says so once only. Facts are tried again, for they are paid for.
    """

    def __init__(self, file: int, name: str) -> None:
        self._file, self._name = file, name
        self._good = os.lseek(file, 0, os.SEEK_END)  # everything before this is on disk
        self._waiting: list[bytes] = []
        self._taken = self._committed = 0
        self._turn = asyncio.Lock()
        self.failure: LockError | None = None

    async def append(self, line: bytes) -> None:
        """Write a line; it is on disk when this returns. Raises: LockError."""
        self._waiting.append(line)
        self._taken += 1
        ticket = self._taken
        async with self._turn:
            if self._committed < ticket:
                await _to_the_end(asyncio.to_thread(self._commit))

    def start(self, header: bytes) -> None:
        """Begin anew: what was in the file is in the lockfile. Raises: OSError."""
        os.ftruncate(self._file, 0)
        self._good = 0
        self._put(header)

    def _commit(self) -> None:
        batch = list(self._waiting)
        try:
            self._put(b"".join(batch))
        except OSError as error:
            self.failure = self.failure or LockError(
                f"{self._name} cannot be written ({error.strerror}); no further request is sent, "
                "and what runs is collected"
            )
            raise self.failure from None
        del self._waiting[: len(batch)]
        self._committed += len(batch)

    def _put(self, data: bytes) -> None:
        file = self._file
        if os.fstat(file).st_nlink == 0:
            raise FileNotFoundError(2, "it was removed")
        os.ftruncate(file, self._good)  # what a failed write has left
        left = memoryview(data)
        while left:
            left = left[os.write(file, left) :]
        os.fdatasync(file)
        self._good += len(data)


async def _to_the_end(work: Awaitable[None]) -> None:
    """Await a write even when we are cancelled meanwhile: half a record must not be left."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
