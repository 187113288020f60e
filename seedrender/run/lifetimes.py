"""Says until when a link can be read, and how long a job's media must be readable."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from seedrender.values.entry import LockEntry, TaskRecord

_SIGNERS = ("x-amz", "x-goog", "x-tos", "x-oss", "x-cos")
_FEW = 5  # tasks, from which nothing is concluded
_UNKNOWN_S = 3600.0
_LEAST_S = 600.0
_MOST_S = 48 * 3600.0  # a task waits no longer at any route that we know
_MAX_EPOCH = 4_102_444_800  # the year 2100


def lapses_at(url: str) -> datetime | None:
    """Read out of a signed URL until when it holds; None: it is not signed, or does not say."""
    query = {k.lower(): v[-1] for k, v in parse_qs(urlsplit(url).query).items()}
    try:
        for signer in _SIGNERS:
            if f"{signer}-date" in query and f"{signer}-expires" in query:
                signed = datetime.strptime(f"{query[f'{signer}-date']}+0000", "%Y%m%dT%H%M%SZ%z")
                return signed + timedelta(seconds=int(query[f"{signer}-expires"]))
        if "expires" in query and 0 < int(query["expires"]) < _MAX_EPOCH:
            return datetime.fromtimestamp(int(query["expires"]), UTC)
        if "se" in query and "sig" in query:
            moment = datetime.fromisoformat(query["se"])
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return None


def expected_wait_s(entries: Iterable[LockEntry], provider: str) -> float:
    """Return how long nineteen of twenty tasks took on a route: until then media must be there."""
    records = (record for entry in entries for record in entry.tasks)
    known = (_wait_s(record) for record in records if record.provider == provider)
    waits = sorted(wait for wait in known if wait is not None)
    if len(waits) < _FEW:
        return _UNKNOWN_S
    return min(max(waits[math.ceil(0.95 * len(waits)) - 1], _LEAST_S), _MOST_S)


def _wait_s(record: TaskRecord) -> float | None:
    if record.render_s is not None:
        return record.render_s
    if record.task_id is None or record.submitted_at is None or record.finished_at is None:
        return None
    return (record.finished_at - record.submitted_at).total_seconds()
