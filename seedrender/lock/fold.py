"""Joins facts about jobs: lock with events, and lock with lock, by one and the same rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from seedrender.lock import codec
from seedrender.lock.identity import NOT_KNOWN, SIMULATED, WHICHEVER, Asked
from seedrender.values.entry import (
    Event,
    Fingerprint,
    JobState,
    Lock,
    LockEntry,
    Pin,
    TaskRecord,
)
from seedrender.values.job import CorrelationId, JobId
from seedrender.values.task import SUPERSEDED, Artifact

# A record's state only moves to the right, whatever order the facts arrive in.
_ORDER = tuple(JobState)
T = TypeVar("T")
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
        case JobState.DONE:  # pragma: no branch - there is no other
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
    output = later(one.output, other.output)
    tasks = _join_tasks(one, other, output)
    return LockEntry(
        job=one.job,
        tasks=tasks,
        output=output,
        pin=last_word(one.pin, other.pin),
    )


def output_record(entry: LockEntry) -> TaskRecord | None:
    """Return the task record that made the clip on disk."""
    if entry.output is None:
        return None
    return next((r for r in entry.tasks if r.correlation_id == entry.output.made_by), None)


def clip_of(record: TaskRecord, entry: LockEntry) -> Artifact | None:
    """Return the clip that a task left, in its place or set aside; None: it is not fetched."""
    is_output = entry.output is not None and entry.output.made_by == record.correlation_id
    return entry.output if is_output else record.superseded


def has_doubles(lock: Lock) -> bool:
    """Say whether a job has, or will have, two clips of one definition, as after a merge."""
    for entry in lock.entries.values():
        to_come = outstanding(entry)
        shown = [r for r in entry.tasks if clip_of(r, entry) is not None or r in to_come]
        if len(shown) > len({record.fingerprint.digest for record in shown}):
            return True
    return False


def is_doubtful(record: TaskRecord, clip: Artifact, entry: LockEntry) -> bool:
    """Say whether a clip is not as asked for, or is set aside and may be had no more."""
    may_be_gone = record.is_lost or record.is_given_up or record.is_uncollected
    return bool(clip.differs) or (clip is not entry.output and may_be_gone)


def foremost(entry: LockEntry) -> TaskRecord | None:
    """Return the task to be spoken of: one under way, else that of the clip, else the newest."""
    newest = entry.tasks[-1] if entry.tasks else None
    return next(reversed(alive(entry)), None) or output_record(entry) or newest


def made(
    wanted: Fingerprint,
    entry: LockEntry,
    asked: Asked = WHICHEVER,
    chosen: CorrelationId | None = None,
) -> tuple[TaskRecord | None, Artifact | None]:
    """Return what shows the wanted footage; None: nothing does.

    That is the chosen one of several clips, as there are after a merge; else one that is as asked
    for, the one in its place first; else one that differs, or that its provider may have no more.
    """
    found: list[tuple[tuple[bool, bool, bool], TaskRecord, Artifact]] = []
    for record in reversed(entry.tasks):
        clip = clip_of(record, entry)
        is_aside = clip is not entry.output
        if clip is None or not asked.is_made(record, wanted) or (is_aside and entry.is_pinned):
            continue
        is_doubted = is_doubtful(record, clip, entry)
        found.append(((record.correlation_id != chosen, is_doubted, is_aside), record, clip))
    _, made_by, clip = min(found, key=lambda one: one[0], default=(None, None, None))
    return made_by, clip


def newest_fingerprint(entry: LockEntry) -> Fingerprint | None:
    """Return what the newest task was bought for."""
    return entry.tasks[-1].fingerprint if entry.tasks else None


def newest_moment(lock: Lock) -> datetime:
    """Return the latest time that a lock speaks of."""
    moments = (moment for entry in lock.entries.values() for moment in _moments(entry))
    return max(moments, default=_LONG_AGO)


def _moments(entry: LockEntry) -> Iterator[datetime]:
    for record in entry.tasks:
        yield from filter(None, (record.submitted_at, record.finished_at))
        if record.superseded is not None:
            yield record.superseded.in_place_since
    if entry.output is not None:
        yield entry.output.in_place_since
    if entry.pin is not None:
        yield entry.pin.at


def alive(entry: LockEntry) -> tuple[TaskRecord, ...]:
    """Return the records of tasks that are, or may be, at the provider and not on our disk."""
    return tuple(record for record in outstanding(entry) if not record.is_lost)


def outstanding(entry: LockEntry) -> tuple[TaskRecord, ...]:
    """Return the live records, and those of paid tasks that a provider has forgotten."""
    on_disk = output_record(entry)
    return tuple(
        record
        for record in entry.tasks
        if next_action(record.stage) in (Action.ASK, Action.RESUME)
        and record is not on_disk
        and record.superseded is None
        and not record.is_given_up
    )


def job_state(entry: LockEntry) -> JobState:
    """Derive a job's state: a live task first, then its clip, then how the last task ended."""
    live = alive(entry)
    if live:
        return max((record.stage for record in live), key=_ORDER.index)
    if entry.output is not None:
        return JobState.DONE
    ended = [record for record in entry.tasks if record.state is not JobState.PLANNED]
    return ended[-1].state if ended else JobState.PLANNED


