"""Turns jobs into what Ark bills for them, and the tokens that it reports into money."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from seedrender.catalog import price as prices
from seedrender.catalog.models import Family, Variant
from seedrender.catalog.price import FPS, LEAST, area_of, output_of, tokens
from seedrender.providers.figures import Figures
from seedrender.values.job import Job, MediaKind, Mode
from seedrender.values.money import NO_VIDEO, Price, Span

_MILLION = 1_000_000


def price(job: Job, variant: Variant, currency: str, video: Span = NO_VIDEO) -> Price:
    """Say what a job will cost; `video`: the seconds of all its input clips together.

    Without it they are taken to be as short, and as long, as the model allows, and expected to be
    as long as what is made, as the segments of a chain are.
    """
    if job.mode is Mode.V2V and not video.high:
        video = _input(job, variant.family)
    return prices.price(variant, currency, job, video)


def paid(count: int, variant: Variant, task: Mapping[str, Any]) -> Decimal | None:
    """Turn the tokens of a finished task into money; None where the rate cannot be told.

    A task does not say whether a clip was among its input, which has a rate of its own; but such
    a clip is billed with at least five thirds of the tokens that the picture alone has.
    """
    resolution = task.get("resolution")
    length, ratio = Figures().whole("", task.get("duration")), task.get("ratio")
    if not isinstance(resolution, str):
        return None
    plain, beside = (_rate(variant, resolution, has_clip=flag) for flag in (False, True))
    if plain is None or beside is None:
        rate = plain
    elif length is not None and task.get("framespersecond") in (None, FPS):
        area = area_of(variant.family, resolution, ratio if isinstance(ratio, str) else "")
        most = tokens(area.high, Decimal(length + 1))  # it is reported without its fraction
        least = tokens(area.low, Decimal(math.ceil(LEAST * length)), 0)
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


def _input(job: Job, family: Family) -> Span:
    """Guess the length of the input clips by what the model takes."""
    clips, output = family.media[MediaKind.VIDEO], output_of(job, family)
    count = len(job.needs) + sum(u.reference.kind is MediaKind.VIDEO for u in job.references)
    shortest, longest = clips.seconds or (0, family.max_duration_s)
    most = Decimal(str(min(clips.max_seconds_in_all or math.inf, count * longest)))
    low = min(Decimal(str(count * shortest)), most)
    return Span(low=low, expected=min(max(count * output.expected, low), most), high=most)
