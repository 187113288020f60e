"""sim/wire_modellix.py: the rules of the Modellix reference, one by one."""

from __future__ import annotations

import asyncio
import base64
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from seedrender.media.probe import probe
from tests.sim.wire import I2V, SMALL, T2V, V2V, Client, Wall, against, client

URL = "https://cdn.example.org/a.png"
CLIP = "https://cdn.example.org/a.mp4"
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()


def test_a_submit_answers_with_a_pending_task_and_where_to_read_it() -> None:
    async def test(sim: Client) -> None:
        answer = await sim.submit()

        assert answer.status == 200
        assert (answer.body["code"], answer.body["message"]) == (0, "success")
        task_id = answer.data["task_id"]
        assert answer.data["status"] == "pending"
        assert answer.data["model_id"] == "seedance-2.0-fast-t2v"
        assert answer.data["get_result"] == {
            "method": "GET",
            "url": f"{sim.base}/api/v1/tasks/{task_id}",
        }
        assert len(task_id) <= 512
        assert answer.headers["Content-Type"].startswith("application/json")

    against(test)


def test_the_older_path_with_async_is_accepted_too() -> None:
    async def test(sim: Client) -> None:
        answer = await sim.ask("POST", f"/api/v1/{T2V}/async", json=SMALL)

        assert (answer.status, answer.data["status"]) == (200, "pending")

    against(test)


@pytest.mark.parametrize(
    ("slug", "body", "message"),
    [
        ("seedance-1.5-pro-i2v", {}, "Missing required parameter: first_frame_image or"),
        ("seedance-1.5-pro-i2v", {"reference_images": [URL]}, "Invalid parameters: reference_im"),
        ("seedance-1.5-pro-i2v", {"last_frame_image": URL, "ratio": "adaptive"}, None),
        ("seedance-1.5-pro-t2v", {"duration": 13}, "Invalid parameters: duration must be one of 4"),
        ("seedance-1.0-pro-t2v", {"duration": 2}, None),
        ("seedance-1.0-pro-t2v", {"resolution": "4k"}, "Invalid parameters: resolution"),
        ("seedance-1.0-pro-fast-i2v", {"audio_urls": [URL], "first_frame_image": URL}, "Invalid"),
        ("seedance-2.5-t2v", {"duration": 30}, None),
        ("seedance-2.5-t2v", {"resolution": "1080p"}, "Invalid parameters: resolution"),
        ("seedance-2.0-t2v", {"ratio": "adaptive"}, "Invalid parameters: ratio must be one of"),
    ],
)
def test_each_family_has_its_own_body(slug: str, body: dict[str, Any], message: str | None) -> None:
    async def test(sim: Client) -> None:
        answer = await sim.submit(f"bytedance/{slug}", **body)

        assert answer.status == (400 if message else 200)
        assert answer.message.startswith(message or "success")

    against(test)


def test_an_unknown_model_is_not_found_and_slugs_are_case_sensitive() -> None:
    async def test(sim: Client) -> None:
        for slug in ("bytedance/seedance-9-t2v", T2V.upper(), "nobody/seedance-2.0-t2v"):
            answer = await sim.submit(slug)

            assert (answer.status, answer.body["code"]) == (404, 404)
            assert answer.message.startswith("Resource not found: ")

    against(test)


def test_equal_submits_are_two_tasks_as_there_is_no_idempotency() -> None:
    async def test(sim: Client) -> None:
        assert await sim.task() != await sim.task()

    against(test)


MISSING, FORMAT = "Missing required parameter", "Invalid format"
RANGE, PARAMETERS = "Value out of range", "Invalid parameters"

