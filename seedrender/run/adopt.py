"""Takes over what exists already: a task at the provider, or a clip on disk; nothing is bought."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

from seedrender.catalog.models import ROUTES, catalog
from seedrender.errors import ConfigError, NotFoundError, ProviderError
from seedrender.lock import fold
from seedrender.lock.identity import FILE, SIMULATED
from seedrender.plan import select
from seedrender.plan.make import Step
from seedrender.providers import registry
from seedrender.run import places
from seedrender.run.project import Project
from seedrender.run.store import Store, hold
from seedrender.values.entry import GIVEN_UP, Fingerprint, JobState, LockEntry, TaskRecord
from seedrender.values.job import CorrelationId, Job
from seedrender.values.money import Amount, Cost
from seedrender.values.picture import is_replaced
from seedrender.values.task import Artifact, TaskId

_OUR_ID = re.compile(r"[0-9a-f]{32}")  # as submits are sent; a provider may mask it
_TASK_ID = re.compile(r"[!-~]{1,512}")  # as an answer to a submit may name it
_BLOCK_BYTES = 1 << 18
_OFF_S = 1.0  # by which a clip may be longer or shorter than the manifest says, unmentioned


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """What was written into the lock, and what a person should know of it."""

    record: TaskRecord
    output: Artifact | None = None
    notes: tuple[str, ...] = ()


async def adopt_task(
    project: Project,
    name: str,
    task_id: str,
    provider: str | None,
    environ: Mapping[str, str] = MappingProxyType({}),
) -> Adopted:
    """Record a task that a job's clip is to come from: the next run collects it.

    The provider is asked for it where `environ` has a key: one that it does not know is refused.

    A submit whose answer was lost is settled by it; a task that could not be had gives way to it.

    Raises: LockError; ConfigError where the task or the job is not free for that, or where the
        provider would tell which lost submit it is of and cannot be asked.
    """
    if not _TASK_ID.fullmatch(task_id):
        raise ConfigError(f"{task_id!r} is no task id; nothing was changed")
    route = project.manifest.provider
    if provider not in (None, route):
        raise ConfigError(
            f"{project.path.name} is rendered on {route}: a run would ask {route} for a task of "
            f"{provider}. Write `provider: {provider}` there first; nothing was changed"
        )
    sent_as, not_seen = await _look_at(route, TaskId(task_id), environ)
    async with hold(project.lock_path, project.path.name, project.moves) as store:
        step = _step(project, store, name)
        _not_known(store, step, task_id)
        _not_of_another(project, store, step, task_id, sent_as)
        lost, gone = _lost(store, step, route, sent_as), _uncollected(store, step)
        bought_for = gone[-1].fingerprint if gone else None
        record = replace(
            lost or _fresh(store, route, bought_for or _wanted(step)),
            state=JobState.SUBMITTED,
            task_id=TaskId(task_id),
            provider=route,
            error=None,
        )
        if record.is_guess:
            record = replace(record, fingerprint=_wanted(step))
        settled = () if lost is not None else _settled(store, step, route)
        if not_seen and (lost is not None or settled):
            _refuse_unseen(route, not_seen)
        tasks = (record, *settled, *map(_given_up, gone))
        await store.append(LockEntry(job=step.job.id, tasks=tasks))
        lost = lost or next(iter(settled), None)
        notes = (*filter(None, [not_seen]), *_about(store, step, record, lost, gone))
        return Adopted(record=record, notes=notes)


async def _look_at(
    route: str, task_id: TaskId, environ: Mapping[str, str]
) -> tuple[str | None, str]:
    """Ask a route for a task; return our id for it, where that is given back.

    With it comes why the route was not asked; empty: it was.

    Raises: ConfigError where it does not know the task.
    """
    if route == SIMULATED:
        return None, ""
    try:
        limits = registry.account_limits(route)
        async with registry.online(route, environ, limits) as client:
            return (await client.poll(task_id)).sent_as, ""
    except NotFoundError as error:
        raise ConfigError(
            f"{route} does not know task {task_id} ({error}): is it the right id, and this the key "
            "that it was bought with? Nothing was changed"
        ) from None
    except (ConfigError, ProviderError) as error:
        return None, f"the provider was not asked for it: {error}"


async def adopt_file(project: Project, name: str, file: Path) -> Adopted:
    """Copy a clip into a job's place and record it as what the manifest asks for now.

    Raises: LockError; ConfigError where the job is not free for that; ArtifactError: not a clip;
        ManifestError where the place is another manifest's.
    """
    if (wrong := places.refusal(project, probes=False)) is not None:
        raise wrong
    size = file.stat().st_size  # noqa: ASYNC240 - nobody waits beside it
    async with hold(project.lock_path, project.path.name, project.moves) as store:
        step = _step(project, store, name)
        gone = _uncollected(store, step)
        if len(_live(store, step)) > len(gone):
            raise ConfigError(
                f"{name}: a paid task may exist. Settle it first, by `seedrender reconcile` or by "
                "adopting it with --task; nothing was changed"
            )
        fresh = _fresh(store, FILE, _wanted(step))
        record = replace(fresh, state=JobState.SUCCEEDED, finished_at=fresh.submitted_at)
        artifact, kept = await project.files.save(
            _blocks(file),
            step.job.output,
            promised_bytes=size,
            made_by=record.correlation_id,
            kind=step.job.makes,
        )
        output = replace(artifact, made_at=store.clock.now())
        kept = kept or _left_behind(project, store, step.job, output)
        superseded = _superseded(project, store, step.job, kept)
        tasks = (*superseded, record, *map(_given_up, gone))
        event = LockEntry(job=step.job.id, tasks=tasks, output=output)
        await store.append(event)
        notes = (*map(_replaced, gone), *_differs(step.job, output))
        return Adopted(record=record, output=output, notes=notes)


def _step(project: Project, store: Store, name: str) -> Step:
    """Return what the plan says of a job. Raises: ConfigError where it may not be adopted for."""
    named = set(select.named(project.all_jobs, [name]))
    steps = {step.job.id: step for step in project.plan(store.lock).steps}
    step = next((step for job, step in steps.items() if job == name), None)
    if step is None:
        raise ConfigError(f"'{name}' is no job; it stands for {', '.join(sorted(named)[:5])}")
    entry = store.entry(step.job.id)
    if entry is not None and entry.is_pinned:
        raise ConfigError(f"{name} is pinned; `seedrender unpin` it first. Nothing was changed")
    known = [record for record in _live(store, step) if record.task_id is not None]
    taken = [record for record in known if not record.is_uncollected]
    if taken:
        raise ConfigError(
            f"{name} has a task already, {taken[0].task_id}, paid and not collected yet: "
            "`seedrender run` collects it. Nothing was changed"
        )
    return step


def _wanted(step: Step) -> Fingerprint:
    if step.fingerprint is None:
        raise ConfigError(
            f"{step.job.id}: {step.reason}. What it is to be made from is known once those clips "
            "are there: render or adopt them first; nothing was changed"
        )
    return step.fingerprint


def _not_known(store: Store, step: Step, task_id: str) -> None:
    """Refuse a task that has a clip, or may have; one that failed is its own job's alone."""
    for job, entry in store.lock.entries.items():
        for record in entry.tasks:
            is_anothers = job != step.job.id and record.has_ended_in_vain
            if record.task_id == task_id and (is_anothers or not _is_without_clip(record)):
                raise ConfigError(
                    f"task {task_id} is recorded already, for {job} ({record.state.value}); "
                    "nothing was changed"
                )


