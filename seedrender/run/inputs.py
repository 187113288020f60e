"""Turns a job's references, and the clips that it continues, into URLs for its request."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from seedrender.errors import ArtifactError, NotFoundError, ProviderError
from seedrender.lock import fold
from seedrender.run.files import Files
from seedrender.run.hosting import Host, Link, ProviderHost, check_content
from seedrender.run.lifetimes import expected_wait_s
from seedrender.run.shelf import Shelf, to_nobody
from seedrender.run.store import Store
from seedrender.values import signed_url
from seedrender.values.job import CorrelationId, Job, JobId, MediaKind, Reference
from seedrender.values.provider import LocalFile, MediaUrl, Provider
from seedrender.values.url_text import ascii_url

_log = logging.getLogger(__name__)


class Inputs:
    """The media of one run: each distinct file goes up once, and is taken back after its last use.

    A link that would lapse before a job is expected to end is renewed first.
    """

    def __init__(
        self,
        provider: Provider,
        store: Store,
        files: Files,
        digests: Mapping[str, str],
        *,
        host: Host | None = None,
        inline: Collection[MediaKind] = (),  # what travels inside the request
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._provider, self._store, self._files = provider, store, files
        self._digests, self._inline, self._clock = digests, inline, clock
        self._host = host or ProviderHost(provider)
        self._shelf = Shelf(self._host.places, len(self._host.left))
        self._expected: set[JobId] = set()  # whose earlier tasks name files that take up places
        self._clips: dict[JobId, Link] = {}  # results, by their own URL
        self._links: dict[str, Link] = {}  # by sha256
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        entries = store.lock.entries.values()
        wait_s = expected_wait_s(entries, provider.name) / provider.limits.speed
        self._wait = timedelta(seconds=wait_s)

    def remember(self, job: JobId, url: str, expires_at: datetime | None = None) -> None:
        """Keep a fresh clip's own URL: nothing needs to be uploaded while it lives."""
        self._clips[job] = Link(
            url=MediaUrl(url), lapses_at=expires_at or signed_url.expires_at(url)
        )

    def expect(self, jobs: Iterable[JobId]) -> None:
        """Hear whom this run drives: when their earlier tasks have ended, files come free."""
        named = {submit for submits in self._host.left.values() for submit in submits}
        self._expected = {job for job in jobs if named & self._submits_of(job)}
        self._shelf.expect(self._expected)

    async def settled(self, job: JobId) -> None:
        """Hear that a job waits for none of its earlier tasks any more."""
        if job in self._expected:
            self._expected.discard(job)
            await self.tidy()
            await self._shelf.keep(job)

    def _submits_of(self, job: JobId) -> set[CorrelationId]:
        """Return the submits of a job whose tasks may still read what they name."""
        entry = self._store.entry(job)
        return {r.correlation_id for r in fold.alive(entry)} if entry is not None else set()

    async def media(
        self, job: Job, say: Callable[[str], None] = to_nobody
    ) -> Mapping[str, MediaUrl]:
        """Return a URL for each reference name and each needed job, good for as long as it takes.

        What it uses is kept until `release`, which is due where this raises, too. `say` hears what
        is waited for.

        Raises: ProviderError, ArtifactError.
        """
        media: dict[str, MediaUrl] = {}
        hosted: dict[str, LocalFile] = {}
        for use in job.references:
            found = await self._reference(use.reference)
            if isinstance(found, LocalFile):
                hosted[use.reference.name] = found
            else:
                media[use.reference.name] = found
        for need in job.needs:
            clip = await self._clip(need)
            if isinstance(clip, LocalFile):
                hosted[need] = clip
            else:
                media[need] = clip
        if hosted:
            await self._shelf.take(job.id, {file.sha256 for file in hosted.values()}, say)
            for name, file in hosted.items():
                media[name] = await self._lent(file)
        return media

    def use(self, job: JobId, submit: CorrelationId) -> None:
        """Note, before a submit leaves, which files it names: they outlive a crash with it."""
        links = [self._links[file] for file in self._shelf.files_of(job) if file in self._links]
        self._host.use(links, submit)

    async def release(self, job: JobId) -> None:
        """Take back what only this job used, unless a task of it may still read it."""
        await self.settled(job)
        if self._submits_of(job):
            await self._shelf.keep(job)
            return
        left = self._shelf.leave(job)
        for sha256 in left:
            async with self._locks[sha256]:
                link = self._links.get(sha256)
                if link is not None and not self._shelf.is_used(sha256):
                    del self._links[sha256]
                    await self._quietly(self._host.take_back(link, self._alive()))
        await self._shelf.clear(job, left)

    async def tidy(self, *, is_over: bool = False) -> None:
        """Take back what earlier runs left and no task can need; when it is over, of this one."""
        await self._quietly(self._host.tidy(self._alive(), is_over=is_over))
        await self._shelf.leave_to_others(len(self._host.left))

    def _alive(self) -> set[CorrelationId]:
        return {submit for job in self._store.lock.entries for submit in self._submits_of(job)}

    async def _quietly(self, work: Coroutine[None, None, None]) -> None:
        """Do what costs nobody anything if it fails: such files lapse by themselves."""
        try:
            await work
        except ProviderError as error:
            _log.warning("a file could not be deleted at the host: %s", error)

    async def _reference(self, reference: Reference) -> MediaUrl | LocalFile:
        if reference.url is not None:
            return MediaUrl(ascii_url(reference.url))
        if reference.asset is not None:
            return MediaUrl(f"asset://{reference.asset}")
        if reference.shot is not None:
            self._check_kind(reference.shot, reference.kind)
            if reference.kind is MediaKind.VIDEO:
                return await self._clip(reference.shot)
        file = self._local(reference)
        if reference.kind not in self._inline:
            return file
        await check_content(file)
        return await self._provider.upload(file)

    def _check_kind(self, job: JobId, kind: MediaKind) -> None:
        """Refuse what a person keeps though the manifest asks for something else there."""
        entry = self._store.entry(job)
        assert entry is not None, "a job that is made from another runs after it"
        assert entry.output is not None, "a job that is made from another runs after it"
        if entry.output.is_picture is not (kind is MediaKind.IMAGE):
            raise ArtifactError(
                f"{entry.output.path} is no {kind.value}, and {job} is given as one: render it "
                "anew, or give it as what it is; nothing was bought"
            )

    def _local(self, reference: Reference) -> LocalFile:
        if reference.shot is not None:
            entry = self._store.entry(reference.shot)
            assert entry is not None, "a job that is made from another runs after it"
            assert entry.output is not None, "a job that is made from another runs after it"
            path = self._files.path(entry.output.path)
            return _file(path, reference.kind, entry.output.sha256)
        assert reference.path is not None, "it is a path, a URL, an asset or of a shot"
        return _file(
            self._files.root / reference.path, reference.kind, self._digests[reference.name]
        )

    async def _clip(self, job: JobId) -> MediaUrl | LocalFile:
        if job in self._clips and self._holds(self._clips[job]):
            return self._clips[job].url
        entry = self._store.entry(job)
        assert entry is not None, "a needed job is done before"
        assert entry.output is not None, "a needed job is done before"
        record = fold.output_record(entry)
        if record is not None and record.task_id and record.provider == self._provider.name:
            try:
                task = await self._provider.poll(record.task_id)
            except NotFoundError:  # older than the provider remembers: the file is here
                task = None
            if task is not None and task.video is not None:
                self.remember(job, task.video.url, task.video.expires_at)
                if self._holds(self._clips[job]):
                    return self._clips[job].url
        path = self._files.path(entry.output.path)
        return _file(path, MediaKind.VIDEO, entry.output.sha256)

    async def _lent(self, file: LocalFile) -> MediaUrl:
        async with self._locks[file.sha256]:
            link = self._links.get(file.sha256)
            if link is None or not self._holds(link):
                link = self._links[file.sha256] = await self._host.lend(file)
            return link.url

    def _holds(self, link: Link) -> bool:
        return link.lapses_at is None or link.lapses_at - self._clock() >= self._wait


def _file(path: Path, kind: MediaKind, sha256: str) -> LocalFile:
    return LocalFile(path=str(path), kind=kind, sha256=sha256)
