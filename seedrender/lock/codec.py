"""Names each field of the lock once: its key, its reader, its writer; and makes lines of them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import InvalidOperation
from typing import Any

from seedrender.lock import amounts, checks
from seedrender.values.entry import Fingerprint, JobState, LockEntry, Pin, TaskRecord
from seedrender.values.job import CorrelationId, JobId
from seedrender.values.task import Artifact, Frame

UNREADABLE = (KeyError, TypeError, ValueError, OverflowError, InvalidOperation)
_UNREAD_CHARS = 200  # of a fact that is left out, kept for people
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One key of an object, and the attribute of the same name."""

    key: str
    read: Callable[[Any], Any]  # raises one of UNREADABLE
    write: Callable[[Any], Any] = lambda value: value
    is_needed: bool = False
    is_soft: bool = False  # where it cannot be read it is left out, and the rest stands
    since: int = 1  # the version of the lockfile that has it first


Fields = tuple[Field, ...]


def time_text(value: datetime) -> str:
    """Write a time in UTC, to the millisecond where it has one."""
    precision = "milliseconds" if value.microsecond else "seconds"
    return value.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def _path(value: object) -> str:
    return checks.inside(checks.text(value))


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{checks.short(value)} is not true or false")
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(checks.text(item) for item in checks.list_of(value))


def _named_texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise TypeError(f"{checks.short(value)} is not an object")
    return {checks.text(name): checks.text(said) for name, said in value.items()}


def _task_state(value: object) -> JobState:
    state = JobState(checks.text(value))
    if state is JobState.DONE:
        raise ValueError("a task is never 'done': its job is")
    return state


