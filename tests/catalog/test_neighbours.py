"""The data files of the makers beside Seedance: what a shot may say follows from a request's schema."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest

from seedrender.catalog.models import Variant, catalog
from seedrender.catalog.price import price
from seedrender.values.job import MediaKind, Mode, Role, Tier
from seedrender.values.money import Amount
from tests.builders import job

FOLDER = files("seedrender.catalog").joinpath("data", "modellix")
FILES = sorted(path.name for path in FOLDER.iterdir())
SOLD = [variant for variant in catalog("modellix").variants.values() if variant.words]
OFFERED = [pytest.param(variant, id=variant.slug) for variant in SOLD]


def variant(model: str, mode: Mode) -> Variant:
    found = catalog("modellix").variant(model, Tier.STANDARD, mode)
    assert found is not None
    return found


@pytest.mark.parametrize("name", FILES)
def test_every_file_names_its_sources_and_its_date(name: str) -> None:
    data = tomllib.loads(FOLDER.joinpath(name).read_text("utf-8"))

    assert isinstance(data["date"], date)
    assert all(source.startswith("https://") for source in data["sources"])


def test_the_makers_are_those_of_the_reference() -> None:
    assert FILES == ["flux.toml", "hailuo.toml", "kling.toml", "seedream.toml", "wan.toml"]
    assert {each.slug for each in SOLD} == {
        *("kling/kling-v3-t2v", "kling/kling-v3-i2v", "kling/kling-v3-t2i"),
        *("minimax/hailuo-2.3-t2v", "minimax/hailuo-2.3-i2v"),
        *("alibaba/wan2.7-t2v", "alibaba/wan2.7-i2v"),
        *("bytedance/seedream-4.5-t2i", "bytedance/seedream-5.0-lite"),
        "bytedance/seedream-5.0-lite-edit",
    }


@pytest.mark.parametrize("variant", OFFERED)
def test_a_word_is_a_field_of_the_body_and_what_is_needed_has_a_word(variant: Variant) -> None:
    named = {field.name for field in variant.words.values()}

    assert named | variant.fixed.keys() <= variant.body.keys()
    assert set(variant.required) <= named
    assert not variant.needs_one_of or set(variant.needs_one_of) & named


@pytest.mark.parametrize(
    ("model", "mode", "resolutions", "ratios", "lengths", "chars"),
    [
        ("kling-3.0", Mode.T2V, ("720p", "1080p", "4k"), 3, range(3, 16), 3072),
        ("kling-3.0", Mode.I2V, ("720p", "1080p"), 3, range(3, 16), 2500),
        ("hailuo-2.3", Mode.T2V, ("768p", "1080p"), 0, (6, 10), 2000),
        ("wan-2.7", Mode.T2V, ("720p", "1080p"), 5, range(2, 16), 5000),
        ("wan-2.7", Mode.I2V, ("720p", "1080p"), 0, range(2, 16), 5000),
        ("seedream-4.5", Mode.T2I, ("2k", "4k"), 8, (), 10000),
    ],
)
def test_the_bounds_of_an_endpoint_are_those_of_its_body(
    model: str, mode: Mode, resolutions: tuple[str, ...], ratios: int, lengths: Any, chars: int
) -> None:
    found = variant(model, mode)

    assert found.resolutions == resolutions
    assert len(found.ratios) == ratios
    assert found.durations_s == tuple(lengths)
    assert found.max_prompt_chars == chars


def test_what_an_endpoint_takes_of_media_is_read_from_its_body() -> None:
    offered = catalog("modellix").families

    assert offered["kling-3.0"].roles == {Role.FIRST_FRAME}
    assert offered["wan-2.7"].roles == {Role.FIRST_FRAME, Role.LAST_FRAME}
    assert offered["wan-2.7"].media[MediaKind.AUDIO].max_count == 1
    assert offered["seedream-5.0-lite"].media[MediaKind.IMAGE].max_count == 14
    assert offered["seedream-4.5"].max_media == 0
    assert offered["hailuo-2.3"].media[MediaKind.IMAGE].max_bytes == 20_000_000


@pytest.mark.parametrize("each", [v for v in SOLD if "size" in v.words], ids=lambda v: v.slug)
def test_every_size_of_a_picture_lies_within_the_documented_area(each: Variant) -> None:
    low, high = each.body["size"]["area"]

    for sizes in each.family.pixels.values():
        assert all(low <= width * height <= high for width, height in sizes.values())


@pytest.mark.parametrize(
    ("fields", "low", "high"),
    [
        ({"model": "kling-3.0", "duration_s": 10}, "0.58", "2.898"),
        ({"model": "wan-2.7", "resolution": "720p", "duration_s": 10}, "0.621", "0.621"),
        ({"model": "wan-2.7"}, "0.46", "0.46"),
        ({"model": "seedream-4.5", "mode": Mode.T2I}, "0.0414", "0.0414"),
        ({"model": "kling-3.0-image", "mode": Mode.T2I}, "0.1932", "0.1932"),
    ],
)
def test_a_price_is_by_the_second_or_by_the_picture(
    fields: Mapping[str, Any], low: str, high: str
) -> None:
    asked = job(tier=Tier.STANDARD, **fields)

    found = price(variant(asked.model, asked.mode), "USD", asked)

    assert (found.low, found.high) == (Amount(Decimal(low), "USD"), Amount(Decimal(high), "USD"))
    assert found.as_of is not None
    assert found.footage is not None
    assert bool(found.footage.high) == (asked.mode is Mode.T2V)


def test_a_range_says_that_it_is_all_that_is_published() -> None:
    found = price(variant("kling-3.0", Mode.I2V), "USD", job(model="kling-3.0", duration_s=5))

    assert found.why == ("only the lowest and the highest rate are published",)
    assert found.expected == Amount(Decimal("0.8695"), "USD")


@pytest.mark.parametrize(
    ("model", "mode"),
    [("hailuo-2.3", Mode.I2V), ("wan-2.7", Mode.I2V), ("seedream-5.0-lite", Mode.I2I)],
)
def test_a_price_that_no_source_names_stays_unknown(model: str, mode: Mode) -> None:
    assert not price(variant(model, mode), "USD", job(model=model, mode=mode)).is_known


def test_what_is_not_sold_says_so_with_its_date_and_source() -> None:
    absent = catalog("modellix").absent["flux"]

    assert "no Flux" in absent.reason
    assert (str(absent.date), absent.source.rpartition("/blog")[2]) == (
        "2026-08-11",
        "/flux-kontext-api/",
    )
