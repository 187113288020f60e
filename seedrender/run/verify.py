"""Compares the clips and pictures on disk with what the lockfile says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from seedrender.errors import ArtifactError
from seedrender.lock import prune
from seedrender.media.medium import Medium, inspect
from seedrender.media.probe import Probe, probe
from seedrender.project.files import denial, sha256
from seedrender.project.roots import Roots
from seedrender.values.entry import Lock
from seedrender.values.job import JobId, MediaKind
from seedrender.values.task import Artifact, Frame


@dataclass(frozen=True, slots=True)
class Finding:
    """One clip; `wrong` is empty where it is as the lockfile says."""

    job: JobId
    path: str
    wrong: str


def verify(lock: Lock, folder: Path, outside: Iterable[Path] = ()) -> Iterator[Finding]:
    """Read every clip of a lock from one end to the other, in the order of the jobs.

    One that a link keeps elsewhere is read in the folders that are allowed.
    """
    roots = Roots.around(folder, outside)
    for job, entry in sorted(lock.entries.items()):
        files: list[Artifact | Frame] = [entry.output] if entry.output is not None else []
        for file in [*files, *prune.frames_of(entry)]:
            path = folder / file.path
            if not roots.hold(path):
                yield Finding(job, file.path, f"it {roots.words(path)}")
            elif isinstance(file, Artifact):
                yield Finding(job, file.path, _wrong(folder, file))
            else:
                yield Finding(job, file.path, _changed(folder, file))


def _changed(folder: Path, file: Artifact | Frame) -> str:
    path = folder / file.path
    if not path.is_file():
        return "it is not there"
    size = path.stat().st_size
    if size != file.size_bytes:
        return f"it has {size} bytes, not {file.size_bytes}"
    try:
        return "" if sha256(path) == file.sha256 else "its bytes are others (sha256)"
    except OSError as error:
        return f"it cannot be read ({denial(error, path)})"


def _wrong(folder: Path, output: Artifact) -> str:
    path = folder / output.path
    if wrong := _changed(folder, output):
        return wrong
    try:
        found = inspect(path) if output.is_picture else probe(path)
    except ArtifactError as error:
        return str(error)
    return _unlike(found, output)


def _unlike(found: Medium | Probe, output: Artifact) -> str:
    if isinstance(found, Medium) and found.kind is not MediaKind.IMAGE:
        return f"it is {found}"
    if (found.width, found.height) != (output.width, output.height):
        return f"it is {found.width}x{found.height}, not {output.width}x{output.height}"
    return ""
