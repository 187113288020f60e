"""Turns a rate and a job into its price: low, expected, high, and why they differ."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from seedrender.catalog.models import Family, Variant
from seedrender.values.job import Job, MediaKind
from seedrender.values.money import (
    NO_VIDEO,
    UNKNOWN_PRICE,
    Amount,
    Price,
    Rate,
    Span,
    Unit,
    exactly,
)

FPS = 24  # of every clip
_PIXELS_A_TOKEN = 1024
_MILLION = Decimal(1_000_000)
# With input video a minimum is billed. Published examples say 5/3 of the output, a reseller's table
# of 1080p more: the high end takes the larger.
LEAST = Fraction(5, 3)
_LEAST_CAUTIOUS = Fraction(9, 5)
_USUAL_RATIO = "16:9"


def price(variant: Variant | None, currency: str, job: Job, video: Span = NO_VIDEO) -> Price:
    """Price a job by what the catalog says of its endpoint; `video` is what the input holds."""
    if variant is None:
        return UNKNOWN_PRICE
    if variant.price_range_per_second is not None:
        return _ranged(variant, currency, job, video)
    rate = _published(variant, currency, job, has_clip=bool(video.high))
    return by_rate(rate, variant, job, video) if rate is not None else _unpriced(variant, job)


def _ranged(variant: Variant, currency: str, job: Job, video: Span) -> Price:
    """Price a job of which a source names no more than the lowest and the highest rate."""
    assert variant.price_range_per_second is not None, "asked for such endpoints only"
    low, high = (
        by_rate(_rate(variant, currency, value, Unit.SECOND), variant, job, video)
        for value in variant.price_range_per_second
    )
    assert low.low is not None, "a rate names all figures"
    assert high.high is not None, "a rate names all figures"
    middle = Amount((low.low.value + high.high.value) / 2, currency)
    why = (*low.why, "only the lowest and the highest rate are published")
    return replace(low, expected=middle, high=high.high, why=why)


def by_rate(rate: Rate, variant: Variant, job: Job, video: Span = NO_VIDEO) -> Price:
    """Price a job by one rate."""
    footage = output_of(job, variant.family)
    why = ["the model chooses the length"] if footage.low != footage.high else []
    each = rate.value
    if video.high and rate.with_video is not None:
        each = rate.with_video
    if rate.unit is Unit.CLIP:
        billed, why = exactly(1), []
    elif rate.unit is Unit.SECOND:
        billed = _seconds(rate, footage, video, why)
    else:
        billed = _tokens(variant, job, footage, video, why)
    low, expected, high = (
        Amount(units * each, rate.currency) for units in (billed.low, billed.expected, billed.high)
    )
    return Price(
        low=low,
        expected=expected,
        high=high,
        source=rate.source,
        as_of=rate.as_of,
        footage=footage,
        why=tuple(why),
    )


def output_of(job: Job, family: Family) -> Span:
    """Return how many seconds a job renders; where the model chooses, what it may choose.

    A picture has none.
    """
    if family.makes is MediaKind.IMAGE:
        return NO_VIDEO
    said = job.duration_s if job.duration_s is not None else family.default_duration_s
    if said is not None and said > 0:
        return exactly(said)
    low, high = Decimal(family.min_duration_s), Decimal(family.max_duration_s)
    return Span(low=low, expected=(low + high) / 2, high=high)


def resolution_of(job: Job, family: Family) -> str:
    """Return the resolution that a job is rendered in."""
    return job.resolution or family.default_resolution


def _published(variant: Variant, currency: str, job: Job, *, has_clip: bool) -> Rate | None:
    """Return the catalog's rate for a job; None: no source names one."""
    resolution = resolution_of(job, variant.family)
    factor = variant.silent_factor if job.audio is False else Decimal(1)
    if variant.price_per_image is not None:
        return _rate(variant, currency, variant.price_per_image, Unit.CLIP)
    if resolution in variant.price_per_second:
        value = variant.price_per_second[resolution] * factor
        return _rate(variant, currency, value, Unit.SECOND)
    found = variant.price_per_million_tokens.get(resolution)
    if found is None or (has_clip and found.with_video is None):
        return None
    return Rate(
        value=found.plain * factor,
        with_video=found.with_video * factor if found.with_video is not None else None,
        unit=Unit.MILLION_TOKENS,
        currency=currency,
        source=variant.price_source,
        as_of=variant.price_date,
    )


def _rate(variant: Variant, currency: str, value: Decimal, unit: Unit) -> Rate:
    return Rate(
        value=value,
        unit=unit,
        currency=currency,
        source=variant.price_source,
        as_of=variant.price_date,
    )


def _unpriced(variant: Variant, job: Job) -> Price:
    return Price(footage=output_of(job, variant.family))


def _seconds(rate: Rate, footage: Span, video: Span, why: list[str]) -> Span:
    """Return the seconds that are billed; where no source says whether input is, both ends."""
    if not video.high or rate.bills_input is False:
        return footage
    if rate.bills_input:
        if video.low != video.high:
            why.append("the length of the input video is not known")
        return footage + video
    why.append("it is not known whether the seconds of the input video are billed")
    return Span(
        low=footage.low,
        expected=footage.expected + video.expected / 2,
        high=footage.high + video.high,
    )


def _tokens(variant: Variant, job: Job, footage: Span, video: Span, why: list[str]) -> Span:
    """Return millions of tokens: pictures of the output, and of input video, by their pixels."""
    ratio = job.ratio or variant.default_ratio
    area = area_of(variant.family, resolution_of(job, variant.family), ratio)
    if area.low != area.high:
        why.append("the model chooses the ratio")
    if video.low != video.high:
        why.append("the length of the input video is not known")
    billed = footage
    if video.high:
        why.append("the least that is billed with input video is inferred")
        billed = Span(
            low=max(footage.low + video.low, _at_least(footage.low, LEAST)),
            expected=max(footage.expected + video.expected, _at_least(footage.expected, LEAST)),
            high=max(footage.high + video.high, _at_least(footage.high, _LEAST_CAUTIOUS)),
        )
    return Span(
        low=tokens(area.low, billed.low, 0) / _MILLION,
        expected=tokens(area.expected, billed.expected) / _MILLION,
        high=tokens(area.high, billed.high) / _MILLION,
    )


def tokens(area: Decimal, seconds: Decimal, more_pictures: int = 1) -> Decimal:
    """Return the tokens of a clip; the service counts one picture more than its seconds have."""
    return (area * (FPS * seconds + more_pictures)) // _PIXELS_A_TOKEN


def _at_least(seconds: Decimal, factor: Fraction) -> Decimal:
    return Decimal(math.ceil(Fraction(seconds) * factor))


def area_of(family: Family, resolution: str, ratio: str) -> Span:
    """Return width times height; of a ratio that is in no table, of any that may be chosen."""
    sizes = family.pixels[resolution]
    areas = {each: Decimal(width * height) for each, (width, height) in sizes.items()}
    if ratio in areas:
        return exactly(areas[ratio])
    usual = areas.get(_USUAL_RATIO, max(areas.values()))
    return Span(low=min(areas.values()), expected=usual, high=max(areas.values()))
