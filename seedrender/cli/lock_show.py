"""`seedrender lock show`: a lockfile for people, and for git's diffs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path

import click

from seedrender.cli.console import echo, json_option, say_json
from seedrender.errors import ConfigError, printable
from seedrender.lock import fold, lockfile
from seedrender.project.ownership import lock_path
from seedrender.run import store, upkeep
from seedrender.values.entry import Lock, LockEntry, TaskRecord
from seedrender.values.task import Artifact


@click.command("show")
@click.argument(
    "path", metavar="MANIFEST", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.argument("jobs", metavar="[JOB]...", nargs=-1)
@json_option
def command(path: Path, *, jobs: tuple[str, ...], is_json: bool) -> int:
    """Print what the lockfile of MANIFEST knows, or what it knows of JOBs (ids, shots or globs).

    A lockfile may be given too, as git does: git config diff.seedrender.textconv "seedrender lock
    show"
    """
    lock = upkeep.read_any(path) if _is_lockfile(path) else store.read(lock_path(path), path.name)
    entries = [lock.entries[job] for job in sorted(lock.entries) if _is_asked(job, jobs)]
    if jobs and not entries:
        raise ConfigError(f"the lockfile knows no job that matches '{jobs[0]}'")
    if is_json:
        rows = [json.loads(lockfile.entry_line(entry)) for entry in entries]
        say_json({"exit_code": 0, "manifest": lock.manifest, "jobs": rows})
    else:
        echo("\n".join(map(printable, _words(lock, entries))))
    return 0


def _is_lockfile(path: Path) -> bool:
    """Say whether it is a lockfile itself: git gives those of the past, by names of its own."""
    with path.open("rb") as file:
        return path.suffix == ".lock" or file.read(7) == b'{"lock"'


def _is_asked(job: str, patterns: tuple[str, ...]) -> bool:
    shot = job.partition("/")[0].partition("@")[0]
    return not patterns or any(p == shot or fnmatchcase(job, p) for p in patterns)


def _words(lock: Lock, entries: list[LockEntry]) -> Iterator[str]:
    yield f"lockfile of {lock.manifest}, {len(lock.entries)} jobs"
    for entry in entries:
        yield ""
        yield f"{entry.job}: {fold.job_state(entry).value}"
        if entry.pin is not None:
            yield f"  {'pinned' if entry.pin.is_on else 'not pinned'} since {_time(entry.pin.at)}"
        if entry.output is not None:
            yield f"  clip {_clip(entry.output)}"
            yield from (f"  differs: {words}" for words in entry.output.differs)
        for record in entry.tasks:
            yield from (f"  {line}" for line in _task(record))
        yield from (f"  {line}" for line in _parts(entry))


def _task(record: TaskRecord) -> Iterator[str]:
    times = [_time(at) for at in (record.submitted_at, record.finished_at) if at is not None]
    cost = str(record.bill.amount) if record.bill is not None else ""
    name = f"task {record.task_id}" if record.task_id else "without a task"
    facts = [record.state.value, record.provider, " → ".join(times), cost]
    yield f"{name}: {', '.join(fact for fact in facts if fact)}"
    if record.error:
        yield f"  {record.error}"
    yield f"  correlation id {record.correlation_id}, for {record.fingerprint.digest[:19]}"
    for name, said in record.unread.items():
        yield f"  {name} unknown: the provider said {said}"
    if record.last_frame is not None:
        yield f"  its last frame: {record.last_frame.path}"
    if record.superseded is not None:
        yield f"  its clip was replaced: {_clip(record.superseded)}"


def _parts(entry: LockEntry) -> Iterator[str]:
    """Show what the newest task was bought for, a line a part: a diff shows what changed."""
    newest, shown = fold.newest_fingerprint(entry), fold.foremost(entry)
    if newest is not None and shown is not None and shown.fingerprint != newest:
        yield f"what its newest task, {entry.tasks[-1].task_id or 'a submit'}, was bought for:"
    for name, value in newest.parts.items() if newest is not None else ():
        yield f"{name}: {value if isinstance(value, str) else json.dumps(value)}"


def _clip(clip: Artifact) -> str:
    size = f"{clip.shape}, {clip.size_bytes} bytes"
    return f"{clip.path}: {size}, sha256 {clip.sha256[:12]}, {_time(clip.made_at)}"


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"
