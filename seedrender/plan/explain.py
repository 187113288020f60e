"""Compares what a clip was made from with what the manifest says now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seedrender.errors import Origin, printable
from seedrender.lock.fingerprint import OF_PARENTS, fingerprint
from seedrender.lock.identity import Asked
from seedrender.values.entry import Fingerprint, TaskRecord
from seedrender.values.job import Job

_FIELDS = {"duration_s": "duration", "uses": "references"}  # part of a fingerprint → manifest's key

Parts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One part of a fingerprint that differs; None: it was, or is, not set."""

    part: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class Change(Difference):
    """A difference, and where the manifest says it, or the job's own line."""

    origin: Origin


def compare(job: Job, old: Fingerprint, new: Fingerprint) -> tuple[Change, ...]:
    """Return the parts that differ, in the order of the old ones."""
    return tuple(
        Change(found.part, found.old, found.new, _origin(job, found.part))
        for found in differences(old.parts, new.parts)
    )


def other_route(made_by: TaskRecord | None, asked: Asked, origin: Origin) -> tuple[Change, ...]:
    """Return that a clip does not pass since another route made it; empty: it passes."""
    if made_by is None or asked.takes(made_by):
        return ()
    return (Change("provider", made_by.provider, asked.route, origin),)


def differences(old: Parts, new: Parts) -> tuple[Difference, ...]:
    """Return the parts that differ, in the order of the old ones."""
    return tuple(
        Difference(part, old.get(part), new.get(part))
        for part in {**old, **new}
        if old.get(part) != new.get(part)
    )


def definition(job: Job, digests: Mapping[str, str]) -> Fingerprint:
    """Fingerprint a job without what its parents make: that may be still to come."""
    return without_parents(fingerprint(job, digests, dict.fromkeys(job.parents, "")))


def without_parents(whole: Fingerprint) -> Fingerprint:
    """Leave what the parents made out of the parts."""
    parts = {name: value for name, value in whole.parts.items() if name not in OF_PARENTS}
    return Fingerprint(digest=whole.digest, version=whole.version, parts=parts)


def shown(value: Any) -> str:
    """Write the value of a part for people, in one line."""
    if value is None:
        return "not set"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return printable(text)


def _origin(job: Job, part: str) -> Origin:
    return job.origin_of(_FIELDS.get(part, part))
