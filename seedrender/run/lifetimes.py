"""Says how long a job's media must be readable."""

from __future__ import annotations

import math
from collections.abc import Iterable

from seedrender.values.entry import LockEntry, TaskRecord

_FEW = 5  # tasks, from which nothing is concluded
_UNKNOWN_S = 3600.0
_LEAST_S = 600.0
_MOST_S = 48 * 3600.0  # a task waits no longer at any route that we know


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
