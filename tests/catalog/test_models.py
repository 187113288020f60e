"""The data files against what the providers publish."""

from __future__ import annotations

import tomllib
from datetime import date
from importlib.resources import files

import pytest

from seedrender.catalog.models import ADAPTIVE, ROUTES, Variant, catalog
from seedrender.values.job import MediaKind, Mode, Role, Tier

VARIANTS = [
    pytest.param(variant, id=f"{route} {variant.family.name} {variant.tier} {variant.mode}")
    for route in sorted(set(ROUTES) - {"sim"})
    for variant in catalog(route).variants.values()
]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_endpoint_says_how_large_each_of_its_pictures_is(variant: Variant) -> None:
    for resolution in variant.resolutions:
        for ratio in set(variant.ratios) - {ADAPTIVE}:
            width, height = variant.family.pixels[resolution][ratio]
            across, up = map(int, ratio.split(":"))
            assert width / height == pytest.approx(across / up, rel=0.05)
    assert variant.family.default_resolution in variant.resolutions
    assert variant.default_ratio in (variant.ratios or variant.family.ratios)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_price_has_a_date_and_is_of_a_resolution_that_is_sold(variant: Variant) -> None:
    prices = {**variant.price_per_second, **variant.price_per_million_tokens}
    others = (variant.price_per_image, variant.price_range_per_second)

    assert set(prices) <= set(variant.resolutions)
    assert (variant.price_date is not None) == bool(prices or any(others))


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_endpoint_takes_the_media_that_its_mode_is_about(variant: Variant) -> None:
    media, roles = variant.family.media, variant.family.roles
    if variant.mode is Mode.V2V:
        assert media[MediaKind.VIDEO].max_count > 0
    if variant.mode is Mode.I2V:
        assert media[MediaKind.IMAGE].max_count > 0 or Role.FIRST_FRAME in roles


@pytest.mark.parametrize("name", ["modellix", "byteplus", "volcengine", "seedance"])
def test_every_file_names_its_sources_and_its_date(name: str) -> None:
    text = files("seedrender.catalog").joinpath("data", f"{name}.toml").read_text("utf-8")
    data = tomllib.loads(text)

    assert isinstance(data["date"], date)
    assert all(source.startswith("https://") for source in data["sources"])


def test_modellix_sells_the_endpoints_that_its_index_lists() -> None:
    sold = catalog("modellix").variants.values()
    slugs = {v.slug.removeprefix("bytedance/") for v in sold if "seedance" in v.slug}

    assert slugs == {
        *(f"seedance-2.0{tier}-{m}" for tier in ("", "-fast", "-mini") for m in ("t2v", "i2v", "v2v")),
        *(f"seedance-{name}-{mode}" for name in ("1.5-pro", "1.0-pro", "1.0-pro-fast")
          for mode in ("t2v", "i2v")),
        "seedance-2.5-t2v",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("route", "model", "tier", "slug"),
    [
        ("byteplus", "seedance-2.5", Tier.STANDARD, "dreamina-seedance-2-5-260628"),
        ("byteplus", "seedance-2.0", Tier.STANDARD, "dreamina-seedance-2-0-260128"),
        ("byteplus", "seedance-2.0", Tier.MINI, "dreamina-seedance-2-0-mini-260615"),
        ("byteplus", "seedance-1.0-pro", Tier.FAST, "seedance-1-0-pro-fast-251015"),
        ("volcengine", "seedance-2.0", Tier.FAST, "doubao-seedance-2-0-fast-260128"),
        ("volcengine", "seedance-1.5-pro", Tier.STANDARD, "doubao-seedance-1-5-pro-251215"),
    ],
)
def test_ark_names_a_model_by_its_date_on_each_cloud(
    route: str, model: str, tier: Tier, slug: str
) -> None:
    variant = catalog(route).variant(model, tier, Mode.T2V)

    assert variant is not None
    assert variant.slug == slug


@pytest.mark.parametrize(
    ("route", "tier", "resolution", "rates"),
    [
        ("byteplus", Tier.STANDARD, "720p", ("7.0", "4.3")),
        ("byteplus", Tier.STANDARD, "4k", ("4.0", "2.4")),
        ("volcengine", Tier.STANDARD, "1080p", ("51", "31")),
        ("volcengine", Tier.MINI, "480p", ("23", "14")),
    ],
)
def test_ark_sells_by_the_token_and_cheaper_beside_a_clip(
    route: str, tier: Tier, resolution: str, rates: tuple[str, str]
) -> None:
    variant = catalog(route).variant("seedance-2.0", tier, Mode.V2V)

    assert variant is not None
    found = variant.price_per_million_tokens[resolution]
    assert (str(found.plain), str(found.with_video)) == rates


def test_a_route_may_accept_less_than_the_model_can() -> None:
    assert ADAPTIVE not in catalog("modellix").families["seedance-2.0"].ratios
    assert ADAPTIVE in catalog("byteplus").families["seedance-2.0"].ratios
