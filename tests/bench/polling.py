"""Measures how late the end of a task is seen, and how many reads that takes."""

from __future__ import annotations

import asyncio
import math
import statistics
from bisect import bisect_right
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import accumulate, pairwise

from aiohttp import web

from seedrender.errors import Origin
from seedrender.plan import polling
from seedrender.plan.polling import Course
from seedrender.plan.times import Times
from seedrender.providers import registry
from seedrender.providers.plugins import Client
from seedrender.run.history import History
from seedrender.run.looks import Looks
from seedrender.run.pace import Pace
from seedrender.sim.app import WORLD, SimSettings, create_app
from seedrender.sim.world import World
from seedrender.values.entry import Fingerprint, JobState, TaskRecord
from seedrender.values.job import CorrelationId, Job, JobId, Mode, Tier
from seedrender.values.manifest import PollSchedule
from seedrender.values.provider import Limits
from seedrender.values.task import Task, TaskId, TaskState
from tests.bench.measure import say

SPEED = 60.0
TASKS = 300
BEFORE = 100  # tasks of an earlier run
CONCURRENCY = 20
PER_MINUTE = 100_000
POLL = PollSchedule()
DRAWS, ROWS = 5000, 400  # of the simulator's law


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came of waiting in one way."""

    late_s: Sequence[float]  # from the end of a task until it was known, the provider's seconds
    took_s: Sequence[float]
    reads: int

    @property
    def median_s(self) -> float:
        return statistics.median(self.late_s)

    @property
    def p95_s(self) -> float:
        return sorted(self.late_s)[math.ceil(0.95 * len(self.late_s)) - 1]

    @property
    def per_task(self) -> float:
        return self.reads / len(self.late_s)

    def line(self, what: str, fixed: Seen) -> str:
        ratios = f"{self.median_s / fixed.median_s:5.2f} x {self.p95_s / fixed.p95_s:5.2f} x"
        return (
            f"  {what:<34} {self.median_s:6.2f} s {self.p95_s:6.2f} s {self.per_task:6.2f} {ratios}"
        )


@dataclass
class Route:
    """The simulator's client, with what a route may offer; its lists are made up, from its world."""

    inner: Client
    world: World
    limits: Limits
    tells_times: bool = True
    name: str = "sim"
    reads: int = 0
    known_at: dict[TaskId, float] = field(default_factory=dict)

    async def poll(self, task_id: TaskId, *, hold: bool = False) -> Task:
        self.reads += 1
        task = await self.inner.poll(task_id, hold=hold)
        return self._noted(task if self.tells_times else replace(task, render_s=None))

    async def poll_many(self, task_ids: Sequence[TaskId]) -> Mapping[TaskId, Task]:
        """One request, in the time that one takes; the other answers come from the world."""
        self.reads += 1
        await self.inner.poll(task_ids[0])
        return {task_id: self._noted(self._listed(task_id)) for task_id in task_ids}

    def _listed(self, task_id: TaskId) -> Task:
        record = self.world.ledger.tasks[str(task_id)]
        phase = record.phase(self.world.clock.now())
        state = TaskState.SUCCEEDED if phase == "success" else TaskState.RUNNING
        took_s = record.ends_at - record.created_at
        return Task(id=task_id, state=state, provider_state=phase, render_s=took_s)

    def _noted(self, task: Task) -> Task:
        if task.state.is_final:
            self.known_at.setdefault(task.id, self.world.clock.now())
        return task


def bench() -> None:
    """Wait for the same tasks in each way."""
    say(f"polling, {TASKS} tasks of the simulator at speed {SPEED:.0f}, {CONCURRENCY} in flight")
    say(
        "  seconds of the provider from end to detection: median, P95; reads a task; x fixed schedule"
    )
    fixed = asyncio.run(_waited(tells_times=False))
    say(fixed.line("fixed schedule", fixed))
    say(asyncio.run(_waited()).line("learned, from nothing", fixed))
    before = asyncio.run(_waited(count=BEFORE, first=TASKS)).took_s
    learned = asyncio.run(_waited(before=before))
    say(learned.line(f"learned, after {BEFORE} tasks", fixed))
    say(_optimum().line("  the best that single reads allow", fixed))
    say(asyncio.run(_waited(before=before, batch=500)).line("list of many tasks", fixed))
    say(asyncio.run(_waited(batch=500, tells_times=False)).line("list, times unknown", fixed))
    say(asyncio.run(_waited(before=before, hold_s=30.0)).line("long poll", fixed))
    say(
        asyncio.run(_waited(hold_s=30.0, tells_times=False)).line("long poll, times unknown", fixed)
    )


