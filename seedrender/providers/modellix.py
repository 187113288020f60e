"""Modellix: jobs to its flat bodies, its answers to tasks."""

from __future__ import annotations

import asyncio
import base64
import io
import logging
import re
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit

import aiohttp

from seedrender.catalog.models import Catalog
from seedrender.catalog.price import price
from seedrender.errors import (
    NotFoundError,
    ProtocolError,
    RejectedError,
    SubmissionUnknownError,
    Violation,
)
from seedrender.providers import accepts, modellix_body
from seedrender.providers.http import Http
from seedrender.providers.modellix_account import ModellixAccount
from seedrender.values.job import CorrelationId, Job, MediaKind, Submission
from seedrender.values.money import NO_VIDEO, Amount, Price, Span
from seedrender.values.provider import Block, Limits, LocalFile, MediaUrl, RateWindow, Received
from seedrender.values.task import RemoteFile, Task, TaskId, TaskState

_log = logging.getLogger(__name__)

_TASK_ID = re.compile(r"[A-Za-z0-9._~:/+@=-]{1,512}")
_FILE_ID = re.compile(r"[A-Za-z0-9._~:+@=-]{1,512}")
_MAX_UPLOAD_BYTES = 16 * 2**20
_PARALLEL_UPLOADS = 2
_MAX_RENDER_MS = 30 * 86_400_000

_STATES: Mapping[str, TaskState] = {
    "pending": TaskState.QUEUED,
    "processing": TaskState.RUNNING,
    "success": TaskState.SUCCEEDED,
    "succeeded": TaskState.SUCCEEDED,
    "completed": TaskState.SUCCEEDED,
    "failed": TaskState.FAILED,
    "error": TaskState.FAILED,
    "canceled": TaskState.CANCELLED,
    "cancelled": TaskState.CANCELLED,
}
# Words of the upstream model's refusals (inferred that they are passed through): never retried.
_REFUSALS = re.compile(r"(?i)sensitive ?content|policy|moderation|content review|copyright")

_SMALL = ("cover", "thumbnail")  # roles of pictures that nobody asked for
_MOST_PICTURES = 64  # of a task: a series has 15 at most
_PICTURE_NAMES = (".png", ".jpg", ".jpeg", ".webp")
_IMAGE_TYPES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"RIFF": "webp", b"GIF8": "gif"}


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
        self._strange_states: set[str] = set()
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
            encoded = base64.b64encode(content).decode()
            return MediaUrl(f"data:image/{_image_type(content)};base64,{encoded}")
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
        data = _mapping(answer.get("data"))
        url, file_id = data.get("url"), data.get("file_id")
        if not isinstance(url, str):
            raise ProtocolError("the answer to an upload names no url")
        if isinstance(file_id, str) and _FILE_ID.fullmatch(file_id):
            self._file_ids[MediaUrl(url)] = file_id
        return MediaUrl(url)

    def file_id(self, url: MediaUrl) -> str | None:
        """Return by what name an upload is kept; None: it is a data URI, or has no name."""
        return self._file_ids.get(url)

    async def forget(self, file_id: str) -> None:
        """Delete an upload. Raises: ProviderError."""
        if _FILE_ID.fullmatch(file_id):
            with suppress(NotFoundError):  # it may have lapsed
                await self._http.delete(f"/api/v1/media/files/{quote(file_id, safe='')}")

    async def submit(self, submission: Submission) -> TaskId:
        """Buy one task."""
        headers = {"x-request-id": submission.correlation_id}
        answer = await self._http.submit(submission.path, submission.body, headers)
        task_id = _mapping(answer.get("data")).get("task_id")
        if not isinstance(task_id, str) or not _TASK_ID.fullmatch(task_id):
            raise SubmissionUnknownError("the answer to a submit names no task")
        return TaskId(task_id)

    async def poll(self, task_id: TaskId, *, hold: bool = False) -> Task:
        """Read a task. Raises: NotFoundError where it is unknown or older than seven days."""
        path = f"/api/v1/tasks/{quote(task_id, safe='')}"
        if hold:
            held_s = self.limits.hold_s / self.limits.speed
            answer = await self._http.read(path, {"wait": "true"}, held_s=held_s)
        else:
            answer = await self._http.read(path)
        return self._task(task_id, answer)

    async def poll_many(self, task_ids: Sequence[TaskId]) -> Mapping[TaskId, Task]:
        """Read them one by one: the service lists no tasks."""
        return {task_id: await self.poll(task_id) for task_id in task_ids}

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
        witnesses: Collection[TaskId] = (),
    ) -> Sequence[TaskId] | None:
        """Ask the simulator's ledger; the real service lists no tasks."""
        del since, witnesses  # the ledger holds everything that was ever created
        if not self._has_ledger:
            return None
        answer = await self._http.read("/sim/ledger", {"request_id": correlation_id})
        return [TaskId(task["task_id"]) for task in answer["tasks"]]

    async def cancel(self, task_id: TaskId) -> bool:
        """Say no: the service has no way to cancel."""
        del task_id
        return False

    async def balance(self) -> Amount:
        """Read what credit the team has left. Raises: ProviderError."""
        return await ModellixAccount(self._http, self._catalog).balance()

    def _task(self, task_id: TaskId, answer: Mapping[str, Any]) -> Task:
        data = _mapping(answer.get("data"))
        word = data.get("status")
        if not isinstance(word, str) or not word:
            raise ProtocolError("the answer to a poll has no status")
        state = _STATES.get(word, TaskState.RUNNING)
        if word not in _STATES and word not in self._strange_states:
            self._strange_states.add(word)
            _log.warning("%s answers with the unknown state %r: taken as running", self.name, word)
        message = "it was cancelled at the provider" if state is TaskState.CANCELLED else None
        if state is TaskState.FAILED:
            message = _failure(answer, data)
        if message is not None and _REFUSALS.search(message):
            state = TaskState.REFUSED
        return Task(
            id=task_id,
            state=state,
            provider_state=word,
            video=_video(data) if state is TaskState.SUCCEEDED else None,
            pictures=_pictures(data) if state is TaskState.SUCCEEDED else (),
            cost=self._billed(answer, data),
            message=message,
            render_s=_render_s(data.get("duration")) if state.is_final else None,
        )

    def _billed(self, answer: Mapping[str, Any], data: Mapping[str, Any]) -> Amount | None:
        """Read the amount charged, which sources place in `data` or beside it."""
        billing = _mapping(data.get("billing")) or _mapping(answer.get("billing"))
        amount = _money(billing.get("amount"))
        return Amount(amount, self._catalog.currency) if amount is not None else None


