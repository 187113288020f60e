"""Reads from an answer's headers how many requests are left, and when to come back.

A header is any text at all: nothing here raises.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from seedrender.values.provider import RateWindow

_MAX_RETRY_AFTER_S = 7 * 86_400.0  # how long is waited is the run's affair
_MAX_WINDOW_S = 300.0
_HALF_A_SECOND = 0.5
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_DATE = re.compile(  # the two forms with a zone that HTTP has, and the one of mails
    r"[A-Za-z]{3,9}, [0-9]{1,2}[ -][A-Za-z]{3}[ -][0-9]{2,4} [0-9]{2}:[0-9]{2}:[0-9]{2} "
    r"(GMT|UTC|[+-][0-9]{4})"
)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Prefer Retry-After, then the end of the rate window."""
    if "Retry-After" in headers:
        wait = headers["Retry-After"]
        return _bounded_s(float(wait)) if _NUMBER.fullmatch(wait) else _until_s(wait, headers)
    found = window(headers)
    return found.reset_in_s if found is not None and found.remaining <= 0 else None


def window(headers: Mapping[str, str]) -> RateWindow | None:
    """Read X-RateLimit-Remaining and -Reset (unix seconds), by the provider's clock."""
    remaining, reset = (
        headers.get("X-RateLimit-Remaining", ""),
        headers.get("X-RateLimit-Reset", ""),
    )
    if not (_NUMBER.fullmatch(remaining) and _NUMBER.fullmatch(reset)):
        return None
    left_s = float(reset) - _their_time(headers)
    return RateWindow(remaining=int(float(remaining)), reset_in_s=_bounded_s(left_s, _MAX_WINDOW_S))


def ahead_s(date: str, received_at: datetime) -> float | None:
    """Say by how much our clock is ahead of a server's, by the `Date` of an answer; None: no date.

    A date is cut to whole seconds.
    """
    said = _moment(date)
    return None if said is None else (received_at - said).total_seconds() - _HALF_A_SECOND


def _until_s(moment: str, headers: Mapping[str, str]) -> float | None:
    """Read how long it is until an HTTP date."""
    said = _moment(moment)
    return None if said is None else _bounded_s(said.timestamp() - _their_time(headers))


def _their_time(headers: Mapping[str, str]) -> float:
    """Return the provider's time, which need not be ours; in whole seconds where it tells it."""
    said = _moment(headers.get("Date", ""))
    return time.time() if said is None else said.timestamp()


def _moment(text: str) -> datetime | None:
    """Read a date with its zone; None: it is another text, or names no day there is."""
    if not _DATE.fullmatch(text):
        return None
    try:
        said = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return said if said.tzinfo is not None else said.replace(tzinfo=UTC)


def _bounded_s(wait: float, most_s: float = _MAX_RETRY_AFTER_S) -> float:
    return min(max(wait, 0.0), most_s)
