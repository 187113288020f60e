"""Ark, of BytePlus and of Volcano Engine: jobs to its requests, its answers to tasks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from seedrender.catalog.models import Catalog
from seedrender.errors import (
    NotFoundError,
    ProtocolError,
    RejectedError,
    UnauthorizedError,
    Violation,
)
from seedrender.providers import (
    accepts,
    ark_answers,
    ark_body,
    ark_errors,
    ark_flags,
    ark_list,
    ark_price,
    task_ids,
)
from seedrender.providers.ark_list import TASKS, TaskList
from seedrender.providers.ark_media import data_uri
from seedrender.providers.http import Http
from seedrender.providers.states import States
from seedrender.values.job import CorrelationId, Job, Submission
from seedrender.values.money import NO_VIDEO, UNKNOWN_PRICE, Price, Span
from seedrender.values.provider import (
    NO_WITNESSES,
    Block,
    Limits,
    LocalFile,
    MediaUrl,
    RateWindow,
    Received,
)
from seedrender.values.task import RemoteFile, Task, TaskId, TaskState

_MB = 1_000_000


def _now() -> datetime:
    return datetime.now(UTC)


class Ark:
    """The Ark API of one cloud under one key."""

    def __init__(
        self,
        name: str,
        http: Http,
        catalog: Catalog,
        limits: Limits,
        *,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.name = name
        self.limits = limits
        self._http = http
        self._catalog = catalog
        self._clock = clock
        self._list = TaskList(http)
        self._states = States(name)

    @property
    def window(self) -> RateWindow | None:
        """What the newest answer says of the request count."""
        return self._http.window

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._http.__aexit__(*exc_info)

    def violations(self, job: Job) -> Sequence[Violation]:
        """Say what the model would refuse in this job, and what in its prompt it would obey."""
        found = [*accepts.violations(job, self._catalog, self.name)]
        found += accepts.unhosted(job, self._catalog, self.name)
        return [*found, *self._flags(job)]

    def _flags(self, job: Job) -> Iterator[Violation]:
        if "--" not in job.prompt:
            return
        for flag, hint in ark_flags.advice(ark_body.prompt(job, self._catalog)):
            message = f"the prompt holds '{flag}', which the service reads as a setting"
            yield replace(accepts.violation(job, "prompt", message, hint), code="prompt")

    def price(self, job: Job, video: Span = NO_VIDEO) -> Price:
        """Say what the job will cost: tokens at the rate of its resolution."""
        variant = self._catalog.variant(job.model, job.tier, job.mode)
        if variant is None:
            return UNKNOWN_PRICE
        return ark_price.price(job, variant, self._catalog.currency, video)

    def encode(
        self, job: Job, media: Mapping[str, MediaUrl], correlation_id: CorrelationId
    ) -> Submission:
        """Build the request."""
        variant = self._catalog.variant(job.model, job.tier, job.mode)
        assert variant is not None, "violations() was asked before"
        body = ark_body.build(job, variant, self._catalog, media, correlation_id)
        return Submission(job=job.id, correlation_id=correlation_id, path=TASKS, body=body)

    async def upload(self, file: LocalFile) -> MediaUrl:
        """Put a picture or a sound into a data URI: the service takes no uploads."""
        path = Path(file.path)
        content = await asyncio.to_thread(path.read_bytes)
        return await asyncio.to_thread(data_uri, path.name, content, file.kind, self._catalog)

    async def submit(self, submission: Submission) -> TaskId:
        """Buy one task. Raises: RejectedError where the request would be too large to be taken."""
        size = sum(map(len, json.JSONEncoder().iterencode(submission.body)))
        if size > self._catalog.max_request_bytes:
            most = self._catalog.max_request_bytes // _MB
            raise RejectedError(
                f"the request has {size / _MB:.1f} MB, and {most} MB are taken; "
                "give large media as URLs"
            )
        headers = {"X-Client-Request-Id": submission.correlation_id}
        answer = await self._http.post_once(submission.path, submission.body, headers)
        return task_ids.bought(answer, ark_answers.SUBMITTED, ark_errors.judge)

    async def poll(self, task_id: TaskId, *, hold: bool = False) -> Task:
        """Read a task at once. Raises: NotFoundError where it is unknown or seven days old."""
        del hold  # no answer waits here
        return self._noted(
            ark_answers.task(task_id, await self._http.read(_path(task_id)), self._catalog)
        )

    async def poll_many(self, task_ids: Sequence[TaskId]) -> Mapping[TaskId, Task]:
        """Read tasks from the list, a hundred with one request, and one request a second."""
        rows = await self._list.read(task_ids)
        return {
            task_id: self._noted(ark_answers.task(task_id, row, self._catalog))
            for task_id, row in rows.items()
        }

    def _noted(self, task: Task) -> Task:
        self._states.note(task.provider_state)
        return task

    @property
    def account(self) -> str:
        """Which account is asked: a digest, for comparison alone."""
        return self._http.account

    @property
    def ahead_s(self) -> float | None:
        """By how much our clock is ahead of the provider's; None: it does not tell its time."""
        return self._http.ahead_s

    def retrieve(self, file: RemoteFile) -> AsyncGenerator[bytes, None]:
        """Stream a result."""
        return self._http.retrieve(file.url)

    def retrieve_rest(self, file: RemoteFile, known: Received) -> AsyncGenerator[Block, None]:
        """Stream what is missing of a result, or the whole."""
        return self._http.retrieve_rest(file.url, known)

    async def find(
        self,
        correlation_id: CorrelationId,
        *,
        since: datetime | None = None,
        witnesses: Mapping[TaskId, CorrelationId] = NO_WITNESSES,
    ) -> Sequence[TaskId] | None:
        """Look for a task in the account's list; empty: it is proved that there is none."""
        try:
            readings = [await self._list.search(correlation_id)]
            is_by_model = False
        except (RejectedError, UnauthorizedError):  # a key of limited rights must name a model
            readings, is_by_model = await self._searched_by_model(correlation_id), True
        if found := ark_list.among(readings, correlation_id):
            return found
        if not ark_list.is_proof(readings, since, self._clock(), witnesses):
            return None
        if not is_by_model:  # a list of all may leave out what the key must name to see
            with suppress(RejectedError, UnauthorizedError):
                readings = await self._searched_by_model(correlation_id)
                return ark_list.among(readings, correlation_id)
        return []

    async def _searched_by_model(self, correlation_id: CorrelationId) -> list[ark_list.Reading]:
        """Read a list for each model; one that the key may not read stays empty, and not whole.

        Raises: UnauthorizedError where the key may read none.
        """
        readings, refusals = [], []
        for slug in dict.fromkeys(variant.slug for variant in self._catalog.variants.values()):
            try:
                readings.append(await self._list.search(correlation_id, slug))
            except (RejectedError, UnauthorizedError) as error:
                readings.append(ark_list.Reading())
                refusals.append(error)
        if len(refusals) == len(readings) and isinstance(refusals[-1], UnauthorizedError):
            raise refusals[-1]
        return readings

    async def cancel(self, task_id: TaskId) -> bool:
        """Cancel a task that is still queued; True: it has ended so, and cost nothing.

        The same request deletes the record of a task that has ended, so the state is read first;
        a task that began in between refuses.
        """
        task = await self.poll(task_id)
        if task.state is not TaskState.QUEUED:
            return _never_began(task)
        try:
            await self._http.delete(_path(task_id))
            return _never_began(await self.poll(task_id))
        except NotFoundError:
            raise
        except (RejectedError, ProtocolError):
            return False


def _never_began(task: Task) -> bool:
    is_free = task.cost is not None and not task.cost.value
    return task.state is TaskState.CANCELLED and is_free


def _path(task_id: TaskId) -> str:
    return f"{TASKS}/{task_ids.in_path(task_id)}"
