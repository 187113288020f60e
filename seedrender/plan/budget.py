"""Decides what a budget lets a run buy: limits, what counts towards them, and who is admitted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from seedrender.plan.decision import Verdict
from seedrender.plan.make import Plan
from seedrender.plan.paid import Charge
from seedrender.values.job import JobId
from seedrender.values.money import CLIPS, SECONDS, Limit

_ZERO = Decimal(0)


class Account:
    """Charges against limits of which each holds; a charge that is put again takes its old place.

    What a charge does not say is not known, and nothing more fits beside it, unless unknown charges
    are allowed: then they count as nothing.
    """

    def __init__(
        self,
        name: str,
        limits: Sequence[Limit],
        *,
        is_unknown_allowed: bool = False,
        counts_earlier: bool = False,
        counts_listed: bool = False,
    ) -> None:
        self.name = name
        self.limits = tuple(limits)
        self._is_unknown_allowed = is_unknown_allowed
        self.counts_earlier = counts_earlier  # also what earlier runs bought
        self.counts_listed = (
            counts_listed  # no less than the published price, until there is a bill
        )
        self._currencies = {limit.unit for limit in limits if limit.is_money}
        self._charges: dict[str, Charge] = {}
        self._totals: dict[str, Decimal] = {}
        self._unknown: dict[Limit, int] = dict.fromkeys(self.limits, 0)

    def put(self, key: str, charge: Charge | None) -> None:
        """Let a charge count, in place of an earlier one of this key; None: it costs nothing."""
        self._count(self._charges.pop(key, {}), -1)
        if charge is not None:
            self._charges[key] = charge
            self._count(charge, +1)

    def holds(self, key: str) -> bool:
        """Whether a charge of this key counts."""
        return key in self._charges

    def _count(self, charge: Charge, sign: int) -> None:
        for unit, value in charge.items():
            self._totals[unit] = self._totals.get(unit, _ZERO) + sign * value
        if charge:
            for limit in self.limits:
                self._unknown[limit] += sign * (self._share(charge, limit) is None)

    def _share(self, charge: Charge, limit: Limit) -> Decimal | None:
        """Return what a charge takes of a limit; None: nobody knows.

        What is paid in another currency takes nothing, if that one has a limit as well.
        """
        if limit.unit in charge:
            return charge[limit.unit]
        is_elsewhere = limit.is_money and any(unit in self._currencies for unit in charge)
        return _ZERO if is_elsewhere else None

    def uncovered(self, charges: Iterable[Charge]) -> tuple[str, ...]:
        """Return the currencies that are paid in, beside limits in others only."""
        if not self._currencies:
            return ()
        units = {unit for charge in charges for unit in charge}
        units |= {unit for unit, total in self._totals.items() if total}
        return tuple(sorted(units - self._currencies - {CLIPS, SECONDS}))

    def unknown(self, charges: Mapping[JobId, Charge]) -> tuple[JobId, ...]:
        """Return the jobs of which nobody knows what they take of some limit, if that matters."""
        if self._is_unknown_allowed:
            return ()
        return tuple(
            job
            for job, charge in charges.items()
            if any(self._share(charge, limit) is None for limit in self.limits)
        )

    @property
    def unknown_before(self) -> int:
        """Return how many charges that count already are not known, if that matters."""
        return 0 if self._is_unknown_allowed else max(self._unknown.values(), default=0)

    def spent(self, unit: str) -> Decimal:
        """Return what counts towards the limits of a unit."""
        return self._totals.get(unit, _ZERO)

    def fits(self, charges: Sequence[Charge]) -> bool:
        """Whether there is room for charges, all together."""
        for limit in self.limits:
            shares = [self._share(charge, limit) for charge in charges]
            known = [share for share in shares if share is not None]
            if self.spent(limit.unit) + sum(known, _ZERO) > limit.value:
                return False
            is_unsure = self._unknown[limit] or len(known) < len(shares)
            if is_unsure and not self._is_unknown_allowed:
                return False
        return True

    def least(self, groups: Iterable[Sequence[Charge]]) -> tuple[Decimal, ...]:
        """Return how little a group takes of each limit."""
        sums = [
            [sum((self._share(c, limit) or _ZERO for c in charges), _ZERO) for limit in self.limits]
            for charges in groups
        ]
        return tuple(map(min, zip(*sums, strict=True)))

    def has_room(self, shares: Sequence[Decimal]) -> bool:
        """Whether there is room for so much of each limit."""
        pairs = zip(self.limits, shares, strict=True)
        return all(self.spent(limit.unit) + share <= limit.value for limit, share in pairs)


@dataclass(slots=True)
class Group:
    """Jobs that are bought all or not at all: what is left of a chain."""

    jobs: dict[JobId, Charge] = field(default_factory=dict)
    after: set[JobId] = field(default_factory=set)  # that make what it uses: it is bought with them
    is_admitted: bool = False


class Budget:
    """Who may buy: groups in the order of work, each with room for all of it in every account."""

    def __init__(
        self,
        accounts: Sequence[Account],
        groups: Iterable[Group],
        listed: Mapping[JobId, Charge] = MappingProxyType({}),
    ) -> None:
        """Open it; `listed`: what jobs cost by published prices, where the film has its own."""
        self.accounts = tuple(accounts)
        self._listed = listed
        self._outside = [group for group in groups if group.jobs]
        self._group_of = {job: group for group in self._outside for job in group.jobs}
        self._reserved: set[JobId] = set()
        # what the smallest group outside takes, by account: with less room nobody need be asked
        self._least: list[tuple[Account, tuple[Decimal, ...]]] = []

    def admit(self) -> tuple[JobId, ...]:
        """Reserve for every group that fits, in order, and return the jobs that may be bought."""
        if not all(account.has_room(least) for account, least in self._least):
            return ()
        admitted: list[JobId] = []
        outside: list[Group] = []
        for group in self.outside:
            is_alone = any(map(self.is_outside, group.after))
            if is_alone or not all(a.fits(self._charges(group, a)) for a in self.accounts):
                outside.append(group)
                continue
            group.is_admitted = True
            for job in group.jobs:
                self._reserve(job, group.jobs[job])
            admitted += group.jobs
        self._outside = outside
        self._least = [
            (account, account.least([self._charges(group, account) for group in outside]))
            for account in self.accounts
            if outside
        ]
        return tuple(admitted)

    def _reserve(self, job: JobId, charge: Charge) -> None:
        self._reserved.add(job)
        for account in self.accounts:
            account.put(_place_of(job), self._counted(job, charge, account))

    def _charges(self, group: Group, account: Account) -> list[Charge]:
        return [self._counted(job, charge, account) for job, charge in group.jobs.items()]

    def _counted(self, job: JobId, charge: Charge, account: Account) -> Charge:
        """Return what a charge counts in an account: in some no less than the published price."""
        if not account.counts_listed:
            return charge
        listed = self._listed.get(job, {})
        return {**charge, **{unit: max(v, charge.get(unit, v)) for unit, v in listed.items()}}

    def has_room_for(self, job: JobId) -> bool:
        """Whether what a job has reserved still fits: what others took may be more than theirs."""
        return job not in self._reserved or all(account.fits(()) for account in self.accounts)

    def is_admitted(self, job: JobId) -> bool:
        """Whether a job may be bought."""
        return job in self._group_of and self._group_of[job].is_admitted

    def is_outside(self, job: JobId) -> bool:
        """Whether a job would have to be admitted first."""
        return job in self._group_of and not self._group_of[job].is_admitted

    def group(self, job: JobId) -> Group:
        """Return what a job is bought together with."""
        return self._group_of[job]

    def take(self, job: JobId, key: str, charge: Charge | None) -> None:
        """Let a submission, known by its key, count in place of its job's reservation."""
        self._release(job)
        for account in self.accounts:
            account.put(key, charge and self._counted(job, charge, account))

    def settle(
        self, job: JobId, key: str, charge: Charge | None, *, is_billed: bool = False
    ) -> None:
        """Count what a submission takes, as far as is known now; `is_billed`: by its provider.

        One of an earlier run may have counted as nothing before, such as a failure that was free.
        """
        for account in self.accounts:
            if account.counts_earlier or account.holds(key):
                is_final = is_billed or not charge
                account.put(key, charge if is_final else self._counted(job, charge or {}, account))

    def give_back(self, job: JobId, key: str) -> None:
        """Undo a submission that created nothing: its job may try again with what it reserved."""
        self.settle(job, key, None)
        if self.is_admitted(job):
            self._reserve(job, self._group_of[job].jobs[job])

    def leave(self, job: JobId) -> None:
        """Release what a job has reserved and not used; it buys no more."""
        self._release(job)
        group = self._group_of.get(job)
        if group is not None and not group.is_admitted:
            del group.jobs[job], self._group_of[job]
            self._least = []

    def _release(self, job: JobId) -> None:
        if job in self._reserved:
            self._reserved.discard(job)
            for account in self.accounts:
                account.put(_place_of(job), None)

    @property
    def reserved(self) -> frozenset[JobId]:
        """Return the jobs that are admitted and have not submitted yet."""
        return frozenset(self._reserved)

    @property
    def outside(self) -> tuple[Group, ...]:
        """Return the groups that are not admitted, in order."""
        return tuple(group for group in self._outside if group.jobs)


