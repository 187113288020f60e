"""Turns a lockfile in which a merge left conflict markers, or several of them, into one lock."""

from __future__ import annotations

from collections.abc import Iterable

from seedrender.errors import LockCorruptError
from seedrender.lock import fold, lockfile
from seedrender.values.entry import Lock


def resolve(text: str, name: str) -> Lock:
    """Read a lockfile with or without conflict markers: all the lines of both sides are joined.

    Raises: LockVersionError, LockCorruptError.
    """
    return lockfile.loads(unmarked(text), name)


def unmarked(text: str) -> str:
    """Leave out conflict markers, and keep every other line."""
    rows = text.split("\n")
    return "\n".join(row for row in rows if not row.startswith(lockfile.MARKERS))


def marked(ours: bytes, theirs: bytes) -> bytes:
    """Put two sides between the markers of a conflict, as git would."""
    mine, other = (side.rstrip(b"\n") + b"\n" for side in (ours, theirs))
    return b"<<<<<<< ours\n" + mine + b"=======\n" + other + b">>>>>>> theirs\n"


def is_marked(text: str) -> bool:
    """Say whether a merge left its conflict markers."""
    return unmarked(text) != text


def merge(lock: Lock, others: Iterable[tuple[str, Lock]]) -> Lock:
    """Join other locks, given with their names, into one; no task id is lost.

    Raises: LockCorruptError where one belongs to another manifest.
    """
    for name, other in others:
        if other.manifest != lock.manifest:
            raise LockCorruptError(
                f"{name} belongs to {other.manifest or 'no manifest'}, not to {lock.manifest}; "
                "nothing was changed. If the manifest was renamed, put its name in the first line"
            )
        lock = fold.fold(lock, other.entries.values())
    return lock
