"""Streams a paid file into an open one: hashed on its way, bounded, and continued after a cut."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from seedrender.errors import (
    ArtifactError,
    NotFoundError,
    RateLimitedError,
    StorageError,
    UnavailableError,
)
from seedrender.providers.network import trouble
from seedrender.values.magic import HEAD_BYTES, recognised
from seedrender.values.provider import Block, Provider, Received, Resumable
from seedrender.values.task import MAX_BYTES, RemoteFile

FLEETING = (UnavailableError, RateLimitedError, ArtifactError, NotFoundError)  # ask again

_WRITE_BYTES = 2**20  # at least, in one hop to a thread
_FLOOR_BYTES, _FLOOR_S = 60_000, 60
_TRICKLE_BYTES, _TRICKLE_S = 20, 4
_SLOW_BYTES, _SLOW_S = 80_000, 5.0
_PLACES = 8
# with the places 64 at once: on a line of 64 kB/s none of them falls below the floor
_WITHOUT_PLACE = 56
_UNKNOWN_BYTES = 64 * 2**20  # of a file whose head is of no medium that we know
_BOXES = (b"moov", b"mdat", b"free", b"skip", b"wide", b"styp")  # an MP4 without its ftyp first

Says = Callable[[str], None]
Fresh = Callable[[Exception], Awaitable[RemoteFile]]  # after a wait; raises what it was given


class CostlyError(ArtifactError):
    """A download that was too slow or too large: it is tried again a few times only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """A file that has arrived in full; whether it is a clip has still to be seen."""

    sha256: str
    size_bytes: int


async def download(
    provider: Provider,
    file: RemoteFile,
    out: BinaryIO,
    *,
    place: Place,
    fresh: Fresh | None = None,
) -> Downloaded:
    """Write a provider's file to `out`, under a fresh link whenever one fails.

    `out` is a buffered file that begins empty, and is written by nobody else. The place is free
    while a link is waited for.

    Raises: StorageError: no further download would help. Else what `fresh` raises; without it, the
        first error.
    """
    arrival = _Arrival(out)
    while True:
        try:
            await arrival.attempt(provider, file, place)
            return await arrival.finish()
        except StorageError:
            raise
        except FLEETING as error:
            if fresh is None:
                raise
            place.leave()
            await arrival.make_room()
            file = await fresh(error)
            await place.take()


class DownloadPlaces:
    """The downloads that may run at once; one that crawls lets the next one begin."""

    def __init__(self, places: int = _PLACES, without: int = _WITHOUT_PLACE) -> None:
        self._free = asyncio.Semaphore(places)
        self._without = without  # so many more may still go on without a place

    @asynccontextmanager
    async def place(self, says: Says) -> AsyncIterator[Place]:
        """Wait for a place, and hold it; `says` is told once if the download is slow."""
        place = Place(self, says)
        try:
            await place.take()
            yield place
        finally:
            place.leave()

    async def acquire(self) -> None:
        """Wait for a free place."""
        await self._free.acquire()

    def release(self) -> None:
        """Give a place back."""
        self._free.release()

    def hand_on(self) -> bool:
        """Give a place back and go on without; False: too many do so already."""
        if not self._without:
            return False
        self._without -= 1
        self._free.release()
        return True

    def returned(self) -> None:
        """Note that a download without a place has ended."""
        self._without += 1


