"""Says whether a GIF is whole: its readers take what is cut short for its end."""

from __future__ import annotations

from typing import BinaryIO

_HEAD_BYTES, _IMAGE_BYTES = 13, 9
_IMAGE, _EXTENSION, _TRAILER = b"\x2c", b"\x21", b"\x3b"
_HAS_TABLE, _TABLE_BITS = 0x80, 0x07


def is_gif(file: BinaryIO) -> bool:
    """Say whether a file begins as a GIF does."""
    file.seek(0)
    return file.read(6) in (b"GIF87a", b"GIF89a")


def is_whole(file: BinaryIO) -> bool:
    """Say whether the blocks of a GIF lead to its trailer."""
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    if len(head) < _HEAD_BYTES or not _skip(file, _table_bytes(head[10])):
        return False
    while True:
        kind = file.read(1)
        if kind == _TRAILER:
            return True
        if kind == _IMAGE:
            image = file.read(_IMAGE_BYTES)
            ok = len(image) == _IMAGE_BYTES and _skip(file, _table_bytes(image[8]) + 1)
        else:
            ok = kind == _EXTENSION and _skip(file, 1)
        if not ok or not _skip_blocks(file):
            return False


def _table_bytes(flags: int) -> int:
    """Return the length of a table of colours that is announced."""
    return 3 << ((flags & _TABLE_BITS) + 1) if flags & _HAS_TABLE else 0


def _skip_blocks(file: BinaryIO) -> bool:
    """Skip blocks up to the empty one; False: the file ends before."""
    while True:
        length = file.read(1)
        if not length:
            return False
        if length == b"\0":
            return True
        if not _skip(file, length[0]):
            return False


def _skip(file: BinaryIO, count: int) -> bool:
    return len(file.read(count)) == count
