"""Takes images of a run's disk, and of its provider, at every moment at which it could die."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from seedrender.run.project import Project
from tests.crash.disk import Disk
from tests.crash.film import WORLD, Ended, Film

JOURNAL, LOCK = "film.lock.journal", "film.lock"
_SMALL_BYTES = 1 << 16
_NOTED = re.compile(rb'"correlation_id": ?"([0-9a-f]{32})"')
_CREATED = re.compile(rb'"request_id": ?"([0-9a-f]{32})"')
Tree = Mapping[str, bytes]
Names = dict[str, dict[str, int]]  # folder → names in it → inode


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a process leaves behind that ends at this moment, and what the provider knows then."""

    what: str
    client: Tree  # file → content
    world: Tree
    wall: float

    @property
    def key(self) -> tuple[str, str]:
        """Equal images are resumed once."""
        return digest(self.client), digest(
            {k: v for k, v in self.world.items() if "clock" not in k}
        )

    def restore(self, film: Film) -> None:
        """Put everything back as it was."""
        world = film.folder / WORLD
        for path in [*film.folder.iterdir(), *world.parent.iterdir()]:
            if path in (world, world.parent):
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in world.iterdir():
            if path.is_file():
                path.unlink()
        for path in (world / "clips").glob("*.mp4"):
            path.unlink()  # they are made again from the task's own id
        for root, tree in ((film.folder, self.client), (world, self.world)):
            for name, content in tree.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        film.wall = self.wall


def noted(image: Image) -> frozenset[bytes]:
    """Return the submits that the client has on its disk."""
    return frozenset(_NOTED.findall(image.client.get(JOURNAL, b"") + image.client.get(LOCK, b"")))


def created(world: Tree) -> frozenset[bytes]:
    """Return the submits for which the provider has a task."""
    return frozenset(_CREATED.findall(b"".join(world.values())))


def digest(tree: Tree) -> str:
    """Return the same word for the same files."""
    found = hashlib.sha256()
    for name in sorted(tree):
        found.update(f"{name}:{len(tree[name])}:".encode() + hashlib.sha256(tree[name]).digest())
    return found.hexdigest()


class Camera:
    """Looks at a folder at every step of a loop and around every operation on the disk."""

    def __init__(self, film: Film) -> None:
        self._film = film
        self._root = film.folder
        self._contents: dict[tuple[int, int, int], bytes] = {}
        self._before: object = None
        self._synced: dict[int, bytes] = {}  # inode → content
        self._kind_names: Names = {}  # on the platter where a synced file has its name, too
        self._strict_names: Names = {}  # where a name is synced with its folder only
        self.disk = Disk(film.folder, self._look_before, self._look_after)
        self.counts: Counter[str] = Counter()
        self.images: list[Image] = []
        self.lost_power: list[Image] = []  # each beside the image of the same moment

    def film_run(self, loaded: Project) -> Ended:
        """Run the film to its end, and keep an image of every moment of it."""
        self._film.keep_base()
        self._all_is_synced()
        with self.disk:
            ended = self._film.run(loaded, on_step=self._step)
        self._take("the end")
        return ended

    def _step(self) -> None:
        self.counts["steps"] += 1
        with self.disk.quiet:
            self._take(f"step {self.counts['steps']}")

    def _look_before(self, kind: str, path: Path) -> None:
        self.counts["disk operations"] += 1
        self._take(f"before {kind} {path.name} ({self.counts['disk operations']})")

    def _look_after(self, kind: str, path: Path) -> None:
        if kind == "open" and path.is_file() and path.stat().st_size == 0:
            self._synced.pop(path.stat().st_ino, None)
        if kind == "fsync" and path.is_dir():
            for platter in (self._kind_names, self._strict_names):
                platter[self._relative(path)] = _names(path)
        elif kind == "fsync" and path.is_file():
            self._synced[path.stat().st_ino] = path.read_bytes()
            names = self._kind_names.setdefault(self._relative(path.parent), {})
            names[path.name] = path.stat().st_ino
        self._take(f"after {kind} {path.name} ({self.counts['disk operations']})")

    def _take(self, what: str) -> None:
        signature = tuple(self._stats())
        if signature == self._before:
            return
        self._before = signature
        image = look(self._film, what, self._contents)
        self.images.append(image)
        for names in (self._kind_names, self._strict_names):
            platter = self._platter(names)
            self.lost_power.append(replace(image, what=f"power lost {what}", client=platter))

    def _stats(self) -> Iterator[tuple[str, int, int, int]]:
        for name, _, stat in _files(self._root):
            yield name, stat.st_ino, stat.st_size, stat.st_mtime_ns

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()

    def _all_is_synced(self) -> None:
        for _, path, stat in _files(self._root):
            self._synced[stat.st_ino] = path.read_bytes()
        for folder, _, _ in os.walk(self._root):
            for platter in (self._kind_names, self._strict_names):
                platter[self._relative(Path(folder))] = _names(Path(folder))

    def _platter(self, platter: Names) -> Tree:
        """Return what is left without power: what was synced, under names that were synced."""
        return {
            f"{folder}/{name}".removeprefix("./"): self._synced.get(inode, b"")
            for folder, names in platter.items()
            for name, inode in names.items()
            if not folder.startswith(WORLD.as_posix())
        }


def look(film: Film, what: str, contents: dict[tuple[int, int, int], bytes]) -> Image:
    """Take one image; `contents` keeps what large files hold, so that they are read once."""
    client, world = {}, {}
    for name, path, stat in _files(film.folder):
        if name.startswith(f"{WORLD.as_posix()}/"):
            inside = name.removeprefix(f"{WORLD.as_posix()}/")
            if not inside.startswith("clips/"):
                world[inside] = _content(path, stat, contents)
        else:
            client[name] = _content(path, stat, contents)
    return Image(what=what, client=client, world=world, wall=film.moment)


def _content(
    path: Path, stat: os.stat_result, contents: dict[tuple[int, int, int], bytes]
) -> bytes:
    if stat.st_size < _SMALL_BYTES:
        return path.read_bytes()
    key = stat.st_ino, stat.st_size, stat.st_mtime_ns
    if key not in contents:
        contents[key] = path.read_bytes()
    return contents[key]


def _files(root: Path) -> Iterator[tuple[str, Path, os.stat_result]]:
    for folder, _, names in os.walk(root):
        for name in sorted(names):
            path = Path(folder) / name
            with suppress(FileNotFoundError):  # a thread of the simulator's, at work
                yield path.relative_to(root).as_posix(), path, path.stat()


def _names(folder: Path) -> dict[str, int]:
    return {entry.name: entry.inode() for entry in os.scandir(folder) if entry.is_file()}


def landed(images: list[Image]) -> Iterator[Image]:
    """Return each image once more, with all that was on the wire arrived at the provider."""
    worlds = [(image.world, created(image.world), image.wall) for image in images]
    for number, image in enumerate(images):
        known = noted(image)
        later = [w for w in worlds[number:] if w[1] <= known]
        if later:
            yield replace(image, what=f"{image.what}, all landed", world=later[-1][0])


def torn(images: list[Image]) -> Iterator[tuple[Image, Image]]:
    """Return each write to the journal: the images before and behind it."""
    for one, other in itertools.pairwise(images):
        before, after = one.client.get(JOURNAL), other.client.get(JOURNAL, b"")
        if before is not None and len(after) > len(before) and after.startswith(before):
            yield one, other


def distinct(images: list[Image]) -> list[Image]:
    """Leave out what is the same to a process that comes later."""
    return list({image.key: image for image in images}.values())
