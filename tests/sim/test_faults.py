"""sim/faults.py: every way to fail that the simulator has."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from seedrender.errors import ArtifactError, ConfigError
from seedrender.media.probe import probe
from seedrender.sim import faults
from seedrender.sim.app import SimSettings, create_app
from tests.sim.wire import V2V, Client, against, client


@pytest.mark.parametrize(
    ("name", "status", "tasks", "second"),
    [
        pytest.param("refuse", 400, 0, 400, id="refuse"),
        pytest.param("500", 500, 0, 200, id="500"),
        pytest.param("503", 503, 0, 200, id="503"),
        pytest.param("500-created", 500, 1, 200, id="500-created"),
        pytest.param("no-credit", 402, 0, 402, id="no-credit"),
        pytest.param("rate-limited", 429, 0, 200, id="rate-limited"),
        pytest.param("concurrent", 429, 0, 200, id="concurrent"),
        pytest.param("status=409", 409, 0, 200, id="any status"),
        pytest.param("status", 500, 0, 200, id="no status"),
        pytest.param("status=200", 400, 0, 400, id="a status of success"),
    ],
)
def test_a_submit_fails_as_asked(name: str, status: int, tasks: int, second: int) -> None:
    async def test(sim: Client) -> None:
        answer = await sim.submit(prompt=f"[sim:{name}] a kite")
        created = len((await sim.ledger())["tasks"])
        again = await sim.submit(prompt=f"[sim:{name}] a kite")

        assert (answer.status, answer.body["code"], created) == (status, status, tasks)
        assert again.status == second

    against(test)


@pytest.mark.parametrize(("name", "tasks"), [("lost-request", 0), ("lost-answer", 1)])
def test_a_connection_breaks_before_or_after_the_task_was_created(name: str, tasks: int) -> None:
    async def test(sim: Client) -> None:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await sim.submit(prompt=f"[sim:{name}] a kite")
        created = len((await sim.ledger())["tasks"])
        again = await sim.submit(prompt=f"[sim:{name}] a kite")

        assert (created, again.status) == (tasks, 200)

    against(test)


def test_an_answer_comes_so_late_that_clients_give_up() -> None:
    async def test(sim: Client) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await sim.submit(prompt="[sim:late-answer] a kite")

        assert len((await sim.ledger())["tasks"]) == 1

    against(test)


def test_an_answer_lacks_the_task_id() -> None:
    async def test(sim: Client) -> None:
        answer = await sim.submit(prompt="[sim:no-task-id] a kite")

        assert (answer.status, answer.data) == (200, {"status": "pending"})
        assert len((await sim.ledger())["tasks"]) == 1

    against(test)


def test_an_answer_is_no_json() -> None:
    async def test(sim: Client) -> None:
        answer = await sim.submit(prompt="[sim:not-json] a kite")

        assert (answer.status, answer.body) == (200, None)
        assert answer.content.startswith(b"<html>")
        assert len((await sim.ledger())["tasks"]) == 1

    against(test)


def test_a_task_fails_in_both_shapes() -> None:
    async def test(sim: Client) -> None:
        nested = await sim.result(prompt="[sim:fail] a kite")
        plain = await sim.result(prompt="[sim:fail-plain] a kite")
        refused = await sim.result(prompt="[sim:refuse-output] a kite")

        assert nested.data["status"] == plain.data["status"] == refused.data["status"] == "failed"
        assert nested.data["error"]["message"]
        assert nested.message == "success"
        assert "error" not in plain.data
        assert plain.message == "The model failed to render this task"
        assert refused.data["error"]["code"] == "OutputAudioSensitiveContentDetected"
        assert "billing" not in nested.data

    against(test)


def test_a_task_fails_once_and_succeeds_when_asked_again() -> None:
    async def test(sim: Client) -> None:
        first = await sim.result(prompt="[sim:fail-once] a kite")
        second = await sim.result(prompt="[sim:fail-once] a kite")

        assert (first.data["status"], second.data["status"]) == ("failed", "success")

    against(test)


@pytest.mark.parametrize(
    ("name", "statuses"), [("poll-status=502", (502, 200)), ("poll-down", (503, 503))]
)
def test_a_read_fails_with_the_status_that_is_asked_for(
    name: str, statuses: tuple[int, int]
) -> None:
    async def test(sim: Client) -> None:
        task_id = await sim.task(prompt=f"[sim:{name}] a kite")

        assert ((await sim.poll(task_id)).status, (await sim.poll(task_id)).status) == statuses

    against(test)


def test_a_task_is_canceled() -> None:
    async def test(sim: Client) -> None:
        answer = await sim.result(prompt="[sim:canceled] a kite")

        assert answer.data["status"] == "canceled"
        assert "result" not in answer.data

    against(test)


def test_a_status_is_one_that_nobody_knows_and_then_success() -> None:
    async def test(sim: Client) -> None:
        task_id = await sim.task(prompt="[sim:odd-status] a kite")
        sim.wall.pass_(15)
        odd = (await sim.poll(task_id)).data["status"]
        sim.wall.pass_(600)

        assert odd == "archiving"
        assert (await sim.poll(task_id)).data["status"] == "success"

    against(test)


def test_a_task_takes_ten_times_as_long_or_never_ends() -> None:
    async def test(sim: Client) -> None:
        slow = await sim.task(prompt="[sim:slow] a kite")
        stuck = await sim.task(prompt="[sim:stuck] a kite")
        sim.wall.pass_(290)
        assert (await sim.poll(slow)).data["status"] == "processing"
        sim.wall.pass_(2000)
        assert (await sim.poll(slow)).data["status"] == "success"
        assert (await sim.poll(stuck)).data["status"] == "processing"

    against(test)


def test_a_result_says_nothing_of_cost_or_size_or_says_it_elsewhere() -> None:
    async def test(sim: Client) -> None:
        silent = await sim.result(prompt="[sim:no-billing] a kite")
        beside = await sim.result(prompt="[sim:billing-beside] a kite")
        shapeless = await sim.result(prompt="[sim:no-size] a kite")

        assert "billing" not in silent.data
        assert "billing" not in silent.body
        assert beside.body["billing"] == {"amount": 0.276}
        assert "size" not in shapeless.video

    against(test)


def test_a_read_fails_once_and_the_task_lives_on() -> None:
    async def test(sim: Client) -> None:
        task_id = await sim.task(prompt="[sim:poll-500] a kite")

        assert (await sim.poll(task_id)).status == 500
        assert (await sim.poll(task_id)).data["status"] == "pending"

    against(test)


def test_a_connection_breaks_at_a_read_which_clients_repeat_by_themselves() -> None:
    async def test(sim: Client) -> None:
        task_id = await sim.task(prompt="[sim:poll-lost] a kite")

        assert (await sim.poll(task_id)).data["status"] == "pending"
        assert (await sim.ledger())["tasks"][0]["reads"] == 2

    against(test)


def test_a_finished_task_is_forgotten_too_early() -> None:
    async def test(sim: Client) -> None:
        task_id = await sim.task(prompt="[sim:expired] a kite")
        assert (await sim.poll(task_id)).status == 200
        sim.wall.pass_(600)

        assert (await sim.poll(task_id)).status == 404

    against(test)


def test_a_download_breaks_half_way_once() -> None:
    async def test(sim: Client) -> None:
        video = (await sim.result(prompt="[sim:truncated] a kite")).video
        with pytest.raises(aiohttp.ClientPayloadError):
            await sim.get(video["url"])

        assert len((await sim.get(video["url"])).content) == video["size"]

    against(test)


@pytest.mark.parametrize("name", ["short", "garbage"])
def test_a_download_that_looks_whole_is_no_clip_once(tmp_path: Path, name: str) -> None:
    async def test(sim: Client) -> tuple[bytes, bytes]:
        video = (await sim.result(prompt=f"[sim:{name}] a kite")).video
        first, second = await sim.get(video["url"]), await sim.get(video["url"])
        assert (len(first.content) == video["size"]) is (name == "garbage")
        return first.content, second.content

    first, second = against(test)

    path = tmp_path / "clip.mp4"
    path.write_bytes(first)
    with pytest.raises(ArtifactError):
        probe(path)
    path.write_bytes(second)
    assert probe(path).frames == 96


def test_a_download_is_unavailable_once_or_gone_for_good() -> None:
    async def test(sim: Client) -> None:
        gone = (await sim.result(prompt="[sim:404-output] a kite")).video["url"]
        late = (await sim.result(prompt="[sim:download-503] a kite")).video["url"]

        assert [(await sim.get(gone)).status for _ in range(2)] == [404, 404]
        assert [(await sim.get(late)).status for _ in range(2)] == [503, 200]

    against(test)


def test_a_mark_that_nobody_knows_is_refused_by_name() -> None:
    async def test(sim: Client) -> None:
        answer = await sim.submit(prompt="[sim:exploded] a kite")

        assert (answer.status, "'exploded'" in answer.message) == (400, True)

    against(test)


def test_what_strikes_once_has_struck_also_after_a_restart(tmp_path: Path) -> None:
    async def test() -> list[int]:
        statuses = []
        for _ in range(2):
            async with client(folder=tmp_path) as sim:
                statuses.append((await sim.submit(prompt="[sim:500] a kite")).status)
        return statuses

    assert asyncio.run(test()) == [500, 200]


def test_faults_befall_the_share_of_tasks_that_an_option_names() -> None:
    async def test(sim: Client) -> int:
        for number in range(60):
            await sim.task(prompt=f"kite {number}")
        sim.wall.pass_(600)
        return sum(task["state"] == "failed" for task in (await sim.ledger())["tasks"])

    counts = {against(test, faults={"fail": 0.3}, seed=4) for _ in range(2)}

    assert len(counts) == 1
    assert 8 <= counts.pop() <= 28


def test_a_fault_that_does_not_exist_cannot_be_switched_on() -> None:
    with pytest.raises(ConfigError, match="no fault 'explode'"):
        create_app(SimSettings(faults={"explode": 1.0}))


def test_marks_are_no_part_of_the_caption() -> None:
    assert faults.unmarked("a [sim:fail] kite [sim:slow]") == "a kite"
    assert faults.marked("a [sim:fail] kite [sim:slow] [sim:fail]") == ("fail", "slow")


def test_every_fault_stands_in_the_documentation_with_what_it_does_and_where() -> None:
    page = (Path(faults.__file__).parents[1] / "docs" / "simulator.md").read_text("utf-8")
    wires = {("modellix", "ark"): "both", ("ark",): "Ark", ("modellix",): "Modellix"}

    for name, fault in faults.FAULTS.items():
        given = " `=CODE`" if fault.takes_code else " `=STATUS`" if fault.takes_status else ""
        given = f" `={fault.takes}`" if fault.takes else given
        mark = f"`{name}`{given}"
        often = "once" if fault.is_once else "always"
        row = f"| {mark} | {fault.stage} | {fault.text} | {often} | {wires[fault.wires]} |"
        assert row in page


def test_the_same_file_uploaded_again_is_the_same_request() -> None:
    async def test(sim: Client) -> None:
        clip = (await sim.get((await sim.result()).video["url"])).content
        urls = [await uploaded(sim, content) for content in (clip, clip, clip + b"x")]
        answers = [
            await sim.submit(V2V, prompt="[sim:500] it goes on", video_urls=[url]) for url in urls
        ]

        assert urls[0] != urls[1]
        assert [answer.status for answer in answers] == [500, 200, 500]

    against(test)


async def uploaded(sim: Client, content: bytes) -> str:
    form = aiohttp.FormData()
    form.add_field("file", content, filename="clip.mp4")
    return str((await sim.ask("POST", "/api/v1/media/files", data=form)).data["url"])


@pytest.mark.parametrize(
    ("name", "status", "code", "tasks", "second"),
    [
        pytest.param("refuse-200=402", 200, 402, 0, 200, id="refused inside a success"),
        pytest.param("id-in-500", 500, 500, 1, 200, id="an id in a failure"),
        pytest.param("id-in-code-500", 200, 500, 1, 200, id="an id under a code of failure"),
    ],
)
def test_status_and_envelope_say_different_things(
    name: str, status: int, code: int, tasks: int, second: int
) -> None:
    async def test(sim: Client) -> None:
        answer = await sim.submit(prompt=f"[sim:{name}] a kite")
        found = (await sim.ledger())["tasks"]
        again = await sim.submit(prompt=f"[sim:{name}] a kite")

        assert (answer.status, answer.body["code"], len(found)) == (status, code, tasks)
        named = answer.body.get("data", {}).get("task_id")
        assert [row["task_id"] for row in found] == [named] * tasks
        assert (again.status, again.body["code"]) == (second, 0)

    against(test)


def test_ids_are_numbers_or_those_of_others() -> None:
    async def test(sim: Client) -> None:
        number = (await sim.submit(prompt="[sim:id-number] a kite")).data["task_id"]
        read = await sim.poll(str(number))
        first = (await sim.submit(prompt="[sim:same-id] a kite")).data["task_id"]
        second = (await sim.submit(prompt="[sim:same-id] a kite")).data["task_id"]

        assert (type(number), read.data["task_id"]) == (int, number)
        assert first == second
        assert len((await sim.ledger())["tasks"]) == 3

    against(test)


def test_a_read_is_answered_with_another_task_once() -> None:
    async def test(sim: Client) -> None:
        task_id = await sim.task(prompt="[sim:other-task] a kite")
        found = [(await sim.poll(task_id)).data["task_id"] for _ in range(2)]

        assert found[0] != task_id == found[1]

    against(test)


@pytest.mark.parametrize(
    ("mark", "status", "amount"),
    [
        pytest.param("amount=-0.276", "success", -0.276, id="an amount"),
        pytest.param("done-word=COMPLETED", "COMPLETED", 0.46, id="a word for success"),
    ],
)
def test_a_result_says_what_its_mark_says(mark: str, status: str, amount: float) -> None:
    async def test(sim: Client) -> None:
        answer = await sim.result(prompt=f"[sim:{mark}] a kite")

        assert answer.data["status"] == status
        assert (answer.data["billing"]["amount"] < 0) == (amount < 0)

    against(test)


@pytest.mark.parametrize("mark", ["amount", "amount=much", "done-word", "encoded=7"])
def test_a_mark_that_lacks_its_value_is_refused(mark: str) -> None:
    async def test(sim: Client) -> None:
        assert (await sim.submit(prompt=f"[sim:{mark}] a kite")).status == 400

    against(test)
