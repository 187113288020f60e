from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from seedrender.lock import amounts
from seedrender.providers import figures
from seedrender.providers.figures import Figures
from seedrender.values.money import Amount
from tests.providers.hostile import json_values


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (0.92, "0.92"),
        (0, "0"),
        ("1.5", "1.5"),
        (999_999_999_999, "999999999999"),
        ("1E-40", "1E-40"),
    ],
)
def test_a_sum_of_money_is_read_as_it_is_written(value: Any, amount: str) -> None:
    reader = Figures()

    assert str(reader.amount("cost", value)) == amount
    assert reader.unread == {}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (-0.276, "-0.276"),
        (1e13, "10000000000000.0"),
        (10**12, "1000000000000"),
        (10**24, "1000000000000000000000000"),
        (10**400, "1" + "0" * 79),
        pytest.param(10**5000, "…", id="more digits than Python writes"),
        ("1e400000", "1e400000"),
        ("1e-60", "1e-60"),
        ("0E+999999", "0E+999999"),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (True, "true"),
        ("much \x1b[31m", "much [31m"),
        ("٣", "٣"),
        ("1_000", "1_000"),
        ([1], "[1]"),
        ({}, "{}"),
        ("", ""),
        ("https://x.example/a?X-Amz-Signature=s3cret", "https://x.example/a?…"),
    ],
)
def test_a_sum_that_cannot_be_is_left_out_and_said(value: Any, words: str) -> None:
    reader = Figures()

    assert reader.amount("cost", value) is None
    assert reader.unread == {"cost": words}


@given(json_values)
def test_what_is_read_is_what_a_lock_reads_again(value: Any) -> None:
    reader = Figures()
    found = reader.amount("cost", value)

    if found is not None:
        assert amounts.amount(amounts.amount_json(Amount(found, "USD"))) == Amount(found, "USD")
    assert (found is None and value is not None) == ("cost" in reader.unread)
    assert all(len(w) <= 80 and w.isprintable() for w in reader.unread.values())


@pytest.mark.parametrize("value", [0, 42, 2**63 - 1])
def test_whole_numbers_are_read(value: int) -> None:
    assert Figures().whole("size_bytes", value) == value


@pytest.mark.parametrize("value", [-1, 2**63, 10**400, True, 1.0, "42", []])
def test_other_numbers_are_no_whole_ones(value: Any) -> None:
    reader = Figures()

    assert reader.whole("size_bytes", value) is None
    assert list(reader.unread) == ["size_bytes"]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(93500, 93.5), (0, 0.0), (-1, None), (10**400, None), (float("nan"), None), ("9", None)],
)
def test_lengths_of_time_have_an_end(value: Any, seconds: float | None) -> None:
    assert Figures().seconds("render_s", value, most=1000, unit=1000) == seconds


@pytest.mark.parametrize("value", [-5, 10**18, 253_402_300_799, 1e300, float("inf"), True, "now"])
def test_a_time_outside_of_the_years_is_none(value: Any) -> None:
    reader = Figures()

    assert reader.moment("created_at", value) is None
    assert "created_at" in reader.unread


def test_times_come_in_seconds_or_in_milliseconds() -> None:
    at = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)

    assert Figures().moment("at", at.timestamp()) == at
    assert Figures().moment_ms("at", int(at.timestamp() * 1000)) == at
    assert Figures().moment("at", 0) == datetime(1970, 1, 1, tzinfo=UTC)


@given(json_values)
def test_no_value_is_too_odd_to_be_left_out(value: Any) -> None:
    reader = Figures()
    reader.whole("a", value)
    reader.seconds("b", value, most=1000)
    reader.moment("c", value)
    reader.moment_ms("d", value)

    assert all(len(words) <= 80 for words in reader.unread.values())


def test_what_is_not_there_is_no_odd_value_and_the_first_words_stay() -> None:
    reader = Figures()
    reader.amount("cost", None)
    reader.whole("size_bytes", -1)
    reader.whole("size_bytes", -2)

    assert reader.unread == {"size_bytes": "-1"}


def test_an_amount_is_short_enough_for_a_lock() -> None:
    assert figures.is_amount(Decimal("1." + "0" * 38))
    assert not figures.is_amount(Decimal("1." + "0" * 39))
