"""Looks at the places that a project's run would write to, and refuses what could not be kept."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from pathlib import PurePosixPath

from seedrender.errors import (
    LockError,
    ManifestError,
    SeedrenderError,
    Severity,
    Violation,
    merged,
)
from seedrender.lock.prune import clips_of
from seedrender.project.clips import FRAMES
from seedrender.project.files import tidy
from seedrender.project.own_folder import NAME
from seedrender.project.ownership import Clash
from seedrender.project.places import Places, Wanted
from seedrender.project.purchases import PurchaseLog
from seedrender.run.project import Project
from seedrender.values.entry import Lock
from seedrender.values.task import SUPERSEDED


def places(project: Project) -> Places:
    """Return the places of the selected jobs and their long takes."""
    by_id = {job.id: job for job in project.all_jobs}
    wanted = [
        Wanted(
            path=job.output,
            owner=job.id,
            origin=job.origin_of("output"),
            at=job.path_of("output"),
        )
        for job in project.jobs
    ]
    wanted += [
        Wanted(path=take.output, owner=take.id, origin=by_id[take.segments[0]].origin)
        for take in project.takes
    ]
    return Places(
        clips=project.files,
        ownership=project.ownership,
        wanted=tuple(wanted),
        origin=project.place,
        is_ours=_IsOurs(project),
    )


class _IsOurs:
    """Says whether a clip is this manifest's by now, though another's files still name it.

    That is so where this one's lock names it, and the other manifest, as it is written, makes
    nothing there: names were exchanged, or a part of a film moved. Read when first asked.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._theirs: dict[str, frozenset[str] | None] = {}  # None: nobody can say

    def __call__(self, clash: Clash) -> bool:
        if PurePosixPath(clash.owner).name != clash.owner:  # of another folder
            return False
        if clash.path not in self._named:
            return False
        if clash.owner not in self._theirs:
            self._theirs[clash.owner] = self._written_by(clash.owner)
        theirs = self._theirs[clash.owner]
        return theirs is not None and clash.path not in theirs

    @cached_property
    def _named(self) -> frozenset[str]:
        try:
            entries = self._project.read_lock().entries.values()
        except LockError:
            return frozenset()
        return frozenset(clip.path for entry in entries for clip in clips_of(entry))

    def _written_by(self, owner: str) -> frozenset[str] | None:
        try:
            return self._project.siblings.load(self._project.path.parent / owner).outputs
        except (SeedrenderError, OSError):
            return None


def look(
    project: Project, lock: Lock | None, others: Sequence[Places] = ()
) -> tuple[Violation, ...]:
    """Return all that can be said without writing anything; what may change is a warning.

    None for a lock that cannot be read: what its files are is not known then. `others`: of
    manifests that are looked at beside this one.
    """
    found = places(project)
    violations = [*found.wrong(others), *found.unwritable(probes=False, severity=Severity.WARNING)]
    if lock is not None:
        told = {job for violation in violations for job in violation.jobs}
        unexplained = found.unexplained(_locks(project, lock))
        violations += [one for one in unexplained if not told.intersection(one.jobs)]
    return merged(violations)


def unexplained(project: Project, lock: Lock) -> tuple[Violation, ...]:
    """Return the files in the places of clips that no record explains."""
    return merged(places(project).unexplained(_locks(project, lock)))


def refusal(project: Project, *, probes: bool) -> ManifestError | None:
    """Say why a run would be refused, as far as its places show; None: they are right.

    Only a run probes: it writes a small file into each folder and removes it.
    """
    found = places(project)
    violations = [*found.wrong()]
    if probes and not violations:
        violations += found.unwritable(probes=True, severity=Severity.ERROR)
    wrong = [v for v in violations if v.severity is Severity.ERROR]
    return ManifestError(wrong) if wrong else None


def begin(project: Project) -> ManifestError | None:
    """Note which files are this manifest's, and take away what killed runs left there.

    A folder that takes no note is no error: the lockfiles tell too. Returned is why nothing is to
    be bought: a run of another manifest that began a moment before writes the same files.
    """
    outputs, found = project.outputs, places(project)
    clashes: Collection[Clash] = ()
    with contextlib.suppress(OSError):
        clashes = project.ownership.claim(outputs, found.is_ours)
    _tidy(project, outputs)
    wrong = merged(found.shared(clashes)) if clashes else ()
    return ManifestError(wrong) if wrong else None


def _tidy(project: Project, outputs: Iterable[str]) -> None:
    root, files = project.path.parent, project.files
    outputs = list({output.rpartition("/")[0]: output for output in outputs}.values())  # of each
    folders = {root, root / NAME, *((root / output).parent for output in outputs)}
    folders |= {
        files.folder_beside(kind, output) for kind in (SUPERSEDED, FRAMES) for output in outputs
    }
    for folder in sorted(filter(project.ownership.roots.hold, folders)):
        tidy(folder)


def _locks(project: Project, lock: Lock) -> Collection[Lock]:
    try:
        return lock, PurchaseLog(project.lock_path).read(lock.manifest)
    except LockError:  # whoever would buy is told
        return (lock,)
