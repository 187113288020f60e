"""Turns a stream of bytes into a verified clip in its place, and keeps what it replaces."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, BinaryIO

import aiofiles

from seedrender.errors import ArtifactError, SeedrenderError, StorageError
from seedrender.run.clock import Clock
from seedrender.run.downloads import Downloaded
from seedrender.values.job import MediaKind
from seedrender.values.picture import named
from seedrender.values.task import Artifact, Frame

Fill = Callable[[BinaryIO], Awaitable[Downloaded]]

_BLOCK_BYTES = 1 << 18
_SUPERSEDED, _FRAMES = ".superseded", ".last-frames"


@dataclass(frozen=True, slots=True)
class Files:
    """The files beside a manifest; every path handed in is posix, relative and stays inside."""

    root: Path  # the manifest's folder
    output_dir: str
    clock: Clock = field(default_factory=Clock)

    def path(self, relative: str) -> Path:
        """Return where a file is. Raises: StorageError where a link or `..` leads outside."""
        path = self.root / relative
        if not path.resolve().is_relative_to(self.root.resolve()):
            raise StorageError(
                f"{relative} leads outside the manifest's folder: nothing is written"
            )
        return path

    def is_present(self, artifact: Artifact | Frame) -> bool:
        """Say whether a file is on disk in its full size; its content is not read."""
        try:
            return (self.root / artifact.path).stat().st_size == artifact.size_bytes
        except OSError:
            return False

    async def save(
        self,
        blocks: AsyncIterator[bytes],
        target: str,
        *,
        promised_bytes: int | None,
        made_by: str,
        kind: MediaKind = MediaKind.VIDEO,
    ) -> tuple[Artifact, str | None]:
        """Stream to a partial file, verify it, and move it into place.

        Returns the artifact, and where the clip that it replaced is kept. A picture gets the
        suffix of the format that it turns out to have.

        Raises: ArtifactError where it is short or not of its kind; what was in place stays.
        """
        part, digest = self.part(target), hashlib.sha256()
        try:
            with writing(target), part.open("wb") as out:

                def take(block: bytes) -> None:
                    digest.update(block)
                    out.write(block)

                async for block in blocks:
                    await asyncio.to_thread(take, block)
                await asyncio.to_thread(_sync, out)
                size = out.tell()
        except ArtifactError:
            part.unlink(missing_ok=True)  # its room is needed: the disk may be full
            raise
        if promised_bytes is not None and size != promised_bytes:
            raise ArtifactError(f"{target}: {size} of {promised_bytes} bytes arrived")
        return await asyncio.to_thread(
            self._keep_and_place, part, target, digest.hexdigest(), made_by, kind
        )

    async def receive(
        self, fill: Fill, target: str, *, made_by: str, kind: MediaKind = MediaKind.VIDEO
    ) -> tuple[Artifact, str | None]:
        """Let `fill` write a partial file, verify it, and move it into place.

        Returns: as `save`.

        Raises: what `fill` raises; ArtifactError where it is not of its kind; StorageError.
        """
        part = self.part(target)
        with writing(target):
            out = part.open("wb")
        try:
            digest = (await fill(out)).sha256
            with writing(target):
                await asyncio.to_thread(_sync, out)
        except SeedrenderError:
            part.unlink(missing_ok=True)  # its room is needed: the disk may be full
            raise
        finally:
            with suppress(OSError):  # what is still buffered on a full disk
                out.close()
        return await asyncio.to_thread(self._keep_and_place, part, target, digest, made_by, kind)

    async def adopt(self, part: Path, target: str, *, made_by: str) -> Artifact:
        """Verify a file that was written here, and move it into place."""
        with writing(target):
            digest = await asyncio.to_thread(sha256, part)
        return await asyncio.to_thread(self._place, part, target, digest, made_by)

    async def keep_frame(self, clip: str, content: bytes, suffix: str) -> Frame:
        """Put a picture under a name of its own, so that none ever replaces another.

        Raises: ArtifactError.
        """
        digest = hashlib.sha256(content).hexdigest()
        inside = Path(clip)
        if inside.is_relative_to(self.output_dir):
            inside = inside.relative_to(self.output_dir)
        name = f"{inside.stem}.{digest[:12]}.{suffix}"
        target = (Path(self.output_dir) / _FRAMES / inside.with_name(name)).as_posix()
        part = self.part(target)
        try:
            with writing(target):
                async with aiofiles.open(part, "wb") as out:
                    await out.write(content)
                    await out.flush()
                    await asyncio.to_thread(os.fsync, out.fileno())
            await asyncio.to_thread(self._move_in, part, target)
        except ArtifactError:
            part.unlink(missing_ok=True)
            raise
        return Frame(path=target, sha256=digest, size_bytes=len(content))

    def part(self, target: str) -> Path:
        """Return the partial file's path beside its target, in a folder that exists."""
        path = self.path(target)
        with writing(target):
            _make_folder(path.parent)
        return part_path(path)

    def move(self, artifact: Artifact, target: str) -> Artifact:
        """Move a clip to the place that the manifest now gives it."""
        source, path = self.path(artifact.path), self.path(target)
        self.set_aside(target)
        with writing(target):
            _make_folder(path.parent)
            source.replace(path)
            sync_folder(path.parent)
        return replace(artifact, path=target, made_at=self.clock.now())

    def bring_back(self, artifact: Artifact, target: str) -> tuple[Artifact, str | None]:
        """Exchange what is in place for a clip that was set aside; also say where that went."""
        kept = self.set_aside(target)
        return self.move(artifact, target), kept

    def set_aside(self, relative: str) -> str | None:
        """Move a file that is about to be replaced to `.superseded/`; None: there was none."""
        path = self.path(relative)
        if not path.exists():
            return None
        with writing(relative):
            kept = self._kept_path(relative, sha256(path))
            target = self.path(kept)
            _make_folder(target.parent)
            path.replace(target)
            sync_folder(target.parent)
        return kept

    def where_kept(self, artifact: Artifact) -> str | None:
        """Say where a clip was set aside, also by a run that could not note it any more."""
        kept = self._kept_path(artifact.path, artifact.sha256)
        return kept if self.path(kept).is_file() else None

    def _kept_path(self, relative: str, digest: str) -> str:
        inside = Path(relative)
        if inside.is_relative_to(self.output_dir):
            inside = inside.relative_to(self.output_dir)
        name = f"{inside.stem}.{digest[:12]}{inside.suffix}"
        return (Path(self.output_dir) / _SUPERSEDED / inside.with_name(name)).as_posix()

    def _keep_and_place(
        self, part: Path, target: str, digest: str, made_by: str, kind: MediaKind
    ) -> tuple[Artifact, str | None]:
        with writing(target):
            artifact = self._verified(part, target, digest, made_by, kind)
            path = self.path(artifact.path)
            is_same = path.exists() and sha256(path) == digest
        kept = None if is_same else self.set_aside(artifact.path)
        self._move_in(part, artifact.path)
        return artifact, kept

    def _place(self, part: Path, target: str, digest: str, made_by: str) -> Artifact:
        artifact = self._verified(part, target, digest, made_by)
        self._move_in(part, target)
        return artifact

    def _verified(
        self,
        part: Path,
        target: str,
        digest: str,
        made_by: str,
        kind: MediaKind = MediaKind.VIDEO,
    ) -> Artifact:
        from seedrender.media.probe import probe  # PyAV is loaded where a clip is

        if kind is MediaKind.IMAGE:
            return self._seen(part, target, digest, made_by)
        found = probe(part)
        return Artifact(
            path=target,
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

    def _move_in(self, part: Path, target: str) -> None:
        path = self.path(target)
        with writing(target):
            part.replace(path)
            sync_folder(path.parent)


@contextmanager
def writing(target: str) -> Iterator[None]:
    """Turn what a disk says into the trouble of one clip. Raises: StorageError."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror}") from None


def sha256(path: Path) -> str:
    """Digest a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _make_folder(folder: Path) -> None:
    """Make a folder with those above it, so that they last."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def part_path(path: Path) -> Path:
    """Return where a file is written before it takes its place."""
    return path.with_name(f".{path.name}.part")


def write_atomically(path: Path, text: str) -> None:
    """Replace a text file; after a crash there is the old one or the new one, never a part."""
    part = part_path(path)
    with part.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        _sync(file)
    part.replace(path)
    sync_folder(path.parent)


def _sync(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make renames, and files that are new in a folder, last."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
