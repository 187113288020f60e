"""Requests to Ark: golden files, one a scene, and what the reference says of each of their fields."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from seedrender.providers import registry
from seedrender.values.job import (
    CorrelationId,
    Job,
    JobId,
    MediaKind,
    Mode,
    Reference,
    Role,
    Tier,
)
from seedrender.values.provider import MediaUrl
from tests.builders import job
from tests.providers.references import DANCE, HERO, ID, PLACES, SCORE, STREET, uses

GOLDEN = Path(__file__).parent / "golden" / "ark"
MIRA = Reference(name="mira", kind=MediaKind.IMAGE, asset="asset-20260901120000-x1y2z")
MEDIA = {
    **PLACES,
    "mira": MediaUrl("asset://asset-20260901120000-x1y2z"),
    "fly/01": MediaUrl("https://store.example/clip.mp4?X-Tos-Signature=s"),
}
FRAMES = (*uses(STREET, role=Role.LAST_FRAME), *uses(HERO, role=Role.FIRST_FRAME))
STANDARD = {"tier": Tier.STANDARD}
JOBS: dict[str, tuple[str, Job]] = {
    "t2v": (
        "byteplus",
        job(**STANDARD, resolution="720p", ratio="16:9", duration_s=5, audio=False, seed=7),
    ),
    "bare": ("volcengine", job()),
    "first-frame": (
        "byteplus",
        job(
            **STANDARD,
            mode=Mode.I2V,
            prompt="{{ ref.hero }} comes alive.",
            references=uses(HERO, role=Role.FIRST_FRAME),
            camera_fixed=True,
            model="seedance-1.0-pro",
        ),
    ),
    "first-and-last-frame": (
        "volcengine",
        job(
            mode=Mode.I2V,
            prompt="From {{ ref.hero }} to {{ ref.street }}.",
            references=FRAMES,
            resolution="480p",
        ),
    ),
    "references": (
        "byteplus",
        job(
            mode=Mode.V2V,
            prompt="{{ ref.mira }} dances as in {{ ref.dance }} before {{ ref.hero }}: {{ ref.score }}",
            references=uses(HERO, MIRA, DANCE, SCORE),
            duration_s=8,
        ),
    ),
    "continuation": (
        "volcengine",
        job(
            "fly/02",
            segment=2,
            mode=Mode.V2V,
            prompt="Continue {{ previous }} without a cut, in the style of {{ ref.dance }}.",
            references=uses(DANCE),
            needs=(JobId("fly/01"),),
            resolution="720p",
            duration_s=12,
        ),
    ),
    "adaptive": (
        "byteplus",
        job(
            **STANDARD,
            model="seedance-2.5",
            mode=Mode.I2V,
            prompt="It moves.",
            references=uses(HERO, role=Role.FIRST_FRAME),
            ratio="adaptive",
        ),
    ),
    "length-chosen-by-the-model": ("byteplus", job(tier=Tier.MINI, duration_s=-1)),
}
NAMES = sorted(JOBS)


def request_of(name: str) -> dict[str, Any]:
    route, wanted = JOBS[name]
    provider = registry.offline(route)
    assert provider.violations(wanted) == []
    made = provider.encode(wanted, MEDIA, ID)
    return {"path": made.path, "body": dict(made.body)}


@pytest.mark.parametrize("name", NAMES)
def test_a_request_is_what_its_golden_file_says(name: str) -> None:
    golden = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))

    assert request_of(name) == golden


def test_every_golden_file_is_of_a_scene() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.json")) == NAMES


# What sections 1.3, 2.3 and 2.5 of the reference allow, read for this test alone.
MODELS = {
    f"{prefix}{name}"
    for prefix in ("dreamina-", "doubao-")
    for name in (
        *("seedance-2-5-260628", "seedance-2-0-260128"),
        *("seedance-2-0-fast-260128", "seedance-2-0-mini-260615"),
    )
} | {"seedance-1-0-pro-250528"}
RATIOS = {"16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "adaptive"}
FIELDS: dict[str, Any] = {
    "model": lambda value: value in MODELS,
    "resolution": lambda value: value in {"480p", "720p", "1080p", "4k"},
    "ratio": lambda value: value in RATIOS,
    "duration": lambda value: type(value) is int and (value == -1 or 2 <= value <= 30),
    "seed": lambda value: type(value) is int and -1 <= value < 2**31,
    "camera_fixed": lambda value: type(value) is bool,
    "generate_audio": lambda value: type(value) is bool,
    "return_last_frame": lambda value: type(value) is bool,
    "safety_identifier": lambda value: isinstance(value, str) and 0 < len(value) <= 64,
}
ROLES = {
    "image_url": {"first_frame", "last_frame", "reference_image"},
    "video_url": {"reference_video"},
    "audio_url": {"reference_audio"},
}
SCHEMES = {
    "image_url": ("https://", "data:image/", "asset://"),
    "video_url": ("https://", "asset://"),
    "audio_url": ("https://", "data:audio/", "asset://"),
}


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_one_that_the_reference_knows(name: str) -> None:
    body = request_of(name)["body"]

    settings = {key: value for key, value in body.items() if key != "content"}
    assert {key: value for key, value in settings.items() if not FIELDS[key](value)} == {}
    assert None not in body.values()


@pytest.mark.parametrize("name", NAMES)
def test_every_item_has_its_role_beside_an_object_with_the_url(name: str) -> None:
    first, *items = request_of(name)["body"]["content"]

    assert first.keys() == {"type", "text"}
    assert first["type"] == "text"
    for item in items:
        kind = item["type"]
        assert item.keys() == {"type", kind, "role"}
        assert item["role"] in ROLES[kind]
        assert item[kind].keys() == {"url"}
        assert item[kind]["url"].startswith(SCHEMES[kind])


@pytest.mark.parametrize("name", NAMES)
def test_the_three_scenes_exclude_each_other(name: str) -> None:
    content = request_of(name)["body"]["content"]

    roles = Counter(item["role"] for item in content[1:])
    if roles["first_frame"] or roles["last_frame"]:
        assert roles in (
            Counter({"first_frame": 1}),
            Counter({"first_frame": 1, "last_frame": 1}),
        )
    assert sum(roles.values()) <= 15


@pytest.mark.parametrize("name", NAMES)
def test_a_prompt_names_media_by_kind_and_order(name: str) -> None:
    content = request_of(name)["body"]["content"]

    kinds = Counter(item["type"].removesuffix("_url") for item in content[1:])
    for kind, count in kinds.items():
        for number in (0, count + 1):
            assert f"{kind.capitalize()} {number}" not in content[0]["text"]
    assert "{{" not in content[0]["text"]


def test_the_correlation_id_travels_and_an_empty_one_does_not() -> None:
    provider = registry.offline("byteplus")

    assert provider.encode(job(), {}, ID).body["safety_identifier"] == ID
    assert "safety_identifier" not in provider.encode(job(), {}, CorrelationId("")).body