REFUSED = [
    pytest.param(T2V, {"prompt": ...}, MISSING, id="no prompt"),
    pytest.param(V2V, {}, MISSING, id="v2v without video_urls"),
    pytest.param(T2V, {"prompt": 7}, FORMAT, id="a number as prompt"),
    pytest.param(T2V, {"prompt": None}, FORMAT, id="null as prompt"),
    pytest.param(T2V, {"prompt": ""}, PARAMETERS, id="an empty prompt"),
    pytest.param(T2V, {"prompt": "x" * 10_001}, PARAMETERS, id="a prompt of 10001 characters"),
    pytest.param(T2V, {"duration": 3}, PARAMETERS, id="3 seconds"),
    pytest.param(T2V, {"duration": 16}, PARAMETERS, id="16 seconds"),
    pytest.param(T2V, {"duration": -1}, PARAMETERS, id="a duration of -1"),
    pytest.param(T2V, {"duration": 4.5}, FORMAT, id="half a second"),
    pytest.param(T2V, {"duration": "5"}, FORMAT, id="a duration as text"),
    pytest.param(T2V, {"duration": True}, FORMAT, id="a duration of true"),
    pytest.param(T2V, {"ratio": "2:1"}, PARAMETERS, id="an unknown ratio"),
    pytest.param(T2V, {"ratio": "adaptive"}, PARAMETERS, id="the adaptive ratio of 1.5"),
    pytest.param(T2V, {"ratio": 969}, FORMAT, id="a ratio that YAML read as a number"),
    pytest.param(T2V, {"resolution": "1080p"}, PARAMETERS, id="1080p on the fast tier"),
    pytest.param(T2V, {"resolution": "720P"}, PARAMETERS, id="a capital P"),
    pytest.param(T2V, {"generate_audio": "true"}, FORMAT, id="a flag as text"),
    pytest.param(T2V, {"camera_fixed": 1}, FORMAT, id="a flag as a number"),
    pytest.param(T2V, {"execution_expires_after": 3599}, RANGE, id="expiry too early"),
    pytest.param(T2V, {"execution_expires_after": 259_201}, RANGE, id="expiry too late"),
    pytest.param(T2V, {"seed": -2}, RANGE, id="a seed below -1"),
    pytest.param(T2V, {"seed": 2**31}, RANGE, id="a seed beyond 31 bits"),
    pytest.param(T2V, {"service_tier": "fast"}, PARAMETERS, id="an unknown service tier"),
    pytest.param(T2V, {"reference_images": [URL]}, PARAMETERS, id="images on t2v"),
    pytest.param(T2V, {"first_frame_image": URL}, PARAMETERS, id="a frame on t2v"),
    pytest.param(I2V, {"video_urls": [CLIP]}, PARAMETERS, id="a video on i2v"),
    pytest.param(I2V, {"first_frame_image": ""}, PARAMETERS, id="an empty frame"),
    pytest.param(I2V, {"first_frame_image": [URL]}, FORMAT, id="a frame in a list"),
    pytest.param(I2V, {"first_frame_image": "refs/a.png"}, FORMAT, id="a path as frame"),
    pytest.param(I2V, {"reference_images": []}, PARAMETERS, id="no images in the list"),
    pytest.param(I2V, {"reference_images": [URL] * 10}, PARAMETERS, id="ten images"),
    pytest.param(I2V, {"reference_images": URL}, FORMAT, id="an image without a list"),
    pytest.param(I2V, {"reference_images": [{"url": URL}]}, FORMAT, id="an image as an object"),
    pytest.param(
        I2V,
        {"reference_images": [URL], "first_frame_image": URL},
        PARAMETERS,
        id="references beside a first frame",
    ),
    pytest.param(
        I2V,
        {"reference_images": [URL], "last_frame_image": URL},
        PARAMETERS,
        id="references beside a last frame",
    ),
    pytest.param(I2V, {"audio_urls": [CLIP]}, PARAMETERS, id="a sound alone"),
    pytest.param(V2V, {"video_urls": [CLIP] * 4}, PARAMETERS, id="four videos"),
    pytest.param(V2V, {"video_urls": []}, PARAMETERS, id="no video in the list"),
    pytest.param(
        V2V, {"video_urls": ["data:video/mp4;base64,AAAA"]}, PARAMETERS, id="a video as Base64"
    ),
    pytest.param(
        V2V, {"video_urls": [CLIP], "audio_urls": [CLIP] * 4}, PARAMETERS, id="four sounds"
    ),
    pytest.param(
        V2V,
        {"video_urls": [CLIP], "audio_urls": ["data:audio/mp3;base64,AAAA"]},
        PARAMETERS,
        id="a sound as Base64",
    ),
]


