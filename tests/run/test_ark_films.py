"""Whole films on the Ark wire, against a small cloud on loopback: `provider: byteplus` end to end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiohttp import web

from seedrender.errors import ManifestError
from seedrender.lock import fold
from seedrender.plan.outcome import Exit
from seedrender.providers import ark_list
from seedrender.run import project, reconcile
from seedrender.run.render import Options, render
from seedrender.values.entry import JobState
from seedrender.values.job import JobId
from tests.providers.test_http import served
from tests.scripted import clip_bytes
from tests.site import PNG

T = TypeVar("T")
FILM = """\
seedrender: 1
name: film
provider: {route}
defaults: {{tier: fast, resolution: 480p, ratio: "16:9"}}
run: {{requests_per_minute: 6000, poll: {{first: 0.02s, interval: 0.02s}}}}
"""
TAKE = 'chains: {fly: {prompt: "One flight.", segments: [{duration: 4}, {duration: -1}]}}\n'
SHOT = "shots: {spin: {prompt: A kite., duration: 4}, wait: {prompt: A fox., duration: 4}}\n"
USAGE = {"completion_tokens": 40594}  # 480p, 16:9, 4 s


class Cloud:
    """Creates tasks that succeed at the second look."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.looks: dict[str, int] = {}
        self.answers = True
        self.address = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith(".mp4"):
            assert "Authorization" not in request.headers
            return web.Response(body=clip_bytes(0, (864, 496)), content_type="video/mp4")
        if request.path.endswith(".png"):
            assert "Authorization" not in request.headers
            return web.Response(body=PNG, content_type="image/png")
        assert request.headers["Authorization"] == "Bearer planted-key"
        if request.method == "POST":
            self.bodies.append(await request.json())
            if not self.answers:
                assert request.transport is not None
                request.transport.close()
            return web.json_response({"id": f"cgt-{len(self.bodies)}"})
        if request.path.endswith("/tasks"):
            rows = [self._task(f"cgt-{n}") for n in range(1, len(self.bodies) + 1)]
            return web.json_response({"total": len(rows), "items": rows})
        return web.json_response(self._task(request.path.rpartition("/")[2]))

    def _task(self, name: str) -> dict[str, Any]:
        body = self.bodies[int(name.removeprefix("cgt-")) - 1]
        self.looks[name] = self.looks.get(name, 0) + 1
        now = int(datetime.now(UTC).timestamp())
        task = {
            "id": name,
            "model": body["model"],
            "status": "running" if self.looks[name] == 1 else "succeeded",
            "created_at": now,
            "updated_at": now,
            "safety_identifier": body["safety_identifier"],
        }
        if self.looks[name] == 1:
            return task
        clip = {"video_url": f"{self.address}/{name}.mp4?X-Tos-Signature=s3cret"}
        if body.get("return_last_frame"):
            clip["last_frame_url"] = f"{self.address}/{name}.png?X-Tos-Signature=s3cret"
        real = {"resolution": "480p", "ratio": "16:9", "duration": 4}
        return {**task, **real, "content": clip, "usage": USAGE}


def against(cloud: Cloud, use: Callable[[Options], Awaitable[T]]) -> T:
    async def run() -> T:
        async with served(cloud.handle) as address:
            cloud.address = address
            environ = {"ARK_API_KEY": "planted-key", "ARK_BASE_URL": f"{address}/api/v3"}
            return await use(Options(environ=environ))

    return asyncio.run(run())


class Silent:
    def note(self, job: JobId, what: str, detail: str = "") -> None:
        """Hear nothing."""

    def say(self, text: str) -> None:
        """Hear nothing."""


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    monkeypatch.setattr(ark_list, "_INTERVAL_S", 0.0)
    return Cloud()


def film(folder: Path, text: str, route: str = "byteplus") -> Path:
    path = folder / "film.yaml"
    path.write_text(FILM.format(route=route) + text)
    return path


@pytest.mark.parametrize(("route", "currency"), [("byteplus", "USD"), ("volcengine", "CNY")])
def test_a_long_take_continues_the_clip_before_by_its_own_link(
    tmp_path: Path, cloud: Cloud, route: str, currency: str
) -> None:
    path = film(tmp_path, TAKE, route)

    first = against(cloud, lambda options: render(project.load(path), options, Silent()))
    again = against(cloud, lambda options: render(project.load(path), options, Silent()))

    assert (first.exit, again.exit) == (Exit.DONE, Exit.DONE), first.errors
    assert len(cloud.bodies) == 2
    text, clip = cloud.bodies[1]["content"]
    assert text["text"] == "Continue Video 1 without a cut. One flight."
    assert clip["role"] == "reference_video"
    assert "/cgt-1.mp4?X-Tos-Signature=s3cret" in clip["video_url"]["url"]
    assert cloud.bodies[1]["duration"] == -1
    record = first.lock.entries[JobId("fly/01")].tasks[0]
    assert record.cost is not None
    assert (record.cost.source, record.cost.amount.currency) == ("prices", currency)
    assert record.estimate is not None
    assert record.cost.amount == record.estimate.expected
    assert "s3cret" not in (tmp_path / "film.lock").read_text()
    assert record.last_frame is not None
    assert (tmp_path / record.last_frame.path).read_bytes() == PNG


def test_a_lost_answer_is_found_again_in_the_list_and_never_bought_twice(
    tmp_path: Path, cloud: Cloud
) -> None:
    path = film(tmp_path, SHOT)
    cloud.answers = False

    lost = against(cloud, lambda options: render(project.load(path), options, Silent()))
    cloud.answers = True
    settled = against(
        cloud, lambda options: reconcile.reconcile(project.load(path), options, Silent(), None)
    )
    done = against(cloud, lambda options: render(project.load(path), options, Silent()))

    assert lost.exit is Exit.UNDECIDED
    assert {one.record.state for one in settled} == {JobState.SUBMITTED}
    assert {one.record.task_id for one in settled} == {"cgt-1", "cgt-2"}
    assert done.exit is Exit.DONE
    assert len(cloud.bodies) == 2
    assert all(fold.job_state(entry) is JobState.DONE for entry in done.lock.entries.values())


def test_a_lost_request_stays_unknown_until_the_list_is_a_proof(
    tmp_path: Path, cloud: Cloud
) -> None:
    path = film(tmp_path, SHOT)
    cloud.answers = False
    against(cloud, lambda options: render(project.load(path), options, Silent()))
    cloud.bodies.clear()  # as if none had arrived
    cloud.answers = True

    settled = against(
        cloud, lambda options: reconcile.reconcile(project.load(path), options, Silent(), None)
    )
    again = against(cloud, lambda options: render(project.load(path), options, Silent()))

    assert {one.record.state for one in settled} == {JobState.UNKNOWN}
    assert again.exit is Exit.UNDECIDED
    assert cloud.bodies == []


@pytest.mark.parametrize(
    ("hosting", "is_right"),
    [("", False), ('hosting: {prefix: "https://media.example.org/film/"}\n', True)],
)
def test_a_local_clip_is_taken_where_a_host_is_named(
    tmp_path: Path, hosting: str, *, is_right: bool
) -> None:
    (tmp_path / "dance.mp4").write_bytes(clip_bytes())
    dance = 'references: {dance: {video: dance.mp4}}\nshots: {a: {prompt: "{{ ref.dance }}"}}\n'
    path = film(tmp_path, hosting + dance)

    if is_right:
        assert len(project.load(path).jobs) == 1
    else:
        with pytest.raises(ManifestError, match=r"reference 'dance' is a local video.*`hosting:`"):
            project.load(path)
