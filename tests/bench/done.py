"""Writes the lockfile and the clips of a manifest as if it had been rendered."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from seedrender.lock import lockfile
from seedrender.lock.fingerprint import fingerprint
from seedrender.run import project
from seedrender.values.entry import JobState, Lock, LockEntry, TaskRecord
from seedrender.values.job import CorrelationId
from seedrender.values.task import Artifact, TaskId


def main(manifest: Path) -> None:
    """Write them."""
    found = project.load(manifest)
    now = datetime(2026, 11, 23, tzinfo=UTC)
    entries = {}
    for number, job in enumerate(found.jobs):
        made_by = CorrelationId(f"{number:032x}")
        record = TaskRecord(
            correlation_id=made_by,
            state=JobState.SUCCEEDED,
            fingerprint=fingerprint(job, {}, {}),
            provider="sim",
            task_id=TaskId(f"task-{number}"),
            submitted_at=now,
            finished_at=now,
        )
        output = Artifact(
            path=job.output,
            sha256="ab" * 32,
            size_bytes=1,
            duration_s=4.0,
            width=864,
            height=496,
            made_at=now,
            made_by=made_by,
        )
        path = manifest.parent / job.output
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        entries[job.id] = LockEntry(job=job.id, tasks=(record,), output=output)
    text = lockfile.dumps(Lock(manifest=manifest.name, entries=entries))
    found.lock_path.write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
