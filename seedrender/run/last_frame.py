"""Keeps the last picture of a clip where a provider gives it: its link lapses within a day."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

from seedrender.errors import ArtifactError, ProviderError
from seedrender.run.desk import Desk
from seedrender.run.downloads import download
from seedrender.run.retry import LAST_FRAMES, retried
from seedrender.values.entry import LockEntry, TaskRecord
from seedrender.values.job import Job, MediaKind
from seedrender.values.task import Frame, RemoteFile, Task

if TYPE_CHECKING:
    from seedrender.media.medium import Medium


async def keep(desk: Desk, job: Job, record: TaskRecord, task: Task) -> None:
    """Download the picture and note where it is. That it is lost stops nothing, and is said."""
    if task.last_frame is None or _is_here(desk, job, record):
        return
    tell = partial(desk.listener.note, job.id, "waits")
    try:
        frame = await retried(
            desk, partial(_downloaded, desk, job, task.last_frame), LAST_FRAMES, tell
        )
    except (ProviderError, ArtifactError) as error:
        words = f"its last frame as a picture of its own: {error}"
        desk.listener.note(job.id, "lost", words)
        return
    noted = replace(record, last_frame=frame)
    await desk.store.keep(LockEntry(job=job.id, tasks=(noted,)))


def _is_here(desk: Desk, job: Job, record: TaskRecord) -> bool:
    """Say whether an earlier run has kept it."""
    entry = desk.store.entry(job.id)
    known = [r for r in entry.tasks if r.correlation_id == record.correlation_id] if entry else []
    frame = known[0].last_frame if known else None
    return frame is not None and desk.files.is_present(frame)


async def _downloaded(desk: Desk, job: Job, file: RemoteFile) -> Frame:
    """Raises: ProviderError, ArtifactError: too large, or no picture."""
    content = BytesIO()
    picture = replace(file, kind=MediaKind.IMAGE)
    async with desk.downloads.place(partial(desk.listener.note, job.id, "slow")) as place:
        await download(desk.provider, picture, content, place=place)
    found = await asyncio.to_thread(_inspected, content.getvalue())
    return await desk.files.keep_frame(job.output, content.getvalue(), found.format or "png")


def _inspected(content: bytes) -> Medium:
    from seedrender.media.medium import inspect_picture  # Pillow is loaded where a picture is

    return inspect_picture("what arrived", content)
