"""Compares what a clip was made from with what the manifest says now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seedrender.errors import Origin
from seedrender.values.entry import Fingerprint
from seedrender.values.job import Job

_FIELDS = {"duration_s": "duration"}  # part of a fingerprint → key of a manifest
CONTINUES = "continues"  # the part that names the parents' clips


@dataclass(frozen=True, slots=True)
class Change:
    """One part of a fingerprint that differs; None: it was, or is, not set."""

    part: str
    old: Any
    new: Any
    origin: Origin  # where the manifest says it, or the job's own line


def compare(job: Job, old: Fingerprint, new: Fingerprint) -> tuple[Change, ...]:
    """Return the parts that differ, in the order of the old ones."""
    return tuple(
        Change(part, old.parts.get(part), new.parts.get(part), _origin(job, part))
        for part in {**old.parts, **new.parts}
        if old.parts.get(part) != new.parts.get(part)
    )


def _origin(job: Job, part: str) -> Origin:
    return job.origin_of(_FIELDS.get(part, part))
