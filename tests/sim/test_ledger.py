"""sim/ledger.py: what a world remembers, also after it was killed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
from io import BytesIO
from pathlib import Path

import aiohttp
import pytest
from PIL import Image

from seedrender.errors import ConfigError
from seedrender.sim.clock import Clock
from seedrender.sim.ledger import Ledger, Upload
from tests.sim.wire import I2V, V2V, Client, Wall, against, client


def picture() -> bytes:
    target = BytesIO()
    Image.effect_noise((200, 150), 60).convert("RGB").save(target, "PNG")
    return target.getvalue()


def test_the_ledger_shows_tasks_reads_downloads_and_requests() -> None:
    async def test(sim: Client) -> None:
        answer = await sim.ask(
            "POST",
            "/api/v1/bytedance/seedance-2.0-fast-t2v",
            json={"prompt": "a kite", "resolution": "480p", "duration": 4},
            headers={"x-request-id": "job-1"},
        )
        task_id = answer.data["task_id"]
        await sim.poll(task_id)
        sim.wall.pass_(600)
        done = await sim.poll(task_id)
        await sim.get(done.video["url"])

        ledger = await sim.ledger()

        (task,) = ledger["tasks"]
        assert task.pop("ends_at") == pytest.approx(
            task["created_at"] + done.data["duration"] / 1000
        )
        assert task == {
            "task_id": task_id,
            "wire": "modellix",
            "slug": "bytedance/seedance-2.0-fast-t2v",
            "request_id": "job-1",
            "created_at": sim.wall() - 600,
            "state": "success",
            "reads": 2,
            "downloads": 1,
            "prompt": "a kite",
        }
        assert ledger["requests"] == {"download": 1, "poll": 2, "submit": 1}

    against(test)


def test_the_ledger_can_be_asked_for_one_request() -> None:
    async def test(sim: Client) -> None:
        for name in ("one", "two", "one"):
            path = f"/api/v1/{I2V}"
            await sim.ask("POST", path, json={"prompt": name}, headers={"x-request-id": name})

        found = (await sim.get("/sim/ledger?request_id=one")).body["tasks"]
        none = (await sim.get("/sim/ledger?request_id=three")).body["tasks"]

        assert [task["prompt"] for task in found] == ["one", "one"]
        assert none == []

    against(test)


def test_tasks_uploads_and_downloads_survive_a_restart(tmp_path: Path) -> None:
    wall = Wall()

    async def test() -> None:
        async with client(wall=wall, folder=tmp_path) as sim:
            task_id = await sim.task()
            form = aiohttp.FormData()
            form.add_field("file", picture(), filename="a.png")
            upload = (await sim.ask("POST", "/api/v1/media/files", data=form)).data
            wall.pass_(600)
            first = await sim.poll(task_id)
            clip = (await sim.get(first.video["url"])).content

        async with client(wall=wall, folder=tmp_path) as sim:
            again = await sim.poll(task_id)
            other = await sim.task()
            ledger = await sim.ledger()
            files = (await sim.get("/api/v1/media/files")).data

            assert again.data["status"] == "success"
            assert (await sim.get(again.video["url"])).content == clip
            assert (await sim.get(files[0]["url"])).content == picture_of(tmp_path)
        assert other != task_id
        assert [task["downloads"] for task in ledger["tasks"]] == [1, 0]
        assert files[0]["file_id"] == upload["file_id"]

    asyncio.run(test())


def picture_of(folder: Path) -> bytes:
    (path,) = (folder / "media").iterdir()
    return path.read_bytes()


def test_a_task_that_ran_when_its_world_was_stopped_ends_after_it_goes_on(tmp_path: Path) -> None:
    wall = Wall()

    async def test() -> list[str]:
        seen = []
        async with client(wall=wall, folder=tmp_path, speed=60.0) as sim:
            task_id = await sim.task()
            wall.pass_(0.4)
            seen.append((await sim.poll(task_id)).data["status"])
        wall.pass_(0.5)
        async with client(wall=wall, folder=tmp_path, speed=60.0) as sim:
            seen.append((await sim.poll(task_id)).data["status"])
            wall.pass_(4)
            seen.append((await sim.poll(task_id)).data["status"])
        return seen

    assert asyncio.run(test()) in (
        ["processing", "processing", "success"],
        ["processing", "success", "success"],
    )


def test_an_unserved_world_ages_at_our_own_pace_so_results_wait_for_days(tmp_path: Path) -> None:
    wall = Wall()

    async def test() -> int:
        async with client(wall=wall, folder=tmp_path, speed=60.0) as sim:
            task_id = await sim.task()
            wall.pass_(10)
        wall.pass_(3 * 86_400)
        async with client(wall=wall, folder=tmp_path, speed=60.0) as sim:
            return (await sim.poll(task_id)).status

    assert asyncio.run(test()) == 200


def test_time_never_goes_back_after_a_kill(tmp_path: Path) -> None:
    wall = Wall()
    ledger = Ledger.open(tmp_path)
    clock = Clock(60.0, None, wall)
    ledger.beat(clock.now(), wall())
    wall.pass_(0.9)
    ledger.beat(clock.now(), wall())  # too soon to be written
    killed_at = clock.now()
    ledger.close()

    again = Ledger.open(tmp_path)

    start = again.resumed_at(wall(), 60.0)
    again.close()
    assert start is not None
    assert start >= killed_at


def test_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    wall = Wall()
    journal = tmp_path / "ledger.jsonl"

    async def test() -> tuple[str, str, list[str]]:
        async with client(wall=wall, folder=tmp_path) as sim:
            first = await sim.task()
        with journal.open("ab") as file:
            file.write(b'{"task":{"task_id":"task-torn"')
        async with client(wall=wall, folder=tmp_path) as sim:
            second = await sim.task()
        async with client(wall=wall, folder=tmp_path) as sim:
            return first, second, [task["task_id"] for task in (await sim.ledger())["tasks"]]

    first, second, found = asyncio.run(test())

    assert found == [first, second]
    assert b"torn" not in journal.read_bytes()


@pytest.mark.parametrize(
    "line", [b"{damage}\n", b'{"task":1}\n', b"[" * 9999 + b"\n", b'{"change":"x"}\n']
)
def test_from_a_damaged_line_on_everything_is_forgotten(tmp_path: Path, line: bytes) -> None:
    wall = Wall()
    journal = tmp_path / "ledger.jsonl"

    async def test() -> tuple[str, list[str]]:
        async with client(wall=wall, folder=tmp_path) as sim:
            first = await sim.task()
        with journal.open("ab") as file:
            file.write(line + b'{"submit":9}\n')
        async with client(wall=wall, folder=tmp_path) as sim:
            return first, [task["task_id"] for task in (await sim.ledger())["tasks"]]

    first, found = asyncio.run(test())

    assert found == [first]


def test_an_image_in_a_body_is_kept_as_one_file_and_not_in_the_journal(tmp_path: Path) -> None:
    image = "data:image/png;base64," + base64.b64encode(picture()).decode()

    async def test() -> None:
        async with client(folder=tmp_path) as sim:
            for prompt in ("a kite", "a kite again"):
                await sim.task(I2V, prompt=prompt, reference_images=[image])

    asyncio.run(test())

    assert len(list((tmp_path / "blobs").iterdir())) == 1
    assert (tmp_path / "ledger.jsonl").stat().st_size < 5000


def test_a_continuation_finds_its_input_after_the_port_has_changed(tmp_path: Path) -> None:
    wall = Wall()

    async def test() -> tuple[int, int]:
        async with client(wall=wall, folder=tmp_path) as sim:
            url = (await sim.result()).video["url"]
        async with client(wall=wall, folder=tmp_path) as sim:
            assert not url.startswith(sim.base)
            known = await sim.submit(V2V, video_urls=[url])
            unknown = await sim.submit(V2V, video_urls=[f"{sim.base}/files/task-none.mp4?sig=x"])
            return known.status, unknown.status

    assert asyncio.run(test()) == (200, 400)


@pytest.mark.parametrize("speed", [1.0, 60.0])
def test_a_moment_of_the_simulator_is_told_in_our_own_time(speed: float) -> None:
    wall = Wall()
    clock = Clock(speed, 5000.0, wall)

    wall.pass_(2)

    assert clock.now() == pytest.approx(5000 + 2 * speed)
    assert clock.wall_at(5000 + 10 * speed) == pytest.approx(wall() + 8)


TASK = {
    "task_id": "task-1",
    "number": 0,
    "slug": "x",
    "body": {},
    "request_id": None,
    "created_at": 0.0,
    "starts_at": 1.0,
    "ends_at": 2.0,
    "outcome": "success",
    "faults": [],
}


def planted(folder: Path, *names: str) -> Path:
    """Plant links in a world's folder, to a file and a folder of somebody else."""
    outside = folder / "outside"
    (outside / "folder").mkdir(parents=True)
    (outside / "file").write_text("precious")
    for name in names:
        place = folder / "world" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        is_folder = name in ("clips", "media", "blobs")
        place.symlink_to(outside / ("folder" if is_folder else "file"))
    return outside


