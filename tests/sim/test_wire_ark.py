"""sim/wire_ark.py: the life of a task on the Ark wire, rule by rule."""

from __future__ import annotations

import asyncio
import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from seedrender.media.probe import probe
from tests.sim.ark import (
    BP,
    FAST,
    NEWEST,
    PRO_10,
    PRO_15,
    TASKS,
    VE,
    Ark,
    against,
    error,
    image,
    picture,
    text,
    video,
)
from tests.sim.wire import Wall, client

DAY = 86_400


def test_a_creation_answers_with_an_id_of_the_wires_shape_and_nothing_else() -> None:
    async def test(ark: Ark) -> None:
        answer = await ark.create()

        assert (answer.status, list(answer.body)) == (200, ["id"])
        assert re.fullmatch(r"cgt-\d{14}-[0-9a-z]{5}", answer.body["id"])
        assert answer.body["id"].startswith("cgt-20261118190640-")  # UTC+8

    against(test)


def test_a_task_is_queued_then_runs_then_succeeds() -> None:
    async def test(ark: Ark) -> None:
        task_id = await ark.task()
        states = [await ark.status(task_id)]
        for _ in range(400):
            ark.wall.pass_(1)
            if (state := await ark.status(task_id)) != states[-1]:
                states.append(state)

        assert states == ["queued", "running", "succeeded"]

    against(test)


def test_a_task_that_is_not_done_shows_what_was_settled_at_the_start() -> None:
    async def test(ark: Ark) -> None:
        task_id = await ark.task(execution_expires_after=7200)

        assert await ark.read(task_id) == {
            "id": task_id,
            "model": FAST,
            "status": "queued",
            "created_at": 1_795_000_000,
            "updated_at": 1_795_000_000,
            "service_tier": "default",
            "execution_expires_after": 7200,
        }

    against(test)


def test_a_task_that_succeeded_shows_every_field_of_the_reference() -> None:
    async def test(ark: Ark) -> None:
        found = await ark.result(
            model=BP,
            resolution="720p",
            duration=5,
            seed=7,
            return_last_frame=True,
            safety_identifier="user-1",
            tools=[{"type": "web_search"}],
            priority=3,
        )

        content = found.pop("content")
        assert set(content) == {"video_url", "last_frame_url"}
        assert all("X-Tos-Expires=86400" in url for url in content.values())
        assert found.pop("updated_at") > found["created_at"]
        assert re.match("cgt-", found.pop("id"))
        assert found == {
            "model": BP,
            "status": "succeeded",
            "usage": {
                "completion_tokens": 108_900,
                "total_tokens": 108_900,
                "tool_usage": {"web_search": 1},
            },
            "created_at": 1_795_000_000,
            "seed": 7,
            "resolution": "720p",
            "ratio": "16:9",
            "duration": 5,
            "framespersecond": 24,
            "service_tier": "default",
            "execution_expires_after": 172_800,
            "generate_audio": True,
            "draft": False,
            "priority": 3,
            "safety_identifier": "user-1",
            "tools": [{"type": "web_search"}],
        }

    against(test)


def test_null_is_accepted_for_every_optional_field_and_unknown_fields_are_ignored() -> None:
    names = [
        "safety_identifier",
        "callback_url",
        "return_last_frame",
        "service_tier",
        "execution_expires_after",
        "priority",
        "generate_audio",
        "draft",
        "camera_fixed",
        "watermark",
        "seed",
        "resolution",
        "ratio",
        "duration",
        "frames",
        "tools",
        "output_format",
        "omni_reference_task_type",
    ]

    async def test(ark: Ark) -> None:
        nulls: dict[str, Any] = dict.fromkeys(names)
        found = await ark.result(**nulls, framespersecond=999, reasoning_effort="low")

        assert (found["resolution"], found["ratio"], found["duration"]) == ("720p", "16:9", 5)
        assert found["framespersecond"] == 24

    against(test)


@pytest.mark.parametrize("base", [TASKS, TASKS + "/", "/api/v3//contents/generations/tasks"])
def test_slashes_make_no_difference(base: str) -> None:
    async def test(ark: Ark) -> None:
        body = {"model": FAST, "content": [text()]}
        answer = await ark.sim.ask("POST", base, json=body)

        assert answer.status == 200

    against(test)


