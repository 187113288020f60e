from __future__ import annotations

import asyncio
import random
from itertools import pairwise

import pytest

from seedrender.run.pace import Pace, spread
from seedrender.values.provider import RateWindow
from tests import virtual


async def turns(pace: Pace, count: int) -> float:
    for _ in range(count):
        await pace.turn()
    return asyncio.get_running_loop().time()


def test_requests_leave_at_the_rate_that_the_account_allows() -> None:
    at, _ = virtual.run(turns(Pace(60), 60))

    assert at == pytest.approx(59, abs=1.5)


def test_after_a_refusal_nothing_leaves_until_it_may_and_less_often_then() -> None:
    async def work() -> tuple[float, float]:
        pace = Pace(60)
        pace.too_fast(30)
        first = await turns(pace, 1)
        return first, await turns(pace, 1) - first

    first, gap = virtual.run(work())[0]

    assert 30 <= first <= 35
    assert gap == pytest.approx(4 / 3, rel=0.05)


def test_the_rate_grows_back() -> None:
    async def work() -> float:
        pace = Pace(60)
        pace.too_fast(0)
        await turns(pace, 100)
        before = asyncio.get_running_loop().time()
        return await turns(pace, 10) - before

    assert virtual.run(work())[0] == pytest.approx(10, rel=0.01)


def test_a_window_that_is_used_up_is_waited_for_once() -> None:
    window = RateWindow(remaining=0, reset_in_s=20)

    at, _ = virtual.run(turns(Pace(6000, lambda: window), 3))

    assert 20 <= at <= 23


@pytest.mark.parametrize("remaining", [1, 5])
def test_a_window_with_requests_left_holds_nothing_back(remaining: int) -> None:
    window = RateWindow(remaining=remaining, reset_in_s=20)

    at, _ = virtual.run(turns(Pace(6000, lambda: window), 3))

    assert at < 0.1


def gaps(pace: Pace, count: int) -> list[float]:
    async def work() -> list[float]:
        at = [await turns(pace, 1) for _ in range(count + 1)]
        return [later - earlier for earlier, later in pairwise(at)]

    return virtual.run(work())[0]


def test_requests_are_spread_evenly() -> None:
    assert gaps(Pace(60), 3) == pytest.approx([1, 1, 1])
    assert gaps(Pace(120), 3) == pytest.approx([0.5, 0.5, 0.5])


@pytest.mark.parametrize(
    ("requests_per_minute", "saved_up"),
    [
        pytest.param(30, 0, id="a second at most, of which one request takes two"),
        pytest.param(240, 4, id="a second"),
        pytest.param(6000, 10, id="ten requests at most"),
    ],
)
def test_an_idle_while_saves_up_a_little(requests_per_minute: float, saved_up: int) -> None:
    async def work() -> int:
        pace, loop = Pace(requests_per_minute), asyncio.get_running_loop()
        await asyncio.sleep(100)
        count = 0
        while loop.time() < 100.001:
            await pace.turn()
            count += loop.time() < 100.001
        return count

    assert virtual.run(work())[0] == saved_up


def test_each_refusal_slows_it_down_by_a_quarter_to_less_than_a_third() -> None:
    def slowed(times: int) -> float:
        async def work() -> list[float]:
            pace = Pace(60)
            for _ in range(times):
                pace.too_fast(0)
            return [await turns(pace, 1) for _ in range(2)]

        first, second = virtual.run(work())[0]
        return second - first

    slowness = [(4 / 3) ** times / 1.02 for times in (1, 2, 3, 4)]
    assert [slowed(times) for times in (1, 2, 3, 4)] == pytest.approx(slowness)
    assert slowed(5) == slowed(9) == pytest.approx(slowness[-1])


def test_it_grows_back_by_a_fiftieth_with_each_request_and_not_beyond() -> None:
    async def work() -> Pace:
        pace = Pace(60)
        pace.too_fast(0)
        return pace

    found = gaps(virtual.run(work())[0], 20)

    assert found[0] == pytest.approx(4 / 3 / 1.02)
    assert found[1] == pytest.approx(4 / 3 / 1.02**2)
    assert found[14:] == pytest.approx([1.0] * 6)


def test_a_wait_that_the_provider_asks_for_is_a_little_longer_and_never_shorter() -> None:
    async def held_s(seed: int) -> float:
        random.seed(seed)
        pace = Pace(6000)
        pace.too_fast(100)
        pace.too_fast(1)
        return await turns(pace, 1)

    found = [virtual.run(held_s(seed))[0] for seed in range(20)]

    assert 100 <= min(found) < 102
    assert 108 < max(found) <= 110.1


def test_the_next_window_that_is_used_up_is_waited_for_again() -> None:
    windows = [
        RateWindow(remaining=0, reset_in_s=20),
        None,
        RateWindow(remaining=-1, reset_in_s=20),
    ]

    async def work() -> list[float]:
        pace = Pace(6000, lambda: windows[0])
        at = [await turns(pace, 1)]
        for _ in range(2):
            windows.pop(0)
            at.append(await turns(pace, 1))
        return at

    first, second, third = virtual.run(work())[0]

    assert 20 <= first <= 23
    assert second < first + 1
    assert 40 <= third <= 45


def test_factors_for_waits_lie_about_one() -> None:
    random.seed(1)
    found = [spread(0.2) for _ in range(200)]

    assert 0.8 <= min(found) < 0.82
    assert 1.18 < max(found) <= 1.2
    assert spread(0) == 1
