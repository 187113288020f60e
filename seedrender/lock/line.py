"""Turns what is known of one job into a line of JSON, and a line, which is hostile input, back."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import PurePosixPath
from typing import Any, NoReturn

from seedrender.lock import fold
from seedrender.values.entry import Fingerprint, JobState, LockEntry, Pin, TaskRecord
from seedrender.values.job import CorrelationId, JobId
from seedrender.values.money import Amount, Cost
from seedrender.values.task import Artifact, TaskId

_ENTRY_KEYS = frozenset({"job", "state", "fingerprint", "provider", "tasks", "output", "pin"})
_FINGERPRINT_KEYS = frozenset({"version", "digest", "parts"})
_AMOUNT_KEYS = frozenset({"amount", "currency"})
_COST_KEYS = _AMOUNT_KEYS | {"source"}
_PIN_KEYS = frozenset({"is_on", "at"})
_ARTIFACT_KEYS = frozenset(
    {"path", "sha256", "size_bytes", "duration_s", "width", "height", "made_at", "made_by"}
)
_TASK_KEYS = frozenset(
    {
        *("correlation_id", "task_id", "provider", "fingerprint", "state", "submitted_at"),
        *("finished_at", "estimate", "cost", "retries", "render_s", "error", "superseded"),
    }
)
_MAX_DEPTH = 10  # of a fingerprint's parts
_MAX_AMOUNT = Decimal("1e12")
_MAX_AMOUNT_CHARS = 40
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SHA256 = re.compile(r"[0-9a-f]{64}")


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


def json_object(text: str) -> dict[str, Any]:
    """Read a line as JSON, and as strictly as JSON is meant. Raises: ValueError."""
    try:
        value = json.loads(
            text,
            object_pairs_hook=_without_repeats,
            parse_constant=_no_number,
            parse_float=_finite,
        )
    except (ValueError, RecursionError) as error:
        raise ValueError(f"this line is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise ValueError("this line is not a JSON object")  # noqa: TRY004 - callers act on one type
    return value


def entry(row: Mapping[str, Any]) -> LockEntry:
    """Read one entry of a line. Raises: ValueError that says what is wrong with it."""
    strange = row.keys() - _ENTRY_KEYS
    if strange:
        raise ValueError(f"unknown key {min(strange)!r}")
    try:
        provider, whole = row.get("provider"), _fingerprint(row.get("fingerprint"))
        if "state" in row:
            JobState(row["state"])
        return LockEntry(
            job=JobId(_text(row["job"])),
            tasks=tuple(record(task, provider, whole) for task in _list(row.get("tasks", []))),
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
    _keys(value, _TASK_KEYS)
    digest = _text(value["fingerprint"])
    task_id, state = value.get("task_id"), JobState(value["state"])
    retries, render_s = value.get("retries"), value.get("render_s")
    if state is JobState.DONE:
        raise ValueError("a task is never 'done': its job is")
    return TaskRecord(
        correlation_id=CorrelationId(_text(value["correlation_id"])),
        state=state,
        fingerprint=whole
        if whole is not None and whole.digest == digest
        else Fingerprint(digest=digest),
        provider=_text(value.get("provider", provider)),
        task_id=None if task_id is None else TaskId(_text(task_id)),
        submitted_at=_time(value.get("submitted_at")),
        finished_at=_time(value.get("finished_at")),
        estimate=_amount(value.get("estimate")),
        cost=_cost(value.get("cost")),
        retries=None if retries is None else _whole(retries),
        render_s=None if render_s is None else _seconds(render_s),
        error=_maybe_text(value.get("error")),
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


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands in it twice")
    return found


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _keys(value: Any, known: Collection[str]) -> None:
    if not isinstance(value, dict):
        raise TypeError(f"{_short(value)} is not an object")
    strange = value.keys() - known
    if strange:
        raise ValueError(f"unknown key {min(strange)!r}")


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{_short(value)} is not a list")
    return value


def _short(value: object) -> str:
    return f"{value!r:.100}"


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{_short(value)} is not a text")
    if _SURROGATE.search(value):
        raise ValueError(f"{_short(value)} has half a character")
    return value


def _maybe_text(value: object) -> str | None:
    return value if value is None or value == "" else _text(value)


def _inside(path: str) -> str:
    """Return a path that stays in the manifest's folder, as every one that we write does."""
    posix = PurePosixPath(path)
    if posix.is_absolute() or ".." in posix.parts:
        raise ValueError(f"{_short(path)} leads out of the manifest's folder")
    if _CONTROL.search(path):
        raise ValueError(f"{_short(path)} is no path")
    return path


def _sha256(value: object) -> str:
    text = _text(value)
    if not _SHA256.fullmatch(text):
        raise ValueError(f"{_short(text)} is no sha256")
    return text


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{_short(value)} is not a whole number")
    return value


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
        raise TypeError(f"{_short(value)} is no number of seconds")
    return float(value)


def _fingerprint(value: Any) -> Fingerprint | None:
    if value is None:
        return None
    _keys(value, _FINGERPRINT_KEYS)
    parts = value.get("parts", {})
    if not isinstance(parts, dict) or not _is_plain(parts):
        raise TypeError("the parts of a fingerprint are not plain")
    return Fingerprint(
        version=_whole(value["version"]), digest=_text(value["digest"]), parts=dict(parts)
    )


def _is_plain(value: object, depth: int = 0) -> bool:
    """Say whether a value is shallow, and of whole characters: it is printed and written again."""
    match value:
        case dict():
            inner = [*value.keys(), *value.values()]
        case list():
            inner = value
        case str():
            return not _SURROGATE.search(value)
        case _:
            return True
    return depth < _MAX_DEPTH and all(_is_plain(item, depth + 1) for item in inner)


def _pin(value: Any) -> Pin | None:
    if value is None:
        return None
    _keys(value, _PIN_KEYS)
    if not isinstance(value["is_on"], bool):
        raise TypeError(f"{_short(value['is_on'])} is not true or false")
    return Pin(is_on=value["is_on"], at=_moment(value["at"]))


def _artifact(value: Any) -> Artifact | None:
    if value is None:
        return None
    _keys(value, _ARTIFACT_KEYS)
    return Artifact(
        path=_inside(_text(value["path"])),
        sha256=_sha256(value["sha256"]),
        size_bytes=_whole(value["size_bytes"]),
        duration_s=_seconds(value["duration_s"]),
        width=_whole(value["width"]),
        height=_whole(value["height"]),
        made_at=_moment(value["made_at"]),
        made_by=_text(value["made_by"]),
    )


def _amount(value: Any, keys: Collection[str] = _AMOUNT_KEYS) -> Amount | None:
    if value is None:
        return None
    _keys(value, keys)
    text = _text(value["amount"])
    amount = Decimal(text) if len(text) <= _MAX_AMOUNT_CHARS else Decimal("NaN")
    is_amount = amount.is_finite() and 0 <= amount < _MAX_AMOUNT
    if not is_amount or amount.as_tuple().exponent < -_MAX_AMOUNT_CHARS:  # type: ignore[operator]
        raise ValueError(f"{_short(text)} is not an amount")
    return Amount(amount, _text(value["currency"]))


def _cost(value: Any) -> Cost | None:
    amount = _amount(value, _COST_KEYS)
    return None if amount is None else Cost(amount=amount, source=_text(value["source"]))


def _time(value: Any) -> datetime | None:
    return None if value is None else _moment(value)


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError(f"{_short(value)} has no time zone")
    utc = moment.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)  # as it is written