@pytest.mark.parametrize(("slug", "body", "category"), REFUSED)
def test_a_wrong_body_is_refused_with_its_category_and_creates_nothing(
    slug: str, body: dict[str, Any], category: str
) -> None:
    async def test(sim: Client) -> None:
        whole = {k: v for k, v in {**SMALL, **body}.items() if v is not ...}
        answer = await sim.ask("POST", f"/api/v1/{slug}", json=whole)

        assert (answer.status, answer.body["code"]) == (400, 400)
        assert answer.message.startswith(f"{category}: ")
        assert "data" not in answer.body
        assert (await sim.ledger())["tasks"] == []

    against(test)


ACCEPTED = [
    pytest.param(T2V, {"prompt": "x" * 10_000}, id="a prompt of 10000 characters"),
    pytest.param(T2V, {"duration": 15}, id="15 seconds"),
    pytest.param(T2V, {"duration": 5.0}, id="a whole number written with a point"),
    pytest.param(T2V, {"seed": -1, "service_tier": "flex", "camera_fixed": True}, id="options"),
    pytest.param(T2V, {"execution_expires_after": 3600}, id="the earliest expiry"),
    pytest.param(T2V, {"negative_prompt": "blur"}, id="a field that no schema has"),
    pytest.param(I2V, {}, id="i2v with only a prompt"),
    pytest.param(I2V, {"first_frame_image": URL, "last_frame_image": PNG}, id="both frames"),
    pytest.param(I2V, {"reference_images": [f"data:image/png;base64,{PNG}"] * 9}, id="nine images"),
    pytest.param(I2V, {"reference_images": [URL], "audio_urls": [CLIP]}, id="sound and image"),
    pytest.param(V2V, {"video_urls": [CLIP] * 3, "audio_urls": [CLIP] * 3}, id="three of each"),
    pytest.param(V2V, {"video_urls": [CLIP], "prompt": "[Image 3] runs"}, id="a stray placeholder"),
    pytest.param("bytedance/seedance-2.0-t2v", {"resolution": "4k"}, id="4k on t2v"),
]


@pytest.mark.parametrize(("slug", "body"), ACCEPTED)
def test_a_right_body_is_accepted(slug: str, body: dict[str, Any]) -> None:
    async def test(sim: Client) -> None:
        answer = await sim.submit(slug, **body)

        assert answer.status == 200, answer.body

    against(test)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half of it"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"[" * 100_000, id="nested without end"),
    ],
)
def test_a_body_that_is_no_json_object_is_an_invalid_format(content: bytes) -> None:
    async def test(sim: Client) -> None:
        answer = await sim.ask("POST", f"/api/v1/{T2V}", data=content)

        assert answer.status == 400
        assert answer.message.startswith("Invalid format: ")

    against(test)


def test_what_is_left_out_is_720p_16_to_9_five_seconds_with_sound(tmp_path: Path) -> None:
    async def test(sim: Client) -> bytes:
        answer = await sim.ask("POST", f"/api/v1/{T2V}", json={"prompt": "a kite"})
        sim.wall.pass_(600)
        done = await sim.poll(answer.data["task_id"])

        assert (done.video["width"], done.video["height"]) == (1280, 720)
        assert done.video["duration"] == 5
        return (await sim.get(done.video["url"])).content

    (tmp_path / "clip.mp4").write_bytes(against(test))

    found = probe(tmp_path / "clip.mp4")
    assert (found.width, found.height, found.frames) == (1280, 720, 120)
    assert found.audio_codec == "aac"


