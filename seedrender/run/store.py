"""Keeps the facts of a run: durable in the journal as they happen, in the lockfile at its end."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from seedrender.errors import LockCorruptError, LockError, LockHeldError
from seedrender.lock import fold, lockfile
from seedrender.run.files import write_atomically
from seedrender.values.entry import Event, Lock, LockEntry
from seedrender.values.job import JobId

NO_RENAMES: Mapping[str, str] = {}


class Store:
    """The lock of one run, held by this process alone."""

    def __init__(
        self, path: Path, lock: Lock, journal: BinaryIO, moved: Mapping[str, str] = NO_RENAMES
    ) -> None:
        self._path = path
        self._moved = moved
        self._manifest = lock.manifest
        self._entries = dict(lock.entries)
        self._journal = journal
        self._waiting: list[bytes] = []
        self._taken = self._committed = 0
        self._commit = asyncio.Lock()

    @property
    def lock(self) -> Lock:
        """Everything that is known now."""
        return Lock(manifest=self._manifest, entries=self._entries)

    def entry(self, job: JobId) -> LockEntry | None:
        """Return what is known of one job now."""
        return self._entries.get(job)

    async def append(self, event: Event) -> None:
        """Note a fact; it is on disk when this returns. Waiters share one sync.

        Raises: LockError where it cannot be written: nothing may be bought after that.
        """
        known = self._entries.get(event.job)
        self._entries[event.job] = event if known is None else fold.join(known, event)
        self._waiting.append(lockfile.entry_line(event).encode())
        self._taken += 1
        ticket = self._taken
        async with self._commit:
            if self._committed >= ticket:
                return
            batch, self._waiting = self._waiting, []
            await _to_the_end(self._write(b"".join(batch)))
            self._committed += len(batch)

    async def _write(self, data: bytes) -> None:
        try:
            await asyncio.to_thread(_append, self._journal, data)
        except OSError as error:
            raise LockError(
                f"{self._journal.name} cannot be written ({error.strerror}); no further request is "
                "sent. Make room or mend the permissions, then run again"
            ) from None

    def compact(self) -> None:
        """Fold everything into the lockfile, with what came into it from elsewhere meanwhile."""
        found = fold.rename(read_lockfile(self._path, self._manifest), self._moved)
        merged = fold.fold(found, self._entries.values())
        text = lockfile.dumps(Lock(manifest=self._manifest, entries=merged.entries))
        if not self._path.exists() or self._path.read_text("utf-8") != text:
            try:
                write_atomically(self._path, text)
            except OSError as error:
                raise LockError(
                    f"{self._path.name} cannot be written ({error.strerror}); what happened is in "
                    f"{journal_path(self._path).name} and is not lost: make room, then run again"
                ) from None


@asynccontextmanager
async def hold(
    path: Path, manifest: str, moved: Mapping[str, str] = NO_RENAMES
) -> AsyncIterator[Store]:
    """Hold a lockfile for the length of a run: journal first, lockfile at the end.

    `moved` gives entries of the file their new ids.

    Raises: LockHeldError, LockVersionError, LockCorruptError.
    """
    journal = _claim(journal_path(path))
    try:
        lock = fold.rename(read(path, manifest), moved)
        store = Store(path, lock, journal, moved)
        store.compact()
        journal.truncate(0)
        _append(journal, _header(manifest))
        try:
            yield store
        finally:
            store.compact()
            journal_path(path).unlink(missing_ok=True)
    finally:
        journal.close()


def read(path: Path, manifest: str) -> Lock:
    """Read lockfile and journal without holding them.

    Raises: LockVersionError, LockCorruptError.
    """
    lock = read_lockfile(path, manifest)
    journal = journal_path(path)
    return fold.fold(lock, lockfile.loads_journal(_text(journal), journal.name))


def read_lockfile(path: Path, manifest: str) -> Lock:
    """Read the lockfile alone; none yet is an empty one."""
    if not path.exists():
        return Lock(manifest=manifest)
    lock = lockfile.loads(_text(path), path.name)
    if lock.manifest != manifest:
        raise LockCorruptError(
            f"{path.name} belongs to {lock.manifest or 'no manifest'}, not to {manifest}; if the "
            "manifest was renamed, change the name in the lockfile's first line"
        )
    return lock


def journal_path(path: Path) -> Path:
    """Return the journal's place beside its lockfile."""
    return path.with_name(path.name + ".journal")


def _claim(path: Path) -> BinaryIO:
    """Open and lock the journal. Raises: LockHeldError with the holder's own words."""
    while True:
        try:
            journal = path.open("ab+")
        except OSError as error:
            raise LockError(
                f"{path.name} cannot be written ({error.strerror}); nothing was sent"
            ) from None
        try:
            fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = _holder(path)
            journal.close()
            raise LockHeldError(
                f"{path.name.removesuffix('.journal')} is held by another run: {holder}. "
                "Wait for it, or stop it; nothing was sent"
            ) from None
        if path.exists() and os.fstat(journal.fileno()).st_ino == path.stat().st_ino:
            return journal
        journal.close()  # the holder ended and removed the file between our two calls


def _holder(path: Path) -> str:
    try:
        header = json.loads(_text(path).partition("\n")[0])
        return f"process {header['pid']} on {header['host']}, since {header['started_at']}"
    except (ValueError, KeyError, TypeError, LockError):
        return "one that has just started"


def _header(manifest: str) -> bytes:
    header = {
        "journal": lockfile.LOCK_VERSION,
        "manifest": manifest,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "started_at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    return json.dumps(header).encode() + b"\n"


def _append(journal: BinaryIO, data: bytes) -> None:
    journal.write(data)
    journal.flush()
    os.fsync(journal.fileno())


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise LockCorruptError(
            f"{path.name}: byte {error.start} is not UTF-8; restore it from git"
        ) from None
    except OSError as error:
        raise LockError(f"{path.name} cannot be read: {error.strerror}") from None


async def _to_the_end(work: object) -> None:
    """Await a write even when we are cancelled meanwhile: half a record must not be left."""
    task = asyncio.ensure_future(work)  # type: ignore[call-overload]
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
