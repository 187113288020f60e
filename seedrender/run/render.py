"""Runs a project: takes the hold, opens the route, drives the plan, and says how it ended."""

from __future__ import annotations

import resource
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from seedrender.catalog.models import catalog
from seedrender.errors import SeedrenderError, printable
from seedrender.lock.identity import SIMULATED
from seedrender.lock.moves import Moves
from seedrender.plan.decide import Facts
from seedrender.plan.decision import Verdict
from seedrender.plan.make import Plan
from seedrender.plan.outcome import Exit, outcome
from seedrender.providers import registry
from seedrender.providers.addresses import Network
from seedrender.providers.recording import Recorder
from seedrender.run import git, online, places
from seedrender.run.announcer import guarded
from seedrender.run.bugs import with_bugs
from seedrender.run.control import steered
from seedrender.run.deadline import Deadline, close_in_time, within
from seedrender.run.desk import Desk, Listener
from seedrender.run.executor import Executor
from seedrender.run.gate import Gate
from seedrender.run.hosts import host
from seedrender.run.inputs import Inputs
from seedrender.run.pace import Pace
from seedrender.run.project import Project, Wishes
from seedrender.run.purse import Allowance, Purse
from seedrender.run.slots import Slots
from seedrender.run.stop import Signals, until_stopped
from seedrender.run.store import Store, hold, is_left, read
from seedrender.values.entry import JobState, Lock
from seedrender.values.hosting import PROVIDER_FILES
from seedrender.values.job import JobId, MediaKind
from seedrender.values.money import Limit
from seedrender.values.provider import Limits, Provider
from seedrender.values.task import TaskId

GRACE_S = 10.0  # after a first Ctrl-C
_OPEN_FILES = 8192  # more than a run ever has


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a person says for one run."""

    concurrency: int | None = None
    speed: float = 60.0  # of the embedded simulator
    resubmit: Collection[JobId] = ()
    keep_stale: bool = False
    deadline_s: float | None = None  # goes before the manifest's
    grace_s: float = GRACE_S
    waits: bool = True  # False: submit and leave
    holds: Callable[[Plan], None] | None = None  # raises where a plan is not the agreed one
    is_locked: bool = False  # collect what is paid, and submit nothing
    budget: tuple[Limit, ...] = ()  # of this run, beside the film's own
    is_unknown_price_allowed: bool = False
    environ: Mapping[str, str]
    has_preflight: bool = True
    recorder: Recorder | None = None  # of what is sent and answered
    allowed: tuple[Network, ...] = ()  # where references and results may be, beside public ones

    @property
    def wishes(self) -> Wishes:
        """What is said of the clips."""
        return Wishes(resubmit=self.resubmit, keep_stale=self.keep_stale)

    @property
    def looks_first(self) -> bool:
        """Whether references and credit are looked at before anything is bought."""
        return self.has_preflight and not self.is_locked


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a run ended."""

    exit: Exit
    before: Plan
    after: Plan
    lock: Lock
    message: str = ""
    errors: Mapping[JobId, str]
    budget: Mapping[str, Any] = field(default_factory=dict)  # how far the money went


async def render(project: Project, options: Options, listener: Listener) -> Result:
    """Do what is missing; with nothing to do, nothing is opened, sent or written.

    Raises: SeedrenderError.
    """
    _allow_open_files()
    moves = partial(project.moves, wishes=options.wishes)
    found = read(project.lock_path, project.path.name)
    moved = moves(found)
    lock = moved.applied(found)
    before = project.plan(lock, options.wishes)
    if before.is_idle and not is_left(project.lock_path):
        _check_owner(project, before)
        await _rewrite(project, moved, moves)
        return _nothing_sent(outcome(before, lock), before, lock)
    deadline = Deadline.in_(options.deadline_s or project.manifest.run.deadline_s)
    refused = _refused(project, before, options)
    if refused is not None:
        return refused
    refusal: SeedrenderError | None = places.refusal(project, probes=True)
    if refusal is None and options.looks_first:
        looking = online.wrong_references(project, before, lock, allowed=options.allowed)
        refusal = await within(deadline, looking)
    if refusal is not None and not before.has_free_work:
        raise refusal
    async with AsyncExitStack() as held:
        signals = held.enter_context(Signals())  # until the lockfile has everything
        holding = hold(project.lock_path, project.path.name, moves)
        store = await held.enter_async_context(holding)
        before = project.plan(store.lock, options.wishes)  # another run may just have ended
        if options.holds is not None:
            options.holds(before)
        if before.is_idle:
            return _nothing_sent(outcome(before, store.lock), before, store.lock)
        if project.manifest.provider != SIMULATED and any(s.will_submit for s in before.steps):
            _look_before_buying(project, store, guarded(listener))
        refusal = places.begin(project) or refusal
        result, refusal = await _driven(
            project, options, guarded(listener), store, before, refusal, signals, deadline
        )
    if store.ending is not None:
        raise store.ending
    if refusal is not None and not result.exit.is_stopped:
        raise refusal
    return result


