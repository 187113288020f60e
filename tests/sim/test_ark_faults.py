"""sim/ark_faults.py: every way to fail that the simulator has on the Ark wire."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from seedrender.sim import faults
from tests.sim.ark import Ark, against, error, image


@pytest.mark.parametrize(
    ("name", "status", "code", "tasks", "second"),
    [
        ("refuse", 400, "InputTextSensitiveContentDetected", 0, 400),
        ("refuse=AccountOverdueError", 403, "AccountOverdueError", 0, 403),
        ("refuse=SetLimitExceeded", 429, "SetLimitExceeded", 0, 429),
        ("refuse-once", 429, "ServerOverloaded", 0, 200),
        ("refuse-once=InvalidEndpoint.ClosedEndpoint", 400, "InvalidEndpoint.ClosedEndpoint", 0, 200),
        ("500", 500, "InternalServiceError", 0, 200),
        ("500-created", 500, "InternalServiceError", 1, 200),
        ("no-credit", 403, "AccountOverdueError", 0, 403),
        ("rate-limited", 429, "RateLimitExceeded.EndpointRPMExceeded", 0, 200),
        ("concurrent", 429, "InflightBatchsizeExceeded", 0, 200),
        ("queue-full", 429, "QuotaExceeded", 0, 200),
    ],
)  # fmt: skip
def test_a_creation_fails_as_asked(
    name: str, status: int, code: str, tasks: int, second: int
) -> None:
    async def test(ark: Ark) -> None:
        answer = await ark.create(f"[sim:{name}] a kite")
        created = len((await ark.sim.ledger())["tasks"])
        again = await ark.create(f"[sim:{name}] a kite")

        assert (*error(answer)[:2], created) == (status, code, tasks)
        assert again.status == second

    against(test)


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("503", 503, "text/plain"),
        ("status=408", 408, "text/plain"),
        ("502-page", 502, "text/html"),
        ("flat-error", 500, "application/json"),
    ],
)
def test_an_answer_is_not_in_the_wires_shape(name: str, status: int, kind: str) -> None:
    async def test(ark: Ark) -> None:
        answer = await ark.create(f"[sim:{name}] a kite")
        again = await ark.create(f"[sim:{name}] a kite")

        assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (status, kind)
        assert answer.body is None or set(answer.body) == {"code", "message"}
        assert again.status == 200

    against(test)


def test_a_face_is_found_in_the_first_image() -> None:
    async def test(ark: Ark) -> None:
        content = [{"type": "text", "text": "[sim:face] a kite"}, image("reference_image")]
        answer = await ark.create(content=content)

        code = "InputImageSensitiveContentDetected.PrivacyInformation"
        assert error(answer) == (400, code, "content[1]")

    against(test)


@pytest.mark.parametrize(("name", "tasks"), [("lost-request", 0), ("lost-answer", 1)])
def test_a_connection_breaks_before_or_after_the_task_was_created(name: str, tasks: int) -> None:
    async def test(ark: Ark) -> None:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await ark.create(f"[sim:{name}] a kite")

        assert len((await ark.sim.ledger())["tasks"]) == tasks
        assert (await ark.create(f"[sim:{name}] a kite")).status == 200

    against(test)


def test_an_answer_comes_so_late_that_clients_give_up_and_the_list_finds_its_task() -> None:
    async def test(ark: Ark) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await ark.create("[sim:late-answer] a kite")

        assert len(await ark.listed()) == 1

    against(test)


@pytest.mark.parametrize(("name", "body"), [("no-task-id", {}), ("not-json", None)])
def test_an_answer_does_not_say_which_task_was_created(name: str, body: object) -> None:
    async def test(ark: Ark) -> None:
        answer = await ark.create(f"[sim:{name}] a kite")

        assert (answer.status, answer.body) == (200, body)
        assert len(await ark.listed()) == 1

    against(test)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("fail", "InternalServiceError"),
        ("fail=InvalidParameter.TaskTypeMismatch", "InvalidParameter.TaskTypeMismatch"),
        ("refuse-output", "OutputAudioSensitiveContentDetected"),
        ("fail-plain", None),
    ],
)
def test_a_task_fails_later_as_asked(name: str, code: str | None) -> None:
    async def test(ark: Ark) -> None:
        found = await ark.result(f"[sim:{name}] a kite")

        assert found["status"] == "failed"
        assert found.get("error", {}).get("code") == code
        assert not {"content", "usage"} & set(found)

    against(test)


def test_the_first_task_of_a_request_fails_and_the_next_does_not() -> None:
    async def test(ark: Ark) -> list[str]:
        return [(await ark.result("[sim:fail-once] a kite"))["status"] for _ in range(2)]

    assert against(test) == ["failed", "succeeded"]


@pytest.mark.parametrize(
    ("name", "status"),
    [("canceled", "cancelled"), ("overdue", "expired"), ("stuck", "expired"), ("slow", "running")],
)
def test_a_task_ends_otherwise_or_not_yet(name: str, status: str) -> None:
    async def test(ark: Ark) -> None:
        task_id = await ark.task(f"[sim:{name}] a kite", execution_expires_after=3600)
        ark.wall.pass_(3600 if status != "running" else 280)

        assert await ark.status(task_id) == status

    against(test)


def test_a_status_is_one_that_nobody_knows() -> None:
    async def test(ark: Ark) -> None:
        task_id = await ark.task("[sim:odd-status] a kite")
        ark.wall.pass_(15)

        assert await ark.status(task_id) == "archiving"

    against(test)


@pytest.mark.parametrize(
    ("name", "missing"),
    [("no-billing", {"usage"}), ("no-size", {"resolution", "ratio", "duration"})],
)
def test_a_result_lacks_fields(name: str, missing: set[str]) -> None:
    async def test(ark: Ark) -> set[str]:
        whole = set(await ark.result("a kite"))
        return whole - set(await ark.result(f"[sim:{name}] a kite"))

    assert against(test) == missing


@pytest.mark.parametrize(
    ("name", "status"), [("poll-500", 500), ("poll-429", 429), ("poll-status=504", 504)]
)
def test_the_first_read_fails_and_the_next_does_not(name: str, status: int) -> None:
    async def test(ark: Ark) -> None:
        task_id = await ark.task(f"[sim:{name}] a kite")
        first = await ark.ask("GET", f"/{task_id}")
        second = await ark.ask("GET", f"/{task_id}")

        assert (first.status, second.status) == (status, 200)

    against(test)


def test_a_list_that_asks_for_a_task_by_its_id_is_a_read_of_it() -> None:
    async def test(ark: Ark) -> None:
        task_id = await ark.task("[sim:poll-down] a kite")
        named = await ark.ask("GET", f"?filter.task_ids={task_id}")

        assert (named.status, await ark.listed()) == (503, [task_id])

    against(test)


def test_a_finished_task_is_forgotten_too_early() -> None:
    async def test(ark: Ark) -> None:
        task_id = await ark.task("[sim:expired] a kite")
        ark.wall.pass_(600)

        assert (await ark.ask("GET", f"/{task_id}")).status == 404
        assert await ark.listed() == []

    against(test)


@pytest.mark.parametrize(
    ("name", "status", "second"),
    [("403-output", 403, 403), ("404-output", 404, 404), ("download-503", 503, 200)],
)
def test_a_download_is_refused(name: str, status: int, second: int) -> None:
    async def test(ark: Ark) -> None:
        url = (await ark.result(f"[sim:{name}] a kite"))["content"]["video_url"]

        assert [(await ark.sim.get(url)).status for _ in range(2)] == [status, second]

    against(test)


@pytest.mark.parametrize("name", ["billing-beside", "nonsense", "fail=Nonsense", "slow=1"])
def test_a_mark_that_this_wire_does_not_know_is_refused_by_name(name: str) -> None:
    async def test(ark: Ark) -> None:
        answer = await ark.create(f"[sim:{name}] a kite")

        assert error(answer) == (400, "InvalidParameter", "content[0].text")
        assert name.rpartition("=")[2] in answer.body["error"]["message"] or "slow=1" in name

    against(test)


def test_a_mark_of_the_other_wire_is_refused_there_too() -> None:
    async def test(ark: Ark) -> None:
        answer = await ark.sim.submit(prompt="[sim:queue-full] a kite")

        assert answer.status == 400
        assert "queue-full" in answer.message

    against(test)


def test_a_limit_that_is_a_fault_says_when_to_come_back_if_it_is_told_to() -> None:
    async def test(ark: Ark) -> str | None:
        answer = await ark.create("[sim:rate-limited] a kite")
        return str(answer.headers.get("Retry-After"))

    assert against(test, has_retry_after=True) == "1"
    assert against(test) == "None"


def test_chance_brings_only_what_a_wire_has() -> None:
    async def test(ark: Ark) -> tuple[int, int]:
        here = await ark.create()
        there = await ark.sim.submit()
        return here.status, there.status

    assert against(test, faults={"queue-full": 1.0}) == (429, 200)


def test_every_fault_belongs_to_a_wire() -> None:
    assert all(set(fault.wires) <= set(faults.WIRES) for fault in faults.FAULTS.values())


@pytest.mark.parametrize(
    ("name", "status", "tasks"),
    [
        pytest.param("refuse-200=400", 200, 0, id="refused inside a success"),
        pytest.param("id-in-500", 500, 1, id="an id in a failure"),
        pytest.param("id-in-code-500", 200, 1, id="an id under a code of failure"),
    ],
)
def test_status_and_body_say_different_things(name: str, status: int, tasks: int) -> None:
    async def test(ark: Ark) -> None:
        answer = await ark.create(f"[sim:{name}] a kite")
        found = (await ark.sim.ledger())["tasks"]

        assert (answer.status, len(found)) == (status, tasks)
        assert [row["task_id"] for row in found] == [answer.body.get("id")] * tasks

    against(test)
