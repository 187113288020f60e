"""Runs a project: takes the hold, opens the route, drives the plan, and says how it ended."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from seedrender.plan.cost import estimate
from seedrender.plan.make import Plan
from seedrender.plan.outcome import Exit, outcome
from seedrender.providers import registry
from seedrender.run.executor import Executor
from seedrender.run.inputs import Inputs
from seedrender.run.project import Project
from seedrender.run.store import hold
from seedrender.run.tasks import Desk, Listener
from seedrender.run.throttle import Gate, Pace, Slots
from seedrender.values.entry import Lock
from seedrender.values.job import JobId
from seedrender.values.provider import Limits, Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a person says for one run."""

    concurrency: int | None = None
    speed: float = 60.0  # of the embedded simulator
    resubmit: Collection[JobId] = ()
    environ: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a run ended."""

    exit: Exit
    before: Plan
    after: Plan
    lock: Lock
    message: str = ""
    errors: Mapping[JobId, str]


async def render(project: Project, options: Options, listener: Listener) -> Result:
    """Do what is missing; with nothing to do, nothing is opened, sent or written.

    Raises: SeedrenderError.
    """
    lock = project.read_lock()
    before = project.plan(lock, options.resubmit)
    if before.is_done:
        return Result(exit=Exit.DONE, before=before, after=before, lock=lock, errors={})
    over = _over_budget(project, before)
    if over:
        return Result(
            exit=Exit.OVER_BUDGET, before=before, after=before, lock=lock, message=over, errors={}
        )
    async with hold(project.lock_path, project.path.name, project.manifest.moved) as store:
        before = project.plan(store.lock, options.resubmit)  # another run may just have ended
        async with _route(project, options) as provider:
            desk = Desk(
                provider=provider,
                store=store,
                files=project.files,
                inputs=Inputs(provider, store, project.files, project.digests),
                slots=Slots(provider.limits.concurrency),
                pace=Pace(provider.limits.requests_per_minute * provider.limits.speed),
                gate=Gate(),
                poll=project.manifest.run.poll,
                listener=listener,
            )
            executor = Executor(desk, before, lambda: project.facts(store.lock, options.resubmit))
            ended_by = await _until_stopped(executor, project.manifest.run.deadline_s)
        after = project.plan(store.lock)
        code = outcome(after, store.lock, executor.failed)
        return Result(
            exit=Exit.INTERRUPTED if ended_by is Exit.INTERRUPTED else code,
            before=before,
            after=after,
            lock=store.lock,
            message=str(executor.halted_by or ""),
            errors={job: str(error) for job, error in executor.failed.items()},
        )


@asynccontextmanager
async def _route(project: Project, options: Options) -> AsyncIterator[Provider]:
    limits = _limits(project, options)
    async with AsyncExitStack() as stack:
        if project.manifest.provider == "sim":
            from seedrender.run.simulated import simulator  # the simulator makes video: PyAV

            folder = project.path.parent
            route = simulator(folder, speed=options.speed, limits=limits)
            yield await stack.enter_async_context(route)
        else:
            online = registry.online(project.manifest.provider, options.environ, limits)
            yield await stack.enter_async_context(online)


def _limits(project: Project, options: Options) -> Limits:
    account = project.provider.limits
    run = project.manifest.run
    return Limits(
        concurrency=options.concurrency or run.concurrency or account.concurrency,
        requests_per_minute=run.requests_per_minute or account.requests_per_minute,
    )


async def _until_stopped(executor: Executor, deadline_s: float | None) -> Exit | None:
    """Run until done, interrupted (Ctrl-C, SIGTERM) or out of time."""
    loop = asyncio.get_running_loop()
    ended_by: list[Exit] = []

    def stop(code: Exit) -> None:
        ended_by.append(code)
        executor.stop()

    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        loop.add_signal_handler(number, stop, Exit.INTERRUPTED)
    timer = loop.call_later(deadline_s, stop, Exit.UNFINISHED) if deadline_s else None
    try:
        await executor.run()
    finally:
        if timer is not None:
            timer.cancel()
        for number in signals:
            loop.remove_signal_handler(number)
    return max(ended_by, default=None)


def _over_budget(project: Project, plan: Plan) -> str:
    """Say why a budget forbids this plan; empty where it does not."""
    if project.manifest.run.budget is None:
        return ""
    value, currency = project.manifest.run.budget
    cost = estimate(plan, project.provider.price)
    if cost.unknown:
        return f"a budget of {value} {currency} is set, and {cost.unknown} jobs have no known price"
    if cost.high is None:
        return ""
    if cost.high.currency != currency:
        return f"the budget is in {currency}, and the route is paid in {cost.high.currency}"
    if cost.high.value > value:
        return f"this would cost up to {cost.high}, and the budget is {value} {currency}"
    return ""
