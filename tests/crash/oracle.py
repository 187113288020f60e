"""Compares what the provider's ledger says with what the lock and the disk say."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from seedrender.lock import fold
from seedrender.project.files import sha256
from seedrender.values.entry import JobState, Lock, TaskRecord
from seedrender.values.job import JobId
from seedrender.values.task import Artifact

_OVER = (JobState.PLANNED, JobState.FAILED, JobState.EXPIRED, JobState.BLOCKED)
Row = Mapping[str, Any]


class Broken(NamedTuple):
    """A promise that was not kept."""

    kind: str
    words: str


def unknown(lock: Lock) -> list[JobId]:
    """Return the jobs of which nobody can say whether they were paid."""
    return [
        job
        for job, entry in lock.entries.items()
        if any(record.task_id is None for record in fold.alive(entry))
    ]


def violations(
    tasks: Sequence[Row], lock: Lock, folder: Path, resubmitted: Collection[str] = ()
) -> list[Broken]:
    """Return every broken promise: no task paid twice, none without a record, no clip lost."""
    return [
        *_unrecorded(tasks, lock),
        *_bought_twice(tasks, lock, resubmitted),
        *_written_off(tasks, lock),
        *_wrong_clips(lock, folder),
    ]


def lost(tasks: Sequence[Row], lock: Lock, folder: Path, world: Path) -> Iterator[Broken]:
    """Find the results that were paid for, known, and are on no disk when all is done."""
    records = _records(lock)
    clips = clips_of(folder)
    for task in tasks:
        job, record = records.get(task["request_id"], (None, None))
        if record is None or task["state"] != "success" or record.task_id is None:
            continue
        name = task["task_id"]
        delivered = world / "clips" / f"{name}.mp4"
        if not any(_is_of(path, delivered) for path in clips):
            yield Broken("lost", f"{job}: {name} was paid, and its clip is nowhere")
        entry = lock.entries[JobId(str(job))]
        kept = entry.output if fold.output_record(entry) is record else record.superseded
        if kept is None:
            yield Broken("wrong clip", f"{job}: the lock names no clip for {name}")
        elif not _is_of(folder / kept.path, delivered):
            yield Broken("wrong clip", f"{job}: {kept.path} is not of {name}")


def _is_of(path: Path, delivered: Path) -> bool:
    """Say whether a clip is the one delivered; one that is not kept there bears its task's id."""
    if not path.is_file():
        return False
    content = path.read_bytes()
    if delivered.is_file():
        return content == delivered.read_bytes()
    return content.endswith(delivered.stem.encode())


def clips_of(folder: Path) -> list[Path]:
    """Return the clips in a folder, less those of a simulator in it."""
    return [p for p in folder.rglob("*.mp4") if ".seedrender" not in p.parts and p.name[0] != "."]


def _records(lock: Lock) -> dict[str, tuple[JobId, TaskRecord]]:
    return {
        str(record.correlation_id): (job, record)
        for job, entry in lock.entries.items()
        for record in entry.tasks
    }


def _unrecorded(tasks: Sequence[Row], lock: Lock) -> Iterator[Broken]:
    records = _records(lock)
    for task in tasks:
        if task["request_id"] not in records:
            yield Broken("unrecorded", f"{task['task_id']} ({task['prompt']}) is not in the lock")


def _bought_twice(
    tasks: Sequence[Row], lock: Lock, resubmitted: Collection[str]
) -> Iterator[Broken]:
    records = _records(lock)
    groups: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for task in sorted(tasks, key=lambda t: t["created_at"]):
        if task["request_id"] in records:
            job, record = records[task["request_id"]]
            groups[job, record.fingerprint.digest].append(task)
    for (name, _), bought in groups.items():
        needless = [
            second["task_id"]
            for first, second in itertools.pairwise(bought)
            if not (first["state"] == "failed" and _was_known(records, first, second))
        ]
        if len(needless) > list(resubmitted).count(name):
            yield Broken("paid twice", f"{name} was bought {len(bought)} times as it is")


def _written_off(tasks: Sequence[Row], lock: Lock) -> Iterator[Broken]:
    """Find tasks that succeed, or may, and that the lock takes for ended."""
    records = _records(lock)
    for task in tasks:
        job, record = records.get(task["request_id"], (None, None))
        if record is not None and record.state in _OVER and task["state"] != "failed":
            words = f"{job}: {task['task_id']} is {task['state']}, not {record.state.value}"
            yield Broken("written off", words)


def _wrong_clips(lock: Lock, folder: Path) -> Iterator[Broken]:
    """Find clips that the lock describes, and that are something else on disk."""
    for job, entry in lock.entries.items():
        kept = [record.superseded for record in entry.tasks if record.superseded is not None]
        for clip in [*kept, *([entry.output] if entry.output is not None else [])]:
            if wrong := _wrong(clip, folder):
                yield Broken("wrong clip", f"{job}: {clip.path} {wrong}")


def _wrong(clip: Artifact, folder: Path) -> str:
    path = folder / clip.path
    if not path.is_file():
        return "is not there"
    return "" if sha256(path) == clip.sha256 else "has other bytes than the lock says"


def _was_known(records: Mapping[str, tuple[JobId, TaskRecord]], first: Row, second: Row) -> bool:
    """Whether the lock knew how the first task had ended before the second one was asked for.

    The simulator's own clock does not tell: in an image it may be as old as its last beat.
    """
    ended = records[first["request_id"]][1].finished_at
    asked = records[second["request_id"]][1].submitted_at
    return ended is not None and asked is not None and ended <= asked
