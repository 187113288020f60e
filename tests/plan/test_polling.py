from __future__ import annotations

import math
import random
from collections.abc import Callable
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedrender.plan import polling
from seedrender.plan.polling import Course
from seedrender.plan.times import ENOUGH, Times, learn
from seedrender.values.manifest import PollSchedule
from tests.builders import job

POLL = PollSchedule(jitter=0.0)
schedules = st.builds(
    PollSchedule,
    first_s=st.floats(0, 120),
    interval_s=st.floats(0.05, 60),
    max_interval_s=st.floats(0.1, 120),
)
samples = st.lists(st.floats(0, 7200), min_size=ENOUGH, max_size=40)


def renders(count: int, seed: int = 1) -> list[float]:
    rng = random.Random(seed)  # noqa: S311
    return [60 * (rng.uniform(0.03, 0.15) + rng.lognormvariate(0, 0.35)) for _ in range(count)]


def learned(ended: list[float], poll: PollSchedule = POLL) -> Times:
    times = learn(ended, [], poll.max_interval_s / 2)
    assert times is not None
    return times


def course(ended: list[float], most_looks: float = float("inf")) -> Course:
    found = polling.course(learned(ended), POLL, most_looks)
    assert found is not None
    return found


def by_schedule(age: float, looks: int) -> float:
    return age + polling.fixed_wait_s(POLL, looks)


def by_course(found: Course) -> Callable[[float, int], float]:
    def next_age(age: float, looks: int) -> float:
        del looks
        planned = found.next_age(age)
        return age + POLL.max_interval_s if planned is None else planned

    return next_age


def waited(next_age: Callable[[float, int], float], took_s: float) -> tuple[float, int]:
    """How late the end of a task is seen, and after how many looks."""
    age, looks = 0.0, 0
    while age < took_s:
        age, looks = next_age(age, looks), looks + 1
    return age - took_s, looks


def test_the_fixed_schedule_is_15_then_5_doubling_to_30() -> None:
    waits = [polling.fixed_wait_s(POLL, looks) for looks in range(7)]

    assert waits == [15, 5, 10, 20, 30, 30, 30]
    assert polling.fixed_wait_s(POLL, 10**9) == 30


def test_a_group_is_part_of_coarser_ones_but_never_of_another_models() -> None:
    finest = polling.group("sim", job(resolution="480p", duration_s=5))

    assert list(polling.coarser(finest)) == [
        ("sim", "seedance-2.0", "fast", "480p", "5"),
        ("sim", "seedance-2.0", "fast", "480p"),
        ("sim", "seedance-2.0", "fast"),
        ("sim", "seedance-2.0"),
    ]
    assert polling.group("sim", job())[3:] == ("", "")


@pytest.mark.parametrize("seed", range(5))
def test_ends_are_seen_in_a_third_of_the_time_with_no_more_looks(seed: int) -> None:
    found = course(renders(100, seed))
    fresh = renders(2000, seed + 100)

    fixed = [waited(by_schedule, took_s) for took_s in fresh]
    ours = [waited(by_course(found), took_s) for took_s in fresh]

    assert fmean(late for late, _ in ours) < fmean(late for late, _ in fixed) / 3
    assert fmean(looks for _, looks in ours) < fmean(looks for _, looks in fixed) * 1.05


def test_what_is_expected_is_what_comes_true() -> None:
    ended = renders(128)
    found = course(ended)

    results = [waited(by_course(found), took_s) for took_s in ended]

    assert fmean(late for late, _ in results) == pytest.approx(found.late_s, rel=0.15)
    assert fmean(looks for _, looks in results) == pytest.approx(found.looks, rel=0.15)


BATCH = [30.0, 34.0, 41.0, 47.0, 52.0, 55.0, 61.0, 70.0, 78.0, 85.0, 99.0, 130.0]
STILL_OUT = [20.0, 58.0, 90.0]
SLOW = PollSchedule(first_s=40.0, interval_s=8.0, max_interval_s=20.0)


