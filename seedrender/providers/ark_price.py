"""Turns lengths and pixels into tokens, and tokens into money: what Ark bills by."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from seedrender.catalog.models import Family, Variant
from seedrender.values.job import Job, MediaKind, Mode
from seedrender.values.money import UNKNOWN_PRICE, Amount, Price

_FPS = 24
_PIXELS_A_TOKEN = 1024
_MILLION = 1_000_000
# With a clip among the input, at least so many times the output is billed: the first is inferred
# from the published examples, the second is the largest that a reseller's table shows.
_LEAST = Fraction(5, 3)
_LEAST_CAUTIOUS = Fraction(9, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A length or an area of which only the ends may be known."""

    low: float
    expected: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Span:
        """Return the span of a value that is known."""
        return cls(low=value, expected=value, high=value)


def price(job: Job, variant: Variant, currency: str, input_s: Span | None = None) -> Price:
    """Say what a job will cost; `input_s`: the seconds of all its input clips together.

    Without it they are taken to be as short, and as long, as the model allows, and expected to be
    as long as what is made, as the segments of a chain are. A length that the model chooses is
    expected in the middle of what it may choose. The low end is the published formula; what is
    billed is one picture more.
    """
    family = variant.family
    resolution = job.resolution or family.default_resolution
    rate = _rate(variant, resolution, has_clip=job.mode is Mode.V2V)
    if rate is None:
        return UNKNOWN_PRICE
    if job.audio is False:
        rate *= variant.silent_factor
    area = _area(family, resolution, job.ratio or variant.default_ratio)
    length = _length(job, family)
    if job.mode is not Mode.V2V:
        seconds = length
    else:
        seconds = _billed(length, input_s or _input(job, family, length))
    low, expected, high = (
        Amount(rate * tokens(*each) / _MILLION, currency)
        for each in (
            (area.low, seconds.low, 0),
            (area.expected, seconds.expected, 1),
            (area.high, seconds.high, 1),
        )
    )
    words = f"{currency} for a million tokens, price table of {variant.price_date}"
    return Price(low=low, expected=expected, high=high, source=words, as_of=variant.price_date)


def tokens(area: float, seconds: float, more_pictures: int = 1) -> int:
    """Return the tokens of a clip; the service counts one picture more than its seconds have."""
    return math.floor(Fraction(area) * (_FPS * Fraction(seconds) + more_pictures) / _PIXELS_A_TOKEN)


def paid(count: int, variant: Variant, task: Mapping[str, Any]) -> Decimal | None:
    """Turn the tokens of a finished task into money; None where the rate cannot be told.

    A task does not say whether a clip was among its input, which has a rate of its own; but such
    a clip is billed with at least five thirds of the tokens that the picture alone has.
    """
    resolution, length = task.get("resolution"), task.get("duration")
    if not isinstance(resolution, str):
        return None
    plain, beside = (_rate(variant, resolution, has_clip=flag) for flag in (False, True))
    if plain is None or beside is None:
        rate = plain
    elif isinstance(length, int) and not isinstance(length, bool):
        area = _area(variant.family, resolution, str(task.get("ratio")))
        most = tokens(area.high, length + 1)  # it is reported without its fraction
        least = tokens(area.low, math.ceil(_LEAST * length), 0)
        rate = plain if count <= most else beside if count >= least else None
    else:
        rate = None
    if rate is None:
        return None
    return (
        rate
        * (variant.silent_factor if task.get("generate_audio") is False else 1)
        * count
        / (Decimal(_MILLION))
    )


def _rate(variant: Variant, resolution: str, *, has_clip: bool) -> Decimal | None:
    found = variant.price_per_million_tokens.get(resolution)
    if found is None:
        return None
    return found.with_video if has_clip else found.plain


def _length(job: Job, family: Family) -> Span:
    seconds = job.stated_duration_s
    if seconds is None and job.duration_s is None:
        seconds = family.default_duration_s
    if seconds is not None:
        return Span.exactly(seconds)
    low, high = family.min_duration_s, family.max_duration_s
    return Span(low=low, expected=(low + high) / 2, high=high)


def _area(family: Family, resolution: str, ratio: str) -> Span:
    sizes = family.pixels[resolution]
    if ratio in sizes:
        return Span.exactly(math.prod(sizes[ratio]))
    areas = _areas(sizes.values())  # adaptive, or a shape that is in no table
    return Span(low=min(areas), expected=math.prod(sizes["16:9"]), high=max(areas))


def _areas(sizes: Iterable[tuple[int, int]]) -> list[int]:
    return [math.prod(size) for size in sizes]


def _input(job: Job, family: Family, output: Span) -> Span:
    """Guess the length of the input clips by what the model takes."""
    clips = family.media[MediaKind.VIDEO]
    count = len(job.needs) + sum(u.reference.kind is MediaKind.VIDEO for u in job.references)
    shortest, longest = clips.seconds or (0, family.max_duration_s)
    most = min(clips.max_seconds_in_all or math.inf, count * longest)
    low = min(count * shortest, most)
    return Span(low=low, expected=min(max(count * output.expected, low), most), high=most)


def _billed(output: Span, given: Span) -> Span:
    """Return the seconds that are billed where a clip is among the input."""
    return Span(
        low=_at_least(output.low, given.low, _LEAST),
        expected=_at_least(output.expected, given.expected, _LEAST),
        high=_at_least(output.high, given.high, _LEAST_CAUTIOUS),
    )


def _at_least(output: float, given: float, factor: Fraction) -> float:
    return max(output + given, math.ceil(Fraction(output) * factor))
