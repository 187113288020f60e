"""Finds the name that was meant, among many, in a bounded time."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from itertools import islice

_MANY = 200  # difflib takes some 10 µs for each


def closest(name: str, known: Collection[str], *, cutoff: float = 0.6) -> str | None:
    """Return the name that is most like this one; of very many, only those of a like start."""
    candidates: Collection[str] = known
    if len(known) > _MANY:
        start = name[:3].casefold()
        alike = (other for other in known if other[:3].casefold() == start)
        near = (other for other in alike if abs(len(other) - len(name)) <= 2)  # noqa: PLR2004
        candidates = list(islice(near, _MANY))
    found = get_close_matches(name[:200], candidates, n=1, cutoff=cutoff)
    return found[0] if found else None