def test_a_schema_is_public_and_says_what_the_wire_checks() -> None:
    async def test(sim: Client) -> None:
        path = f"{sim.base}/models/{V2V}/api_schema"
        async with aiohttp.ClientSession() as stranger, stranger.get(path) as response:
            answer = await response.json()

        schema = answer["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert answer["servers"][0]["url"] == f"{sim.base}/api/v1/{V2V}"
        assert schema["required"] == ["prompt", "video_urls"]
        assert schema["properties"]["duration"]["enum"] == list(range(4, 16))
        assert schema["properties"]["video_urls"]["maxItems"] == 3
        examples = answer["post"]["requestBody"]["content"]["application/json"]["examples"]
        assert (await sim.submit(V2V, **examples["minimal"]["value"])).status == 200

    against(test)


def test_a_task_is_pending_then_processing_then_successful() -> None:
    async def test(sim: Client) -> None:
        task_id = await sim.task()
        seen = []
        for _ in range(200):
            answer = await sim.poll(task_id)
            seen.append(answer.data["status"])
            assert answer.data["task_id"] == task_id
            sim.wall.pass_(1)

        assert list(dict.fromkeys(seen)) == ["pending", "processing", "success"]
        assert seen == sorted(seen, key=["pending", "processing", "success"].index)
        assert 30 <= seen.index("success") <= 195

    against(test)


def test_a_result_names_its_file_size_length_expiry_and_price() -> None:
    async def test(sim: Client) -> None:
        start = sim.wall()
        answer = await sim.result(duration=6)

        video = answer.video
        assert video["url"].startswith(f"{sim.base}/files/")
        assert (video["type"], video["format"], video["role"]) == ("video", "mp4", "primary")
        assert (video["width"], video["height"], video["duration"]) == (864, 496, 6)
        assert answer.data["billing"] == {"amount": 0.414}
        assert 30_000 <= answer.data["duration"] <= 200_000
        ended = start + answer.data["duration"] / 1000
        week = 7 * 86_400
        assert answer.data["result_expires_at"] == pytest.approx((ended + week) * 1000, abs=2)
        assert answer.data["result"]["extensions"]["submit_time"] == pytest.approx(
            start * 1000, abs=2
        )

        file = await sim.get(video["url"])
        assert len(file.content) == video["size"] == int(file.headers["Content-Length"])

    against(test)


def test_a_price_that_nobody_published_is_absent() -> None:
    async def test(sim: Client) -> None:
        answer = await sim.result(V2V, video_urls=[CLIP])

        assert answer.data["status"] == "success"
        assert "billing" not in answer.data
        assert "billing" not in answer.body

    against(test)


def test_the_last_frame_is_one_more_resource_where_it_was_asked_for() -> None:
    async def test(sim: Client) -> bytes:
        answer = await sim.result(return_last_frame=True)

        image = answer.data["result"]["resources"][1]
        assert (image["type"], image["format"]) == ("image", "png")
        return (await sim.get(image["url"])).content

    with Image.open(BytesIO(against(test))) as image:
        assert image.size == (864, 496)


def test_a_waiting_read_is_held_until_the_end_but_not_for_ever() -> None:
    async def test() -> None:
        async with client(speed=600.0, median_s=0.001, long_poll_s=600.0) as sim:
            quick = await sim.get(f"/api/v1/tasks/{await sim.task()}?wait=true")
        async with client(speed=600.0, long_poll_s=0.6) as sim:
            slow = await sim.get(f"/api/v1/tasks/{await sim.task()}?wait=true")

        assert quick.data["status"] in ("pending", "success")  # the test's clock stands still
        assert slow.data["status"] == "pending"

    asyncio.run(test())


def test_a_task_is_unknown_after_seven_days_and_so_is_its_file() -> None:
    async def test(sim: Client) -> None:
        answer = await sim.result()
        url, task_id = answer.video["url"], answer.data["task_id"]
        sim.wall.pass_(6.9 * 86_400)
        assert (await sim.poll(task_id)).status == 200
        assert (await sim.get(url)).status == 200

        sim.wall.pass_(0.2 * 86_400)

        gone = await sim.poll(task_id)
        assert gone.status == 404
        assert gone.message.startswith("Resource not found: ")
        assert (await sim.get(url)).status == 404

    against(test)


def test_an_unknown_task_is_not_found() -> None:
    async def test(sim: Client) -> None:
        for task_id in ("task-none", "..%2f..%2fetc", "x" * 600):
            answer = await sim.poll(task_id)

            assert (answer.status, answer.body["code"]) == (404, 404)

    against(test)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic right"])
def test_a_wrong_key_fails_to_authenticate_on_every_call(header: str | None) -> None:
    async def test(sim: Client) -> None:
        headers = {} if header is None else {"Authorization": header}
        calls = [
            ("POST", f"/api/v1/{T2V}"),
            ("GET", "/api/v1/tasks/task-x"),
            ("GET", "/api/v1/team/balance"),
            ("GET", "/api/v1/models"),
            ("GET", "/api/v1/media/files"),
        ]
        async with aiohttp.ClientSession(headers=headers) as session:
            stranger = Client(sim.base, session, sim.wall)
            for method, path in calls:
                answer = await stranger.ask(method, path)

                assert (answer.status, answer.body["code"]) == (401, 401)
                assert answer.message.startswith("Authentication failed: ")

    against(test, key="right", account_key="right")


def test_any_key_will_do_unless_one_is_set() -> None:
    async def test() -> None:
        async with client(key="whatever") as sim:
            assert (await sim.submit()).status == 200

    asyncio.run(test())


def test_every_answer_shows_the_rate_limit() -> None:
    async def test(sim: Client) -> None:
        answers = [
            await sim.submit(),
            await sim.submit(duration=99),
            await sim.poll("task-none"),
            await sim.get("/api/v1/apikey/validate"),
            await sim.get("/api/v1/nothing/here/at/all"),
        ]

        left = [int(answer.headers["X-RateLimit-Remaining"]) for answer in answers]
        assert left == [999, 998, 997, 996, 995]
        for answer in answers:
            assert answer.headers["X-RateLimit-Limit"] == "1000"
            reset = int(answer.headers["X-RateLimit-Reset"])
            assert 0 <= reset - sim.wall() <= 61

    against(test)


def test_too_many_requests_in_a_minute_are_refused_until_the_next_one() -> None:
    async def test(sim: Client) -> None:
        for _ in range(3):
            assert (await sim.get("/api/v1/models")).status == 200

        refused = await sim.submit()
        reset = int(refused.headers["X-RateLimit-Reset"])
        sim.wall.time = reset

        assert (refused.status, refused.body["code"]) == (429, 429)
        assert refused.message.startswith("Rate limit exceeded: ")
        assert refused.headers["X-RateLimit-Remaining"] == "0"
        assert "Retry-After" not in refused.headers
        assert (await sim.submit()).status == 200

    against(test, requests_per_minute=3)


def test_a_minute_is_the_simulators_own() -> None:
    async def test(sim: Client) -> None:
        await sim.get("/api/v1/models")
        assert (await sim.get("/api/v1/models")).status == 429

        sim.wall.pass_(1)

        assert (await sim.get("/api/v1/models")).status == 200

    against(test, requests_per_minute=1, speed=60.0)


def test_retry_after_is_said_where_it_is_switched_on() -> None:
    async def test(sim: Client) -> None:
        await sim.get("/api/v1/models")
        refused = await sim.get("/api/v1/models")

        assert 1 <= int(refused.headers["Retry-After"]) <= 60

    against(test, requests_per_minute=1, has_retry_after=True)


def test_too_many_running_tasks_are_refused_until_one_ends() -> None:
    async def test(sim: Client) -> None:
        await sim.task()
        await sim.task()

        refused = await sim.submit()
        sim.wall.pass_(600)

        assert refused.status == 429
        assert refused.message.startswith("Concurrent limit exceeded: ")
        assert (await sim.submit()).status == 200

    against(test, concurrency=2)


def test_a_balance_that_is_used_up_is_said_with_402() -> None:
    async def test(sim: Client) -> None:
        assert (await sim.get("/api/v1/team/balance")).data == {"balance": 0.3}
        await sim.result()
        assert (await sim.get("/api/v1/team/balance")).data == {"balance": 0.024}

        refused = await sim.submit()

        assert (refused.status, refused.body["code"]) == (402, 402)
        assert len((await sim.ledger())["tasks"]) == 1

    against(test, balance=Decimal("0.3"))


def test_a_failed_task_costs_nothing() -> None:
    async def test(sim: Client) -> None:
        failed = await sim.result(prompt="[sim:fail] a kite")

        assert failed.data["status"] == "failed"
        assert (await sim.get("/api/v1/team/balance")).data == {"balance": 1.0}

    against(test, balance=Decimal(1))


def test_a_body_beyond_64_mb_is_refused() -> None:
    async def test(sim: Client) -> None:
        body = BytesIO(b'{"prompt": "' + b"x" * (64 * 2**20) + b'"}')
        answer = await sim.ask("POST", f"/api/v1/{T2V}", data=body)

        assert (answer.status, answer.body["code"]) == (413, 413)

    against(test)


def test_a_key_is_validated_without_ever_failing() -> None:
    async def test(sim: Client) -> None:
        right = await sim.get("/api/v1/apikey/validate")
        wrong = await sim.get("/api/v1/apikey/validate", headers={"Authorization": "Bearer no"})
        async with aiohttp.ClientSession() as session:
            none = await Client(sim.base, session, sim.wall).get("/api/v1/apikey/validate")

        assert [a.status for a in (right, wrong, none)] == [200, 200, 200]
        assert [a.data["is_valid"] for a in (right, wrong, none)] == [True, False, False]

    against(test, key="right", account_key="right")


def test_the_models_are_listed_with_their_price_ranges() -> None:
    async def test(sim: Client) -> None:
        rows = (await sim.get("/api/v1/models")).body["models"]
        short = (await sim.get("/api/v1/models?featured=true")).body["models"]

        by_slug = {row["slug"]: row for row in rows}
        assert by_slug[T2V]["price"] == {"min": 0.069, "max": 0.138, "unit": "$/sec"}
        assert "price" not in by_slug[V2V]
        assert by_slug[V2V]["type"] == "video-to-video"
        assert 0 < len(short) < len(rows)

    against(test)


def test_an_unknown_path_is_answered_in_the_same_shape() -> None:
    async def test(sim: Client) -> None:
        answer = await sim.get("/api/v1/tasks")

        assert (answer.status, answer.body["code"]) == (404, 404)

    against(test)


def form(content: bytes, name: str = "file") -> aiohttp.FormData:
    data = aiohttp.FormData()
    data.add_field(name, content, filename="a.png")
    return data


def png() -> bytes:
    target = BytesIO()
    Image.new("RGB", (40, 30), "teal").save(target, "PNG")
    return target.getvalue()


def test_a_file_is_uploaded_listed_served_and_deleted() -> None:
    async def test(sim: Client) -> None:
        content = png()
        sent = await sim.ask("POST", "/api/v1/media/files", data=form(content))
        row = sent.data

        assert (row["type"], row["size"], row["filename"]) == ("image", len(content), "a.png")
        assert row["url"].startswith("http://127.0.0.1:")
        assert (await sim.get("/api/v1/media/files")).data == [row]
        assert (await sim.get(row["url"])).content == content
        path = f"/api/v1/media/files/{row['file_id']}"
        assert (await sim.ask("DELETE", path)).status == 204
        assert (await sim.ask("DELETE", path)).status == 404
        assert (await sim.get(row["url"])).status == 404
        assert (await sim.get("/api/v1/media/files")).data == []

    against(test)


def test_uploads_are_limited_in_size_number_and_kind() -> None:
    async def test(sim: Client) -> None:
        statuses = []
        for content in (png() + bytes(2000), b"plain text", b"", png(), png(), png()):
            answer = await sim.ask("POST", "/api/v1/media/files", data=form(content))
            statuses.append(answer.status)

        assert statuses == [413, 400, 400, 200, 200, 429]

    against(test, uploads=2, upload_bytes=1000)


def test_an_upload_without_a_file_part_is_missing_its_parameter() -> None:
    async def test(sim: Client) -> None:
        other = await sim.ask("POST", "/api/v1/media/files", data=form(png(), "image"))
        plain = await sim.ask("POST", "/api/v1/media/files", data=b"{}")

        assert (other.status, plain.status) == (400, 400)
        assert other.message == "Missing required parameter: file"
        assert plain.message.startswith("Invalid format: ")

    against(test)


@pytest.mark.parametrize(
    ("limit", "status"), [("1", 200), ("100", 200), ("0", 400), ("101", 400), ("x", 400)]
)
def test_a_list_of_files_takes_a_limit_from_1_to_100(limit: str, status: int) -> None:
    async def test(sim: Client) -> None:
        assert (await sim.get(f"/api/v1/media/files?limit={limit}")).status == status

    against(test)


def test_uploads_are_forgotten_after_seven_days() -> None:
    async def test(sim: Client) -> None:
        await sim.ask("POST", "/api/v1/media/files", data=form(png()))

        sim.wall.pass_(7.1 * 86_400)

        assert (await sim.get("/api/v1/media/files")).data == []

    against(test)


def test_equal_seeds_and_order_give_equal_ids_times_and_bytes() -> None:
    async def test(sim: Client) -> list[tuple[str, int, bytes]]:
        found = []
        for number in range(2):
            done = await sim.result(prompt=f"kite {number}")
            clip = await sim.get(done.video["url"])
            found.append((done.data["task_id"], done.data["duration"], clip.content))
        return found

    first = against(test, seed=7, footage="loop")
    second = against(test, seed=7, footage="loop")
    other = against(test, seed=8, footage="patched")

    assert first == second
    assert {row[0] for row in first}.isdisjoint(row[0] for row in other)


def test_many_submits_at_once_are_all_tasks() -> None:
    async def test(sim: Client) -> None:
        answers = await asyncio.gather(*(sim.submit(prompt=f"kite {n}") for n in range(64)))

        assert {answer.status for answer in answers} == {200}
        assert len({answer.data["task_id"] for answer in answers}) == 64

    against(test)


def test_a_stopped_simulator_leaves_no_folder_and_takes_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    async def run() -> float:
        async with client(footage="loop") as sim:
            task_id = await sim.task(resolution="720p", duration=15)
            sim.wall.pass_(600)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await sim.poll(task_id)
            start = asyncio.get_running_loop().time()
        return asyncio.get_running_loop().time() - start

    assert asyncio.run(run()) < 1.0
    assert list(tmp_path.iterdir()) == []


def test_time_that_passes_is_scaled() -> None:
    wall = Wall()

    async def test() -> str:
        async with client(wall=wall, speed=600.0) as sim:
            task_id = await sim.task()
            wall.pass_(0.6)
            return str((await sim.poll(task_id)).data["status"])

    assert asyncio.run(test()) == "success"
