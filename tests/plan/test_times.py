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


BATCH = [30.0, 34.0, 41.0, 47.0, 52.0, 55.0, 61.0, 70.0, 78.0, 85.0, 99.0, 130.0]


@pytest.mark.parametrize(
    ("ended", "still_out", "step_s", "count", "ages", "out", "area"),
    [
        pytest.param(
            BATCH, [20.0, 58.0, 90.0], 10.0, 137,
            [16.50225817223581, 16.832303335680525, 31.721158894649186, 62.19491595270059,
             121.94408102208371, 236.33129231740827],
            [1.0, 0.9993692281337931, 0.9206189205423647, 0.5637591824587798,
             0.17523310535553194, 0.07764125744388384],
            85.17267041210683, id="a batch of which three are out",
        ),
        pytest.param(
            BATCH, [20.0, 58.0, 200.0], 10.0, 134,
            [16.929739863375243, 17.268334660642747, 31.904781986243275, 62.554941347314916,
             120.24507272963073, 230.36384678520784],
            [1.0, 0.9993721159495312, 0.9204525915162222, 0.56093914904085,
             0.22282353921254427, 0.1527532394904263],
            93.06003484324415, id="a batch of which one is out longer than any was",
        ),
        pytest.param(
            [60.0] * 8, [], 10.0, 8,
            [57.07376547004284, 58.21524077944369, 58.21524077944369, 60.56713650693321,
             63.014048821813304, 63.07626578256145],
            [1.0, 0.9417435789678543, 0.9417435789678543, 0.3946993256120451,
             0.11744870361156878, 0.11663081362291206],
            60.3584834628787, id="equal times: no narrower than a fiftieth",
        ),
        pytest.param(
            [1.0, *(60.0 + n for n in range(8)), 9000.0], [], 2.0, 400,
            [1.9329170942634122, 1.9715754361486804, 13.728725807704915, 99.45976013134008,
             299.44895533396686, 497.44895533396686],
            [1.0, 0.9090909090909091, 0.9090909090909091, 0.18181818181818188,
             0.18181818181818188, 0.18181818181818188],
            136.83298148553524, id="one at once and one after hours: neither stretches the table",
        ),
        pytest.param(
            [60.0] * 7 + [120.0], [], 3.0, 72,
            [42.69384211256779, 43.547718954819146, 59.781686070479225, 85.3829688039447,
             121.94790480115603, 168.64258740209596],
            [1.0, 0.9927873472332038, 0.6194196621448533, 0.22524464562622926,
             0.16143517284893316, 0.11180107392509864],
            79.30587267583554, id="equal but for one: quartiles say nothing of the spread",
        ),
        pytest.param(
            [10.0 * 1.9**n for n in range(9)], [], 0.5, 400,
            [0.904608255960804, 0.92270042108002, 6.425065382436725, 40.693552041827104,
             90.6935520418271, 140.1935520418271],
            [1.0, 0.999252365476887, 0.950361463306113, 0.7293851949266051,
             0.6063220063480135, 0.5386483987313166],
            95.59354865914017, id="far apart in small steps: no more than four hundred rows",
        ),
        pytest.param(
            [0.0] * 8, [], 10.0, 8,
            [0.0009512294245007139, 0.0009702540129907282, 0.0009702540129907282,
             0.0010094522751155537, 0.001050234147030222, 0.0010512710963760242],
            [1.0, 0.9417435789678537, 0.9417435789678537, 0.3946993256120418,
             0.11744870361156834, 0.11663081362291206],
            0.0010059747243813114, id="no time at all is a millisecond",
        ),
    ],
)  # fmt: skip
def test_tables_are_pinned(
    ended: list[float],
    still_out: list[float],
    step_s: float,
    count: int,
    ages: list[float],
    out: list[float],
    area: float,
) -> None:
    times = learn(ended, still_out, step_s)

    assert times is not None
    assert len(times.ages) == len(times.out) == len(times.area) == count
    rows = [1, 2, count // 4, count // 2, 3 * count // 4, count - 1]
    assert [times.ages[row] for row in rows] == pytest.approx(ages, rel=1e-12)
    assert [times.out[row] for row in rows] == pytest.approx(out, rel=1e-9)
    assert (times.ages[0], times.out[0], times.area[0]) == (0, 1, 0)
    assert times.area[-1] == pytest.approx(area, rel=1e-9)


def test_half_of_a_batch_says_enough() -> None:
    ended = [30.0 + n for n in range(ENOUGH)]

    assert learn(ended, [50.0] * ENOUGH, STEP_S) is not None
    assert learn(ended, [50.0] * (ENOUGH + 1), STEP_S) is None
    assert learn(ended, [20.0] * 100, STEP_S) is not None


TABLE = Times(ages=(0.0, 10.0, 20.0), out=(1.0, 0.8, 0.2), area=(0.0, 9.0, 14.0))


@pytest.mark.parametrize(
    ("age", "share"),
    [(0, 1.0), (5, 0.9), (10, 0.8), (12.5, 0.65), (20, 0.2), (21, 0.2), (19.999, 0.20006)],
)
def test_between_two_rows_the_share_falls_in_a_straight_line(age: float, share: float) -> None:
    assert TABLE.out_at(age) == pytest.approx(share)
    assert TABLE.end == 20


@pytest.mark.parametrize(
    ("seen", "age", "late_s"),
    [
        (0, 0, 0.0),
        (0, 5, 5 - 4.75),
        (5, 10, 0.9 * 5 - 4.25),
        (10, 20, 8.0 - 5.0),
        (10, 25, 0.8 * 15 - 5.0 - 5 * 0.2),
        (20, 30, 0.0),
        (12.5, 20, 0.65 * 7.5 - (5.0 - 2.5 * 0.725)),
    ],
)
def test_lateness_is_counted_between_rows_and_beyond_the_last(
    seen: float, age: float, late_s: float
) -> None:
    assert TABLE.late_s(seen, age) == pytest.approx(late_s)


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
