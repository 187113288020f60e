from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedrender.plan.times import ENOUGH, Times, learn

STEP_S = 10.0
seconds = st.floats(0, 30 * 86_400)
samples = st.lists(seconds, min_size=ENOUGH, max_size=60)


def lognormal(count: int, *, median_s: float = 60.0, spread: float = 0.35) -> list[float]:
    rng = random.Random(count)  # noqa: S311
    return [median_s * rng.lognormvariate(0, spread) for _ in range(count)]


def learned(ended: list[float], still_out: list[float] | None = None) -> Times:
    times = learn(ended, still_out or [], STEP_S)
    assert times is not None
    return times


def test_few_times_say_nothing() -> None:
    assert learn([60.0] * (ENOUGH - 1), [], STEP_S) is None
    assert learn([60.0] * ENOUGH, [], STEP_S) is not None


def test_the_table_is_close_to_the_law_that_the_times_follow() -> None:
    times = learned(lognormal(100))

    for age, share in [(40.0, 0.877), (60.0, 0.5), (80.0, 0.206), (100.0, 0.072)]:
        assert times.out_at(age) == pytest.approx(share, abs=0.09)


def test_equal_times_make_a_narrow_step() -> None:
    times = learned([60.0] * 40)

    assert times.out_at(56.0) > 0.95
    assert times.out_at(64.0) < 0.05


def test_the_quick_ends_of_a_batch_are_not_taken_for_all() -> None:
    ended = [30.0 + n for n in range(10)]

    alone = learned(ended)
    beside_others = learned(ended, [39.0] * 6)

    assert alone.out_at(38.0) < 0.3
    assert 0.35 < beside_others.out_at(38.0) < 0.6


def test_ends_of_less_than_half_of_a_batch_say_nothing() -> None:
    assert learn([30.0 + n for n in range(10)], [50.0] * 11, STEP_S) is None


def test_what_was_never_seen_may_happen() -> None:
    times = learned(lognormal(20))

    assert times.out[-1] > 0.01
    assert times.out_at(times.end * 10) == times.out[-1]


def test_nothing_is_expected_before_the_quickest_that_was_seen() -> None:
    times = learned([600.0 + n for n in range(40)])

    assert times.out_at(570.0) == 1
    assert times.late_s(0, 570.0) == 0


def test_one_task_that_took_hours_does_not_stretch_the_table() -> None:
    times = learned([*lognormal(20), 9 * 3600.0])

    assert times.end < 1000


def test_lateness_is_the_area_over_the_curve() -> None:
    times = Times(ages=(0.0, 10.0, 20.0), out=(1.0, 1.0, 0.0), area=(0.0, 10.0, 15.0))

    assert times.late_s(0, 10) == 0
    assert times.late_s(0, 20) == pytest.approx(5)
    assert times.late_s(0, 30) == pytest.approx(15)
    assert times.late_s(15, 20) == pytest.approx(1.25)


@pytest.mark.parametrize(
    ("share", "age"),
    [
        pytest.param(0.0, 10.0, id="none has ended"),
        pytest.param(0.3, 20.0, id="at most three in ten"),
        pytest.param(0.9, 30.0, id="the last row"),
    ],
)
def test_the_last_age_at_which_no_larger_share_has_ended(share: float, age: float) -> None:
    times = Times(ages=(0.0, 10.0, 20.0, 30.0), out=(1.0, 1.0, 0.7, 0.1), area=(0, 10, 18.5, 22.5))

    assert times.early(share) == age


@settings(max_examples=50)
@given(samples, st.lists(seconds, max_size=10))
def test_whatever_was_seen_the_table_falls_from_one_and_is_bounded(
    ended: list[float], still_out: list[float]
) -> None:
    times = learn(ended, still_out, STEP_S)

    if times is not None:
        assert times.ages[0] == 0
        assert times.out[0] == 1
        assert all(a < b for a, b in pairwise(times.ages))
        assert all(a >= b > 0 for a, b in pairwise(times.out))
        assert all(b - a <= STEP_S * 1.001 for a, b in pairwise(times.ages[1:]))
        assert len(times.ages) < 610
        assert math.isfinite(times.area[-1])


@settings(max_examples=50)
@given(samples, st.floats(0, 1000), st.floats(0, 1000))
def test_lateness_is_never_negative_nor_longer_than_the_wait(
    ended: list[float], seen: float, wait: float
) -> None:
    times = learned(ended)

    late_s = times.late_s(seen, seen + wait)

    assert -1e-6 * max(times.end, wait) <= late_s <= wait * times.out_at(seen) + 1e-6
