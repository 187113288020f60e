"""Turns an output name into a clip's path, and finds clips that would overwrite each other."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from seedrender.errors import Origin, Violation
from seedrender.source.settings import Evaluator, Written
from seedrender.values.job import Job, JobId, MediaKind
from seedrender.values.manifest import LongTake
from seedrender.values.picture import NAMES, named, stem

_MAX_NAME_BYTES = 200
_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{name}{n}" for name in ("COM", "LPT") for n in range(10))}
)


def clip_path(
    evaluator: Evaluator,
    written: Written,
    directory: str,
    variables: Mapping[str, Any],
    at: Origin,
    form: str = "mp4",
) -> str | None:
    """Evaluate a clip's path, relative to the manifest; None: it is wrong, and that is noted.

    A picture has the suffix of its format, where the name is not the shot's own.
    """
    name = evaluator.text(written, variables, (at,))
    if name is None:
        return None
    is_shared = written.path[:1] == ("output",)
    if form != "mp4" and is_shared and name.lower().endswith(".mp4"):
        name = named(name, form)
    wrong = _wrong_name(name, NAMES if form != "mp4" else {".mp4"})
    if wrong:
        hint = f"the path is relative to {directory}/"
        evaluator.problem(written, f"output '{name[:80]}' {wrong}", hint, (at,))
        return None
    return (PurePosixPath(directory) / name).as_posix()


def job_variables(job: JobId, shot: str, take: int) -> dict[str, Any]:
    """Return what an output name may say of its job."""
    return {"job": {"id": job, "shot": shot, "take": take}}


def _wrong_name(name: str, suffixes: Collection[str]) -> str:
    path = PurePosixPath(name)
    rules = (
        (path.is_absolute() or ".." in path.parts, "leads outside"),
        (not name.strip() or name.endswith("/"), "is no file name"),
        (
            not name.isprintable() or any(c in '\\<>:"|?*' for c in name),
            "has a character that file systems refuse",
        ),
        (
            any(len(part.encode()) > _MAX_NAME_BYTES for part in path.parts),
            f"has a part of more than {_MAX_NAME_BYTES} bytes",
        ),
        (any(part.startswith(".") for part in path.parts), "has a part that starts with a dot"),
        (
            any(part != part.rstrip(". ") for part in path.parts),
            "has a part that ends with a dot or a space, which Windows takes away",
        ),
        (
            any(part.partition(".")[0].rstrip().upper() in _DEVICES for part in path.parts),
            "has a part that is a device on Windows",
        ),
        (path.suffix.lower() not in suffixes, f"is no {' or '.join(sorted(suffixes))}"),
    )
    return next((words for is_wrong, words in rules if is_wrong), "")


def _room(job: Job) -> str:
    """Return what of a job's path is its own: of a picture all names of its stem."""
    return f"{stem(job.output)}.*" if job.makes is MediaKind.IMAGE else job.output


def collisions(jobs: Sequence[Job], takes: Sequence[LongTake]) -> Iterator[Violation]:
    """Find clips that would overwrite each other, also where case or accents are folded."""
    owners: dict[str, tuple[str, Origin]] = {}
    by_shot = {job.shot: job.origin for job in jobs}
    outputs = [(str(job.id), _room(job), job.origin_of("output")) for job in jobs]
    outputs += [(take.id, take.output, by_shot[take.id]) for take in takes]
    for owner, output, origin in outputs:
        key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", output).casefold())
        folders = [parent.as_posix() for parent in PurePosixPath(key).parents][:-1]
        if inside := next((folder for folder in folders if folder in owners), None):
            message = f"{owner} would be in a folder that is the clip of {owners[inside][0]}"
            yield Violation(origin=origin, message=message, hint="rename one", code="output")
        if key in owners and owners[key][0] != owner:
            first, other = owners[key]
            message = f"{owner} and {first} have one output: {output}"
            hint = "put {{ job.id }} into the name"
            related = (other,) if other != origin else ()
            yield Violation(
                origin=origin, message=message, hint=hint, related=related, code="output"
            )
        owners.setdefault(key, (owner, origin))
