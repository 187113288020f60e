"""Turns a manifest on disk into its jobs, its lock and its plan."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from seedrender.errors import LockError, ManifestError, Origin, Violation
from seedrender.lock import fold
from seedrender.lock.identity import Asked
from seedrender.lock.moves import Moves, rename
from seedrender.plan import graph, make, renames, select
from seedrender.plan.cost import Pricing
from seedrender.plan.decide import Facts
from seedrender.plan.make import Plan
from seedrender.plan.owners import Owners
from seedrender.project import lock_read
from seedrender.project.clips import Unexplained
from seedrender.project.left_behind import LeftBehind
from seedrender.project.ownership import Ownership, lock_path
from seedrender.project.purchases import PurchaseLog
from seedrender.project.remembered import RememberedPlaces
from seedrender.project.roots import Roots, named
from seedrender.project.text_files import read_inside, read_text
from seedrender.providers import plugins, registry
from seedrender.run import local_references, store, versions
from seedrender.run.bounds import bounded, without_collector
from seedrender.run.choices import AS_WRITTEN, Choices
from seedrender.run.files import Files
from seedrender.run.lengths import lengths
from seedrender.run.purse import Allowance, Purse, purse
from seedrender.run.siblings import Siblings, lacking
from seedrender.source import expand, ranges, review
from seedrender.source.expand import Expansion, Tick
from seedrender.source.names import known
from seedrender.source.trace import Source
from seedrender.values.entry import Lock
from seedrender.values.hosting import ProviderFiles
from seedrender.values.job import CorrelationId, Job, JobId
from seedrender.values.manifest import LongTake, Manifest
from seedrender.values.provider import Provider

_OF_THE_ROUTE = frozenset({"limits", "hosting", "prompt"})  # codes: another one may take it


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a person says of the clips for one command."""

    resubmit: Collection[JobId] = ()  # buy these again, whatever became of them
    keep_stale: bool = False  # a clip stays though its definition changed


