"""Digests the local references of jobs, and says which are not there."""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from seedrender.errors import Origin, Violation
from seedrender.project.files import denial
from seedrender.project.roots import Roots
from seedrender.run.hashes import Hashes
from seedrender.values.job import Job, JobId
from seedrender.values.manifest import Path as Where
from seedrender.values.redaction import without_openers


def digest(
    root: Path, jobs: Sequence[Job], roots: Roots, place: Callable[[Where], Origin]
) -> tuple[dict[str, str], list[Violation]]:
    """Digest every local reference in use once; report those that are not there.

    `place` says where the key of a value stands.
    """
    digests: dict[str, str] = {}
    wrong: dict[str, str] = {}
    users: dict[str, list[JobId]] = {}
    hashes = Hashes(root)
    for job in jobs:
        for use in job.references:
            reference = use.reference
            if reference.path is None:
                continue
            if reference.name not in users:
                found = _digested(root / reference.path, reference.path, roots, hashes)
                digests |= {reference.name: found[0]} if found[0] else {}
                wrong |= {reference.name: found[1]} if found[1] else {}
            users.setdefault(reference.name, []).append(job.id)
    hashes.save()
    violations = [
        Violation(
            origin=place(("references", name)),
            message=f"reference '{name}': {what}",
            hint="paths are relative to the manifest",
            jobs=tuple(dict.fromkeys(users[name])),
            path=("references", name),
            code="reference",
        )
        for name, what in wrong.items()
    ]
    return digests, violations


def _digested(path: Path, written: str, roots: Roots, hashes: Hashes) -> tuple[str, str]:
    """Return a file's sha256, or why there is none."""
    if not roots.hold(path):
        return "", roots.words(path)
    shown = without_openers(written)  # it may be a mistyped URL
    try:
        if what := _no_file(path):
            return "", f"{shown} {what}"
        return hashes.sha256(path), ""
    except OSError as error:
        return "", f"{shown} cannot be read ({denial(error, path)})"


def _no_file(path: Path) -> str:
    """Say why there is no file at a path; empty: there is one. Raises: OSError."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "is a link that leads nowhere" if path.is_symlink() else "is not there"
    if stat.S_ISREG(mode):
        return ""
    return "is a folder" if stat.S_ISDIR(mode) else "is no regular file"
