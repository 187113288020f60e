"""Reads the lengths of the units in packets of H.264 and HEVC: noise and zeros give them away.

ISO/IEC 14496-15, 5.3 and 8.3: in MP4 and Matroska each unit of a packet stands behind its length,
of as many bytes as the stream's configuration says.
"""

from __future__ import annotations

from av.stream import Stream

_PADDING = 64  # bytes of zeros behind the last unit that do no harm
_SIZE_AT = {"h264": 4, "hevc": 21}  # in the configuration, whose version is 1


def length_bytes(stream: Stream) -> int | None:
    """Return how many bytes a length has; None: the stream's units have none."""
    context = stream.codec_context
    extra = bytes(getattr(context, "extradata", None) or b"")
    at = _SIZE_AT.get(context.name)
    if at is None or len(extra) <= at or extra[0] != 1:
        return None
    return (extra[at] & 3) + 1


def are_whole(packet: bytes, length: int) -> bool:
    """Say whether the units of a packet fill it exactly."""
    at = 0
    while at + length <= len(packet):
        size = int.from_bytes(packet[at : at + length])
        if size == 0:
            return len(packet) - at <= _PADDING and not any(packet[at:])
        at += length + size
    return at <= len(packet) and not any(packet[at:])
