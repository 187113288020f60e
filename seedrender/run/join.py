"""Turns a chain's clips into its one long take, without rendering anything again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from seedrender.errors import ArtifactError
from seedrender.project.files import writing
from seedrender.run.files import Files
from seedrender.values.manifest import LongTake
from seedrender.values.task import Artifact


async def join(
    take: LongTake,
    clips: Sequence[Artifact],
    files: Files,
    *,
    made_by: str,
    replaces: str | None = None,
) -> Artifact:
    """Join clips into a new file, verify it, and move it into place.

    The join before, whose sha256 is `replaces`, is not kept; any other file there is set aside.

    Raises: ArtifactError where the clips do not fit together; StorageError.
    """
    from seedrender.media import join as media  # PyAV is loaded where a take is joined

    paths = [files.path(clip.path) for clip in clips]
    with files.making(take.output) as new:
        with writing(take.output):
            joined = await asyncio.to_thread(media.join, paths, new.path, audio=take.audio)
        length_s = sum(clip.duration_s or 0.0 for clip in clips)
        drift_s = abs(joined.duration_s - length_s)
        if joined.audio_duration_s is not None:
            drift_s = max(drift_s, abs(joined.audio_duration_s - joined.duration_s))
        if not joined.monotonic or drift_s * joined.fps >= 1:
            words = f"{take.output} is out of step by {drift_s:.3f} s over {length_s:g} s"
            raise ArtifactError(words)
        return await files.adopt(new, take.output, made_by=made_by, replaces=replaces)
