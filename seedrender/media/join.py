"""Turns the clips of a chain into one long take: pictures copied bit by bit, sound joined without a click."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from pathlib import Path
from typing import Literal

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from seedrender.errors import ArtifactError
from seedrender.media.h264 import parameter_sets
from seedrender.media.probe import Probe, probe
from seedrender.media.track import FRAME, Track, silent_packets

Sound = Literal["keep", "copy", "none"]

_FINEST = 10_000_000  # ticks a second; beyond that times are rounded


@dataclass(slots=True, kw_only=True)
class _Segment:
    """One clip, its picture's packets in memory and timed from 0."""

    path: Path
    packets: list[av.Packet]
    step: Fraction  # seconds a tick
    delay: Fraction  # by how much decoding runs ahead of showing
    length: Fraction
    start: Fraction  # of the picture on the clip's own clock
    extradata: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """What must be equal for packets to live in one stream."""

    codec: str
    width: int
    height: int
    pixels: str


def join(segments: Sequence[Path], target: Path, *, audio: Sound = "keep") -> Probe:
    """Write the segments one after another to `target` and say what it became.

    "keep" decodes the sound, cuts it to the exact length, fades 8 ms at each join and encodes it once;
    "copy" takes its packets as they are; "none" leaves it out.

    Raises:
        ArtifactError: a segment cannot be read, or does not fit the others.
    """
    if not segments:
        raise ArtifactError("there is nothing to join")
    shapes = [_shape(path) for path in segments]
    _check_shapes(segments, shapes)
    heads = [_read(path, limit=None) for path in segments]
    try:
        with (
            av.open(str(segments[0])) as first,
            av.open(str(target), "w", format="mp4", options=_options(heads)) as output,
        ):
            picture = output.add_stream_from_template(first.streams.video[0])
            track = None if audio == "none" else Track.for_segments(segments, output)
            _write(output, picture, track, heads, audio)
    except av.FFmpegError as error:
        raise ArtifactError(f"{target.name}: the segments cannot be joined ({error})") from error
    return probe(target)
