"""Turns a lock into the text that is checked in, and that text, of every version, into a lock."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import PurePosixPath
from typing import Any

from seedrender.errors import LockCorruptError, LockVersionError
from seedrender.lock import fold
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
from seedrender.values.money import Amount, Cost
from seedrender.values.task import Artifact, TaskId

LOCK_VERSION = 1

_ENTRY_KEYS = frozenset({"job", "state", "fingerprint", "provider", "tasks", "output", "pin"})


def dumps(lock: Lock) -> str:
    """Write a header, then one line a job, sorted by id."""
    lines = [_line({"lock": LOCK_VERSION, "manifest": lock.manifest})]
    lines += [entry_line(_settled(lock.entries[job])) for job in sorted(lock.entries)]
    return "".join(lines)


def loads(text: str, name: str) -> Lock:
    """Read a lockfile; two lines of one job, as a merge leaves them, are joined.

    Raises: LockVersionError, LockCorruptError.
    """
    lines = list(_numbered(text, name))
    if not lines:
        raise LockCorruptError(
            f"{name} is empty; restore it from git, or delete it if nothing was ever rendered"
        )
    header = _parse(*lines[0], name)
    _check_version(header, "lock", name)
    lock = Lock(manifest=str(header.get("manifest", "")))
    return fold.fold(lock, (_entry(number, line, name) for number, line in lines[1:]))


def loads_journal(text: str, name: str) -> tuple[Event, ...]:
    """Read a journal's events; a last line without its newline was torn by a crash and is ignored.

    Raises: LockVersionError, LockCorruptError.
    """
    whole = text[: text.rfind("\n") + 1]
    lines = list(_numbered(whole, name))
    if not lines:
        return ()
    _check_version(_parse(*lines[0], name), "journal", name)
    return tuple(_entry(number, line, name) for number, line in lines[1:])


def entry_line(entry: LockEntry) -> str:
    """Write one entry, or one event, as one line."""
    provider = entry.tasks[-1].provider if entry.tasks else None
    return _line(
        {
            "job": entry.job,
            "state": fold.job_state(entry).value,
            "fingerprint": _fingerprint_json(fold.newest_fingerprint(entry)),
            "provider": provider,
            "tasks": [_record_json(record, provider) for record in entry.tasks],
            "output": _artifact_json(entry.output),
            "pin": _pin_json(entry.pin),
        }
    )


def journal_line(event: Event) -> bytes:
    """Write one event as the journal keeps it."""
    return entry_line(event).encode()


def _settled(entry: LockEntry) -> LockEntry:
    """Leave out submits that were provably not accepted: nothing was bought."""
    kept = tuple(record for record in entry.tasks if record.state is not JobState.PLANNED)
    return replace(entry, tasks=kept)


def _line(value: Mapping[str, Any]) -> str:
    known = {key: item for key, item in value.items() if item is not None and item != []}
    return json.dumps(known, ensure_ascii=False) + "\n"


def _fingerprint_json(value: Fingerprint | None) -> dict[str, Any] | None:
    if value is None or not value.parts:
        return None
    return {"version": value.version, "digest": value.digest, "parts": dict(value.parts)}


def _record_json(record: TaskRecord, provider: str | None) -> dict[str, Any]:
    values = {
        "correlation_id": record.correlation_id,
        "task_id": record.task_id,
        "provider": record.provider if record.provider != provider else None,
        "fingerprint": record.fingerprint.digest,
        "state": record.state.value,
        "submitted_at": _time_text(record.submitted_at),
        "finished_at": _time_text(record.finished_at),
        "estimate": _amount_json(record.estimate),
        "cost": _cost_json(record.cost),
        "retries": record.retries,
        "render_s": record.render_s,
        "error": record.error,
        "superseded": _artifact_json(record.superseded),
    }
    return {key: value for key, value in values.items() if value is not None}


def _pin_json(value: Pin | None) -> dict[str, Any] | None:
    return None if value is None else {"is_on": value.is_on, "at": _time_text(value.at)}


def _artifact_json(value: Artifact | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {
        "path": value.path,
        "sha256": value.sha256,
        "size_bytes": value.size_bytes,
        "duration_s": value.duration_s,
        "width": value.width,
        "height": value.height,
        "made_at": _time_text(value.made_at),
        "made_by": value.made_by,
    }


def _amount_json(value: Amount | None) -> dict[str, str] | None:
    return None if value is None else {"amount": str(value.value), "currency": value.currency}


def _cost_json(value: Cost | None) -> dict[str, str] | None:
    if value is None:
        return None
    return {**(_amount_json(value.amount) or {}), "source": value.source}


def _time_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    precision = "milliseconds" if value.microsecond else "seconds"
    return value.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def _numbered(text: str, name: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith(("<<<<<<< ", "=======", ">>>>>>> ", "||||||| ")):
            raise LockCorruptError(
                f"{name}:{number}: a merge left its conflict markers here; delete the lines that "
                "start with <<<<<<<, =======, ||||||| and >>>>>>> and keep all the others: "
                "two lines of one job are joined, and both task ids are kept"
            )
        if line.strip():
            yield number, line


def _parse(number: int, line: str, name: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _corrupt(name, number, f"this line is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise _corrupt(name, number, "this line is not a JSON object")
    return value


def _check_version(header: Mapping[str, Any], kind: str, name: str) -> None:
    version = header.get(kind)
    if not isinstance(version, int) or version < 1:
        raise _corrupt(name, 1, f'the first line is not {{"{kind}": {LOCK_VERSION}, …}}')
    if version > LOCK_VERSION:
        raise LockVersionError(
            f"{name} has version {version} and this seedrender reads up to {LOCK_VERSION}; "
            "upgrade seedrender, nothing was changed"
        )


def _entry(number: int, line: str, name: str) -> LockEntry:
    row = _parse(number, line, name)
    strange = row.keys() - _ENTRY_KEYS
    if strange:
        raise _corrupt(name, number, f"unknown key {min(strange)!r}")
    try:
        provider, whole = row.get("provider"), _fingerprint(row.get("fingerprint"))
        return LockEntry(
            job=JobId(_text(row["job"])),
            tasks=tuple(_record(record, provider, whole) for record in row.get("tasks", ())),
            output=_artifact(row.get("output")),
            pin=_pin(row.get("pin")),
        )
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation) as error:
        raise _corrupt(name, number, f"{type(error).__name__}: {error}") from None


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{value!r} is not a text")
    return value


def _inside(path: str) -> str:
    """Return a path that stays in the manifest's folder, as every one that we write does."""
    posix = PurePosixPath(path)
    if posix.is_absolute() or ".." in posix.parts:
        raise ValueError(f"{path!r} leads out of the manifest's folder")
    return path


