"""Takes one job's task from intent to clip on disk, and notes every fact before the next step."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from seedrender.errors import (
    ArtifactError,
    NotFoundError,
    ProtocolError,
    ProviderError,
    RateLimitedError,
    RejectedError,
    SubmissionUnknownError,
    UnavailableError,
)
from seedrender.lock import fold
from seedrender.run.clock import now
from seedrender.run.files import Files
from seedrender.run.inputs import Inputs
from seedrender.run.store import Store
from seedrender.run.throttle import Gate, Pace, Slots
from seedrender.values.entry import Fingerprint, JobState, LockEntry, TaskRecord
from seedrender.values.job import CorrelationId, Job, JobId
from seedrender.values.manifest import PollSchedule
from seedrender.values.money import Cost
from seedrender.values.provider import MediaUrl, Provider
from seedrender.values.task import Artifact, Task, TaskId, TaskState

_CONNECT_ATTEMPTS = 6  # to a host that refuses: nothing is bought meanwhile
_COLLECT_ATTEMPTS = 6
_STRANGE_ANSWERS = 6  # in a row, before a task is left for the next run
_MAX_BACKOFF_S = 60.0
_PARALLEL_DOWNLOADS = 8
_ENDS = {
    TaskState.SUCCEEDED: JobState.SUCCEEDED,
    TaskState.FAILED: JobState.FAILED,
    TaskState.REFUSED: JobState.BLOCKED,
    TaskState.EXPIRED: JobState.EXPIRED,
    TaskState.CANCELLED: JobState.CANCELLED,
}


class Listener(Protocol):
    """Who is told what happens, as it happens."""

    def note(self, job: JobId, what: str, detail: str = "") -> None:
        """Take one change of a job's state."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the work on tasks needs."""

    provider: Provider
    store: Store
    files: Files
    inputs: Inputs
    slots: Slots
    pace: Pace
    gate: Gate
    poll: PollSchedule
    listener: Listener