@pytest.mark.parametrize("name", ["ledger.jsonl", "clips", "media", "blobs"])
def test_a_world_with_planted_links_is_not_used(tmp_path: Path, name: str) -> None:
    outside = planted(tmp_path, name)

    with pytest.raises(ConfigError, match="the simulator cannot use"):
        Ledger.open(tmp_path / "world")

    assert (outside / "file").read_text() == "precious"
    assert list((outside / "folder").iterdir()) == []


def test_a_pipe_in_place_of_the_ledger_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "world").mkdir()
    os.mkfifo(tmp_path / "world" / "ledger.jsonl")

    with pytest.raises(ConfigError, match=r"not a plain file|No such device"):
        Ledger.open(tmp_path / "world")


def test_a_line_that_does_not_end_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seedrender.sim.ledger._MOST_LINE_BYTES", 1 << 10)
    (tmp_path / "world").mkdir()
    with (tmp_path / "world/ledger.jsonl").open("wb") as file:
        file.truncate(1 << 40)  # a terabyte that takes no room

    Ledger.open(tmp_path / "world").close()

    assert (tmp_path / "world/ledger.jsonl").stat().st_size == 0


def test_links_where_files_are_made_give_way(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "world")
    upload = Upload(
        file_id="f1", kind="image", extension="png", filename="a", size_bytes=3, created_at=0.0
    )
    digest = hashlib.sha256(b"x" * 3000).hexdigest()
    outside = planted(tmp_path, "clock.json", "media/f1.png", f"blobs/{digest}")

    ledger.beat(1.0, 2.0)
    ledger.add_upload(upload, b"new")
    kept = ledger._without_blobs("x" * 3000)

    assert ledger.text_of(kept) == "x" * 3000
    assert (outside / "file").read_text() == "precious"
    assert (tmp_path / "world/media/f1.png").read_bytes() == b"new"
    ledger.close()


