"""Turns the jobs of a plan into what they will cost; an unknown price stays unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from seedrender.catalog.models import ROUTES, Family, Variant, catalog
from seedrender.catalog.price import by_rate, output_of, resolution_of
from seedrender.plan.make import Plan
from seedrender.plan.paid import NO_RETAKES, Retakes
from seedrender.values.entry import Lock
from seedrender.values.job import Job, JobId, MediaKind
from seedrender.values.money import (
    NO_VIDEO,
    UNKNOWN_PRICE,
    Amount,
    Price,
    Quote,
    Rate,
    Span,
    Unit,
    exactly,
)
from seedrender.values.task import Task

MAX_AGE_DAYS = 60  # of a price, before it is flagged

_MILLION = 1_000_000
_ANY_CLIP = (2.0, 15.0)  # seconds of a reference of which nothing is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """What each job of a film will cost: by the film's own table, else by its route's."""

    route: str
    published: Callable[[Job, Span], Price]
    rates: tuple[Rate, ...] = ()
    jobs: Mapping[JobId, Job] = field(default_factory=dict)
    lock: Lock = field(default_factory=lambda: Lock(manifest=""))
    lengths: Mapping[str, float] = field(default_factory=dict)  # of local clips, by reference

    def __call__(self, job: Job) -> Price:
        """Price one job."""
        video, variant, rate = self.video(job), self._variant(job), self._own_rate(job)
        if variant is not None and rate is not None:
            return by_rate(rate, variant, job, video)
        return self.listed(job)

    def listed(self, job: Job) -> Price:
        """Return the price that the route publishes, whatever the film's own table says.

        What cannot be a price, as a plugin may name it, is none.
        """
        found = self.published(job, self.video(job))
        return found if found.is_sound else UNKNOWN_PRICE

    def settled(self, job: Job, task: Task) -> Amount | None:
        """Return what a task did cost; None: nobody knows.

        Where its provider counts tokens and names no sum, the film's own table prices them.
        """
        rate = self._own_rate(job)
        is_free = task.cost is not None and not task.cost.value
        if task.cost_source != "prices" or rate is None or is_free:
            return task.cost
        if rate.unit is Unit.MILLION_TOKENS and task.tokens is not None:
            has_clip = rate.with_video is not None and bool(self.video(job).high)
            value = rate.with_video if has_clip and rate.with_video is not None else rate.value
            found: Amount | None = Amount(value * task.tokens / _MILLION, rate.currency)
        else:
            price = self(job)
            found = price.expected if price.low == price.high else None
        is_of_a_pack = found is not None and not found.value and task.tokens  # paid for already
        return None if is_of_a_pack else found

    def _own_rate(self, job: Job) -> Rate | None:
        """Return the row of the film's own table that a job is paid by; None: there is none."""
        variant = self._variant(job)
        if variant is None:
            return None
        resolution = resolution_of(job, variant.family)
        meant = (r for r in self.rates if r.unit is Unit.CLIP or job.makes is MediaKind.VIDEO)
        return next((rate for rate in meant if rate.covers(job, self.route, resolution)), None)

    def video(self, job: Job) -> Span:
        """Return the seconds of video among a job's input: clips that it continues, references."""
        variant = self._variant(job)
        total = NO_VIDEO
        for need in job.needs:
            total += self._clip(need)
        for use in job.references:
            if use.reference.kind is MediaKind.VIDEO:
                if use.reference.shot is not None:
                    total += self._clip(use.reference.shot)
                    continue
                known = self.lengths.get(use.reference.name)
                total += exactly(known) if known is not None else _any_clip(variant)
        return _at_most(total, variant)

    def _clip(self, job: JobId) -> Span:
        """Return the length of a clip that another continues: as asked for, else as rendered."""
        parent = self.jobs.get(job)
        if parent is None:
            return _any_clip(None)
        variant = self._variant(parent)
        asked = _asked(parent, variant.family if variant is not None else None)
        if asked is not None and asked.low == asked.high:
            return asked
        entry = self.lock.entries.get(job)
        if entry is not None and entry.output is not None:
            return exactly(entry.output.duration_s or 0)
        return asked or _any_clip(None)

    def _variant(self, job: Job) -> Variant | None:
        if self.route not in ROUTES:
            return None
        return catalog(self.route).variant(job.model, job.tier, job.mode)


def _asked(job: Job, family: Family | None) -> Span | None:
    if family is not None:
        return output_of(job, family)
    return exactly(job.duration_s) if job.duration_s is not None and job.duration_s > 0 else None


