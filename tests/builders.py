"""Makes values for tests, with defaults for all that a test does not speak of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from seedrender.errors import Origin
from seedrender.values.entry import Fingerprint, JobState, LockEntry, TaskRecord
from seedrender.values.job import CorrelationId, Job, JobId, Mode, Tier
from seedrender.values.task import Artifact, TaskId

T0 = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)


def job(name: str = "spin", **fields: Any) -> Job:
    defaults: dict[str, Any] = {
        "shot": name.partition("/")[0],
        "model": "seedance-2.0",
        "tier": Tier.FAST,
        "mode": Mode.T2V,
        "mode_reason": "t2v: no image and no video is given",
        "prompt": "A kite over the sea.",
        "output": f"renders/{name}.mp4",
        "origin": Origin("film.yaml", 3, 3),
    }
    return Job(id=JobId(name), **{**defaults, **fields})


def record(name: str = "c1", state: JobState = JobState.SUBMITTED, **fields: Any) -> TaskRecord:
    defaults: dict[str, Any] = {
        "fingerprint": Fingerprint(digest="sha256:aa"),
        "provider": "sim",
        "task_id": TaskId(f"task-{name}"),
        "submitted_at": T0,
    }
    return TaskRecord(correlation_id=CorrelationId(name), state=state, **{**defaults, **fields})


def clip(made_by: str = "c1", path: str = "renders/spin.mp4", *, minute: int = 0) -> Artifact:
    return Artifact(
        path=path,
        sha256="ab" * 32,
        size_bytes=1000,
        duration_s=5.0,
        width=864,
        height=496,
        made_at=T0 + timedelta(minutes=minute),
        made_by=made_by,
    )


def entry(name: str = "spin", *tasks: TaskRecord, **fields: Any) -> LockEntry:
    return LockEntry(job=JobId(name), tasks=tasks, **fields)
