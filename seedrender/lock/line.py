"""Turns what is known of one job into a line of JSON, and a line, which is hostile input, back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import InvalidOperation
from typing import Any

from seedrender.lock import amounts, checks, fold
from seedrender.values.entry import Fingerprint, JobState, LockEntry, Pin, TaskRecord
from seedrender.values.job import CorrelationId, JobId
from seedrender.values.task import Artifact, Frame, TaskId

ENTRY_KEYS = frozenset({"job", "state", "fingerprint", "provider", "tasks", "output", "pin"})
FINGERPRINT_KEYS = frozenset({"version", "digest", "parts"})
PIN_KEYS = frozenset({"is_on", "at"})
ARTIFACT_KEYS = frozenset(
    {"path", "sha256", "size_bytes", "duration_s", "width", "height", "made_at", "made_by"}
    | {"differs"}
)
FRAME_KEYS = frozenset({"path", "sha256", "size_bytes"})
TASK_KEYS = frozenset(
    {
        *("correlation_id", "task_id", "provider", "fingerprint", "state", "submitted_at"),
        *("finished_at", "estimate", "cost", "retries", "render_s", "error", "last_frame"),
        "superseded",
    }
)
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def written(entry: LockEntry) -> str:
    """Write one entry, or one event, as one line with its end."""
    provider = entry.tasks[-1].provider if entry.tasks else None
    return json_line(
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


def json_line(value: Mapping[str, Any]) -> str:
    """Write a mapping as one line, without what is not known; halves of characters are lost."""
    known = {key: item for key, item in value.items() if item is not None and item != []}
    return _SURROGATE.sub("\ufffd", json.dumps(known, ensure_ascii=False)) + "\n"


def entry(row: Mapping[str, Any]) -> LockEntry:
    """Read one entry of a line. Raises: ValueError that says what is wrong with it."""
    strange = row.keys() - ENTRY_KEYS
    if strange:
        raise ValueError(f"unknown key {min(strange)!r}")
    try:
        provider, whole = row.get("provider"), _fingerprint(row.get("fingerprint"))
        if "state" in row:
            JobState(row["state"])
        return LockEntry(
            job=JobId(checks.text(row["job"])),
            tasks=tuple(
                record(task, provider, whole) for task in checks.list_of(row.get("tasks", []))
            ),
            output=_artifact(row.get("output")),
            pin=_pin(row.get("pin")),
        )
    except KeyError as error:
        raise ValueError(f"the key {error} is missing") from None
    except (TypeError, OverflowError, InvalidOperation) as error:
        raise ValueError(str(error)) from None


def record(value: Any, provider: str | None, whole: Fingerprint | None) -> TaskRecord:
    """Read one task; `provider` and `whole` are those of its entry.

    Raises: KeyError, TypeError, ValueError, OverflowError, InvalidOperation.
    """
    checks.only_keys(value, TASK_KEYS)
    digest = checks.text(value["fingerprint"])
    task_id, state = value.get("task_id"), JobState(value["state"])
    retries, render_s = value.get("retries"), value.get("render_s")
    if state is JobState.DONE:
        raise ValueError("a task is never 'done': its job is")
    return TaskRecord(
        correlation_id=CorrelationId(checks.text(value["correlation_id"])),
        state=state,
        fingerprint=whole
        if whole is not None and whole.digest == digest
        else Fingerprint(digest=digest),
        provider=checks.text(value.get("provider", provider)),
        task_id=None if task_id is None else TaskId(checks.text(task_id)),
        submitted_at=_time(value.get("submitted_at")),
        finished_at=_time(value.get("finished_at")),
        estimate=amounts.quote(value.get("estimate")),
        cost=amounts.cost(value.get("cost")),
        retries=None if retries is None else checks.whole(retries),
        render_s=None if render_s is None else checks.seconds(render_s),
        error=checks.maybe_text(value.get("error")),
        last_frame=_frame(value.get("last_frame")),
        superseded=_artifact(value.get("superseded")),
    )


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
        "estimate": amounts.quote_json(record.estimate),
        "cost": amounts.cost_json(record.cost),
        "retries": record.retries,
        "render_s": record.render_s,
        "error": record.error,
        "last_frame": _frame_json(record.last_frame),
        "superseded": _artifact_json(record.superseded),
    }
    return {key: value for key, value in values.items() if value is not None}


def _pin_json(value: Pin | None) -> dict[str, Any] | None:
    return None if value is None else {"is_on": value.is_on, "at": _time_text(value.at)}


def _frame_json(value: Frame | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {"path": value.path, "sha256": value.sha256, "size_bytes": value.size_bytes}


def _artifact_json(value: Artifact | None) -> dict[str, Any] | None:
    if value is None:
        return None
    values = {
        "path": value.path,
        "sha256": value.sha256,
        "size_bytes": value.size_bytes,
        "duration_s": value.duration_s,
        "width": value.width,
        "height": value.height,
        "made_at": _time_text(value.made_at),
        "made_by": value.made_by,
        "differs": list(value.differs) or None,
    }
    return {key: item for key, item in values.items() if item is not None}


def _time_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    precision = "milliseconds" if value.microsecond else "seconds"
    return value.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def _fingerprint(value: Any) -> Fingerprint | None:
    if value is None:
        return None
    checks.only_keys(value, FINGERPRINT_KEYS)
    parts = value.get("parts", {})
    if not isinstance(parts, dict) or not checks.is_shallow(parts):
        raise TypeError("the parts of a fingerprint lie too deep")
    return Fingerprint(
        version=checks.whole(value["version"]),
        digest=checks.text(value["digest"]),
        parts=dict(parts),
    )


def _pin(value: Any) -> Pin | None:
    if value is None:
        return None
    checks.only_keys(value, PIN_KEYS)
    if not isinstance(value["is_on"], bool):
        raise TypeError(f"{checks.short(value['is_on'])} is not true or false")
    return Pin(is_on=value["is_on"], at=checks.moment(value["at"]))


def _frame(value: Any) -> Frame | None:
    if value is None:
        return None
    checks.only_keys(value, FRAME_KEYS)
    return Frame(
        path=checks.inside(checks.text(value["path"])),
        sha256=checks.sha256(value["sha256"]),
        size_bytes=checks.whole(value["size_bytes"]),
    )


def _artifact(value: Any) -> Artifact | None:
    if value is None:
        return None
    checks.only_keys(value, ARTIFACT_KEYS)
    return Artifact(
        path=checks.inside(checks.text(value["path"])),
        sha256=checks.sha256(value["sha256"]),
        size_bytes=checks.whole(value["size_bytes"]),
        duration_s=checks.seconds(value["duration_s"]) if "duration_s" in value else None,
        width=checks.whole(value["width"]),
        height=checks.whole(value["height"]),
        made_at=checks.moment(value["made_at"]),
        made_by=checks.text(value["made_by"]),
        differs=tuple(map(checks.text, checks.list_of(value.get("differs", [])))),
    )


def _time(value: Any) -> datetime | None:
    return None if value is None else checks.moment(value)
