"""A small film that meets everything a run can meet, on a simulator in the same loop."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiohttp

from seedrender.errors import SeedrenderError
from seedrender.plan.outcome import Exit
from seedrender.providers import registry
from seedrender.run import project
from seedrender.run.project import Project
from seedrender.run.render import Options, render
from seedrender.sim.app import SimSettings, serve
from seedrender.values.job import JobId
from seedrender.values.provider import Limits, Provider
from tests.crash import clockwork

WORLD = Path(".seedrender") / "sim"  # of the simulator: no crash of a client changes it
EPOCH_S = 1_790_000_000.0
_HEAD = """\
seedrender: 1
name: film
provider: {route}
defaults: {{tier: mini, resolution: 480p, duration: 4, audio: false}}
"""
FIRST = """\
shots:
  again: {prompt: "A kite."}
  moves: {prompt: "A boat."}
"""
SHORT = """\
shots:
  again: {prompt: "A kite."}
  moves: {prompt: "A boat.", output: elsewhere/moved.mp4}
  lost: {prompt: "Rain. [sim:lost-answer]"}
  fails: {prompt: "Fog. [sim:fail]"}
"""
STALE = """\
shots:
  again: {prompt: "A red kite, très rouge 雨."}
"""
WHOLE = """\
shots:
  again: {prompt: "A red kite."}
  moves: {prompt: "A boat.", output: elsewhere/moved.mp4}
  plain: {prompt: "A tram, {{ n }}.", matrix: {n: [1, 2]}}
  lost: {prompt: "Rain, très fort 雨. [sim:lost-answer]"}
  broken: {prompt: "Snow. [sim:truncated]"}
  fails: {prompt: "Fog. [sim:fail]"}
  refused: {prompt: "Mud. [sim:refuse]"}
chains:
  fly:
    segments:
      - {prompt: "One shot over a market."}
      - {prompt: "It goes on."}
"""
FAILING = frozenset({"fails", "refused"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How one run ended, and what the provider's ledger says then."""

    code: int
    words: str
    tasks: tuple[Mapping[str, Any], ...]


class Silent:
    """A listener that does not."""

    def note(self, job: JobId, what: str, detail: str = "") -> None:
        del job, what, detail

    def say(self, words: str) -> None:
        del words


@dataclass(slots=True)
class Film:
    """A folder with a manifest, its lock and its simulated provider."""

    folder: Path
    route: str
    wall: float = EPOCH_S  # of the world, between runs
    slept_s: float = 0.0  # of this run: hours that the loop's own clock knows nothing of
    is_rendering: bool = False

    def write(self, shots: str) -> None:
        """Write the manifest."""
        (self.folder / "film.yaml").write_text(_HEAD.format(route=self.route) + shots)

    def load(self) -> Project:
        """Load the manifest; the project may be run many times."""
        return project.load(self.folder / "film.yaml")

    def run(
        self,
        loaded: Project,
        *,
        resubmit: Collection[str] = (),
        on_step: Any = lambda: None,
    ) -> Ended:
        """Run once in virtual time; what the machine's clock says does not matter."""
        self.keep_base()
        code, words = 1, ""
        try:
            code, words = clockwork.run(self._run(loaded, tuple(map(JobId, resubmit))), on_step)
        except SeedrenderError as error:
            code, words = int(error.exit_code), str(error)
        except KeyboardInterrupt:
            code = int(Exit.INTERRUPTED)
        tasks = clockwork.run(self._ledger())
        return Ended(code=code, words=words, tasks=tasks)

    def keep_base(self) -> None:
        """Give the world the one clip that all tasks are patched from: drawing it takes long."""
        clips = self.folder / WORLD / "clips"
        clips.mkdir(parents=True, exist_ok=True)
        for name, content in base_clips().items():
            if not (clips / name).exists():
                (clips / name).write_bytes(content)

    def _settings(self) -> SimSettings:
        loop, wall = asyncio.get_running_loop(), self.wall
        return SimSettings(
            speed=1.0,
            folder=self.folder / WORLD,
            footage="patched",
            wall=lambda: wall + loop.time() + self.slept_s,
        )

    async def _run(self, loaded: Project, resubmit: Collection[JobId]) -> tuple[int, str]:
        loop, began = asyncio.get_running_loop(), self.wall
        environ = {"MODELLIX_API_KEY": "any"}
        try:
            async with AsyncExitStack() as stack:
                if self.route != "sim":
                    base_url = await stack.enter_async_context(serve(self._settings()))
                    environ["MODELLIX_BASE_URL"] = base_url
                stack.enter_context(patch("seedrender.run.simulated.simulator", self._embedded))
                options = Options(environ=environ, resubmit=resubmit)
                self.is_rendering = True
                result = await render(loaded, options, Silent())
                self.is_rendering = False
            return int(result.exit), "; ".join([result.message, *result.errors.values()])
        finally:
            self.is_rendering = False
            self.wall = began + loop.time() + self.slept_s + 1.0
            self.slept_s = 0.0

    @asynccontextmanager
    async def _embedded(
        self, folder: Path, *, speed: float, limits: Limits
    ) -> AsyncIterator[Provider]:
        """Stand for `run.simulated.simulator`, on the loop's own time."""
        del folder, speed
        async with (
            serve(self._settings()) as base_url,
            registry.simulated(base_url, speed=1.0, limits=limits) as provider,
        ):
            yield provider

    async def _ledger(self) -> tuple[Mapping[str, Any], ...]:
        async with (
            serve(self._settings()) as base_url,
            aiohttp.ClientSession() as session,
            session.get(f"{base_url}/sim/ledger") as answer,
        ):
            tasks: list[Mapping[str, Any]] = (await answer.json())["tasks"]
        return tuple(tasks)


@cache
def base_clips() -> Mapping[str, bytes]:
    """Draw the clip that all tasks share, once."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as name:
        film = Film(Path(name), "modellix")
        film.write('shots: {one: {prompt: "A hat."}}')
        clockwork.run(film._run(film.load(), ()))
        clips = film.folder / WORLD / "clips"
        return {path.name: path.read_bytes() for path in clips.glob("*.base")}


def started(folder: Path, route: str, shots: str) -> tuple[Film, Project]:
    """Return a film whose first version is rendered, and its next version as a project."""
    film = Film(folder, route)
    film.write(FIRST)
    ended = film.run(film.load())
    assert ended.code == 0, ended.words
    film.write(shots)
    return film, film.load()


def wipe(folder: Path) -> None:
    """Remove everything in a folder but the manifest."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.suffix != ".yaml":
            path.unlink()
