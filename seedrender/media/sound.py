"""Turns a seed into AAC packets: a soft chord that swells, encoded once and repeated."""

from __future__ import annotations

import math
from array import array
from fractions import Fraction
from functools import cache
from typing import Any

import av

SAMPLE_RATE = 48_000
FRAME = 1024  # samples in an AAC frame, and the encoder's delay
BIT_RATE = 96_000
_LOOP = 96  # AAC frames in one swell, about two seconds
_CHORDS = (
    (220.0, 277.2, 329.6),
    (196.0, 246.9, 293.7),
    (174.6, 220.0, 261.6),
    (164.8, 207.7, 246.9),
)
CHORDS = len(_CHORDS)


@cache
def _swell(chord: int) -> tuple[bytes, bytes]:
    """Return one loop of samples for left and right; it begins and ends in silence."""
    count = _LOOP * FRAME
    step = 2 * math.pi / count
    low, middle, high = (round(hertz * count / SAMPLE_RATE) for hertz in _CHORDS[chord])
    left, right = array("f", bytes(4 * count)), array("f", bytes(4 * count))
    table = array("f", (math.sin(step * n) for n in range(count)))
    for n in range(count // 2 + 1):
        level = 0.055 * (1.0 - table[(n + count // 4) % count])
        base = table[low * n % count] + 0.6 * table[middle * n % count]
        top = 0.4 * table[high * n % count]
        left[n], right[n] = level * (base + top), level * (base - top)
        if n:  # whole cycles under a symmetric swell: the second half mirrors the first
            left[-n], right[-n] = -left[n], -right[n]
    return left.tobytes(), right.tobytes()


@cache
def _encoded(chord: int) -> tuple[bytes, ...]:
    """Return the packets of one loop; it starts from silence, so it also follows on itself."""
    left, right = _swell(chord)
    context = av.AudioCodecContext.create("aac", "w")
    context.sample_rate, context.layout, context.format = SAMPLE_RATE, "stereo", "fltp"
    context.bit_rate, context.time_base = BIT_RATE, Fraction(1, SAMPLE_RATE)
    packets: list[bytes] = []
    for index in range(_LOOP):
        part = slice(4 * FRAME * index, 4 * FRAME * (index + 1))
        frame = av.AudioFrame(format="fltp", layout="stereo", samples=FRAME)
        frame.planes[0].update(left[part])
        frame.planes[1].update(right[part])
        frame.sample_rate, frame.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
        frame.pts = index * FRAME
        packets += map(bytes, context.encode(frame))
    packets += map(bytes, context.encode(None))
    return tuple(packets[:_LOOP])


def packets(seed: int, duration_s: float) -> list[av.Packet[Any]]:
    """Return the packets of a sound of exactly this length; times count in samples."""
    loop = _encoded(seed % CHORDS)
    end = round(duration_s * SAMPLE_RATE)
    sound: list[av.Packet[Any]] = []
    for index in range(math.ceil(end / FRAME) + 1):
        packet: av.Packet[Any] = av.Packet(loop[index % _LOOP])
        packet.pts = packet.dts = (index - 1) * FRAME
        packet.duration = min(FRAME, end - packet.pts)
        packet.time_base = Fraction(1, SAMPLE_RATE)
        packet.is_keyframe = True
        sound.append(packet)
    return sound
