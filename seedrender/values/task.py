"""The provider's record of a submission, and the files it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from seedrender.values.job import MediaKind
from seedrender.values.money import BY_PROVIDER, Amount

TaskId = NewType("TaskId", str)

SUPERSEDED = ".superseded"  # the folder, below the outputs, of clips that were replaced
MAX_BYTES: Mapping[MediaKind, int] = {  # no larger file is downloaded, whatever a server says
    MediaKind.VIDEO: 4 * 2**30,
    MediaKind.AUDIO: 4 * 2**30,
    MediaKind.IMAGE: 64 * 2**20,
}


class TaskState(StrEnum):
    """How far a task is, in one vocabulary for all providers."""

    QUEUED = "queued"
    RUNNING = "running"  # also every state that we do not know
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # may succeed when asked again
    REFUSED = "refused"  # content policy or bad input: never as it is
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the task will not change any more: the only list of ends."""
        return self not in (TaskState.QUEUED, TaskState.RUNNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file at the provider; the URL may be signed and is shown to nobody."""

    url: str
    kind: MediaKind
    size_bytes: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What one poll says."""

    id: TaskId
    state: TaskState
    provider_state: str  # the provider's own word
    video: RemoteFile | None = None
    more_videos: tuple[RemoteFile, ...] = ()  # beside it, in the provider's order: paid as well
    pictures: tuple[RemoteFile, ...] = ()  # where those were asked for: the first is the one
    last_frame: RemoteFile | None = None  # where the request asked for it
    cost: Amount | None = None
    cost_source: str = BY_PROVIDER  # who says so, as in `Cost`
    tokens: int | None = None  # that are billed, where the provider names no money
    message: str | None = None  # why it failed
    render_s: float | None = None  # from submit to end, by the provider's own clock
    unread: Mapping[str, str] = field(default_factory=dict)  # what was said and makes no sense
    sent_as: str | None = None  # our correlation id, where the provider gives it back


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A verified file on disk; `output` in the lock.

    `path` is posix and relative to the manifest. Of two artifacts of one job the one that was put
    in its place later is its output. `made_by` is the correlation id of its task, or the digest of
    a long take's segments.
    """

    path: str
    sha256: str
    size_bytes: int
    duration_s: float | None = None  # None: a picture
    width: int
    height: int
    made_at: datetime  # when it was fetched, or written: a clip that comes back keeps its date
    made_by: str
    placed_at: datetime | None = None  # when it was moved or came back; None: never since `made_at`
    differs: tuple[str, ...] = ()  # from what was asked for, in words
    known_as: str | None = None  # its first sha256, where its task came with other bytes later

    @property
    def identity(self) -> str:
        """Return the sha256 by which what was made from it knows it."""
        return self.known_as or self.sha256

    @property
    def in_place_since(self) -> datetime:
        """Return the time that says which of two artifacts is the output."""
        return self.placed_at or self.made_at

    @property
    def is_picture(self) -> bool:
        """Whether it is no clip."""
        return self.duration_s is None

    @property
    def shape(self) -> str:
        """Say its size, and its length where it has one."""
        length = f", {self.duration_s:g} s" if self.duration_s is not None else ""
        return f"{self.width}x{self.height}{length}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The last picture of a clip as the provider made it, on disk under a name of its own."""

    path: str  # posix, relative to the manifest
    sha256: str
    size_bytes: int
