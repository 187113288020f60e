"""Names the files of clips and pictures: which format a task leaves is known by its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from seedrender.values.job import Job, MediaKind
from seedrender.values.task import Artifact

PICTURES: Mapping[str, tuple[str, ...]] = {  # the first is ours, another one the author's
    "jpeg": (".jpeg", ".jpg"),
    "png": (".png",),
    "webp": (".webp",),
}
CLIPS: Mapping[str, tuple[str, ...]] = {
    "mp4": (".mp4",),
    "mov": (".mov",),
    "webm": (".webm",),
    "gif": (".gif",),
    "mkv": (".mkv",),
}
SUFFIXES: Mapping[str, tuple[str, ...]] = {**PICTURES, **CLIPS}
NAMES = frozenset(suffix for suffixes in PICTURES.values() for suffix in suffixes)


def named(path: str, form: str) -> str:
    """Return a path with the suffix of a format; one that says so already stays as it is."""
    suffixes = SUFFIXES.get(form, (f".{form}",))
    found = PurePosixPath(path)
    return path if found.suffix.lower() in suffixes else found.with_suffix(suffixes[0]).as_posix()


def form_of(path: str) -> str:
    """Return the format that a path is named after."""
    suffix = PurePosixPath(path).suffix.lower()
    named_so = (form for form, suffixes in SUFFIXES.items() if suffix in suffixes)
    return next(named_so, suffix.removeprefix("."))


def stem(path: str) -> str:
    """Return a path without its suffix: what two files of one job may not have in common."""
    return PurePosixPath(path).with_suffix("").as_posix()


def place(job: Job, clip: Artifact) -> str:
    """Return where what a job has belongs: it keeps the suffix of what it is."""
    if job.makes is MediaKind.VIDEO and form_of(clip.path) == form_of(job.output):
        return job.output
    is_there = stem(clip.path) == stem(job.output)
    suffix = PurePosixPath(clip.path).suffix
    return clip.path if is_there else PurePosixPath(job.output).with_suffix(suffix).as_posix()


def is_replaced(old: str, new: str) -> bool:
    """Say whether a file under another suffix takes a file's place, and leaves it behind."""
    return old != new and stem(old) == stem(new)


def another(path: str, number: int) -> str:
    """Return where a picture goes that came beside the one that was asked for."""
    found = PurePosixPath(path)
    return found.with_name(f"{found.stem}+{number}{found.suffix}").as_posix()
