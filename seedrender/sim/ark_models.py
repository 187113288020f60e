"""Turns the model of an Ark request, an id or an endpoint, into what the catalogue knows of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache

from seedrender.catalog.models import Family, Variant, catalog
from seedrender.sim.ark_errors import INVALID, MISSING, ArkRefusal
from seedrender.values.job import Mode

ROUTES = ("byteplus", "volcengine")
_DEFAULT = "dreamina-seedance-2-0-260128"  # of an endpoint id that names no model
_ENDPOINT = re.compile(r"ep-[A-Za-z0-9._-]{1,120}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArkModel:
    """A model id of one of the two clouds."""

    slug: str
    route: str
    variants: Mapping[Mode, Variant]
    ended: date | None

    @property
    def family(self) -> Family:
        """What all its variants have in common."""
        return next(iter(self.variants.values())).family

    @property
    def name(self) -> str:
        """The id without its date, as messages say it."""
        return self.slug.rpartition("-")[0]

    @property
    def is_old(self) -> bool:
        """Whether it is one of the 1.x models."""
        return self.family.name.startswith("seedance-1.")

    @property
    def is_newest(self) -> bool:
        """Whether it is of the family that edits and extends."""
        return self.family.name == "seedance-2.5"

    @property
    def has_drafts(self) -> bool:
        """Whether it renders cheap previews; the two clouds differ."""
        return self.family.name == "seedance-1.5-pro" or (
            self.is_newest and self.route == "byteplus"
        )

    def variant(self, mode: Mode) -> Variant:
        """Return what it is in one mode, or, where it has no such mode, in its first."""
        return self.variants.get(mode) or next(iter(self.variants.values()))


@cache
def models() -> Mapping[str, ArkModel]:
    """Return the models of both clouds, by id."""
    found: dict[str, ArkModel] = {}
    for route in ROUTES:
        by_slug: dict[str, dict[Mode, Variant]] = {}
        for variant in catalog(route).variants.values():
            by_slug.setdefault(variant.slug, {})[variant.mode] = variant
        for slug, variants in by_slug.items():
            ended = next(iter(variants.values())).ended
            found[slug] = ArkModel(slug=slug, route=route, variants=variants, ended=ended)
    return found


def of(given: object, now: float) -> ArkModel:
    """Return the model that a body names; an endpoint id may end with the model it stands for.

    Raises:
        ArkRefusal: it is missing, unknown, or no longer served.
    """
    if given is None:
        raise ArkRefusal(f"{MISSING}.model", "The request is missing the model.", "model")
    if not isinstance(given, str):
        raise ArkRefusal(INVALID, "The parameter `model` must be a text.", "model")
    model = models().get(_behind(given))
    today = datetime.fromtimestamp(now, UTC).date()
    if model is None or (model.ended is not None and model.ended <= today):
        raise ArkRefusal(
            "InvalidEndpointOrModel.NotFound",
            f"The model or endpoint {given[:80]} does not exist or you do not have access to it.",
            "model",
        )
    return model


def _behind(given: str) -> str:
    if not _ENDPOINT.fullmatch(given):
        return given
    return next((slug for slug in models() if given.endswith(f"-{slug}")), _DEFAULT)
