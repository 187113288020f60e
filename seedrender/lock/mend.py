"""Turns a journal's lines with one flipped bit back into what was written, by their checksums."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence

from seedrender.lock import lockfile

_MAX_BYTES = 1 << 14  # of a line that is searched: the work grows with its square
_CHECKED = re.compile(rb'(\{.*), "crc32": "([0-9a-f]{8})"\}', re.DOTALL)
_HEADER = re.compile(rb'\{"journal": [^\n]*\}')
LIKE_AN_END = tuple(0x0A ^ (1 << bit) for bit in range(8))


def mended(rows: Sequence[tuple[int, bytes]]) -> Iterator[tuple[int, bytes, bool]]:
    """Yield each line with whether it had to be mended; two that were one are one again."""
    at = 0
    while at < len(rows):
        number, row = rows[at]
        at += 1
        if lockfile.is_whole(row):
            yield number, row, False
            continue
        joined = _rejoined(row, rows[at][1]) if at < len(rows) else None
        if joined is not None:
            at += 1
            yield number, joined, True
            continue
        parts = _split(row) or ([fixed] if (fixed := _unflipped(row)) is not None else None)
        if parts is None:
            yield number, row, False
        else:
            yield from ((number, part, True) for part in parts)


def _rejoined(row: bytes, following: bytes) -> bytes | None:
    """Undo a byte that became the end of a line."""
    candidates = (row + bytes([byte]) + following for byte in LIKE_AN_END)
    return next((c for c in candidates if lockfile.is_whole(c)), None)


def _split(row: bytes) -> list[bytes] | None:
    """Undo an end of a line that became another byte."""
    for place, byte in enumerate(row):
        if byte in LIKE_AN_END:
            left, right = row[:place], row[place + 1 :]
            if lockfile.is_whole(right) and (lockfile.is_whole(left) or _HEADER.fullmatch(left)):
                return [right] if _HEADER.fullmatch(left) else [left, right]
    return None


def _unflipped(row: bytes) -> bytes | None:
    """Undo one flipped bit: of all lines that differ by one, one at most has its checksum."""
    if len(row) > _MAX_BYTES:
        return None
    changed = bytearray(row)
    checksum = range(max(len(row) - lockfile.CHECKSUM_BYTES, 1), len(row))
    for place in (0, *checksum):  # what is around the body
        for bit in range(8):
            changed[place] ^= 1 << bit
            if lockfile.is_whole(bytes(changed)):
                return bytes(changed)
            changed[place] ^= 1 << bit
    return _unflipped_body(row)


def _unflipped_body(row: bytes) -> bytes | None:
    found = _CHECKED.fullmatch(row)
    if found is None:
        return None
    body, wanted = bytearray(found[1] + b"}"), int(found[2], 16)
    for place in range(len(body)):
        for bit in range(8):
            body[place] ^= 1 << bit
            if zlib.crc32(body) == wanted:
                return bytes(body[:-1]) + row[len(body) - 1 :]
            body[place] ^= 1 << bit
    return None