def test_a_post_to_cancel_creates_another_task_as_on_the_real_wire() -> None:
    async def test(ark: Ark) -> None:
        task_id = await ark.task()
        body = {"model": FAST, "content": [text()]}
        answer = await ark.ask("POST", f"/{task_id}/cancel", json=body)

        assert answer.status == 200
        assert answer.body["id"] != task_id

    against(test)


def test_every_answer_has_a_request_id_and_errors_end_with_it() -> None:
    async def test(ark: Ark) -> None:
        good, bad = await ark.create(), await ark.create(duration=99)

        assert good.headers["x-request-id"] != bad.headers["x-request-id"]
        assert bad.body["error"]["message"].endswith(f"Request id: {bad.headers['x-request-id']}")
        assert set(bad.body["error"]) == {"code", "message", "param", "type"}
        assert bad.body["error"]["type"] == "BadRequest"

    against(test)


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        pytest.param({"Authorization": ""}, "MissOrInvalidAuthorizationHeader", id="missing"),
        pytest.param({"Authorization": "Basic x"}, "MissOrInvalidAuthorizationHeader", id="basic"),
        pytest.param({"Authorization": "Bearer wrong"}, "AuthenticationError", id="wrong"),
    ],
)
def test_a_key_that_is_missing_or_wrong_is_refused(headers: dict[str, str], word: str) -> None:
    async def test(ark: Ark) -> None:
        answer = await ark.ask("GET", headers=headers)

        assert error(answer) == (401, "AuthenticationError", "")
        assert answer.headers["x-error-code"] == f"AuthN_{word}"
        assert (await ark.create()).status == 200

    against(test, key="right", account_key="right")


def test_a_body_that_is_no_json_object_is_refused() -> None:
    async def test(ark: Ark) -> None:
        for data in (b"{", b"[]", b"\xff", b"[" * 100_000):
            answer = await ark.ask("POST", data=data)

            assert error(answer) == (400, "InvalidParameter", "")

    against(test)


def test_a_body_of_sixty_megabytes_is_read_and_a_larger_one_refused() -> None:
    body, sizes = {"model": FAST, "content": [text()]}, (60_000_000, 70_000_000)

    async def test(ark: Ark) -> None:
        small, large = (BytesIO(json.dumps({**body, "x": "x" * n}).encode()) for n in sizes)

        assert (await ark.ask("POST", data=small)).status == 200
        assert (await ark.ask("POST", data=large)).status == 400

    against(test)


def test_an_unknown_address_is_answered_in_the_wires_shape() -> None:
    async def test(ark: Ark) -> None:
        answer = await ark.sim.get("/api/v3/models")

        assert error(answer) == (404, "NotFound.Route", "")

    against(test)


# Running at once, and waiting


def test_more_tasks_than_run_at_once_wait_their_turn() -> None:
    async def test(ark: Ark) -> None:
        ids = [await ark.task(f"kite {n}") for n in range(5)]
        seen: list[int] = []
        for _ in range(600):
            ark.wall.pass_(2)
            states = [await ark.status(task_id) for task_id in ids]
            seen.append(states.count("running"))
            if set(states) == {"succeeded"}:
                break

        assert max(seen) == 2
        assert set(states) == {"succeeded"}

    against(test, ark_concurrency=2)


def test_a_higher_priority_overtakes_those_that_wait() -> None:
    async def test(ark: Ark) -> list[str]:
        prompts = {await ark.task("first"): "first"}
        for name, priority in (("low", 0), ("lower", 0), ("high", 9)):
            prompts[await ark.task(name, priority=priority)] = name
        started: list[str] = []
        for _ in range(1000):
            ark.wall.pass_(2)
            for task_id, name in prompts.items():
                if name not in started and await ark.status(task_id) != "queued":
                    started.append(name)
        return started

    order = against(test, ark_concurrency=1)

    assert order == ["high", "first", "low", "lower"]


def test_each_key_and_each_model_has_places_of_its_own() -> None:
    async def test(ark: Ark) -> list[str]:
        other = {"Authorization": "Bearer another"}
        ids = [
            await ark.task("one"),
            await ark.task("two"),
            await ark.task("three", model=VE),
        ]
        body = {"model": FAST, "content": [text("four")]}
        ids.append((await ark.ask("POST", json=body, headers=other)).body["id"])
        ark.wall.pass_(15)
        return [await ark.status(task_id) for task_id in ids]

    states = against(test, ark_concurrency=1, median_s=100)

    assert states[2:] == ["running", "running"]
    assert sorted(states[:2]) == ["queued", "running"]


