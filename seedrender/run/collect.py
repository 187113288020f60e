"""Brings clips and pictures that are paid for to their place, and keeps what they replace."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from seedrender.errors import (
    ArtifactError,
    ProtocolError,
    StorageError,
    UnavailableError,
)
from seedrender.lock import fold
from seedrender.lock.identity import Asked
from seedrender.run import last_frame
from seedrender.run.desk import Desk
from seedrender.run.downloads import FLEETING, CostlyError, Fresh, download
from seedrender.values.entry import Fingerprint, LockEntry, TaskRecord
from seedrender.values.job import Job, MediaKind
from seedrender.values.picture import another, place, stem
from seedrender.values.task import Artifact, RemoteFile, Task

_ATTEMPTS = 6
_COSTLY_RETRIES = 3


class Collect:
    """The downloads and moves of one run."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def collect(self, job: Job, record: TaskRecord, task: Task | None) -> None:
        """Download the clip of a task, and keep the one that it replaces.

        Raises: ProviderError, ArtifactError: the next run tries again.
        """
        before = self._desk.store.entry(job.id)
        links = _Links(self._desk, job, record, task)
        while True:
            found = await links.files()
            try:
                artifact, kept = await self._download(job, record, links, found)
            except FLEETING as error:  # also what arrived in full, and is no clip
                await links.failed(error)
            else:
                await last_frame.keep(self._desk, job, record, links.task)
                await self._replace_output(job, artifact, kept, before)
                return

    async def restore(self, job: Job, wanted: Fingerprint, asked: Asked) -> None:
        """Bring back a clip that is paid for, from where it is: another place, or the provider.

        Raises: ProviderError, ArtifactError.
        """
        entry = self._desk.store.entry(job.id)
        assert entry is not None, "it has a clip in the lock"
        aside = fold.set_aside(entry, wanted, asked)
        if aside is not None and aside.superseded is not None:
            await self._bring_back(job, entry, aside, aside.superseded)
            return
        assert entry.output is not None, "it has a clip in the lock"
        target = place(job, entry.output)
        if self._desk.files.is_present(entry.output) and entry.output.path != target:
            moved = await asyncio.to_thread(self._desk.files.move, entry.output, target)
            await self._replace_output(job, moved, None, None)
            return
        record = fold.output_record(entry)
        assert record is not None, "plan.make resumes what has a record only"
        if record.task_id is None or record.provider != self._desk.provider.name:
            raise ArtifactError(
                f"{entry.output.path} is missing, and no task of this route has it; put the file "
                f"back, run with --provider {record.provider} where that route has it, or buy it "
                f"again with --resubmit {job.id}"
            )
        await self.collect(job, record, None)

    async def _bring_back(
        self, job: Job, entry: LockEntry, record: TaskRecord, clip: Artifact
    ) -> None:
        """Exchange the clip in place for one that was there before."""
        files = self._desk.files
        target = place(job, clip)
        moved, kept = await asyncio.to_thread(files.bring_back, clip, target)
        artifact = replace(moved, made_by=record.correlation_id)
        await self._replace_output(job, artifact, kept, entry)

    async def _download(
        self, job: Job, record: TaskRecord, links: _Links, files: Sequence[RemoteFile]
    ) -> tuple[Artifact, str | None]:
        first, *others = files
        saved = await self._save(job, record, first, job.output, links.fresh)
        for number, file in enumerate(others, 2):
            await self._save_another(job, record, file, another(saved[0].path, number))
        self._desk.inputs.remember(job.id, links.first.url, links.first.expires_at)
        return saved

    async def _save(
        self,
        job: Job,
        record: TaskRecord,
        file: RemoteFile,
        target: str,
        fresh: Fresh | None = None,
    ) -> tuple[Artifact, str | None]:
        desk = self._desk
        async with desk.downloads.place(partial(desk.listener.note, job.id, "slow")) as place:
            fill = partial(download, desk.provider, file, place=place, fresh=fresh)
            made_by = record.correlation_id
            return await desk.files.receive(fill, target, made_by=made_by, kind=job.makes)

    async def _save_another(
        self, job: Job, record: TaskRecord, file: RemoteFile, target: str
    ) -> None:
        """Keep a picture that came unasked: it is paid for. That it is lost stops nothing."""
        try:
            extra, _ = await self._save(job, record, file, target)
        except FLEETING as error:
            words = f"one more picture than was asked for cannot be kept as {target}: {error}"
        else:
            words = f"{extra.path}: one more picture than was asked for; the lock names the first"
        self._desk.listener.note(job.id, "kept", words)

    async def _replace_output(
        self, job: Job, artifact: Artifact, kept: str | None, before: LockEntry | None
    ) -> None:
        superseded: tuple[TaskRecord, ...] = ()
        if before is not None and before.output is not None:
            kept = kept or await self._replaced(before.output, artifact)
            old = fold.output_record(before)
            kept = kept or self._desk.files.where_kept(before.output)
            if old is not None and kept is not None and old.correlation_id != artifact.made_by:
                clip = replace(before.output, path=kept, made_at=self._desk.store.clock.now())
                superseded = (replace(old, superseded=clip),)
        artifact = replace(artifact, made_at=self._desk.store.clock.now())
        await self._desk.store.keep(LockEntry(job=job.id, tasks=superseded, output=artifact))
        self._desk.listener.note(job.id, "done", artifact.path)

    async def _replaced(self, old: Artifact, new: Artifact) -> str | None:
        """Set a picture aside whose successor has another suffix; None: there is none."""
        is_same_place = old.path != new.path and stem(old.path) == stem(new.path)
        if not is_same_place or not self._desk.files.is_present(old):
            return None
        return await asyncio.to_thread(self._desk.files.set_aside, old.path)


