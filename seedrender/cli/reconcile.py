"""`seedrender reconcile`: what became of submits whose answer was lost?"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seedrender.cli.console import (
    json_option,
    manifest_argument,
    only_route_option,
    outside_option,
    selectors_argument,
)
from seedrender.cli.settled import ask, say
from seedrender.lock import fold
from seedrender.plan.outcome import Exit
from seedrender.values.entry import JobState

if TYPE_CHECKING:
    from seedrender.run.reconcile import Settled


@click.command("reconcile")
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
    """Settle outcomes that are unknown, by asking the provider where it can tell; buys nothing.

    Exit code 6 where some stay unknown: a person must look at the provider's console.
    """
    from seedrender.run.reconcile import reconcile  # aiohttp is loaded where work is to be done

    settled = asyncio.run(ask(reconcile, manifest, selectors, provider, outside))
    is_open = any(fold.next_action(one.record.stage) is fold.Action.ASK for one in settled)
    code = Exit.UNDECIDED if is_open else Exit.DONE
    words = [_what_now(one, manifest) for one in settled]
    say(settled, words, code, nothing="No outcome is unknown.", is_json=is_json)
    return code


def _what_now(one: Settled, manifest: Path) -> str:
    from seedrender.project.roots import named
    from seedrender.run.submit import advice

    if fold.next_action(one.record.stage) is fold.Action.ASK:
        return one.error or one.advice or advice(one.job, named(manifest.parent, manifest.name))
    if one.record.state is JobState.PLANNED:
        return "nothing was created: the next run buys it"
    return "the next run collects it"
