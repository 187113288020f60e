"""Turns a manifest as it is at a commit into its jobs and its lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from seedrender.errors import ConfigError, LockError, ManifestError
from seedrender.lock import lockfile
from seedrender.plan import against, select
from seedrender.plan.against import Comparison, Film
from seedrender.plan.cost import Pricing
from seedrender.plan.make import Plan
from seedrender.project.ownership import lock_path
from seedrender.providers import plugins, registry
from seedrender.run import git
from seedrender.run.bounds import bounded
from seedrender.run.choices import Choices
from seedrender.run.git import Commit
from seedrender.run.lengths import lengths
from seedrender.run.project import Project
from seedrender.source import expand
from seedrender.values.entry import Lock
from seedrender.values.job import Job, JobId
from seedrender.values.manifest import Manifest
from seedrender.values.money import Price


def compare(
    found: Project, plan: Plan, ref: str, choices: Choices, selectors: Sequence[str]
) -> Comparison:
    """Compare a project with its manifest at a ref, under the same choices. Raises: ConfigError."""
    with git.commit(found.path.parent, ref) as commit:
        old = _film(commit, found, ref, choices, selectors)
    lock = found.read_lock()
    now = Film(
        jobs=found.jobs,
        digests=found.digests,
        lock=lock,
        price=found.pricing(lock),
        route=found.manifest.provider,
        moved=found.manifest.moved,
    )
    return against.compare(old, now, plan)


def _film(
    commit: Commit, found: Project, ref: str, choices: Choices, selectors: Sequence[str]
) -> Film:
    path = found.path
    if not commit.has(path.name):
        return _nothing(found, f"{path.name} is not there at {ref}: all of it is new")
    text = commit.text(path.name)
    try:
        with bounded(path.name, None) as tick:
            expansion = expand.attempt(
                text,
                path.name,
                read=commit.text,
                profile=choices.profile,
                given=choices.given(),
                tick=tick,
                plugins=plugins.names,
            )
    except ManifestError as error:
        raise ConfigError(f"the manifest at {ref} is wrong, and says nothing:\n{error}") from None
    jobs = _selected(expansion.jobs, selectors)
    digests, untracked = _digests(commit, found, jobs)
    problems = len(expansion.problems)
    notes = [f"{problems} mistakes of the manifest at {ref} were passed over"] if problems else []
    notes += [f"{name} is not in git at {ref}: taken as unchanged" for name in untracked]
    lock = _lock(commit, path, ref)
    return Film(
        jobs=jobs,
        digests=digests,
        lock=lock,
        price=_price(expansion.manifest, found, jobs, lock),
        route=expansion.manifest.provider,
        notes=tuple(notes),
    )


def _nothing(found: Project, note: str) -> Film:
    lock = Lock(manifest=found.path.name)
    return Film(jobs=(), digests={}, lock=lock, price=found.pricing(lock), notes=(note,))


def _price(
    manifest: Manifest, found: Project, jobs: Sequence[Job], lock: Lock
) -> Callable[[Job], Price]:
    """Return today's prices of the route of then, beside its own table of then.

    Of a route that is gone: those of this one.
    """
    route = manifest.provider
    if route == found.manifest.provider or route not in registry.names():
        route, published = found.manifest.provider, found.provider.price
    else:
        published = registry.offline(route).price
    return Pricing(
        route=route,
        published=published,
        rates=manifest.rates,
        jobs={job.id: job for job in jobs},
        lock=lock,
        lengths=lengths(found.path.parent, jobs),
    )


def _selected(jobs: tuple[Job, ...], selectors: Sequence[str]) -> tuple[Job, ...]:
    """Select as in the manifest of today; a selector may have named nothing then."""
    if not selectors:
        return jobs
    chosen: set[JobId] = set()
    for selector in selectors:
        with suppress(ConfigError):
            chosen.update(job.id for job in select.select(jobs, [selector]))
    return tuple(job for job in jobs if job.id in chosen)


def _digests(
    commit: Commit, found: Project, jobs: Sequence[Job]
) -> tuple[Mapping[str, str], Sequence[str]]:
    """Digest the references of then, each file once, and name those that git does not keep."""
    here = {
        use.reference.path: found.digests[use.reference.name]
        for job in found.jobs
        for use in job.references
        if use.reference.path is not None
    }
    digests: dict[str, str] = {}
    untracked: list[str] = []
    references = {u.reference.name: u.reference for job in jobs for u in job.references}
    for reference in references.values():
        if reference.path is None:
            continue
        digest = commit.sha256(reference.path)
        if digest is None and reference.path in here:
            untracked.append(reference.path)
        digests[reference.name] = digest or here.get(reference.path, "not there")
    return digests, untracked


def _lock(commit: Commit, path: Path, ref: str) -> Lock:
    name = lock_path(path).name
    try:
        text = commit.text(name)
    except ConfigError:
        return Lock(manifest=path.name)
    try:
        return lockfile.loads(text, name)
    except LockError as error:
        raise type(error)(f"at {ref}: {error}") from None
