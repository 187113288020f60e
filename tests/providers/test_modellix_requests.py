"""Requests to Modellix: golden files, one a slug or scene, and what the reference says of each field."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from seedrender.providers import registry
from seedrender.values.job import (
    Job,
    JobId,
    Mode,
    Role,
    Tier,
)
from seedrender.values.provider import Limits, MediaUrl
from tests.builders import job
from tests.providers.references import DANCE, HERO, ID, PLACES, SCORE, STREET, uses
from tests.providers.test_http import served

GOLDEN = Path(__file__).parent / "golden" / "modellix"
MEDIA = {
    **PLACES,
    "fly/01": MediaUrl("https://file.example/clip.mp4?sig=s"),
}
FIRST = uses(HERO, role=Role.FIRST_FRAME)
FRAMES = (*FIRST, *uses(STREET, role=Role.LAST_FRAME))
SECOND: dict[str, Any] = {
    "segment": 2,
    "mode": Mode.V2V,
    "prompt": "Continue {{ previous }} without a cut.",
    "needs": (JobId("fly/01"),),
    "duration_s": 15,
}


def made(model: str, tier: Tier = Tier.STANDARD, mode: Mode = Mode.T2V, **fields: Any) -> Job:
    name = "fly/02" if "needs" in fields else "spin"
    return job(name, model=model, tier=tier, mode=mode, **fields)


JOBS: dict[str, Job] = {
    "seedance-2.0-t2v": made(
        "seedance-2.0", resolution="4k", ratio="21:9", duration_s=15, audio=True
    ),
    "seedance-2.0-i2v": made(
        "seedance-2.0",
        mode=Mode.I2V,
        references=FRAMES,
        resolution="720p",
        duration_s=8,
        audio=False,
    ),
    "seedance-2.0-v2v": made("seedance-2.0", resolution="720p", **SECOND),
    "seedance-2.0-fast-t2v": made("seedance-2.0", Tier.FAST),
    "seedance-2.0-fast-i2v": made(
        "seedance-2.0",
        Tier.FAST,
        Mode.I2V,
        prompt="{{ ref.street }} meets {{ ref.hero }}: {{ ref.score }}",
        references=uses(HERO, STREET, SCORE),
        seed=7,
    ),
    "seedance-2.0-fast-v2v": made(
        "seedance-2.0",
        Tier.FAST,
        Mode.V2V,
        prompt="{{ ref.hero }} dances as in {{ ref.dance }}.",
        references=uses(HERO, DANCE),
        camera_fixed=True,
    ),
    "seedance-2.0-mini-t2v": made("seedance-2.0", Tier.MINI, duration_s=4, ratio="9:16"),
    "seedance-2.0-mini-i2v": made("seedance-2.0", Tier.MINI, Mode.I2V, references=FIRST),
    "seedance-2.0-mini-v2v": made("seedance-2.0", Tier.MINI, **SECOND),
    "seedance-1.5-pro-t2v": made(
        "seedance-1.5-pro", ratio="adaptive", resolution="1080p", duration_s=12, audio=False
    ),
    "seedance-1.5-pro-i2v": made("seedance-1.5-pro", mode=Mode.I2V, references=FRAMES),
    "seedance-1.0-pro-t2v": made("seedance-1.0-pro", duration_s=2, seed=-1),
    "seedance-1.0-pro-i2v": made("seedance-1.0-pro", mode=Mode.I2V, references=FIRST),
    "seedance-1.0-pro-fast-t2v": made(
        "seedance-1.0-pro", Tier.FAST, resolution="480p", camera_fixed=False
    ),
    "seedance-1.0-pro-fast-i2v": made("seedance-1.0-pro", Tier.FAST, Mode.I2V, references=FIRST),
    "seedance-2.5-t2v": made("seedance-2.5", duration_s=30, resolution="720p"),
}
NAMES = sorted(JOBS)


def request_of(name: str) -> dict[str, Any]:
    provider = registry.offline("modellix")
    assert provider.violations(JOBS[name]) == []
    request = provider.encode(JOBS[name], MEDIA, ID)
    return {"path": request.path, "body": dict(request.body)}


@pytest.mark.parametrize("name", NAMES)
def test_a_request_is_what_its_golden_file_says(name: str) -> None:
    golden = json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))

    assert request_of(name) == golden


def test_every_golden_file_is_of_a_slug() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_slug_is_the_path_and_keeps_its_dots(name: str) -> None:
    assert request_of(name)["path"] == f"/api/v1/bytedance/{name}"


# What sections 3 and 4 of the reference allow, read for this test alone.
IMAGE = ("https://", "data:image/")
RATIOS = {"21:9", "16:9", "4:3", "1:1", "3:4", "9:16"}


def is_whole(value: object, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def are_links(value: object, most: int, schemes: tuple[str, ...] = ("https://",)) -> bool:
    return (
        isinstance(value, list)
        and 1 <= len(value) <= most
        and all(isinstance(one, str) and one.startswith(schemes) for one in value)
    )


MEDIA_FIELDS: dict[str, Any] = {
    "first_frame_image": lambda value: value.startswith(IMAGE),
    "last_frame_image": lambda value: value.startswith(IMAGE),
    "reference_images": lambda value: are_links(value, 9, IMAGE),
    "audio_urls": lambda value: are_links(value, 3),
    "video_urls": lambda value: are_links(value, 3),
}
TAKES = {
    "t2v": set[str](),
    "i2v": {"first_frame_image", "last_frame_image", "reference_images", "audio_urls"},
    "v2v": set(MEDIA_FIELDS),
}
OF_1_X = {"first_frame_image", "last_frame_image"}
UP_TO_720P, UP_TO_1080P = {"480p", "720p"}, {"480p", "720p", "1080p"}
RESOLUTIONS = {"2.0": {*UP_TO_1080P, "4k"}} | dict.fromkeys(
    ("2.0-fast", "2.0-mini", "2.5"), UP_TO_720P
)
SECONDS = {"2.5": (4, 30), "1.5-pro": (4, 12), "1.0-pro": (2, 12), "1.0-pro-fast": (2, 12)}
FIELDS: dict[str, Any] = {
    "prompt": lambda _, value: isinstance(value, str) and 1 <= len(value) <= 10_000,
    "ratio": lambda of, value: value in RATIOS or (value == "adaptive" and of.startswith("1.")),
    "resolution": lambda of, value: value in RESOLUTIONS.get(of, UP_TO_1080P),
    "duration": lambda of, value: is_whole(value, *SECONDS.get(of, (4, 15))),
    "generate_audio": lambda of, value: type(value) is bool and not of.startswith("1.0"),
    "camera_fixed": lambda _, value: type(value) is bool,
    "seed": lambda _, value: is_whole(value, -1, 2**31 - 1),
}


def is_allowed(name: str, field: str, value: Any) -> bool:
    """Say whether a field may stand in the body of a slug, with this value."""
    family, _, mode = name.removeprefix("seedance-").rpartition("-")
    if field in MEDIA_FIELDS:
        takes = TAKES[mode] if family.startswith("2.") else TAKES[mode] & OF_1_X
        return field in takes and bool(MEDIA_FIELDS[field](value))
    return field in FIELDS and bool(FIELDS[field](family, value))


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_one_that_the_reference_knows(name: str) -> None:
    body = request_of(name)["body"]

    assert {
        field: value for field, value in body.items() if not is_allowed(name, field, value)
    } == {}
    assert body["prompt"]
    assert ("video_urls" in body) == name.endswith("v2v")
    assert "reference_images" not in body or "first_frame_image" not in body


def test_what_arrives_is_the_body_with_the_key_its_type_and_our_id() -> None:
    arrived: list[tuple[str, str, dict[str, str], Any]] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        arrived.append((request.method, request.path, headers, await request.json()))
        return web.json_response({"code": 0, "data": {"task_id": "task-1", "status": "pending"}})

    async def submit() -> str:
        limits = Limits(concurrency=1, requests_per_minute=100)
        async with served(handle) as address:
            environ = {"MODELLIX_API_KEY": "planted", "MODELLIX_BASE_URL": address}
            async with registry.online("modellix", environ, limits) as provider:
                return await provider.submit(provider.encode(JOBS[NAMES[-1]], MEDIA, ID))

    task_id = asyncio.run(submit())

    [(method, where, headers, body)] = arrived
    assert (task_id, method, where) == ("task-1", "POST", f"/api/v1/bytedance/{NAMES[-1]}")
    assert headers["authorization"] == "Bearer planted"
    assert headers["content-type"] == "application/json"
    assert headers["x-request-id"] == ID
    assert body == request_of(NAMES[-1])["body"]
