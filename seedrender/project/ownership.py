"""Knows which manifest writes which file, so that none takes away the clips of another."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from seedrender.errors import LockError
from seedrender.lock import lockfile
from seedrender.project import lock_files
from seedrender.project.files import plain_bytes
from seedrender.project.own_folder import OwnFolder
from seedrender.project.roots import Roots, resolved
from seedrender.values.entry import Lock

NOTE = "outputs.json"
_VERSION = 1
_MOST_BYTES = 64 * 2**20
_HEAD_BYTES = 1 << 16
_OUR_LOCK = b'{"lock": '
_OUR_MANIFEST = re.compile(rb"^[\"']?seedrender[\"']?\s*:", re.MULTILINE)
_MANIFESTS = frozenset({".yaml", ".yml", ".j2"})


def lock_path(manifest: Path) -> Path:
    """Return where a manifest's lockfile is: `launch.yaml` and `launch.yaml.j2` → `launch.lock`."""
    stem = manifest.with_suffix("") if manifest.suffix == ".j2" else manifest
    return stem.with_suffix(".lock")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """An output of this manifest that another one writes."""

    path: str
    owner: str  # the other manifest
    told_by: str = ""  # the file that says so


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """What is noted of the outputs of one manifest, and of those around it.

    A run notes its outputs in `.seedrender/outputs.json`: beside the manifest, or in the output
    folder where that is a link to elsewhere. The lockfiles of other manifests in its folder count
    too: they come with git, and the note does not.
    """

    manifest: Path
    title: str  # the film's name: tells manifests apart that share a folder elsewhere
    output_dir: str
    roots: Roots
    _real_folders: dict[Path, Path] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def clashes(self, outputs: Iterable[str]) -> Iterator[Clash]:
        """Find the outputs that another manifest, which still exists, writes too."""
        wanted = {self._real(path): path for path in outputs}
        yield from self._noted(wanted)
        for path, lock in self.neighbours():
            outputs = [e.output.path for e in lock.entries.values() if e.output is not None]
            yield from self._shared(wanted, self._folder, outputs, lock.manifest, path.name)

    def shared_with(
        self, other: Ownership, outputs: Iterable[str], theirs: Iterable[str]
    ) -> Iterator[Clash]:
        """Find the outputs that another manifest, looked at beside this one, would write too."""
        if other.manifest.resolve() == self.manifest.resolve():
            return
        wanted = {self._real(path): path for path in outputs}
        owner = os.path.relpath(other.manifest, self.manifest.parent)
        for real in map(other._real, theirs):
            if real in wanted:
                yield Clash(path=wanted[real], owner=owner)

    def _noted(self, wanted: Mapping[Path, str]) -> Iterator[Clash]:
        for folder in self._folders(wanted):
            for owner, paths in _read_note(folder).items():
                is_ours = folder == self._home and owner == self._name
                if not is_ours and _exists(folder, owner):
                    told_by = f"{OwnFolder(folder).path(NOTE).relative_to(folder)}"
                    yield from self._shared(wanted, folder, paths, owner, told_by)

    def unreadable(self) -> Iterator[tuple[str, str]]:
        """Name the lockfiles of others that cannot be read, and why."""
        for path in self._lock_paths():
            try:
                _load(path)
            except LockError as error:
                yield path.name, str(error)

    def namesakes(self) -> Iterator[Path]:
        """Find the other manifests that would have the same lockfile, unless it is this one's."""
        own = lock_path(self.manifest)
        found = lock_files.look(resolved(own) or own)
        if found is not None and found.manifest == self.manifest.name:
            return
        for path in sorted(self.manifest.parent.glob(f"{own.stem}.*")):
            is_other = path.name != self.manifest.name and path.suffix in _MANIFESTS
            if is_other and lock_path(path) == own and _OUR_MANIFEST.search(_head(path)):
                yield path

    def written(self) -> frozenset[str]:
        """Return the outputs that runs of this manifest have noted, relative to its folder."""
        if self._home != self._folder:
            return frozenset()
        return frozenset(_read_note(self._home).get(self._name, ()))

    def noted(self) -> frozenset[str]:
        """Return the outputs that runs of any manifest of this folder have noted."""
        return frozenset(path for paths in _read_note(self._folder).values() for path in paths)

    def claim(
        self, outputs: Collection[str], is_ours: Callable[[Clash], bool] = lambda _: False
    ) -> tuple[Clash, ...]:
        """Note the outputs of this manifest, beside earlier ones that are still there.

        Those that another manifest has noted are returned and not noted, unless they are ours by
        now: of two runs that begin at once, the later one finds them. In a folder elsewhere that
        nobody allowed nothing is noted. Raises: OSError.
        """
        home = self._home
        if not self.roots.hold(home):
            return ()
        with _alone(OwnFolder(home).make()):
            noted = self._noted({self._real(path): path for path in outputs})
            clashes = tuple(clash for clash in noted if not is_ours(clash))
            self._note(home, set(outputs) - {clash.path for clash in clashes})
        return clashes

    def _note(self, home: Path, outputs: Iterable[str]) -> None:
        name, noted = self._name, _read_note(home)
        places = [self._real(path) for path in outputs]
        now = {p.relative_to(home).as_posix() for p in places if p.is_relative_to(home)}
        now |= {path for path in noted.get(name, ()) if (home / path).is_file()}
        kept = {owner: paths for owner, paths in noted.items() if _exists(home, owner)}
        kept = {owner: [p for p in paths if p not in now] for owner, paths in kept.items()}
        found = {**kept, name: sorted(now)}
        if found != noted:
            text = json.dumps({"outputs": _VERSION, "manifests": found}, indent=1, sort_keys=True)
            OwnFolder(home).write(NOTE, f"{text}\n")

    def _shared(
        self,
        wanted: Mapping[Path, str],
        folder: Path,
        paths: Iterable[str],
        owner: str,
        told_by: str,
    ) -> Iterator[Clash]:
        for path in paths:
            ours = wanted.get(self._in_real_folder(folder / path))
            if ours is not None:
                yield Clash(path=ours, owner=owner, told_by=told_by)

    @property
    def _folder(self) -> Path:
        return self.manifest.parent.resolve()

    @property
    def _home(self) -> Path:
        """The folder that holds the note."""
        output = resolved(self.manifest.parent / self.output_dir)
        if output is None or output.is_relative_to(self._folder):
            return self._folder
        return output

    @property
    def _name(self) -> str:
        is_here = self._home == self._folder
        return self.manifest.name if is_here else f"{self.title}/{self.manifest.name}"

    def _real(self, output: str) -> Path:
        """Return where an output really is; its own last name is not followed."""
        return self._in_real_folder(self.manifest.parent / output)

    def _in_real_folder(self, path: Path) -> Path:
        if path.parent not in self._real_folders:
            self._real_folders[path.parent] = resolved(path.parent) or path.parent
        return self._real_folders[path.parent] / path.name

    def _folders(self, wanted: Collection[Path]) -> list[Path]:
        """Return the folders around the outputs whose notes count, up to the bounds."""
        found = {self._home}
        for folder in {path.parent for path in wanted}:
            around = (folder, *folder.parents)
            bounds = [b for b in self.roots.bounds if folder.is_relative_to(b)]
            found |= {f for f in around if any(f.is_relative_to(b) for b in bounds)}
        return sorted(found)

    def _lock_paths(self) -> Iterator[Path]:
        own = lock_path(self.manifest)
        for path in sorted(self.manifest.parent.glob("*.lock")):
            if path.name != own.name and _OUR_LOCK in _head(path):
                yield path

    def siblings(self) -> Iterator[Path]:
        """Yield the other manifests of the folder, each with a lockfile of its own."""
        own = lock_path(self.manifest)
        for path in sorted(self.manifest.parent.glob("*")):
            is_other = path.suffix in _MANIFESTS and lock_path(path) != own
            if is_other and path.is_file() and _OUR_MANIFEST.search(_head(path)):
                yield path

    def neighbours(self) -> Iterator[tuple[Path, Lock]]:
        """Yield the lockfiles of the other manifests of the folder, as far as they can be read."""
        for path in self._lock_paths():
            try:
                lock = _load(path)
            except LockError:
                continue
            is_name = PurePosixPath(lock.manifest).name == lock.manifest
            is_other = is_name and lock.manifest != self.manifest.name
            if is_other and _exists(self._folder, lock.manifest):
                yield path, lock


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep others out of a folder for a moment; where there are no locks, nobody is kept out."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _exists(folder: Path, owner: str) -> bool:
    """Return whether a manifest is still there; of one from another folder that is not known."""
    return "/" in owner or (folder / owner).is_file()


def _load(path: Path) -> Lock:
    """Read the lockfile of another manifest. Raises: LockError."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise LockError("it is larger than 64 MiB")
        return lockfile.loads(plain_bytes(path).decode(), path.name)
    except (OSError, ValueError) as error:
        raise LockError(f"it cannot be read: {error}") from None


def _head(path: Path) -> bytes:
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError:
        return b""


def _read_note(folder: Path) -> dict[str, list[str]]:
    """Read what is noted in a folder; a file that is not as we write it says nothing."""
    own = OwnFolder(folder)
    path = own.path(NOTE)
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return {}
        found = json.loads(own.read(NOTE))
        if found["outputs"] != _VERSION:
            return {}
        return {str(owner): _paths(rows) for owner, rows in found["manifests"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _paths(rows: Iterable[object]) -> list[str]:
    """Keep what is a path inside."""
    found = [row for row in rows if isinstance(row, str) and "\x00" not in row]
    return [row for row in found if not row.startswith("/") and ".." not in row.split("/")]
