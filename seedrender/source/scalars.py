"""Turns an unquoted YAML scalar into its value, as YAML 1.2 reads it."""

from __future__ import annotations

import math
import re

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_MAX_DIGITS = 300


def plain(text: str) -> str | int | float | bool | None:
    """Read an unquoted scalar: `no`, `16:9` and dates stay texts.

    Raises: ValueError for numbers beyond reason.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in "0123456789+-.":
        return text
    if len(text) > _MAX_DIGITS and (_FLOAT.fullmatch(text) or _INT.fullmatch(text)):
        raise ValueError("this number is too long")
    if _INT.fullmatch(text):
        return int(text, 0) if text.startswith(("0o", "0x")) else int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise ValueError("this number is too large")
        return number
    return text


def is_typed(text: str) -> bool:
    """Say whether a text would read as something else without quotes."""
    return text in _CONSTANTS or bool(_INT.fullmatch(text) or _FLOAT.fullmatch(text))
