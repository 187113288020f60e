"""`seedrender ctl`: steer a run that is going on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from seedrender.cli.console import echo, json_option, manifest_argument, say_json
from seedrender.errors import ConfigError
from seedrender.project.ownership import lock_path


@click.command("ctl")
@manifest_argument
@click.argument("what", type=click.Choice(["status", "pause", "resume", "concurrency"]))
@click.argument("number", required=False, type=click.IntRange(1, 1000))
@json_option
def command(manifest: Path, *, what: str, number: int | None, is_json: bool) -> int:
    """Steer the run of MANIFEST that is going on in another terminal of this machine.

    pause: no further submits, what runs is collected. resume: go on. concurrency N: so many tasks
    in flight from now on.
    """
    from seedrender.run.control import ask  # loads asyncio's streams

    if (what == "concurrency") != (number is not None):
        raise ConfigError("write `ctl MANIFEST concurrency N`, and a number nowhere else")
    request: dict[str, Any] = {"do": what} if number is None else {"do": what, "most": number}
    answer = asyncio.run(ask(lock_path(manifest), request))
    if is_json:
        say_json({"exit_code": 0, **answer})
    else:
        echo(_words(answer))
    return 0


def _words(answer: dict[str, Any]) -> str:
    state = "paused" if answer["is_paused"] else "going on"
    if answer["closed_by"]:
        state = f"submits no more ({answer['closed_by']})"
    return f"{state}: {answer['in_flight']} in flight, {answer['concurrency']} at most"
