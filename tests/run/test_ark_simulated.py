"""Our Ark client against our simulator's Ark wire: two readings of one reference that must agree."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from PIL import Image

from seedrender.media.medium import inspect
from seedrender.plan.outcome import Exit
from seedrender.run import project, reconcile
from seedrender.run.render import Options, Result, render
from seedrender.sim.app import SimSettings, serve
from seedrender.values.entry import JobState
from seedrender.values.job import JobId
from tests.run.test_ark_films import Silent
from tests.served import ledger

T = TypeVar("T")
FILM = """\
seedrender: 1
name: film
provider: %s
defaults: {model: seedance-2.0, tier: fast, resolution: 480p, ratio: "16:9", duration: 4}
run: {requests_per_minute: 6000, poll: {first: 0.1s, interval: 0.1s}}
references: {kite: {image: kite.png}}
"""
SCENES = """\
shots:
  plain: {prompt: "A kite."}
  free: {prompt: "A fox.", duration: -1, ratio: adaptive}
  frame: {prompt: "It moves.", references: [{use: kite, as: first_frame}], ratio: adaptive}
  refs: {prompt: "{{ ref.kite }} flies.", audio: false}
chains:
  fly: {prompt: "One flight.", segments: [{duration: 4}, {duration: 4}]}
"""
LOST = """\
shots:
  plain: {prompt: "A kite."}
  lost: {prompt: "A fox. [sim:lost-answer]"}
  never: {prompt: "A hen. [sim:lost-request]"}
"""


def simulated(use: Callable[[Options], Awaitable[T]], world: Path) -> T:
    async def run() -> T:
        settings = SimSettings(speed=600, folder=world, footage="patched", has_ark_rates=False)
        async with serve(settings) as address:
            environ = {"ARK_API_KEY": "any", "ARK_BASE_URL": f"{address}/api/v3"}
            return await use(Options(environ=environ))

    return asyncio.run(run())


def film(folder: Path, text: str, route: str) -> Path:
    Image.new("RGB", (640, 360), (90, 120, 200)).save(folder / "kite.png")
    path = folder / "film.yaml"
    path.write_text(FILM % route + text)
    (folder / "world").mkdir()
    return path


@pytest.mark.parametrize("route", ["byteplus", "volcengine"])
def test_every_scene_is_rendered_and_nothing_is_bought_twice(tmp_path: Path, route: str) -> None:
    path, world = film(tmp_path, SCENES, route), tmp_path / "world"

    first = simulated(lambda options: render(project.load(path), options, Silent()), world)
    again = simulated(lambda options: render(project.load(path), options, Silent()), world)

    assert (first.exit, again.exit) == (Exit.DONE, Exit.DONE), first.errors
    tasks = [task for entry in first.lock.entries.values() for task in entry.tasks]
    assert len(tasks) == 6
    assert all(task.cost is not None and task.cost.source == "prices" for task in tasks)
    frames = [task.last_frame for task in tasks if task.last_frame is not None]
    assert {str(inspect(tmp_path / f.path)).partition(", ")[2][:7] for f in frames} == {"864x496"}
    assert len(frames) == 2
    plain = first.lock.entries[JobId("plain")].tasks[0]
    assert plain.cost is not None
    assert plain.estimate is not None
    assert plain.cost.amount == plain.estimate.expected


def test_a_lost_answer_is_found_by_the_identifier_that_the_simulator_gives_back(
    tmp_path: Path,
) -> None:
    path, world = film(tmp_path, LOST, "byteplus"), tmp_path / "world"

    lost = simulated(lambda options: render(project.load(path), options, Silent()), world)
    settled = simulated(
        lambda options: reconcile.reconcile(project.load(path), options, Silent(), None), world
    )

    assert lost.exit is Exit.UNDECIDED
    assert {one.job: one.record.state for one in settled} == {
        "lost": JobState.SUBMITTED,
        "never": JobState.UNKNOWN,  # proved absent, and too young for the proof
    }


def test_many_tasks_are_watched_by_few_lists_and_never_one_by_one(tmp_path: Path) -> None:
    shots = "".join(f"  s{n:02}: {{prompt: Kite {n}.}}\n" for n in range(24))
    path = film(tmp_path, f"shots:\n{shots}", "byteplus")
    asked: dict[str, int] = {}

    async def counted(options: Options) -> Result:
        done = await render(project.load(path), replace(options, concurrency=24), Silent())
        base_url = options.environ["ARK_BASE_URL"].removesuffix("/api/v3")
        asked.update(await asyncio.to_thread(ledger, base_url))
        return done

    done = simulated(counted, tmp_path / "world")

    assert done.exit is Exit.DONE, done.errors
    assert asked["submit"] == 24
    assert 1 <= asked["list"] < 24
    assert asked.get("poll", 0) < 3  # a list may lag behind a submit
