"""Draws what a service may put where something else belongs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

Path = tuple[str | int, ...]

ODD: tuple[Any, ...] = (
    *(10**400, -(10**400), 10**24, 2**63, -1, 0),
    *(float("nan"), float("inf"), -float("inf"), 1e300, -0.0, 0.1, -0.276, 5e-324),
    *("", " ", "NaN", "1e400000", "1e-60", "-5", "٣", "1_000", "0" * 90, "1" * 5000),
    *("\ud800", "\x1b[31m", "a\u202eb", "..", ".", "../../x", "t\n1", "x" * 5000),
    *("success", "FAILED", "Succeeded", "https://[x", "http://", "<html><p>No.</p>", "402"),
    *(402, 404, 429, 500, 503, 253_402_300_799, 253_402_300_799_999, 10**18),
)


def _nested() -> Any:
    value: Any = 1
    for _ in range(400):
        value = [value]
    return value


def each_place_spoiled(answer: Any) -> Iterator[Any]:
    """Yield an answer with every odd value in every one of its places."""
    for path in places(answer):
        for odd in (*ODD, None, True, [], {}, [[]], [{}], [None], {"url": 7}, _nested()):
            yield replaced(answer, path, odd)


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(ODD)
    | st.just(_nested())
)
names = st.sampled_from(
    ("error", "code", "message", "data", "url", "id", "task_id", "status", "resources")
) | st.text(max_size=5)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the way to every value of an answer, itself included."""
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from places(item, (*path, number))


def replaced(value: Any, path: Path, new: Any) -> Any:
    """Return an answer with another value in one place."""
    if not path:
        return new
    head, *rest = path
    if isinstance(value, dict):
        return {**value, head: replaced(value[head], tuple(rest), new)}
    return [
        replaced(item, tuple(rest), new) if number == head else item
        for number, item in enumerate(value)
    ]


def spoiled(*answers: Any) -> st.SearchStrategy[Any]:
    """Draw one of some right answers, with anything in one or two of its places."""

    def once(answer: Any) -> st.SearchStrategy[Any]:
        return st.builds(
            replaced, st.just(answer), st.sampled_from(list(places(answer))), json_values
        )

    return st.sampled_from(answers).flatmap(once).flatmap(lambda a: st.just(a) | once(a))
