"""`seedrender reconcile`: what became of submits whose answer was lost?"""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from seedrender.cli.console import json_option, manifest_argument, selectors_argument
from seedrender.cli.settled import ask, say
from seedrender.lock import fold
from seedrender.plan.outcome import Exit
from seedrender.values.entry import JobState


@click.command("reconcile")
@manifest_argument
@selectors_argument
@json_option
def command(manifest: Path, *, selectors: tuple[str, ...], is_json: bool) -> int:
    """Settle outcomes that are unknown, by asking the provider where it can tell; buys nothing.

    Exit code 6 where some stay unknown: a person must look at the provider's console.
    """
    from seedrender.run.reconcile import reconcile  # aiohttp is loaded where work is to be done
    from seedrender.run.submit import advice

    settled = asyncio.run(ask(reconcile, manifest, selectors))
    is_open = [fold.next_action(one.record.state) is fold.Action.ASK for one in settled]
    code = Exit.UNDECIDED if any(is_open) else Exit.DONE
    words = {
        one.job: advice(one.job)
        if is_unknown
        else "nothing was created: the next run buys it"
        if one.record.state is JobState.PLANNED
        else "the next run collects it"
        for one, is_unknown in zip(settled, is_open, strict=True)
    }
    say(settled, words, code, nothing="No outcome is unknown.", is_json=is_json)
    return code
