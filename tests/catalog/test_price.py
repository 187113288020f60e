from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from seedrender.catalog.models import Catalog, Variant, catalog
from seedrender.catalog.price import by_rate, price
from seedrender.values.job import Mode, Tier
from seedrender.values.money import (
    NO_VIDEO,
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

UNSURE = Span(low=Decimal(2), expected=Decimal(8), high=Decimal(15))


def variant(route: str, model: str, tier: Tier, mode: Mode) -> tuple[Catalog, Variant]:
    data = catalog(route)
    found = data.variant(model, tier, mode)
    assert found is not None
    return data, found


def priced(
    route: str, video: Span = NO_VIDEO, tier: Tier = Tier.STANDARD, **fields: Any
) -> list[str] | None:
    data = catalog(route)
    wanted = job(**{"tier": tier, "ratio": "16:9", "duration_s": 5, **fields})
    found = price(data.variant(wanted.model, tier, wanted.mode), data.currency, wanted, video)
    return figures(found)


def figures(found: Price) -> list[str] | None:
    if found.low is None or found.expected is None or found.high is None:
        return None
    return [f"{amount.value:.4f}" for amount in (found.low, found.expected, found.high)]


@pytest.mark.parametrize(
    ("route", "model", "resolution", "published"),
    [
        pytest.param("byteplus", "seedance-2.0", "480p", "0.35", id="2.0 480p USD"),
        pytest.param("byteplus", "seedance-2.0", "720p", "0.756", id="2.0 720p USD"),
        pytest.param("byteplus", "seedance-2.0", "1080p", "1.871", id="2.0 1080p USD"),
        pytest.param("byteplus", "seedance-2.5", "480p", "0.514", id="2.5 480p USD"),
        pytest.param("byteplus", "seedance-2.5", "720p", "1.156", id="2.5 720p USD"),
        pytest.param("byteplus", "seedance-2.5", "1080p", "2.843", id="2.5 1080p USD"),
        pytest.param("volcengine", "seedance-2.0", "480p", "2.31", id="2.0 480p CNY"),
        pytest.param("volcengine", "seedance-2.0", "720p", "4.97", id="2.0 720p CNY"),
        pytest.param("volcengine", "seedance-2.0", "1080p", "12.39", id="2.0 1080p CNY"),
        pytest.param("volcengine", "seedance-2.0", "4k", "25.27", id="2.0 4k CNY"),
    ],
)
def test_the_low_end_of_tokens_is_the_published_price_of_five_seconds(
    route: str, model: str, resolution: str, published: str
) -> None:
    found = priced(route, model=model, resolution=resolution)

    assert found is not None
    assert Decimal(found[0]) == pytest.approx(Decimal(published), abs=Decimal("0.01"))


def test_the_high_end_of_tokens_has_the_one_picture_more_that_bills_show() -> None:
    tokens = Decimal(108_900)  # of the official sample: 720p 16:9, 5 s

    found = priced("byteplus", resolution="720p")

    assert found == ["0.7560", "0.7623", f"{tokens * 7 / 1_000_000:.4f}"]


@pytest.mark.parametrize(
    ("video", "figures"),
    [
        pytest.param(exactly(15), ["1.8576", "1.8615", "1.8615"], id="input and output"),
        pytest.param(exactly(2), ["0.8359", "0.8398", "0.8398"], id="the minimum: 9 s for 5"),
        pytest.param(UNSURE, ["0.8359", "1.2113", "1.8615"], id="a clip of unknown length"),
    ],
)
def test_input_video_is_billed_with_the_output_at_a_lower_rate(
    video: Span, figures: list[str]
) -> None:
    assert priced("byteplus", video, resolution="720p", mode=Mode.V2V) == figures


def test_the_published_range_of_a_clip_with_input_video_is_kept() -> None:
    found = priced("volcengine", UNSURE, resolution="720p", mode=Mode.V2V)

    assert found is not None
    assert Decimal(found[0]) == pytest.approx(Decimal("5.44"), abs=Decimal("0.01"))
    assert Decimal(found[2]) == pytest.approx(Decimal("12.10"), abs=Decimal("0.03"))


def test_without_sound_a_model_may_cost_less() -> None:
    loud = priced("volcengine", model="seedance-1.5-pro", resolution="720p")
    silent = priced("volcengine", model="seedance-1.5-pro", resolution="720p", audio=False)

    assert loud is not None
    assert silent is not None
    assert 2 * Decimal(silent[0]) == Decimal(loud[0])


def test_where_the_model_chooses_the_ratio_it_may_be_the_largest() -> None:
    low, _, high = priced("byteplus", resolution="720p", ratio="adaptive") or []

    assert (low, high) == ("0.7560", "0.7671")  # 1280x720 and 1112x834


@pytest.mark.parametrize("duration", [-1, None], ids=["-1", "not said, and no default"])
def test_where_the_model_chooses_the_length_it_may_be_the_longest(duration: int | None) -> None:
    data, found = variant("byteplus", "seedance-2.5", Tier.STANDARD, Mode.T2V)
    wanted = job(model="seedance-2.5", resolution="720p", ratio="16:9", duration_s=duration)

    result = price(found, data.currency, wanted)

    assert result.footage == Span(low=Decimal(4), expected=Decimal(17), high=Decimal(30))
    assert result.why == ("the model chooses the length",)
    assert figures(result) == ["0.9245", "3.9387", "6.9432"]


def test_a_rate_that_no_source_names_is_unknown_and_its_footage_is_not() -> None:
    data, found = variant("modellix", "seedance-2.0", Tier.FAST, Mode.V2V)

    result = price(found, data.currency, job(mode=Mode.V2V, duration_s=7))

    assert (result.is_known, result.footage) == (False, exactly(7))


def test_without_an_endpoint_nothing_is_known() -> None:
    assert not price(None, "USD", job()).is_known


@pytest.mark.parametrize(
    ("fields", "video", "figures"),
    [
        pytest.param({}, NO_VIDEO, ["5.0000"] * 3, id="no video"),
        pytest.param({}, exactly(4), ["5.0000", "7.0000", "9.0000"], id="nobody knows"),
        pytest.param({"bills_input": False}, exactly(4), ["5.0000"] * 3, id="output only"),
        pytest.param({"bills_input": True}, exactly(4), ["9.0000"] * 3, id="both"),
        pytest.param({"bills_input": True}, UNSURE, ["7.0000", "13.0000", "20.0000"], id="range"),
        pytest.param({"unit": Unit.CLIP}, UNSURE, ["1.0000"] * 3, id="a clip"),
        pytest.param({"with_video": Decimal(2), "unit": Unit.CLIP}, UNSURE, ["2.0000"] * 3, id="v"),
    ],
)
def test_a_rate_says_what_input_video_costs(
    fields: dict[str, Any], video: Span, figures: list[str]
) -> None:
    _, found = variant("modellix", "seedance-2.0", Tier.FAST, Mode.V2V)
    rate = Rate(value=Decimal(1), unit=Unit.SECOND, currency="USD", source="a contract", as_of=None)

    result = by_rate(replace(rate, **fields), found, job(duration_s=5), video)

    assert [f"{a.value:.4f}" for a in (result.low, result.expected, result.high) if a] == figures
    assert bool(result.why) == (result.low != result.high)


def test_a_row_covers_what_it_names_and_hides_what_it_covers() -> None:
    every = Rate(value=Decimal(1), unit=Unit.CLIP, currency="USD", source="x", as_of=None)
    one = replace(every, model="seedance-2.0", tier=Tier.FAST, resolution="480p")

    assert every.covers(job(), "sim", "480p")
    assert one.covers(job(), "sim", "480p")
    assert not one.covers(job(), "sim", "720p")
    assert (every.hides(one), one.hides(every)) == (True, False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("25.00 USD", "25.00 USD", id="money"),
        pytest.param("1 clip", "1 clip", id="one clip"),
        pytest.param("40 clips", "40 clips", id="clips"),
        pytest.param("300 seconds", "300 seconds", id="seconds"),
        pytest.param("25", "None", id="no unit"),
        pytest.param("-1 USD", "None", id="negative"),
        pytest.param("1.5 clips", "None", id="half a clip"),
        pytest.param("5 usd", "None", id="lower case"),
        pytest.param("5 USD\n", "None", id="a line break"),
        pytest.param(f"{'9' * 13} USD", "None", id="too large"),
    ],
)
def test_a_limit_is_read_and_written(text: str, words: str) -> None:
    assert str(limit(text)) == words


def test_seconds_are_written_with_their_fraction() -> None:
    assert in_words(Decimal("4.5"), "seconds") == "4.5 seconds"


@pytest.mark.parametrize("text", ["1e12", "-1e12", "1e999999", "NaN", "Infinity"])
def test_what_no_sum_of_money_can_be_is_refused(text: str) -> None:
    assert not is_sum(Decimal(text))


def test_a_catalogs_price_has_its_date_and_source() -> None:
    data, found = variant("byteplus", "seedance-2.0", Tier.FAST, Mode.T2V)

    result = price(found, data.currency, job(resolution="480p", duration_s=4, ratio="1:1"))

    page = "https://docs.byteplus.com/en/docs/ModelArk/1544106"
    assert (result.as_of, result.source) == (date(2026, 9, 13), page)
