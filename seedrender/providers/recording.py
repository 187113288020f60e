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
from seedrender.values.redaction import redacted, redacted_path, without_key

HEADERS = ("content-type", "date", "location", "retry-after")
_BEGINNINGS = ("x-ratelimit-", "x-task")


class Recorder:
    """Writes the exchanges of one route."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write  # takes text, and never fails
        self._key = ""

    def hide(self, key: str) -> None:
        """Let a key stand nowhere, not even within an address that an answer names."""
        self._key = key

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
        line = json.dumps({**row, **more})
        self._write(without_key(line, self._key) + "\n")
