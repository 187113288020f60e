from __future__ import annotations

import asyncio

import pytest

from seedrender.run.pace import Pace
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


def test_a_window_with_requests_left_holds_nothing_back() -> None:
    window = RateWindow(remaining=5, reset_in_s=20)

    at, _ = virtual.run(turns(Pace(6000, lambda: window), 3))

    assert at < 0.1
