"""Turns what an answer says of a task's files into remote files: clips, pictures, and no covers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from seedrender.values.job import MediaKind

MOST = 64  # files of one task and kind: a series of pictures has 15 at most

_SMALL = ("cover", "thumbnail")  # roles of pictures that nobody asked for
_PICTURE_NAMES = (".png", ".jpg", ".jpeg", ".webp")
_MAX_URL_CHARS = 65_536
_NEVER = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # in a URL that could be fetched


def url(value: object) -> str | None:
    """Return a URL that could be fetched; None: there is none."""
    is_text = isinstance(value, str) and 0 < len(value) <= _MAX_URL_CHARS
    return value if isinstance(value, str) and is_text and not _NEVER.search(value) else None


def urls(value: object) -> list[str]:
    """List the URLs of a field: a text, an object with one, or a list of either."""
    found = []
    for row in value if isinstance(value, list) else [value]:
        address = url(row.get("url") if isinstance(row, dict) else row)
        if address is not None:
            found.append(address)
    return list(dict.fromkeys(found))[: MOST + 1]


def resources(listed: object, kind: MediaKind) -> list[Mapping[str, Any]]:
    """List the resources of a kind, the primary one first; one may be a bare URL."""
    rows = listed if isinstance(listed, list) else []
    named = ({"url": row} if isinstance(row, str) else row for row in rows)
    usable = [row for row in named if isinstance(row, dict) and url(row.get("url"))]
    found = _unlike(row for row in usable if _kind(row) == kind.value)
    large = [row for row in found if _word(row.get("role")) not in _SMALL]
    large.sort(key=lambda row: _word(row.get("role")) != "primary")
    return large[: MOST + 1]


def _unlike(rows: Iterable[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Leave out what names a URL again."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        found.setdefault(row["url"], row)
    return list(found.values())


def _kind(row: Mapping[str, Any]) -> str:
    """Say what a resource is: by its type, else by its name; a clip where that fails, too."""
    word = row.get("type")
    return _word(word).partition("/")[0] if isinstance(word, str) else _kind_of(row["url"])


def _kind_of(address: str) -> str:
    try:
        name = urlsplit(address).path.lower()
    except ValueError:
        name = ""
    return "image" if name.endswith(_PICTURE_NAMES) else "video"


def _word(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ""
