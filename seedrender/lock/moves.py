"""Moves what a lock knows to other lines: ids that have others now, tasks that other jobs own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from seedrender.lock import fold
from seedrender.values.entry import Lock, LockEntry, TaskRecord
from seedrender.values.job import CorrelationId, JobId


def rename(lock: Lock, moved: Mapping[str, str]) -> Lock:
    """Return the lock with entries under their new ids; `moved` names jobs, shots and chains."""
    if not moved:
        return lock
    entries: dict[JobId, LockEntry] = {}
    renamed: dict[JobId, JobId] = {}
    for job, entry in lock.entries.items():
        now = _renamed(job, moved)
        if now != job:
            renamed[now] = job
        found = replace(entry, job=now)
        entries[now] = fold.join(entries[now], found) if now in entries else found
    return Lock(manifest=lock.manifest, entries=entries, renamed=renamed)


def _renamed(job: JobId, moved: Mapping[str, str]) -> JobId:
    """Follow a rename of the job itself, of its first take, or of its shot or chain."""
    for stem, found, rest in ((job, "", ""), job.partition("@"), job.partition("/")):
        if stem in moved:
            return JobId(f"{moved[stem]}{found}{rest}")
    return job


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """How the lines of a lock change: ids that have others now, and tasks that other jobs own."""

    names: Mapping[str, str] = field(default_factory=dict)  # job, shot or chain → its name now
    owners: Mapping[CorrelationId, JobId] = field(default_factory=dict)
    known: Lock = field(default_factory=lambda: Lock(manifest=""))  # where some of them come from

    def applied(self, lock: Lock) -> Lock:
        """Return the lock as it is after the moves."""
        return _pinned(rehome(rename(lock, self.names), self.owners, self.known), self.known)


def rehome(lock: Lock, owners: Mapping[CorrelationId, JobId], known: Lock) -> Lock:
    """Return the lock with each task on the line of the job that owns it, its clip with it.

    `owners` names tasks that change their line, or that come from `known`, another lock. A record
    that stands on several lines, as a merge may leave it, is kept on one.
    """
    homes = {**_first_lines(lock), **owners}
    if not homes:
        return lock
    entries = {job: _staying(entry, homes) for job, entry in lock.entries.items()}
    renamed = dict(lock.renamed)
    for job, entry, record in _leaving(lock, known, homes):
        home = homes[record.correlation_id]
        found = entries.get(home, LockEntry(job=home))
        arrived, is_output = _arriving(found, record, entry)
        entries[home] = fold.join(found, arrived)
        if is_output:
            renamed[home] = job
    left = {job: e for job, e in entries.items() if e.tasks or e.output or e.pin}
    return Lock(manifest=lock.manifest, entries=left, renamed=renamed)


def _pinned(lock: Lock, known: Lock) -> Lock:
    """Return the lock with the later words of `known` about the clips that it has."""
    entries = dict(lock.entries)
    for job, entry in known.entries.items():
        here = entries.get(job)
        kept = entry.pin.made_by if entry.pin is not None else None
        kept = kept or (CorrelationId(entry.output.made_by) if entry.output is not None else None)
        if here is not None and here.output is not None and entry.pin is not None:
            clips = {here.output.made_by, *(r.correlation_id for r in here.tasks if r.superseded)}
            is_here = kept in clips if entry.pin.made_by else kept == here.output.made_by
            entries[job] = (
                replace(here, pin=fold.last_word(here.pin, entry.pin)) if is_here else here
            )
    return replace(lock, entries=entries)


def _first_lines(lock: Lock) -> dict[CorrelationId, JobId]:
    """Say which line keeps a record that stands on several: where its clip is, or the first."""
    lines: dict[CorrelationId, list[JobId]] = {}
    for job, entry in sorted(lock.entries.items()):
        for record in entry.tasks:
            lines.setdefault(record.correlation_id, []).append(job)
    return {
        submit: max(jobs, key=lambda job, submit=submit: _has_made(lock.entries[job], submit))  # type: ignore[misc]
        for submit, jobs in lines.items()
        if len(jobs) > 1
    }


def _has_made(entry: LockEntry, submit: CorrelationId) -> bool:
    return entry.output is not None and entry.output.made_by == submit


def _staying(entry: LockEntry, homes: Mapping[CorrelationId, JobId]) -> LockEntry:
    """Return what stays of a line: all but the tasks that go, and a clip and pin of theirs."""
    kept = tuple(r for r in entry.tasks if homes.get(r.correlation_id, entry.job) == entry.job)
    gone = {r.correlation_id for r in entry.tasks} - {r.correlation_id for r in kept}
    if entry.output is None or entry.output.made_by not in gone:
        return replace(entry, tasks=kept)
    return LockEntry(job=entry.job, tasks=kept)


def _leaving(
    lock: Lock, known: Lock, homes: Mapping[CorrelationId, JobId]
) -> Iterator[tuple[JobId, LockEntry, TaskRecord]]:
    here = {record.correlation_id for entry in lock.entries.values() for record in entry.tasks}
    for source in (lock, known):
        for job, entry in sorted(source.entries.items()):
            for record in entry.tasks:
                submit = record.correlation_id
                is_leaving = homes.get(submit, job) != job if source is lock else submit in homes
                if is_leaving and (source is lock or submit not in here):
                    yield job, entry, record


def _arriving(home: LockEntry, record: TaskRecord, source: LockEntry) -> tuple[LockEntry, bool]:
    """Return a record with its clip as it comes to a line; also whether that is its output now."""
    if not _has_made(source, record.correlation_id):
        return LockEntry(job=home.job, tasks=(record,)), False
    if home.output is None:
        clip, pin = source.output, source.pin
        return LockEntry(job=home.job, tasks=(record,), output=clip, pin=pin), True
    aside = replace(record, superseded=fold.later(record.superseded, source.output))
    return LockEntry(job=home.job, tasks=(aside,)), _has_made(home, record.correlation_id)
