"""Turns the clips of a chain into one long take: pictures copied, sound without a click."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from math import lcm
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.video.stream import VideoStream

from seedrender.errors import ArtifactError
from seedrender.media import marks, seams
from seedrender.media.container import opened
from seedrender.media.h264 import parameter_sets
from seedrender.media.probe import Probe, probe
from seedrender.media.track import Track, track

_FINEST = 10_000_000  # ticks a second; where clips need finer ones, times are rounded
_USUAL = 90_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    """What must be known of a clip before its first packet is written."""

    path: Path
    size: str  # "864x496"
    coding: str  # "h264, yuv420p"
    configuration: bytes
    step: Fraction  # seconds a tick
    start: Fraction  # of the picture, on the clip's own clock
    length: Fraction
    delay: Fraction  # by how much decoding runs ahead of showing
    metadata: Mapping[str, str]


def join(segments: Sequence[Path], target: Path, *, audio: str = "keep") -> Probe:
    """Write the clips one after another to `target`, look at it, and say what it became.

    Marks of generated footage that clips carry are in the take too.

    "keep" decodes the sound, cuts it to the exact length, fades 8 ms at each join and encodes it
    once; "copy" takes its packets as they are; "none" leaves it out.

    Raises:
        ArtifactError: a clip cannot be read, or does not fit the first one; what was written is not
            what the clips show.
    """
    if not segments:
        raise ArtifactError("there are no segments to join")
    try:
        heads = [_head(path) for path in segments]
        _check(heads)
        scale = lcm(*(head.step.denominator for head in heads))
        scale = scale if scale <= _FINEST else _USUAL
        metadata = [head.metadata for head in heads]
        flags = "+faststart+use_metadata_tags" if marks.has_label(metadata) else "+faststart"
        options = {"movflags": flags, "video_track_timescale": str(scale)}
        with (
            opened(segments[0]) as first,
            av.open(str(target), "w", format="mp4", options=options) as output,
        ):
            output.metadata.update(marks.of_all(metadata))
            picture = output.add_stream_from_template(first.streams.video[0])
            sound = None if audio == "none" else track(segments, output, is_copied=audio == "copy")
            _write(output, picture, sound, heads, scale)
    except (av.FFmpegError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "a text in one of them is damaged"
        raise ArtifactError(f"{target.name}: the segments cannot be joined ({why})") from error
    seams.check(target, segments, _starts(heads))
    return probe(target)


def _head(path: Path) -> _Head:
    """Read a clip's packets once, for its exact times."""
    with opened(path) as container:
        if not container.streams.video:
            raise ArtifactError(f"{path.name}: there is no picture in this file")
        video = container.streams.video[0]
        context, step = video.codec_context, video.time_base
        assert step is not None, "a stream in a file has a time base"
        packets = [packet for packet in container.demux(video) if packet.size]
        times = [packet.pts for packet in packets if packet.pts is not None]
        decoding = [packet.dts for packet in packets if packet.dts is not None]
        if not times or len(times) != len(packets) or len(decoding) != len(packets):
            raise ArtifactError(f"{path.name}: its packets carry no times")
        usual = round(1 / (video.average_rate or Fraction(24)) / step)
        end = max(at + (p.duration or usual) for at, p in zip(times, packets, strict=True))
        return _Head(
            path=path,
            size=f"{video.width}x{video.height}",
            coding=f"{context.name}, {context.pix_fmt}",
            configuration=context.extradata or b"",
            step=step,
            start=min(times) * step,
            length=(end - min(times)) * step,
            delay=(min(times) - decoding[0]) * step,
            metadata=dict(container.metadata),
        )


def _check(heads: Sequence[_Head]) -> None:
    """Refuse clips that cannot share one stream with the first."""
    first = heads[0]
    for head in heads[1:]:
        if head.size != first.size:
            raise ArtifactError(
                f"{head.path.name}: {head.size} pixels, but {first.path.name} has {first.size};"
                " render all segments at one resolution and ratio, or upscale them first"
            )
        is_alike = head.configuration == first.configuration or first.coding.startswith("h264,")
        if head.coding != first.coding or not is_alike:
            raise ArtifactError(
                f"{head.path.name}: its picture ({head.coding}) is not encoded as that of"
                f" {first.path.name} ({first.coding}), so it cannot be joined without re-encoding"
            )


def _write(
    output: OutputContainer,
    picture: VideoStream,
    sound: Track | None,
    heads: Sequence[_Head],
    scale: int,
) -> None:
    """Copy clip after clip, picture and sound interleaved by time."""
    is_mixed = len({head.configuration for head in heads}) > 1
    delay = max(head.delay for head in heads)
    for index, (head, start) in enumerate(zip(heads, _starts(heads), strict=True)):
        end = start + head.length
        sets = parameter_sets(head.configuration) if is_mixed else b""
        frames = _frames(head, picture, scale, start, delay, sets)
        samples = sound.add(head.path, start, end, head.start) if sound else []
        if sound and index == len(heads) - 1:
            samples += sound.finish()
        for packet in heapq.merge(frames, samples, key=_time):
            output.mux(packet)


def _starts(heads: Sequence[_Head]) -> list[Fraction]:
    """Return the seconds at which the clips begin in the take."""
    return [*accumulate((head.length for head in heads[:-1]), initial=Fraction(0))]


def _frames(
    head: _Head,
    picture: VideoStream,
    scale: int,
    start: Fraction,
    delay: Fraction,
    sets: bytes,
) -> Iterator[av.Packet[Any]]:
    """Yield a clip's packets at their place in the long take.

    All clips are decoded as far ahead as the one that needs most, so that times never step back.
    """
    shift = start - head.start
    with opened(head.path) as container:
        for source in container.demux(container.streams.video[0]):
            if not source.size:
                continue
            assert source.pts is not None
            assert source.dts is not None
            packet: av.Packet[Any] = source
            if sets and source.is_keyframe:
                packet = av.Packet(sets + bytes(source))
                packet.is_keyframe = True
            at = source.pts * head.step + shift
            ahead = source.dts * head.step + shift - (delay - head.delay)
            packet.duration = round((source.duration or 0) * head.step * scale)
            packet.pts, packet.dts = round(at * scale), round(ahead * scale)
            packet.time_base, packet.stream = Fraction(1, scale), picture
            yield packet


def _time(packet: av.Packet[Any]) -> Fraction:
    assert packet.dts is not None
    assert packet.time_base is not None
    return packet.dts * packet.time_base
