"""Turns the local clips that jobs are given into their lengths, for prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from seedrender.errors import ArtifactError
from seedrender.values.job import Job, MediaKind


def lengths(root: Path, jobs: Iterable[Job]) -> Mapping[str, float]:
    """Return the seconds of every local clip in use, by its reference; others are not known."""
    paths = {
        use.reference.name: root / use.reference.path
        for job in jobs
        for use in job.references
        if use.reference.kind is MediaKind.VIDEO and use.reference.path is not None
    }
    found = {name: _length(path) for name, path in paths.items()}
    return {name: seconds for name, seconds in found.items() if seconds is not None}


def _length(path: Path) -> float | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return _probed(path, stat.st_size, stat.st_mtime_ns)


@cache
def _probed(path: Path, _size: int, _changed: int) -> float | None:
    from seedrender.media.probe import probe  # PyAV is loaded where there is a clip to look at

    try:
        return probe(path).duration_s
    except ArtifactError:  # what is wrong with a reference is said by those who check it
        return None
