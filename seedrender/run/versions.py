"""Finds other versions of a lockfile beside it, such as a cloud drive leaves in a conflict."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from seedrender.errors import LockError
from seedrender.lock import lockfile
from seedrender.lock.identity import SIMULATED
from seedrender.project.left_behind import left_by
from seedrender.project.lock_read import bytes_of, real
from seedrender.project.purchases import PurchaseLog
from seedrender.project.roots import named
from seedrender.values.entry import Lock
from seedrender.values.job import CorrelationId


def check(path: Path, manifest: str, lock: Lock) -> None:
    """Refuse a lockfile beside which another version knows paid tasks that nothing else knows.

    Raises: LockError, also where another version cannot be read.
    """
    known: set[CorrelationId] | None = None
    for other in _others(path, manifest):
        if known is None:
            known = {*_tasks(lock), *_tasks(PurchaseLog(real(path)).read(manifest))}
        try:
            found = lockfile.loads(bytes_of(other).decode("utf-8"), other.name)
        except (LockError, UnicodeDecodeError) as error:
            raise LockError(
                f"{other.name} is another version of {path.name}, and cannot be read: {error}. "
                "Mend it, or move it away if nothing of it is wanted; nothing was sent"
            ) from None
        if not known.issuperset(_tasks(found)):
            command = f"seedrender lock merge {named(path.parent, manifest)}"
            raise LockError(
                f"{other.name} is another version of {path.name}, with paid tasks that nothing "
                f"else here knows: `{command} {shlex.quote(str(other))}` joins the two. If "
                "nothing of it is wanted any more, move it away; nothing was sent"
            )


def _others(path: Path, manifest: str) -> Iterator[Path]:
    """Yield the lockfiles and memories of a manifest that have other names than its own."""
    own = path.name
    for other, owner in left_by(path.parent):
        if owner == manifest and other.suffix == ".lock" and other.name != own:
            yield other


def _tasks(lock: Lock) -> set[CorrelationId]:
    records = (record for entry in lock.entries.values() for record in entry.tasks)
    return {record.correlation_id for record in records if record.provider != SIMULATED}