def _is_without_clip(record: TaskRecord) -> bool:
    """Say whether a task ended, or was given up, and left nothing: it may be there again."""
    is_over = record.state in (JobState.FAILED, JobState.EXPIRED, JobState.CANCELLED)
    return (is_over or record.is_given_up) and record.superseded is None


def _live(store: Store, step: Step) -> tuple[TaskRecord, ...]:
    entry = store.entry(step.job.id)
    return fold.alive(entry) if entry is not None else ()


def _not_of_another(
    project: Project, store: Store, step: Step, task_id: str, sent_as: str | None
) -> None:
    """Refuse a task that another job's submit has made, as its provider says.

    Raises: ConfigError.
    """
    for job, entry in store.lock.entries.items():
        if job != step.job.id and any(r.correlation_id == sent_as for r in entry.tasks):
            raise ConfigError(
                f"task {task_id} was bought for {job}: its provider gives back the id of that "
                f"submit. Nothing was changed: `seedrender adopt {project.named(project.path.name)}"
                f" {job} --task {task_id}`"
            )


def _lost(store: Store, step: Step, route: str, sent_as: str | None) -> TaskRecord | None:
    """Return the submit to the route whose answer was lost, and that may have made a task.

    That is the one by whose id the task was sent, where that is told; else the newest.
    """
    live = [r for r in reversed(_live(store, step)) if r.task_id is None]
    lost = [record for record in live if record.provider == route or record.is_guess]
    if sent_as is not None and _OUR_ID.fullmatch(sent_as):
        lost = [r for r in lost if r.correlation_id == sent_as or r.is_guess]
    return next(iter(lost), None)


