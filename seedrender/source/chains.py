"""Turns the length of a long take into the lengths of its segments."""

from __future__ import annotations


def split(duration_s: int, *, shortest_s: int, longest_s: int) -> tuple[int, ...] | None:
    """Split a take into as few segments as possible, full ones first; None: it cannot be done.

    A rest that is too short for a segment borrows from those before it: 31 → 15 + 12 + 4.
    """
    count = -(-duration_s // longest_s)
    if duration_s < count * shortest_s:
        return None
    lengths: list[int] = []
    left = duration_s
    for following in reversed(range(count)):
        lengths.append(min(longest_s, left - following * shortest_s))
        left -= lengths[-1]
    return tuple(lengths)
