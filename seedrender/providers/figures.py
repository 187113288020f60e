"""Reads the optional values of an answer: one that a lock could not keep is left out, and named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from seedrender.providers.messages import shown
from seedrender.values.money import is_sum

_MAX_CHARS = 40  # of an amount as text, and of its digits behind the point: as the lock reads it
_MAX_WHOLE = 2**63
_MAX_S = 253_402_300_800  # the year 10000
_MS = 1000
_MAX_DEPTH = 20
_MONEY = re.compile(r"(?i)amount|cost|price|charge|billed|fee$|credit|tokens$|^total$")

T = TypeVar("T")


class Figures:
    """The reader of one answer.

    A value that is not there is None. One that makes no sense is None, too, and `unread` has its
    name with the provider's own words.
    """

    def __init__(self) -> None:
        self._unread: dict[str, str] = {}

    @property
    def unread(self) -> Mapping[str, str]:
        """What was said and cannot be used: name → the provider's words."""
        return self._unread

    def amount(self, name: str, value: object) -> Decimal | None:
        """Read a sum of money."""
        found = decimal(value)
        return self._kept(name, value, found if found is not None and is_amount(found) else None)

    def whole(self, name: str, value: object) -> int | None:
        """Read a count, or a number of bytes."""
        number = value if isinstance(value, int) and not isinstance(value, bool) else -1
        return self._kept(name, value, number if 0 <= number < _MAX_WHOLE else None)

    def seconds(self, name: str, value: object, *, most: float, unit: int = 1) -> float | None:
        """Read a length of time below `most` seconds; `unit`: parts of a second."""
        number = _number(value)
        is_outside = number is None or not 0 <= number < most * unit
        return self._kept(name, value, None if number is None or is_outside else number / unit)

    def moment(self, name: str, value: object) -> datetime | None:
        """Read a time in seconds since 1970."""
        return self._kept(name, value, _at(_number(value), 1))

    def moment_ms(self, name: str, value: object) -> datetime | None:
        """Read a time in milliseconds since 1970."""
        return self._kept(name, value, _at(_number(value), _MS))

    def _kept(self, name: str, value: object, found: T | None) -> T | None:
        if found is None and value is not None:
            self.note(name, value)
        return found

    def note(self, name: str, value: object) -> None:
        """Keep the words of a value that cannot be used; the first of a name stays."""
        self._unread.setdefault(name, shown(value))


def decimal(value: object) -> Decimal | None:
    """Read a finite number, written as a number or as a text of moderate length."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, int) and abs(value) >= 10**_MAX_CHARS:
        return None  # also: more digits than Python writes
    text = str(value)
    if len(text) > _MAX_CHARS or not text.isascii() or "_" in text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def speaks_of_money(value: object, depth: int = 0) -> bool:
    """Say whether somewhere in a JSON value a sum or a count of tokens stands that is not 0.

    Where that is beside a bill of nothing, nobody knows what was charged.
    """
    if depth > _MAX_DEPTH:
        return True
    if isinstance(value, list):
        return any(speaks_of_money(item, depth + 1) for item in value)
    if not isinstance(value, dict):
        return False
    return any(
        (_MONEY.search(key) is not None and _is_something(inner))
        or speaks_of_money(inner, depth + 1)
        for key, inner in value.items()
    )


def _is_something(value: object) -> bool:
    """Say whether a value is no nothing; objects and lists are looked into instead."""
    if value is None or isinstance(value, bool | dict):
        return False
    if isinstance(value, list):  # a key that stood there twice
        return any(map(_is_something, value))
    return decimal(value) != 0


def is_amount(value: Decimal) -> bool:
    """Whether the lock's reader would take this sum."""
    exponent = value.as_tuple().exponent
    is_fine = isinstance(exponent, int) and exponent >= -_MAX_CHARS
    return is_fine and is_sum(value) and value >= 0 and len(str(value)) <= _MAX_CHARS


def _number(value: object) -> float | None:
    """Return what is a number; it may be infinite, or none at all."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _at(number: float | None, unit: int) -> datetime | None:
    if number is None or not 0 <= number < (_MAX_S - 1) * unit:  # rounding must not leave the year
        return None
    return datetime.fromtimestamp(number / unit, UTC)
