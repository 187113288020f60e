"""What the lockfile says of a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from seedrender.values.job import CorrelationId, JobId
from seedrender.values.money import Cost, Quote
from seedrender.values.task import Artifact, Frame, TaskId

GIVEN_UP = ("given up", "simulated")  # begin the error of a task that is wanted no more
NEVER_BEGUN = "cancelled before it started"  # begins the error of a task that cost nothing
LOST = "lost: "  # begins the error of a task that its provider has forgotten
GUESSED = "damaged-"  # begins the correlation id of a record that a damaged line left behind


class JobState(StrEnum):
    """How far a job, or one of its task records, is; a record only moves down this list."""

    SUBMITTING = "submitting"  # on disk before the request leaves
    UNKNOWN = "unknown"  # the answer was lost: a paid task may exist
    PLANNED = "planned"  # of a record: the submit was provably not accepted
    SUBMITTED = "submitted"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAILED = "failed"
    BLOCKED = "blocked"  # refused: never sent again as it is
    SUCCEEDED = "succeeded"  # paid and ready; the clip is not on disk yet
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What a clip was made from, as named parts; equal digests mean equal footage.

    `parts` is empty, and `version` 0, where only the digest was kept. `older` are the digests that
    earlier versions of seedrender gave the same job, where their rules differ from today's.
    """

    digest: str  # "sha256:…"
    version: int = field(default=0, compare=False)
    parts: Mapping[str, Any] = field(default_factory=dict, compare=False)
    older: tuple[str, ...] = field(default=(), compare=False)  # digests by rules that held before

    @property
    def digests(self) -> tuple[str, ...]:
        """Return every digest under which the same footage may be known."""
        return (self.digest, *self.older)

    def is_of(self, other: Fingerprint) -> bool:
        """Say whether a clip that was made for `other` shows what this one asks for."""
        return other.digest in self.digests


class Sighting(StrEnum):
    """What was seen of a task that had ended without a clip, when it was asked for again."""

    RUNS = "runs"
    ENDED = "ended"  # once more, and how is noted
    GONE = "gone"  # nobody says how it ended, or what that cost


_SIGHTINGS = "state"  # in `unread`: the number of the last one, and what it was
_IN_VAIN = frozenset({JobState.BLOCKED, JobState.FAILED, JobState.EXPIRED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """One submission of a job, known by our correlation id; its state only moves forward."""

    correlation_id: CorrelationId
    state: JobState
    fingerprint: Fingerprint  # what it was bought for
    provider: str  # the route it was bought on
    task_id: TaskId | None = None
    submitted_at: datetime | None = None
    finished_at: datetime | None = None
    estimate: Quote | None = None
    cost: Cost | None = None
    retries: int | None = None  # reads that had to be repeated
    render_s: float | None = None  # from submit to end, by the provider's own clock
    error: str | None = None
    last_frame: Frame | None = None  # of its clip
    superseded: Artifact | None = None  # its clip, where that is not the output
    unread: Mapping[str, str] = field(default_factory=dict)  # facts left out: name → what was said
    unlisted_at: datetime | None = None  # of a lost submit: when the list first lacked its task
    account: str | None = None  # of a submit without an answer: whose list may tell of it

    @property
    def is_given_up(self) -> bool:
        """Whether its clip was paid for, and a person gave it up: it cannot be had any more."""
        return self.state is JobState.SUCCEEDED and (self.error or "").startswith(GIVEN_UP)

    @property
    def is_lost(self) -> bool:
        """Whether it was paid for, and its provider has forgotten it."""
        return self._has_trouble and (self.error or "").startswith(LOST)

    @property
    def is_uncollected(self) -> bool:
        """Whether it was paid for, and could not be had when a run asked for it."""
        return self._has_trouble and not self.is_given_up and not self.is_lost

    @property
    def _has_trouble(self) -> bool:
        return self.state in (JobState.SUBMITTED, JobState.SUCCEEDED) and self.error is not None

    @property
    def has_ended_in_vain(self) -> bool:
        """Whether it was refused, or ended without a clip, and nobody has given it up since."""
        is_over = self.state in _IN_VAIN and not self.goes_on
        return is_over and not (self.error or "").startswith(GIVEN_UP)

    @property
    def goes_on(self) -> bool:
        """Whether it had ended without a clip, and was seen to run again since."""
        return self.state in _IN_VAIN and self._last_sighting is Sighting.RUNS

    @property
    def stage(self) -> JobState:
        """How far it is now: a task that goes on after its end is at the provider."""
        return JobState.SUBMITTED if self.goes_on else self.state

    @property
    def bill(self) -> Cost | None:
        """What it did cost; None where that is not known, or it ran again since it was said."""
        return None if self.may_have_run_on else self.cost

    @property
    def may_have_run_on(self) -> bool:
        """Whether it did more after its end, and nobody says how that ended or what it cost."""
        return self.state in _IN_VAIN and self._last_sighting in (Sighting.RUNS, Sighting.GONE)

    @property
    def _last_sighting(self) -> Sighting | None:
        said = self.unread.get(_SIGHTINGS, "").rpartition(" ")[2]
        return Sighting(said) if said in list(Sighting) else None

    def sighted(self, what: Sighting) -> TaskRecord:
        """Return it as it is after one more sighting; the last one holds, in whatever order."""
        number = self.unread.get(_SIGHTINGS, "0").partition(" ")[0]
        count = int(number[:6]) + 1 if number.isdecimal() and number.isascii() else 1
        return replace(self, unread={**self.unread, _SIGHTINGS: f"{count:06d} {what.value}"})

    @property
    def is_guess(self) -> bool:
        """Whether no provider can be asked for it: it stands for a line that was damaged."""
        return self.correlation_id.startswith(GUESSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A person's word: the clip stays as it is, whatever the manifest says; the last word holds."""

    is_on: bool
    at: datetime
    made_by: CorrelationId | None = None  # the task whose clip it is; None: that in its place


@dataclass(frozen=True, slots=True, kw_only=True)
class LockEntry:
    """Everything that is known of one job; an `Event` is one that knows only what happened now."""

    job: JobId
    tasks: tuple[TaskRecord, ...] = ()  # in order of submission
    output: Artifact | None = None
    pin: Pin | None = None

    @property
    def is_pinned(self) -> bool:
        """Whether a person keeps the clip as it is."""
        return self.pin is not None and self.pin.is_on


Event = LockEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The lockfile as a value."""

    manifest: str  # file name, for people
    renamed: Mapping[JobId, JobId] = field(default_factory=dict)  # id now → id still in the file
    entries: Mapping[JobId, LockEntry] = field(default_factory=dict)
