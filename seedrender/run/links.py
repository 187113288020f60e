"""Asks a provider for links to the files of a task, and for fresh ones where they lapse."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from seedrender.errors import ForgottenError, NotFoundError, ProtocolError, UnavailableError
from seedrender.run.desk import Desk
from seedrender.run.retry import ANY_TROUBLE_WITH_A_FILE, Attempts, Patience
from seedrender.run.watch import is_remembered
from seedrender.values.entry import LOST, TaskRecord
from seedrender.values.job import Job, MediaKind
from seedrender.values.task import RemoteFile, Task


class Links:
    """The fresh links to the files of one task, and how often its provider is asked for them."""

    def __init__(
        self, desk: Desk, job: Job, record: TaskRecord, task: Task | None, patience: Patience
    ) -> None:
        self._desk, self._job, self._record, self._task = desk, job, record, task
        self._attempts = Attempts(desk, patience, partial(desk.listener.note, job.id, "waits"))

    @property
    def task(self) -> Task:
        """The task as the newest answer says."""
        assert self._task is not None, "a file was there"
        return self._task

    @property
    def first(self) -> RemoteFile:
        """The file that was asked for, under its newest link."""
        return _wanted(self._job, self.task)[0]

    async def files(self) -> Sequence[RemoteFile]:
        """Return the files of the task, the one that was asked for first.

        Raises: ProviderError, ArtifactError: what went wrong last; ForgottenError: it is gone.
        """
        while True:
            try:
                return await self._files()
            except ANY_TROUBLE_WITH_A_FILE as error:
                await self.failed(error)

    async def _files(self) -> Sequence[RemoteFile]:
        task = self._task = self._task or await self._polled()
        if not task.state.is_final:  # answered by a server that lags behind the one before
            raise UnavailableError(f"task {task.id} is {task.provider_state} again")
        return _wanted(self._job, task)

    async def _polled(self) -> Task:
        """Read the task again. Raises: ProviderError; ForgottenError where it is gone for good."""
        assert self._record.task_id is not None, "only tasks are collected"
        await self._desk.pace.turn()
        try:
            return await self._desk.provider.poll(self._record.task_id)
        except NotFoundError as error:
            if is_remembered(self._record):
                raise
            raise ForgottenError(f"{LOST}{error}") from None

    async def fresh(self, error: Exception) -> RemoteFile:
        """Return the file that was asked for under a fresh link. Raises: as `files`."""
        await self.failed(error)
        return (await self.files())[0]

    async def failed(self, error: Exception) -> None:
        """Wait before another download. Raises: the error, where it would be no use."""
        await self._attempts.failed(error)
        self._task = None  # its URL may have lapsed: a poll gives a fresh one


def _wanted(job: Job, task: Task) -> Sequence[RemoteFile]:
    """Return the files of a task, the one that was asked for first. Raises: ProtocolError."""
    clips = (task.video, *task.more_videos)
    found = task.pictures if job.makes is MediaKind.IMAGE else clips
    files = [file for file in found if file is not None]
    if not files:
        raise ProtocolError(f"task {task.id} has succeeded and names no {what(job)}")
    return files


def what(job: Job) -> str:
    """Name what a job makes."""
    return "picture" if job.makes is MediaKind.IMAGE else "clip"
