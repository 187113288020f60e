"""Takes out of a recording what opens something, and what nobody reads."""

from __future__ import annotations

from typing import Any

from seedrender.values.signed_url import unsigned, unsigned_in

_MOST_CHARS = 20_000  # of one text
_MOST_DEPTH = 40


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
