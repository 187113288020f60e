from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from seedrender.values.job import Mode, Tier
from seedrender.values.money import (
    CLIPS,
    SECONDS,
    UNKNOWN_PRICE,
    Amount,
    Limit,
    Price,
    Rate,
    Span,
    Unit,
    exactly,
    in_words,
    is_sum,
    limit,
)
from tests.builders import job

ROW = Rate(value=Decimal(1), unit=Unit.CLIP, currency="USD", source="x", as_of=None)
NARROW: dict[str, Any] = {
    "provider": "sim",
    "model": "seedance-2.0",
    "tier": Tier.FAST,
    "mode": Mode.T2V,
    "resolution": "720p",
}
OTHER: dict[str, Any] = {
    "provider": "byteplus",
    "model": "seedance-2.5",
    "tier": Tier.MINI,
    "mode": Mode.V2V,
    "resolution": "480p",
}


def test_sums_of_one_currency_add_up_and_two_do_not() -> None:
    one, half = Amount(Decimal(1), "USD"), Amount(Decimal("0.5"), "USD")

    assert one + half == Amount(Decimal("1.5"), "USD")
    with pytest.raises(AssertionError, match="two currencies"):
        one + Amount(Decimal(1), "CNY")


@pytest.mark.parametrize(
    ("value", "words"),
    [("1", "1.00 USD"), ("0.0125", "0.0125 USD"), ("0.00004", "0.00 USD"), ("10.10", "10.10 USD")],
)
def test_a_sum_is_written_with_two_digits_and_more_only_where_they_say_something(
    value: str, words: str
) -> None:
    assert str(Amount(Decimal(value), "USD")) == words


@pytest.mark.parametrize(
    ("value", "is_one"),
    [("999999999999.99", True), ("1e12", False), ("NaN", False), ("Infinity", False), ("-5", True)],
)
def test_what_somebody_else_wrote_is_a_sum_within_reason(value: str, *, is_one: bool) -> None:
    assert is_sum(Decimal(value)) is is_one


def test_lengths_add_up_bound_by_bound() -> None:
    unsure = Span(low=Decimal(1), expected=Decimal(2), high=Decimal(4))

    found = unsure + exactly(5)

    assert found == Span(low=Decimal(6), expected=Decimal(7), high=Decimal(9))


def test_a_price_is_known_where_a_figure_is_named() -> None:
    assert Price(expected=Amount(Decimal(0), "USD")).is_known
    assert not UNKNOWN_PRICE.is_known


@pytest.mark.parametrize("name", NARROW)
def test_a_row_of_a_price_table_is_for_the_jobs_that_fit_all_that_it_names(name: str) -> None:
    fitting = replace(ROW, **NARROW)

    assert ROW.covers(job(), "sim", "720p")
    assert fitting.covers(job(), "sim", "720p")
    assert not replace(fitting, **{name: OTHER[name]}).covers(job(), "sim", "720p")


@pytest.mark.parametrize("name", NARROW)
def test_a_row_hides_those_below_it_that_are_for_no_other_jobs(name: str) -> None:
    narrow = replace(ROW, **NARROW)
    anything: dict[str, Any] = {name: None}

    assert ROW.hides(narrow)
    assert narrow.hides(narrow)
    assert not narrow.hides(replace(narrow, **{name: OTHER[name]}))
    assert not narrow.hides(replace(narrow, **anything))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("25.00 USD", Limit(Decimal("25.00"), "USD")),
        ("1 clip", Limit(Decimal(1), CLIPS)),
        ("40 clips", Limit(Decimal(40), CLIPS)),
        ("1 second", Limit(Decimal(1), SECONDS)),
        ("300 seconds", Limit(Decimal(300), SECONDS)),
        ("25", None),
        ("2.5 clips", None),
        ("-1 USD", None),
        ("1 usd", None),
        ("25 USD and more", None),
        ("", None),
    ],
)
def test_a_limit_is_in_a_currency_in_clips_or_in_seconds(text: str, found: Limit | None) -> None:
    assert limit(text) == found


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        ("25", "USD", "25.00 USD"),
        ("1", CLIPS, "1 clip"),
        ("2", CLIPS, "2 clips"),
        ("1", SECONDS, "1 second"),
        ("0", SECONDS, "0 seconds"),
        ("12.5", SECONDS, "12.5 seconds"),
    ],
)
def test_a_limit_is_written_as_it_is_read(value: str, unit: str, words: str) -> None:
    found = Limit(Decimal(value), unit)

    assert str(found) == in_words(Decimal(value), unit) == words
    assert found.is_money == (unit == "USD")