def _refuse_unseen(route: str, not_seen: str) -> None:
    """Refuse to settle a lost submit unseen where the provider tells which one made a task.

    Raises: ConfigError.
    """
    if route in ROUTES and catalog(route).tells_submits:
        raise ConfigError(
            f"{not_seen}. {route} tells by which submit it made a task, and the answer to one of "
            "this job was lost: only where it is asked is it known that this is its task. Adopt it "
            "once it answers, with its key set; nothing was changed"
        )


def _settled(store: Store, step: Step, route: str) -> tuple[TaskRecord, ...]:
    """Return the newest lost submit that was given up, as one whose cost another record has.

    It may have made the task that a person names, and is not to be counted beside that.
    """
    entry = store.entry(step.job.id)
    lost = [
        record
        for record in (entry.tasks if entry is not None else ())
        if (record.error or "").startswith(GIVEN_UP)
        and record.task_id is None
        and record.cost is None
    ]
    if not lost or lost[-1].provider != route or route not in ROUTES:
        return ()
    nothing = Amount(Decimal(0), catalog(route).currency)
    return (replace(lost[-1], cost=Cost(amount=nothing, source="adopt")),)


def _uncollected(store: Store, step: Step) -> tuple[TaskRecord, ...]:
    """Return the tasks that no run could have, and that a person has a better answer for."""
    return tuple(record for record in _live(store, step) if record.is_uncollected)


def _given_up(record: TaskRecord) -> TaskRecord:
    return fold.given_up(record, "given up by adopt")


def _fresh(store: Store, provider: str, wanted: Fingerprint) -> TaskRecord:
    return TaskRecord(
        correlation_id=CorrelationId(uuid.uuid4().hex),
        state=JobState.SUBMITTING,
        fingerprint=wanted,
        provider=provider,
        submitted_at=store.clock.now(),
    )


def _about(
    store: Store,
    step: Step,
    record: TaskRecord,
    lost: TaskRecord | None,
    gone: tuple[TaskRecord, ...],
) -> tuple[str, ...]:
    notes = [*map(_replaced, gone)]
    if lost is not None:
        at = lost.submitted_at
        when = f" of {at:%Y-%m-%d %H:%M:%S} UTC" if at is not None else ""
        notes.append(f"it settles the submit{when} whose answer was lost")
    if any(r.task_id is None for r in _live(store, step)):
        notes.append("another submit of this job is still unknown")
    if step.fingerprint is not None and not step.fingerprint.is_of(record.fingerprint):
        notes.append("the job's definition has changed since: it is stale once it is collected")
    return tuple(notes)


def _replaced(gone: TaskRecord) -> str:
    return (
        f"it takes the place of task {gone.task_id}, which could not be had; its cost still counts"
    )


def _left_behind(project: Project, store: Store, job: Job, new: Artifact) -> str | None:
    """Set a clip aside whose successor has another suffix; None: there is none."""
    entry = store.entry(job.id)
    old = entry.output if entry is not None else None
    if old is None or not is_replaced(old.path, new.path) or not project.files.is_present(old):
        return None
    return project.files.set_aside(old.path)


def _superseded(
    project: Project, store: Store, job: Job, kept: str | None
) -> tuple[TaskRecord, ...]:
    """Return the record of the clip that was replaced, which says where it is kept."""
    entry = store.entry(job.id)
    old = fold.output_record(entry) if entry is not None else None
    if entry is None or entry.output is None or old is None:
        return ()
    place = kept or project.files.find(entry.output)
    if place is None:
        return ()
    clip = replace(entry.output, path=place, made_at=store.clock.now())
    return (replace(old, superseded=clip),)


def _differs(job: Job, output: Artifact) -> tuple[str, ...]:
    length_s = output.duration_s
    if job.duration_s is None or length_s is None or abs(length_s - job.duration_s) <= _OFF_S:
        return ()
    return (f"it is {length_s:g} s long, and the manifest asks for {job.duration_s} s",)


async def _blocks(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as source:
        while block := await asyncio.to_thread(source.read, _BLOCK_BYTES):
            yield block
