"""Looks at a long take that was written: does it show each of its clips from the first picture?"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
from av.container import InputContainer

from seedrender.errors import ArtifactError
from seedrender.media.container import opened

_LOOKED_AT = 3  # pictures behind a seam, and pieces of sound


def check(take: Path, clips: Sequence[Path], starts: Sequence[Fraction]) -> None:
    """Decode a take behind each seam, and compare its pictures with those of the clip.

    `starts` are the seconds at which the clips begin. Of the sound, only that it can be decoded is
    looked at; so is what leads up to a seam.

    Raises: ArtifactError: something else is shown there, or nothing.
    """
    try:
        with opened(take) as container:
            for clip, start in zip(clips, starts, strict=True):
                if _pictures(container, start) != _beginning(clip):
                    raise ArtifactError(
                        f"{take.name} was written, and does not show {clip.name} from its beginning"
                    )
                _hear(container, start)
    except (av.FFmpegError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "a text in it is damaged"
        words = f"{take.name} was written, and cannot be decoded ({why})"
        raise ArtifactError(words) from error


def _beginning(clip: Path) -> list[str]:
    with opened(clip) as container:
        return [_digest(frame) for frame in islice(container.decode(video=0), _LOOKED_AT)]


def _pictures(container: InputContainer, start: Fraction) -> list[str]:
    """Return the first pictures from a moment on."""
    video = container.streams.video[0]
    assert video.time_base is not None, "a stream in a file has a time base"
    container.seek(round(start / video.time_base), stream=video, backward=True)
    early = Fraction(1, 2) / (video.average_rate or 24)  # times may be rounded
    found = []
    for frame in container.decode(video):
        if frame.pts is not None and frame.pts * video.time_base >= start - early:
            found.append(_digest(frame))
        if len(found) == _LOOKED_AT:
            break
    return found


def _hear(container: InputContainer, start: Fraction) -> None:
    for sound in container.streams.audio[:1]:
        assert sound.time_base is not None, "a stream in a file has a time base"
        container.seek(round(start / sound.time_base), stream=sound, backward=True)
        for _ in islice(container.decode(sound), _LOOKED_AT):
            pass


def _digest(frame: av.VideoFrame) -> str:
    return hashlib.sha256(frame.to_image().tobytes()).hexdigest()
