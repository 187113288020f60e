"""Turns a job's references, and the clips that it continues, into URLs for its request."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from seedrender.errors import ArtifactError, NotFoundError
from seedrender.lock import fold
from seedrender.run.files import Files
from seedrender.run.store import Store
from seedrender.values.job import Job, JobId, MediaKind, Reference
from seedrender.values.provider import LocalFile, MediaUrl, Provider


class Inputs:
    """Uploads of one run: each distinct file goes up once."""

    def __init__(
        self, provider: Provider, store: Store, files: Files, digests: Mapping[str, str]
    ) -> None:
        self._provider = provider
        self._store = store
        self._files = files
        self._digests = digests
        self._clips: dict[JobId, MediaUrl] = {}  # results of this run, by their own URL
        self._uploaded: dict[str, MediaUrl] = {}  # by sha256
        self._uploading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def remember(self, job: JobId, url: str) -> None:
        """Keep a fresh clip's own URL: nothing needs to be uploaded while it lives."""
        self._clips[job] = MediaUrl(url)

    async def media(self, job: Job) -> Mapping[str, MediaUrl]:
        """Return a URL for each reference name and each needed job. Raises: ProviderError."""
        media: dict[str, MediaUrl] = {}
        for use in job.references:
            media[use.reference.name] = await self._reference(use.reference)
        for need in job.needs:
            media[need] = await self._clip(need)
        return media

    async def _reference(self, reference: Reference) -> MediaUrl:
        if reference.url is not None:
            return MediaUrl(reference.url)
        if reference.asset is not None:
            return MediaUrl(f"asset://{reference.asset}")
        assert reference.path is not None, "a reference is a path, a URL or an asset"
        path = self._files.root / reference.path
        return await self._upload(path, reference.kind, self._digests[reference.name])

    async def _clip(self, job: JobId) -> MediaUrl:
        if job in self._clips:
            return self._clips[job]
        entry = self._store.entry(job)
        assert entry is not None, "a needed job is done before"
        assert entry.output is not None, "a needed job is done before"
        url = None
        record = fold.output_record(entry)
        if record is not None and record.task_id and record.provider == self._provider.name:
            try:
                task = await self._provider.poll(record.task_id)
            except NotFoundError:  # older than the provider remembers: the file is here
                task = None
            url = task.video.url if task is not None and task.video is not None else None
        if url is not None:
            self.remember(job, url)
            return MediaUrl(url)
        path = self._files.path(entry.output.path)
        return await self._upload(path, MediaKind.VIDEO, entry.output.sha256)

    async def _upload(self, path: Path, kind: MediaKind, sha256: str) -> MediaUrl:
        async with self._uploading[sha256]:
            if sha256 not in self._uploaded:
                file = LocalFile(path=str(path), kind=kind, sha256=sha256)
                try:
                    self._uploaded[sha256] = await self._provider.upload(file)
                except OSError as error:
                    raise ArtifactError(f"{path.name} cannot be read: {error.strerror}") from None
            return self._uploaded[sha256]
