"""Turns a job into a task: intent on disk, then the request, then what its answer says."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

from seedrender.errors import (
    ProviderError,
    QuotaError,
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
)
from seedrender.lock.identity import SIMULATED
from seedrender.run.clock import wall
from seedrender.run.desk import LONGEST_WAIT_S, Desk
from seedrender.run.retry import BUSY, FULL, SUBMITS, UPLOADS, Attempts, Patience, retried
from seedrender.values.entry import Fingerprint, JobState, TaskRecord
from seedrender.values.job import CorrelationId, Job, JobId
from seedrender.values.provider import MediaUrl
from seedrender.values.task import TaskId

_PROVES_NOTHING_CREATED = (QuotaError, UnauthorizedError, RateLimitedError, UnavailableError)
_TASK_ID = re.compile(r"[!-~]{1,512}")


class Submits:
    """The paid requests of one run; nobody else sends one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def submit(
        self, job: Job, wanted: Fingerprint, replaced: Collection[TaskRecord] = ()
    ) -> TaskRecord | None:
        """Submit until a task exists or may exist, or the job is refused: the last two are None.

        `replaced` are records that are given up for a task, as they are then.

        Raises: ProviderError: nothing was created; LockError: nothing was sent.
        """
        media = await self._media(job)
        if media is None:
            return None
        attempts = Attempts(self._desk, SUBMITS, partial(self._desk.listener.note, job.id, "waits"))
        while True:
            await self._desk.pace.turn()
            if not await self._desk.gate.passes():
                return None
            if not self._desk.purse.may_send(job.id):
                self._desk.listener.note(job.id, "waits", "for a larger budget")
                return None
            try:
                with self._desk.gate.answer_is_due():
                    return await self._once(job, wanted, media, replaced)
            except (UnavailableError, RateLimitedError) as error:
                await attempts.failed(error, self._learn(error))

    def _learn(self, error: UnavailableError | RateLimitedError) -> Patience:
        """Learn how busy the provider is, and return how long it is asked again.

        Raises: QuotaError where it takes nothing for longer than anybody waits here.
        """
        if isinstance(error, UnavailableError):
            self._desk.slots.troubled()
            return SUBMITS
        if (error.retry_after_s or 0.0) > LONGEST_WAIT_S:
            until = wall() + timedelta(seconds=error.retry_after_s or 0.0)
            words = f"nothing is taken until {until:%Y-%m-%d %H:%M} UTC; nothing was bought"
            raise QuotaError(f"{error}: {words}: run again then")
        if error.is_concurrency:
            self._desk.slots.refused()
        return FULL if error.is_concurrency else BUSY

    async def _media(self, job: Job) -> Mapping[str, MediaUrl] | None:
        """Return what the request names; None: nothing is to be bought any more."""
        tell = partial(self._desk.listener.note, job.id, "waits")

        async def ask() -> Mapping[str, MediaUrl] | None:
            if not await self._desk.gate.passes():
                return None
            return await self._desk.inputs.media(job, tell)

        return await retried(self._desk, ask, UPLOADS, tell)

    async def _once(
        self,
        job: Job,
        wanted: Fingerprint,
        media: Mapping[str, MediaUrl],
        replaced: Collection[TaskRecord],
    ) -> TaskRecord | None:
        """Write the intent down, send it, and write down what the answer says.

        Between the request and the note of its task nothing else is done that could fail.

        Raises: ProviderError: no task was created.
        """
        desk, record = self._desk, self._intent(job, wanted)
        submission = desk.provider.encode(job, media, record.correlation_id)
        desk.inputs.use(job.id, record.correlation_id)
        await desk.store.intend(job.id, record)
        desk.purse.note(job.id, record)
        try:
            task_id = await desk.provider.submit(submission)
        except RejectedError as error:
            await self._refused(job, record, error)
            return None
        except _PROVES_NOTHING_CREATED:
            await desk.keep(job.id, replace(record, state=JobState.PLANNED))
            raise
        except ProviderError as error:  # such as an answer that was lost, or makes no sense
            await self._lost(job, record, str(error))
            return None
        trouble = self._trouble_with(task_id)
        if trouble:
            await self._lost(job, record, trouble)
            return None
        submitted = await self.submitted(job.id, record, task_id, replaced)
        desk.gate.accepted()
        desk.slots.accepted()
        return submitted

    def _trouble_with(self, task_id: object) -> str:
        """Say why an answer's task id cannot be this request's; empty: it can."""
        if not isinstance(task_id, str) or not _TASK_ID.fullmatch(task_id):
            return f"the answer to a submit names a task {task_id!r:.80}, which is no id"
        route = self._desk.provider.name
        owner = self._desk.store.owner_of(route, TaskId(task_id))
        if owner is not None and route != SIMULATED:  # whose ids follow from what is asked for
            return (
                f"the answer to a submit names task {task_id}, which is the same as that of {owner}"
            )
        return ""

    async def _lost(self, job: Job, record: TaskRecord, words: str) -> None:
        """Note that a paid task may exist of which no id is known."""
        desk = self._desk
        await desk.keep(job.id, replace(record, state=JobState.UNKNOWN, error=words))
        desk.slots.troubled()
        way = advice(job.id, desk.manifest)
        desk.listener.note(job.id, "unknown", f"{words}: {way}")
        desk.gate.refused(words, "have an unknown outcome")

    async def _refused(self, job: Job, record: TaskRecord, error: RejectedError) -> None:
        words = f"{error}; nothing was bought"
        refused = replace(
            record, state=JobState.BLOCKED, finished_at=self._desk.store.clock.now(), error=words
        )
        await self._desk.keep(job.id, refused)
        self._desk.listener.note(job.id, "blocked", words)
        self._desk.gate.refused(str(error))

    def _intent(self, job: Job, wanted: Fingerprint) -> TaskRecord:
        return TaskRecord(
            correlation_id=CorrelationId(uuid.uuid4().hex),
            state=JobState.SUBMITTING,
            fingerprint=wanted,
            provider=self._desk.provider.name,
            submitted_at=self._desk.store.clock.now(),
            estimate=self._desk.purse.quote(job),
            account=getattr(self._desk.provider, "account", None),
        )

    async def submitted(
        self,
        job: JobId,
        record: TaskRecord,
        task_id: TaskId,
        others: Collection[TaskRecord] = (),
    ) -> TaskRecord:
        """Note that a task exists, and in the same line what is told of others with it."""
        submitted = replace(record, state=JobState.SUBMITTED, task_id=task_id, error=None)
        await self._desk.keep(job, submitted, *others)
        return submitted


def advice(job: JobId, manifest: str) -> str:
    """Say what a person can do about a lost answer; `manifest` as a command names it."""
    return (
        "a paid task may exist. Look at the provider's console; if there is one, take it over with "
        f"`seedrender adopt {manifest} {job} --task ID`; if there is none, run again with "
        f"--resubmit {job}"
    )
