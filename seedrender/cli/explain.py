"""`seedrender explain`: why would a job be rendered again?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from seedrender.cli.console import (
    choices_options,
    echo,
    json_option,
    manifest_argument,
    route_option,
    say_json,
)
from seedrender.errors import ConfigError, printable
from seedrender.lock import fold
from seedrender.plan import select
from seedrender.plan.explain import Change, compare, definition, other_route, shown, without_parents
from seedrender.plan.make import Step
from seedrender.run import project
from seedrender.run.choices import Choices
from seedrender.run.project import Project
from seedrender.values.entry import Fingerprint, Lock


@click.command("explain")
@manifest_argument
@click.argument("job")
@choices_options
@route_option
@json_option
def command(manifest: Path, job: str, *, choices: Choices, is_json: bool) -> int:
    """Say what has changed since JOB of MANIFEST was rendered: each part, and its line."""
    found = project.load(manifest, choices=choices)
    named = select.named(found.all_jobs, [job])
    lock = found.read_lock()
    step = next((step for step in found.plan(lock).steps if step.job.id == job), None)
    if step is None:
        raise ConfigError(f"'{job}' names {', '.join(named[:5])} …: give one job")
    changes = _changes(found, lock, step)
    if is_json:
        say_json({"exit_code": 0, **_as_json(step, changes)})
    else:
        echo("\n".join(_lines(step, changes)))
    return 0


def _changes(found: Project, lock: Lock, step: Step) -> tuple[Change, ...]:
    """Return what differs from the clip, else from the newest task; empty: neither is known."""
    entry = lock.entries.get(step.job.id)
    made_by = fold.output_record(entry) if entry is not None else None
    old = made_by.fingerprint if made_by is not None else None
    if old is None and entry is not None:
        old = fold.newest_fingerprint(entry)
    if old is None or not old.parts:
        return ()
    changed = () if _is_same(step, old) else compare(step.job, *_comparable(found, step, old))
    asked = found.asked
    return (*changed, *other_route(made_by, asked, found.place(("provider",))))


def _is_same(step: Step, old: Fingerprint) -> bool:
    """Say whether nothing differs but the rule by which the digest was made."""
    return step.fingerprint is not None and step.fingerprint.is_of(old)


def _comparable(found: Project, step: Step, old: Fingerprint) -> tuple[Fingerprint, Fingerprint]:
    """Leave the parents' clips out of both where one of them is still to come."""
    if step.fingerprint is not None:
        return old, step.fingerprint
    return without_parents(old), definition(step.job, found.digests)


def _lines(step: Step, changes: tuple[Change, ...]) -> list[str]:
    lines = [f"{step.job.id}  {step.verdict.value}: {printable(step.reason)}"]
    for change in changes:
        lines += ["", f"{change.part}  ({change.origin})"]
        lines += [f"  was  {shown(change.old)}", f"  is   {shown(change.new)}"]
    return lines


def _as_json(step: Step, changes: tuple[Change, ...]) -> dict[str, Any]:
    return {
        "job": step.job.id,
        "plan": step.verdict.value,
        "reason": step.reason,
        "changes": [
            {
                "part": change.part,
                "old": change.old,
                "new": change.new,
                "file": change.origin.file,
                "line": change.origin.line,
                "column": change.origin.column,
            }
            for change in changes
        ],
    }
