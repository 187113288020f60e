"""The manifest after its shape was checked, before anything is expanded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from seedrender.errors import Origin
from seedrender.values.hosting import PROVIDER_FILES, Hosting
from seedrender.values.job import JobId, Reference
from seedrender.values.money import Limit, Rate

JoinAudio = Literal["keep", "copy", "none"]  # encoded once more and exact; packets as they are
Path = tuple[str | int, ...]  # from the document's root to a value


@dataclass(frozen=True, slots=True, kw_only=True)
class LongTake:
    """The one file that a chain's segments are joined into."""

    id: JobId  # the chain's name
    segments: tuple[JobId, ...]
    output: str  # relative to the manifest, posix
    audio: JoinAudio = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class PollSchedule:
    """When to look at a task; not a limit on how often."""

    first_s: float = 15.0
    interval_s: float = 5.0
    max_interval_s: float = 30.0
    jitter: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """How a run behaves; nothing here changes the footage."""

    concurrency: int | None = None
    requests_per_minute: int | None = None
    budget: tuple[Limit, ...] = ()  # of the whole film; each holds
    deadline_s: float | None = None
    poll: PollSchedule = PollSchedule()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One film, as its author wrote it; texts in its settings may hold expressions.

    `defaults`, `profiles`, `templates`, `shots` and `chains` are as in the file: what is unset
    there stays unset.
    """

    name: str
    provider: str
    vars: Mapping[str, Any] = field(default_factory=dict)
    given: Mapping[str, tuple[str, Origin]] = field(default_factory=dict)  # vars of flags: whose
    moved: Mapping[str, str] = field(default_factory=dict)  # id before → id now, of jobs and shots
    defaults: Mapping[str, Any] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    references: Mapping[str, Reference] = field(default_factory=dict)
    templates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    shots: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    chains: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    hosting: Hosting = PROVIDER_FILES
    output_dir: str = "renders"
    output_name: str = "{{ job.id }}.mp4"
    run: RunSettings = RunSettings()
    rates: tuple[Rate, ...] = ()  # of its own price table; the first that fits holds
    route_in_identity: bool = False  # a clip of another route is another clip
