"""Turns a file into what it really contains: its packets are read, not only its promises."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
from av.stream import Stream

from seedrender.errors import ArtifactError
from seedrender.media import gif, units
from seedrender.media.container import opened

MAX_PACKETS = 2_000_000  # some ten hours of sound and picture
_BOX = struct.Struct(">I4s")
_WIDE = struct.Struct(">Q")
_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp")
_CONTAINERS = {"apng": "apng", "gif": "gif", "mpegts": "ts", "ogg": "ogv", "asf": "wmv"}
_ANIMATED = ("apng", "gif")  # where one frame is a still picture
_EBML_BYTES = 256  # within which Matroska says whether it is WebM
_WEBM = re.compile(rb"\x42\x82[\x80-\xff]webm")
_SLACK_S = 0.5  # how far containers without a frame count may be off


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a clip is, as its packets say."""

    width: int
    height: int
    duration_s: float  # of the picture
    fps: float
    frames: int
    video_codec: str
    audio_codec: str | None
    audio_duration_s: float | None
    size_bytes: int
    container: str  # "mp4", "mov", "webm", "gif", "mkv" …: also the suffix of its name
    monotonic: bool  # decoding times only grow, in each stream

    @property
    def has_sound(self) -> bool:
        """Whether there is a track of sound, which may be silent."""
        return self.audio_codec is not None


@dataclass(slots=True)
class _Count:
    """What was seen of one stream so far."""

    packets: int = 0
    length: Fraction = Fraction(0)
    start: Fraction | None = None
    end: Fraction = Fraction(0)
    last: int | None = None
    monotonic: bool = True


def probe(path: Path, *, max_packets: int = MAX_PACKETS) -> Probe:
    """Read a clip from one end to the other and say what it is.

    Raises:
        ArtifactError: it is empty, truncated, or no clip.
    """
    try:
        size = path.stat().st_size
        if not size:
            raise ArtifactError(f"{path.name}: the file is empty")
        with path.open("rb") as file:
            _check_boxes(path.name, file, size)
            if gif.is_gif(file) and not gif.is_whole(file):
                raise ArtifactError(f"{path.name}: cut short, the GIF has no end")
        with opened(path) as container:
            return _probe(path, container, size, max_packets)
    except (av.FFmpegError, UnicodeDecodeError) as error:
        words = getattr(error, "strerror", None) or "a text in it is damaged"
        raise ArtifactError(f"{path.name}: not a clip that can be read ({words})") from error
    except OSError as error:
        raise ArtifactError(f"{path.name}: cannot be read ({error.strerror or error})") from error


def has_sound(path: Path) -> bool:
    """Say whether a clip has a track of sound; its packets are not read. Raises: ArtifactError."""
    try:
        with opened(path) as container:
            return bool(container.streams.audio)
    except (av.FFmpegError, UnicodeDecodeError, OSError) as error:
        raise ArtifactError(f"{path.name}: not a clip that can be read ({error})") from error


def _probe(
    path: Path, container: av.container.InputContainer, size: int, max_packets: int
) -> Probe:
    name, form = path.name, _container(path, container)
    if container.format.name == "image2" or container.format.name.endswith("_pipe"):
        raise ArtifactError(f"{name}: a still picture, not a clip")
    if not container.streams.video:
        raise ArtifactError(f"{name}: there is no picture in this file")
    video = container.streams.video[0]
    audio = container.streams.audio[0] if container.streams.audio else None
    streams: list[Stream] = [video] if audio is None else [video, audio]
    counts = _counts(name, container, streams, max_packets)
    for stream in streams:
        _check_complete(name, stream, counts[stream.index])
    seen = counts[video.index]
    if form in _ANIMATED and seen.packets == 1:
        raise ArtifactError(f"{name}: a still picture, not a clip")
    if len(counts) == 1 or not all(stream.frames for stream in streams):
        _check_length(name, container, counts)
    if not video.width or not video.height or not seen.length:
        raise ArtifactError(f"{name}: the picture has no size or no length")
    sound = counts[audio.index] if audio is not None else None
    return Probe(
        width=video.width,
        height=video.height,
        duration_s=float(seen.length),
        fps=float(seen.packets / seen.length),
        frames=seen.packets,
        video_codec=video.codec_context.name,
        audio_codec=audio.codec_context.name if audio is not None else None,
        audio_duration_s=float(sound.end) if sound is not None else None,
        size_bytes=size,
        container=form,
        monotonic=all(count.monotonic for count in counts.values()),
    )


