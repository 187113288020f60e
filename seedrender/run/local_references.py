"""Digests the local references of jobs, and says which are not there."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

from seedrender.errors import Violation
from seedrender.project.files import denial
from seedrender.project.roots import Roots
from seedrender.run.hashes import Hashes
from seedrender.values.job import Job
from seedrender.values.redaction import without_openers


def digest(root: Path, jobs: Sequence[Job], roots: Roots) -> tuple[dict[str, str], list[Violation]]:
    """Digest every local reference in use once; report those that are not there."""
    digests: dict[str, str] = {}
    violations: list[Violation] = []
    seen: set[str] = set()
    hashes = Hashes(root)
    for job in jobs:
        for use in job.references:
            reference = use.reference
            if reference.path is None or reference.name in seen:
                continue
            seen.add(reference.name)
            path = root / reference.path
            if not roots.hold(path):
                violations.append(_wrong(job, reference.name, roots.words(path)))
                continue
            shown = without_openers(reference.path)  # it may be a mistyped URL
            try:
                if what := _no_file(path):
                    violations.append(_wrong(job, reference.name, f"{shown} {what}"))
                else:
                    digests[reference.name] = hashes.sha256(path)
            except OSError as error:
                words = f"{shown} cannot be read ({denial(error, path)})"
                violations.append(_wrong(job, reference.name, words))
    hashes.save()
    return digests, violations


def _no_file(path: Path) -> str:
    """Say why there is no file at a path; empty: there is one. Raises: OSError."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "is a link that leads nowhere" if path.is_symlink() else "is not there"
    if stat.S_ISREG(mode):
        return ""
    return "is a folder" if stat.S_ISDIR(mode) else "is no regular file"


def _wrong(job: Job, reference: str, what: str) -> Violation:
    return Violation(
        origin=job.origin_of("references"),
        message=f"reference '{reference}': {what}",
        hint="paths are relative to the manifest",
        jobs=(job.id,),
        path=job.path_of("references"),
        code="reference",
    )
