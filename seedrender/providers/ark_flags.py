"""Finds options written into a prompt: Ark would obey them, whatever the request's fields say."""

from __future__ import annotations

import re
from collections.abc import Iterator

_KEYS = {  # flag → the manifest's key; the empty one: there is none
    **dict.fromkeys(("rs", "resolution"), "resolution"),
    **dict.fromkeys(("rt", "ratio"), "ratio"),
    **dict.fromkeys(("dur", "duration"), "duration"),
    "seed": "seed",
    **dict.fromkeys(("cf", "camerafixed"), "camera_fixed"),
    **dict.fromkeys(("wm", "watermark"), ""),
}
# A known flag is found even where a letter stands before it, and any other word behind a blank:
# how the service reads them is not published, so that more is refused than it may obey.
_FLAG = re.compile(
    rf"--((?ai:{'|'.join(sorted(_KEYS, key=len, reverse=True))}))(?![^\W_])[ \t=]*([^\s-][^\s]*)?"
    r"|(?<!\S)--([^\W\d_][\w-]*)"
)
_SHOWN = 24


def advice(text: str) -> Iterator[tuple[str, str]]:
    """Yield each option as it is written, and what to write in its place."""
    for found in _FLAG.finditer(text):
        known, value, other = found.groups()
        if other is not None:
            yield f"--{other[:_SHOWN]}", "take it out; where it is a dash, write — or one hyphen"
            continue
        key = _KEYS[known.lower()]
        if not key:
            yield f"--{known}", "take it out: no watermark is asked for"
        else:
            yield f"--{known}", f"take it out, and write `{key}: {(value or '…')[:_SHOWN]}`"
