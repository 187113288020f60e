"""Reads the single values of a line: hostile input, of which nothing is taken on trust."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, NoReturn

_MOST_BYTES = 2**63
_MAX_DEPTH = 10  # of a fingerprint's parts
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ESCAPED = re.compile(r"\\u[dD]")  # may become one
_SHA256 = re.compile(r"[0-9a-f]{64}")


def json_object(row: str) -> dict[str, Any]:
    """Read a line as JSON, and as strictly as JSON is meant. Raises: ValueError."""
    try:
        value = _DECODER.decode(row)
        _refuse_halves(row, value)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"this line is not JSON ({error})") from None
    if not isinstance(value, dict):
        raise ValueError("this line is not a JSON object")  # noqa: TRY004 - callers act on one type
    return value


def _refuse_halves(row: str, value: object) -> None:
    """Refuse half a character in any text; most lines show at once that they have none."""
    has_some = _SURROGATE.search(row) or _ESCAPED.search(row)
    if has_some and _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise ValueError("a text has half a character")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands in it twice")
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number")


def _finite(word: str) -> float:
    value = float(word)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_without_repeats, parse_constant=_no_number, parse_float=_finite
)


def only_keys(value: Any, known: Collection[str]) -> None:
    """Refuse an object with other keys. Raises: TypeError, ValueError."""
    if not isinstance(value, dict):
        raise TypeError(f"{short(value)} is not an object")
    strange = value.keys() - known
    if strange:
        raise ValueError(f"unknown key {min(strange)!r}")


def list_of(value: object) -> list[Any]:
    """Return a list. Raises: TypeError."""
    if not isinstance(value, list):
        raise TypeError(f"{short(value)} is not a list")
    return value


def short(value: object) -> str:
    """Show a value, of which a message needs no more than the beginning."""
    return f"{value!r:.100}"


def text(value: object) -> str:
    """Return a text that is not empty. Raises: TypeError."""
    if not isinstance(value, str) or not value:
        raise TypeError(f"{short(value)} is not a text")
    return value


def maybe_text(value: object) -> str | None:
    """Return a text, or nothing. Raises: TypeError."""
    return value if value is None or value == "" else text(value)


def inside(path: str) -> str:
    """Return a path that stays in the manifest's folder, as every one that we write does."""
    if path.startswith("/") or ".." in path.split("/"):
        raise ValueError(f"{short(path)} leads out of the manifest's folder")
    if _CONTROL.search(path):
        raise ValueError(f"{short(path)} is no path")
    return path


def sha256(value: object) -> str:
    """Return a digest. Raises: TypeError, ValueError."""
    digest = text(value)
    if not _SHA256.fullmatch(digest):
        raise ValueError(f"{short(digest)} is no sha256")
    return digest


def whole(value: object) -> int:
    """Return a whole number that is not negative. Raises: TypeError."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{short(value)} is not a whole number")
    return value


def size(value: object) -> int:
    """Return a number of bytes that a file may have. Raises: TypeError."""
    found = whole(value)
    if found >= _MOST_BYTES:
        raise TypeError(f"{short(value)} is no size of a file")
    return found


def seconds(value: object) -> float:
    """Return a length of time. Raises: TypeError."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
        raise TypeError(f"{short(value)} is no number of seconds")
    return float(value)


def is_shallow(value: dict[str, Any] | list[Any], depth: int = 0) -> bool:
    """Say whether a value can be printed and written again, however deep we are."""
    inner = value.values() if isinstance(value, dict) else value
    return depth < _MAX_DEPTH and all(
        is_shallow(item, depth + 1) for item in inner if isinstance(item, dict | list)
    )


def moment(value: Any) -> datetime:
    """Return a time in UTC, as exact as it is written.

    Raises: TypeError, ValueError, OverflowError.
    """
    given = datetime.fromisoformat(text(value))
    if given.tzinfo is None:
        raise ValueError(f"{short(value)} has no time zone")
    utc = given.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)
