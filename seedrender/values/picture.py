"""Names the files of pictures: which format a task leaves is known once its bytes are there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from seedrender.values.job import Job, MediaKind
from seedrender.values.task import Artifact

SUFFIXES: Mapping[str, tuple[str, ...]] = {  # the first is ours, another one the author's
    "jpeg": (".jpeg", ".jpg"),
    "png": (".png",),
    "webp": (".webp",),
}
NAMES = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)


def named(path: str, form: str) -> str:
    """Return a path with the suffix of a format; one that says so already stays as it is."""
    suffixes = SUFFIXES.get(form, (f".{form}",))
    found = PurePosixPath(path)
    return path if found.suffix.lower() in suffixes else found.with_suffix(suffixes[0]).as_posix()


def stem(path: str) -> str:
    """Return a path without its suffix: what two pictures may not have in common."""
    return PurePosixPath(path).with_suffix("").as_posix()


def place(job: Job, clip: Artifact) -> str:
    """Return where what a job has belongs: what is no clip, or should be none, keeps its suffix."""
    if job.makes is MediaKind.VIDEO and not clip.is_picture:
        return job.output
    is_there = stem(clip.path) == stem(job.output)
    suffix = PurePosixPath(clip.path).suffix
    return clip.path if is_there else PurePosixPath(job.output).with_suffix(suffix).as_posix()


def another(path: str, number: int) -> str:
    """Return where a picture goes that came beside the one that was asked for."""
    found = PurePosixPath(path)
    return found.with_name(f"{found.stem}+{number}{found.suffix}").as_posix()
