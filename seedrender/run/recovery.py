"""Says what is safe to do where a lockfile cannot be read: nothing that would lose a task."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from seedrender.errors import ConfigError, LockCorruptError, LockError
from seedrender.lock import lockfile, salvage
from seedrender.lock.salvage import Told
from seedrender.project.files import plain_bytes, sync_folder
from seedrender.project.hold import journal_path
from seedrender.project.purchases import PurchaseLog
from seedrender.project.roots import named
from seedrender.run import git
from seedrender.values.entry import Lock

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What the lockfile of the last commit lacks of all that can be made out here."""

    name: str
    missing: tuple[str, ...]  # tasks, else jobs or submits
    is_torn: bool  # something here ends within an id, so that it may lack that as well

    @property
    def is_enough(self) -> bool:
        """Whether it can be restored without losing a task."""
        return not self.missing and not self.is_torn

    def __str__(self) -> str:
        """Say so, in a sentence."""
        command = f"git restore --source=HEAD {self.name}"
        if self.is_enough:
            return f"`{command}` is safe: the commit knows every task that can be made out here"
        if not self.missing:
            return "`git restore` may lose a task: an id is cut off here"
        more = len(self.missing) - _SHOWN
        shown = ", ".join(self.missing[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
        return f"`git restore` would lose {shown}"


@contextmanager
def advised(path: Path, manifest: str) -> Iterator[None]:
    """Let damage be told with what is safe to do about it. Raises: LockCorruptError."""
    try:
        yield
    except LockCorruptError as error:
        if not error.damage:
            raise
        is_journal = error.damage.startswith(journal_path(path).name)
        found = None if is_journal else committed(path, manifest)
        raise LockCorruptError(
            f"{error.damage}; nothing was sent and nothing changed. "
            f"{_advice(found, named(path.parent, manifest))}",
            damage=error.damage,
        ) from None


def committed(path: Path, manifest: str) -> Committed | None:
    """Compare the last commit's lockfile with all that is here; None: there is none to read."""
    lock = _last_commit(path, manifest)
    if lock is None:
        return None
    log = PurchaseLog(path)
    here = told_in(path) | told_in(journal_path(path)) | told_in(log.path) | told_in(log.journal)
    records = [record for entry in lock.entries.values() for record in entry.tasks]
    task_ids = here.task_ids - {str(record.task_id) for record in records}
    submits = here.correlation_ids - {str(record.correlation_id) for record in records}
    jobs = here.jobs - lock.entries.keys()
    missing = sorted(task_ids) or [f"job {job}" for job in sorted(jobs)]
    missing = missing or [f"submit {name}" for name in sorted(submits)]
    name = named(path.parent, path.name)
    return Committed(name=name, missing=tuple(missing), is_torn=here.is_torn)


def _advice(found: Committed | None, manifest: str) -> str:
    repair = f"`seedrender lock repair {manifest}` {lockfile.REPAIR}"
    if found is None:
        return repair
    return f"{found}. Otherwise, {repair}" if found.is_enough else f"{repair}. {found}"


def _last_commit(path: Path, manifest: str) -> Lock | None:
    try:
        with git.commit(path.parent, "HEAD") as commit:
            text = commit.text(path.name)
        found = lockfile.loads(text, path.name)
    except (ConfigError, LockError):
        return None
    return found if found.manifest == manifest else None


def told_in(path: Path) -> Told:
    """Return what can be made out in a file; nothing of one that cannot be read."""
    with suppress(OSError):
        return salvage.told(plain_bytes(path))
    return Told()


def kept_aside(path: Path) -> Path:
    """Give a file a second name that is free: `film.lock.aside-1`. Raises: OSError."""
    number = 1
    while os.path.lexists(aside := path.with_name(f"{path.name}.aside-{number}")):
        if os.path.samestat(path.lstat(), aside.lstat()):
            return aside
        number += 1
    try:
        aside.hardlink_to(path)
    except OSError:  # no file, or no links here
        path.rename(aside)
    sync_folder(path.parent)
    return aside
