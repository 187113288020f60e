"""Lets jobs buy while the budgets have room, and counts what the provider reports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from seedrender.lock import fold
from seedrender.plan.budget import Account, Budget, groups
from seedrender.plan.cost import quote
from seedrender.plan.make import Plan
from seedrender.plan.paid import Charge, charge, is_of, quoted, records_of
from seedrender.values.entry import JobState, Lock, TaskRecord
from seedrender.values.job import Job, JobId
from seedrender.values.money import BY_PROVIDER, UNKNOWN_PRICE, Limit, Price, Quote, in_words

_MAY_CHANGE = frozenset({JobState.SUBMITTING, JobState.SUBMITTED})
_SHOWN = 10  # jobs named in one sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a person lets a run spend."""

    film: tuple[Limit, ...] = ()  # `run.budget`: with all that the lock says was bought
    run: tuple[Limit, ...] = ()  # `--budget`: of this run alone
    is_unknown_allowed: bool = False


class Purse:
    """The money of one run. Without limits it admits everybody."""

    def __init__(
        self, price: Callable[[Job], Price] = lambda _: UNKNOWN_PRICE, budget: Budget | None = None
    ) -> None:
        self._price = price
        self._budget = budget or Budget([], [])
        self._has_limits = any(account.limits for account in self._budget.accounts)
        self._at_the_door: dict[JobId, asyncio.Future[bool]] = {}
        self._busy: set[JobId] = set()  # that hold money which may come free
        self._live: dict[JobId, set[str]] = {}  # earlier tasks, whose end may free money
        self._stopped = ""
        self._before: dict[str, Decimal] = {}
        self._wanted: set[JobId] = set()  # that the plan says will be bought
        self._left_out: dict[JobId, Charge] = {}

    def open(self, lock: Lock, plan: Plan) -> None:
        """Admit what fits, in the order of work; nobody, where the prices are not known."""
        for job in [step.job.id for step in plan.steps if step.job.id in lock.entries]:
            for record in fold.alive(lock.entries[job]):
                if record.stage in _MAY_CHANGE and record.task_id is not None:
                    self._live.setdefault(job, set()).add(record.correlation_id)
        accounts = self._budget.accounts
        units = {limit.unit for account in accounts for limit in account.limits}
        self._before = {unit: max(a.spent(unit) for a in accounts) for unit in units}
        self._wanted = {step.job.id for step in plan.steps if step.will_submit}
        self._stopped = _stopper(self._budget, self._wanted)
        if not self._stopped:
            self._busy.update(self._budget.admit())

    def quote(self, job: Job) -> Quote:
        """Return what the lock keeps of a job's price when it is bought."""
        return quote(job, self._price(job))

    def is_outside(self, job: JobId) -> bool:
        """Whether nothing but an end of other tasks could let a job buy."""
        return self._budget.is_outside(job)

    def reachable(self, plan: Plan) -> Plan:
        """Return a plan that buys no more than there is money for now."""
        steps = tuple(
            replace(step, will_submit=False) if self.is_outside(step.job.id) else step
            for step in plan.steps
        )
        return replace(plan, steps=steps)

    async def admit(self, job: JobId) -> bool:
        """Wait until a job may buy; False: the budget will not reach for it in this run."""
        if not self._has_limits or self._budget.is_admitted(job):
            return True
        door = asyncio.get_running_loop().create_future()
        self._at_the_door[job] = door
        try:
            self._call()
            return bool(await door)
        finally:
            del self._at_the_door[job]

    def may_send(self, job: JobId) -> bool:
        """Say whether a job that was let in may still buy, now that others cost what they did."""
        if not self._has_limits or self._budget.has_room_for(job):
            return True
        self._refuse(job)
        return False

    def note(self, job: JobId, record: TaskRecord) -> None:
        """Hear what became of a submission: its intent reserves, its end settles."""
        if not self._has_limits:
            return
        if record.state is JobState.SUBMITTING:
            self._budget.take(job, record.correlation_id, charge(record))
        elif record.state is JobState.PLANNED:
            self._budget.give_back(job, record.correlation_id)
        else:
            is_billed = record.bill is not None and record.bill.source == BY_PROVIDER
            self._budget.settle(job, record.correlation_id, charge(record), is_billed=is_billed)
        if record.stage not in _MAY_CHANGE:
            self._ended(job, record.correlation_id)
        self._call()

    def leave(self, job: JobId) -> None:
        """Hear that a job buys no more in this run."""
        if not self._has_limits:
            return
        self._budget.leave(job)
        self._busy.discard(job)
        self._live.pop(job, None)
        self._call()

    def _ended(self, job: JobId, key: str) -> None:
        keys = self._live.get(job, set())
        keys.discard(key)
        if not keys:
            self._live.pop(job, None)

    def _call(self) -> None:
        """Let in whoever fits now; send the others away when no money can come free any more."""
        if not self._at_the_door:
            return
        if not self._stopped:
            admitted = self._budget.admit()
            self._busy.update(admitted)
            for job in admitted:
                if job in self._at_the_door:
                    _answer(self._at_the_door[job], is_in=True)
        if self._stopped or not (self._busy or self._live):
            for job, door in self._at_the_door.items():
                if not door.done():
                    self._refuse(job)
                    _answer(door, is_in=False)

    def _refuse(self, job: JobId) -> None:
        group = self._budget.group(job)
        self._left_out |= {
            member: charge
            for member, charge in group.jobs.items()
            if member == job or member in self._wanted
        }

    def refuse_all(self) -> None:
        """Note that everything that is not admitted is left out: the run does not even start."""
        for group in self._budget.outside:
            wanted = next((job for job in group.jobs if job in self._wanted), None)
            if wanted is not None:
                self._refuse(wanted)

    @property
    def left_out(self) -> tuple[JobId, ...]:
        """Return the jobs that were not bought for the budget's sake."""
        return tuple(self._left_out)

    def words(self) -> str:
        """Say how far the money went, what was left out, and what it would cost."""
        if not self._left_out:
            return ""
        names, count = _listed(self.left_out), _jobs(len(self._left_out))
        if self._stopped:
            return f"{self._stopped}. Left out: {count} ({names}). Nothing was bought"
        more = _sums(self._left_out.values())
        would = ", ".join(in_words(value, unit) for unit, value in more.items() if value)
        lines = [f"the budget leaves out {count} ({names}): up to {would}; nothing of it was sent"]
        lines += [
            self._account(account, limit, more.get(limit.unit, Decimal(0)))
            for account in self._budget.accounts
            for limit in account.limits
        ]
        return ". ".join(lines)

    def _account(self, account: Account, limit: Limit, more: Decimal) -> str:
        spent = account.spent(limit.unit)
        words = f"{account.name} is {limit}, {in_words(spent, limit.unit)} of it taken"
        if account.name == FILM and self._before.get(limit.unit):
            words += f" ({in_words(self._before[limit.unit], limit.unit)} before this run)"
        if spent + more > limit.value:
            words += f"; {in_words(spent + more, limit.unit)} would do"
        return words

    def as_json(self) -> dict[str, Any]:
        """Return the same for programs."""
        return {
            "left_out": list(self._left_out),
            "limits": [
                {
                    "budget": account.name,
                    "limit": str(limit),
                    "taken": in_words(account.spent(limit.unit), limit.unit),
                    "before": in_words(self._before[limit.unit], limit.unit)
                    if account.name == FILM
                    else None,
                }
                for account in self._budget.accounts
                for limit in account.limits
            ],
        }


