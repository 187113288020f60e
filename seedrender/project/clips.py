"""Finds the clips of a lock on disk: by their bytes, whatever their names are by now."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path, PurePosixPath

from seedrender.errors import StorageError
from seedrender.lock.prune import known_files
from seedrender.project import lfs
from seedrender.project.digests import Digests
from seedrender.project.files import plain_bytes
from seedrender.project.footage import Footage
from seedrender.project.kept import DIGITS, Kept
from seedrender.project.roots import Roots
from seedrender.values.entry import Lock
from seedrender.values.magic import HEAD_BYTES, is_footage, is_footage_name
from seedrender.values.task import SUPERSEDED, Artifact, Frame

FRAMES = ".last-frames"


@dataclass(frozen=True, slots=True)
class Clips:
    """The clips beside a manifest; every path handed in is posix, relative and stays inside.

    A path in a lock is no authority: a file may be taken away only where clips are written, only if
    it is a clip or a picture, and only if it has the sha256 that the lock says. A clip that lies
    elsewhere is copied, and stays.
    """

    root: Path  # the manifest's folder
    output_dir: str
    allowed: tuple[Path, ...] = ()  # folders elsewhere that links may lead to
    inputs: Collection[str] = ()  # files of the author, that are never taken away
    written: Callable[[], Collection[str]] = tuple  # places elsewhere that earlier runs wrote to
    noted: Callable[[], Collection[str]] = tuple  # where runs of all manifests of the folder wrote
    are_others: Callable[[str], bool] = lambda _path: False  # places of manifests beside this one
    places: Callable[[str], Collection[str]] = (
        lambda _sha256: ()
    )  # that a clip is known to have had
    _digests: Digests = field(default_factory=Digests, init=False, repr=False, compare=False)
    _kept: Kept = field(default_factory=Kept, init=False, repr=False, compare=False)
    _footage: Footage = field(default_factory=Footage, init=False, repr=False, compare=False)
    # found by their bytes alone, and not written by us: they are copied
    _staying: set[str] = field(default_factory=set, init=False, repr=False, compare=False)
    _roots: list[Roots] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def roots(self) -> Roots:
        """The folders that a path may lead to."""
        if not self._roots:
            self._roots.append(Roots.around(self.root, self.allowed))
        return self._roots[0]

    def path(self, relative: str) -> Path:
        """Return where a file is. Raises: StorageError where a link or `..` leads outside."""
        path = self.root / relative
        if not self.roots.hold(path):
            raise StorageError(f"{relative} {self.roots.words(path)}; nothing was written")
        return path

    def is_present(self, artifact: Artifact | Frame) -> bool:
        """Say whether a clip or picture is there in its full size; its content is not read."""
        try:
            size_bytes = (self.root / artifact.path).stat().st_size
        except OSError:
            return False
        return size_bytes == artifact.size_bytes and is_footage_name(artifact.path)

    def find(self, artifact: Artifact | Frame, also: Collection[str] = ()) -> str | None:
        """Return where the bytes of a clip are, by their sha256; None: nowhere that is known.

        Looked at are the places handed in, its recorded place, what was set aside, the places that
        it is known to have had, and last every file of its size among the outputs.
        """
        kept = self._kept_names(artifact.sha256)
        places = dict.fromkeys([*also, artifact.path, *kept])
        recorded = (place for place in places if self.has(place, artifact))
        before = (p for p in self._places_before(artifact.sha256) if self.has(p, artifact))
        return next(recorded, None) or next(before, None) or self._alike(artifact)

    def _alike(self, artifact: Artifact | Frame) -> str | None:
        """Find a file by its bytes alone; one that no run has written is copied, and stays."""
        places = self._footage.of_size(artifact.size_bytes, self.root, self.output_dir, self.noted)
        found = next((place for place in places if self.has(place, artifact)), None)
        if found is not None and found not in self.written():
            self._staying.add(found)
        return found

    def unexplained(
        self, path: str, known: Collection[str], sizes: Collection[int] | None = None
    ) -> bool:
        """Return whether a file lies at an output path that no record explains.

        `known` are the sha256 of all that a record explains. A file of none of their `sizes`, where
        those are given, is not read.
        """
        place = self.root / path
        if not os.path.lexists(place):
            return False
        try:
            size_bytes = place.stat().st_size
        except OSError:
            return True  # a link that leads nowhere
        if size_bytes <= lfs.MOST_BYTES and self._pointed_at(place) in known:
            return False
        if sizes is not None and size_bytes not in sizes:
            return True
        return self._digests.of(place) not in known

    def _pointed_at(self, place: Path) -> str | None:
        with suppress(OSError):
            return lfs.pointed_at(plain_bytes(place, most=lfs.MOST_BYTES))
        return None

    def folder_beside(self, kind: str, relative: str) -> Path:
        """Return where what belongs to an output is kept: under `.superseded`, `.last-frames`."""
        return (self.root / self.output_dir / kind / self._inside(relative)).parent

    def _inside(self, relative: str) -> PurePosixPath:
        """Return a path relative to the output folder, or as it is where it is outside of it."""
        path = PurePosixPath(relative)
        is_inside = path.is_relative_to(self.output_dir)
        return path.relative_to(self.output_dir) if is_inside else path

    def has(self, relative: str, artifact: Artifact | Frame) -> bool:
        """Return whether a file inside is a clip or picture with these bytes."""
        path = self.root / relative
        if not is_footage_name(relative) or not self.roots.hold(path):
            return False
        if self._digests.of(path, artifact.size_bytes) != artifact.sha256:
            return False
        return _begins_as_footage(path)

    def _may_take(self, relative: str) -> bool:
        """Return whether a file lies where clips are written, and is none of the author's."""
        place = PurePosixPath(relative)
        if place.as_posix() in self.inputs or ".." in place.parts:
            return False
        if place.as_posix() in self._staying or self.are_others(place.as_posix()):
            return False
        return place.is_relative_to(self.output_dir) or place.as_posix() in self.written()

    def _places_before(self, digest: str) -> Iterator[str]:
        """Yield where a clip has been, and where the run of another manifest may have set it aside.

        That is below the output folder of its place, which is one of those above it.
        """
        places = self.places(digest)
        yield from places
        for folder in dict.fromkeys(above for p in places for above in PurePosixPath(p).parents):
            yield from self._kept_names(digest, folder)

    def _kept_names(self, digest: str, output_dir: PurePosixPath | None = None) -> list[str]:
        folder = (output_dir or PurePosixPath(self.output_dir)) / SUPERSEDED
        return [(folder / name).as_posix() for name in self._kept.names(self.root / folder, digest)]

    def _beside(self, folder: str, relative: str, digest: str, *, suffix: str) -> str:
        """Return a name that ends in the digits of a digest, and is free or has these bytes."""
        inside = self._inside(relative)
        for number in count():
            more = f".{number}" if number else ""
            name = f"{inside.stem}{more}.{digest[:DIGITS]}{suffix}"
            found = (PurePosixPath(self.output_dir) / folder / inside.with_name(name)).as_posix()
            path = self.path(found)
            if not os.path.lexists(path) or self._digests.of(path) == digest:
                break
        return found


class Unexplained:
    """Says whether a file lies at a path that no record explains; reads what it needs once."""

    def __init__(self, clips: Clips, lock: Lock, remembered: Callable[[Lock], Lock]) -> None:
        self._clips, self._lock, self._remembered = clips, lock, remembered
        self._known: frozenset[str] | None = None

    def __call__(self, path: str) -> bool:
        """Answer for one path, relative to the manifest."""
        if not os.path.lexists(self._clips.root / path):
            return False
        if self._known is None:
            self._known = known_files(self._lock) | known_files(self._remembered(self._lock))
        return self._clips.unexplained(path, self._known)


def _begins_as_footage(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return is_footage(file.read(HEAD_BYTES))
    except OSError:
        return False
