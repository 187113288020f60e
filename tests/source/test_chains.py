from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.source.chains import split
from tests.source.film import jobs, refused


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


def test_a_segment_may_leave_its_length_to_the_model_and_a_whole_take_may_not() -> None:
    take = "chains: {fly: {prompt: One flight., %s}}\n"

    made = jobs(take % "segments: [{duration: -1}, {duration: 5}]")

    assert [(job.duration_s, job.stated_duration_s) for job in made.values()] == [
        (-1, None),
        (5, 5),
    ]
    length = "vars: {length: -1}\n" + take % "duration: '{{ vars.length }}'"
    assert "leaves its length to the model, and cannot be split" in refused(length)


@pytest.mark.parametrize("length", ["0", "-2", "'{{ 0 }}'", "'{{ 0 - 5 }}'"])
def test_no_other_length_below_one_is_taken(length: str) -> None:
    assert "film.yaml:3:35: " in refused(f"shots: {{a: {{prompt: A., duration: {length}}}}}\n")
