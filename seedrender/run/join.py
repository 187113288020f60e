"""Turns a chain's clips into its one long take, without rendering anything again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from seedrender.run.files import Files
from seedrender.values.manifest import LongTake
from seedrender.values.task import Artifact


async def join(
    take: LongTake, clips: Sequence[Artifact], files: Files, *, made_by: str
) -> Artifact:
    """Join clips into a partial file, verify it, and move it into place.

    Raises: ArtifactError where the clips do not fit together.
    """
    from seedrender.media import join as media  # PyAV is loaded where a take is joined

    part = files.part(take.output)
    paths = [files.path(clip.path) for clip in clips]
    await asyncio.to_thread(media.join, paths, part, audio=take.audio)
    return await files.adopt(part, take.output, made_by=made_by)
