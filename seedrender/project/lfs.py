"""Reads the pointers that Git LFS leaves in the place of files that are not fetched."""

from __future__ import annotations

import re

_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:.*\n)*?oid sha256:([0-9a-f]{64})\n"
)
MOST_BYTES = 1024


def pointed_at(data: bytes) -> str | None:
    """Return the sha256 of the file that a pointer stands for; None: it is no pointer."""
    found = _POINTER.match(data)
    return found[1].decode() if found is not None else None
