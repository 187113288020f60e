"""Turns the length of a long take into the lengths of its segments."""

from __future__ import annotations


def split(duration_s: int, *, shortest_s: int, longest_s: int) -> tuple[int, ...] | None:
    """Split a take into as few segments as possible, full ones first; None: it cannot be done.

    A rest that is too short for a segment borrows from the one before it: 31 → 15 + 12 + 4.
    """
    full, rest = divmod(duration_s, longest_s)
    if rest == 0:
        return (longest_s,) * full
    if rest >= shortest_s:
        return (*(longest_s,) * full, rest)
    borrowed = longest_s + rest - shortest_s
    if full == 0 or borrowed < shortest_s:
        return None
    return (*(longest_s,) * (full - 1), borrowed, shortest_s)
