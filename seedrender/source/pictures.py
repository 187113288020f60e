"""Tells what a model makes, and what of the defaults it has no use for."""

from __future__ import annotations

from collections.abc import Mapping

from seedrender.catalog.bodies import SETTINGS
from seedrender.catalog.models import ROUTES, Family, catalog
from seedrender.values.job import MediaKind, Mode, Tier

OF_CLIPS = frozenset(  # settings that defaults for clips say of clips alone
    {"tier", "mode", "resolution", "duration", "audio", "seed", "camera_fixed", "negative_prompt"}
)

_SHARED = ("defaults", "profiles")


def makes(route: str, model: str) -> MediaKind:
    """Return what a model leaves behind; one that is not listed is taken to make clips."""
    family = _family(route, model)
    return family.makes if family is not None else MediaKind.VIDEO


def format_of(route: str, model: str) -> str:
    """Return the format that is to be expected of what a model makes."""
    family = _family(route, model)
    return family.format if family is not None else "mp4"


def without_field(
    route: str, model: str, tier: Tier, mode: Mode, layer_of: Mapping[str, object]
) -> frozenset[str]:
    """Return the settings of the defaults that another maker's endpoint has no field for."""
    if layer_of.get("model", "defaults") in _SHARED or route not in ROUTES:
        return frozenset()
    variant = catalog(route).variant(model, tier, mode)
    if variant is None or not variant.words:
        return frozenset()
    known = variant.settings | (frozenset({"ratio"}) if variant.ratios else frozenset())
    return frozenset(
        name for name in (*SETTINGS, "ratio") if name not in known and layer_of.get(name) in _SHARED
    )


def _family(route: str, model: str) -> Family | None:
    """Return a model as its route knows it, or another one: it makes the same everywhere."""
    routes = [name for name in (route, *ROUTES) if name in ROUTES]
    found = (catalog(name).families.get(model) for name in routes)
    return next(filter(None, found), None)


def passed_over(
    route: str, model: str, default_model: str, layer_of: Mapping[str, object]
) -> frozenset[str]:
    """Return the settings that a picture does not take from defaults that are for clips.

    `layer_of` says of each setting in which part of the manifest it is written.
    """
    if layer_of.get("model", "defaults") in _SHARED:
        return frozenset()
    if makes(route, model) is not MediaKind.IMAGE or makes(route, default_model) is MediaKind.IMAGE:
        return frozenset()
    return frozenset(name for name in OF_CLIPS if layer_of.get(name) in _SHARED)