def _place_of(job: JobId) -> str:
    return f"job {job}"  # no correlation id has a blank


def groups(plan: Plan, charges: Mapping[JobId, Charge]) -> tuple[Group, ...]:
    """Put together what continues one another, in the order in which a run works.

    What makes a reference for others is apart: none of them is bought without it.

    Jobs whose earlier submit has no known outcome are with those that continue them: they are
    bought where it turns out that nothing was created.
    """
    group_of: dict[JobId, Group] = {}
    for step in plan.steps:
        job = step.job
        if not (step.will_submit or step.verdict is Verdict.UNKNOWN):
            continue
        earlier = list({id(group): group for group in _of(group_of, job.needs)}.values())
        joined = earlier[0] if earlier else Group()
        for other in earlier[1:]:
            joined.jobs |= other.jobs
            joined.after |= other.after
            group_of |= dict.fromkeys(other.jobs, joined)
        joined.jobs[job.id] = charges[job.id]
        joined.after |= set(job.parents) - set(job.needs)
        group_of[job.id] = joined
    order = sorted(group_of, key=lambda job: -plan.graph.behind_s[job])
    return tuple({id(group): group for group in _of(group_of, order)}.values())


def _of(group_of: Mapping[JobId, Group], jobs: Iterable[JobId]) -> Iterator[Group]:
    return (group_of[job] for job in jobs if job in group_of)
