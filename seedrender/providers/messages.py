"""Finds what a provider says in an answer of any shape: bounded, printable, and without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice

from seedrender.values.redaction import without_openers

MESSAGE_CHARS = 500
SHOWN_CHARS = 80  # of a single value
CODE_CHARS = 100  # of a code: its message stands behind it

_READ_CHARS = 4000  # of a text, before it is cleaned
_PAGE_CHARS = 200  # of a page of HTML
_MAX_DEPTH = 6
_MAX_TEXTS = 3
# where services put their words, the most telling place first
_KEYS = (
    *("error", "errors", "data", "message", "msg", "detail", "details", "reason", "description"),
    *("error_message", "error_msg", "errorMessage", "error_description", "title", "result"),
)
_NO_NEWS = {"", "success", "succeeded", "ok", "null", "none"}
_QUERY = re.compile(  # it may hold a signature
    r"""(?i)([a-z][a-z0-9+.-]{0,20}:(?:\\?/){2}[^\s?#"'<>]*)[?#][^\s"'<>]*"""
)
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f]")
_SCRIPT = re.compile(r"(?is)<(script|style)\b.*?</\1")
_TAG = re.compile(r"<[^<>]*>?")


def message(body: object) -> str:
    """Return the words of an answer; where it has none, the start of the answer itself."""
    if isinstance(body, dict) and len(body) == 1:
        (only,) = body.values()
        body = only if isinstance(only, str) else body
    if isinstance(body, str):  # media, or packed: nothing that anybody could read
        return "" if _NO_TEXT.search(body) else excerpt(_plain(body))
    return said(body) or (shown(body, MESSAGE_CHARS) if _holds_something(body) else "")


def said(body: object, most: int = MESSAGE_CHARS) -> str:
    """Return the words of an answer, wherever in it they stand; empty: there are none."""
    texts = dict.fromkeys(islice(_texts(body, 0), _MAX_TEXTS))
    return excerpt("; ".join(texts), most)


def excerpt(text: str, most: int = MESSAGE_CHARS) -> str:
    """Return the start of a text, without what a terminal would obey or a signature would give."""
    text = without_openers(_QUERY.sub(r"\1?…", text[:_READ_CHARS]))
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:most]


def shown(value: object, most: int = SHOWN_CHARS) -> str:
    """Show any JSON value, of which a message needs no more than the beginning."""
    if isinstance(value, str):
        return excerpt(value, most)
    text = ""
    try:
        for part in json.JSONEncoder(ensure_ascii=False).iterencode(value):
            text += part[:_READ_CHARS]
            if len(text) > most:
                break
    except (ValueError, TypeError, RecursionError):  # ValueError: digits beyond what Python writes
        text += "…"
    return excerpt(text, most)


def _texts(value: object, depth: int) -> Iterator[str]:
    """Yield each text that is meant for people; a code stands before the first of its object."""
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, str):
        text = _plain(value)
        if text.lower() not in _NO_NEWS:
            yield text
    elif isinstance(value, list):
        for item in islice(value, _MAX_TEXTS):
            yield from _texts(item, depth + 1)
    elif isinstance(value, dict):
        inner = (text for key in _KEYS if key in value for text in _texts(value[key], depth + 1))
        found = list(islice(inner, _MAX_TEXTS))
        code = value.get("code")
        if isinstance(code, str) and not code.isdigit() and code.lower() not in _NO_NEWS:
            name = code[:CODE_CHARS]
            found = [f"{name}: {found[0]}", *found[1:]] if found else [name]
        yield from found


def _plain(text: str) -> str:
    """Return a text's beginning; of a page, what a person would read there."""
    text = text[:_READ_CHARS].strip()
    if not text.startswith("<"):
        return text
    return excerpt(_TAG.sub(" ", _SCRIPT.sub(" ", text)), _PAGE_CHARS)


def _holds_something(body: object) -> bool:
    return any(body.values()) if isinstance(body, dict) else bool(body)