@pytest.mark.parametrize(
    "line",
    [
        {"upload": {"file_id": "../../outside/file", "kind": "image", "extension": "x",
                    "filename": "a", "size_bytes": 1, "created_at": 0.0}},
        {"upload": {"file_id": "f", "kind": "image", "extension": "/../../../outside/file",
                    "filename": "a", "size_bytes": 1, "created_at": 0.0}},
        {"task": {"task_id": "/etc/x", "faults": []}},
        {"task": {**TASK, "task_id": "../x"}},
        {"task": {**TASK, "ends_at": "soon"}},
        {"task": {**TASK, "ends_at": 1e300}},
        {"submit": "x"},
    ],
)  # fmt: skip
def test_a_ledger_that_came_with_a_repository_names_no_path(
    tmp_path: Path, line: dict[str, object]
) -> None:
    (tmp_path / "world").mkdir()
    (tmp_path / "world/ledger.jsonl").write_text(json.dumps(line) + "\n")

    ledger = Ledger.open(tmp_path / "world")

    assert (ledger.tasks, ledger.uploads) == ({}, {})
    ledger.close()


def test_a_change_makes_no_task_another_one(tmp_path: Path) -> None:
    rows = [{"task": TASK}, {"change": "task-1", "task_id": "../../x"}]
    (tmp_path / "world").mkdir()
    (tmp_path / "world/ledger.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    ledger = Ledger.open(tmp_path / "world")

    assert list(ledger.tasks) == ["task-1"]
    ledger.close()


@pytest.mark.parametrize("clock", ['{"sim": Infinity, "wall": 1}', '{"sim": 1e308, "wall": 1}',
                                   '{"sim": "x", "wall": 1}', "[" * 9999, "null"])  # fmt: skip
def test_a_clock_that_cannot_be_is_none(tmp_path: Path, clock: str) -> None:
    (tmp_path / "world").mkdir()
    (tmp_path / "world/clock.json").write_text(clock)

    ledger = Ledger.open(tmp_path / "world")

    assert ledger.time is None
    ledger.close()


def test_a_body_that_speaks_of_a_blob_reads_no_other_file(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "world")
    (tmp_path / "file").write_text("precious")

    assert ledger.text_of("sim-blob:../../file") == "sim-blob:../../file"
    ledger.close()
