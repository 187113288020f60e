"""Does to a lockfile what a person asks for, while it is held; nothing is sent."""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from seedrender.errors import ConfigError, LockCorruptError, LockError
from seedrender.lock import checks, fold, lockfile, merge, moves, prune, repair, salvage
from seedrender.lock.prune import Orphan
from seedrender.lock.repair import Outcome, Repaired
from seedrender.project import lock_files, lock_read, purchases
from seedrender.project.files import sync_folder, write_atomically
from seedrender.project.hold import journal_path
from seedrender.project.purchases import PurchaseLog
from seedrender.run import recovery, store, unmerged
from seedrender.run.files import Files
from seedrender.run.project import Project
from seedrender.values.entry import Lock, LockEntry
from seedrender.values.job import JobId
from seedrender.values.task import Artifact, Frame

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*(@[1-9][0-9]*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What came of joining lockfiles."""

    lock: Lock
    lines: int  # before
    is_changed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What came of a repair, and where the damaged files are kept."""

    found: Repaired
    kept: tuple[Path, ...]
    purchases: Repaired | None = None  # what is remembered of purchases; None: that is whole

    @property
    def is_loss(self) -> bool:
        """Whether something was bought, perhaps, of which nothing is known any more."""
        return self.found.is_loss or (self.purchases is not None and self.purchases.is_loss)


def merge_files(path: Path, manifest: str, others: Iterable[Path]) -> Merged:
    """Join a lockfile in which a merge left conflict markers, and others, into one.

    Raises: LockError.
    """
    with store.claimed(path, manifest) as held, recovery.advised(lock_read.real(path), manifest):
        path = lock_read.real(path)
        before = lock_read.text_of(path) if path.exists() else ""
        sides = before + unmerged.to_join(path).decode("utf-8", "replace")
        ours = merge.resolve(sides, path.name) if sides else Lock(manifest=manifest)
        ours = merge.merge(Lock(manifest=manifest), [(path.name, ours)])
        events = lock_read.read_journal(journal_path(path), manifest)
        joined = merge.merge(fold.fold(ours, events), [_named(other) for other in others])
        text = lockfile.dumps(joined)
        if text != before:
            _replace(path, text)
        held.remove_journal()
    lines = sum(1 for row in before.split("\n") if row.startswith('{"job"'))
    return Merged(lock=joined, lines=lines, is_changed=text != before)


def merge_driver(ours: Path, theirs: Path, name: str) -> None:
    """Join two versions of a lockfile that git hands over, into the first.

    Where that fails both are left there, between the markers of a conflict: nothing reads them as
    one, and nothing is lost. `name` is the lockfile's.

    Raises: LockError.
    """
    sides = lock_read.bytes_of(ours), lock_read.bytes_of(theirs)
    try:
        mine, other = (
            merge.resolve(side.decode("utf-8", "surrogateescape"), f"{name} ({whose})")
            for side, whose in zip(sides, ("ours", "theirs"), strict=True)
        )
        text = lockfile.dumps(merge.merge(mine, [(f"{name} (theirs)", other)])).encode()
    except LockError:
        _replace(ours, merge.marked(*sides))
        raise
    _replace(ours, text)


def repair_files(path: Path, manifest: str, jobs: Collection[str], *, accept_loss: bool) -> Mended:
    """Keep every line that can be read, and the damaged files beside it.

    That goes for what is remembered of purchases, too.

    Raises: LockError; where something may be lost, and that is not accepted, nothing is written.
    """
    with store.claimed(path, manifest) as held:
        path = lock_read.real(path)
        journal = journal_path(path)
        lock = lock_read.bytes_of(path) if path.exists() else None
        sides = unmerged.to_join(path)
        whole = (lock or b"") + sides if sides else lock
        found = repair.repair(
            whole, lock_read.bytes_of(journal), manifest=manifest, name=path.name, jobs=jobs
        )
        log = PurchaseLog(path)
        remembered = _remembered(log, found.lock, jobs)
        if remembered is not None:
            found = replace(found, lock=_with_guesses(found.lock, remembered.lock))
        mended = Mended(found=found, kept=(), purchases=remembered)
        if mended.is_loss and not accept_loss:
            return mended
        text = lockfile.dumps(found.lock)
        is_damaged = bool(found.damages) or (
            lock is not None and merge.is_marked(lock.decode("utf-8", "replace"))
        )
        kept = _set_aside(path, journal) if is_damaged else ()
        if text.encode() != lock and (lock is not None or found.lock.entries):
            _replace(path, text)
        held.remove_journal()
        if remembered is not None:
            kept = (*kept, *_set_aside(log.path, log.journal))
            _replace(log.path, lockfile.dumps(remembered.lock))
            log.journal.unlink(missing_ok=True)
    return replace(mended, kept=kept)


def _remembered(log: PurchaseLog, lock: Lock, jobs: Collection[str]) -> Repaired | None:
    """Repair what is remembered of purchases; None: it can be read.

    What a damaged line told is not missed where the lockfile tells it. After a rename of the
    manifest it is taken over.

    Raises: LockError.
    """
    try:
        log.read(lock.manifest)
    except LockCorruptError:
        data, left = lock_read.bytes_of(log.path), log.orphan()
    else:
        return None
    known = b"".join(map(lockfile.journal_line, lock.entries.values()))
    rows = b"".join(row + b"\n" for _, row in lockfile.journal_lines(left))
    found = repair.repair(
        data if log.path.exists() else None,
        rows + known,
        manifest=_owner(data or left) or lock.manifest,
        name=log.shown,
        jobs={*jobs, *lock.entries},
    )
    whole = purchases.paid(Lock(manifest=lock.manifest, entries=found.lock.entries))
    here = salvage.told(data) | salvage.told(left)
    names = {str(r.correlation_id) for entry in lock.entries.values() for r in entry.tasks}
    if here.correlation_ids and here.correlation_ids <= names and not here.is_torn:
        told = tuple(replace(damage, outcome=Outcome.KEPT) for damage in found.damages)
        return Repaired(lock=_without_guesses(whole, names), read=found.read, damages=told)
    return Repaired(lock=whole, read=found.read, damages=found.damages)


def _owner(data: bytes) -> str | None:
    """Return the manifest that a lockfile's header names; None: it cannot be read."""
    try:
        owner = checks.json_object(data.partition(b"\n")[0].decode()).get("manifest")
    except ValueError:
        return None
    return owner if isinstance(owner, str) else None


def _without_guesses(lock: Lock, but: Collection[str]) -> Lock:
    """Take away what stands for tasks that are known to be others."""
    entries = {
        job: replace(
            entry,
            tasks=tuple(r for r in entry.tasks if not r.is_guess or r.correlation_id in but),
        )
        for job, entry in lock.entries.items()
    }
    return Lock(manifest=lock.manifest, entries=entries)


def _with_guesses(lock: Lock, remembered: Lock) -> Lock:
    """Add what stands for tasks of which only the job is known: those are not bought again."""
    guesses = [
        LockEntry(job=job, tasks=tuple(r for r in entry.tasks if r.is_guess))
        for job, entry in remembered.entries.items()
    ]
    return fold.fold(lock, [entry for entry in guesses if entry.tasks])


async def move(path: Path, manifest: str, old: str, new: str) -> list[tuple[JobId, JobId]]:
    """Give the entries of a job, shot or chain another id; the next run moves their clips.

    Raises: LockError; ConfigError where there is none, or the new id is taken.
    """
    if not _ID.fullmatch(new):
        raise ConfigError(f"'{new}' is no id of a job, shot or chain; nothing was changed")
    async with store.hold(path, manifest) as held:
        renamed = moves.rename(held.lock, {old: new})
        if not renamed.renamed:
            raise ConfigError(
                f"{path.name} knows no job, shot or chain '{old}'; `seedrender lock show` lists "
                "those that it knows. Nothing was changed"
            )
        taken = sorted(now for now in renamed.renamed if now in held.lock.entries)
        if taken:
            raise ConfigError(
                f"{path.name} has an entry of {taken[0]} already, with tasks of its own; "
                "nothing was changed"
            )
        held.rewrite(renamed)
        return sorted((before, now) for now, before in renamed.renamed.items())


async def prune_lock(project: Project, *, is_done: bool, with_clips: bool) -> Pruned:
    """Take away the entries that the manifest does not ask for any more, or say which these are.

    Raises: LockError.
    """
    if not is_done:
        found = prune.orphans(project.read_lock(), project.ids)
        return Pruned(orphans=found)
    async with store.hold(project.lock_path, project.path.name, project.moves) as held:
        found = prune.orphans(held.lock, project.ids)
        gone = {orphan.entry.job for orphan in found if not orphan.kept_for}
        left = prune.without(held.lock, gone)
        if gone:
            held.rewrite(left)
        files = [f for o in found if not o.kept_for for f in _files(o)] if with_clips else []
        needed = _only_copies(project, files, left)
        deleted = _delete(project.files, set(files) - set(needed), left)
        return Pruned(orphans=found, deleted=deleted, needed=needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """The entries without a job, and what became of their clips."""

    orphans: tuple[Orphan, ...]
    deleted: tuple[Artifact | Frame, ...] = ()
    needed: tuple[Artifact | Frame, ...] = ()  # the only copies here of what others name


async def upgrade(path: Path, manifest: str) -> bool:
    """Write a lockfile in the newest format; say whether that changed it. Raises: LockError."""
    unmerged.check(lock_read.real(path))
    before = lock_read.bytes_of(path)
    if not before:
        raise ConfigError(f"{path.name} is not there: nothing was rendered yet")
    async with store.hold(path, manifest):
        return lock_read.bytes_of(path) != before


def _files(orphan: Orphan) -> tuple[Artifact | Frame, ...]:
    return (*orphan.clips, *prune.frames_of(orphan.entry))


def _delete(
    files: Files, clips: Iterable[Artifact | Frame], left: Lock
) -> tuple[Artifact | Frame, ...]:
    """Delete clips in whose places no entry has one, where a file is still the one that was noted.

    Where another manifest has one, it stays too.
    """
    places = {file.path for file in _named_in(left)}
    found = sorted(clips, key=lambda clip: clip.path)
    return tuple(clip for clip in found if clip.path not in places and files.remove(clip))


def _only_copies(
    project: Project, clips: Iterable[Artifact | Frame], left: Lock
) -> tuple[Artifact | Frame, ...]:
    """Return those that the lock, or another manifest, names in places where they are not."""
    homes: dict[str, set[str]] = {}  # by sha256
    for file in _named_in(left):
        homes.setdefault(file.sha256, set()).add(file.path)

    def is_only_one(clip: Artifact | Frame) -> bool:
        places = {*homes.get(clip.sha256, ()), *project.places.of_others(clip.sha256)}
        is_there = any(project.files.has(place, clip) for place in places)
        return bool(places) and not is_there and project.files.has(clip.path, clip)

    return tuple(clip for clip in dict.fromkeys(clips) if is_only_one(clip))


def _named_in(lock: Lock) -> Iterator[Artifact | Frame]:
    return (file for orphan in prune.orphans(lock, ()) for file in _files(orphan))


def _set_aside(*paths: Path) -> tuple[Path, ...]:
    """Copy files under names that are free: `film.lock.damaged-1`."""
    kept = []
    for path in paths:
        if not lock_read.bytes_of(path):
            continue
        number = 1
        while (copy := path.with_name(f"{path.name}.damaged-{number}")).exists():
            number += 1
        try:
            shutil.copyfile(path, copy)
            sync_folder(path.parent)
        except OSError as error:
            raise LockError(f"{copy.name} cannot be written ({error.strerror})") from None
        kept.append(copy)
    return tuple(kept)


def _replace(path: Path, content: str | bytes) -> None:
    try:
        write_atomically(path, content)
    except OSError as error:
        raise LockError(
            f"{path.name} cannot be written ({error.strerror}); it is as it was"
        ) from None


def _named(path: Path) -> tuple[str, Lock]:
    return path.name, read_any(path)


def read_any(path: Path) -> Lock:
    """Read a lockfile or a journal, also one with conflict markers. Raises: LockError."""
    file = lock_files.look(path)
    if file is not None and file.is_journal:
        return fold.fold(Lock(manifest=file.manifest), file.read())
    return merge.resolve(lock_read.text_of(path), path.name)