def _look_before_buying(project: Project, store: Store, listener: Listener) -> None:
    """Look at what keeps a purchase from being made twice. Raises: LockError."""
    store.purchases.check(store.lock)
    project.left_by_others(store.lock)
    if git.ignores(project.lock_path):
        listener.say(f"git ignores {project.lock_path.name}; {git.IGNORED}")


async def _rewrite(project: Project, moved: Moves, moves: Callable[[Lock], Moves]) -> None:
    """Write the lockfile where tasks changed their lines, or were remembered beside it.

    Raises: LockError.
    """
    if moved.owners:
        async with hold(project.lock_path, project.path.name, moves):
            pass


def _check_owner(project: Project, before: Plan) -> None:
    """Look at the places where a person is asked for a word: a file may be another film's.

    Raises: ManifestError.
    """
    wrong = None if before.is_done else places.refusal(project, probes=False)
    if wrong is not None:
        raise wrong


def _allow_open_files() -> None:
    """Raise the limit of open files as far as it goes: each request has a connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = hard if hard != resource.RLIM_INFINITY else _OPEN_FILES
    if soft < min(most, _OPEN_FILES):
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, _OPEN_FILES), hard))


async def _driven(
    project: Project,
    options: Options,
    listener: Listener,
    store: Store,
    before: Plan,
    refusal: SeedrenderError | None,
    signals: Signals,
    deadline: Deadline | None,
) -> tuple[Result, SeedrenderError | None]:
    """Drive the plan; where buying is refused, only what is paid already is collected."""
    purse = _purse(project, options, before, store.lock)
    async with opened(project, options, store, listener, purse) as desk:
        if refusal is None and options.looks_first:
            looking = online.short_credit(desk.provider, project, purse.reachable(before))
            refusal = await within(deadline, looking)
        if refusal is not None:
            listener.say("Nothing more is bought, and why is said at the end.")
            desk.gate.close(printable(str(refusal)), has_failed=True)
        await within(deadline, desk.inputs.tidy())
        close_in_time(desk, deadline)
        owners = project.owners(store.lock, options.wishes)
        owners.assign()

        def facts() -> Facts:
            return project.facts(store.lock, options.wishes, owners.chosen)

        executor = Executor(desk, before, facts, owners, is_exact=options.holds is not None)
        async with steered(project.lock_path, desk):
            stopped_by = await until_stopped(executor, desk, deadline, options, signals)
        await desk.inputs.tidy(is_over=True)
    kept = Wishes(keep_stale=options.keep_stale)  # a new loss is a loss
    after = project.plan(store.lock, kept)
    code = outcome(after, store.lock, executor.failed, is_locked=options.is_locked)
    code = with_bugs(code, executor.failed.values())
    code = max(code, Exit.OVER_BUDGET) if purse.left_out else code
    result = Result(
        exit=Exit(128 + stopped_by) if stopped_by is not None else code,
        before=before,
        after=after,
        lock=store.lock,
        message="; ".join(filter(None, [_closed_by(desk, after), purse.words()])),
        errors={job: str(error) for job, error in executor.failed.items()},
        budget=purse.as_json(),
    )
    return result, refusal


def _closed_by(desk: Desk, after: Plan) -> str:
    """Say why nothing more was bought, where there was more to buy."""
    is_missed = desk.gate.has_failed or any(step.will_submit for step in after.steps)
    return desk.gate.closed_by if is_missed else ""


def _nothing_sent(code: Exit, before: Plan, lock: Lock, message: str = "") -> Result:
    return Result(exit=code, before=before, after=before, lock=lock, message=message, errors={})


@asynccontextmanager
async def opened(
    project: Project, options: Options, store: Store, listener: Listener, purse: Purse | None = None
) -> AsyncIterator[Desk]:
    """Open the route, and lay out everything that work on its tasks needs."""
    async with _route(project, options) as provider:
        limits, pricing = provider.limits, project.pricing(store.lock)
        yield Desk(
            provider=provider,
            store=store,
            files=replace(project.files, clock=store.clock),
            inputs=_inputs(project, options, provider, store),
            slots=Slots(limits.concurrency, _in_flight(store.lock, provider.name)),
            pace=Pace(limits.requests_per_minute * limits.speed, lambda: provider.window),
            gate=_gate(options),
            poll=project.manifest.run.poll,
            listener=guarded(listener),
            purse=purse or Purse(pricing),
            settled=pricing.settled,
            waits=options.waits,
            said=project.said,
        )


def _in_flight(lock: Lock, provider: str) -> set[TaskId]:
    """Return the tasks of earlier runs that still run: they hold places at the provider."""
    return {
        record.task_id
        for entry in lock.entries.values()
        for record in entry.tasks
        if record.stage is JobState.SUBMITTED and record.task_id and record.provider == provider
    }


def _refused(project: Project, plan: Plan, options: Options) -> Result | None:
    """Say that nothing is to be done within the limits that a person set; None: there is."""
    if options.is_locked:
        if plan.has_free_work:
            return None
        code = outcome(plan, project.read_lock(), is_locked=True)
        return _nothing_sent(code, plan, project.read_lock())
    return _over_budget(project, plan, options)


def _gate(options: Options) -> Gate:
    gate = Gate()
    if options.is_locked:
        gate.close("--locked: nothing is bought")
    return gate


@asynccontextmanager
async def _route(project: Project, options: Options) -> AsyncIterator[Provider]:
    limits = _limits(project, options)
    async with AsyncExitStack() as stack:
        if project.manifest.provider == SIMULATED:
            from seedrender.run.simulated import simulator  # the simulator makes video: PyAV

            folder, film = project.path.parent, project.lock_path.stem
            route = simulator(folder, film, speed=options.speed, limits=limits)
            yield await stack.enter_async_context(route)
        else:
            name, allowed = project.manifest.provider, options.allowed
            client = registry.online(
                name, options.environ, limits, allowed=allowed, recorder=options.recorder
            )
            yield await stack.enter_async_context(client)


def _inputs(project: Project, options: Options, provider: Provider, store: Store) -> Inputs:
    offered = catalog(project.manifest.provider)
    is_free = project.manifest.provider == SIMULATED  # a rehearsal needs no account anywhere
    chosen = host(
        PROVIDER_FILES if is_free else project.manifest.hosting,
        provider,
        manifest=project.path,
        uploads=offered.uploads,
        environ=options.environ,
    )
    inline = [kind for kind in MediaKind if "data" in offered.sends[kind]]
    return Inputs(provider, store, project.files, project.digests, host=chosen, inline=inline)


def _limits(project: Project, options: Options) -> Limits:
    account = project.provider.limits
    run = project.manifest.run
    return replace(
        account,
        concurrency=options.concurrency or run.concurrency or account.concurrency,
        requests_per_minute=run.requests_per_minute or account.requests_per_minute,
    )


def _purse(project: Project, options: Options, plan: Plan, lock: Lock) -> Purse:
    allowance = Allowance(
        film=project.manifest.run.budget,
        run=options.budget,
        is_unknown_allowed=options.is_unknown_price_allowed,
    )
    return project.purse(plan, lock, allowance)


def _over_budget(project: Project, plan: Plan, options: Options) -> Result | None:
    """Return how a run ends of which the budget lets nothing begin; None: there is work to do."""
    purse = _purse(project, options, plan, project.read_lock())
    undone = [step.job.id for step in plan.steps if step.verdict is not Verdict.CURRENT]
    joins = {step.verdict for step in plan.joins}
    is_open = not undone or not all(map(purse.is_outside, undone))
    if is_open or joins - {Verdict.CURRENT, Verdict.WAITS}:
        return None
    purse.refuse_all()
    result = _nothing_sent(Exit.OVER_BUDGET, plan, project.read_lock(), purse.words())
    return replace(result, budget=purse.as_json())
