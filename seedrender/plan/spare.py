"""A task that the job on whose line it stands has no use for, and what it is to another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from seedrender.lock import fold
from seedrender.lock.fingerprint import made_of
from seedrender.values.entry import Lock, LockEntry, TaskRecord
from seedrender.values.job import JobId


class Worth(IntEnum):
    """What a task is to a job that wants what it was bought for, the best first."""

    CLIP = 0
    LIVE = 1  # a clip may come of it
    DIFFERS = 2  # a clip that is not what was asked for
    IN_VAIN = 3  # no clip comes of it: whether it is bought again is for a person to say


SHOWS = (Worth.CLIP, Worth.LIVE, Worth.DIFFERS)  # what is wanted, or will


@dataclass(frozen=True, slots=True)
class Spare:
    """A task that the job on whose line it stands has no use for."""

    job: JobId
    record: TaskRecord
    worth: Worth
    is_remembered: bool = False  # only the purchase log knows it

    def brings(self, other: Spare) -> bool:
        """Say whether a task goes with this one, as all goes that ended in vain for one job."""
        is_in_vain = self.worth is other.worth is Worth.IN_VAIN
        return other is self or (is_in_vain and other.job == self.job)


def with_clip(entry: LockEntry, tasks: tuple[TaskRecord, ...]) -> LockEntry:
    """Return some tasks of a line, with its clip where one of them has made that."""
    made = {record.correlation_id for record in tasks}
    output = entry.output if entry.output and entry.output.made_by in made else None
    return LockEntry(job=entry.job, tasks=tasks, output=output)


def sources(lock: Lock, tasks: Iterable[TaskRecord]) -> Iterator[LockEntry]:
    """Yield the tasks whose clips some tasks are made of, and what those are made of."""
    by_clip = {e.output.identity: e for e in lock.entries.values() if e.output is not None}
    todo = [clip for record in tasks for clip in sorted(made_of(record.fingerprint))]
    while todo:
        entry = by_clip.pop(todo.pop(), None)
        record = fold.output_record(entry) if entry is not None else None
        if entry is not None and record is not None:
            yield with_clip(entry, (record,))
            todo += sorted(made_of(record.fingerprint))
