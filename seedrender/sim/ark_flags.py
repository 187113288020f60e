"""Turns the old flags at the end of a prompt, `--rs 720p`, into parameters of an Ark request."""

from __future__ import annotations

import re

_TAIL = re.compile(r"(?:^|\s)--([A-Za-z_]+)\s+([^\s-]\S*|-\d+)\s*$")
_NAMES = {
    "rs": "resolution",
    "resolution": "resolution",
    "rt": "ratio",
    "ratio": "ratio",
    "dur": "duration",
    "duration": "duration",
    "seed": "seed",
    "cf": "camera_fixed",
    "camerafixed": "camera_fixed",
    "wm": "watermark",
    "watermark": "watermark",
}
_WORDS = {"true": True, "false": False}


def split(text: str) -> tuple[str, dict[str, object]]:
    """Return a prompt without its tail of flags, and those that are known, by parameter.

    They are read weakly: what is unknown, or is no value of its parameter, is dropped; only
    resolution and duration are passed on as they are, to be judged.
    """
    found: dict[str, object] = {}
    while match := _TAIL.search(text):
        text = text[: match.start()].rstrip()
        name = _NAMES.get(match[1].lower())
        value = _value(name, match[2])
        if name is not None and value is not None:
            found.setdefault(name, value)
    return text, found


def _value(name: str | None, text: str) -> object:
    is_number = re.fullmatch(r"-?[0-9]{1,9}", text) is not None
    if name == "duration":
        return int(text) if is_number else text
    if name == "seed":
        return int(text) if is_number and int(text) >= -1 else None
    if name in ("camera_fixed", "watermark"):
        return _WORDS.get(text.lower())
    return text