FILM = "run.budget"
RUN = "--budget"


def purse(
    plan: Plan,
    lock: Lock,
    price: Callable[[Job], Price],
    allowance: Allowance,
    route: str,
    remembered: Callable[[Lock], Lock] = lambda lock: lock,
    listed: Callable[[Job], Price] | None = None,
) -> Purse:
    """Open the purse of a run over this plan.

    `remembered` returns what was bought beside what the lock knows, as where git took it back;
    `listed` the published price, where the film has a table of its own. That table is the film's
    word; `--budget` is a person's, and counts no less than what is published.
    """
    if not (allowance.film or allowance.run):
        return Purse(price)
    charges = {step.job.id: quoted(quote(step.job, price(step.job))) for step in plan.steps}
    film, run = (
        Account(
            name,
            found,
            is_unknown_allowed=allowance.is_unknown_allowed,
            counts_earlier=name == FILM,
            counts_listed=name == RUN,
        )
        for name, found in ((FILM, allowance.film), (RUN, allowance.run))
    )
    bought = fold.fold(lock, remembered(lock).entries.values())
    for key, (record, found) in records_of(bought).items():
        if is_of(record, route):
            film.put(key, found)
    published = {s.job.id: _money(listed(s.job)) for s in plan.steps} if listed else {}
    opened = Purse(price, Budget([film, run], groups(plan, charges), published))
    opened.open(lock, plan)
    return opened


def _money(price: Price) -> Charge:
    """Return the most that a price says; empty: it says nothing."""
    high = price.high or price.expected
    return {high.currency: high.value} if high is not None else {}


def _stopper(budget: Budget, will_submit: Collection[JobId]) -> str:
    """Say why nothing at all may be bought; empty: the limits can be kept."""
    wanted = {
        job: charge
        for group in budget.outside
        for job, charge in group.jobs.items()
        if job in will_submit
    }
    for account in budget.accounts:
        money = ", ".join(str(limit) for limit in account.limits if limit.is_money)
        foreign = account.uncovered(wanted.values())
        if wanted and foreign:
            return (
                f"{account.name} is {money}, and money is paid in {', '.join(foreign)}: "
                "give a limit in each currency"
            )
        unknown = account.unknown(wanted)
        limits = " and ".join(map(str, account.limits))
        if unknown:
            return (
                f"{account.name} is {limits}, and the price of {_jobs(len(unknown))} is not known: "
                f"{_listed(unknown)}; name the rates in a table (`prices:`), give a budget in "
                "clips, or pass --allow-unknown-price"
            )
        if wanted and account.unknown_before:
            return (
                f"{account.name} is {limits}, and of what was bought before, the cost of "
                f"{account.unknown_before} is not known; pass --allow-unknown-price to count it "
                "as nothing"
            )
    return ""


def _jobs(count: int) -> str:
    return f"{count} job{'s' if count > 1 else ''}"


def _listed(jobs: Sequence[JobId]) -> str:
    return ", ".join(jobs[:_SHOWN]) + (" …" if len(jobs) > _SHOWN else "")


def _sums(charges: Iterable[Charge]) -> dict[str, Decimal]:
    """Add charges by unit: currencies first."""
    sums: dict[str, Decimal] = {}
    for found in charges:
        for unit, value in found.items():
            sums[unit] = sums.get(unit, Decimal(0)) + value
    return dict(sorted(sums.items()))  # capitals are before small letters


def _answer(door: asyncio.Future[bool], *, is_in: bool) -> None:
    if not door.done():
        door.set_result(is_in)
