"""Turns the lock's task records into what was paid, or may have been."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from seedrender.lock import fold
from seedrender.lock.identity import SIMULATED
from seedrender.values.entry import NEVER_BEGUN, JobState, Lock, LockEntry, TaskRecord
from seedrender.values.job import CorrelationId
from seedrender.values.money import CLIPS, SECONDS, Amount, Quote
from seedrender.values.task import Artifact

Charge = Mapping[str, Decimal]  # by currency, CLIPS and SECONDS; what is missing is not known

_HAS_A_CLIP = frozenset({JobState.SUCCEEDED, JobState.DONE})
_TELLING = 5  # clips, before the takes that were lost say anything about those to come


def charge(record: TaskRecord, clip: Artifact | None = None) -> Charge | None:
    """Return what a submission cost, or else may cost at most; None: nothing was paid for it."""
    if not _may_be_paid(record):
        return None
    units = quoted(record.estimate or Quote())
    if clip is not None:
        units.setdefault(SECONDS, Decimal(str(clip.duration_s or 0)))
    if record.bill is not None:
        units = {unit: value for unit, value in units.items() if unit in (CLIPS, SECONDS)}
        amount = record.bill.amount
        units[amount.currency] = max(amount.value, Decimal(0))  # nothing comes back by a mistake
    return units


def quoted(quote: Quote) -> dict[str, Decimal]:
    """Return what a job takes at most, as far as its price says."""
    units = {CLIPS: Decimal(1)}
    if quote.seconds is not None:
        units[SECONDS] = quote.seconds
    if quote.high is not None:
        units[quote.high.currency] = max(quote.high.value, Decimal(0))
    return units


def charges(entry: LockEntry) -> Iterator[tuple[TaskRecord, Charge]]:
    """Yield every record of a job that was paid, or may have been."""
    for record in entry.tasks:
        if (found := charge(record, fold.clip_of(record, entry))) is not None:
            yield record, found


def _may_be_paid(record: TaskRecord) -> bool:
    """Whether money may have left for a record: where nobody says that none did, it may.

    A task that failed and of which no cost is known is not free: its answer spoke of money, or of
    none at all. One that is gone may have ended well before; one that a person gave up may exist
    all the same.
    """
    if record.state is JobState.PLANNED:
        return False
    if record.bill is not None:
        return record.bill.amount.value > 0 or record.state in _HAS_A_CLIP
    if record.task_id is None and record.state in (JobState.BLOCKED, *_HAS_A_CLIP):
        return False  # refused at the door; or a clip that a person took over
    return not _has_never_begun(record)


def is_free(record: TaskRecord) -> bool:
    """Say whether a task that ended without a clip is known to have cost nothing."""
    is_nothing = record.bill is not None and record.bill.amount.value == Decimal(0)
    return is_nothing or _has_never_begun(record) or record.provider == SIMULATED


def _has_never_begun(record: TaskRecord) -> bool:
    """Whether a task was cancelled while it waited for its turn."""
    return not record.may_have_run_on and (record.error or "").startswith(NEVER_BEGUN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retakes:
    """How many paid tasks a lock knows, and how many of their clips are still in use."""

    paid: int = 0
    kept: int = 0

    @property
    def share(self) -> Decimal:
        """Return how many tasks are lost for each clip that is kept; 0 until enough is known."""
        if self.kept < _TELLING:
            return Decimal(0)
        return max(Decimal(self.paid - self.kept) / self.kept, Decimal(0))


NO_RETAKES = Retakes()


def retakes(lock: Lock, route: str) -> Retakes:
    """Count the tasks that failed, or whose clip a person had made again as it was.

    Tasks in flight, and clips whose definition changed since, are none; of the kind of route that
    is used now.
    """
    paid = kept = 0
    for entry in lock.entries.values():
        live = fold.alive(entry)
        ended = [r for r, _ in charges(entry) if is_of(r, route) and r not in live]
        paid += len(ended)
        kept += len({r.fingerprint.digest for r in ended if fold.clip_of(r, entry)})
    return Retakes(paid=paid, kept=kept)


def is_of(record: TaskRecord, route: str) -> bool:
    """Whether a record counts for a route: play money and real money do not add up."""
    return (record.provider == SIMULATED) == (route == SIMULATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What tasks did cost against what they were to cost."""

    tasks: int = 0  # that were paid, or may have been
    paid: Mapping[str, Decimal]  # by currency
    expected: Mapping[str, Decimal]  # of the same tasks as `paid`, where both are known
    compared: Mapping[str, Decimal]  # what these cost
    unknown: int = 0  # tasks whose cost nobody reported


def balance(records: Iterable[TaskRecord]) -> Balance:
    """Compare costs with estimates, task by task."""
    tasks = unknown = 0
    paid: dict[str, Decimal] = {}
    expected: dict[str, Decimal] = {}
    compared: dict[str, Decimal] = {}
    for record in records:
        if charge(record) is None:
            continue
        tasks += 1
        if record.bill is None:
            unknown += 1
            continue
        actual = record.bill.amount
        _add(paid, actual)
        quote = record.estimate.expected if record.estimate is not None else None
        if quote is not None and quote.currency == actual.currency:
            _add(expected, quote)
            _add(compared, actual)
    return Balance(tasks=tasks, paid=paid, expected=expected, compared=compared, unknown=unknown)


def _add(sums: dict[str, Decimal], amount: Amount) -> None:
    sums[amount.currency] = sums.get(amount.currency, Decimal(0)) + amount.value


def said(sums: Mapping[str, Decimal]) -> str:
    """Write sums of several currencies: `1.00 USD + 7.00 CNY`; empty where there are none."""
    return " + ".join(str(Amount(value, currency)) for currency, value in sorted(sums.items()))


def records_of(lock: Lock) -> Mapping[CorrelationId, tuple[TaskRecord, Charge]]:
    """Return every record that may have been paid, by its correlation id."""
    return {
        record.correlation_id: (record, found)
        for entry in lock.entries.values()
        for record, found in charges(entry)
    }