NO_WISHES = Wishes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A manifest that is right, and what is selected of it."""

    path: Path
    manifest: Manifest
    jobs: tuple[Job, ...]
    takes: tuple[LongTake, ...]
    all_jobs: tuple[Job, ...]  # those that are not selected too
    all_takes: tuple[LongTake, ...]
    digests: dict[str, str]  # of the local references in use
    provider: Provider  # offline
    sources: tuple[Source, ...] = ()  # of the job that was to be explained
    findings: tuple[Violation, ...] = ()  # of a review
    outside: tuple[Path, ...] = ()  # folders elsewhere that a person allowed
    unfit: tuple[Violation, ...] = ()  # what the route does not render, where that may be
    place: Callable[[tuple[str | int, ...]], Origin]  # where the key of a value stands
    left_behind: LeftBehind  # by manifests that are gone: this may have been one of them
    siblings: Siblings  # that are there, and have no job any more for what they bought
    places: RememberedPlaces  # that clips have had
    said: str = ""  # of the command line's choices, as another command repeats them

    @property
    def lock_path(self) -> Path:
        """Where the lockfile is."""
        return lock_path(self.path)

    def named(self, name: str) -> str:
        """Return a file as a command names it; the manifest with what was said beside it."""
        return named(self.path.parent, name) + (self.said if name == self.path.name else "")

    @property
    def files(self) -> Files:
        """The files beside the manifest."""
        references = self.manifest.references.values()
        return Files(
            root=self.path.parent,
            output_dir=self.manifest.output_dir,
            allowed=self.outside,
            inputs=self.left_behind.paths.union(
                self.siblings.paths, (r.path for r in references if r.path is not None)
            ),
            written=self.ownership.written,
            noted=self.ownership.noted,
            places=self.places,
            are_others=self.places.are_others,
        )

    @property
    def ownership(self) -> Ownership:
        """What is noted of its outputs, and of those of the manifests around it."""
        return self.siblings.ownership

    @property
    def ids(self) -> frozenset[JobId]:
        """Every job and long take that the manifest names."""
        return frozenset(
            [*(job.id for job in self.all_jobs), *(take.id for take in self.all_takes)]
        )

    @property
    def outputs(self) -> frozenset[str]:
        """The clips and long takes that the manifest makes, as paths."""
        return frozenset([*(j.output for j in self.all_jobs), *(t.output for t in self.all_takes)])

    @property
    def asked(self) -> Asked:
        """The route that the film asks for."""
        return Asked(route=self.manifest.provider, is_identity=self.manifest.route_in_identity)

    def read_lock(self, wishes: Wishes = NO_WISHES) -> Lock:
        """Read what is known, without holding it. Raises: LockError."""
        lock = store.read(self.lock_path, self.path.name)
        return self.moves(lock, wishes).applied(lock)

    def moves(self, lock: Lock, wishes: Wishes = NO_WISHES) -> Moves:
        """Return how the lines of a lock change: ids that are told or seen, tasks of new owners."""
        told = self.manifest.moved
        renamed = rename(lock, told)
        found = self.owners(renamed, wishes).assign()
        now = found.applied(renamed)
        takes = renames.seen(now, self.all_takes, self.ids)
        return replace(found, names={**told, **takes})

    def owners(self, lock: Lock, wishes: Wishes = NO_WISHES) -> Owners:
        """Return who may own which task of a lock, and of what is remembered beside it."""
        return Owners(
            lock=lock,
            jobs=self.all_jobs,
            digests=self.digests,
            remembered=partial(self.remembered, lock),
            remembers_live=self.may_remember_live,
            left_behind=partial(self._left, lock),
            asked=self.asked,
            keep_stale=wishes.keep_stale,
            selected=frozenset(job.id for job in self.jobs),
            is_present=self.files.is_present,
        )

    def remembered(self, lock: Lock) -> Lock:
        """Return what the purchase log knows and a lock does not; nothing where it is damaged."""
        try:
            return PurchaseLog(lock_read.real(self.lock_path)).unknown_to(lock)
        except LockError:  # whoever would buy is refused
            return Lock(manifest=lock.manifest)

    def may_remember_live(self) -> bool:
        """Say whether the purchase log may have tasks that run; not where it is damaged."""
        try:
            return PurchaseLog(lock_read.real(self.lock_path)).may_have_live()
        except LockError:
            return False

    def unused(self, lock: Lock) -> Lock:
        """Return what a lock of this manifest knows and no job has a use for."""
        renamed = rename(lock, self.manifest.moved)
        owners = replace(self.owners(renamed), left_behind=lambda: Lock(manifest=""))
        owners.assign()
        return fold.fold(Lock(manifest=self.path.name), owners.unused())

    def left_by_others(self, lock: Lock) -> Lock:
        """Return what others left behind, gone or not, and this lock lacks.

        Raises: LockError where it cannot be read, or another version of the lockfile knows more.
        """
        versions.check(self.lock_path, self.path.name, lock)
        by_siblings = self.siblings.left(partial(lacking, self.all_jobs, self.digests, lock))
        return fold.fold(self.left_behind.lock, by_siblings.entries.values())

    def _left(self, lock: Lock) -> Lock:
        try:
            return self.left_by_others(lock)
        except LockError:  # whoever would buy is refused
            return Lock(manifest=self.path.name)

    def facts(self, lock: Lock, wishes: Wishes, chosen: Mapping[JobId, CorrelationId]) -> Facts:
        """Gather what a plan rests on; `chosen` is what `owners` chose of several clips."""
        files = self.files
        return Facts(
            lock=lock,
            digests=self.digests,
            is_present=files.is_present,
            find=files.find,
            is_unexplained=Unexplained(files, lock, self.remembered),
            resubmit=wishes.resubmit,
            keep_stale=wishes.keep_stale,
            asked=self.asked,
            chosen=chosen,
            named=self.named,
        )

    def pricing(self, lock: Lock) -> Pricing:
        """Return what says the price of each job."""
        return Pricing(
            route=self.manifest.provider,
            published=self.provider.price,
            rates=self.manifest.rates,
            jobs={job.id: job for job in self.all_jobs},
            lock=lock,
            lengths=lengths(self.path.parent, self.jobs),
        )

    def purse(self, plan: Plan, lock: Lock, allowance: Allowance) -> Purse:
        """Open the purse of a run over this plan."""
        pricing = self.pricing(lock)
        listed = pricing.listed if pricing.rates else None
        route = self.manifest.provider
        return purse(plan, lock, pricing, allowance, route, self.remembered, listed)

    def plan(self, lock: Lock, wishes: Wishes = NO_WISHES) -> Plan:
        """Decide about every selected job; with all jobs selected, about tasks without one too."""
        is_whole = len(self.jobs) == len(self.all_jobs)
        strays = make.strays(lock, self.ids, self.asked) if is_whole else ()
        facts = self.facts(lock, wishes, self.owners(lock, wishes).choices())
        return make.plan(graph.build(self.jobs), self.takes, facts, strays)


def load(
    path: Path,
    *,
    choices: Choices = AS_WRITTEN,
    selectors: Sequence[str] = (),
    explain: JobId | None = None,
    tick: Tick | None = None,
    is_reviewed: bool = False,
    may_be_unfit: bool = False,
) -> Project:
    """Read, check and expand a manifest; nothing is sent. `tick` hears how many jobs there are.

    A review looks for what is right and yet probably a mistake, too. What the route does not render
    is an error, unless it may be: then it is kept beside the jobs.

    Raises: ManifestError with every violation found; ConfigError.
    """
    root = path.parent
    if choices.provider is not None:
        known("provider", choices.provider, registry.names())

    def read(name: str) -> str:
        return read_inside(root, name)

    size = path.stat().st_size
    try:
        with without_collector(), bounded(path.name, tick, size_bytes=size) as heard:
            expansion = expand.attempt(
                read_text(path),
                path.name,
                read=read,
                profile=choices.profile,
                given=choices.given(),
                explain=explain,
                tick=heard,
                route=choices.provider,
                plugins=plugins.names,
            )
            is_trial = choices.provider is not None
            found = _checked(
                path,
                expansion,
                selectors,
                read,
                outside=choices.outside,
                may_be_unfit=may_be_unfit,
                is_trial=is_trial,
            )
            found = replace(found, said=choices.words)
            if is_reviewed:
                findings = review.review(expansion, read, profile=choices.profile)
                return replace(found, findings=ranges.with_ends(findings, read))
            return found
    except ManifestError as error:
        raise ManifestError(ranges.with_ends(error.violations, read)) from None


def _checked(
    path: Path,
    expansion: Expansion,
    selectors: Sequence[str],
    read: Callable[[str], str],
    *,
    outside: tuple[Path, ...],
    may_be_unfit: bool,
    is_trial: bool,
) -> Project:
    """Check every job with its route and its references, then select.

    On trial, a route that is not the manifest's own, only what is selected is asked of it.
    """
    provider = registry.offline(expansion.manifest.provider)
    asked = select.select(expansion.whole, selectors) if is_trial else expansion.whole
    violations = [v for job in asked for v in provider.violations(job)]
    if not isinstance(expansion.manifest.hosting, ProviderFiles):  # local files have a place
        violations = [violation for violation in violations if violation.code != "hosting"]
    roots = Roots.around(path.parent, outside)
    digests, missing = local_references.digest(path.parent, expansion.whole, roots, expansion.place)
    said = {violation.origin for violation in violations if violation.code == "prompt"}
    lint = [v for v in review.mistakes(expansion, read) if v.origin not in said]
    wrong = [*expansion.problems, *violations, *missing, *lint]
    passed_over = _OF_THE_ROUTE if may_be_unfit else ()
    unfit = [violation for violation in wrong if violation.code in passed_over]
    wrong = [violation for violation in wrong if violation.code not in passed_over]
    if wrong:
        raise ManifestError(wrong)
    jobs = select.select(expansion.jobs, selectors)
    ownership = Ownership(
        manifest=path,
        title=expansion.manifest.name,
        output_dir=expansion.manifest.output_dir,
        roots=roots,
    )
    return Project(
        path=path,
        manifest=expansion.manifest,
        jobs=jobs,
        takes=select.whole_takes(expansion.takes, jobs),
        all_jobs=tuple(expansion.jobs),
        all_takes=tuple(expansion.takes),
        digests=digests,
        provider=provider,
        sources=expansion.sources,
        place=expansion.place,
        left_behind=LeftBehind(lock_path(path)),
        siblings=Siblings(ownership, load),
        places=RememberedPlaces(lock_path(path), path.name),
        outside=outside,
        unfit=tuple(unfit),
    )