def _container(path: Path, container: av.container.InputContainer) -> str:
    """Name the container; families that share a reader are told apart by their own words."""
    names = container.format.name.split(",")
    if "mp4" in names:
        return "mov" if container.metadata.get("major_brand") == "qt  " else "mp4"
    if "webm" in names:
        with path.open("rb") as file:
            return "webm" if _WEBM.search(file.read(_EBML_BYTES)) else "mkv"
    return _CONTAINERS.get(names[0], names[0])


def _counts(
    name: str,
    container: av.container.InputContainer,
    streams: list[Stream],
    max_packets: int,
) -> dict[int, _Count]:
    """Add up every packet of the given streams."""
    counts = {stream.index: _Count() for stream in streams}
    steps = {stream.index: stream.time_base or Fraction(0) for stream in streams}
    lengths = {stream.index: units.length_bytes(stream) for stream in streams}
    for number, packet in enumerate(container.demux(streams)):
        if number >= max_packets:
            raise ArtifactError(f"{name}: more than {max_packets} packets; not read to its end")
        if not packet.size:  # the end of a stream
            continue
        length = lengths[packet.stream_index]
        if packet.is_corrupt or (length and not units.are_whole(bytes(packet), length)):
            raise ArtifactError(f"{name}: a packet is damaged or cut short")
        count, step = counts[packet.stream_index], steps[packet.stream_index]
        count.packets += 1
        count.length += (packet.duration or 0) * step
        if packet.pts is not None:
            at = packet.pts * step
            count.start = at if count.start is None else min(at, count.start)
            count.end = max(count.end, at + (packet.duration or 0) * step)
        if packet.dts is not None:
            count.monotonic &= count.last is None or packet.dts > count.last
            count.last = packet.dts
    return counts


def _check_complete(name: str, stream: Stream, seen: _Count) -> None:
    """Refuse fewer packets than the index of the container lists."""
    if not seen.packets:
        raise ArtifactError(f"{name}: {stream.type} is announced, but there is none")
    if stream.frames and seen.packets < stream.frames:
        raise ArtifactError(
            f"{name}: cut short, {seen.packets} of {stream.frames} {stream.type} packets are there"
        )


def _check_length(
    name: str, container: av.container.InputContainer, counts: dict[int, _Count]
) -> None:
    """Refuse less than the declared duration, where the container does not count packets."""
    declared = Fraction(container.duration or 0, av.time_base)
    start = Fraction(container.start_time or 0, av.time_base)
    end = max(count.end for count in counts.values()) - max(Fraction(0), start)
    if end + Fraction(_SLACK_S) < declared:
        raise ArtifactError(f"{name}: cut short, {float(end):.1f} of {float(declared):.1f} s")


def _check_boxes(name: str, file: BinaryIO, size: int) -> None:
    """Refuse an MP4 whose outer boxes do not fill the file exactly: that is how a cut one looks."""
    seen: set[bytes] = set()
    for kind, end in _boxes(file, size):
        if kind is None and not seen:
            return  # another container
        if kind is None or end > size:
            raise ArtifactError(f"{name}: cut short, {size} of at least {end} bytes are there")
        seen.add(kind)
    missing = {b"moov", b"mdat"} - seen
    if missing and b"moof" not in seen:
        words = " and ".join(sorted(kind.decode() for kind in missing))
        raise ArtifactError(f"{name}: cut short, its {words} part is missing")


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes | None, int]]:
    """Yield the kind and the end of each outer box; no kind: what follows is none."""
    at = 0
    while at < size:
        file.seek(at)
        head = file.read(16)
        if len(head) < _BOX.size:
            yield None, at + _BOX.size
            return
        length, kind = _BOX.unpack_from(head)
        if at == 0 and kind not in _FIRST_BOXES:
            yield None, size
            return
        if length == 1 and len(head) == 16:  # noqa: PLR2004 -- a 64-bit length follows
            (length,) = _WIDE.unpack_from(head, _BOX.size)
        elif length == 0:  # up to the end of the file
            length = size - at
        if length < _BOX.size:
            yield None, at + _BOX.size
            return
        at += length
        yield kind, at