def _image_type(content: bytes) -> str:
    return next((kind for magic, kind in _IMAGE_TYPES.items() if content.startswith(magic)), "png")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _money(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _failure(answer: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Read why a task failed; the shape is not documented, so every seen place is tried."""
    error = data.get("error")
    nested = _mapping(error)
    code, message = nested.get("code"), nested.get("message")
    candidates = [
        f"{code}: {message}" if isinstance(code, str) and isinstance(message, str) else message,
        error,
        data.get("message"),
        answer.get("message") if answer.get("message") != "success" else None,
    ]
    return next(
        (c for c in candidates if isinstance(c, str) and c), "the provider does not say why"
    )


def _resources(data: Mapping[str, Any], kind: MediaKind) -> list[Mapping[str, Any]]:
    """List the resources of a kind; one may be a bare URL, and the list may sit in `data`."""
    listed = _mapping(data.get("result")).get("resources") or data.get("resources") or ()
    rows = listed if isinstance(listed, list) else ()
    named = [{"url": r, "type": _kind_of(r)} if isinstance(r, str) else r for r in rows]
    found = [r for r in named if isinstance(r, dict) and r.get("type") == kind.value]
    return [r for r in found if isinstance(r.get("url"), str) and r["url"]]


def _kind_of(url: str) -> MediaKind:
    """Say what a bare URL is, by its name; a clip where that says nothing."""
    is_picture = urlsplit(url).path.lower().endswith(_PICTURE_NAMES)
    return MediaKind.IMAGE if is_picture else MediaKind.VIDEO


def _video(data: Mapping[str, Any]) -> RemoteFile | None:
    """Pick the primary video."""
    videos = _resources(data, MediaKind.VIDEO)
    if not videos:
        return None
    best = next((r for r in videos if r.get("role") == "primary"), videos[0])
    return _file(best, MediaKind.VIDEO, data)


def _pictures(data: Mapping[str, Any]) -> tuple[RemoteFile, ...]:
    """List the pictures, the primary one first; a cover or thumbnail is none of them."""
    rows = [r for r in _resources(data, MediaKind.IMAGE) if r.get("role") not in _SMALL]
    rows.sort(key=lambda row: row.get("role") != "primary")
    return tuple(_file(row, MediaKind.IMAGE, data) for row in rows[:_MOST_PICTURES])


def _file(row: Mapping[str, Any], kind: MediaKind, data: Mapping[str, Any]) -> RemoteFile:
    size = row.get("size")
    return RemoteFile(
        url=str(row["url"]),
        kind=kind,
        size_bytes=size if isinstance(size, int) and size > 0 else None,
        expires_at=_epoch_ms(data.get("result_expires_at")),
    )


def _render_s(milliseconds: object) -> float | None:
    """Read how long a task took: milliseconds from submission to end."""
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return None
    return milliseconds / 1000 if 0 <= milliseconds < _MAX_RENDER_MS else None


def _epoch_ms(value: object) -> datetime | None:
    if not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
