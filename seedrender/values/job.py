"""Jobs and the requests made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NewType

from seedrender.errors import Origin

JobId = NewType("JobId", str)
CorrelationId = NewType("CorrelationId", str)  # ours, one per job and attempt

CHOSEN_BY_MODEL = -1  # a duration: the model takes as many whole seconds as it sees fit


class MediaKind(StrEnum):
    """What a reference or a resource is."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"


class Role(StrEnum):
    """What a reference does in a shot."""

    REFERENCE = "reference"
    FIRST_FRAME = "first_frame"
    LAST_FRAME = "last_frame"


class Mode(StrEnum):
    """The endpoint variant: what the model is given beside the prompt."""

    T2V = "t2v"
    I2V = "i2v"
    V2V = "v2v"
    T2I = "t2i"  # a picture is made, not a clip
    I2I = "i2i"

    @property
    def makes(self) -> MediaKind:
        """What comes of it."""
        return MediaKind.IMAGE if self in (Mode.T2I, Mode.I2I) else MediaKind.VIDEO


class Tier(StrEnum):
    """Speed and price class of a model."""

    STANDARD = "standard"
    FAST = "fast"
    MINI = "mini"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """An image, clip or sound given to the model: one of path, url, asset and shot is set."""

    name: str
    kind: MediaKind
    path: str | None = None  # relative to the manifest, posix
    url: str | None = None
    asset: str | None = None
    shot: JobId | None = None  # the job that makes it
    authorised_by: str | None = None  # who allowed its use, as the author notes it


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceUse:
    """A reference in the place where a job uses it."""

    reference: Reference
    role: Role = Role.REFERENCE


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value was written: a place in a file, and the path to it."""

    origin: Origin
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One take of a shot or one segment of a chain: the unit we submit and pay for.

    In `prompt` a reference is still written by name, as `{{ ref.NAME }}`, and the clip that a
    segment continues as `{{ previous }}`; `provider.encode` puts the route's placeholders there.
    """

    id: JobId  # "spin/black-front-rain@2", "flythrough/03"
    shot: str  # the name of the shot or chain in the manifest
    model: str  # family: "seedance-2.0"
    tier: Tier
    mode: Mode
    mode_reason: str  # "v2v: continues flythrough/02"
    prompt: str
    take: int = 1
    segment: int | None = None  # counts from 1 in a chain; None: a shot
    duration_s: int | None = None  # None, here and below: the author did not say, nor do we
    resolution: str | None = None
    ratio: str | None = None
    audio: bool | None = None
    seed: int | None = None
    camera_fixed: bool | None = None
    negative_prompt: str | None = None
    references: tuple[ReferenceUse, ...] = ()
    needs: tuple[JobId, ...] = ()  # jobs whose clips this one continues
    output: str  # the clip's path, relative to the manifest, posix
    tags: tuple[str, ...] = ()
    origin: Origin  # the shot's or segment's own line
    row: Origin | None = None  # the data row that it comes from
    places: Mapping[str, Place] = field(default_factory=dict, compare=False, repr=False)
    # field name → where its value was written

    @property
    def makes(self) -> MediaKind:
        """What the job leaves behind: a clip or a picture."""
        return self.mode.makes

    @property
    def parents(self) -> tuple[JobId, ...]:
        """Jobs whose clip or picture this one is made from: continued first, then given."""
        made = (use.reference.shot for use in self.references)
        return tuple(dict.fromkeys([*self.needs, *filter(None, made)]))

    @property
    def stated_duration_s(self) -> int | None:
        """Return how long the author wants it; None: nothing was said, or the model chooses."""
        return None if self.duration_s == CHOSEN_BY_MODEL else self.duration_s

    def origin_of(self, name: str) -> Origin:
        """Return where the value of a field was written."""
        return self.places[name].origin if name in self.places else self.origin

    def path_of(self, name: str) -> tuple[str | int, ...]:
        """Return the path, in its file, to the value of a field; empty: it was not written."""
        return self.places[name].path if name in self.places else ()


FOOTAGE = frozenset(  # fields that change the picture: they are fingerprinted
    {"model", "tier", "mode", "prompt", "take", "duration_s", "resolution", "ratio", "audio"}
    | {"seed", "camera_fixed", "negative_prompt", "references", "needs"}
)
RUNTIME = frozenset(  # fields that do not
    {"id", "shot", "segment", "mode_reason", "output", "tags", "origin", "row", "places"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The exact request for a job, without secrets."""

    job: JobId
    correlation_id: CorrelationId
    path: str
    body: Mapping[str, Any]