@pytest.mark.parametrize(
    ("poll", "most", "fixed", "ours", "ages"),
    [
        pytest.param(
            POLL, math.inf,
            (5.637377931003986, 10.975187479323305),
            (1.1515407122496817, 5.332033927993114, 5.77570651848067),
            [38.667915688, 51.021493563, 62.194915953, 72.871256727, 83.706168185, 94.266740871,
             104.078098976, 114.910631113, 126.870621895, 140.075418125, 151.622137404,
             167.403091248, 184.826539443, 208.144702803, 236.331292317],
            id="as many looks as the schedule takes",
        ),
        pytest.param(
            POLL, 3.0,
            (5.637377931003986, 10.975187479323305),
            (5.326107307381921, 2.7862665944856184, 12.613775726763766),
            [54.144417141, 77.331560608, 100.036619546, 124.382962643, 151.622137404,
             181.20248965, 208.144702803, 236.331292317],
            id="no more than three looks",
        ),
        pytest.param(
            SLOW, math.inf,
            (4.347396187080006, 7.75349422522699),
            (2.3088904122047906, 4.215185226731894, 7.669860035271783),
            [44.417280549, 59.779811565, 74.328681861, 88.829655328, 102.037351937,
             114.910631113, 129.408034333, 145.734465017, 164.120677694, 181.20248965,
             200.062190314, 216.553748796, 236.331292317],
            id="another schedule",
        ),
        pytest.param(
            POLL, 0.5,
            (5.637377931003986, 10.975187479323305),
            (325.0823631915692, 1.0, 151.15862190530146),
            [236.331292317],
            id="one look there must be",
        ),
    ],
)  # fmt: skip
def test_courses_are_pinned(
    poll: PollSchedule,
    most: float,
    fixed: tuple[float, float],
    ours: tuple[float, float, float],
    ages: list[float],
) -> None:
    times = learn(BATCH, STILL_OUT, poll.max_interval_s / 2)
    assert times is not None

    found = polling.course(times, poll, most)

    assert polling._fixed(times, poll) == pytest.approx(fixed)
    assert found is not None
    assert (found.price_s, found.looks, found.late_s) == pytest.approx(ours)
    looks = [0.0]
    while (next_age := found.next_age(looks[-1])) is not None:
        looks.append(next_age)
    assert looks[1:] == pytest.approx(ages)
    assert found.max_interval_s == poll.max_interval_s


def test_the_next_look_follows_from_any_age() -> None:
    times = learn(BATCH, STILL_OUT, POLL.max_interval_s / 2)
    assert times is not None
    found = polling.course(times, POLL)
    assert found is not None

    next_ages = [found.next_age(age) for age in (16.6, 16.7, 50.0, 62.0, 100.0)]

    assert next_ages == pytest.approx(
        [
            38.66791568834441,
            38.66791568834441,
            60.97540779676528,
            72.87125672662911,
            110.44851125809676,
        ]
    )
    assert (found.urgency(0, 60), found.urgency(40, 60)) == pytest.approx(
        (6.362395153548005, 2.5477590089936673)
    )


STEPS = Course(
    times=Times(
        ages=(0.0, 50.0, 60.0, 90.0, 130.0),
        out=(1.0, 1.0, 0.8, 0.4, 0.1),
        area=(0.0, 50.0, 59.0, 77.0, 87.0),
    ),
    price_s=1.0,
    looks=4.0,
    late_s=1.0,
    max_interval_s=25.0,
    following=(1, 3, 3, 4, 4),
)


@pytest.mark.parametrize(
    ("age", "next_age"),
    [
        pytest.param(0.0, 50.0, id="the first look may be late"),
        pytest.param(44.0, 50.0, id="before the first row"),
        pytest.param(45.0, 50.0, id="half a step before it"),
        pytest.param(46.0, 71.0, id="nearer to it: what follows it, within the interval"),
        pytest.param(46.8, 71.8, id="nearer still"),
        pytest.param(55.0, 80.0, id="in the middle between two rows: what follows the former"),
        pytest.param(74.0, 90.0, id="before the middle"),
        pytest.param(75.5, 100.5, id="behind it: what follows the latter, within the interval"),
        pytest.param(79.0, 104.0, id="a step is as long as that of its row"),
        pytest.param(109.0, 130.0, id="before the middle of the last step"),
        pytest.param(111.0, None, id="behind it nothing is known"),
        pytest.param(130.0, None, id="at the end"),
        pytest.param(999.0, None, id="beyond it"),
    ],
)
def test_the_next_look_is_what_follows_the_nearest_row(age: float, next_age: float | None) -> None:
    assert STEPS.next_age(age) == next_age


@pytest.mark.parametrize(
    ("interval_s", "row"), [(5.0, 2), (10.0, 2), (19.9, 2), (20.0, 3), (99, 4)]
)
def test_a_look_reaches_the_rows_within_an_interval_and_the_next_one_at_least(
    interval_s: float, row: int
) -> None:
    assert polling._reach((0.0, 10.0, 20.0, 30.0, 40.0), 1, interval_s) == row


def test_a_look_is_never_priced_above_a_million_seconds() -> None:
    months = PollSchedule(first_s=1e6, interval_s=1e6, max_interval_s=1e7)
    times = learn([1e7 * 1.5**n for n in range(9)], [], 1e7)
    assert times is not None

    found = polling.course(times, months, 1.0)

    assert found is not None
    assert (found.price_s, found.looks) == pytest.approx((1e6, 23.156334089110185))


def test_a_course_that_is_later_than_the_schedule_is_none_unless_looks_are_scarce() -> None:
    times = Times(ages=(0.0, 14.0, 15.0), out=(1.0, 1.0, 0.01), area=(0.0, 14.0, 14.505))
    poll = PollSchedule(first_s=15.0, jitter=0.0)

    looks, late_s = polling._fixed(times, poll)
    scarce = polling.course(times, poll, 0.5)

    assert (looks, late_s) == pytest.approx((1.0, 15.0 - 14.505))
    assert polling.course(times, poll, 1.0) is None
    assert scarce is not None
    assert scarce.looks == 1