def test_only_one_task_at_4k_runs_at_a_time() -> None:
    async def test(ark: Ark) -> list[str]:
        ids = [await ark.task(f"kite {n}", model=BP, resolution="4k") for n in range(2)]
        ark.wall.pass_(15)
        return [await ark.status(task_id) for task_id in ids]

    assert sorted(against(test, median_s=100)) == ["queued", "running"]


def test_a_queue_that_is_full_refuses_more() -> None:
    async def test(ark: Ark) -> None:
        for number in range(3):
            await ark.task(f"kite {number}")

        assert error(await ark.create("one more")) == (429, "QuotaExceeded", "")
        assert (await ark.create("elsewhere", model=VE)).status == 200

    against(test, ark_queue=3)


def test_creations_above_the_rate_are_refused_until_a_minute_has_passed() -> None:
    async def test(ark: Ark) -> None:
        for number in range(3):
            await ark.task(f"kite {number}")
        refused = await ark.create()
        ark.wall.pass_(61)

        assert error(refused)[:2] == (429, "ModelAccountRpmRateLimitExceeded")
        assert refused.body["error"]["type"] == "TooManyRequests"
        assert (await ark.create()).status == 200

    against(test, ark_creates_per_minute=3)


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [("GET", "/cgt-x", 20), ("GET", "", 1), ("DELETE", "/cgt-x", 20)],
    ids=["read", "list", "delete"],
)
def test_each_operation_has_a_rate_a_second_that_can_be_switched_off(
    method: str, path: str, limit: int
) -> None:
    async def test(ark: Ark) -> int:
        count = 0
        for _ in range(30):
            count += (await ark.ask(method, path)).status != 429
        return count

    assert against(test) == limit
    assert against(test, has_ark_rates=False) == 30


def test_a_limit_says_when_to_come_back_if_it_is_told_to() -> None:
    async def test(ark: Ark) -> Any:
        await ark.task()
        return (await ark.create()).headers.get("Retry-After")

    assert against(test, ark_creates_per_minute=1) is None
    assert against(test, ark_creates_per_minute=1, has_retry_after=True) == "60"


# Ends, and lifetimes


def test_a_task_that_is_not_done_in_its_time_expires() -> None:
    async def test(ark: Ark) -> None:
        task_id = await ark.task("[sim:stuck] a kite", execution_expires_after=3600)
        ark.wall.pass_(3599)
        before = await ark.status(task_id)
        ark.wall.pass_(2)
        found = await ark.read(task_id)

        assert (before, found["status"]) == ("running", "expired")
        assert "content" not in found
        assert found["updated_at"] - found["created_at"] == 3600

    against(test)


def test_a_task_that_waits_too_long_expires_and_gives_way() -> None:
    async def test(ark: Ark) -> None:
        await ark.task("[sim:stuck] a kite", execution_expires_after=7200)
        waiting = await ark.task("waiting", execution_expires_after=3600)
        third = await ark.task("third")
        ark.wall.pass_(3601)
        late = await ark.status(waiting)
        ark.wall.pass_(3700)

        assert (late, await ark.status(third)) == ("expired", "running")

    against(test, ark_concurrency=1, median_s=600)


def test_a_record_is_kept_for_seven_days_from_its_creation() -> None:
    async def test(ark: Ark) -> None:
        task_id = await ark.task()
        ark.wall.pass_(7 * DAY - 2)
        before = await ark.listed()
        ark.wall.pass_(1)
        answer = await ark.ask("GET", f"/{task_id}")

        assert before == [task_id]
        assert error(answer)[0] == 404
        assert await ark.listed() == []

    against(test)


def test_links_are_good_for_a_day_and_a_hundred_downloads() -> None:
    async def test(ark: Ark) -> None:
        task_id = await ark.task()
        ark.wall.pass_(600)
        url = (await ark.read(task_id))["content"]["video_url"]
        head = await ark.sim.ask("HEAD", url)
        part = await ark.sim.get(url, headers={"Range": "bytes=0-99"})
        for _ in range(99):
            assert (await ark.sim.get(url)).status == 200

        assert (head.status, part.status, len(part.content)) == (200, 206, 100)
        assert (await ark.sim.get(url)).status == 403

    against(test)


def test_a_link_that_is_a_day_old_is_refused_while_the_record_is_still_there() -> None:
    async def test(ark: Ark) -> None:
        found = await ark.result()
        ark.wall.pass_(DAY)

        assert (await ark.sim.get(found["content"]["video_url"])).status == 403
        assert await ark.status(found["id"]) == "succeeded"

    against(test)


