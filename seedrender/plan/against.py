"""Compares two editions of a film: what is added, changed and removed, and what that costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from seedrender.lock import fold, moves
from seedrender.plan.cost import total
from seedrender.plan.decision import Verdict
from seedrender.plan.explain import Difference, definition, differences
from seedrender.plan.make import Plan, Step
from seedrender.values.entry import Fingerprint, Lock, LockEntry
from seedrender.values.job import Job, JobId
from seedrender.values.money import Amount, Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """One edition of a manifest, expanded, and what was known of its jobs then."""

    jobs: tuple[Job, ...]
    digests: Mapping[str, str]  # reference name → sha256 of its bytes
    lock: Lock
    price: Callable[[Job], Price]
    route: str = ""
    moved: Mapping[str, str] = field(default_factory=dict)  # id before → id now
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """Prices added up; the unknown ones are counted, never taken as free."""

    low: Amount | None = None
    expected: Amount | None = None
    high: Amount | None = None
    unknown: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A job that would show something else than before."""

    step: Step
    parts: tuple[Difference, ...]
    follows: JobId | None = None  # the job whose change it continues, where nothing else changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """A job that is not asked for any more, and what was paid for it."""

    job: JobId
    tasks: int
    paid: tuple[Amount, ...]  # one a currency, as far as anybody said; simulated ones are free


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What one edition has that the other has not."""

    added: tuple[Step, ...]
    changed: tuple[Changed, ...]
    renamed: tuple[tuple[JobId, JobId], ...]  # before, now; nothing is paid
    removed: tuple[Removed, ...]
    unchanged: int
    before: Sum  # all its jobs, at today's prices
    now: Sum
    to_buy: Sum  # of what is added and changed
    notes: tuple[str, ...] = ()

    @property
    def difference(self) -> Sum | None:
        """What the film costs more, or less; None: the two are paid in different currencies."""
        return difference(self.before, self.now)


def compare(before: Film, now: Film, plan: Plan) -> Comparison:
    """Compare two editions; `plan` is that of today's."""
    then = {job.id: definition(job, before.digests) for job in before.jobs}
    wanted = {job.id: definition(job, now.digests) for job in now.jobs}
    origins = _origins(now, then, wanted)
    steps = {step.job.id: step for step in plan.steps}
    added = tuple(steps[job.id] for job in now.jobs if job.id not in origins)
    changed = tuple(_changed(before, now.route, steps, origins, then, wanted))
    renamed = tuple((old, new) for new, old in origins.items() if old != new)
    kept = set(origins.values())
    touched = {step.job.id for step in added} | {found.step.job.id for found in changed}
    return Comparison(
        added=added,
        changed=changed,
        renamed=renamed,
        removed=tuple(
            _removed(job.id, before.lock, now.lock) for job in before.jobs if job.id not in kept
        ),
        unchanged=len(now.jobs) - len(touched),
        before=summed(map(before.price, before.jobs)),
        now=summed(map(now.price, now.jobs)),
        to_buy=summed(
            now.price(steps[j].job) for j in steps if j in touched and steps[j].will_submit
        ),
        notes=before.notes,
    )


def _origins(
    now: Film, then: Mapping[JobId, Fingerprint], wanted: Mapping[JobId, Fingerprint]
) -> dict[JobId, JobId]:
    """Say under which id each job stood before: by its id, by `moved`, or by what it shows."""
    moved = _moved(then, now.moved)
    origins = {new: moved.get(new, new) for new in wanted if moved.get(new, new) in then}
    taken = set(origins.values())
    left: dict[str, list[JobId]] = {}
    for old in reversed(list(then)):
        if old not in taken:
            left.setdefault(then[old].digest, []).append(old)
    for new, definition_now in wanted.items():
        if new not in origins and left.get(definition_now.digest):
            origins[new] = left[definition_now.digest].pop()
    return origins


def _moved(then: Iterable[JobId], moved: Mapping[str, str]) -> Mapping[JobId, JobId]:
    """Return the id now → id before of jobs that were renamed by the manifest."""
    entries = {job: LockEntry(job=job) for job in then}
    return moves.rename(Lock(manifest="", entries=entries), moved).renamed


def _changed(
    before: Film,
    route: str,
    steps: Mapping[JobId, Step],
    origins: Mapping[JobId, JobId],
    then: Mapping[JobId, Fingerprint],
    wanted: Mapping[JobId, Fingerprint],
) -> Iterator[Changed]:
    """Yield the jobs that are made from something else, and what continues them."""
    parents = {job.id: job.parents for job in before.jobs}
    changed: set[JobId] = set()
    for new, old in ((job, origins[job]) for job in wanted if job in origins):
        job = steps[new].job
        parts = differences(then[old].parts, wanted[new].parts)
        if not parts and before.route != route and steps[new].verdict is Verdict.STALE:
            parts = (Difference("provider", before.route, route),)  # its clip does not pass there
        strange = [n for n in job.parents if n not in origins or n in changed]
        is_elsewhere = tuple(origins.get(n) for n in job.parents) != parents[old]
        if parts or strange or is_elsewhere:
            changed.add(new)
            follows = next(iter((*strange, *job.parents)), None)
            yield Changed(step=steps[new], parts=parts, follows=None if parts else follows)


def _removed(job: JobId, then: Lock, now: Lock) -> Removed:
    entry = LockEntry(job=job)
    for lock in (then, now):
        entry = fold.join(entry, lock.entries.get(job, entry))
    charged: dict[str, Amount] = {}
    for cost in (task.bill for task in entry.tasks):
        if cost is not None and cost.source != "simulated":
            amount, currency = cost.amount, cost.amount.currency
            charged[currency] = charged[currency] + amount if currency in charged else amount
    return Removed(job=job, tasks=len(entry.tasks), paid=tuple(charged.values()))


def summed(prices: Iterable[Price]) -> Sum:
    """Add prices up."""
    every = list(prices)
    known = [price for price in every if price.is_known]
    return Sum(
        low=total(price.low for price in known),
        expected=total(price.expected for price in known),
        high=total(price.high for price in known),
        unknown=len(every) - len(known),
    )


def difference(before: Sum, now: Sum) -> Sum | None:
    """Return what costs more, or less; None: the two are paid in different currencies."""
    if len({s.expected.currency for s in (before, now) if s.expected is not None}) > 1:
        return None
    return Sum(
        low=_less(now.low, before.low),
        expected=_less(now.expected, before.expected),
        high=_less(now.high, before.high),
        unknown=now.unknown - before.unknown,
    )


def _less(one: Amount | None, other: Amount | None) -> Amount | None:
    known = one or other
    if known is None:
        return None
    values = [amount.value if amount is not None else Decimal(0) for amount in (one, other)]
    return Amount(values[0] - values[1], known.currency)