def _parts(value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or not checks.is_shallow(value):
        raise TypeError("the parts of a fingerprint lie too deep")
    return dict(value)


def _object(kind: type[Any], fields: Fields) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """Return the reader and the writer of an object within a line."""
    keys = frozenset(field.key for field in fields)

    def read(value: Any) -> Any:
        checks.only_keys(value, keys)
        return kind(**_values(value, fields))

    return read, lambda value: _written(value, fields)


def _values(row: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """Read the fields that are there. Raises: UNREADABLE."""
    needed = (field for field in fields if field.is_needed or field.key in row)
    return {field.key: field.read(row[field.key]) for field in needed}


def _written(value: Any, fields: Fields) -> dict[str, Any]:
    """Write the fields that are known, in the order of the table."""
    known = ((field, getattr(value, field.key)) for field in fields)
    return {
        field.key: field.write(item) for field, item in known if item is not None and item != ()
    }


FINGERPRINT: Fields = (
    Field(key="version", read=checks.whole, is_needed=True),
    Field(key="digest", read=checks.text, is_needed=True),
    Field(key="parts", read=_parts, write=dict),
)
PIN: Fields = (
    Field(key="is_on", read=_flag, is_needed=True),
    Field(key="at", read=checks.moment, write=time_text, is_needed=True),
    Field(key="made_by", read=checks.text, since=2),
)
FRAME: Fields = (
    Field(key="path", read=_path, is_needed=True),
    Field(key="sha256", read=checks.sha256, is_needed=True),
    Field(key="size_bytes", read=checks.size, is_needed=True),
)
ARTIFACT: Fields = (
    *FRAME,
    Field(key="duration_s", read=checks.seconds),
    Field(key="width", read=checks.whole, is_needed=True),
    Field(key="height", read=checks.whole, is_needed=True),
    Field(key="made_at", read=checks.moment, write=time_text, is_needed=True),
    Field(key="made_by", read=checks.text, is_needed=True),
    Field(key="placed_at", read=checks.moment, write=time_text, since=2),
    Field(key="differs", read=_texts, write=list, since=2),
    Field(key="known_as", read=checks.sha256, since=2),
)
_read_fingerprint, _write_fingerprint = _object(Fingerprint, FINGERPRINT)
_read_pin, _write_pin = _object(Pin, PIN)
_read_frame, _write_frame = _object(Frame, FRAME)
_read_artifact, _write_artifact = _object(Artifact, ARTIFACT)

# A record's `provider` is left out where it is that of its entry; its fingerprint is a digest.
TASK: Fields = (
    Field(key="correlation_id", read=checks.text, is_needed=True),
    Field(key="task_id", read=checks.text),
    Field(key="provider", read=checks.text, is_needed=True),
    Field(key="fingerprint", read=checks.text, write=lambda value: value.digest, is_needed=True),
    Field(key="state", read=_task_state, write=lambda value: value.value, is_needed=True),
    Field(key="submitted_at", read=checks.moment, write=time_text, is_soft=True),
    Field(key="finished_at", read=checks.moment, write=time_text, is_soft=True),
    Field(key="estimate", read=amounts.quote, write=amounts.quote_json, is_soft=True),
    Field(key="cost", read=amounts.cost, write=amounts.cost_json, is_soft=True),
    Field(key="retries", read=checks.whole, is_soft=True),
    Field(key="render_s", read=checks.seconds, is_soft=True),
    Field(key="error", read=checks.maybe_text, is_soft=True),
    Field(key="last_frame", read=_read_frame, write=_write_frame, is_soft=True),
    Field(key="superseded", read=_read_artifact, write=_write_artifact, is_soft=True),
    Field(key="unread", read=_named_texts, write=dict, is_soft=True, since=2),
    Field(key="unlisted_at", read=checks.moment, write=time_text, is_soft=True, since=2),
    Field(key="account", read=checks.text, is_soft=True, since=2),
)
ENTRY: Fields = (
    Field(key="job", read=checks.text, is_needed=True),
    Field(key="state", read=JobState),
    Field(key="fingerprint", read=_read_fingerprint, write=_write_fingerprint),
    Field(key="provider", read=checks.text),
    Field(key="tasks", read=checks.list_of),
    Field(key="output", read=_read_artifact, write=_write_artifact),
    Field(key="pin", read=_read_pin, write=_write_pin),
)
TASK_KEYS = frozenset(field.key for field in TASK)
ENTRY_KEYS = frozenset(field.key for field in ENTRY)


def written(entry: LockEntry, state: JobState) -> str:
    """Write one entry, or one event, as one line with its end; `state` is the job's."""
    newest = entry.tasks[-1] if entry.tasks else None
    provider = newest.provider if newest is not None else None
    whole = newest.fingerprint if newest is not None and newest.fingerprint.parts else None
    row = {
        "job": entry.job,
        "state": state.value,
        "fingerprint": None if whole is None else _write_fingerprint(whole),
        "provider": provider,
        "tasks": [_record_json(record, provider) for record in entry.tasks],
        "output": None if entry.output is None else _write_artifact(entry.output),
        "pin": None if entry.pin is None else _write_pin(entry.pin),
    }
    return json_line(row)


def json_line(value: Mapping[str, Any]) -> str:
    """Write a mapping as one line, without what is not known; halves of characters are lost."""
    known = {key: item for key, item in value.items() if item is not None and item != []}
    return _whole(json.dumps(known, ensure_ascii=False)) + "\n"


def entry(row: Mapping[str, Any]) -> LockEntry:
    """Read one entry of a line. Raises: ValueError that says what is wrong with it."""
    strange = row.keys() - ENTRY_KEYS
    if strange:
        raise ValueError(f"unknown key {min(strange)!r}")
    try:
        found = _values({key: item for key, item in row.items() if item is not None}, ENTRY)
        provider, whole = found.get("provider"), found.get("fingerprint")
        return LockEntry(
            job=JobId(found["job"]),
            tasks=tuple(record(task, provider, whole) for task in found.get("tasks", ())),
            output=found.get("output"),
            pin=found.get("pin"),
        )
    except KeyError as error:
        raise ValueError(f"the key {error} is missing") from None
    except UNREADABLE as error:
        raise ValueError(str(error)) from None


def record(value: Any, provider: str | None, whole: Fingerprint | None) -> TaskRecord:
    """Read one task; `provider` and `whole` are those of its entry. Raises: UNREADABLE.

    A soft field that cannot be read is named in `unread`, and costs nothing else.
    """
    checks.only_keys(value, TASK_KEYS)
    row = {"provider": provider, **{key: item for key, item in value.items() if item is not None}}
    left_out: dict[str, str] = {}
    for field in TASK:
        if field.is_soft and field.key in row and not _is_readable(field, row[field.key]):
            left_out[field.key] = _said(row.pop(field.key))
    found = _values(row, TASK)
    digest = found.pop("fingerprint")
    is_newest = whole is not None and whole.digest == digest
    unread = {**left_out, **found.pop("unread", {})}
    return TaskRecord(
        **{**found, "correlation_id": CorrelationId(found["correlation_id"])},
        fingerprint=whole if is_newest and whole is not None else Fingerprint(digest=digest),
        unread=unread,
    )


def readable(event: LockEntry) -> LockEntry:
    """Return a fact as it will be read again: a soft field that could not be is left out.

    Raises: ValueError where more than that could not be read.
    """
    try:
        for record in event.tasks:
            if record.task_id is not None:
                checks.text(record.task_id)
        output = event.output
        if output is not None:
            output = _read_artifact(_as_json(_write_artifact(output)))
    except UNREADABLE as error:
        raise ValueError(str(error)) from None
    return replace(event, tasks=tuple(map(_readable, event.tasks)), output=output)


def version(entry: LockEntry) -> int:
    """Return the first version of the lockfile that can hold an entry."""
    clips = [entry.output, *(record.superseded for record in entry.tasks)]
    held = [(clip, ARTIFACT) for clip in clips if clip is not None]
    held += [(record, TASK) for record in entry.tasks]  # type: ignore[misc]
    held += [(entry.pin, PIN)] if entry.pin is not None else []  # type: ignore[list-item]
    newer = (
        field.since
        for value, fields in held
        for field in fields
        if field.since > 1 and getattr(value, field.key)
    )
    return max(newer, default=1)


def _record_json(record: TaskRecord, provider: str | None) -> dict[str, Any]:
    row = _written(record, TASK)
    if record.provider == provider:
        del row["provider"]
    if not record.unread:
        del row["unread"]
    return row


def _readable(record: TaskRecord) -> TaskRecord:
    known: dict[str, Any] = {}
    unread = {_said(name): _said(said) for name, said in record.unread.items()}
    for field in TASK:
        value = getattr(record, field.key)
        if not field.is_soft or value is None or field.key == "unread":
            continue
        try:
            value = field.write(value)
            known[field.key] = field.read(_as_json(value))
        except UNREADABLE:
            known[field.key], unread[field.key] = None, _said(value)
    return replace(record, **known, unread=unread)


def _as_json(value: object) -> Any:
    """Return a value as it comes back from a line. Raises: TypeError, ValueError."""
    return json.loads(_whole(json.dumps(value, ensure_ascii=False)))


def _is_readable(field: Field, value: Any) -> bool:
    try:
        field.read(value)
    except UNREADABLE:
        return False
    return True


def _said(value: object) -> str:
    """Show a fact that is left out, in one line of bounded length."""
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    return _whole("".join(c if c.isprintable() else " " for c in text[:_UNREAD_CHARS])) or "''"


def _whole(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text)
