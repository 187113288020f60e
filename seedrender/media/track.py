"""Turns the sounds of several clips into one track that keeps exact time with the picture."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer

from seedrender.errors import ArtifactError
from seedrender.media.container import opened

FADE_S = 0.008
_FRAME = 1024  # samples in an AAC frame
_WIDTH = 4  # bytes in a sample
_BIT_RATE = 160_000
_STEREO = 2


class Track(Protocol):
    """The sound of a long take, given clip by clip."""

    def add(
        self, path: Path, start: Fraction, end: Fraction, clip_start: Fraction
    ) -> list[av.Packet[Any]]:
        """Return packets from start to end; `clip_start` is where the clip's own picture starts."""
        ...

    def finish(self) -> list[av.Packet[Any]]:
        """Return what is still held back."""
        ...


def track(segments: Sequence[Path], output: OutputContainer, *, is_copied: bool) -> Track | None:
    """Prepare a track after the first clip that has sound; None: no clip has any."""
    for path in segments:
        with opened(path) as container:
            if container.streams.audio:
                model = container.streams.audio[0]
                return (
                    CopiedTrack(path, model, output) if is_copied else EncodedTrack(model, output)
                )
    return None


class EncodedTrack:
    """Sound that is decoded, cut to the exact sample, faded at the joins and encoded once."""

    def __init__(self, model: AudioStream, output: OutputContainer) -> None:
        self.rate = model.codec_context.sample_rate
        self.layout = "mono" if model.codec_context.channels == 1 else "stereo"
        self._channels = 1 if self.layout == "mono" else _STEREO
        self._stream = output.add_stream("aac", rate=self.rate, layout=self.layout)
        self._stream.bit_rate = _BIT_RATE
        self._held = [bytearray() for _ in range(self._channels)]
        self._sent = 0

    def add(
        self, path: Path, start: Fraction, end: Fraction, clip_start: Fraction
    ) -> list[av.Packet[Any]]:
        """Return the packets that are complete once this clip's sound was added."""
        count = round(end * self.rate) - round(start * self.rate)
        fade = round(FADE_S * self.rate)
        for held, samples in zip(self._held, self._samples(path, count, clip_start), strict=True):
            held.extend(_faded(samples, fade))
        packets: list[av.Packet[Any]] = []
        while len(self._held[0]) >= _FRAME * _WIDTH:
            packets += self._encode(_FRAME)
        return packets

    def finish(self) -> list[av.Packet[Any]]:
        """Return the last, possibly shorter, frame and what the encoder held back."""
        rest = len(self._held[0]) // _WIDTH
        packets = self._encode(rest) if rest else []
        return [*packets, *self._owned(self._stream.encode(None))]

    def _encode(self, count: int) -> list[av.Packet[Any]]:
        frame = av.AudioFrame(format="fltp", layout=self.layout, samples=count)
        for plane, held in zip(frame.planes, self._held, strict=True):
            data = bytes(held[: count * _WIDTH])
            plane.update(data + bytes(plane.buffer_size - len(data)))
            del held[: count * _WIDTH]
        frame.sample_rate, frame.pts, frame.time_base = (
            self.rate,
            self._sent,
            Fraction(1, self.rate),
        )
        self._sent += count
        return self._owned(self._stream.encode(frame))

    def _owned(self, packets: Sequence[av.Packet[Any]]) -> list[av.Packet[Any]]:
        for packet in packets:
            packet.stream = self._stream
        return list(packets)

    def _samples(self, path: Path, count: int, clip_start: Fraction) -> list[bytearray]:
        """Decode a clip's sound, in time with its picture; gaps and a missing end are silence."""
        channels = [bytearray() for _ in range(self._channels)]
        wanted = count * _WIDTH
        with opened(path) as container:
            for frame in _resampled(container, self.rate, self.layout):
                at = round((Fraction(frame.time or 0) - clip_start) * self.rate) * _WIDTH
                for held, plane in zip(channels, frame.planes, strict=True):
                    data = bytes(plane)[: frame.samples * _WIDTH]
                    data = data[max(0, -at) :]
                    # decoders round times to the sample: one more or less is no gap
                    if at > len(held) + _WIDTH:
                        held.extend(bytes(min(at, wanted) - len(held)))
                    held.extend(data)
                if len(channels[0]) >= wanted:
                    break
        for held in channels:
            del held[wanted:]
            held.extend(bytes(wanted - len(held)))
        return channels


