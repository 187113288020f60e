"""Compares what the provider's ledger says with what the lock and the disk say."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from seedrender.lock import fold
from seedrender.project.files import sha256
from seedrender.values.entry import JobState, Lock, LockEntry, TaskRecord
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
        *unrecorded(tasks, lock),
        *bought_twice(tasks, lock, allowed=_allowed(lock, resubmitted)),
        *written_off(tasks, lock),
        *wrong_clips(lock, folder),
    ]


def _allowed(lock: Lock, resubmitted: Collection[str]) -> Counter[str]:
    """Return what may be bought again, each as often as a person said so of its job."""
    allowed: Counter[str] = Counter()
    for job, count in Counter(resubmitted).items():
        entry = lock.entries.get(JobId(job))
        digests = {r.fingerprint.digest for r in entry.tasks} if entry is not None else set()
        allowed.update(dict.fromkeys(digests, count))
    return allowed


def all_known(lock: Lock, memory: Lock) -> Lock:
    """Return a lock with what is remembered beside it and stands on none of its lines."""
    here = {record.correlation_id for entry in lock.entries.values() for record in entry.tasks}
    more = []
    for job, entry in memory.entries.items():
        tasks = tuple(record for record in entry.tasks if record.correlation_id not in here)
        if tasks:
            more.append(LockEntry(job=job, tasks=tasks))
    return fold.fold(lock, more)


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
        yield from _nowhere(name, delivered, clips, job)
        entry = lock.entries[JobId(str(job))]
        kept = entry.output if fold.output_record(entry) is record else record.superseded
        if kept is None:
            yield Broken("wrong clip", f"{job}: the lock names no clip for {name}")
        elif not _is_of(folder / kept.path, delivered):
            yield Broken("wrong clip", f"{job}: {kept.path} is not of {name}")


def nowhere(tasks: Sequence[Row], lock: Lock, folder: Path, world: Path) -> Iterator[Broken]:
    """Find the results that were paid for and known, and whose bytes are nowhere in the folder."""
    records, clips = _records(lock), clips_of(folder)
    for task in tasks:
        job, record = records.get(task["request_id"], (None, None))
        if record is not None and task["state"] == "success" and record.task_id is not None:
            name = task["task_id"]
            yield from _nowhere(name, world / "clips" / f"{name}.mp4", clips, job)


def _nowhere(
    name: str, delivered: Path, clips: Sequence[Path], job: JobId | None
) -> Iterator[Broken]:
    if not any(_is_of(path, delivered) for path in clips):
        yield Broken("lost", f"{job}: {name} was paid, and its clip is nowhere")


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


def unrecorded(tasks: Sequence[Row], lock: Lock) -> Iterator[Broken]:
    records = _records(lock)
    for task in tasks:
        if task["request_id"] not in records:
            yield Broken("unrecorded", f"{task['task_id']} ({task['prompt']}) is not in the lock")


def bought_twice(
    tasks: Sequence[Row],
    lock: Lock,
    *,
    allowed: Mapping[str, int],
    copies: Mapping[str, int] = MappingProxyType({}),
) -> Iterator[Broken]:
    """Find what was bought again, under whatever id, though its task had not failed.

    `allowed` says how often a person allowed that, by fingerprint; `copies` how many jobs had a
    definition at once, by prompt: each has a task of its own.
    """
    records = _records(lock)
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for task in sorted(tasks, key=lambda t: t["created_at"]):
        if task["request_id"] in records:
            _, record = records[task["request_id"]]
            groups[record.fingerprint.digest].append(task)
    for digest, bought in groups.items():
        needless = [
            second["task_id"]
            for first, second in itertools.pairwise(bought)
            if not (first["state"] == "failed" and _was_known(records, first, second))
        ]
        may_be = allowed.get(digest, 0) + max(0, copies.get(bought[0]["prompt"], 1) - 1)
        if len(needless) > may_be:
            jobs = {str(records[task["request_id"]][0]) for task in bought}
            words = f"{', '.join(sorted(jobs))}: bought {len(bought)} times as it is"
            yield Broken("paid twice", f"{words} ({', '.join(t['task_id'] for t in bought)})")


def written_off(tasks: Sequence[Row], lock: Lock) -> Iterator[Broken]:
    """Find tasks that succeed, or may, and that the lock takes for ended."""
    records = _records(lock)
    for task in tasks:
        job, record = records.get(task["request_id"], (None, None))
        if record is not None and record.state in _OVER and task["state"] != "failed":
            words = f"{job}: {task['task_id']} is {task['state']}, not {record.state.value}"
            yield Broken("written off", words)


def wrong_clips(
    lock: Lock, folder: Path, *, only: Collection[JobId] | None = None
) -> Iterator[Broken]:
    """Find clips that the lock describes, and that are something else on disk.

    `only`: the jobs whose clips have to be in place, where a person took others away.
    """
    for job, entry in lock.entries.items():
        aside = [record.superseded for record in entry.tasks if record.superseded is not None]
        kept = aside if only is None else []
        if entry.output is not None and (only is None or job in only):
            kept.append(entry.output)
        for clip in kept:
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
