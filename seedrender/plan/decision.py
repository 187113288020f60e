"""What can be decided about a job: a verdict for people, and an act for a run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from seedrender.values.entry import TaskRecord
from seedrender.values.task import Artifact


class Verdict(StrEnum):
    """What a plan says of a job."""

    CURRENT = "current"
    MISSING = "missing"
    STALE = "stale"
    RESUME = "resume"  # paid already: poll or download, buy nothing
    WAITS = "waits"  # for the clip of another job
    BLOCKED = "blocked"
    UNKNOWN = "unknown"
    UNCOLLECTED = "uncollected"  # paid and ended, and its clip could not be fetched
    LOST = "lost"  # paid, and neither the disk nor the provider has it any more
    DIFFERS = "differs"  # its clip is not what was asked for
    AWAITING = "awaiting"  # a person's word


SPENDS = frozenset({Verdict.MISSING, Verdict.STALE})
FOR_PEOPLE = frozenset(  # what a run cannot settle without a person
    {Verdict.UNKNOWN, Verdict.UNCOLLECTED, Verdict.LOST, Verdict.DIFFERS, Verdict.AWAITING}
)
HAS_CLIP = frozenset({Verdict.CURRENT, Verdict.DIFFERS})  # in its place: free work may use it


@dataclass(frozen=True, slots=True)
class Nothing:
    """Leave the job as it is, or to a person."""


@dataclass(frozen=True, slots=True)
class Submit:
    """Buy a task."""


@dataclass(frozen=True, slots=True)
class Settle:
    """Ask what became of a task that may exist, wait for its end, and collect its clip."""

    record: TaskRecord


@dataclass(frozen=True, slots=True)
class Place:
    """Move a clip that is paid for from where its bytes are to where the manifest wants it."""

    record: TaskRecord | None  # None: it is not known which task made it
    clip: Artifact
    found: str  # path, relative to the manifest


@dataclass(frozen=True, slots=True)
class Download:
    """Fetch a clip that is paid for from the provider once more."""

    record: TaskRecord
    clip: Artifact


@dataclass(frozen=True, slots=True)
class Note:
    """Only write the lockfile: the clip is where it belongs."""


Act = Nothing | Submit | Settle | Place | Download | Note
NOTHING = Nothing()


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done about a job, and why."""

    verdict: Verdict
    reason: str
    act: Act = NOTHING
