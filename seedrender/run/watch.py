"""Watches a task until it has ended, and notes how."""

from __future__ import annotations

from dataclasses import replace

from seedrender.errors import NotFoundError, ProtocolError, RateLimitedError, UnavailableError
from seedrender.run import looks
from seedrender.run.desk import Desk
from seedrender.run.history import History
from seedrender.values.entry import JobState, TaskRecord
from seedrender.values.job import Job
from seedrender.values.money import Cost
from seedrender.values.task import Task, TaskState

_STRANGE_ANSWERS = 6  # in a row, before a task is left for the next run
_ENDS = {
    TaskState.SUCCEEDED: JobState.SUCCEEDED,
    TaskState.FAILED: JobState.FAILED,
    TaskState.REFUSED: JobState.BLOCKED,
    TaskState.EXPIRED: JobState.EXPIRED,
    TaskState.CANCELLED: JobState.CANCELLED,
}


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

        Raises: ProtocolError where the answers make no sense.
        """
        retries = strange = 0
        with self._looks.watch(job, record, is_fresh=is_fresh) as watch:
            while True:
                try:
                    task = await self._look(watch)
                except NotFoundError as error:
                    return await self._ended_as(job, record, JobState.EXPIRED, str(error)), None
                except (UnavailableError, RateLimitedError, ProtocolError) as error:
                    retries += 1
                    strange = strange + 1 if isinstance(error, ProtocolError) else 0
                    if strange >= _STRANGE_ANSWERS:
                        raise
                    await self._desk.back_off(error, retries)
                    continue
                if task.state.is_final:
                    ended = replace(record, retries=retries or None)
                    return await self._ended(job, ended, task), task
                strange = 0
                if task.state is TaskState.RUNNING:
                    self._desk.listener.note(job.id, "rendering", watch.task_id)
                if not self._desk.waits:
                    return record, None

    async def _look(self, watch: looks.Watch) -> Task:
        if self._desk.waits:
            return await self._looks.look(watch)
        await self._desk.pace.turn()  # a look in passing: nobody waits for the answer
        return await self._desk.provider.poll(watch.task_id)

    async def _ended(self, job: Job, record: TaskRecord, task: Task) -> TaskRecord:
        source = "simulated" if self._desk.provider.name == "sim" else task.cost_source
        cost = Cost(amount=task.cost, source=source) if task.cost is not None else None
        ended = replace(record, cost=cost, render_s=task.render_s)
        return await self._ended_as(job, ended, _ENDS[task.state], task.message)

    async def _ended_as(
        self, job: Job, record: TaskRecord, state: JobState, error: str | None
    ) -> TaskRecord:
        finished_at = self._desk.store.clock.now()
        ended = replace(record, state=state, finished_at=finished_at, error=error)
        await self._desk.keep(job.id, ended)
        if state is not JobState.SUCCEEDED:
            self._desk.listener.note(job.id, state.value, error or "")
        return ended
