"""Says how the rest of a file is asked for, and whether an answer proves that it is that rest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from seedrender.values.provider import Received, Version

_STRONG_ETAG = re.compile(r'"[!#-~]{1,200}"')
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_SETTLED = timedelta(seconds=1)  # a file written within the second may change unnoticed


def version(headers: Mapping[str, str], total_bytes: int | None) -> Version | None:
    """Return what names the file of a whole answer; None: nothing that proves anything."""
    if not total_bytes or headers.get("Accept-Ranges", "").strip().lower() == "none":
        return None
    etag = headers.get("ETag", "").strip()
    if etag:
        is_strong = _STRONG_ETAG.fullmatch(etag) is not None
        return Version(validator=etag, total_bytes=total_bytes) if is_strong else None
    changed, now = _date(headers.get("Last-Modified")), _date(headers.get("Date"))
    if changed is None or now is None or changed + _SETTLED > now:
        return None
    return Version(validator=headers["Last-Modified"].strip(), total_bytes=total_bytes)


def asking(known: Received) -> Mapping[str, str]:
    """Return the headers that ask for what is missing, if the file is still the same."""
    if known.version is None or not 0 < known.size_bytes < known.version.total_bytes:
        return {}
    return {"Range": f"bytes={known.size_bytes}-", "If-Range": known.version.validator}


def proven_end(
    headers: Mapping[str, str], length: int | None, known: Received, encoding: str
) -> int | None:
    """Return where a partial answer (206) ends that continues what is known; None: it does not."""
    found = _RANGE.fullmatch(headers.get("Content-Range", "").strip())
    if known.version is None or found is None or encoding:
        return None
    start, last, total = (int(number) for number in found.groups())
    same = known.version.validator in (
        headers.get("ETag", "").strip(),
        headers.get("Last-Modified", "").strip(),
    )
    is_rest = start == known.size_bytes <= last < total == known.version.total_bytes
    fits = length is None or length == last + 1 - start
    return last + 1 if same and is_rest and fits else None


def _date(text: str | None) -> datetime | None:
    if not text or len(text) > 40 or not text.isascii() or not text.isprintable():  # noqa: PLR2004
        return None
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError, TypeError):
        return None
    return found if found.tzinfo is not None else None