class Tasks:
    """The provider's tasks of one run."""

    def __init__(self, desk: Desk) -> None:
        self._provider, self._store, self._files = desk.provider, desk.store, desk.files
        self._inputs, self._slots, self._pace = desk.inputs, desk.slots, desk.pace
        self._gate, self._poll, self._listener = desk.gate, desk.poll, desk.listener
        self._downloads = asyncio.Semaphore(_PARALLEL_DOWNLOADS)

    async def buy(self, job: Job, wanted: Fingerprint, reason: str, behind_s: int) -> None:
        """Submit a job, wait for its task and collect the clip. Raises: ProviderError."""
        self._files.path(job.output)  # a clip that could not be written is not bought
        async with self._slots.place(behind_s):
            media = await self._media(job)
            record = await self._submit(job, wanted, media)
            if record is None:
                return
            self._listener.note(job.id, "submitted", f"{record.task_id} ({reason})")
            record, task = await self._wait_for_end(job, record, is_fresh=True)
        if record.state is JobState.SUCCEEDED:
            await self._collect(job, record, task)

    async def settle(self, job: Job, record: TaskRecord, behind_s: int) -> bool:
        """Bring a task of an earlier run to its end; False: nobody can say what became of it."""
        if record.task_id is None:
            found = await self._find(job, record)
            if found is None or found.task_id is None:
                return found is not None
            record = found
        task: Task | None = None
        if record.state is JobState.SUBMITTED:
            async with self._slots.place(behind_s):
                self._listener.note(job.id, "resumed", str(record.task_id))
                record, task = await self._wait_for_end(job, record, is_fresh=False)
        if record.state is JobState.SUCCEEDED:
            await self._collect(job, record, task)
        return True

    async def give_up(self, job: Job, record: TaskRecord) -> None:
        """Note that a person wants a lost submit to be forgotten and the job bought again."""
        given_up = replace(record, state=JobState.CANCELLED, error="given up by --resubmit")
        await self._append(job, given_up)

    async def restore(self, job: Job) -> None:
        """Bring back a clip that is paid for: move it to its new place, or download it again."""
        entry = self._store.entry(job.id)
        assert entry is not None, "it has a clip in the lock"
        assert entry.output is not None, "it has a clip in the lock"
        if self._files.is_present(entry.output) and entry.output.path != job.output:
            moved = await asyncio.to_thread(self._files.move, entry.output, job.output)
            await self._replace_output(job, moved, None, None)
            return
        record = fold.output_record(entry)
        assert record is not None, "plan.make resumes what has a record only"
        if record.task_id is None or record.provider != self._provider.name:
            raise ArtifactError(f"{entry.output.path} is missing, and no task of this route has it")
        await self._collect(job, record, None)

    async def _media(self, job: Job) -> Mapping[str, MediaUrl]:
        attempt = 1
        while True:
            try:
                return await self._inputs.media(job)
            except (UnavailableError, RateLimitedError) as error:
                if attempt >= _CONNECT_ATTEMPTS:
                    raise
                await self._back_off(error, attempt)
                attempt += 1

    async def _find(self, job: Job, record: TaskRecord) -> TaskRecord | None:
        """Ask for the task of a submit whose answer was lost; None: nobody can tell."""
        found = await self._provider.find(record.correlation_id)
        if found is None:
            unknown = replace(record, state=JobState.UNKNOWN)
            await self._append(job, unknown)
            self._listener.note(job.id, "unknown", _advice(job))
            return None
        if not found:
            nothing = replace(record, state=JobState.PLANNED)
            await self._append(job, nothing)
            return nothing
        return await self._submitted(job, record, found[0])

    async def _submit(
        self, job: Job, wanted: Fingerprint, media: Mapping[str, MediaUrl]
    ) -> TaskRecord | None:
        """Submit until a task exists or may exist, or the job is refused: the last two are None."""
        attempt = 0
        while True:
            await self._pace.turn()
            if not self._gate.is_open:
                return None
            record = self._intent(job, wanted)
            try:
                with self._gate.answer_is_due():
                    return await self._submit_once(job, record, media)
            except (UnavailableError, RateLimitedError) as error:
                attempt += 1
                if isinstance(error, UnavailableError) and attempt >= _CONNECT_ATTEMPTS:
                    raise
                self._listener.note(job.id, "waits", str(error))
                await self._back_off(error, attempt)

    async def _submit_once(
        self, job: Job, record: TaskRecord, media: Mapping[str, MediaUrl]
    ) -> TaskRecord | None:
        """Write the intent down, send it, and write down what the answer says.

        Raises: ProviderError: no task was created.
        """
        await self._append(job, record)
        try:
            submission = self._provider.encode(job, media, record.correlation_id)
            task_id = await self._provider.submit(submission)
        except SubmissionUnknownError as error:
            await self._append(job, replace(record, state=JobState.UNKNOWN, error=str(error)))
            self._listener.note(job.id, "unknown", f"{error}: {_advice(job)}")
            return None
        except RejectedError as error:
            await self._ended_as(job, record, JobState.BLOCKED, f"{error}; nothing was bought")
            return None
        except ProviderError:  # each other one proves that nothing was created
            await self._append(job, replace(record, state=JobState.PLANNED))
            raise
        return await self._submitted(job, record, task_id)

    def _intent(self, job: Job, wanted: Fingerprint) -> TaskRecord:
        return TaskRecord(
            correlation_id=CorrelationId(uuid.uuid4().hex),
            state=JobState.SUBMITTING,
            fingerprint=wanted,
            provider=self._provider.name,
            submitted_at=now(),
            estimate=self._provider.price(job).expected,
        )

    async def _submitted(self, job: Job, record: TaskRecord, task_id: TaskId) -> TaskRecord:
        submitted = replace(record, state=JobState.SUBMITTED, task_id=task_id, error=None)
        await self._append(job, submitted)
        return submitted

    async def _wait_for_end(
        self, job: Job, record: TaskRecord, *, is_fresh: bool
    ) -> tuple[TaskRecord, Task | None]:
        """Poll until the task has ended, and note how; it stays `submitted` where we give up."""
        assert record.task_id is not None, "only tasks are polled"
        retries = strange = 0
        async for _ in self._moments(is_fresh=is_fresh):
            try:
                task = await self._provider.poll(record.task_id)
            except NotFoundError as error:
                return await self._ended_as(job, record, JobState.EXPIRED, str(error)), None
            except (UnavailableError, RateLimitedError, ProtocolError) as error:
                retries += 1
                strange = strange + 1 if isinstance(error, ProtocolError) else 0
                if strange >= _STRANGE_ANSWERS:
                    raise
                await self._back_off(error, retries)
                continue
            if task.state.is_final:
                break
            strange = 0
            if task.state is TaskState.RUNNING:
                self._listener.note(job.id, "rendering", record.task_id)
        cost = Cost(amount=task.cost, source=self._cost_source()) if task.cost is not None else None
        ended = replace(record, cost=cost, retries=retries or None, render_s=task.render_s)
        return await self._ended_as(job, ended, _ENDS[task.state], task.message), task

    def _cost_source(self) -> str:
        return "simulated" if self._provider.name == "sim" else "provider"

    async def _ended_as(
        self, job: Job, record: TaskRecord, state: JobState, error: str | None
    ) -> TaskRecord:
        ended = replace(record, state=state, finished_at=now(), error=error)
        await self._append(job, ended)
        if state is not JobState.SUCCEEDED:
            self._listener.note(job.id, state.value, error or "")
        return ended

    async def _collect(self, job: Job, record: TaskRecord, task: Task | None) -> None:
        """Download the clip that was paid for, and keep the one that it replaces."""
        assert record.task_id is not None, "only tasks are collected"
        before = self._store.entry(job.id)
        for attempt in range(1, _COLLECT_ATTEMPTS + 1):
            try:
                if task is None:
                    task = await self._provider.poll(record.task_id)
                artifact, kept = await self._download(job, record, task)
            except (UnavailableError, RateLimitedError, ArtifactError, NotFoundError) as error:
                if attempt == _COLLECT_ATTEMPTS:
                    raise
                self._listener.note(job.id, "waits", f"{error}; asking again")
                await self._back_off(error, attempt)
                task = None  # its URL may have lapsed: a poll gives a fresh one
            else:
                await self._replace_output(job, artifact, kept, before)
                return

    async def _download(
        self, job: Job, record: TaskRecord, task: Task
    ) -> tuple[Artifact, str | None]:
        if task.video is None:
            raise ProtocolError(f"task {task.id} has succeeded and names no video")
        async with self._downloads, aclosing(self._provider.retrieve(task.video)) as blocks:
            saved = await self._files.save(
                blocks,
                job.output,
                promised_bytes=task.video.size_bytes,
                made_by=record.correlation_id,
            )
        self._inputs.remember(job.id, task.video.url)
        return saved

    async def _replace_output(
        self, job: Job, artifact: Artifact, kept: str | None, before: LockEntry | None
    ) -> None:
        superseded: tuple[TaskRecord, ...] = ()
        if before is not None and before.output is not None and kept is not None:
            old = fold.output_record(before)
            if old is not None and old.correlation_id != artifact.made_by:
                clip = replace(before.output, path=kept, made_at=now())
                superseded = (replace(old, superseded=clip),)
        await self._store.append(LockEntry(job=job.id, tasks=superseded, output=artifact))
        self._listener.note(job.id, "done", artifact.path)

    async def _append(self, job: Job, record: TaskRecord) -> None:
        await self._store.append(LockEntry(job=job.id, tasks=(record,)))

    async def _moments(self, *, is_fresh: bool) -> AsyncIterator[None]:
        """Come back whenever the schedule and the request budget say that it is time to look."""
        poll = self._poll
        wait_s = poll.first_s if is_fresh else 0.0
        interval_s = poll.interval_s
        while True:
            await asyncio.sleep(wait_s * _spread(poll.jitter) / self._provider.limits.speed)
            await self._pace.turn()
            yield
            wait_s, interval_s = interval_s, min(2 * interval_s, poll.max_interval_s)

    async def _back_off(self, error: Exception, attempt: int) -> None:
        """Wait before asking again, longer each time; at least as long as the provider says."""
        asked_s = error.retry_after_s if isinstance(error, RateLimitedError) else None
        own_s = min(2.0**attempt, _MAX_BACKOFF_S) / self._provider.limits.speed
        await asyncio.sleep(max(own_s * _spread(0.5), asked_s or 0.0))


def _advice(job: Job) -> str:
    return (
        "a paid task may exist. Look at the provider's console; if there is none, "
        f"run again with --resubmit {job.id}"
    )


def _spread(jitter: float) -> float:
    """Draw a factor about 1, so that many waits do not end together."""
    return random.uniform(1 - jitter, 1 + jitter)  # noqa: S311 - nothing secret rests on it
