from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.source.chains import split


@pytest.mark.parametrize(
    ("duration", "segments"),
    [
        pytest.param(42, (15, 15, 12), id="the contract's own"),
        pytest.param(30, (15, 15), id="full ones"),
        pytest.param(31, (15, 12, 4), id="a rest that borrows"),
        pytest.param(18, (14, 4), id="a rest that borrows from the only one"),
        pytest.param(4, (4,), id="the shortest"),
        pytest.param(3, None, id="too short"),
    ],
)
def test_a_take_is_split(duration: int, segments: tuple[int, ...] | None) -> None:
    assert split(duration, shortest_s=4, longest_s=15) == segments


@given(st.integers(1, 2000), st.integers(1, 8), st.integers(8, 30))
def test_a_split_adds_up_and_keeps_the_limits(duration: int, low: int, high: int) -> None:
    segments = split(duration, shortest_s=low, longest_s=high)

    count = -(-duration // high)
    if segments is None:
        assert duration < count * low
    else:
        assert sum(segments) == duration
        assert len(segments) == count
        assert all(low <= length <= high for length in segments)
