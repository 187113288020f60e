from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from seedrender.plan import graph, make
from seedrender.plan.cost import Estimate, estimate
from seedrender.plan.make import Facts
from seedrender.values.entry import Lock
from seedrender.values.job import Job
from seedrender.values.money import UNKNOWN_PRICE, Amount, Price
from tests.builders import job


def usd(value: str) -> Amount:
    return Amount(Decimal(value), "USD")


def price(low: str, expected: str, high: str) -> Price:
    return Price(low=usd(low), expected=usd(expected), high=usd(high), as_of=date(2026, 8, 17))


def estimated(*jobs: Job, **prices: Price) -> Estimate:
    facts = Facts(lock=Lock(manifest="m"), digests={}, is_present=lambda _: True)
    made = make.plan(graph.build(jobs), (), facts)
    return estimate(made, lambda j: prices.get(j.id, UNKNOWN_PRICE))


def test_prices_are_added_and_the_oldest_is_named() -> None:
    found = estimated(job("a"), job("b"), a=price("1", "2", "3"), b=price("10", "20", "30"))

    assert (found.low, found.expected, found.high) == (usd("11"), usd("22"), usd("33"))
    assert (found.known, found.unknown, found.oldest) == (2, 0, date(2026, 8, 17))


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        pytest.param({"a": price("1", "1", "1")}, "1.00 USD", id="one price"),
        pytest.param({"a": price("1", "2", "3")}, "2.00 USD (1.00 USD to 3.00 USD)", id="a range"),
        pytest.param({}, "1 of unknown price", id="unknown"),
    ],
)
def test_an_estimate_in_words(prices: dict[str, Price], words: str) -> None:
    assert str(estimated(job("a"), **prices)) == words


def test_known_and_unknown_prices_stand_side_by_side() -> None:
    found = estimated(job("a"), job("b"), a=price("1", "1", "1"))

    assert str(found) == "1.00 USD + 1 of unknown price"


def test_nothing_to_buy() -> None:
    assert str(estimated()) == "nothing to buy"
