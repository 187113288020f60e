"""Finds other versions of a lockfile beside it, such as a cloud drive leaves in a conflict."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from seedrender.errors import LockError
from seedrender.lock.identity import SIMULATED
from seedrender.project import lock_files
from seedrender.project.lock_files import LockFile
from seedrender.project.lock_read import real
from seedrender.project.purchases import PurchaseLog
from seedrender.project.roots import named
from seedrender.values.entry import Event, Lock
from seedrender.values.job import CorrelationId


def check(path: Path, manifest: str, lock: Lock) -> None:
    """Refuse a lockfile beside which another version knows paid tasks that nothing else knows.

    Raises: LockError, also where another version cannot be read.
    """
    known: set[CorrelationId] | None = None
    for other in _others(path, manifest):
        if known is None:
            remembered = PurchaseLog(real(path)).read(manifest)
            known = {*_tasks(lock.entries.values()), *_tasks(remembered.entries.values())}
        try:
            found = other.read()
        except LockError as error:
            raise LockError(
                f"{other.path.name} is another version of {path.name}, and cannot be read: "
                f"{error}. Mend it, or move it away if nothing of it is wanted; nothing was sent"
            ) from None
        if not known.issuperset(_tasks(found)):
            command = f"seedrender lock merge {named(path.parent, manifest)}"
            raise LockError(
                f"{other.path.name} is another version of {path.name}, with paid tasks that "
                f"nothing else here knows: `{command} {shlex.quote(str(other.path))}` joins the "
                "two. If nothing of it is wanted any more, move it away; nothing was sent"
            )


def _others(path: Path, manifest: str) -> Iterator[LockFile]:
    """Yield the lockfiles, journals and memories of a manifest that have other names."""
    own = lock_files.own_paths(path)
    for other in lock_files.in_folder(path.parent):
        is_another = other.manifest == manifest and other.path not in own
        if is_another and not any(map(other.path.samefile, filter(Path.exists, own))):
            yield other


def _tasks(entries: Iterable[Event]) -> set[CorrelationId]:
    records = (record for entry in entries for record in entry.tasks)
    return {record.correlation_id for record in records if record.provider != SIMULATED}
