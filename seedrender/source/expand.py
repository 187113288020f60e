"""Turns a manifest into its jobs: no template, axis, take or segment is left to evaluate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from seedrender.errors import ManifestError, Origin, Violation
from seedrender.source import (
    chains,
    hosting,
    include,
    made,
    moved,
    outputs,
    parse,
    price_table,
    shots,
)
from seedrender.source.document import Document
from seedrender.source.given import NOTHING, Given
from seedrender.source.parse import Routes, did_you_mean, violation
from seedrender.source.scope import Read, Scope
from seedrender.source.trace import Source
from seedrender.values.job import Job, JobId
from seedrender.values.manifest import LongTake, Manifest, Path

MAX_JOBS = 200_000

Tick = Callable[[int], None]

_TICK = 100


# what no job's footage comes from
_BINDING = {("matrix",), ("foreach",), ("include",), ("with",)}
_APART = {(key,) for key in ("run", "prices", "moved", "output", "hosting", "require_rights")} | {
    ("route_in_identity",)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """A manifest and everything that follows from it; with problems, what can be made in spite."""

    manifest: Manifest
    jobs: tuple[Job, ...]
    takes: tuple[LongTake, ...]
    files: tuple[str, ...] = ()  # the manifest, and what it includes
    place: Callable[[Path], Origin]  # where the key of a value stands
    problems: tuple[Violation, ...] = ()
    incomplete: frozenset[Path] = frozenset()  # entries of which a part of a wrong shape was taken
    sources: tuple[Source, ...] = ()  # of the job that was to be explained

    @property
    def whole(self) -> tuple[Job, ...]:
        """The jobs of which nothing was taken out: another may seem wrong where it is not."""
        lost = {path[:1] for path in self.incomplete} - _APART
        if lost - {("shots",), ("chains",)}:
            return ()
        names = {path[1] for path in self.incomplete if path[:1] in lost and len(path) > 1}
        return tuple(job for job in self.jobs if job.shot not in names)


def load(
    text: str,
    file: str,
    *,
    read: Read,
    profile: str | None = None,
    given: Given = NOTHING,
    explain: JobId | None = None,
    tick: Tick | None = None,
) -> Expansion:
    """Parse, check and expand a manifest.

    `read` returns the text of a file by its path relative to the manifest; `given` are the values
    of `--set` and `--vars`; the sources of the job `explain` are kept; `tick` hears how many jobs
    there are, now and then.

    Raises: ManifestError with every violation that was found.
    """
    found = attempt(text, file, read=read, profile=profile, given=given, explain=explain, tick=tick)
    if found.problems:
        raise ManifestError(found.problems)
    return found


def attempt(
    text: str,
    file: str,
    *,
    read: Read,
    profile: str | None = None,
    given: Given = NOTHING,
    explain: JobId | None = None,
    tick: Tick | None = None,
    route: str | None = None,
    plugins: Routes = tuple,
) -> Expansion:
    """Do the same, and return what is wrong beside the jobs that can be made all the same.

    A `route` goes before the manifest's own. `plugins` names the routes that are not built in.

    Raises: ManifestError where none can be made.
    """
    tree, misshapen = include.load(text, file, read, given)
    problems = [problem for _, problem in misshapen]
    if not isinstance(tree.root, dict):
        raise ManifestError(problems)
    manifest = parse.manifest(tree, problems, given, route, plugins)
    rates = price_table.rates(tree, manifest.provider, read, problems)
    manifest = replace(manifest, rates=rates, hosting=hosting.read(tree, problems))
    problems += hosting.without_rights(tree, manifest)
    references = made.references(tree, manifest, problems, profile)
    manifest = replace(manifest, references=references)
    if profile is not None and profile not in manifest.profiles:
        hint = did_you_mean(profile, manifest.profiles)
        problems.append(violation(tree, ("profiles",), f"there is no profile '{profile}'", hint))
    scope = Scope(tree, manifest, problems, read=read, profile=profile)
    scope.incomplete = frozenset(path[:2] for path, _ in misshapen)
    scope.unbound = frozenset(path[:2] for path, _ in misshapen if path[2:3] in _BINDING)
    scope.tracer.job = explain
    takes: list[LongTake] = []
    jobs = tuple(_bounded(_jobs(scope, takes), scope, tick))
    problems += made.unmade(tree, manifest, jobs, is_whole=not problems)
    jobs = made.arranged(jobs, problems)
    problems += outputs.collisions(jobs, takes)
    problems += moved.wrong(tree, jobs, takes, is_whole=not problems)
    if not jobs and not problems:
        problems.append(_without_footage(tree, manifest))
    return Expansion(
        manifest=manifest,
        jobs=jobs,
        takes=tuple(takes),
        files=tuple(dict.fromkeys((file, *(part.file for part in tree.included.values())))),
        place=tree.key_origin,
        problems=tuple(problems),
        incomplete=scope.incomplete,
        sources=scope.tracer.sources,
    )


def _without_footage(tree: Document, manifest: Manifest) -> Violation:
    path: Path = ()
    hint = "add an entry under `shots` or `chains`"
    for name, shot in manifest.shots.items():
        path = ("shots", name)
        hint = f"shot {name} makes no jobs: {shot.get('foreach', 'its matrix')} has no rows"
    return violation(tree, path, "the manifest asks for no footage", hint)


def _jobs(scope: Scope, takes: list[LongTake]) -> Iterator[Job]:
    """Yield the jobs in manifest order."""
    for name in scope.manifest.shots:
        yield from shots.expand(scope, name)
    for name in scope.manifest.chains:
        segments, take = chains.expand(scope, name)
        yield from segments
        takes += [take] if take is not None else []


def _bounded(jobs: Iterator[Job], scope: Scope, tick: Tick | None) -> Iterator[Job]:
    for count, job in enumerate(jobs, 1):
        if tick is not None and count % _TICK == 0:
            tick(count)
        if count > MAX_JOBS:
            path: Path = ("shots" if job.segment is None else "chains", job.shot)
            message = f"the manifest makes more than {MAX_JOBS} jobs here"
            found: Violation = violation(
                scope.tree, path, message, "split it into several manifests"
            )
            raise ManifestError([*scope.problems, found])
        yield job