async def _waited(
    *,
    count: int = TASKS,
    first: int = 0,
    before: Sequence[float] = (),
    tells_times: bool = True,
    batch: int = 0,
    hold_s: float = 0.0,
) -> Seen:
    """Submit tasks, and wait for their ends; equal numbers are equal tasks, each time."""
    limits = Limits(
        concurrency=CONCURRENCY,
        requests_per_minute=PER_MINUTE,
        batch=batch,
        hold_s=hold_s,
        speed=SPEED,
    )
    async with _simulator(limits) as (inner, world):
        await _warm_up(inner)
        route = Route(inner, world, limits, tells_times=tells_times)
        history = History(limits, POLL)
        for took_s in before:
            history.add(polling.group(route.name, _job(0)), took_s)
        pace = Pace(limits.requests_per_minute * SPEED)
        looks = Looks(route, pace, POLL, history)  # type: ignore[arg-type]  # it is only polled
        places = asyncio.Semaphore(CONCURRENCY)

        async def one(number: int) -> None:
            async with places:
                await _render(route, looks, _job(number))

        async with asyncio.TaskGroup() as group:
            for number in range(first, first + count):
                group.create_task(one(number))
        tasks = [world.ledger.tasks[str(task_id)] for task_id in route.known_at]
        return Seen(
            late_s=[route.known_at[TaskId(task.task_id)] - task.ends_at for task in tasks],
            took_s=[task.ends_at - task.created_at for task in tasks],
            reads=route.reads,
        )


async def _warm_up(inner: Client) -> None:
    """Let the simulator draw its one clip: nothing must wait for that later."""
    submission = inner.encode(_job(-1), {}, CorrelationId("warm-up"))
    task_id = await inner.submit(submission)
    while not (await inner.poll(task_id, hold=True)).state.is_final:
        pass


async def _render(route: Route, looks: Looks, job: Job) -> None:
    submission = route.inner.encode(job, {}, CorrelationId(str(job.id)))
    record = TaskRecord(
        correlation_id=submission.correlation_id,
        state=JobState.SUBMITTED,
        fingerprint=Fingerprint(digest="sha256:00"),
        provider=route.name,
        task_id=await route.inner.submit(submission),
        submitted_at=datetime.now(UTC),
    )
    with looks.watch(job, record, is_fresh=True) as watch:
        while not (await looks.look(watch)).state.is_final:
            pass


@asynccontextmanager
async def _simulator(limits: Limits) -> AsyncIterator[tuple[Client, World]]:
    """Serve a simulator whose world can be looked into."""
    settings = SimSettings(
        speed=SPEED,
        concurrency=limits.concurrency,
        requests_per_minute=limits.requests_per_minute,
        footage="patched",
    )
    app = create_app(settings)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.3)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with registry.simulated(base_url, speed=SPEED, limits=limits) as provider:
            yield provider, app[WORLD]
    finally:
        await runner.cleanup()


def _optimum() -> Seen:
    """Return what single reads come to at best: where the law of the times is known exactly."""
    with World(SimSettings()) as world:
        variant = world.variant("bytedance/seedance-2.0-mini-t2v")
        tasks = [world.create(variant, {"prompt": str(n)}, None, ()) for n in range(DRAWS)]
    took = sorted(task.ends_at - task.created_at for task in tasks)
    step_s = took[-1] / ROWS
    ages = [0.0, *(took[0] + step_s * n for n in range(int((took[-1] - took[0]) / step_s) + 1))]
    out = [1 - bisect_right(took, age) / len(took) for age in ages]
    areas = [(b - a) * (x + y) / 2 for (a, x), (b, y) in pairwise(zip(ages, out, strict=True))]
    area = tuple(accumulate(areas, initial=0.0))
    course = polling.course(Times(ages=tuple(ages), out=tuple(out), area=area), POLL)
    assert course is not None, "better than the schedule"
    late = [_late(course, took_s) for took_s in took]
    return Seen(
        late_s=[late_s for late_s, _ in late], took_s=took, reads=sum(reads for _, reads in late)
    )


def _late(course: Course, took_s: float) -> tuple[float, int]:
    age, reads = 0.0, 0
    while age < took_s:
        next_age = course.next_age(age)
        age = age + POLL.max_interval_s if next_age is None else next_age
        reads += 1
    return age - took_s, reads


def _job(number: int) -> Job:
    return Job(
        id=JobId(f"spin/{number}"),
        shot="spin",
        model="seedance-2.0",
        tier=Tier.MINI,
        mode=Mode.T2V,
        mode_reason="",
        prompt=f"A kite, number {number}.",
        duration_s=4,
        resolution="480p",
        output=f"renders/{number}.mp4",
        origin=Origin("film.yaml", 1, 1),
    )


if __name__ == "__main__":
    bench()
