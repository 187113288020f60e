"""Takes one job's task from intent to clip on disk: submit, watch, collect."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from seedrender.errors import (
    ArtifactError,
    ForgottenError,
    NotFoundError,
    ProtocolError,
    RejectedError,
    StorageError,
    UnauthorizedError,
)
from seedrender.lock import fold
from seedrender.lock.identity import SIMULATED, Asked
from seedrender.plan.decision import Download, Place
from seedrender.run.clock import wall
from seedrender.run.collect import Collect
from seedrender.run.desk import Desk
from seedrender.run.retry import ANY_TROUBLE_WITH_A_FILE
from seedrender.run.submit import Submits, advice
from seedrender.run.watch import Watch
from seedrender.values.entry import Fingerprint, JobState, Lock, TaskRecord
from seedrender.values.job import CorrelationId, Job, JobId
from seedrender.values.task import Task, TaskId

_GIVEN_UP = "given up by --resubmit"
_NO_CLOCK = "its provider's answers tell no time, so that its list proves nothing"
_ODD_S = 86_400.0  # by which no clock is off: what says so is none
_ONE_RUN = timedelta(minutes=1)  # in which nobody changes a key


class Tasks:
    """The provider's tasks of one run."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._submits, self._watch, self._collect = Submits(desk), Watch(desk), Collect(desk)
        self._given_up: dict[JobId, list[CorrelationId]] = {}  # until their successor is there

    async def buy(
        self, job: Job, wanted: Fingerprint, reason: str, behind_s: int, *, is_again: bool = False
    ) -> None:
        """Submit a job, wait for its task and collect the clip.

        `is_again`: a person gave up the clips that there are of this definition.

        Raises: ProviderError, ArtifactError; LockError where no intent can be noted.
        """
        desk = self._desk
        desk.files.path(job.output)  # a clip that could not be written is not bought
        if not desk.waits and not desk.slots.is_free:
            desk.listener.note(job.id, "waits", "for a free place at the provider")
            return
        if not await desk.purse.admit(job.id):
            desk.listener.note(job.id, "waits", "for a larger budget")
            return
        async with desk.slots.place(behind_s) as slot:
            if not await desk.gate.passes():
                return
            if is_again:
                self._give_up_clips(job.id, wanted)
            record = await self._submits.submit(job, wanted, self._as_given_up(job.id))
            if record is None:
                return
            assert record.task_id is not None, "it was submitted"
            slot.becomes(record.task_id)
            desk.listener.note(job.id, "submitted", f"{record.task_id} ({reason})")
            if not desk.waits:
                return
            record, task = await self._watch.wait(job, record, is_fresh=True)
            slot.has_ended = record.state is not JobState.SUBMITTED
        if record.state is JobState.SUCCEEDED:
            await self._collected(self._collect.collect, job, record, task)

    async def settle(self, job: Job, record: TaskRecord, *, is_given_up: bool) -> bool:
        """Bring a task of an earlier run to its end.

        `is_given_up`: a person wants the job bought again, where no task of it can be found.

        False: nobody can say what became of it, or it still runs.

        Raises: ProviderError, ArtifactError: it cannot be had now, and is not given up.
        """
        is_here = Asked(route=self._desk.provider.name).reaches(record)
        if not is_here and (record.task_id is not None or not is_given_up):
            return await self._leave(job, record)
        if record.task_id is None and is_given_up:
            record = await self._find_or_give_up(job.id, record)
        elif record.task_id is None:
            record, _ = await self.find(job.id, record)
        if record.task_id is None:
            return record.state is not JobState.UNKNOWN
        try:
            return await self._settled(job, record, is_given_up=is_given_up)
        except (ForgottenError, UnauthorizedError, *ANY_TROUBLE_WITH_A_FILE) as error:
            if isinstance(error, StorageError):
                raise
            if is_given_up:
                if isinstance(error, UnauthorizedError):  # what else is said of it is kept
                    await self._desk.keep(job.id, replace(record, error=str(error)))
                self._given_up.setdefault(job.id, []).append(record.correlation_id)
            elif not isinstance(error, ForgottenError):  # which the plan tells of
                raise
            return True

    async def _settled(self, job: Job, record: TaskRecord, *, is_given_up: bool) -> bool:
        """Wait for a task's end and collect its clip; False: it still runs."""
        task, task_id = None, record.task_id
        assert task_id is not None, "it was found"
        if record.has_ended_in_vain:
            record, task = await self._watch.look_again(job, record, is_given_up=is_given_up)
        if record.stage is JobState.SUBMITTED:
            async with self._desk.slots.place_of(task_id) as slot:
                self._desk.listener.note(job.id, "resumed", task_id)
                record, task = await self._watch.wait(job, record, is_fresh=False)
                slot.has_ended = record.stage is not JobState.SUBMITTED
        if record.state is JobState.SUCCEEDED:
            await self._collected(self._collect.collect_late, job, record, task)
        return record.stage is not JobState.SUBMITTED

    async def _collected(
        self,
        collect: Callable[[Job, TaskRecord, Task | None], Awaitable[None]],
        job: Job,
        record: TaskRecord,
        task: Task | None,
    ) -> None:
        """Collect a clip. Raises: ProviderError, ArtifactError, with what becomes of it."""
        try:
            await collect(job, record, task)
        except StorageError:
            raise
        except ANY_TROUBLE_WITH_A_FILE as error:
            way = f"if the clip is lost, buy it again with --resubmit {job.id}"
            raise type(error)(
                f"{error}; it is paid, and asked for again by the next run; {way}"
            ) from None

    async def release(self, job: JobId) -> None:
        """Note what a person gave up, where the job is done without being bought again."""
        for given_up in self._as_given_up(job):
            await self._desk.keep(job, given_up)

    def _give_up_clips(self, job: JobId, wanted: Fingerprint) -> None:
        entry = self._desk.store.entry(job)
        if entry is not None:
            made = [r for r in entry.tasks if wanted.is_of(r.fingerprint)]
            clips = [r.correlation_id for r in made if fold.clip_of(r, entry) is not None]
            self._given_up.setdefault(job, []).extend(clips)

    def _as_given_up(self, job: JobId) -> list[TaskRecord]:
        """Return the records that a job can do without, as they are once they are given up."""
        entry, submits = self._desk.store.entry(job), self._given_up.pop(job, [])
        records = entry.tasks if entry is not None else ()
        given_up = (record for record in records if record.correlation_id in submits)
        return [fold.given_up(record, _GIVEN_UP) for record in given_up]

    async def place(self, job: Job, act: Place) -> None:
        """Put a clip that is paid for in its place. Raises: ArtifactError."""
        await self._collect.place(job, act)

    async def ask_once_more(self, job: Job, act: Download) -> None:
        """Try for a clip that a person gives up. Raises: StorageError; ProviderError of a route."""
        try:
            await self._collect.collect(job, act.record, None, is_once=True)
        except StorageError:
            raise
        except (ArtifactError, ForgottenError, NotFoundError) as error:
            self._desk.listener.note(job.id, "lost", str(error))

    async def download(self, job: Job, act: Download) -> None:
        """Fetch a clip that is paid for once more. Raises: ProviderError, ArtifactError."""
        await self._collect.collect(job, act.record, None)

    async def keep_stray(self, job: Job, record: TaskRecord) -> None:
        """Collect what is still at the provider though its job has left the manifest.

        Raises: ProviderError, ArtifactError.
        """
        task = None
        assert record.task_id is not None, "strays are tasks"
        if record.stage is JobState.SUBMITTED:
            async with self._desk.slots.place_of(record.task_id) as slot:
                record, task = await self._watch.wait(job, record, is_fresh=False)
                slot.has_ended = record.stage is not JobState.SUBMITTED
        if record.state is JobState.SUCCEEDED:
            await self._collect.keep_aside(job, record, task)

    async def _leave(self, job: Job, record: TaskRecord) -> bool:
        """Leave a task to the route that has it: no other one knows it; False: it is paid."""
        if record.provider == SIMULATED:
            why = f"simulated, and {self._desk.provider.name} renders it"
            await self._desk.keep(job.id, fold.given_up(record, why))
            return True
        words = f"for its task at {record.provider}: run with --provider {record.provider}"
        self._desk.listener.note(job.id, "waits", words)
        return False

    async def find(self, job: JobId, record: TaskRecord) -> tuple[TaskRecord, str]:
        """Ask for the task of a submit whose answer was lost.

        Returns the record as it is now, and what a person can do where it is still unknown.
        """
        desk, found = self._desk, await self._ask(record)
        if found:
            return await self._found(job, record, found), ""
        if found is None or not self._is_proof(record):
            unknown = replace(record, state=JobState.UNKNOWN)
            if found is None:
                words = advice(job, desk.manifest)
                if self._is_anothers(record):
                    words = f"it was sent with another key or host: ask there. Else: {words}"
            else:
                unlisted_at = record.unlisted_at or max(self._times(), default=None)
                unknown = replace(unknown, unlisted_at=unlisted_at)
                words = self._when_listed(unknown)
                if not self._times():
                    words = f"{_NO_CLOCK}. {advice(job, desk.manifest)}"
            await desk.keep(job, unknown)
            desk.listener.note(job, "unknown", words)
            return unknown, words
        nothing = replace(record, state=JobState.PLANNED)
        await desk.keep(job, nothing)
        return nothing, ""

    async def _find_or_give_up(self, job: JobId, record: TaskRecord) -> TaskRecord:
        """Return a lost submit's task, or note that a person says that there is none."""
        found: Sequence[TaskId] | None = None
        with suppress(ProtocolError, RejectedError):  # a list that makes no sense: a person knows
            found = await self._ask(record)
        if found:
            return await self._found(job, record, found)
        nothing = fold.given_up(replace(record, error=None), _GIVEN_UP)
        await self._desk.keep(job, nothing)
        return nothing

    async def _found(self, job: JobId, record: TaskRecord, found: Sequence[TaskId]) -> TaskRecord:
        """Note the task of a submit; one that arrived more than once has made several, all paid."""
        first, *others = found
        submitted = replace(record, state=JobState.SUBMITTED, error=None)
        more = [
            replace(submitted, correlation_id=CorrelationId(uuid.uuid4().hex), task_id=task_id)
            for task_id in others
        ]
        found_one = await self._submits.submitted(job, record, first, more)  # in one line
        for another in more:
            words = "was made by the same request; it is paid, and collected too"
            self._desk.listener.note(job, "kept", f"task {another.task_id} {words}")
        return found_one

    async def _ask(self, record: TaskRecord) -> Sequence[TaskId] | None:
        """Ask the route for the tasks of a submit; None: it cannot tell.

        A task that another record has is none of this one's: what names it so proves nothing.
        """
        desk = self._desk
        if record.is_guess or record.provider != desk.provider.name:
            return None
        if self._is_anothers(record):
            return None
        await desk.pace.turn()
        found = await desk.provider.find(
            record.correlation_id,
            since=record.submitted_at,
            witnesses=_tasks_of(desk.store.lock, desk.provider.name, record.submitted_at),
        )
        if not isinstance(found, list | tuple) or not all(isinstance(t, str) for t in found):
            return None  # a plugin's: only an empty list is a proof
        if not found:
            return []
        return [t for t in found if desk.store.owner_of(record.provider, t) is None] or None

    def _is_anothers(self, record: TaskRecord) -> bool:
        """Whether a submit was sent with another key, or to another host: no list tells of it."""
        return record.account not in (None, getattr(self._desk.provider, "account", None))

    def _is_proof(self, record: TaskRecord) -> bool:
        """Whether a list that lacks a submit's task proves that there is none.

        It must have lacked it before, for as long as a task may take to be listed: by the
        provider's clock and by ours, for either may have been set right meanwhile.
        """
        listed_at, times = self._listed_at(record), self._times()
        is_at_once = not self._desk.provider.limits.settle_s  # nothing is listed late
        return is_at_once or (listed_at is not None and bool(times) and min(times) >= listed_at)

    def _when_listed(self, record: TaskRecord) -> str:
        listed_at = self._listed_at(record)
        when = f"after {listed_at:%H:%M:%S} UTC" if listed_at is not None else "later"
        return f"its task may not be listed yet: ask again {when}, and do not buy it before"

    def _listed_at(self, record: TaskRecord) -> datetime | None:
        """Say from when a list that still lacks a submit's task proves that there is none."""
        settle = timedelta(seconds=self._desk.provider.limits.settle_s)
        return record.unlisted_at + settle if record.unlisted_at is not None else None

    def _times(self) -> tuple[datetime, ...]:
        """Return the time by our clock, and by the provider's; none where that one tells none."""
        now, ahead_s = wall(), getattr(self._desk.provider, "ahead_s", None)
        if ahead_s is None or abs(ahead_s) > _ODD_S:
            return ()
        return now, now - timedelta(seconds=ahead_s)


def _tasks_of(lock: Lock, route: str, until: datetime | None) -> dict[TaskId, CorrelationId]:
    """Return the tasks of a route that were bought before a submit, or with it.

    Those that came later may be another account's: its list proves nothing of this submit.
    """
    latest = until + _ONE_RUN if until is not None else None
    records = (record for entry in lock.entries.values() for record in entry.tasks)
    return {
        r.task_id: r.correlation_id
        for r in records
        if r.task_id is not None
        and r.provider == route
        and (latest is None or (r.submitted_at is not None and r.submitted_at <= latest))
    }
