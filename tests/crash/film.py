"""A small film that meets everything a run can meet, on a simulator in the same loop."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import random
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from seedrender.errors import SeedrenderError
from seedrender.plan.outcome import Exit
from seedrender.providers import registry
from seedrender.run import project
from seedrender.run.project import Project
from seedrender.run.render import Options, render
from seedrender.sim.app import SimSettings, serve
from seedrender.sim.world import World
from seedrender.values.job import JobId
from seedrender.values.provider import Limits, Provider
from tests.crash import clockwork

WORLD = Path(".seedrender") / "sim"  # of the simulator: no crash of a client changes it
EPOCH_S = 1_790_000_000.0
_HEAD = """\
seedrender: 1
name: film
provider: {route}
defaults: {{tier: {tier}, resolution: 480p, ratio: "16:9", duration: 4, audio: false}}
"""
ROUTES = ("modellix", "sim", "byteplus")
_TIERS = {"byteplus": "fast"}
_CLOCKS = tuple(
    f"seedrender.{name}" for name in ("run.clock", "run.inputs", "project.holder", "providers.ark")
)
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
_DANCE = "dance.mp4"  # a local clip, for routes that keep files
HOSTED = f"""\
references: {{dance: {{video: {_DANCE}}}}}
{WHOLE.replace("shots:", "shots:{dances}", 1)}""".replace(
    "{dances}", '\n  dances: {prompt: "A bear moves as in {{ ref.dance }}."}'
)
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
    number: int = 0  # of the next run
    clock: Callable[[], datetime] | None = None  # of the machine; None: the world's
    shared: Path | None = None  # the world of several films; None: one of its own
    _loop: asyncio.AbstractEventLoop | None = None

    @property
    def can_tell(self) -> bool:
        """Whether the route itself says, in time, what became of a lost submit."""
        return self.route != "modellix"

    @property
    def world(self) -> Path:
        """Where the simulated provider keeps what it knows."""
        return self.shared or self.folder / WORLD

    def write(self, shots: str) -> None:
        """Write the manifest, and the clip that it may name."""
        head = _HEAD.format(route=self.route, tier=_TIERS.get(self.route, "mini"))
        (self.folder / "film.yaml").write_text(head + shots)
        if _DANCE in shots:
            (self.folder / _DANCE).write_bytes(next(iter(base_clips("modellix").values())))

    def load(self, *selectors: str) -> Project:
        """Load the manifest; the project may be run many times."""
        return project.load(self.folder / "film.yaml", selectors=selectors)

    def run(
        self,
        loaded: Project,
        *,
        resubmit: Collection[str] = (),
        on_step: Any = lambda: None,
    ) -> Ended:
        """Run once in virtual time."""
        self.keep_base()
        random.seed(self.wall)  # equal runs wait equally long
        code, words = 1, ""
        with (
            machine_clock(self.clock or self._now),
            patch("seedrender.run.submit.uuid", self._ids()),
        ):
            try:
                code, words = clockwork.run(self._run(loaded, tuple(map(JobId, resubmit))), on_step)
            except SeedrenderError as error:
                code, words = int(error.exit_code), str(error)
            except KeyboardInterrupt:
                code = int(Exit.INTERRUPTED)
        return Ended(code=code, words=words, tasks=self.ledger())

    def keep_base(self) -> None:
        """Give the world the one clip that all tasks are patched from: drawing it takes long."""
        clips = self.world / "clips"
        clips.mkdir(parents=True, exist_ok=True)
        for name, content in base_clips(self.route).items():
            if not (clips / name).exists():
                (clips / name).write_bytes(content)

    def _settings(self) -> SimSettings:
        loop, wall = asyncio.get_running_loop(), self.wall
        return SimSettings(
            speed=1.0,
            folder=self.world,
            footage="patched",
            wall=lambda: wall + loop.time() + self.slept_s,
        )

    @property
    def moment(self) -> float:
        """The time that client and provider agree on, during a run too."""
        passed = self._loop.time() if self._loop is not None else 0.0
        return self.wall + passed + self.slept_s

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.moment, UTC)

    async def _run(self, loaded: Project, resubmit: Collection[JobId]) -> tuple[int, str]:
        loop = self._loop = asyncio.get_running_loop()
        environ = {"MODELLIX_API_KEY": "any", "ARK_API_KEY": "any"}
        try:
            async with AsyncExitStack() as stack:
                if self.route != "sim":
                    base_url = await stack.enter_async_context(serve(self._settings()))
                    environ["MODELLIX_BASE_URL"] = base_url
                    environ["ARK_BASE_URL"] = f"{base_url}/api/v3"
                stack.enter_context(patch("seedrender.run.simulated.simulator", self._embedded))
                options = Options(environ=environ, resubmit=resubmit)
                self.is_rendering = True
                result = await render(loaded, options, Silent())
                self.is_rendering = False
            return int(result.exit), "; ".join([result.message, *result.errors.values()])
        finally:
            self.is_rendering, self._loop = False, None
            self.wall += loop.time() + self.slept_s + 1.0
            self.slept_s = 0.0

    @asynccontextmanager
    async def _embedded(
        self, folder: Path, film: str, *, speed: float, limits: Limits
    ) -> AsyncIterator[Provider]:
        """Stand for `run.simulated.simulator`, on the loop's own time."""
        del folder, film, speed
        async with (
            serve(self._settings()) as base_url,
            registry.simulated(base_url, speed=1.0, limits=limits) as provider,
        ):
            yield provider

    def ledger(self) -> tuple[Mapping[str, Any], ...]:
        """Return all tasks that the provider has."""
        settings = SimSettings(speed=1.0, folder=self.world, wall=lambda: self.wall)
        with World(settings) as world:
            now = world.clock.now()
            found = world.ledger.as_json(lambda task: task.phase(now), None)
        return tuple(found["tasks"])

    def _ids(self) -> SimpleNamespace:
        """Stand for the module `uuid`: runs of one number draw the same ids, and others never."""
        drawn, number = itertools.count(), self.number
        self.number += 1

        def uuid4() -> SimpleNamespace:
            found = hashlib.sha256(f"{self.folder}:{number}:{next(drawn)}".encode())
            return SimpleNamespace(hex=found.hexdigest()[:32])

        return SimpleNamespace(uuid4=uuid4)


@contextmanager
def machine_clock(read: Callable[[], datetime]) -> Iterator[None]:
    """Let everything that asks the machine for the time ask this."""

    class Steered(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Steered:
            return cls.fromtimestamp(read().timestamp(), tz)

    with ExitStack() as stack:
        for module in _CLOCKS:
            stack.enter_context(patch(f"{module}.datetime", Steered))
        yield


@cache
def base_clips(route: str) -> Mapping[str, bytes]:
    """Draw the clip that all tasks share, once."""
    with TemporaryDirectory() as name:
        film = Film(Path(name), route)
        film.write('shots: {one: {prompt: "A hat."}}')
        clockwork.run(film._run(film.load(), ()))
        clips = film.folder / WORLD / "clips"
        return {path.name: path.read_bytes() for path in clips.glob("*.base")}


def started(
    folder: Path, route: str, shots: str, clock: Callable[[], datetime] | None = None
) -> tuple[Film, Project]:
    """Return a film whose first version is rendered, and its next version as a project."""
    film = Film(folder, route, clock=clock)
    film.write(FIRST)
    ended = film.run(film.load())
    assert ended.code == 0, ended.words
    film.write(shots)
    return film, film.load()
