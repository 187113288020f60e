"""What `reconcile` and `cancel` have in common: whom to ask, and the words for what came of it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seedrender.cli.console import echo, say_json, table
from seedrender.cli.output.listeners import Telling, announcing
from seedrender.plan.outcome import Exit
from seedrender.run import project
from seedrender.run.choices import Choices
from seedrender.run.project import Project
from seedrender.values.job import JobId

if TYPE_CHECKING:
    from seedrender.run.desk import Listener  # aiohttp is loaded where work is to be done
    from seedrender.run.reconcile import Settled
    from seedrender.run.render import Options

    Question = Callable[
        [Project, Options, Listener, Collection[JobId] | None], Awaitable[tuple[Settled, ...]]
    ]


async def ask(
    question: Question,
    manifest: Path,
    selectors: Sequence[str],
    provider: str | None,
    outside: tuple[Path, ...],
) -> tuple[Settled, ...]:
    """Ask about the selected jobs; without a selector, about all that the lockfile knows."""
    from seedrender.run.render import Options

    choices = Choices(provider=provider, outside=outside)
    found = project.load(
        manifest, choices=choices, selectors=selectors, may_be_unfit=provider is not None
    )
    jobs = {job.id for job in found.jobs} if selectors else None
    with announcing(Telling(), total=0) as listener:
        return await question(found, Options(environ=os.environ), listener, jobs)


def say(
    settled: Sequence[Settled],
    words: Sequence[str],
    code: Exit,
    *,
    nothing: str,
    is_json: bool,
) -> None:
    """Print what became of each, and what now: `words`, in the same order."""
    if is_json:
        rows = [
            {
                "job": one.job,
                "state": one.record.stage.value,
                "task_id": one.record.task_id,
                "correlation_id": one.record.correlation_id,
                "what": what,
            }
            for one, what in zip(settled, words, strict=True)
        ]
        say_json({"exit_code": int(code), "tasks": rows})
    elif not settled:
        echo(nothing)
    else:
        rows_of_text = [
            (one.job, one.record.stage.value, one.record.task_id or "no task", what)
            for one, what in zip(settled, words, strict=True)
        ]
        echo(table(("job", "state", "task", "what now"), rows_of_text))