def test_nothing_is_asked_before_an_end_is_likely() -> None:
    found = course([600.0 + n for n in range(50)])

    first = found.next_age(0)

    assert first is not None
    assert 570 < first < 640


def test_a_budget_of_requests_takes_looks_away() -> None:
    plenty, scarce, none = course(renders(60)), course(renders(60), 2.0), course(renders(60), -1)

    assert plenty.looks > 4
    assert scarce.looks <= 2
    assert none.looks == 1
    assert plenty.late_s < scarce.late_s < none.late_s


def test_a_task_of_an_earlier_run_is_looked_at_where_ends_are_likely_from_its_age_on() -> None:
    found = course(renders(100))

    for age in (1.0, 20.0, 44.0, 61.5, 97.0):
        next_age = found.next_age(age)
        assert next_age is not None
        assert age < next_age <= max(age + POLL.max_interval_s, 60)


def test_beyond_what_was_ever_seen_nothing_is_known() -> None:
    found = course(renders(100))

    assert found.next_age(found.times.end) is None
    assert found.next_age(found.times.end * (1 - 1e-9)) is None
    assert found.next_age(1e9) is None


def test_a_look_that_came_late_is_not_followed_at_once_by_the_next() -> None:
    found = course(renders(100))
    for row in range(1, len(found.times.ages) - 2):
        just_before = found.times.ages[row] - 1e-6

        planned, next_age = found.next_age(found.times.ages[row]), found.next_age(just_before)

        assert next_age is not None
        assert planned is None or next_age >= min(planned, just_before + POLL.max_interval_s)


def test_where_the_schedule_is_as_good_it_stays() -> None:
    times = Times(ages=(0.0, 14.0, 15.0), out=(1.0, 1.0, 0.01), area=(0.0, 14.0, 14.505))

    assert polling.course(times, PollSchedule(first_s=15.0, jitter=0.0)) is None


def test_a_schedule_that_asks_thousands_of_times_is_not_counted_to_its_end() -> None:
    poll = PollSchedule(first_s=0.01, interval_s=0.01, max_interval_s=0.01)

    looks, late_s = polling._fixed(learned([3600.0] * 10), poll)

    assert looks == pytest.approx(5000, rel=0.01)
    assert late_s == float("inf")


def test_lateness_grows_to_the_price_of_a_look_and_beyond() -> None:
    found = course(renders(100))

    urgencies = [found.urgency(0, age) for age in (0, 30, 45, 60, 100)]

    assert urgencies[0] == 0
    assert urgencies == sorted(urgencies)
    assert urgencies[2] < 1.5
    assert urgencies[3] > 1


def test_equal_times_in_any_number_are_looked_at_just_after_the_end() -> None:
    for count in (8, 60, 128):
        late_s, looks = waited(by_course(course([60.0] * count)), 60.0)

        assert late_s < 2
        assert looks <= 5


@pytest.mark.exhaustive
@settings(max_examples=25)
@given(samples, schedules, st.floats(0, 20))
def test_no_more_looks_than_by_the_schedule_are_expected_and_every_wait_is_bounded(
    ended: list[float], poll: PollSchedule, most_looks: float
) -> None:
    times = learned(ended, poll)
    found = polling.course(times, poll, most_looks)
    if found is None:
        return

    fixed_looks, _ = polling._fixed(times, poll)
    ages = [0.0]
    while (next_age := found.next_age(ages[-1])) is not None:
        assert next_age > ages[-1]
        assert len(ages) == 1 or next_age - ages[-1] <= poll.max_interval_s * (1 + 1e-9)
        ages.append(next_age)

    assert len(ages) <= len(times.ages)
    assert ages[-1] == times.end
    assert found.looks <= max(1.0, min(fixed_looks, most_looks)) + 1e-9
    assert 0 <= found.late_s <= times.end


@settings(max_examples=25)
@given(st.lists(st.floats(0.5, 500), min_size=20, max_size=20), st.floats(0.1, 20))
def test_looks_found_backwards_are_the_best_of_all(ended: list[float], price_s: float) -> None:
    poll = PollSchedule(max_interval_s=1e9)
    whole = learned(ended)
    rows = [0, *range(1, len(whole.ages) - 1, max(1, len(whole.ages) // 7)), len(whole.ages) - 1]
    few = Times(
        ages=tuple(whole.ages[row] for row in rows),
        out=tuple(whole.out[row] for row in rows),
        area=tuple(whole.area[row] for row in rows),
    )
    last = len(rows) - 1

    def cheapest(row: int) -> float:
        if row == last:
            return 0.0
        share, since, below = few.out[row], few.ages[row], few.area[row]
        return min(
            share * (price_s + few.ages[to] - since) - few.area[to] + below + cheapest(to)
            for to in range(row + 1, last + 1)
        )

    found = polling._at_price(few, poll, price_s)

    assert found.looks * price_s + found.late_s == pytest.approx(cheapest(0))


def test_a_task_that_never_ends_is_looked_at_by_the_longest_interval() -> None:
    found = course(renders(100))

    _, looks = waited(by_course(found), 30_000.0)

    assert 950 < looks < 1050
