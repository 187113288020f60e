"""What every provider offers: the methods that the executor calls."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, NewType, Protocol, runtime_checkable

from seedrender.errors import Violation
from seedrender.values.job import CorrelationId, Job, MediaKind, Submission
from seedrender.values.money import NO_VIDEO, Price, Span
from seedrender.values.task import RemoteFile, Task, TaskId

NO_WITNESSES: Mapping[TaskId, CorrelationId] = MappingProxyType({})

MediaUrl = NewType("MediaUrl", str)  # https, data or asset: what goes into a body


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFile:
    """A file on this machine that a provider must be given."""

    path: str  # absolute
    kind: MediaKind
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an account may do at once."""

    concurrency: int  # tasks in flight
    requests_per_minute: int
    batch: int = 0  # tasks that one list call tells of; 0: the route has no such call
    settle_s: float = 900.0  # age from which an empty answer to `find` proves that nothing exists
    hold_s: float = 0.0  # how long a poll may be held until the task ends; 0: not at all
    speed: float = 1.0  # seconds that pass at the provider in one of ours; not 1 for the simulator


@dataclass(frozen=True, slots=True, kw_only=True)
class RateWindow:
    """What an answer says of the provider's own count of our requests."""

    remaining: int  # requests that are left
    reset_in_s: float  # from that answer until a new window opens


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What tells one version of a file from every other one, in the words of its server."""

    validator: str  # a strong ETag, or a Last-Modified date
    total_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """The start of a file that has arrived already."""

    size_bytes: int = 0
    version: Version | None = None  # None: nothing can prove that a later answer continues it


class Block(NamedTuple):
    """A part of a file and its place; 0 after the start: what came before is void."""

    at: int
    data: bytes
    version: Version | None = None


class Provider(Protocol):
    """One video API under one account."""

    name: str
    limits: Limits

    @property
    def window(self) -> RateWindow | None:
        """What the newest answer says of the request count; None: nothing."""
        ...

    def violations(self, job: Job) -> Sequence[Violation]:
        """Say what the model would refuse in this job; pure."""
        ...

    def price(self, job: Job, video: Span = NO_VIDEO) -> Price:
        """Say what the job will cost, with so many seconds of video among its input; pure."""
        ...

    def encode(
        self, job: Job, media: Mapping[str, MediaUrl], correlation_id: CorrelationId
    ) -> Submission:
        """Build the request; `media` maps reference names and needed job ids to URLs; pure."""
        ...

    async def upload(self, file: LocalFile) -> MediaUrl:
        """Make a local file readable for the provider."""
        ...

    async def submit(self, submission: Submission) -> TaskId:
        """Buy one task. Raises: SubmissionUnknownError where it may exist without our knowing."""
        ...

    async def poll(self, task_id: TaskId, *, hold: bool = False) -> Task:
        """Read a task; free. `hold`: the answer may wait for the task's end, for a while."""
        ...

    async def poll_many(self, task_ids: Sequence[TaskId]) -> Mapping[TaskId, Task]:
        """Read many tasks at once where `limits.batch` says so; unknown ones are left out."""
        ...

    def retrieve(self, file: RemoteFile) -> AsyncGenerator[bytes, None]:
        """Stream a result. Raises: ArtifactError where fewer bytes arrive than were promised."""
        ...

    async def find(
        self,
        correlation_id: CorrelationId,
        *,
        since: datetime | None = None,
        witnesses: Mapping[TaskId, CorrelationId] = NO_WITNESSES,
    ) -> Sequence[TaskId] | None:
        """List tasks made under a correlation id; None: the provider cannot tell.

        Nothing in the list is a proof that nothing was created. `since` is when it was sent, and
        `witnesses` are other tasks of the same account, each with the id that it was sent under:
        what can be seen of them shows whether the provider's list is to be trusted.
        """
        ...

    async def cancel(self, task_id: TaskId) -> bool:
        """Ask for an end before it starts; False: it will run on, and be paid."""
        ...


@runtime_checkable
class Resumable(Protocol):
    """A provider that can continue a download where it stopped; no provider has to."""

    def retrieve_rest(self, file: RemoteFile, known: Received) -> AsyncGenerator[Block, None]:
        """Stream what is missing where the server proves that it is the same file, else the whole.

        The first block is at `known.size_bytes`, or at 0.

        Raises: ArtifactError where fewer bytes arrive than were promised.
        """
        ...
