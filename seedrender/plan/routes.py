"""Compares a film on its own route with the same film on another: what fails, shifts and costs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from seedrender.catalog.models import Catalog
from seedrender.errors import Origin, Violation, merged
from seedrender.plan.against import Sum, difference, summed
from seedrender.plan.decision import Verdict
from seedrender.plan.graph import bond
from seedrender.plan.make import Plan, Step
from seedrender.values.job import Job, JobId
from seedrender.values.money import Price

_LEFT = "left to the model"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnRoute:
    """A film as one route would render it."""

    route: str
    jobs: tuple[Job, ...]
    offered: Catalog
    price: Callable[[Job], Price]
    unfit: tuple[Violation, ...] = ()  # what the route does not render


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A setting that the author leaves open, and that two routes fill in differently."""

    setting: str
    before: str
    now: str
    jobs: tuple[JobId, ...]
    origin: Origin  # of the first job

    def __str__(self) -> str:
        return f"{self.setting} is not set: {self.before} before, {self.now} now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What became of a film on its way to another route."""

    here: str
    there: str
    unfit: tuple[Violation, ...]  # cannot be carried over; each with its place
    left_out: tuple[JobId, ...]  # of the jobs of `there`
    shifts: tuple[Shift, ...]
    cuts: tuple[str, ...]  # long takes that are made of other segments
    compared: int  # jobs of `there` in the sums
    before: Sum  # what both render, at the prices of `here`
    now: Sum  # and at those of `there`
    priced: int  # of the compared jobs, those that have a price on both routes
    difference: Sum | None  # of these; None: the two are paid in different currencies


def carry(here: OnRoute, there: OnRoute) -> Carried:
    """Compare."""
    selected = {job.id for job in there.jobs}
    found = [v for v in there.unfit if not v.jobs or selected & set(v.jobs)]
    unfit = merged([*found, *_assets(there)])
    left_out = jobs_of(unfit) & selected
    gone = left_out | jobs_of(here.unfit)
    compared = [job for job in there.jobs if job.id not in gone]
    own = [job for job in here.jobs if job.id not in gone]
    if any(not violation.jobs for violation in unfit):  # a whole chain is not there
        shots = {job.shot for job in there.jobs}
        own = [job for job in own if job.shot in shots]
    before, now = _priced(here, own), _priced(there, compared)
    both = {key for key in before.keys() & now.keys() if _is_known((*before[key], *now[key]))}
    return Carried(
        here=here.route,
        there=there.route,
        unfit=unfit,
        left_out=tuple(job.id for job in there.jobs if job.id in left_out),
        shifts=_shifts(here, there, {job.id: job for job in compared}),
        cuts=tuple(_cuts(here, there)),
        compared=len(compared),
        before=_sum(before, before),
        now=_sum(now, now),
        priced=sum(len(now[key]) for key in both),
        difference=difference(_sum(before, both), _sum(now, both)),
    )


def _priced(film: OnRoute, jobs: Iterable[Job]) -> Mapping[str, Sequence[Price]]:
    """Price jobs one by one, and a chain as a whole: it may be cut otherwise elsewhere."""
    prices: dict[str, list[Price]] = {}
    for job in jobs:
        key = job.id if job.segment is None else f"{job.shot}/"
        prices.setdefault(key, []).append(film.price(job))
    return prices


def _is_known(prices: Iterable[Price]) -> bool:
    return all(price.is_known for price in prices)


def _sum(prices: Mapping[str, Sequence[Price]], keys: Collection[str]) -> Sum:
    return summed(price for key, found in prices.items() if key in keys for price in found)


def jobs_of(violations: Collection[Violation]) -> set[str]:
    """Return the jobs in which something is wrong."""
    return {job for violation in violations for job in violation.jobs}


def without(plan: Plan, left_out: Collection[str]) -> Plan:
    """Return the plan of a film of which the route does not render some jobs."""
    unfit = frozenset(left_out)
    steps: dict[JobId, Step] = {}
    for step in plan.steps:
        lost = next((n for n in step.job.parents if n in steps and _is_lost(steps[n])), None)
        if step.will_submit and step.job.id in unfit:
            reason = "the route does not render it"
            step = _blocked(step, Verdict.BLOCKED, reason)  # noqa: PLW2901 - it is as it is now
        elif step.will_submit and lost is not None:
            reason = f"{bond(step.job, steps[lost].job)}, which the route does not render"
            step = _blocked(step, Verdict.WAITS, reason)  # noqa: PLW2901
        steps[step.job.id] = step
    return replace(plan, steps=tuple(steps.values()))


def _is_lost(step: Step) -> bool:
    return step.verdict in (Verdict.BLOCKED, Verdict.WAITS) and not step.will_submit


def _blocked(step: Step, verdict: Verdict, reason: str) -> Step:
    return replace(step, verdict=verdict, reason=reason, will_submit=False)


def _assets(there: OnRoute) -> Iterator[Violation]:
    """Find assets, which belong to a route's own library."""
    for job in there.jobs:
        for use in job.references:
            asset = use.reference.asset
            if asset is not None and "asset" not in there.offered.sends[use.reference.kind]:
                yield Violation(
                    origin=job.origin_of("references"),
                    message=f"reference '{use.reference.name}' is an asset",
                    hint=f"{there.route} takes none: give a file or a URL",
                    code="limits",
                    path=job.path_of("references"),
                    jobs=(job.id,),
                )


def _shifts(here: OnRoute, there: OnRoute, jobs: Mapping[JobId, Job]) -> tuple[Shift, ...]:
    found: dict[tuple[str, str, str], list[Job]] = {}
    for own in here.jobs:
        if own.id in jobs:
            before, now = _filled_in(own, here.offered), _filled_in(jobs[own.id], there.offered)
            for name in before.keys() & now.keys():
                if before[name] != now[name]:
                    found.setdefault((name, before[name], now[name]), []).append(jobs[own.id])
    return tuple(
        Shift(
            setting=name,
            before=before,
            now=now,
            jobs=tuple(job.id for job in same),
            origin=same[0].origin,
        )
        for (name, before, now), same in sorted(found.items(), key=lambda item: item[0])
    )


def _filled_in(job: Job, offered: Catalog) -> Mapping[str, str]:
    """Return what a route takes for the settings that a job leaves open."""
    variant = offered.variant(job.model, job.tier, job.mode)
    if variant is None:
        return {}
    seconds = variant.family.default_duration_s
    taken = {
        "resolution": (job.resolution, variant.family.default_resolution),
        "ratio": (job.ratio, variant.default_ratio),
        "duration": (job.duration_s, f"{seconds} s" if seconds is not None else _LEFT),
    }
    return {name: default for name, (said, default) in taken.items() if said is None}


def _cuts(here: OnRoute, there: OnRoute) -> Iterator[str]:
    before, now = _segments(here.jobs), _segments(there.jobs)
    for chain in before:
        if chain in now and before[chain] != now[chain]:
            own, other = (" + ".join(lengths) for lengths in (before[chain], now[chain]))
            yield f"{chain} is {own} s on {here.route}, and {other} s on {there.route}"


def _segments(jobs: Sequence[Job]) -> Mapping[str, Sequence[str]]:
    lengths: dict[str, list[str]] = {}
    for job in jobs:
        if job.segment is not None:
            lengths.setdefault(job.shot, []).append(str(job.duration_s or "?"))
    return lengths
