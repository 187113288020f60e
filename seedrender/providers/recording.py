"""Keeps what a provider was asked and what it answered, as JSON lines that open nothing.

One line an exchange: `at`, `method`, `path` (with its query), `sent` (JSON; nothing of a form),
`status`, `headers` (those that mean something) and `answer`; where none came, `lost` in place of
these three. Keys, signatures and media are left out, so that a recording can be handed in, and
played again (`seedrender sim --replay`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from seedrender.providers import answers
from seedrender.values.signed_url import unsigned, unsigned_in

HEADERS = ("content-type", "date", "location", "retry-after")
_BEGINNINGS = ("x-ratelimit-", "x-task")
_MOST_CHARS = 20_000  # of one text
_MOST_DEPTH = 40


class Recorder:
    """Writes the exchanges of one route."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write  # takes text, and never fails

    def answered(
        self, request: tuple[str, str, Any], answer: answers.Answer, headers: Mapping[str, str]
    ) -> None:
        """Keep what was asked (method, path and JSON) and what came."""
        known = {
            name.lower(): redacted(value)
            for name, value in headers.items()
            if name.lower() in HEADERS or name.lower().startswith(_BEGINNINGS)
        }
        body = {"status": answer.status, "headers": known, "answer": redacted(answer.body)}
        if answer.fault is not None:
            body["fault"] = str(answer.fault)
        self._put(request, body)

    def lost(self, request: tuple[str, str, Any], how: str) -> None:
        """Keep that no answer came."""
        self._put(request, {"lost": how})

    def _put(self, request: tuple[str, str, Any], more: Mapping[str, Any]) -> None:
        method, path, sent = request
        row: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="milliseconds")}
        row |= {"method": method, "path": redacted_path(path)}
        if sent is not None:
            row["sent"] = redacted(sent)
        self._write(json.dumps({**row, **more}) + "\n")


def redacted_path(path: str) -> str:
    """Return the path of a request without what opens something."""
    host = "https://host"
    return unsigned_in(f"{host}{path}").removeprefix(host)


def redacted(value: Any, depth: int = 0) -> Any:
    """Return a JSON value without media, signatures and what is too long to read."""
    if isinstance(value, str):
        return _redacted_text(value)
    if depth > _MOST_DEPTH:
        return "…"
    if isinstance(value, list):
        return [redacted(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {str(key): redacted(inner, depth + 1) for key, inner in value.items()}
    return value


def _redacted_text(text: str) -> str:
    if text.startswith("data:"):
        return f"{text.partition(',')[0]},… ({len(text)} characters)"
    if text.startswith(("https://", "http://")) and " " not in text:
        return unsigned(text)
    return unsigned_in(text[:_MOST_CHARS])
