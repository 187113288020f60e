"""The schema of a route against what the route's limits say."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from seedrender.catalog.models import ROUTES, catalog
from seedrender.providers import accepts
from seedrender.source.route_schema import narrowed
from tests.source.film import jobs

NAMES = sorted(set(ROUTES) - {"sim"})
SETTINGS: dict[str, list[Any]] = {
    "model": [
        *("seedance-2.0", "seedance-2.5", "seedance-1.5-pro", "seedance-1.0-pro"),
        *("kling-3.0", "hailuo-2.3", "seedream-4.5"),
    ],
    "tier": ["standard", "fast", "mini"],
    "resolution": ["480p", "720p", "1080p", "4k", "2k"],
    "ratio": ["16:9", "21:9", "adaptive"],
    "duration": [-1, 2, 4, 12, 15, 16, 30, 31],
    "audio": [True, False],
    "camera_fixed": [True],
}
SOME = st.fixed_dictionaries({}, optional={k: st.sampled_from(v) for k, v in SETTINGS.items()})


@cache
def validator(route: str, model: str | None = None, tier: str | None = None) -> Any:
    variants = [
        variant
        for variant in catalog(route).variants.values()
        if model in (None, variant.family.name) and tier in (None, variant.tier.value)
    ]
    return jsonschema_rs.Draft202012Validator(narrowed(route, variants))


def film(defaults: dict[str, Any], shot: dict[str, Any]) -> dict[str, Any]:
    return {
        "seedrender": 1,
        "name": "film",
        "defaults": defaults,
        "shots": {"spin": {"prompt": "A kite over the sea.", **shot}},
    }


def is_accepted(route: str, manifest: dict[str, Any]) -> bool:
    body = {key: manifest[key] for key in ("defaults", "shots")}
    found = jobs("".join(f"{key}: {json.dumps(value)}\n" for key, value in body.items()))
    return not any(accepts.violations(job, catalog(route), route) for job in found.values())


@pytest.mark.parametrize("route", NAMES)
def test_the_schema_of_a_route_is_a_schema(route: str) -> None:
    Draft202012Validator.check_schema(narrowed(route, list(catalog(route).variants.values())))


@given(st.sampled_from(NAMES), SOME, SOME)
def test_what_a_route_renders_is_never_refused(
    route: str, defaults: dict[str, Any], shot: dict[str, Any]
) -> None:
    """But for defaults that no shot takes, or that contradict themselves: those it may refuse."""
    taken = {key: defaults[key] for key in defaults.keys() - shot.keys()}
    is_still = shot.get("model") == "seedream-4.5"  # takes none of what is wrong in them
    is_plain = not is_still and not taken.keys() & {"model", "tier"}
    assume(is_plain or is_accepted(route, film(taken, {})))
    manifest = film(taken, shot)

    assert validator(route).is_valid(manifest) or not is_accepted(route, manifest)


@given(SOME, SOME)
def test_what_modellix_does_not_render_is_refused_by_its_schema(
    defaults: dict[str, Any], shot: dict[str, Any]
) -> None:
    """But for what a shot takes over from defaults that are meant for another model."""
    assume("model" not in shot or not defaults.keys() - shot.keys())
    manifest = film(defaults, shot)

    assert is_accepted("modellix", manifest) or not validator("modellix").is_valid(manifest)


@pytest.mark.parametrize(
    ("defaults", "shot", "is_fine"),
    [
        ({"tier": "fast"}, {"resolution": "1080p"}, False),
        ({"tier": "fast"}, {"resolution": "720p"}, True),
        ({"tier": "fast"}, {"resolution": "1080p", "tier": "standard"}, True),
        ({"resolution": "1080p"}, {"tier": "fast"}, False),
        ({"resolution": "1080p"}, {"tier": "{{ vars.tier }}"}, True),
        ({"tier": "fast", "resolution": "1080p"}, {}, False),
        ({}, {"resolution": "4k"}, True),
        ({}, {"resolution": "4k", "mode": "v2v"}, False),
        ({"tier": "fast"}, {"resolution": "1080p", "template": "wide"}, True),
        ({}, {"resolution": "{{ quality }}", "tier": "fast"}, True),
        ({}, {"ratio": "adaptive"}, False),
        ({}, {"duration": 16}, False),
        ({}, {"duration": -1}, False),
        ({}, {"model": "seedance-2.5", "tier": "standard"}, False),
        ({}, {"references": [{"use": "a", "as": "first_frame"}] * 16}, False),
    ],
)
def test_an_editor_is_told_of_one_model(
    defaults: dict[str, Any], shot: dict[str, Any], *, is_fine: bool
) -> None:
    assert validator("modellix", "seedance-2.0").is_valid(film(defaults, shot)) is is_fine


def test_a_chain_may_be_longer_than_its_segments() -> None:
    manifest = film({"tier": "fast"}, {})
    manifest["chains"] = {"take": {"prompt": "One flight.", "duration": 90}}

    assert validator("modellix").is_valid(manifest)
    manifest["chains"]["take"]["resolution"] = "1080p"
    assert not validator("modellix").is_valid(manifest)


def test_a_profile_is_held_to_the_tier_of_the_defaults() -> None:
    manifest = film({"tier": "fast"}, {})
    manifest["profiles"] = {"final": {"resolution": "1080p"}}

    assert not validator("modellix", "seedance-2.0").is_valid(manifest)
    manifest["profiles"]["final"]["tier"] = "standard"
    assert validator("modellix", "seedance-2.0").is_valid(manifest)


def test_a_tier_may_be_chosen_for_the_whole_file() -> None:
    fast = validator("modellix", "seedance-2.0", "fast")

    assert fast.is_valid(film({}, {"resolution": "720p"}))
    assert not fast.is_valid(film({}, {"resolution": "1080p"}))
    assert not fast.is_valid(film({"tier": "standard"}, {}))
    assert not fast.is_valid({**film({}, {}), "provider": "byteplus"})


@pytest.mark.parametrize(
    ("defaults", "shot", "is_fine"),
    [
        ({"tier": "fast"}, {"model": "seedream-4.5"}, True),
        ({"tier": "fast", "resolution": "480p", "duration": 5}, {"model": "seedream-4.5"}, True),
        ({"tier": "fast", "mode": "t2v"}, {"model": "seedream-4.5", "resolution": "4k"}, True),
        ({"tier": "fast"}, {"model": "seedream-4.5", "resolution": "480p"}, False),
        ({"tier": "fast"}, {"model": "seedream-4.5", "tier": "fast"}, False),
        ({"tier": "fast"}, {"resolution": "1080p"}, False),
        ({"ratio": "21:9", "audio": True}, {"model": "hailuo-2.3", "duration": 6}, True),
        ({"seed": 3}, {"model": "kling-3.0", "seed": 3}, False),
        ({"duration": 5}, {"model": "hailuo-2.3"}, False),
        ({"model": "seedream-4.5", "duration": 5}, {}, False),
    ],
)
def test_an_editor_spares_what_the_defaults_say_for_others(
    defaults: dict[str, Any], shot: dict[str, Any], *, is_fine: bool
) -> None:
    manifest = film(defaults, shot)

    assert validator("modellix").is_valid(manifest) is is_fine
    assert is_accepted("modellix", manifest) is is_fine
