"""`seedrender status`: what does the lockfile know?"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import click

from seedrender.cli.console import json_option, manifest_argument, say_json, table
from seedrender.lock import fold
from seedrender.plan.cost import total
from seedrender.run import store
from seedrender.run.project import lock_path
from seedrender.values.entry import Lock, LockEntry


@click.command("status")
@manifest_argument
@json_option
def command(manifest: Path, *, is_json: bool) -> int:
    """Show the state of every job of MANIFEST, from its lockfile alone; nothing is sent."""
    lock = store.read(lock_path(manifest), manifest.name)
    entries = [lock.entries[job] for job in sorted(lock.entries)]
    if is_json:
        say_json({"exit_code": 0, "jobs": [_as_json(entry) for entry in entries]})
    elif not entries:
        click.echo("Nothing was rendered yet.")
    else:
        click.echo(table(("job", "state", "task", "cost", "output"), [_row(e) for e in entries]))
        click.echo(f"\n{_summary(lock)}")
    return 0


def _row(entry: LockEntry) -> tuple[str, str, str, str, str]:
    last = entry.tasks[-1] if entry.tasks else None
    cost = str(last.cost.amount) if last is not None and last.cost is not None else ""
    task = (last.task_id or "") if last is not None else "joined"
    output = entry.output.path if entry.output is not None else (last.error or "" if last else "")
    return entry.job, fold.job_state(entry).value, task, cost, output


def _summary(lock: Lock) -> str:
    states = Counter(fold.job_state(entry).value for entry in lock.entries.values() if entry.tasks)
    records = [record for entry in lock.entries.values() for record in entry.tasks]
    paid = total(r.cost.amount for r in records if r.cost is not None)
    unknown = sum(1 for r in records if r.cost is None and r.task_id is not None)
    parts = [", ".join(f"{count} {state}" for state, count in states.items())]
    parts.append(f"Cost of {len(records)} tasks: {paid or 'not known'}")
    if unknown:
        parts[-1] += f" and {unknown} of which it is not known"
    return ". ".join(parts)


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
                "cost": str(record.cost.amount) if record.cost is not None else None,
                "error": record.error,
            }
            for record in entry.tasks
        ],
        "output": None
        if output is None
        else {"path": output.path, "sha256": output.sha256, "duration_s": output.duration_s},
    }