class Place:
    """The place of one download."""

    def __init__(self, places: DownloadPlaces, says: Says) -> None:
        self._places, self._says = places, says
        self._is_held = self._is_without = self._is_told = False
        self._arrived = 0  # since the last look
        self._timer: asyncio.TimerHandle | None = None

    async def take(self) -> None:
        """Wait for a place."""
        await self._places.acquire()
        self._is_held = True
        self._look_later()

    def leave(self) -> None:
        """Give the place back, if it is still held."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._is_held:
            self._places.release()
        if self._is_without:
            self._places.returned()
        self._is_held = self._is_without = False

    def progress(self, size_bytes: int) -> None:
        """Note that so many more bytes have arrived."""
        self._arrived += size_bytes

    def _look_later(self) -> None:
        self._arrived = 0
        self._timer = asyncio.get_running_loop().call_later(_SLOW_S, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._arrived < _SLOW_BYTES:
            if not self._is_told:
                self._is_told = True
                self._says(f"{self._arrived} bytes in {_SLOW_S:g} s")
            if self._places.hand_on():
                self._is_held, self._is_without = False, True
                return
        self._look_later()


class _Speed:
    """What has arrived in the last minute of waiting; time that the disk took does not count."""

    def __init__(self) -> None:
        self._waited_s = 0.0
        self._seconds: deque[list[int]] = deque()  # [second, bytes], the newest last

    def note(self, waited_s: float, size_bytes: int) -> None:
        self._waited_s += waited_s
        second = int(self._waited_s)
        if self._seconds and self._seconds[-1][0] == second:
            self._seconds[-1][1] += size_bytes
        else:
            self._seconds.append([second, size_bytes])
        while self._seconds[0][0] + 1 + _FLOOR_S <= self._waited_s:
            self._seconds.popleft()

    def patience_s(self) -> float:
        """Return after how long without a byte more the last minute was too slow."""
        found, until = 0, _FLOOR_S
        for second, size_bytes in reversed(self._seconds):
            found += size_bytes
            if found >= _FLOOR_BYTES:
                until = max(until, second + 1 + _FLOOR_S)
                break
        return max(0.0, until - self._waited_s)

    def check(self) -> None:
        """Raises: CostlyError where each of the last seconds brought next to nothing.

        So does a server that holds back; a network that fails for a moment brings nothing at all.
        """
        now = int(self._waited_s)
        newest = islice(reversed(self._seconds), _TRICKLE_S + 1)
        last = [size for second, size in newest if now - _TRICKLE_S <= second < now]
        if len(last) == _TRICKLE_S and all(last) and sum(last) < _TRICKLE_BYTES:
            raise CostlyError(f"only {sum(last)} bytes in {_TRICKLE_S} s")

    def __str__(self) -> str:
        return f"only {sum(size for _, size in self._seconds)} bytes in {_FLOOR_S} s"


class _Arrival:
    """What has arrived of one file, over all its links."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._has_written = False
        self._begin()

    def _begin(self) -> None:
        """Forget what has arrived."""
        self._received = Received()
        self._head = b""
        self._digest = hashlib.sha256()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._is_void = self._has_written  # what the open file holds

    async def attempt(self, provider: Provider, file: RemoteFile, place: Place) -> None:
        """Take what one link gives, after what is there already where that is proven."""
        most, promised = MAX_BYTES[file.kind], file.size_bytes
        if promised is not None and promised > most:
            raise CostlyError(f"a file of more than {most // 2**20} MiB is announced")
        speed = _Speed()
        async with aclosing(self._blocks(provider, file)) as blocks:
            while (block := await _next(blocks, speed)) is not None:
                place.progress(len(block.data))
                await self._take(block, most)
        received, version = self._received.size_bytes, self._received.version
        if not received:
            raise ArtifactError("not a byte arrived")
        expected = version.total_bytes if version is not None else None
        is_short = received < (promised or 0)  # one that promised less has counted otherwise
        if is_short or expected not in (None, received):
            self._begin()
            raise ArtifactError(f"{received} of {promised or expected} bytes arrived")

    def _blocks(self, provider: Provider, file: RemoteFile) -> AsyncGenerator[Block, None]:
        if self._received.version is None:
            self._begin()
        if isinstance(provider, Resumable):
            return provider.retrieve_rest(file, self._received)
        self._begin()
        return _whole(provider.retrieve(file))

    async def _take(self, block: Block, most: int) -> None:
        at, data, version = block.at, bytes(block.data), block.version
        if at == 0 < self._received.size_bytes:
            self._begin()
        size_bytes = at + len(data)
        if at != self._received.size_bytes:
            self._begin()
            raise ArtifactError("a block came out of its place")
        self._head = (self._head + data[:HEAD_BYTES])[:HEAD_BYTES]
        if max(size_bytes, version.total_bytes if version is not None else 0) > most:
            self._begin()
            raise CostlyError(f"the file is larger than {most // 2**20} MiB")
        if size_bytes > _UNKNOWN_BYTES and not _is_medium(self._head):
            self._begin()
            raise CostlyError(f"{_UNKNOWN_BYTES // 2**20} MiB arrived, and they are no medium")
        self._received = Received(size_bytes=size_bytes, version=version)
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        if self._waiting_bytes >= _WRITE_BYTES:
            await self._write()

    async def finish(self) -> Downloaded:
        """Write what still waits. Raises: StorageError."""
        await self._write()
        size_bytes = self._received.size_bytes
        return Downloaded(sha256=self._digest.hexdigest(), size_bytes=size_bytes)

    async def make_room(self) -> None:
        """Empty the file where nothing of it will be used. Raises: StorageError."""
        if self._is_void:
            await self._write()

    async def _write(self) -> None:
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if not waiting and not self._is_void:
            return
        try:
            await asyncio.to_thread(self._put, waiting)
        except OSError as error:
            raise StorageError(
                f"what arrives cannot be written ({error.strerror or error}). Its task is paid, "
                "and stays in the lockfile: make room, then run again; nothing is paid again"
            ) from None

    def _put(self, blocks: list[bytes]) -> None:
        if self._is_void:
            self._out.seek(0)
            self._out.truncate(0)
        self._is_void, self._has_written = False, True
        for block in blocks:
            self._digest.update(block)
            self._out.write(block)


async def _next(blocks: AsyncGenerator[Block, None], speed: _Speed) -> Block | None:
    """Return the next block; None: there is none. Raises: CostlyError where it is too slow."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    try:
        async with asyncio.timeout_at(begun + speed.patience_s()) as limit:
            block = await anext(blocks)
    except StopAsyncIteration:
        return None
    except OSError as error:  # TimeoutError is one
        speed.note(loop.time() - begun, 0)
        if isinstance(error, TimeoutError) and limit.expired():
            raise CostlyError(str(speed)) from None
        raise UnavailableError(f"the download broke off: {trouble(error)}") from None
    speed.note(loop.time() - begun, len(block.data))
    speed.check()
    return block


async def _whole(blocks: AsyncGenerator[bytes, None]) -> AsyncGenerator[Block, None]:
    """Say of each block where it belongs."""
    at = 0
    async with aclosing(blocks):
        async for data in blocks:
            yield Block(at, data)
            at += len(data)


def _is_medium(head: bytes) -> bool:
    return recognised(head) is not None or head[4:8] in _BOXES or head[:4] == b"RIFF"