def given_up(record: TaskRecord, why: str) -> TaskRecord:
    """Return a record as one that is wanted no more; what is paid stays so.

    `why` begins with a word of `GIVEN_UP`.
    """
    said, state = f": {record.error}" if record.error else "", record.state
    if state is not JobState.SUCCEEDED:
        may_be_paid = record.task_id is not None and record.provider != SIMULATED
        state = JobState.EXPIRED if may_be_paid else JobState.CANCELLED
    return replace(record, state=state, error=f"{why}{said}")


def _join_tasks(
    one: LockEntry, other: LockEntry, output: Artifact | None
) -> tuple[TaskRecord, ...]:
    records: dict[CorrelationId, TaskRecord] = {}
    for record in (*one.tasks, *other.tasks):
        known = records.get(record.correlation_id)
        records[record.correlation_id] = record if known is None else _join_record(known, record)
    for clip in (one.output, other.output):
        if clip is not None and clip.made_by in records:
            made_by = CorrelationId(clip.made_by)
            kept = later(records[made_by].superseded, clip)
            records[made_by] = replace(records[made_by], superseded=kept)
    if output is not None and output.made_by in records:
        made_by = CorrelationId(output.made_by)
        aside = records[made_by].superseded
        if aside is not None and _placement(aside) <= _placement(output):  # it came back
            records[made_by] = replace(records[made_by], superseded=None)
    return tuple(sorted(records.values(), key=_chronological))


def _join_record(one: TaskRecord, other: TaskRecord) -> TaskRecord:
    """Join field by field: each is chosen by itself, so that the order of joins does not matter."""
    ahead = max((one, other), key=_progress)
    known: dict[str, Any] = {
        field.key: _JOINS.get(field.key, _known)(getattr(one, field.key), getattr(other, field.key))
        for field in codec.TASK
    }
    return TaskRecord(**{**known, "state": ahead.state, "error": ahead.error})


def _progress(record: TaskRecord) -> tuple[int, bool, bool, str]:
    has_error = record.error is not None
    return _ORDER.index(record.state), record.is_given_up, has_error, repr(record.error)


def _fullest(one: Fingerprint, other: Fingerprint) -> Fingerprint:
    return max(one, other, key=_completeness)


def _all_unread(one: Mapping[str, str], other: Mapping[str, str]) -> Mapping[str, str]:
    names = sorted({*one, *other})
    return {name: max(one.get(name, ""), other.get(name, "")) for name in names}


def _paid_one(one: str, other: str) -> str:
    """Return the provider of a task: what was bought is not simulated, whoever says so."""
    return max(one, other, key=lambda name: (name != NOT_KNOWN, name != SIMULATED, name))


def _known(one: T | None, other: T | None) -> T | None:
    """Return the value that is known; of two, always the same one."""
    return max((v for v in (one, other) if v is not None), key=repr, default=None)


def later(one: Artifact | None, other: Artifact | None) -> Artifact | None:
    """Return the clip that came into its place last; None: there is none."""
    known = [artifact for artifact in (one, other) if artifact is not None]
    return max(known, key=_placement, default=None)


def _placement(clip: Artifact) -> tuple[datetime, str, bool, str]:
    """Order the places that are told of clips: one that was set aside is where it was put."""
    is_aside = SUPERSEDED in clip.path.split("/")
    return clip.in_place_since, clip.sha256, is_aside, repr(clip)


def last_word(one: Pin | None, other: Pin | None) -> Pin | None:
    """Return what a person said last of a clip; None: nothing."""
    known = [pin for pin in (one, other) if pin is not None]
    return max(known, key=lambda pin: (pin.at, pin.is_on, pin.made_by or ""), default=None)


def pinned(entry: LockEntry) -> tuple[TaskRecord | None, Artifact] | None:
    """Return the clip that a person keeps, and what made it; None: the manifest decides."""
    if not entry.is_pinned or entry.pin is None:
        return None
    for record in entry.tasks:
        clip = clip_of(record, entry)
        if record.correlation_id == entry.pin.made_by and clip is not None:
            return record, clip
    return None if entry.output is None else (output_record(entry), entry.output)


def _completeness(fingerprint: Fingerprint) -> tuple[bool, int, str]:
    return bool(fingerprint.parts), fingerprint.version, fingerprint.digest


_JOINS: Mapping[str, Callable[[Any, Any], Any]] = {
    "provider": _paid_one,
    "fingerprint": _fullest,
    "superseded": later,
    "unread": _all_unread,
}  # every other field: the one that is known


def _chronological(record: TaskRecord) -> tuple[datetime, str]:
    return record.submitted_at or _LONG_AGO, record.correlation_id
