"""Puts local files where a provider can read them, and takes them back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from seedrender.catalog.models import Uploads
from seedrender.errors import ArtifactError
from seedrender.project.files import sha256
from seedrender.run.leftovers import Leftovers
from seedrender.values.hosting import UrlPrefix
from seedrender.values.job import CorrelationId
from seedrender.values.provider import LocalFile, MediaUrl, Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where a file can be read, and until when; it may be signed: it is shown to nobody."""

    url: MediaUrl
    lapses_at: datetime | None = None  # None: it does not say


class Host(Protocol):
    """A place for local files. What it is given is known by content: the same file goes up once."""

    places: int | None  # files at once; None: as many as there are

    async def lend(self, file: LocalFile) -> Link:
        """Make a file readable; again for one that is there, for a fresh link.

        Raises: ProviderError; ArtifactError where the file is not what it was.
        """
        ...

    async def take_back(self, link: Link, alive: Collection[CorrelationId] = ()) -> None:
        """End what was lent, unless one of these submits names it. Raises: ProviderError."""
        ...

    @property
    def left(self) -> Mapping[str, Collection[CorrelationId]]:
        """Files of earlier runs that take up places, each with the submits that named it."""
        ...

    def use(self, links: Collection[Link], submit: CorrelationId) -> None:
        """Note, before a submit leaves, what it names."""
        ...

    async def tidy(self, alive: Collection[CorrelationId], *, is_over: bool) -> None:
        """Take back what earlier runs left and none of these submits names.

        When a run is over, what it left itself, too. Raises: ProviderError.
        """
        ...


@runtime_checkable
class Keeper(Protocol):
    """A provider that keeps a team's files, and must be told when they are not needed."""

    def file_id(self, url: MediaUrl) -> str | None:
        """Return by what name an upload of this run is kept; None: it is not kept."""
        ...

    async def forget(self, file_id: str) -> None:
        """Delete an upload; one that is gone already is no error."""
        ...

    def seal(self, text: str) -> str:
        """Return what only who has its key can make of a text."""
        ...


class ProviderHost:
    """The provider's own files: few, and given back as soon as no task needs them."""

    def __init__(
        self,
        provider: Provider,
        uploads: Uploads | None = None,
        leftovers: Leftovers | None = None,
    ) -> None:
        self.places = uploads.files if uploads is not None else None
        self._provider, self._leftovers = provider, leftovers
        self._tidying = asyncio.Lock()

    @property
    def left(self) -> Mapping[str, Collection[CorrelationId]]:
        """What the notes beside the manifest say."""
        return self._leftovers.earlier if self._leftovers is not None else {}

    def use(self, links: Collection[Link], submit: CorrelationId) -> None:
        """Note it beside the manifest."""
        if self._leftovers is not None:
            ids = [self._file_id(link.url) for link in links]
            self._leftovers.use([found for found in ids if found is not None], submit)

    async def lend(self, file: LocalFile) -> Link:
        """Upload a file."""
        await check_content(file)
        url = await self._provider.upload(file)
        file_id = self._file_id(url)
        if file_id is not None and self._leftovers is not None:
            self._leftovers.add(file_id)
        return Link(url=url)

    async def take_back(self, link: Link, alive: Collection[CorrelationId] = ()) -> None:
        """Delete it at the provider, which may keep one file for equal contents."""
        file_id, notes = self._file_id(link.url), self._leftovers
        if file_id is not None and not (notes is not None and notes.is_named(file_id, alive)):
            await self._forget(file_id)

    async def tidy(self, alive: Collection[CorrelationId], *, is_over: bool) -> None:
        """Delete what a run that was cut off could not."""
        if self._leftovers is None:
            return
        async with self._tidying:
            for file_id in self._leftovers.unneeded(alive, is_over=is_over):
                await self._forget(file_id)

    def _file_id(self, url: MediaUrl) -> str | None:
        return self._provider.file_id(url) if isinstance(self._provider, Keeper) else None

    async def _forget(self, file_id: str) -> None:
        """Delete a file; one that another manifest's list has is left to that one."""
        notes = self._leftovers
        if isinstance(self._provider, Keeper):
            if notes is None or not notes.is_anothers(file_id):
                await self._provider.forget(file_id)
            if notes is not None:
                notes.discard(file_id)


class PrefixHost:
    """An address under which the user serves the manifest's folder: nothing is sent there."""

    places: int | None = None
    left: Mapping[str, Collection[CorrelationId]] = MappingProxyType({})

    def __init__(self, prefix: UrlPrefix, root: Path) -> None:
        self._prefix, self._root = prefix, root

    async def lend(self, file: LocalFile) -> Link:
        """Say where a file is served."""
        await check_content(file)
        return Link(url=MediaUrl(self._prefix.address(self._relative(file.path))))

    def _relative(self, path: str) -> str:
        return Path(os.path.relpath(path, self._root)).as_posix()

    async def take_back(self, link: Link, alive: Collection[CorrelationId] = ()) -> None:
        """Leave what is not ours."""

    def use(self, links: Collection[Link], submit: CorrelationId) -> None:
        """Note nothing."""

    async def tidy(self, alive: Collection[CorrelationId], *, is_over: bool) -> None:
        """Likewise."""


async def check_content(file: LocalFile) -> None:
    """Refuse a file that is not the one a fingerprint was made of. Raises: ArtifactError."""
    try:
        found = await asyncio.to_thread(sha256, Path(file.path))
    except OSError as error:
        raise ArtifactError(f"{Path(file.path).name} cannot be read: {error.strerror}") from None
    if found != file.sha256:
        raise changed(file)


def changed(file: LocalFile) -> ArtifactError:
    """Make the error of a file that was written to meanwhile."""
    name = Path(file.path).name
    return ArtifactError(f"{name} changed while the run went on; nothing was bought: run again")
