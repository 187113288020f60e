"""Makes a job of a task whose own job has left the manifest, so that its clip can be collected."""

from __future__ import annotations

import re
from typing import TypeVar

from seedrender.errors import Origin
from seedrender.plan.make import Stray
from seedrender.values.entry import TaskRecord
from seedrender.values.job import Job, JobId, Mode, Tier
from seedrender.values.task import SUPERSEDED

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?(@[0-9]+)?")
K = TypeVar("K", Tier, Mode)
_STEM_CHARS = 12  # of a correlation id, in a file's name


def as_job(stray: Stray, output_dir: str) -> Job:
    """Return a job with what the lock kept of the settings; its clip goes among the superseded."""
    parts = stray.record.fingerprint.parts
    return Job(
        id=JobId(stray.job),
        shot=stray.job,
        model=str(parts.get("model", "")),
        tier=_known(Tier, parts.get("tier"), Tier.STANDARD),
        mode=_known(Mode, parts.get("mode"), Mode.T2V),
        mode_reason="its job has left the manifest",
        prompt=str(parts.get("prompt", "")),
        output=aside(stray.job, stray.record, output_dir),
        origin=Origin("", 1, 1),
    )


def aside(job: str, record: TaskRecord, output_dir: str) -> str:
    """Return where a clip is collected to that is to take no other's place."""
    suffix = re.sub(r"[^A-Za-z0-9]", "", record.correlation_id)[:_STEM_CHARS]
    stem = job if _SAFE.fullmatch(job) else "stray"
    return f"{output_dir}/{SUPERSEDED}/{stem}.{suffix}.mp4"


def _known(kind: type[K], value: object, otherwise: K) -> K:
    try:
        return kind(str(value))
    except ValueError:
        return otherwise
