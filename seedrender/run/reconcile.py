"""Settles what is open at the provider without buying anything: lost submits, unwanted tasks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace

from seedrender.errors import ProviderError
from seedrender.lock import fold
from seedrender.run.desk import Desk, Listener
from seedrender.run.project import Project
from seedrender.run.render import Options, opened
from seedrender.run.store import Store, hold
from seedrender.run.tasks import Tasks
from seedrender.values.entry import NEVER_BEGUN, JobState, Lock, Sighting, TaskRecord
from seedrender.values.job import JobId


@dataclass(frozen=True, slots=True)
class Settled:
    """One task record, and what became of it."""

    job: JobId
    record: TaskRecord
    advice: str = ""  # what a person can do about it
    error: str = ""  # why nothing could be asked


async def reconcile(
    project: Project, options: Options, listener: Listener, jobs: Collection[JobId] | None
) -> tuple[Settled, ...]:
    """Ask the provider what became of submits whose answer was lost; `jobs` None: of all.

    Raises: SeedrenderError.
    """
    return await _settle(project, options, listener, jobs, fold.Action.ASK, _find)


async def cancel(
    project: Project, options: Options, listener: Listener, jobs: Collection[JobId] | None
) -> tuple[Settled, ...]:
    """Ask the provider to drop tasks that have not started; the others run on and are paid.

    Raises: SeedrenderError.
    """
    return await _settle(project, options, listener, jobs, fold.Action.RESUME, _cancel)


async def _settle(
    project: Project,
    options: Options,
    listener: Listener,
    jobs: Collection[JobId] | None,
    action: fold.Action,
    ask: Callable[[Desk, Settled], Awaitable[str]],
) -> tuple[Settled, ...]:
    """Ask about each record of this route that waits for an action; with none, open nothing."""
    if not _waiting(project.read_lock(), jobs, action):
        return ()
    async with hold(project.lock_path, project.path.name, project.moves) as store:
        settled: list[Settled] = []
        async with opened(project, options, store, listener) as desk:
            for one in _waiting(store.lock, jobs, action):
                advice, error = "", ""
                if one.record.provider == desk.provider.name:
                    try:
                        advice = await ask(desk, one)
                    except ProviderError as trouble:  # the others are asked about all the same
                        if trouble.stops_run:
                            raise
                        error = f"it could not be asked about: {trouble}"
                settled.append(Settled(one.job, _now(store, one), advice, error))
        return tuple(settled)


async def _find(desk: Desk, one: Settled) -> str:
    _, advice = await Tasks(desk).find(one.job, one.record)
    return advice


async def _cancel(desk: Desk, one: Settled) -> str:
    record = one.record
    assert record.task_id is not None, "it is at the provider"
    if record.stage is not JobState.SUBMITTED:
        return ""
    await desk.pace.turn()
    if await desk.provider.cancel(record.task_id):
        ended = replace(
            record,
            state=JobState.CANCELLED,
            finished_at=desk.store.clock.now(),
            error=NEVER_BEGUN,
        )
        ended = ended.sighted(Sighting.ENDED) if record.goes_on else ended
        await desk.keep(one.job, ended)
    return ""


def _waiting(
    lock: Lock, jobs: Collection[JobId] | None, action: fold.Action
) -> tuple[Settled, ...]:
    """Return the live records that wait for this, also those of jobs that are no longer named."""
    return tuple(
        Settled(job, record)
        for job, entry in sorted(lock.entries.items())
        if jobs is None or job in jobs
        for record in fold.alive(entry)
        if fold.next_action(record.stage) is action
    )


def _now(store: Store, one: Settled) -> TaskRecord:
    entry = store.entry(one.job)
    assert entry is not None, "it was asked about"
    same = (r for r in entry.tasks if r.correlation_id == one.record.correlation_id)
    return next(same, one.record)
