"""What happens in a run, as typed events: a closed set."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar

from seedrender.values.job import JobId


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, and when by the wall clock."""

    name: ClassVar[str] = ""

    at: datetime

    def as_json(self) -> dict[str, Any]:
        """Return the event as `run --events` writes it: a field without a value is left out."""
        found = ((one.name, getattr(self, one.name)) for one in fields(self))
        known = {name: value for name, value in found if value != "" and name != "at"}
        at = self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"event": self.name, "at": at, **known}


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(Event):
    """A run begins."""

    name: ClassVar[str] = "started"

    manifest: str
    jobs: int  # that are selected
    pending: int  # that are not done


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Event):
    """A run has ended: the last event."""

    name: ClassVar[str] = "ended"

    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(Event):
    """What concerns the whole run, in words."""

    name: ClassVar[str] = "said"

    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent(Event):
    """What happened to one job, or to one long take."""

    is_end: ClassVar[bool] = False  # nothing more happens to the job in this run
    is_bad: ClassVar[bool] = False  # somebody should look at it

    job: JobId
    profile: str = ""  # empty: the plain run

    @property
    def what(self) -> str:
        """Return the word for people."""
        return self.name

    @property
    def detail(self) -> str:
        """Return what people read behind the word."""
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfTask(JobEvent):
    task_id: str

    @property
    def detail(self) -> str:
        return self.task_id


@dataclass(frozen=True, slots=True, kw_only=True)
class _WithReason(JobEvent):
    reason: str = ""

    @property
    def detail(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class _WithFile(JobEvent):
    path: str

    @property
    def detail(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted(_OfTask):
    """A task was bought."""

    name: ClassVar[str] = "submitted"

    reason: str = ""

    @property
    def detail(self) -> str:
        """Return the task and why it was bought."""
        return f"{self.task_id} ({self.reason})" if self.reason else self.task_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(_OfTask):
    """A task of an earlier run is waited for."""

    name: ClassVar[str] = "resumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering(_OfTask):
    """The provider works on a task."""

    name: ClassVar[str] = "rendering"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(_WithReason):
    """A job cannot go on yet."""

    name: ClassVar[str] = "waits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(_WithFile):
    """A clip is in its place."""

    name: ClassVar[str] = "done"
    is_end: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined(_WithFile):
    """The segments of a long take were joined."""

    name: ClassVar[str] = "joined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept(_WithReason):
    """A file that came unasked was kept."""

    name: ClassVar[str] = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost(_WithReason):
    """Something that came with a clip could not be kept."""

    name: ClassVar[str] = "lost"
    is_bad: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing(_WithReason):
    """A clip is not what was asked for; it is kept."""

    name: ClassVar[str] = "differs"
    is_bad: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow(_WithReason):
    """A download crawls."""

    name: ClassVar[str] = "slow"


@dataclass(frozen=True, slots=True, kw_only=True)
class _BadEnd(_WithReason):
    is_end: ClassVar[bool] = True
    is_bad: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed(_BadEnd):
    """The provider could not render a task."""

    name: ClassVar[str] = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked(_BadEnd):
    """The provider refused a request or its result: it is not sent again as it is."""

    name: ClassVar[str] = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired(_BadEnd):
    """The provider has forgotten a task."""

    name: ClassVar[str] = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled(_BadEnd):
    """A task was cancelled at the provider."""

    name: ClassVar[str] = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(_BadEnd):
    """A paid task may exist, and nobody can say so yet."""

    name: ClassVar[str] = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Errored(_BadEnd):
    """An error ended the work on a job in this run."""

    name: ClassVar[str] = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left(_WithReason):
    """Nothing is done for a job in this run: `verdict` is the plan's word for what it is."""

    name: ClassVar[str] = "left"

    verdict: str

    @property
    def what(self) -> str:
        """Return the plan's word."""
        return self.verdict


_REASONED = (
    *(Waiting, Kept, Lost, Differing, Slow),
    *(Failed, Blocked, Expired, Cancelled, Unknown, Errored),
)
LASTING = (Kept, Lost, Differing, Slow)  # stay as lines where rows come and go
_BY_TASK = (Resumed, Rendering)
_BY_FILE = (Done, Joined)


def job_event(at: datetime, profile: str, job: JobId, what: str, detail: str) -> JobEvent:
    """Return the event that a word and a detail stand for."""
    if what == Submitted.name:
        task, _, reason = detail.partition(" (")
        reason = reason.removesuffix(")")
        return Submitted(at=at, job=job, profile=profile, task_id=task, reason=reason)
    for of_task in _BY_TASK:
        if of_task.name == what:
            return of_task(at=at, job=job, profile=profile, task_id=detail)
    for with_file in _BY_FILE:
        if with_file.name == what:
            return with_file(at=at, job=job, profile=profile, path=detail)
    for with_reason in _REASONED:
        if with_reason.name == what:
            return with_reason(at=at, job=job, profile=profile, reason=detail)
    return Left(at=at, job=job, profile=profile, verdict=what, reason=detail)