def _any_clip(variant: Variant | None) -> Span:
    """Return the bounds of a clip of which nothing is known: what the model takes."""
    said = variant.family.media[MediaKind.VIDEO].seconds if variant is not None else None
    low, high = (Decimal(str(bound)) for bound in said or _ANY_CLIP)
    return Span(low=low, expected=(low + high) / 2, high=high)


def _at_most(video: Span, variant: Variant | None) -> Span:
    """Return a length within what the model takes in all; a known one stays as it is."""
    most = variant.family.media[MediaKind.VIDEO].max_seconds_in_all if variant else None
    if most is None or video.low == video.high:
        return video
    bound = max(Decimal(str(most)), video.low)
    return Span(low=video.low, expected=min(video.expected, bound), high=min(video.high, bound))


def quote(job: Job, price: Price) -> Quote:
    """Return what the lock keeps of a price when its job is bought."""
    footage = price.footage or _asked(job, None)
    return Quote(
        expected=price.expected,
        high=price.high or price.expected,
        seconds=footage.high if footage is not None else None,
        source=price.source,
        as_of=price.as_of,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """A price list that an estimate rests on."""

    source: str
    as_of: date | None
    jobs: int
    age_days: int | None = None  # None: nobody said what day it is

    @property
    def is_old(self) -> bool:
        """Whether the price should be looked up again."""
        return self.age_days is not None and self.age_days > MAX_AGE_DAYS

    def __str__(self) -> str:
        when = f" of {self.as_of}" if self.as_of is not None else ""
        old = f", {self.age_days} days old: look it up again" if self.is_old else ""
        return f"{self.jobs} by {self.source or 'the route'}{when}{old}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A sum of prices; jobs whose price no source names are counted, never taken as free."""

    low: Amount | None
    expected: Amount | None
    high: Amount | None
    known: int
    unknown: int
    oldest: date | None  # of the prices used
    bases: tuple[Basis, ...] = ()
    why: Mapping[str, int] = field(default_factory=dict)  # reason for a range → jobs
    retakes: Retakes = NO_RETAKES  # of which `expected` and `high` hold a share
    unpriced: tuple[JobId, ...] = ()

    def exceeds(self, other: Estimate) -> bool:
        """Say whether this is more, as far as both are known in one currency."""
        if self.high is None or other.high is None or self.high.currency != other.high.currency:
            return False
        return self.high.value > other.high.value

    def __str__(self) -> str:
        if self.known + self.unknown == 0:
            return "nothing to buy"
        parts = [f"{self.expected}"] if self.expected is not None else []
        if self.low != self.high:
            parts.append(f"({self.low} to {self.high})")
        if self.unknown:
            parts.append(f"+ {self.unknown} of unknown price")
        return " ".join(parts).removeprefix("+ ")


def estimate(
    plan: Plan,
    price: Callable[[Job], Price],
    *,
    today: date | None = None,
    retakes: Retakes = NO_RETAKES,
) -> Estimate:
    """Estimate what a run of this plan would buy, and the takes that will be lost on the way."""
    wanted = [step.job for step in plan.steps if step.will_submit]
    prices = [(job, price(job)) for job in wanted]
    known = [found for _, found in prices if found.is_known]
    more = 1 + retakes.share
    return Estimate(
        low=total(p.low for p in known),
        expected=_times(total(p.expected for p in known), more),
        high=_times(total(p.high for p in known), more),
        known=len(known),
        unknown=len(prices) - len(known),
        oldest=min((p.as_of for p in known if p.as_of is not None), default=None),
        bases=_bases(known, today),
        why=Counter(reason for p in known for reason in p.why),
        retakes=retakes,
        unpriced=tuple(job.id for job, found in prices if not found.is_known),
    )


def _bases(prices: Iterable[Price], today: date | None) -> tuple[Basis, ...]:
    counts = Counter((price.source, price.as_of) for price in prices)
    return tuple(
        Basis(
            source=source,
            as_of=as_of,
            jobs=count,
            age_days=(today - as_of).days if today is not None and as_of is not None else None,
        )
        for (source, as_of), count in counts.items()
    )


def _times(amount: Amount | None, factor: Decimal) -> Amount | None:
    return None if amount is None else Amount(amount.value * factor, amount.currency)


def total(amounts: Iterable[Amount | None]) -> Amount | None:
    """Add amounts of one currency; None: there were none."""
    known = [amount for amount in amounts if amount is not None]
    if not known:
        return None
    return Amount(sum((a.value for a in known), Decimal(0)), known[0].currency)
