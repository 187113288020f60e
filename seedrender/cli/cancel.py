"""`seedrender cancel`: drop what the provider has not started yet."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from seedrender.cli.console import (
    json_option,
    manifest_argument,
    only_route_option,
    outside_option,
    selectors_argument,
)
from seedrender.cli.settled import ask, say
from seedrender.plan.outcome import Exit
from seedrender.values.entry import JobState

_DROPPED = "it had not started: nothing is paid, and the next run would buy it anew"
_RUNS_ON = "it began, so it is paid: the next run collects it, or says how it ended"


@click.command("cancel")
@manifest_argument
@selectors_argument
@only_route_option
@outside_option
@json_option
def command(
    manifest: Path,
    *,
    selectors: tuple[str, ...],
    provider: str | None,
    outside: tuple[Path, ...],
    is_json: bool,
) -> int:
    """Ask the provider to cancel what is still queued; never deletes a task that has finished.

    Exit code 5 where some run on: they are paid, and the next run collects them.
    """
    from seedrender.run.reconcile import cancel  # aiohttp is loaded where work is to be done

    settled = asyncio.run(ask(cancel, manifest, selectors, provider, outside))
    is_over = [one.record.state is JobState.CANCELLED for one in settled]
    code = Exit.DONE if all(is_over) else Exit.UNFINISHED
    words = [
        one.error or (_DROPPED if over else _RUNS_ON)
        for one, over in zip(settled, is_over, strict=True)
    ]
    say(settled, words, code, nothing="No task is in flight.", is_json=is_json)
    return code