# DELETE


def test_a_task_that_waits_is_cancelled_and_forgotten_after_a_day() -> None:
    async def test(ark: Ark) -> None:
        task_id = await ark.task()
        answer = await ark.delete(task_id)
        state = await ark.status(task_id)
        again = await ark.delete(task_id)
        ark.wall.pass_(DAY - 1)
        still = await ark.status(task_id)
        ark.wall.pass_(1)

        assert (answer.status, answer.body) == (200, {})
        assert answer.headers["Content-Type"].startswith("application/json")
        assert (state, still) == ("cancelled", "cancelled")
        assert error(again)[:2] == (409, "InvalidAction.CancelledTaskDeletion")
        assert (await ark.ask("GET", f"/{task_id}")).status == 404

    against(test)


def test_a_task_that_runs_is_not_stopped_by_a_deletion() -> None:
    async def test(ark: Ark) -> None:
        task_id = await ark.task()
        ark.wall.pass_(15)
        answer = await ark.delete(task_id)
        ark.wall.pass_(600)

        assert error(answer)[:2] == (409, "InvalidAction.RunningTaskDeletion")
        assert answer.body["error"]["type"] == "Conflict"
        assert await ark.status(task_id) == "succeeded"

    against(test)


@pytest.mark.parametrize("fault", ["", "[sim:fail] ", "[sim:overdue] "])
def test_the_record_of_a_task_that_has_ended_is_removed(fault: str) -> None:
    async def test(ark: Ark) -> None:
        task_id = await ark.task(f"{fault}a kite", execution_expires_after=3600)
        ark.wall.pass_(3601)
        answer = await ark.delete(task_id)

        assert (answer.status, answer.body) == (200, {})
        assert (await ark.ask("GET", f"/{task_id}")).status == 404
        assert (await ark.delete(task_id)).status == 404
        assert await ark.listed() == []

    against(test)


def test_a_task_that_is_cancelled_makes_room_for_the_next_one() -> None:
    async def test(ark: Ark) -> None:
        first = await ark.task("first", execution_expires_after=3600)
        await ark.delete(first)
        second = await ark.task("second")
        ark.wall.pass_(15)

        assert await ark.status(second) == "running"

    against(test, ark_concurrency=1, median_s=100)


# LIST


def test_a_list_shows_the_same_objects_as_a_read_the_newest_first() -> None:
    async def test(ark: Ark) -> None:
        ids = [await ark.task(f"kite {n}") for n in range(3)]
        ark.wall.pass_(1)
        answer = await ark.ask("GET")

        assert answer.body["total"] == 3
        assert [item["id"] for item in answer.body["items"]] == ids[::-1]
        assert answer.body["items"][0] == await ark.read(ids[2])

    against(test)


def test_a_list_is_narrowed_by_each_filter() -> None:
    async def test(ark: Ark) -> None:
        plain = await ark.task("plain")
        gone = await ark.task("gone")
        other = await ark.task("other", model=VE)
        end = await ark.task("endpoint", model=f"ep-20261101-{VE}")
        flex = await ark.task("flex", model=PRO_10, service_tier="flex")
        await ark.delete(gone)

        assert await ark.listed("filter.status=cancelled") == [gone]
        assert await ark.listed(f"filter.model={FAST}") == [gone, plain]
        assert await ark.listed(f"filter.model=ep-20261101-{VE}") == [end]
        assert await ark.listed(f"filter.model={VE}") == [end, other]
        assert await ark.listed("filter.service_tier=flex") == [flex]
        ids = f"filter.task_ids={plain}&filter.task_ids=cgt-none&filter.task_ids={gone}"
        assert await ark.listed(ids) == [gone, plain]
        assert await ark.listed(f"{ids}&filter.status=cancelled") == [gone]

    against(test)


def test_a_list_is_read_in_pages_and_the_total_counts_them_all() -> None:
    async def test(ark: Ark) -> None:
        ids = [await ark.task(f"kite {n}") for n in range(25)]
        ark.wall.pass_(1)
        first = (await ark.ask("GET")).body

        assert (first["total"], len(first["items"])) == (25, 20)
        assert await ark.listed("page_num=2&page_size=10") == ids[::-1][10:20]
        assert await ark.listed("page_num=4&page_size=10") == []

    against(test)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("page_num=0", "page_num"),
        ("page_num=501", "page_num"),
        ("page_size=501", "page_size"),
        ("page_size=x", "page_size"),
        ("filter.status=expired", "filter.status"),
        ("filter.service_tier=fast", "filter.service_tier"),
    ],
)
def test_a_query_outside_its_range_is_refused(query: str, param: str) -> None:
    async def test(ark: Ark) -> None:
        answer = await ark.ask("GET", f"?{query}")

        assert error(answer) == (400, "InvalidParameter", param)

    against(test)


