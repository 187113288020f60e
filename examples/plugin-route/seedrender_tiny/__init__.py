"""A route to Tiny, a made-up video service: a small client that keeps every promise."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import aiohttp

from seedrender.errors import ProtocolError, RejectedError, Violation
from seedrender.providers import task_ids
from seedrender.providers.http import Http
from seedrender.providers.refusals import by_status
from seedrender.values.job import CorrelationId, Job, MediaKind, Role, Submission
from seedrender.values.money import NO_VIDEO, UNKNOWN_PRICE, Amount, Price, Span, exactly
from seedrender.values.provider import Limits, LocalFile, MediaUrl, RateWindow
from seedrender.values.task import RemoteFile, Task, TaskId, TaskState

_HOST = "https://api.tiny.example"
_MODELS = ("tiny-1",)
_LONGEST_S = 10
_CENTS_A_SECOND = Decimal("0.01")
_PLACEHOLDER = re.compile(r"\{\{ (?:ref\.([A-Za-z0-9][A-Za-z0-9._-]*)|(previous)) \}\}")
_STATES = {
    "waiting": TaskState.QUEUED,
    "working": TaskState.RUNNING,
    "ready": TaskState.SUCCEEDED,
    "failed": TaskState.FAILED,
    "refused": TaskState.REFUSED,
    "cancelled": TaskState.CANCELLED,
}


class Tiny:
    """Tiny under one key; made anew for each command, and entered only where something is sent."""

    name = "tiny"

    def __init__(self, environ: Mapping[str, str]) -> None:
        base_url = environ.get("TINY_BASE_URL") or _HOST
        self.limits = Limits(concurrency=4, requests_per_minute=600, settle_s=60.0)
        self._http = Http(base_url, environ.get("TINY_API_KEY"), key_name="TINY_API_KEY")

    async def __aenter__(self) -> Self:
        """Open the sessions: without a key this is where it is said."""
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Close them."""
        await self._http.__aexit__(*exc_info)

    @property
    def window(self) -> RateWindow | None:
        """What the newest answer says of the request count."""
        return self._http.window

    def violations(self, job: Job) -> Sequence[Violation]:
        """Say what Tiny would refuse, with its place in the manifest."""
        found = []
        if job.model not in _MODELS:
            found.append(_wrong(job, "model", f"there is no model '{job.model}' on tiny"))
        if job.duration_s is not None and not 1 <= job.duration_s <= _LONGEST_S:
            found.append(_wrong(job, "duration", f"tiny makes 1 to {_LONGEST_S} seconds"))
        if any(use.role is not Role.REFERENCE for use in job.references):
            found.append(_wrong(job, "references", "tiny takes no first_frame or last_frame"))
        return found

    def price(self, job: Job, video: Span = NO_VIDEO) -> Price:
        """A cent a second; without a length nobody can say."""
        del video  # what goes in is not billed
        seconds = job.stated_duration_s
        if seconds is None:
            return UNKNOWN_PRICE
        cost = Amount(_CENTS_A_SECOND * seconds, "USD")
        return Price(
            low=cost, expected=cost, high=cost, source="tiny's price", footage=exactly(seconds)
        )

    def encode(
        self, job: Job, media: Mapping[str, MediaUrl], correlation_id: CorrelationId
    ) -> Submission:
        """Build the request; what the author did not say is not sent."""
        urls = [media[need] for need in job.needs]
        urls += [media[use.reference.name] for use in job.references]
        body: dict[str, Any] = {"prompt": _prompt(job), "ref": correlation_id}
        if job.duration_s is not None:
            body["seconds"] = job.duration_s
        if urls:
            body["media"] = urls
        return Submission(job=job.id, correlation_id=correlation_id, path="/v1/jobs", body=body)

    async def upload(self, file: LocalFile) -> MediaUrl:
        """Hand a file over, under its digest: the same one again is the same address."""
        form = aiohttp.FormData()
        content = await asyncio.to_thread(Path(file.path).read_bytes)
        form.add_field("file", content, filename=file.sha256)
        answer = await self._http.upload("/v1/files", form)
        return MediaUrl(_text(answer, "url"))

    async def submit(self, submission: Submission) -> TaskId:
        """Buy one task: one request, never repeated here."""
        answer = await self._http.post_once(submission.path, submission.body, {})
        return task_ids.bought(answer, [("id",)], by_status)

    async def poll(self, task_id: TaskId, *, hold: bool = False) -> Task:
        """Read a task; a word that is not known means that it still runs."""
        del hold  # no answer waits here: `limits.hold_s` is 0
        return _task(task_id, await self._http.read(f"/v1/jobs/{quote(task_id, safe='')}"))

    async def poll_many(self, task_ids: Sequence[TaskId]) -> Mapping[TaskId, Task]:
        """Read them one by one: `limits.batch` is 0."""
        return {task_id: await self.poll(task_id) for task_id in task_ids}

    def retrieve(self, file: RemoteFile) -> AsyncGenerator[bytes, None]:
        """Stream a clip, without the key and from public places only."""
        return self._http.retrieve(file.url)

    async def find(
        self,
        correlation_id: CorrelationId,
        *,
        since: datetime | None = None,
        witnesses: Collection[TaskId] = (),
    ) -> Sequence[TaskId] | None:
        """List the tasks of a correlation id; Tiny lists a task from the moment it exists."""
        del since, witnesses  # it forgets none, so an empty list is a proof
        rows = (await self._http.read("/v1/jobs", {"ref": correlation_id})).get("jobs")
        if not isinstance(rows, list):
            return None
        return [TaskId(row["id"]) for row in rows if isinstance(row, dict) and "id" in row]

    async def cancel(self, task_id: TaskId) -> bool:
        """Ask for an end; a task that works already is refused, and paid."""
        try:
            await self._http.delete(f"/v1/jobs/{quote(task_id, safe='')}")
        except (ProtocolError, RejectedError):
            return False
        return True

    async def balance(self) -> Amount:
        """Say what credit is left: no part of the protocol, and used where it is there."""
        return _amount(await self._http.read("/v1/credit"), "left")


