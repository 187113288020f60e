"""Modellix: jobs to its flat bodies, its answers to tasks."""

from __future__ import annotations

import asyncio
import base64
import io
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import aiohttp

from seedrender.catalog.models import Catalog
from seedrender.catalog.price import price
from seedrender.errors import NotFoundError, ProtocolError, RejectedError, Violation
from seedrender.providers import (
    accepts,
    modellix_answers,
    modellix_body,
    remote_files,
    task_ids,
)
from seedrender.providers.addresses import is_loopback
from seedrender.providers.http import Http
from seedrender.providers.modellix_account import ModellixAccount
from seedrender.providers.refusals import by_status, strange
from seedrender.providers.states import States
from seedrender.values import magic
from seedrender.values.job import CorrelationId, Job, MediaKind, Submission
from seedrender.values.money import NO_VIDEO, Amount, Price, Span
from seedrender.values.provider import (
    NO_WITNESSES,
    Block,
    Limits,
    LocalFile,
    MediaUrl,
    RateWindow,
    Received,
)
from seedrender.values.task import RemoteFile, Task, TaskId

_FILE_ID = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~:+@=-]{1,512}")
_MAX_UPLOAD_BYTES = 16 * 2**20
_PARALLEL_UPLOADS = 2


class Modellix:
    """The Modellix API under one key; also the embedded simulator, which speaks the same wire."""

    def __init__(
        self,
        name: str,
        http: Http,
        catalog: Catalog,
        limits: Limits,
        *,
        has_ledger: bool = False,
        is_async: bool = False,
    ) -> None:
        self.name = name
        self.limits = limits
        self._http = http
        self._catalog = catalog
        self._suffix = "/async" if is_async else ""  # of submits, before July 2026
        self._has_ledger = has_ledger  # only the simulator can be asked what it created
        self._uploads = asyncio.Semaphore(_PARALLEL_UPLOADS)
        self._states = States(name)
        self._file_ids: dict[MediaUrl, str] = {}

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._http.__aexit__(*exc_info)

    @property
    def window(self) -> RateWindow | None:
        """What the newest answer says of the request count."""
        return self._http.window

    def violations(self, job: Job) -> Sequence[Violation]:
        """Say what the model would refuse in this job."""
        return accepts.violations(job, self._catalog, self.name)

    def price(self, job: Job, video: Span = NO_VIDEO) -> Price:
        """Say what the job will cost: seconds of generated video at the rate of its resolution."""
        variant = self._catalog.variant(job.model, job.tier, job.mode)
        return price(variant, self._catalog.currency, job, video)

    def encode(
        self, job: Job, media: Mapping[str, MediaUrl], correlation_id: CorrelationId
    ) -> Submission:
        """Build the flat body; a field that the author did not set is not sent."""
        variant = self._catalog.variant(job.model, job.tier, job.mode)
        assert variant is not None, "violations() was asked before"
        body = modellix_body.body(job, variant, self._catalog, media)
        path = f"/api/v1/{variant.slug}{self._suffix}"
        return Submission(job=job.id, correlation_id=correlation_id, path=path, body=body)

    async def upload(self, file: LocalFile) -> MediaUrl:
        """Put an image into a data URI; hand clips and sounds to the provider's media files."""
        content = await asyncio.to_thread(Path(file.path).read_bytes)
        if file.kind is MediaKind.IMAGE:
            found, name = magic.recognised(content[: magic.HEAD_BYTES]), Path(file.path).name
            if found is None or found[0] is not MediaKind.IMAGE:
                what = magic.described(content[: magic.HEAD_BYTES])
                raise RejectedError(f"{name} is no picture: {what}; nothing was bought")
            encoded = base64.b64encode(content).decode()
            return MediaUrl(f"data:image/{found[1]};base64,{encoded}")
        if len(content) > _MAX_UPLOAD_BYTES:
            raise RejectedError(
                f"{Path(file.path).name} has {len(content)} bytes, and an upload takes "
                f"{_MAX_UPLOAD_BYTES}; give a URL instead; nothing was bought"
            )
        form = aiohttp.FormData()
        name = f"{file.sha256[:16]}{Path(file.path).suffix}"
        form.add_field("file", io.BytesIO(content), filename=name)
        async with self._uploads:
            answer = await self._http.upload("/api/v1/media/files", form)
        data = task_ids.record(answer.get("data"))
        url, file_id = remote_files.url(data.get("url")), data.get("file_id")
        if url is None or not _is_served(url, self._http.base_url):
            raise strange("the answer to an upload names no url", answer, by_status)
        name = str(file_id) if type(file_id) in (str, int) else ""  # as task ids may be
        if _FILE_ID.fullmatch(name):
            self._file_ids[MediaUrl(url)] = name
        return MediaUrl(url)

    def file_id(self, url: MediaUrl) -> str | None:
        """Return by what name an upload is kept; None: it is a data URI, or has no name."""
        return self._file_ids.get(url)

    def seal(self, text: str) -> str:
        """Return what only who has its key can make of a text."""
        return self._http.seal(text)

    async def forget(self, file_id: str) -> None:
        """Delete an upload. Raises: ProviderError."""
        if _FILE_ID.fullmatch(file_id):
            with suppress(NotFoundError):  # it may have lapsed
                await self._http.delete(f"/api/v1/media/files/{quote(file_id, safe='')}")

    async def submit(self, submission: Submission) -> TaskId:
        """Buy one task."""
        headers = {"x-request-id": submission.correlation_id}
        answer = await self._http.post_once(submission.path, submission.body, headers)
        return task_ids.bought(answer, modellix_answers.SUBMITTED, by_status)

    async def poll(self, task_id: TaskId, *, hold: bool = False) -> Task:
        """Read a task. Raises: NotFoundError where it is unknown or older than seven days."""
        path = f"/api/v1/tasks/{task_ids.in_path(task_id)}"
        if hold:
            held_s = self.limits.hold_s / self.limits.speed
            answer = await self._http.read(path, {"wait": "true"}, held_s=held_s)
        else:
            answer = await self._http.read(path)
        return self._task(task_id, answer)

    async def poll_many(self, task_ids: Sequence[TaskId]) -> Mapping[TaskId, Task]:
        """Read them one by one: the service lists no tasks."""
        return {task_id: await self.poll(task_id) for task_id in task_ids}

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
        """Ask the simulator's ledger; the real service lists no tasks."""
        del since, witnesses  # the ledger holds everything that was ever created
        if not self._has_ledger:
            return None
        answer = await self._http.read("/sim/ledger", {"request_id": correlation_id})
        rows = answer.get("tasks")
        ids = (
            [task_ids.record(row).get("task_id") for row in rows] if isinstance(rows, list) else [0]
        )
        found = [task_id for task_id in map(task_ids.read, ids) if task_id is not None]
        if len(found) < len(ids):  # fewer would be taken for a proof
            raise ProtocolError("the ledger of the simulator is of no known shape")
        return found

    async def cancel(self, task_id: TaskId) -> bool:
        """Say no: the service has no way to cancel."""
        del task_id
        return False

    async def balance(self) -> Amount:
        """Read what credit the team has left. Raises: ProviderError."""
        return await ModellixAccount(self._http, self._catalog).balance()

    def _task(self, task_id: TaskId, answer: Mapping[str, Any]) -> Task:
        task = modellix_answers.task(task_id, answer, self._catalog.currency)
        self._states.note(task.provider_state)
        return task


def _is_served(url: str, base_url: str) -> bool:
    """Say whether an upload is where a model can fetch it: at HTTPS, or beside a local server."""
    return url.startswith("https://") or (url.startswith("http://") and is_loopback(base_url))