# Footage


@pytest.mark.parametrize(
    ("body", "size", "frames", "codec"),
    [
        ({}, (864, 496), 96, "aac"),
        ({"model": NEWEST}, (854, 480), 96, "aac"),
        ({"ratio": "21:9", "generate_audio": False}, (992, 432), 96, None),
        ({"model": PRO_10, "frames": 57, "resolution": "480p"}, (864, 480), 57, None),
        ({"model": NEWEST, "output_format": "mov"}, (854, 480), 96, "aac"),
    ],
    ids=["2.0", "2.5", "wide and silent", "57 frames", "mov"],
)
def test_a_clip_is_real_and_what_the_request_asked_for(
    tmp_path: Path, body: dict[str, Any], size: tuple[int, int], frames: int, codec: str | None
) -> None:
    async def test(ark: Ark) -> bytes:
        found = await ark.result(**body)
        shown = found.get("frames", 24 * found.get("duration", 0))
        assert shown == frames
        return (await ark.sim.get(found["content"]["video_url"])).content

    path = tmp_path / "clip"
    path.write_bytes(against(test, footage="loop"))
    found = probe(path)

    assert ((found.width, found.height), found.frames) == (size, frames)
    assert (found.audio_codec, found.fps) == (codec, 24)


def test_a_continuation_takes_shape_and_billing_from_our_own_clip() -> None:
    async def test(ark: Ark) -> None:
        first = await ark.result(ratio="9:16", duration=4)
        url = first["content"]["video_url"]
        second = await ark.result("on", content=[text(), video(url)], ratio=None, duration=4)
        foreign = await ark.result("on", content=[text(), video()], duration=4)

        assert second["ratio"] == "9:16"
        assert second["usage"]["total_tokens"] == 864 * 496 * (24 * 8 + 1) // 1024
        assert foreign["usage"]["total_tokens"] == 864 * 496 * (24 * 7 + 1) // 1024  # the minimum

    against(test)


def test_an_adaptive_clip_has_the_shape_of_its_first_frame() -> None:
    async def test(ark: Ark) -> None:
        frame = image("first_frame", picture(400, 700))
        found = await ark.result(content=[frame], ratio="adaptive")

        assert found["ratio"] == "9:16"

    against(test)


def test_what_is_left_to_the_model_is_decided_within_its_limits_and_alike_for_a_seed() -> None:
    async def test(ark: Ark) -> list[tuple[int, int]]:
        found = [await ark.result(f"kite {n}", duration=-1) for n in range(8)]
        return [(task["duration"], task["seed"]) for task in found]

    first = against(test)

    assert first == against(test)
    assert len({seconds for seconds, _ in first}) > 1
    assert all(4 <= seconds <= 15 and 0 <= seed < 2**31 for seconds, seed in first)


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        ({"resolution": "720p", "duration": 5}, 108_900),
        ({"model": BP, "resolution": "1080p", "duration": 5}, 245_025),
        ({"model": PRO_15, "draft": True}, int(864 * 496 * 97 / 1024 * 0.6)),
        (
            {"model": PRO_15, "draft": True, "generate_audio": False},
            int(864 * 496 * 97 / 1024 * 0.7),
        ),
    ],
    ids=["720p", "1080p", "draft with sound", "silent draft"],
)
def test_tokens_are_counted_as_the_reference_counts_them(body: dict[str, Any], tokens: int) -> None:
    async def test(ark: Ark) -> int:
        return int((await ark.result(**body))["usage"]["completion_tokens"])

    assert against(test) == tokens


# Drafts