class _Links:
    """The fresh links to the files of one task, and how often its provider is asked for them."""

    def __init__(self, desk: Desk, job: Job, record: TaskRecord, task: Task | None) -> None:
        self._desk, self._job, self._record, self._task = desk, job, record, task
        self._failures = self._costly = 0

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

        Raises: ProviderError, ArtifactError: what went wrong last.
        """
        while True:
            try:
                return await self._files()
            except FLEETING as error:
                await self.failed(error)

    async def _files(self) -> Sequence[RemoteFile]:
        if self._task is None:
            assert self._record.task_id is not None, "only tasks are collected"
            await self._desk.pace.turn()
            self._task = await self._desk.provider.poll(self._record.task_id)
        if not self._task.state.is_final:  # answered by a server that lags behind the one before
            raise UnavailableError(f"task {self._task.id} is {self._task.provider_state} again")
        return _wanted(self._job, self._task)

    async def fresh(self, error: Exception) -> RemoteFile:
        """Return the file that was asked for under a fresh link. Raises: as `files`."""
        await self.failed(error)
        return (await self.files())[0]

    async def failed(self, error: Exception) -> None:
        """Wait before another download. Raises: the error, where it would be no use."""
        self._failures += 1
        self._costly += isinstance(error, CostlyError)
        is_over = self._failures >= _ATTEMPTS or self._costly > _COSTLY_RETRIES
        if is_over or isinstance(error, StorageError):
            raise error
        self._desk.listener.note(self._job.id, "waits", f"{error}; asking again")
        if not isinstance(error, CostlyError):  # that one took its time already
            await self._desk.back_off(error, self._failures)
        self._task = None  # its URL may have lapsed: a poll gives a fresh one


def _wanted(job: Job, task: Task) -> Sequence[RemoteFile]:
    """Return the files of a task, the one that was asked for first. Raises: ProtocolError."""
    found = task.pictures if job.makes is MediaKind.IMAGE else (task.video,)
    files = [file for file in found if file is not None]
    if not files:
        what = "picture" if job.makes is MediaKind.IMAGE else "video"
        raise ProtocolError(f"task {task.id} has succeeded and names no {what}")
    return files