class CopiedTrack:
    """Sound whose packets stay as they are, re-timed without ever drifting from the picture."""

    def __init__(self, path: Path, model: AudioStream, output: OutputContainer) -> None:
        self._name = path.name
        self._kind = _kind(model)
        self._rate = model.codec_context.sample_rate
        if self._kind[0] != "aac":
            raise ArtifactError(
                f"{path.name}: {self._kind[0]} sound cannot be copied; use audio: keep"
            )
        self._stream = output.add_stream_from_template(model)
        self._silence = _silent_packet(model)
        self._next: int | None = None  # where the next packet goes, in samples

    def add(
        self, path: Path, start: Fraction, end: Fraction, clip_start: Fraction
    ) -> list[av.Packet[Any]]:
        """Return whole packets that fill the time up to half a packet at its end."""
        first, last = round(start * self._rate), round(end * self._rate)
        packets = []
        for at, data in self._clip(path, clip_start):
            if self._next is None:
                self._next = min(at, 0)
            elif at < 0:  # what only primes the decoder
                continue
            while first + at - self._next > _FRAME // 2:
                packets.append(self._packet(self._silence))
            if self._next >= last - _FRAME // 2:
                break
            packets.append(self._packet(data))
        if self._next is None:
            self._next = 0
        while self._next < last - _FRAME // 2:
            packets.append(self._packet(self._silence))
        return packets

    def finish(self) -> list[av.Packet[Any]]:
        """Return nothing: no packet is held back."""
        return []

    def _clip(self, path: Path, clip_start: Fraction) -> Iterator[tuple[int, bytes]]:
        """Yield a clip's packets and their places, in samples after its picture starts."""
        with opened(path) as container:
            if not container.streams.audio:
                return
            stream = container.streams.audio[0]
            if _kind(stream) != self._kind:
                raise ArtifactError(
                    f"{path.name}: its sound is not encoded as that of {self._name}, so it cannot"
                    " be copied; use audio: keep"
                )
            for packet in container.demux(stream):
                if packet.size and packet.pts is not None and packet.time_base:
                    at = round((packet.pts * packet.time_base - clip_start) * self._rate)
                    yield at, bytes(packet)

    def _packet(self, data: bytes) -> av.Packet[Any]:
        assert self._next is not None
        packet: av.Packet[Any] = av.Packet(data)
        packet.pts = packet.dts = self._next
        packet.duration, packet.time_base = _FRAME, Fraction(1, self._rate)
        packet.is_keyframe = True
        packet.stream = self._stream
        self._next += _FRAME
        return packet


def _kind(stream: AudioStream) -> tuple[str, int, int, bytes]:
    context = stream.codec_context
    return context.name, context.sample_rate, context.channels, (context.extradata or b"")[:2]


def _silent_packet(model: AudioStream) -> bytes:
    """Return an AAC packet of silence for streams of this rate and layout."""
    context = av.AudioCodecContext.create("aac", "w")
    rate, layout = model.codec_context.sample_rate, model.codec_context.layout.name
    context.sample_rate, context.layout, context.format = rate, layout, "fltp"
    context.time_base = Fraction(1, rate)
    packets: list[av.Packet[Any]] = []
    for index in range(3):
        frame = av.AudioFrame(format="fltp", layout=layout, samples=_FRAME)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate, frame.pts, frame.time_base = rate, index * _FRAME, Fraction(1, rate)
        packets += context.encode(frame)
    packets += context.encode(None)
    return bytes(packets[1])


def _resampled(container: InputContainer, rate: int, layout: str) -> Iterator[av.AudioFrame]:
    """Yield a clip's sound as planes of floats."""
    if not container.streams.audio:
        return
    resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
    for frame in container.decode(container.streams.audio[0]):
        yield from resampler.resample(frame)
    yield from resampler.resample(None)


def _faded(samples: bytearray, length: int) -> bytes:
    """Return the samples with a short ramp at both ends, so that a join makes no click."""
    values = array("f", bytes(samples))
    length = min(length, len(values) // 2)
    for index in range(length):
        level = (index + 0.5) / length
        values[index] *= level
        values[-1 - index] *= level
    return values.tobytes()
