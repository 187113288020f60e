"""Turns a stream of bytes into a verified clip in its place, and keeps what it replaces."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import aiofiles

from seedrender.errors import ArtifactError, StorageError
from seedrender.project.clips import FRAMES, Clips
from seedrender.project.files import (
    NewFile,
    copy_file,
    make_folder,
    move_file,
    replace_file,
    sha256,
    writing,
)
from seedrender.run.clock import Clock
from seedrender.run.downloads import Downloaded
from seedrender.values.job import MediaKind
from seedrender.values.picture import named
from seedrender.values.task import SUPERSEDED, Artifact, Frame

Fill = Callable[[BinaryIO], Awaitable[Downloaded]]


@dataclass(frozen=True, slots=True)
class Files(Clips):
    """The files beside a manifest, as a run makes, moves and replaces them."""

    clock: Clock = field(default_factory=Clock)

    @contextmanager
    def making(self, target: str) -> Iterator[NewFile]:
        """Begin a file beside its target, in a folder that exists; what is not placed goes.

        Raises: StorageError.
        """
        path = self.path(target)
        with writing(target):
            make_folder(path.parent)
            new = NewFile(path)
        try:
            yield new
        finally:
            new.discard()

    async def receive(
        self, fill: Fill, target: str, *, made_by: str, kind: MediaKind = MediaKind.VIDEO
    ) -> tuple[Artifact, str | None]:
        """Let `fill` write a new file, verify it, and move it into place.

        Returns: as `save`.

        Raises: what `fill` raises; ArtifactError where it is not of its kind; StorageError.
        """
        with self.making(target) as new:
            digest = (await fill(new.file)).sha256
            return await asyncio.to_thread(
                self.place, new, target, digest=digest, made_by=made_by, kind=kind
            )

    async def save(
        self,
        blocks: AsyncIterator[bytes],
        target: str,
        *,
        promised_bytes: int | None,
        made_by: str,
        kind: MediaKind = MediaKind.VIDEO,
    ) -> tuple[Artifact, str | None]:
        """Stream to a new file, verify it, and move it into place.

        Returns the artifact, and where the clip that it replaced is kept. A picture gets the
        suffix of the format that it turns out to have.

        Raises: ArtifactError where it is short or not of its kind; what was in place stays.
            StorageError.
        """
        digest = hashlib.sha256()

        def take(block: bytes) -> None:
            digest.update(block)
            with writing(target):
                new.file.write(block)

        with self.making(target) as new:
            async for block in blocks:
                await asyncio.to_thread(take, block)
            with writing(target):
                size = new.size_bytes
            if promised_bytes is not None and size != promised_bytes:
                raise ArtifactError(f"{target}: {size} of {promised_bytes} bytes arrived")
            return await asyncio.to_thread(
                self.place, new, target, digest=digest.hexdigest(), made_by=made_by, kind=kind
            )

    def place(
        self,
        new: NewFile,
        target: str,
        *,
        digest: str,
        made_by: str,
        kind: MediaKind = MediaKind.VIDEO,
        replaces: str | None = None,
    ) -> tuple[Artifact, str | None]:
        """Verify a new file and move it into place; also say where what it replaced is kept.

        What has the sha256 `replaces` is not kept.

        Raises: ArtifactError, StorageError.
        """
        with writing(target):
            new.sync()  # on the disk before anything makes room for it
            artifact = self._verified(new.path, target, digest, made_by, kind)
        path = self.path(artifact.path)
        is_needless = self._digests.of(path) in (digest, replaces or digest)
        kept = None if is_needless else self.set_aside(artifact.path)
        with writing(artifact.path):
            new.place(path)
        return artifact, kept

    async def adopt(
        self, new: NewFile, target: str, *, made_by: str, replaces: str | None = None
    ) -> Artifact:
        """Verify a file that was written here, and move it into place.

        What lies there is set aside, unless its sha256 is that of `replaces`.
        """
        with writing(target):
            digest = await asyncio.to_thread(sha256, new.path)
        artifact, _ = await asyncio.to_thread(
            self.place, new, target, digest=digest, made_by=made_by, replaces=replaces
        )
        return artifact

    async def keep_frame(self, clip: str, content: bytes, suffix: str) -> Frame:
        """Put a picture under a name of its own, so that none ever replaces another.

        Raises: StorageError.
        """
        digest = hashlib.sha256(content).hexdigest()
        target = self._beside(FRAMES, clip, digest, suffix=f".{suffix}")
        with self.making(target) as new, writing(target):
            async with aiofiles.open(new.file.fileno(), "wb", closefd=False) as out:
                await out.write(content)
            await asyncio.to_thread(new.place)
        return Frame(path=target, sha256=digest, size_bytes=len(content))

    def move(self, artifact: Artifact, target: str, *, is_shared: bool = False) -> Artifact:
        """Bring a clip, from wherever its bytes are, to the place that the manifest now gives it.

        Shared bytes, which are another job's clip too, are copied.

        Raises: ArtifactError where no file has its bytes; StorageError.
        """
        found = self.find(artifact)
        if found is None:
            raise ArtifactError(
                f"{artifact.path} has other bytes than the lock says, and no file has those; "
                "nothing was moved"
            )
        source, path = self.path(found), self.path(target)
        if not self.has(target, artifact):
            self.set_aside(target)
            self._bring(
                source, path, artifact.sha256, is_taken=self._may_take(found) and not is_shared
            )
        elif source.name != path.name and source.samefile(path) and not source.is_symlink():
            with writing(target):
                replace_file(source, path)  # two spellings of one name
        return replace(artifact, path=target, made_at=self.clock.now())

    def bring_back(
        self, artifact: Artifact, target: str, *, is_shared: bool = False
    ) -> tuple[Artifact, str | None]:
        """Exchange what is in place for a clip that was set aside; also say where that went.

        Raises: ArtifactError where that clip is nowhere: what is in place stays; StorageError.
        """
        found = self.find(artifact)
        if found is None:
            raise ArtifactError(f"{artifact.path} is not there as the lock says; nothing was moved")
        kept = None if self.has(target, artifact) else self.set_aside(target)
        return self.move(artifact, target, is_shared=is_shared), kept

    def exchange(self, first: Artifact, second: Artifact) -> tuple[Artifact, Artifact]:
        """Exchange two clips; cut off in between, both are found by their bytes.

        Raises: ArtifactError where one is not in its place; StorageError.
        """
        for artifact in (first, second):
            if not self.has(artifact.path, artifact):
                raise ArtifactError(f"{artifact.path} has not the bytes that the lock says")
        aside = self.set_aside(first.path) or first.path
        moved = self.move(second, first.path)
        return self.move(replace(first, path=aside), second.path), moved

    def set_aside(self, relative: str) -> str | None:
        """Move a file that is about to be replaced to `.superseded/`; None: there was none.

        Raises: StorageError where it is no file.
        """
        path = self.path(relative)
        with writing(relative):
            if not path.exists():
                return None
            if not path.is_file():
                raise StorageError(f"{relative} is no file: move it away; nothing was replaced")
            digest = sha256(path)
        kept = self._beside(SUPERSEDED, relative, digest, suffix=path.suffix)
        self._bring(path, self.path(kept), digest)
        return kept

    def remove(self, artifact: Artifact | Frame) -> bool:
        """Delete a clip that is where clips are written and as the lock says; False: it is not."""
        if not (self._may_take(artifact.path) and self.has(artifact.path, artifact)):
            return False
        with writing(artifact.path):
            (self.root / artifact.path).unlink()
        self._kept.forget()
        return True

    def _bring(self, source: Path, target: Path, digest: str, *, is_taken: bool = True) -> None:
        """Move a file, or copy it; of a link the bytes are copied, and only the link goes."""
        with writing(target.name):
            if is_taken and not source.is_symlink():
                move_file(source, target, digest)
            else:
                copy_file(source, target, digest)
                if is_taken:
                    source.unlink()
        self._kept.forget()

    def _verified(
        self, part: Path, target: str, digest: str, made_by: str, kind: MediaKind
    ) -> Artifact:
        from seedrender.media.probe import probe  # PyAV is loaded where a clip is

        if kind is MediaKind.IMAGE:
            return self._seen(part, target, digest, made_by)
        found = probe(part)
        return Artifact(
            path=named(target, found.container),
            sha256=digest,
            size_bytes=found.size_bytes,
            duration_s=round(found.duration_s, 3),
            width=found.width,
            height=found.height,
            made_at=self.clock.now(),
            made_by=made_by,
        )

    def _seen(self, part: Path, target: str, digest: str, made_by: str) -> Artifact:
        """Look at a picture, which is named after its format. Raises: ArtifactError."""
        from seedrender.media.medium import inspect

        found = inspect(part)
        if not (found.kind is MediaKind.IMAGE and found.format and found.width and found.height):
            raise ArtifactError(f"{target}: no picture but {found}")
        return Artifact(
            path=named(target, found.format),
            sha256=digest,
            size_bytes=part.stat().st_size,
            width=found.width,
            height=found.height,
            made_at=self.clock.now(),
            made_by=made_by,
        )
