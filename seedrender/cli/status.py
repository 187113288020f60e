"""`seedrender status`: what does the lockfile know?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from seedrender.cli.console import echo, json_option, manifest_argument, say_json, table
from seedrender.errors import LockError, printable
from seedrender.lock import amounts, fold
from seedrender.lock.identity import SIMULATED
from seedrender.plan.paid import Balance, balance, charges, said
from seedrender.project.ownership import lock_path
from seedrender.project.purchases import PurchaseLog
from seedrender.run import store
from seedrender.values.entry import Lock, LockEntry, TaskRecord
from seedrender.values.money import Amount


@click.command("status")
@manifest_argument
@json_option
def command(manifest: Path, *, is_json: bool) -> int:
    """Show the state of every job of MANIFEST, from its lockfile alone; nothing is sent."""
    lock = store.read(lock_path(manifest), manifest.name)
    entries = [lock.entries[job] for job in sorted(lock.entries)]
    if is_json:
        jobs = [_as_json(entry) for entry in entries]
        say_json({"exit_code": 0, "jobs": jobs, "cost": _cost_json(lock)})
        return 0
    if entries:
        head = ("job", "state", "task", "estimate", "cost", "output")
        echo(table(head, [_row(e) for e in entries]))
        echo("\n" + (_summary(lock) or "Nothing was bought yet."))
    else:
        echo("Nothing was rendered yet.")
    if forgotten := _forgotten(PurchaseLog(lock_path(manifest)), lock):
        echo(forgotten)
    return 0


def _forgotten(purchases: PurchaseLog, lock: Lock) -> str:
    """Say what was paid and is not in the lockfile: it was deleted, or an older one put back."""
    try:
        known = purchases.unknown_to(lock)
    except LockError as error:
        return str(error)
    by_id = {r.correlation_id: r for entry in known.entries.values() for r in entry.tasks}
    tasks = list(by_id.values())
    if not tasks:
        return ""
    many = "1 paid task is" if len(tasks) == 1 else f"{len(tasks)} paid tasks are"
    cost = said(balance(tasks).paid) or "cost not known"
    return (
        f"{many} remembered in {purchases.shown} and not in {purchases.path.name} ({cost}): the "
        "next run takes over what it has a use for"
    )


def _row(entry: LockEntry) -> tuple[str, str, str, str, str, str]:
    task = fold.foremost(entry)
    found = balance(_of_one_kind(entry))
    estimated, cost = said(_estimates(entry)), said(found.paid)
    if found.unknown:
        cost = f"{cost} + {found.unknown} not known" if cost else "not known"
    joined = "joined" if entry.output is not None else ""
    name = (task.task_id or "") if task is not None else joined
    return entry.job, fold.job_state(entry).value, name, estimated, cost, _output(entry)


def _of_one_kind(entry: LockEntry) -> tuple[TaskRecord, ...]:
    """Return the tasks that real money paid for, or all of a job that was only simulated."""
    paid = tuple(record for record in entry.tasks if record.provider != SIMULATED)
    return paid or entry.tasks


def _output(entry: LockEntry) -> str:
    """Say where a clip is and what is wrong with it, or why there is none."""
    task = fold.foremost(entry)
    if entry.output is None:
        return (task.error or "") if task is not None else ""
    path, differs = entry.output.path, "; ".join(entry.output.differs)
    return f"{path} (differs: {differs})" if differs and not entry.is_pinned else path


def _estimates(entry: LockEntry) -> dict[str, Decimal]:
    """Add up what the tasks of a job that were paid, or may have been, were to cost."""
    sums: dict[str, Decimal] = {}
    for record, _ in charges(replace(entry, tasks=_of_one_kind(entry))):
        amount = record.estimate.expected if record.estimate is not None else None
        if amount is not None:
            sums[amount.currency] = sums.get(amount.currency, Decimal(0)) + amount.value
    return sums


def _summary(lock: Lock) -> str:
    states = Counter(fold.job_state(entry).value for entry in lock.entries.values() if entry.tasks)
    lines = [", ".join(f"{count} {state}" for state, count in states.items())] if states else []
    for words, records in _kinds(lock):
        found = balance(records)
        cost = said(found.paid) or ("nothing" if not found.unknown else "not known")
        lines.append(f"{words} of {found.tasks} {'task' if found.tasks == 1 else 'tasks'}: {cost}")
        if found.unknown and found.paid:
            lines[-1] += f", and of {found.unknown} not known"
        lines += [_compared(found, currency) for currency in sorted(found.expected)]
    return printable(". ".join(lines))


def _kinds(lock: Lock) -> Iterator[tuple[str, list[TaskRecord]]]:
    """Keep play money and real money apart."""
    records = [record for entry in lock.entries.values() for record in entry.tasks]
    for words, is_simulated in (("Cost", False), ("Simulated cost", True)):
        some = [record for record in records if (record.provider == SIMULATED) == is_simulated]
        if some:
            yield words, some


def _compared(found: Balance, currency: str) -> str:
    """Say how far costs are from what was expected of the same tasks."""
    expected, actual = found.expected[currency], found.compared[currency]
    off = f" ({(actual - expected) / expected:+.1%})" if expected else ""
    return f"{Amount(actual, currency)} against an estimate of {Amount(expected, currency)}{off}"


def _cost_json(lock: Lock) -> dict[str, Any]:
    found = {words: balance(records) for words, records in _kinds(lock)}
    return {
        words.lower().replace(" ", "_"): {
            "tasks": sums.tasks,
            "paid": {unit: str(value) for unit, value in sums.paid.items()},
            "unknown_tasks": sums.unknown,
            "expected": {unit: str(value) for unit, value in sums.expected.items()},
            "paid_of_these": {unit: str(value) for unit, value in sums.compared.items()},
        }
        for words, sums in found.items()
    }


def _as_json(entry: LockEntry) -> dict[str, Any]:
    output = entry.output
    return {
        "job": entry.job,
        "state": fold.job_state(entry).value,
        "tasks": [
            {
                "task_id": record.task_id,
                "correlation_id": record.correlation_id,
                "state": record.state.value,
                "estimate": amounts.quote_json(record.estimate),
                "cost": str(record.bill.amount) if record.bill is not None else None,
                "cost_source": record.bill.source if record.bill is not None else None,
                "error": record.error,
                "unread": dict(record.unread),
            }
            for record in entry.tasks
        ],
        "output": None
        if output is None
        else {
            "path": output.path,
            "sha256": output.sha256,
            "duration_s": output.duration_s,
            "width": output.width,
            "height": output.height,
            "differs": list(output.differs),
        },
    }
