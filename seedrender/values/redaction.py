"""Takes out of words from outside what opens something, however it is written there."""

from __future__ import annotations

import base64
import html
import json
import re
from functools import cache
from typing import Any
from urllib.parse import quote, quote_plus

from seedrender.values.signed_url import is_opener, unsigned, unsigned_in

LEAST_SECRET = 8  # characters: a shorter key would be found in many a word
HIDDEN = "…"
_MOST_CHARS = 20_000  # of one text
_MOST_DEPTH = 40
_LEAST_NAME = 3  # letters: shorter ones of the table are words in texts
_USERINFO = re.compile(  # also of a mistyped address
    r"""(?ix)
    ( https?:(?:\\?/){0,3} | [a-z][a-z0-9+.-]{0,20}:(?:\\?/){2} | (?<![\w:/])// )
    [^\s/?\#@"'<>\\]+@
    """
)
_CREDENTIALS = re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+")
_NAMED = re.compile(  # a name, and what stands between it and its value
    r"""(?ix)
    (?: (?<![a-z0-9]) | (?<=%3F) | (?<=%26) )
    ([a-z][a-z0-9_-]{0,60})
    ( \\?["']? \s{0,3} (?: = | %3D | \\u003d | : ) \s{0,3} \\?["']? )
    """
)
_VALUE = re.compile(r"""[^\s&,"'<>\\]+""")
_TOKEN = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*")  # a JSON Web Token
_LEAST_SAID = 16  # characters behind a colon that are a secret; shorter ones are words


def without_openers(text: str) -> str:
    """Return a text without passwords, signatures and tokens, in URLs or by themselves."""
    text = _TOKEN.sub(HIDDEN, _CREDENTIALS.sub(rf"\1 {HIDDEN}", _USERINFO.sub(r"\1", text)))
    shown, at = "", 0
    for found in _NAMED.finditer(text):
        name, sign = found[1].removeprefix("u0026"), found[2]  # of JSON's "&"
        value = _VALUE.match(text, found.end())
        if value is None or found.start() < at or len(name) < _LEAST_NAME:
            continue
        is_word = ":" in sign and len(value[0]) < _LEAST_SAID
        if is_opener(name) and not is_word:
            shown, at = shown + text[at : found.end()] + HIDDEN, value.end()
    return shown + text[at:]


@cache
def forms_of(key: str) -> tuple[str, ...]:
    """Return how a key may be written: as it is, or encoded; none of one that is too short."""
    if len(key) < LEAST_SECRET:
        return ()
    raw = key.encode("utf-8", "surrogatepass")
    in_64 = (base64.b64encode(raw), base64.urlsafe_b64encode(raw))
    found = [key, quote(raw, safe=""), quote(raw), quote_plus(raw)]
    found += [json.dumps(key)[1:-1], html.escape(key)]
    return tuple(dict.fromkeys([*found, *(form.decode().rstrip("=") for form in in_64)]))


def without_key(text: str, key: str) -> str:
    """Return a text that does not repeat a key."""
    for form in forms_of(key):
        text = text.replace(form, HIDDEN)
    return text


def redacted_path(path: str) -> str:
    """Return the path of a request without what opens something."""
    host = "https://host"
    return without_openers(unsigned_in(f"{host}{path}").removeprefix(host))


def redacted(value: Any, depth: int = 0) -> Any:
    """Return a JSON value without media, signatures and what is too long to read."""
    if isinstance(value, str):
        return _redacted_text(value)
    if depth > _MOST_DEPTH:
        return HIDDEN
    if isinstance(value, list):
        return [redacted(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {
            _redacted_text(str(key)): HIDDEN
            if _is_secret(str(key), inner)
            else redacted(inner, depth + 1)
            for key, inner in value.items()
        }
    return value


def _is_secret(name: str, value: Any) -> bool:
    """Say whether a member opens something by its name; a count of tokens does not."""
    return isinstance(value, str) and len(value) >= LEAST_SECRET and is_opener(name)


def _redacted_text(text: str) -> str:
    if text.startswith("data:"):
        return f"{text.partition(',')[0]},{HIDDEN} ({len(text)} characters)"
    if text.startswith(("https://", "http://")) and " " not in text:
        return without_openers(unsigned(text))
    return without_openers(unsigned_in(text[:_MOST_CHARS]))
