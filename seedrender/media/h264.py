"""Turns the decoder configuration of an MP4 into parameter sets that stand before a keyframe."""

from __future__ import annotations

from seedrender.errors import ArtifactError

_HEAD = 5  # version, profile, compatibility, level, length size
_SETS_MASK = 0x1F


def parameter_sets(configuration: bytes) -> bytes:
    """Return the SPS and PPS of an `avcC` record, each behind its length as in the packets.

    Raises:
        ArtifactError: it is no such record.
    """
    if len(configuration) <= _HEAD or configuration[0] != 1:
        raise ArtifactError(
            "the H.264 stream carries no avcC record: it cannot be joined losslessly"
        )
    width = (configuration[4] & 3) + 1
    at, sets = _HEAD, b""
    for mask in (_SETS_MASK, 0xFF):  # SPS, then PPS
        count, at = configuration[at] & mask, at + 1
        for _ in range(count):
            size = int.from_bytes(configuration[at : at + 2], "big")
            unit = configuration[at + 2 : at + 2 + size]
            if len(unit) < size:
                raise ArtifactError("the H.264 stream's avcC record is cut short")
            sets += size.to_bytes(width, "big") + unit
            at += 2 + size
    return sets