def _wrong(job: Job, field: str, message: str) -> Violation:
    return Violation(
        origin=job.origin_of(field),
        message=message,
        code="limits",
        path=job.path_of(field),
        jobs=(job.id,),
    )


def _prompt(job: Job) -> str:
    """Write media by number, in the order of `encode`."""
    names = [*job.needs, *(use.reference.name for use in job.references)]
    numbers = {name: f"(medium {number})" for number, name in enumerate(names, 1)}

    def words(found: re.Match[str]) -> str:
        return numbers[job.needs[0]] if found[2] else numbers[found[1]]

    return _PLACEHOLDER.sub(words, job.prompt)


def _task(task_id: TaskId, answer: Mapping[str, Any]) -> Task:
    word = _text(answer, "state")
    state = _STATES.get(word, TaskState.RUNNING)
    is_ready = state is TaskState.SUCCEEDED
    return Task(
        id=task_id,
        state=state,
        provider_state=word,
        video=RemoteFile(url=_text(answer, "clip"), kind=MediaKind.VIDEO) if is_ready else None,
        cost=_amount(answer, "cost") if is_ready else None,
        message=str(answer.get("why") or "tiny does not say why")
        if state in (TaskState.FAILED, TaskState.REFUSED)
        else None,
    )


def _text(answer: Mapping[str, Any], key: str) -> str:
    value = answer.get(key)
    if not isinstance(value, str) or not value:
        raise ProtocolError(f"an answer of tiny has no {key}")
    return value


def _amount(answer: Mapping[str, Any], key: str) -> Amount:
    try:
        value = Decimal(_text(answer, key))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise ProtocolError(f"an answer of tiny has no {key} that is a number")
    return Amount(value, "USD")
