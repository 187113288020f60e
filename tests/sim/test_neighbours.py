"""The simulator's own reading of other makers' bodies, and the clips and pictures that it makes."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.sim.wire import Answer, Client, against

KLING, KLING_I2V = "kling/kling-v3-t2v", "kling/kling-v3-i2v"
HAILUO, WAN_I2V = "minimax/hailuo-2.3-t2v", "alibaba/wan2.7-i2v"
SEEDREAM, LITE = "bytedance/seedream-4.5-t2i", "bytedance/seedream-5.0-lite"
EDIT = "bytedance/seedream-5.0-lite-edit"
PICTURE = "https://cdn.example.org/a.png"


def answer(slug: str, **body: Any) -> Answer:
    async def test(sim: Client) -> Answer:
        return await sim.ask("POST", f"/api/v1/{slug}", json={"prompt": "a kite", **body})

    return against(test)


def result(slug: str, **body: Any) -> tuple[Answer, bytes]:
    async def test(sim: Client) -> tuple[Answer, bytes]:
        submitted = await sim.ask("POST", f"/api/v1/{slug}", json={"prompt": "a kite", **body})
        assert submitted.status == 200, submitted.body
        sim.wall.pass_(600)
        found = await sim.poll(submitted.data["task_id"])
        return found, (await sim.get(found.video["url"])).content

    return against(test)


@pytest.mark.parametrize(
    ("slug", "body", "words"),
    [
        (KLING, {"ratio": "16:9"}, "Invalid parameters: ratio is not accepted"),
        (KLING, {"audio": True}, "Invalid format: audio must be of type string"),
        (KLING, {"audio": "on"}, "Invalid parameters: audio must be one of native, off"),
        (KLING, {"duration": 16}, "Value out of range: duration must be between 3 and 15"),
        (KLING, {"prompt": "x" * 3073}, "prompt must have at most 3072 characters"),
        (KLING_I2V, {}, "Missing required parameter: image"),
        (KLING_I2V, {"image": PICTURE, "cfg_scale": "1"}, "cfg_scale must be of type number"),
        (KLING_I2V, {"image": PICTURE, "cfg_scale": 1.5}, "between 0 and 1"),
        (HAILUO, {"duration": 7}, "duration must be one of 6, 10"),
        (HAILUO, {"duration": 10, "resolution": "1080P"}, "do not go together"),
        (WAN_I2V, {}, "Missing required parameter: first_frame or first_clip"),
        (SEEDREAM, {"size": "100x100"}, "WIDTHxHEIGHT of 3686400 to 16777216 pixels"),
        (SEEDREAM, {"size": "2k"}, "Value out of range: size"),
        (SEEDREAM, {"duration": 5}, "duration is not accepted"),
        (EDIT, {"image": [PICTURE] * 15}, "image must have 1 to 14 items"),
        ("bytedance/flux", {}, "Resource not found"),
    ],
)
def test_a_body_is_held_to_its_own_schema(slug: str, body: dict[str, Any], words: str) -> None:
    found = answer(slug, **body)

    assert found.status == (404 if "not found" in words else 400)
    assert words in found.message


@pytest.mark.parametrize(
    ("slug", "body", "shape"),
    [
        (KLING, {"aspect_ratio": "9:16", "duration": 3}, (720, 1280, 3)),
        (KLING_I2V, {"image": PICTURE, "mode": "pro", "duration": 3}, (1920, 1080, 3)),
        (HAILUO, {}, (1366, 768, 6)),
        (WAN_I2V, {"first_frame": PICTURE, "resolution": "720P", "duration": 2}, (1280, 720, 2)),
    ],
)
def test_a_clip_is_of_the_size_and_length_that_its_maker_s_words_ask_for(
    slug: str, body: dict[str, Any], shape: tuple[int, int, int]
) -> None:
    found, content = result(slug, **body)

    video = found.video
    assert (video["width"], video["height"], video["duration"]) == shape
    assert video["type"] == "video"
    assert content[4:8] == b"ftyp"


@pytest.mark.parametrize(
    ("slug", "body", "form", "size"),
    [
        (SEEDREAM, {"size": "2560x1440"}, "JPEG", (2560, 1440)),
        (LITE, {"output_format": "png"}, "PNG", (2048, 2048)),
        (EDIT, {"image": [PICTURE]}, "JPEG", (2048, 2048)),
        ("kling/kling-v3-t2i", {"aspect_ratio": "9:16"}, "PNG", (768, 1360)),
    ],
)
def test_a_picture_is_a_picture_of_the_size_that_was_asked_for(
    slug: str, body: dict[str, Any], form: str, size: tuple[int, int]
) -> None:
    found, content = result(slug, **body)

    with Image.open(BytesIO(content)) as picture:
        assert (picture.format, picture.size) == (form, size)
    made = found.video
    assert (made["type"], made["width"], made["height"]) == ("image", *size)
    assert (made["format"], made["size"]) == (form.lower(), len(content))
    assert "duration" not in made


def test_a_picture_costs_what_a_picture_costs_and_a_range_says_nothing() -> None:
    assert result(SEEDREAM)[0].data["billing"] == {"amount": 0.0414}
    assert "billing" not in result(KLING, duration=3)[0].data


def test_two_pictures_may_come_of_one_task() -> None:
    found, _ = result(SEEDREAM, prompt="a kite [sim:two-pictures]")

    roles = [row["role"] for row in found.data["result"]["resources"]]
    assert roles == ["alternative", "primary"]


def test_the_list_of_models_knows_every_maker_and_unit() -> None:
    async def test(sim: Client) -> Any:
        return (await sim.get("/api/v1/models")).body["models"]

    rows = {row["slug"]: row for row in against(test)}
    assert rows[SEEDREAM]["type"] == "text-to-image"
    assert rows[SEEDREAM]["price"] == {"fixed": 0.0414, "unit": "$/img"}
    assert rows[EDIT]["type"] == "image-to-image"
    assert rows[KLING]["price"] == {"min": 0.058, "max": 0.2898, "unit": "$/sec"}
    assert rows[KLING]["docs_url"] == "https://docs.modellix.ai/kling/kling-v3-t2v.md"
    assert "price" not in rows[HAILUO]


@pytest.mark.parametrize("slug", [KLING_I2V, EDIT, WAN_I2V, HAILUO])
def test_the_schema_of_a_maker_is_served_with_an_example_that_is_accepted(slug: str) -> None:
    async def test(sim: Client) -> tuple[Any, Answer]:
        found = await sim.get(f"/models/{slug}/api_schema")
        content = found.body["post"]["requestBody"]["content"]["application/json"]
        example = content["examples"]["minimal"]["value"]
        return content["schema"], await sim.ask("POST", f"/api/v1/{slug}/async", json=example)

    schema, submitted = against(test)
    assert schema["additionalProperties"] is False
    assert submitted.status == 200
