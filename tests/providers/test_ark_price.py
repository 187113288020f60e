"""Section 8 of the reference: tokens, rates, the least that is billed, in both currencies."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.catalog.models import catalog
from seedrender.catalog.price import tokens as tokens_of
from seedrender.providers import ark_price, registry
from seedrender.values.job import JobId, Mode, Tier
from seedrender.values.money import exactly
from tests.builders import job

V2V: dict[str, Any] = {"mode": Mode.V2V, "needs": (JobId("fly/01"),)}


def tokens(area: int, seconds: int, more_pictures: int = 1) -> int:
    return int(tokens_of(Decimal(area), Decimal(seconds), more_pictures))


def priced(route: str, model: str, tier: str, **fields: Any) -> tuple[Decimal, Decimal, Decimal]:
    wanted = job(model=model, tier=Tier(tier), **{"ratio": "16:9", "duration_s": 5, **fields})
    found = registry.offline(route).price(wanted)
    assert found.low is not None
    assert found.expected is not None
    assert found.high is not None
    return found.low.value, found.expected.value, found.high.value


@pytest.mark.parametrize(
    ("size", "seconds", "count"),
    [((1280, 720), 5, 108_900), ((1920, 1080), 5, 245_025)],
)
def test_a_clip_has_the_tokens_of_the_official_samples(
    size: tuple[int, int], seconds: int, count: int
) -> None:
    assert tokens(size[0] * size[1], seconds) == count


@pytest.mark.parametrize(
    ("route", "model", "resolution", "published"),
    [
        ("volcengine", "seedance-2.0", "480p", "2.31"),
        ("volcengine", "seedance-2.0", "720p", "4.97"),
        ("volcengine", "seedance-2.0", "1080p", "12.39"),
        ("volcengine", "seedance-2.0", "4k", "25.27"),
        ("byteplus", "seedance-2.0", "480p", "0.35"),
        ("byteplus", "seedance-2.0", "720p", "0.756"),
        ("byteplus", "seedance-2.0", "1080p", "1.871"),
        ("byteplus", "seedance-2.5", "480p", "0.514"),
        ("byteplus", "seedance-2.5", "720p", "1.156"),
        ("byteplus", "seedance-2.5", "1080p", "2.843"),
    ],
)
def test_the_low_end_is_the_published_price_and_the_bill_is_one_picture_more(
    route: str, model: str, resolution: str, published: str
) -> None:
    low, expected, high = priced(route, model, "standard", resolution=resolution)

    assert round(low, -Decimal(published).as_tuple().exponent) == Decimal(published)  # type: ignore[operator]
    assert low < expected == high < low * Decimal("1.01")


@pytest.mark.parametrize(
    ("route", "model", "ends"),
    [
        ("volcengine", "seedance-2.0", ("5.44", "12.10")),
        ("byteplus", "seedance-2.5", ("1.244", "4.838")),
    ],
)
def test_with_an_input_clip_the_span_is_the_published_one(
    route: str, model: str, ends: tuple[str, str]
) -> None:
    low, expected, high = priced(route, model, "standard", resolution="720p", **V2V)

    assert float(low) == pytest.approx(float(ends[0]), abs=0.005)
    assert float(high) == pytest.approx(float(ends[1]), rel=0.002)  # with one picture more
    assert low < expected < high


@pytest.mark.parametrize(
    ("output_s", "billed_s"), [(4, 7), (5, 9), (6, 10), (7, 12), (8, 14), (9, 15)]
)
def test_the_least_that_is_billed_beside_a_short_clip(output_s: int, billed_s: int) -> None:
    variant = catalog("byteplus").variant("seedance-2.0", Tier.FAST, Mode.V2V)
    assert variant is not None
    wanted = job(duration_s=output_s, ratio="16:9", resolution="720p", **V2V)

    found = ark_price.price(wanted, variant, "USD", exactly(2))

    assert found.low is not None
    assert found.low.value == Decimal("3.3") * tokens(1280 * 720, billed_s, 0) / 1_000_000


def test_known_input_seconds_leave_one_price() -> None:
    variant = catalog("byteplus").variant("seedance-2.0", Tier.FAST, Mode.V2V)
    assert variant is not None
    wanted = job(duration_s=10, ratio="16:9", resolution="720p", **V2V)

    found = ark_price.price(wanted, variant, "USD", exactly(15))

    assert found.expected == found.high
    assert found.expected is not None
    assert found.expected.value == Decimal("3.3") * tokens(1280 * 720, 25) / 1_000_000


@pytest.mark.parametrize(
    ("resolution", "usd", "usd_with"),
    [("480p", "0.0703", "0.0432"), ("720p", "0.1512", "0.0929"), ("1080p", "0.3742", "0.2284"),
     ("4k", "0.7776", "0.4666")],
)  # fmt: skip
def test_a_second_costs_what_the_table_of_seconds_says(
    resolution: str, usd: str, usd_with: str
) -> None:
    variant = catalog("byteplus").variant("seedance-2.0", Tier.STANDARD, Mode.V2V)
    assert variant is not None
    size = variant.family.pixels[resolution]["16:9"]
    rate = variant.price_per_million_tokens[resolution]
    assert rate.with_video is not None

    a_second = Decimal(tokens(size[0] * size[1], 1000, 0)) / 1_000_000 / 1000

    assert float(a_second * rate.plain) == pytest.approx(float(usd), abs=5e-5)
    assert float(a_second * rate.with_video) == pytest.approx(float(usd_with), abs=5e-5)


def test_a_length_that_the_model_chooses_is_a_span_to_the_longest() -> None:
    shortest = priced("byteplus", "seedance-2.0", "fast", duration_s=4)
    longest = priced("byteplus", "seedance-2.0", "fast", duration_s=15)

    low, expected, high = priced("byteplus", "seedance-2.0", "fast", duration_s=-1)

    assert (low, high) == (shortest[0], longest[2])
    assert low < expected < high


def test_an_adaptive_ratio_is_a_span_to_the_largest_picture() -> None:
    ratios = [
        priced("volcengine", "seedance-2.0", "mini", ratio=r, resolution="480p")
        for r in ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9")
    ]

    low, expected, high = priced(
        "volcengine", "seedance-2.0", "mini", ratio="adaptive", resolution="480p"
    )

    assert (low, high) == (min(r[0] for r in ratios), max(r[2] for r in ratios))
    assert expected == ratios[0][1]


@pytest.mark.parametrize(("audio", "rate"), [(None, "16"), (True, "16"), (False, "8")])
def test_a_silent_clip_of_15_pro_costs_half(audio: bool | None, rate: str) -> None:  # noqa: FBT001
    low, _, _ = priced("volcengine", "seedance-1.5-pro", "standard", audio=audio, resolution="720p")

    assert low == Decimal(rate) * 108_000 / 1_000_000


def test_a_price_that_is_not_published_is_unknown() -> None:
    old = job(model="seedance-1.0-pro", tier=Tier.FAST)

    assert not registry.offline("byteplus").price(old).is_known
    assert not registry.offline("byteplus").price(replace(old, model="seedance-9")).is_known
    assert registry.offline("volcengine").price(old).is_known


@given(st.integers(4, 15), st.floats(2, 30), st.floats(2, 30))
def test_more_input_never_costs_less(output_s: int, one: float, other: float) -> None:
    variant = catalog("volcengine").variant("seedance-2.0", Tier.STANDARD, Mode.V2V)
    assert variant is not None
    wanted = job(duration_s=output_s, ratio="1:1", **V2V)

    less, more = (
        ark_price.price(wanted, variant, "CNY", exactly(seconds))
        for seconds in sorted((one, other))
    )

    assert less.low is not None
    assert more.low is not None
    assert less.expected is not None
    assert less.high is not None
    assert less.low.value <= more.low.value
    assert less.low.value <= less.expected.value <= less.high.value


def answer(count: int, **fields: Any) -> tuple[int, dict[str, Any]]:
    return count, {"resolution": "720p", "ratio": "16:9", "duration": 5, **fields}


@pytest.mark.parametrize(
    ("reported", "rate"),
    [
        pytest.param(answer(108_900), "7.0", id="no clip"),
        pytest.param(answer(tokens(1280 * 720, 9)), "4.3", id="the least beside a clip"),
        pytest.param(answer(tokens(1280 * 720, 20)), "4.3", id="a long clip"),
        pytest.param(answer(108_900, ratio="5:4"), "7.0", id="a shape of no table"),
        pytest.param(answer(tokens(927_000, 9), ratio="5:4"), "4.3", id="the same beside a clip"),
        pytest.param(answer(140_000), None, id="neither"),
        pytest.param(answer(217_800, framespersecond=48), None, id="twice as many pictures"),
        pytest.param(answer(108_900, duration=None), None, id="no length"),
        pytest.param(answer(108_900, resolution=None), None, id="no resolution"),
        pytest.param(answer(108_900, resolution="480i"), None, id="a resolution without a rate"),
    ],
)
def test_the_tokens_of_a_task_tell_the_rate(
    reported: tuple[int, dict[str, Any]], rate: str | None
) -> None:
    variant = catalog("byteplus").variant("seedance-2.0", Tier.STANDARD, Mode.T2V)
    assert variant is not None

    found = ark_price.paid(reported[0], variant, reported[1])

    assert found == (None if rate is None else Decimal(rate) * reported[0] / 1_000_000)


@pytest.mark.parametrize(
    ("is_heard", "rate"), [(True, "16"), (False, "8")], ids=["with sound", "silent"]
)
def test_a_silent_task_is_paid_at_half(*, is_heard: bool, rate: str) -> None:
    variant = catalog("volcengine").variant("seedance-1.5-pro", Tier.STANDARD, Mode.T2V)
    assert variant is not None

    found = ark_price.paid(108_900, variant, {"resolution": "720p", "generate_audio": is_heard})

    assert found == Decimal(rate) * 108_900 / 1_000_000
