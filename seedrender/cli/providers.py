"""`seedrender providers`: what does each route support?"""

from __future__ import annotations

from typing import Any

import click

from seedrender.catalog.models import ROUTES, Catalog, Family, Media, Variant, catalog
from seedrender.cli.console import echo, json_option, say_json, table
from seedrender.providers import plugins, registry
from seedrender.source.names import known
from seedrender.values.job import MediaKind, Mode, Tier

_HEAD = ("model", "tier", "modes", "resolutions", "seconds", "price")


@click.command("providers")
@click.option("--provider", metavar="NAME", help="This route only.")
@click.option("--model", metavar="NAME", help="This model only.")
@json_option
def command(provider: str | None, model: str | None, *, is_json: bool) -> int:
    """Show what each route supports: its models, their limits and their prices.

    Nothing is asked of a provider: the facts are dated data in the package, with their sources.
    """
    every = (*ROUTES, *plugins.names())
    routes = [known("provider", provider, every)] if provider is not None else list(every)
    if model is not None:
        models = [name for route in routes for name in catalog(route).families]
        model = known("model", model, models)
    catalogs = {route: catalog(route) for route in routes}
    if is_json:
        rows = [_as_json(route, data, model) for route, data in catalogs.items()]
        say_json({"exit_code": 0, "providers": rows})
    else:
        pages = [
            _page(route, data, model, is_alone=len(catalogs) == 1)
            for route, data in catalogs.items()
        ]
        echo("\n\n".join(page for page in pages if page))
    return 0


def _page(route: str, data: Catalog, model: str | None, *, is_alone: bool) -> str:
    if route not in ROUTES and model is None:
        return f"{route}: of {plugins.source(route)}, which says itself what it renders"
    families = [family for name, family in data.families.items() if model in (None, name)]
    if not families:
        return ""
    if route == "sim" and not is_alone:
        return "sim: free, and accepts what modellix does"
    limits = registry.account_limits(route)
    account = (
        f"{limits.concurrency} tasks in flight, {limits.requests_per_minute} requests a minute"
    )
    rows = [_row(route, data, group) for group in _groups(data, {f.name for f in families})]
    lines = [
        f"{route}: {_rendering(route)}; facts of {data.date}; {account}",
        table(_HEAD, rows),
        *(line for family in families for line in _lines(family)),
        *(
            f"{name}: not offered ({why.reason}; {why.date}, {why.source})"
            for name, why in data.absent.items()
            if model is None
        ),
    ]
    return "\n".join(lines)


def _rendering(route: str) -> str:
    return "free, and accepts what modellix does" if route == "sim" else "renders"


def _groups(data: Catalog, models: set[str]) -> list[list[Variant]]:
    """Put together the modes of a model and tier that render and cost the same."""
    groups: dict[tuple[object, ...], list[Variant]] = {}
    for variant in data.variants.values():
        if variant.family.name in models:
            prices = (
                *variant.price_per_second.items(),
                *variant.price_per_million_tokens,
                variant.price_per_image,
                variant.price_range_per_second,
            )
            key = (variant.family.name, variant.tier, variant.resolutions, variant.ended, prices)
            groups.setdefault(key, []).append(variant)
    return list(groups.values())


def _row(route: str, data: Catalog, group: list[Variant]) -> tuple[str, ...]:
    variant, family = group[0], group[0].family
    price = "free" if route == "sim" else _price(data, variant)
    return (
        family.name,
        variant.tier.value + (f" (ended {variant.ended})" if variant.ended else ""),
        " ".join(v.mode.value for v in group),
        " ".join(variant.resolutions),
        _lengths(variant),
        price,
    )


def _lengths(variant: Variant) -> str:
    lengths = variant.durations_s
    if not lengths:
        return "picture"
    is_every = len(lengths) == lengths[-1] - lengths[0] + 1
    return f"{lengths[0]}-{lengths[-1]}" if is_every else ", ".join(map(str, lengths))


def _price(data: Catalog, variant: Variant) -> str:
    if variant.price_per_image is not None:
        return f"{variant.price_per_image} {data.currency} a picture"
    if variant.price_range_per_second is not None:
        low, high = variant.price_range_per_second
        return f"{low}-{high} {data.currency} a second, which of them is not published"
    if variant.price_per_million_tokens:
        rates = [rate.plain for rate in variant.price_per_million_tokens.values()]
        unit = f"{data.currency} a million tokens"
    elif variant.price_per_second:
        rates = list(variant.price_per_second.values())
        unit = f"{data.currency} a second"
    else:
        return "unknown"
    low, high = min(rates), max(rates)
    missing = [
        resolution
        for resolution in variant.resolutions
        if resolution not in {**variant.price_per_second, **variant.price_per_million_tokens}
    ]
    span = f"{low}" if low == high else f"{low}-{high}"
    return f"{span} {unit}" + (f", {' '.join(missing)} unknown" if missing else "")


