"""Joins facts about jobs: lock with events, and lock with lock, by one and the same rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import UTC, datetime
from enum import StrEnum

from seedrender.values.entry import Event, Fingerprint, JobState, Lock, LockEntry, TaskRecord
from seedrender.values.job import CorrelationId, JobId
from seedrender.values.task import Artifact

# A record's state only moves to the right, whatever order the facts arrive in.
_ORDER = tuple(JobState)
_ALIVE = (JobState.SUBMITTING, JobState.UNKNOWN, JobState.SUBMITTED, JobState.SUCCEEDED)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Action(StrEnum):
    """What a run owes a job."""

    SUBMIT = "submit"
    ASK = "ask"  # a paid task may exist: ask the provider, then a person
    RESUME = "resume"
    WAIT = "wait"
    REUSE = "reuse"


def next_action(state: JobState) -> Action:
    """Say what a run owes a job; SUBMIT only where no paid task can be alive."""
    match state:
        case JobState.PLANNED | JobState.FAILED | JobState.EXPIRED | JobState.CANCELLED:
            return Action.SUBMIT
        case JobState.SUBMITTING | JobState.UNKNOWN:
            return Action.ASK
        case JobState.SUBMITTED | JobState.SUCCEEDED:
            return Action.RESUME
        case JobState.BLOCKED:
            return Action.WAIT
        case JobState.DONE:
            return Action.REUSE


def fold(lock: Lock, events: Iterable[Event]) -> Lock:
    """Return the lock with these facts in it; twice, late or in another order gives the same."""
    entries: dict[JobId, LockEntry] = dict(lock.entries)
    for event in events:
        known = entries.get(event.job)
        entries[event.job] = event if known is None else join(known, event)
    return Lock(manifest=lock.manifest, entries=entries)


def join(one: LockEntry, other: LockEntry) -> LockEntry:
    """Join what is known of one job: commutative, associative, idempotent; no task is lost."""
    assert one.job == other.job, "facts about two jobs do not join"
    if one == other:
        return one
    output = _later(one.output, other.output)
    tasks = _join_tasks(one, other, output)
    return LockEntry(
        job=one.job,
        fingerprint=_newest_fingerprint(tasks, output, one.fingerprint, other.fingerprint),
        tasks=tasks,
        output=output,
    )


def output_record(entry: LockEntry) -> TaskRecord | None:
    """Return the task record that made the clip on disk."""
    if entry.output is None:
        return None
    return next((r for r in entry.tasks if r.correlation_id == entry.output.made_by), None)


def alive(entry: LockEntry) -> tuple[TaskRecord, ...]:
    """Return the records of tasks that are, or may be, at the provider and not on our disk."""
    on_disk = output_record(entry)
    return tuple(
        record
        for record in entry.tasks
        if record.state in _ALIVE and record is not on_disk and record.superseded is None
    )


def job_state(entry: LockEntry) -> JobState:
    """Derive a job's state: a live task first, then its clip, then how the last task ended."""
    live = alive(entry)
    if live:
        return max((record.state for record in live), key=_ORDER.index)
    if entry.output is not None:
        return JobState.DONE
    ended = [record for record in entry.tasks if record.state is not JobState.PLANNED]
    return ended[-1].state if ended else JobState.PLANNED


def _join_tasks(
    one: LockEntry, other: LockEntry, output: Artifact | None
) -> tuple[TaskRecord, ...]:
    records: dict[CorrelationId, TaskRecord] = {}
    for record in (*one.tasks, *other.tasks):
        known = records.get(record.correlation_id)
        records[record.correlation_id] = record if known is None else _join_record(known, record)
    for clip in (one.output, other.output):
        _keep_loser(records, clip, output)
    return tuple(sorted(records.values(), key=_chronological))


def _keep_loser(
    records: dict[CorrelationId, TaskRecord], clip: Artifact | None, output: Artifact | None
) -> None:
    """Note in its record where a clip is that another branch has replaced: it was paid for."""
    if clip is None or (output is not None and clip.made_by == output.made_by):
        return
    made_by = CorrelationId(clip.made_by)
    record = records.get(made_by)
    if record is not None:
        records[made_by] = replace(record, superseded=_later(record.superseded, clip))


def _join_record(one: TaskRecord, other: TaskRecord) -> TaskRecord:
    ahead, behind = sorted((one, other), key=lambda r: (-_ORDER.index(r.state), repr(r)))
    missing = {
        f.name: getattr(behind, f.name)
        for f in fields(TaskRecord)
        if getattr(ahead, f.name) is None and getattr(behind, f.name) is not None
    }
    missing["superseded"] = _later(ahead.superseded, behind.superseded)
    return replace(ahead, **missing)


def _newest_fingerprint(
    tasks: tuple[TaskRecord, ...], output: Artifact | None, *candidates: Fingerprint | None
) -> Fingerprint | None:
    bought = {record.fingerprint: n for n, record in enumerate(tasks)}
    made_by = output.made_by if output is not None else None

    def newest(one: Fingerprint) -> tuple[bool, int, int, bool, str]:
        order = bought.get(one.digest, -1)
        return one.digest == made_by, order, one.version, bool(one.parts), one.digest

    return max((c for c in candidates if c is not None), key=newest, default=None)


def _later(one: Artifact | None, other: Artifact | None) -> Artifact | None:
    known = [artifact for artifact in (one, other) if artifact is not None]
    return max(known, key=lambda a: (a.made_at, a.sha256, repr(a)), default=None)


def _chronological(record: TaskRecord) -> tuple[datetime, str]:
    return record.submitted_at or _LONG_AGO, record.correlation_id
