"""Reads the dated data files: what each model accepts and costs on each route."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files

from seedrender.values.job import Mode, Tier

ROUTES: Mapping[str, str] = {"sim": "modellix", "modellix": "modellix"}  # route → its data file


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What all variants of a model have in common."""

    name: str
    ratios: tuple[str, ...]
    min_duration_s: int
    max_duration_s: int
    default_duration_s: int
    default_resolution: str
    default_ratio: str
    max_prompt_chars: int
    max_images: int
    max_videos: int
    max_audios: int
    pixels: Mapping[str, Mapping[str, tuple[int, int]]]  # resolution → ratio → width, height


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One endpoint: a model in one tier and mode."""

    family: Family
    tier: Tier
    mode: Mode
    slug: str
    resolutions: tuple[str, ...]
    price_per_second: Mapping[str, Decimal]  # by resolution; a missing one is unknown
    price_date: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Everything one route offers."""

    currency: str
    date: date
    sources: tuple[str, ...]
    concurrency: int
    requests_per_minute: int
    families: Mapping[str, Family]
    variants: Mapping[tuple[str, Tier, Mode], Variant]

    def variant(self, model: str, tier: Tier, mode: Mode) -> Variant | None:
        """Return the endpoint that renders this, or None where the route has none."""
        return self.variants.get((model, tier, mode))

    def by_slug(self, slug: str) -> Variant | None:
        """Return the endpoint of this name."""
        return next((v for v in self.variants.values() if v.slug == slug), None)


@cache
def catalog(route: str) -> Catalog:
    """Return what a route offers; `route` is a key of ROUTES."""
    text = files("seedrender.catalog").joinpath("data", f"{ROUTES[route]}.toml").read_text("utf-8")
    data = tomllib.loads(text)
    families = {name: _family(name, row) for name, row in data["family"].items()}
    variants = [_variant(families[row["model"]], row) for row in data["variant"]]
    return Catalog(
        currency=data["currency"],
        date=data["date"],
        sources=tuple(data["sources"]),
        concurrency=data["limits"]["concurrency"],
        requests_per_minute=data["limits"]["requests_per_minute"],
        families=families,
        variants={(v.family.name, v.tier, v.mode): v for v in variants},
    )


def _family(name: str, row: dict[str, object]) -> Family:
    pixels = row["pixels"]
    assert isinstance(pixels, dict)
    sizes = {
        resolution: {ratio: (size[0], size[1]) for ratio, size in by_ratio.items()}
        for resolution, by_ratio in pixels.items()
    }
    ratios = row["ratios"]
    assert isinstance(ratios, list)
    return Family(**{**row, "name": name, "ratios": tuple(ratios), "pixels": sizes})  # type: ignore[arg-type]


def _variant(family: Family, row: dict[str, object]) -> Variant:
    resolutions, prices = row["resolutions"], row.get("price_per_second", {})
    price_date = row.get("price_date")
    assert isinstance(resolutions, list)
    assert isinstance(prices, dict)
    assert price_date is None or isinstance(price_date, date)
    return Variant(
        family=family,
        tier=Tier(str(row["tier"])),
        mode=Mode(str(row["mode"])),
        slug=str(row["slug"]),
        resolutions=tuple(resolutions),
        price_per_second={key: Decimal(value) for key, value in prices.items()},
        price_date=price_date,
    )
