"""Finds the name that was meant, among many, in a bounded time."""

from __future__ import annotations

from collections.abc import Collection
from difflib import SequenceMatcher, get_close_matches
from itertools import islice

from seedrender.errors import ConfigError

_MANY = 200  # difflib takes some 10 µs for each


def closest(name: str, known: Collection[str], *, cutoff: float = 0.6) -> str | None:
    """Return the name that is most like this one; of very many, only those of a like start.

    Of names that are equally like it, the one that is known first.
    """
    candidates: Collection[str] = known
    if len(known) > _MANY:
        start = name[:3].casefold()
        alike = (other for other in known if other[:3].casefold() == start)
        near = (other for other in alike if abs(len(other) - len(name)) <= 2)  # noqa: PLR2004
        candidates = list(islice(near, _MANY))
    text = name[:200]
    found = get_close_matches(text, candidates, cutoff=cutoff)
    likeness = {other: SequenceMatcher(None, other, text).ratio() for other in found}
    return max((c for c in candidates if c in likeness), key=likeness.__getitem__, default=None)


def known(kind: str, name: str, names: Collection[str]) -> str:
    """Return a name of the command line that must be one of these.

    Raises: ConfigError, which says what was meant.
    """
    if name in names:
        return name
    close = closest(name, names)
    hint = f"did you mean '{close}'?" if close else f"one of {', '.join(dict.fromkeys(names))}"
    raise ConfigError(f"there is no {kind} '{name}'; {hint}")