def _lines(family: Family) -> list[str]:
    counts = [f"{m.max_count} {kind}s" for kind, m in family.media.items() if m.max_count]
    frames = sorted(role.value for role in family.roles if role.value != "reference")
    takes = ", ".join([*counts, *frames]) or "no media"
    made = "makes pictures; " if family.makes is MediaKind.IMAGE else ""
    lines = [f"{family.name}: {made}ratios {' '.join(family.ratios)}; takes {takes}"]
    if family.inferred:
        lines.append(f"  inferred: {', '.join(family.inferred)}")
    lines.extend(f"  unknown: {words}" for words in family.unknown)
    return lines


def _as_json(route: str, data: Catalog, model: str | None) -> dict[str, Any]:
    if route not in ROUTES:
        return {"name": route, "plugin": plugins.source(route), "models": []}
    limits = registry.account_limits(route)
    return {
        "name": route,
        "date": data.date.isoformat(),
        "sources": list(data.sources),
        "currency": data.currency,
        "account": {
            "concurrency": limits.concurrency,
            "requests_per_minute": limits.requests_per_minute,
            "batch": limits.batch,
        },
        "max_request_bytes": data.max_request_bytes,
        "frames_exclude": [kind.value for kind in data.frames_exclude],
        "placeholders": {kind.value: text for kind, text in data.placeholders.items()},
        "sends": {kind.value: list(forms) for kind, forms in data.sends.items()},
        "models": [
            _family_as_json(data, family)
            for name, family in data.families.items()
            if model in (None, name)
        ],
        "absent": [
            {"name": name, "reason": why.reason, "date": f"{why.date}", "source": why.source}
            for name, why in data.absent.items()
        ],
    }


def _family_as_json(data: Catalog, family: Family) -> dict[str, Any]:
    return {
        "name": family.name,
        "makes": family.makes.value,
        "duration": {
            "min_s": family.min_duration_s,
            "max_s": family.max_duration_s,
            "default_s": family.default_duration_s,
            "can_choose": family.can_choose_duration,
        },
        "default_resolution": family.default_resolution,
        "prompt": {
            "max_chars": family.max_prompt_chars,
            "advised_words": family.advised_prompt_words,
        },
        "settings": sorted(family.settings),
        "roles": sorted(role.value for role in family.roles),
        "audio_needs_visual": family.audio_needs_visual,
        "max_media": family.max_media,
        "media": {kind.value: _media_as_json(media) for kind, media in family.media.items()},
        "pixels": {
            resolution: {ratio: list(size) for ratio, size in sizes.items()}
            for resolution, sizes in family.pixels.items()
        },
        "inferred": list(family.inferred),
        "unknown": list(family.unknown),
        "endpoints": [
            _endpoint_as_json(variant)
            for tier in Tier
            for mode in Mode
            if (variant := data.variant(family.name, tier, mode)) is not None
        ],
    }


def _media_as_json(media: Media) -> dict[str, Any]:
    return {
        "max_count": media.max_count,
        "formats": list(media.formats),
        "max_bytes": media.max_bytes,
        "side_px": media.side_px,
        "ratio": media.ratio,
        "area_px": media.area_px,
        "fps": media.fps,
        "seconds": media.seconds,
        "max_seconds_in_all": media.max_seconds_in_all,
    }


def _endpoint_as_json(variant: Variant) -> dict[str, Any]:
    tokens = variant.price_per_million_tokens
    return {
        "tier": variant.tier.value,
        "mode": variant.mode.value,
        "slug": variant.slug,
        "resolutions": list(variant.resolutions),
        "ratios": list(variant.ratios),
        "default_ratio": variant.default_ratio,
        "price_per_second": {key: str(rate) for key, rate in variant.price_per_second.items()},
        "price_per_million_tokens": {
            key: [str(rate.plain), None if rate.with_video is None else str(rate.with_video)]
            for key, rate in tokens.items()
        },
        "durations_s": list(variant.durations_s),
        "settings": sorted(variant.settings),
        "max_prompt_chars": variant.max_prompt_chars,
        "price_per_image": None
        if variant.price_per_image is None
        else str(variant.price_per_image),
        "price_range_per_second": None
        if variant.price_range_per_second is None
        else list(map(str, variant.price_range_per_second)),
        "silent_factor": str(variant.silent_factor),
        "price_date": variant.price_date.isoformat() if variant.price_date else None,
        "ended": variant.ended.isoformat() if variant.ended else None,
    }
