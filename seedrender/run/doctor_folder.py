"""Looks at a film's folder: its manifest, its lockfile, git's part in it, and room for clips."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from seedrender.errors import (
    ConfigError,
    LockError,
    LockHeldError,
    ManifestError,
    Severity,
    merged,
    printable,
)
from seedrender.lock import fold
from seedrender.project import lock_read, share
from seedrender.project.files import other_owner
from seedrender.project.hold import journal_path
from seedrender.project.own_folder import NAME
from seedrender.project.ownership import lock_path
from seedrender.project.purchases import PurchaseLog
from seedrender.project.roots import repository
from seedrender.run import git, places, store
from seedrender.run.doctor import Check, fail, ok, warn
from seedrender.run.project import Project
from seedrender.values.entry import JobState, Lock
from seedrender.values.hosting import S3Store

_GIB = 2**30
_LITTLE_BYTES = 2 * _GIB
_TOO_LITTLE_BYTES = 200 * 2**20
_SHOWN = 80  # characters of a command
_UNION = "union"  # git's own driver


def folder(manifest: Path, found: Project | ManifestError | ConfigError) -> Iterator[Check]:
    """Look at all of it; `found` is the project, or why there is none."""
    yield _manifest(found)
    yield _lockfile(manifest)
    yield from _memory(manifest)
    yield _journal(manifest)
    yield from _git(manifest)
    output = found.manifest.output_dir if isinstance(found, Project) else ""
    yield _room(manifest.resolve().parent, output)
    if isinstance(found, Project):
        yield from _places(found)
    if isinstance(found, Project) and isinstance(found.manifest.hosting, S3Store):
        yield _bucket(found.manifest.hosting)


def _manifest(found: Project | ManifestError | ConfigError) -> Check:
    if isinstance(found, ManifestError):
        count = len(found.violations)
        words = f"{count} mistake{'s' if count > 1 else ''}, the first: {found.violations[0]}"
        return fail("manifest", words, "`seedrender check` names them all")
    if isinstance(found, ConfigError):
        return fail("manifest", printable(str(found)), "mend that first")
    count, route = len(found.all_jobs), found.manifest.provider
    return ok("manifest", f"{count} job{'s' if count > 1 else ''} on the route {route}")


def _lockfile(manifest: Path) -> Check:
    path = lock_path(manifest)
    try:
        lock = store.read(path, manifest.name)
    except LockError as error:
        return fail("lockfile", printable(str(error)), "follow that message; nothing is lost yet")
    if not lock.entries:
        return ok("lockfile", f"{path.name}: nothing was rendered yet")
    return ok("lockfile", f"{path.name}, entries: {len(lock.entries)}{_alive(lock)}")


def _memory(manifest: Path) -> Iterator[Check]:
    """Say where what was bought from here cannot be read: no run buys then."""
    try:
        PurchaseLog(lock_read.real(lock_path(manifest))).read(manifest.name)
    except LockError as error:
        yield fail("memory", printable(str(error)), "follow that message; nothing is lost yet")


def _alive(lock: Lock) -> str:
    live = [record for entry in lock.entries.values() for record in fold.alive(entry)]
    lost = [r for r in live if r.state in (JobState.SUBMITTING, JobState.UNKNOWN)]
    words = [f", tasks to be collected: {len(live) - len(lost)}"] if len(live) > len(lost) else []
    return "".join([*words, *([f", submits without an answer: {len(lost)}"] if lost else [])])


def _journal(manifest: Path) -> Check:
    """Say whether a run goes on, or was cut off."""
    path = journal_path(lock_read.real(lock_path(manifest)))
    if not path.exists():
        return ok("journal", "none: no run goes on, and none was cut off")
    try:
        with store.claimed(lock_path(manifest), manifest.name):
            pass
    except LockHeldError as error:
        return ok("journal", f"a run goes on: {printable(str(error))}")
    except LockError as error:
        return fail("journal", printable(str(error)), "set the permissions of the folder right")
    return warn("journal", "left by a run that was cut off", "the next run takes it in: start it")


def _git(manifest: Path) -> Iterator[Check]:
    """Look at how git would merge the lockfile, and whether it leaves the journal out."""
    lock, parent = lock_path(manifest), manifest.resolve().parent
    try:
        git.asked(parent, "rev-parse", "--is-inside-work-tree")
    except ConfigError as error:
        if (repository(parent) / ".git").exists():
            advice = "mend that: a merge of the lockfile that is not finished is not seen"
            yield warn("repository", printable(str(error)), advice)
        else:
            advice = "put it under git: the lockfile is meant to be checked in"
            yield warn("repository", "the manifest is in none", advice)
        return
    if git.ignores(lock):
        yield warn("merging", f"git ignores {lock.name}", git.IGNORED)
        return
    said = _asked(parent, "check-attr", "merge", "--", lock.name) or ""
    driver = said.rpartition(": ")[2]
    if driver == _UNION:
        yield ok("merging", f"{lock.name} is merged line by line (merge=union)")
    elif driver == "unset":  # also by the attribute `binary`
        advice = "write `*.lock merge=union` into .gitattributes, behind what says `-merge`"
        yield warn("merging", f"git would leave one side alone in {lock.name}", advice)
    elif driver in ("unspecified", "set", ""):
        advice = "write `*.lock merge=union` into .gitattributes"
        yield warn("merging", f"git would leave conflict markers in {lock.name}", advice)
    else:
        command = _asked(parent, "config", "--get", f"merge.{driver}.driver")
        yield _driver(printable(driver), command, lock.name)
    if _asked(parent, "check-ignore", "--", f"{lock.name}.journal") is None:
        advice = "write `*.lock.journal` into .gitignore"
        yield warn("ignoring", "git would take the journal of a run", advice)
    else:
        yield ok("ignoring", "the journal of a run stays out of git")


def _driver(name: str, command: str | None, lock: str) -> Check:
    """Say whether a merge driver is set up and can be started."""
    if command is None:
        advice = f"git config merge.{name}.driver 'seedrender lock merge --driver %O %A %B %P'"
        return fail("merging", f"{lock} wants the merge driver {name}, which is not set up", advice)
    try:
        program = shlex.split(command)[0]
    except (ValueError, IndexError):
        program = command
    if shutil.which(program) is None:
        words = f"{lock} is merged by {printable(program)[:_SHOWN]}, which is not on the PATH"
        advice = f"name its whole path in `git config merge.{name}.driver`"
        return fail("merging", words, advice)
    return ok("merging", f"{lock} is merged by the driver {name}")


def _asked(parent: Path, *words: str) -> str | None:
    """Return what git answers; None: it says no, or is not there."""
    try:
        return git.asked(parent, *words).strip()
    except ConfigError:
        return None


def _room(parent: Path, output: str) -> Check:
    place = parent / output
    while not place.exists():
        place = place.parent
    for folder in (place, parent, parent / NAME):
        if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
            advice = "clips, the lockfile or notes are written there: mend its permissions"
            owner = other_owner(folder)
            whose = f": it belongs to {owner}" if owner else ""
            return fail("disk", f"{folder.name or folder} cannot be written to{whose}", advice)
    free = shutil.disk_usage(place).free
    words = f"{free / _GIB:.1f} GiB free for clips"
    if free < _TOO_LITTLE_BYTES:
        return fail("disk", words, "make room: a clip that cannot be kept is paid all the same")
    if free < _LITTLE_BYTES:
        return warn("disk", words, "make room before a long run")
    return ok("disk", words)


def _places(found: Project) -> Iterator[Check]:
    """Look at where clips go, and at what the file systems there cannot do."""
    seen = places.places(found)
    for violation in merged(seen.wrong()):
        make = fail if violation.severity is Severity.ERROR else warn
        yield make("places", printable(violation.message), violation.hint or "")
    for words in seen.elsewhere():
        yield ok("places", printable(f"{words}: clips are copied there, and checked, when moved"))
    for folder in seen.folders():
        lacking = share.lacking(folder)
        if lacking:
            words = f"{seen.said(folder)} is on a file system without {' and '.join(lacking)}"
            yield ok("share", printable(f"{words}: a run does without"))


def _bucket(hosting: S3Store) -> Check:
    from seedrender.run.hosting_s3 import BucketHost

    try:
        BucketHost(hosting, os.environ)
    except ConfigError as error:
        return fail("hosting", printable(str(error)), "local clips and sounds go there")
    return ok("hosting", f"the bucket {printable(hosting.bucket)} can be opened with these keys")
