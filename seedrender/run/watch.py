"""Watches a task until it has ended, and notes how."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

from seedrender.errors import (
    ForgottenError,
    NotFoundError,
    ProtocolError,
    ProviderError,
    RateLimitedError,
    RejectedError,
    UnavailableError,
)
from seedrender.lock.identity import SIMULATED
from seedrender.run import looks
from seedrender.run.clock import wall
from seedrender.run.desk import Desk
from seedrender.run.history import History
from seedrender.run.retry import in_words
from seedrender.values.entry import LOST, JobState, Sighting, TaskRecord
from seedrender.values.job import Job
from seedrender.values.money import Cost
from seedrender.values.task import Task, TaskId, TaskState

_STRANGE = (ProtocolError, RejectedError)  # of a read: a request that was right is no fault of ours
_STRANGE_ANSWERS = 6  # in a row, before a task is left to a person
_SILENT_SIMULATOR = 20  # reads in a row: it is here, and would answer if it could
_LONG_S = 120.0  # of a wait: a person is told of it at once
_SILENCE = 3  # reads in a row that fail, before a person is told
_KEPT = timedelta(days=7)  # every provider keeps a task for so long
_ENDS = {
    TaskState.SUCCEEDED: JobState.SUCCEEDED,
    TaskState.FAILED: JobState.FAILED,
    TaskState.REFUSED: JobState.BLOCKED,
    TaskState.EXPIRED: JobState.EXPIRED,
    TaskState.CANCELLED: JobState.CANCELLED,
}


@dataclass(slots=True)
class _Trouble:
    """The reads of one task that have failed."""

    reads: int = 0
    in_a_row: int = 0
    strange: int = 0  # in a row, that were answered and make no sense

    def add(self, error: ProviderError) -> None:
        self.reads, self.in_a_row = self.reads + 1, self.in_a_row + 1
        is_refused = isinstance(error, RejectedError) and not isinstance(error, NotFoundError)
        is_strange = isinstance(error, (*_STRANGE, NotFoundError))
        self.strange = self.strange + 1 + is_refused if is_strange else 0

    def is_over(self) -> None:
        self.in_a_row = self.strange = 0


class Watch:
    """The waiting of one run."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        history = History(desk.provider.limits, desk.poll)
        history.remember(desk.store.lock, desk.provider.name)
        self._looks = looks.Looks(desk.provider, desk.pace, desk.poll, history)

    async def wait(
        self, job: Job, record: TaskRecord, *, is_fresh: bool
    ) -> tuple[TaskRecord, Task | None]:
        """Poll until the task has ended; it stays `submitted` where nobody is to wait for it.

        A task that is not found has ended only where it was free: another key does not see it, and
        one that is older than seven days is paid, and lost. What is wrong is noted.

        Raises: ProtocolError where the answers make no sense; NotFoundError; ForgottenError.
        """
        trouble = _Trouble()
        with self._looks.watch(job, record, is_fresh=is_fresh) as watch:
            while True:
                try:
                    task = await self._look(watch)
                except NotFoundError as error:
                    if (gone := await self._missed(job, record, error)) is not None:
                        return gone, None
                    await self._again(job, record, trouble, error)
                    continue
                except (UnavailableError, RateLimitedError, *_STRANGE) as error:
                    await self._again(job, record, trouble, error)
                    continue
                if task.state.is_final:
                    ended = replace(record, retries=trouble.reads or None)
                    return await self._ended(job, ended, task), task
                trouble.is_over()
                if task.state is TaskState.RUNNING:
                    self._desk.listener.note(job.id, "rendering", watch.task_id)
                if not is_remembered(record) and record.provider != SIMULATED:
                    return await self._stuck(job, record, task), None
                if not self._desk.waits:
                    return record, None

    async def _again(
        self, job: Job, record: TaskRecord, trouble: _Trouble, error: ProviderError
    ) -> None:
        """Wait until a read may be repeated. Raises: the error, where that would be no use."""
        trouble.add(error)
        is_denied_again = isinstance(error, NotFoundError) and record.is_uncollected
        is_broken = record.provider == SIMULATED and trouble.in_a_row >= _SILENT_SIMULATOR
        if trouble.strange >= _STRANGE_ANSWERS or is_denied_again or is_broken:
            await self._desk.keep(job.id, replace(record, error=str(error)))
            raise type(error)(f"{error}; its task, {record.task_id}, is not bought again") from None
        wait_s = self._desk.wait_s(error, trouble.in_a_row)
        if trouble.in_a_row == _SILENCE or wait_s >= _LONG_S:
            self._desk.listener.note(job.id, "waits", f"{error}; asking again{in_words(wait_s)}")
        await asyncio.sleep(wait_s)

    async def _look(self, watch: looks.Watch) -> Task:
        if self._desk.waits:
            return await self._looks.look(watch)
        await self._desk.pace.turn()  # a look in passing: nobody waits for the answer
        return await self._desk.provider.poll(watch.task_id)

    async def _ended(self, job: Job, record: TaskRecord, task: Task) -> TaskRecord:
        source = "simulated" if self._desk.provider.name == SIMULATED else task.cost_source
        amount = self._desk.settled(job, task)
        cost = Cost(amount=amount, source=source) if amount is not None else None
        again = record.sighted(Sighting.ENDED).unread if record.goes_on else {}
        unread = {**again, **task.unread}
        ended = replace(record, cost=cost, render_s=task.render_s, unread=unread)
        for name, said in task.unread.items():
            odd = f"{name}: the provider said {said!r}, which is kept as unknown"
            self._desk.listener.note(job.id, "rendering", odd)
        words = task.message if task.state is not TaskState.SUCCEEDED else None
        return await self._ended_as(job, ended, _ENDS[task.state], words)

    async def _missed(self, job: Job, record: TaskRecord, error: Exception) -> TaskRecord | None:
        """Return how a task that is not found has ended; None: it may be found yet.

        Raises: ForgottenError.
        """
        if record.provider == SIMULATED:
            return await self._ended_as(job, record, JobState.EXPIRED, str(error))
        if record.goes_on:
            return await self._sighted(job, record, Sighting.GONE)
        if not is_remembered(record):
            raise await self._forgotten(job, record, error) from None
        return None

    async def _stuck(self, job: Job, record: TaskRecord, task: Task) -> TaskRecord:
        """Note that a task has not ended when no provider would keep it any longer.

        Raises: ProtocolError.
        """
        if record.goes_on:
            return await self._sighted(job, record, Sighting.GONE)
        words = f"it is still {task.provider_state} more than seven days after it was bought"
        await self._desk.keep(job.id, replace(record, error=words))
        raise ProtocolError(f"task {record.task_id}: {words}; it is not bought again")

    async def look_again(
        self, job: Job, record: TaskRecord, *, is_given_up: bool
    ) -> tuple[TaskRecord, Task | None]:
        """Ask for a task that ended without a clip: its provider may know better by now.

        `is_given_up`: a person wants the job bought again, also where nobody can be asked.

        Raises: ProviderError where nobody can, and nobody said so.
        """
        assert record.task_id is not None, "it was bought"
        try:
            task = await self._asked_again(record.task_id)
        except NotFoundError:
            return record, None  # as it was
        except ProviderError as error:
            if is_given_up:
                return record, None
            raise type(error)(
                f"{error}; its last task failed, and is asked for once more before another one is "
                f"bought: --resubmit {job.id} does not wait for that"
            ) from None
        if not task.state.is_final:
            words = f"{task.id} goes on after all: nothing is bought while it does"
            self._desk.listener.note(job.id, "rendering", words)
            return await self._sighted(job, record, Sighting.RUNS), None
        before = record.cost.amount if record.cost is not None else None
        now = self._desk.settled(job, task)
        if before is not None and now is None and task.tokens:  # which no rate prices
            return await self._sighted(job, record, Sighting.GONE), task
        is_billed = bool(task.unread) or now not in (None, before)
        if task.state is TaskState.SUCCEEDED or is_billed:
            return await self._ended(job, record, task), task
        return record, None

    async def _sighted(self, job: Job, record: TaskRecord, what: Sighting) -> TaskRecord:
        seen = record.sighted(what)
        await self._desk.keep(job.id, seen)
        return seen

    async def _asked_again(self, task_id: TaskId) -> Task:
        """Poll a task, more than once where that fails. Raises: ProviderError."""
        for attempt in range(1, _SILENCE):
            await self._desk.pace.turn()
            try:
                return await self._desk.provider.poll(task_id)
            except (UnavailableError, RateLimitedError) as error:
                await asyncio.sleep(self._desk.wait_s(error, attempt))
        await self._desk.pace.turn()
        return await self._desk.provider.poll(task_id)

    async def _forgotten(self, job: Job, record: TaskRecord, error: Exception) -> ForgottenError:
        """Note that nobody can say any more what became of a task: it was paid for."""
        lost = replace(record, error=f"{LOST}{error}")
        await self._desk.keep(job.id, lost)
        return ForgottenError(
            f"task {record.task_id} is paid, and {lost.error}; each run asks once more: buy it "
            f"again with --resubmit {job.id}"
        )

    async def _ended_as(
        self, job: Job, record: TaskRecord, state: JobState, error: str | None
    ) -> TaskRecord:
        finished_at = self._desk.store.clock.now()
        ended = replace(record, state=state, finished_at=finished_at, error=error)
        await self._desk.keep(job.id, ended)
        if state is not JobState.SUCCEEDED:
            self._desk.listener.note(job.id, state.value, error or "")
        return ended


def is_remembered(record: TaskRecord) -> bool:
    """Say whether a task is young enough to be known to whoever bought it, and was paid for."""
    is_paid = record.provider != SIMULATED
    return is_paid and record.submitted_at is not None and wall() < record.submitted_at + _KEPT