def test_a_draft_becomes_a_clip_with_the_drafts_own_settings() -> None:
    async def test(ark: Ark) -> None:
        made = await ark.result(model=NEWEST, draft=True, resolution=None, ratio="1:1")
        item = {"type": "draft_task", "draft_task": {"id": made["id"]}}
        body: dict[str, Any] = {"content": [item], "resolution": ..., "ratio": ..., "duration": ...}
        found = await ark.result(**body, model=NEWEST)
        again = await ark.create(**{**body, "duration": 5}, model=NEWEST)
        small = await ark.create(**{**body, "resolution": "720p"}, model=NEWEST)
        beside = await ark.create(**{**body, "content": [item, text()]}, model=NEWEST)

        assert (made["draft"], made["resolution"]) == (True, "480p")
        assert (found["draft"], found["resolution"], found["ratio"]) == (False, "1080p", "1:1")
        assert (found["seed"], found["duration"]) == (made["seed"], made["duration"])
        assert found["draft_task_id"] == made["id"]
        assert error(again) == (400, "InvalidParameter", "duration")
        assert error(small) == (400, "InvalidParameter", "resolution")
        assert error(beside) == (400, "InvalidParameter", "content")

    against(test)


def test_what_is_no_finished_draft_is_refused() -> None:
    async def test(ark: Ark) -> None:
        plain = (await ark.result())["id"]
        young = await ark.task(model=NEWEST, draft=True)
        answers = [
            await ark.create(content=[{"type": "draft_task", "draft_task": {"id": task_id}}])
            for task_id in (plain, young, "cgt-none")
        ]

        assert [answer.status for answer in answers] == [404, 400, 404]
        assert {error(answer)[2] for answer in answers} == {"content[0].draft_task.id"}

    against(test)


# Callbacks


def test_each_change_of_state_is_posted_to_the_callback_and_the_end_until_it_is_acknowledged() -> (
    None
):
    told: list[tuple[str, bool]] = []

    async def test() -> None:
        begun, done = asyncio.Event(), asyncio.Event()

        async def receive(request: web.Request) -> web.Response:
            body = await request.json()
            told.append((body["status"], "content" in body))
            begun.set()
            if [status for status, _ in told].count("succeeded") == 3:
                done.set()
                return web.Response()
            return web.Response(status=503 if body["status"] == "succeeded" else 200)

        app = web.Application()
        app.router.add_post("/told", receive)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/told"
        async with client(speed=2000.0, wall=None) as sim:
            ark = Ark(sim)
            await ark.task(callback_url=url)
            await asyncio.wait_for(begun.wait(), 10)
            sim.wall.pass_(600)
            await asyncio.wait_for(done.wait(), 10)
        await runner.cleanup()

    asyncio.run(test())

    assert told == [("queued", False), ("running", False), *[("succeeded", True)] * 3]


def test_a_callback_to_another_host_is_never_sent() -> None:
    async def test(ark: Ark) -> None:
        await ark.task(callback_url="https://hooks.example.org/told")
        ark.wall.pass_(600)
        await ark.listed()

        assert "callback" not in (await ark.sim.ledger())["requests"]

    against(test)


# One world


def test_both_wires_share_a_ledger_and_neither_sees_the_others_tasks() -> None:
    async def test(ark: Ark) -> None:
        ours = await ark.task()
        theirs = await ark.sim.task()
        ledger = await ark.sim.ledger()

        assert [(t["task_id"], t["wire"]) for t in ledger["tasks"]] == [
            (ours, "ark"),
            (theirs, "modellix"),
        ]
        assert ledger["requests"] == {"submit": 2}
        assert (await ark.sim.poll(ours)).status == 404
        assert (await ark.ask("GET", f"/{theirs}")).status == 404
        assert await ark.listed() == [ours]

    against(test)


def test_tasks_cancellations_and_deletions_survive_a_restart(tmp_path: Path) -> None:
    wall = Wall()

    async def test() -> None:
        async with client(wall=wall, folder=tmp_path) as sim:
            ark = Ark(sim)
            done = await ark.task("done")
            removed = await ark.task("removed")
            wall.pass_(600)
            await ark.delete(removed)
            gone = await ark.task("gone")
            await ark.delete(gone)
            before = await ark.read(done)
        async with client(wall=wall, folder=tmp_path) as sim:
            ark = Ark(sim)
            after = await ark.read(done)

            assert await ark.status(gone) == "cancelled"
            assert await ark.listed() == [gone, done]
            assert {**before, "content": 0} == {**after, "content": 0}

    asyncio.run(test())


def test_keys_are_not_written_down(tmp_path: Path) -> None:
    async def test(ark: Ark) -> None:
        await ark.task()

    against(test, key="sk-planted-key", folder=tmp_path)

    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"sk-planted-key" not in written
    assert json.loads((tmp_path / "ledger.jsonl").read_text().splitlines()[-1])