def _maybe_text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is not a whole number")
    return value


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
        raise TypeError(f"{value!r} is no number of seconds")
    return float(value)


def _fingerprint(value: Any) -> Fingerprint | None:
    if value is None:
        return None
    return Fingerprint(
        version=_whole(value["version"]),
        digest=_text(value["digest"]),
        parts=dict(value.get("parts", {})),
    )


def _record(value: Any, provider: str | None, whole: Fingerprint | None) -> TaskRecord:
    digest = _text(value["fingerprint"])
    task_id = _maybe_text(value.get("task_id"))
    retries, render_s = value.get("retries"), value.get("render_s")
    return TaskRecord(
        correlation_id=CorrelationId(_text(value["correlation_id"])),
        state=JobState(value["state"]),
        fingerprint=whole
        if whole is not None and whole.digest == digest
        else Fingerprint(digest=digest),
        provider=_text(value.get("provider", provider)),
        task_id=None if task_id is None else TaskId(task_id),
        submitted_at=_time(value.get("submitted_at")),
        finished_at=_time(value.get("finished_at")),
        estimate=_amount(value.get("estimate")),
        cost=_cost(value.get("cost")),
        retries=None if retries is None else _whole(retries),
        render_s=None if render_s is None else _seconds(render_s),
        error=_maybe_text(value.get("error")),
        superseded=_artifact(value.get("superseded")),
    )


def _pin(value: Any) -> Pin | None:
    if value is None:
        return None
    if not isinstance(value["is_on"], bool):
        raise TypeError(f"{value['is_on']!r} is not true or false")
    return Pin(is_on=value["is_on"], at=_moment(value["at"]))


def _artifact(value: Any) -> Artifact | None:
    if value is None:
        return None
    return Artifact(
        path=_inside(_text(value["path"])),
        sha256=_text(value["sha256"]),
        size_bytes=_whole(value["size_bytes"]),
        duration_s=float(value["duration_s"]),
        width=_whole(value["width"]),
        height=_whole(value["height"]),
        made_at=_moment(value["made_at"]),
        made_by=_text(value["made_by"]),
    )


def _amount(value: Any) -> Amount | None:
    if value is None:
        return None
    amount = Decimal(_text(value["amount"]))
    if not amount.is_finite():
        raise ValueError(f"{amount} is not an amount")
    return Amount(amount, _text(value["currency"]))


def _cost(value: Any) -> Cost | None:
    amount = _amount(value)
    return None if amount is None else Cost(amount=amount, source=_text(value["source"]))


def _time(value: Any) -> datetime | None:
    return None if value is None else _moment(value)


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    return moment.astimezone(UTC)


def _corrupt(name: str, number: int, what: str) -> LockCorruptError:
    return LockCorruptError(
        f"{name}:{number}: {what}; nothing was sent and nothing changed: restore the file from "
        "git, the clips and the other lines are not affected"
    )
