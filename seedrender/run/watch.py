"""Watches a task until it has ended, and notes how."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from seedrender.errors import NotFoundError, ProtocolError, RateLimitedError, UnavailableError
from seedrender.run.desk import Desk, spread
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

    async def wait(
        self, job: Job, record: TaskRecord, *, is_fresh: bool
    ) -> tuple[TaskRecord, Task | None]:
        """Poll until the task has ended; it stays `submitted` where nobody is to wait for it.

        Raises: ProtocolError where the answers make no sense.
        """
        assert record.task_id is not None, "only tasks are polled"
        retries = strange = 0
        async for _ in self._moments(is_fresh=is_fresh):
            try:
                task = await self._desk.provider.poll(record.task_id)
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
                return await self._ended(job, replace(record, retries=retries or None), task), task
            strange = 0
            if task.state is TaskState.RUNNING:
                self._desk.listener.note(job.id, "rendering", record.task_id)
            if not self._desk.waits:
                break
        return record, None

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

    async def _moments(self, *, is_fresh: bool) -> AsyncIterator[None]:
        """Come back whenever the schedule and the request budget say that it is time to look."""
        poll = self._desk.poll
        wait_s = poll.first_s if is_fresh else 0.0
        interval_s = poll.interval_s
        while True:
            await asyncio.sleep(wait_s * spread(poll.jitter) / self._desk.provider.limits.speed)
            await self._desk.pace.turn()
            yield
            wait_s, interval_s = interval_s, min(2 * interval_s, poll.max_interval_s)
