"""`seedrender pin` and `unpin`: a person's word about clips."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from seedrender.cli.console import choices_options, echo, json_option, manifest_argument, say_json
from seedrender.run import project
from seedrender.run.choices import Choices
from seedrender.run.pin import pin


def _command(name: str, words: str, *, is_on: bool) -> click.Command:
    @click.command(name, help=words)
    @manifest_argument
    @click.argument("selectors", nargs=-1, required=True, metavar="SELECTOR...")
    @choices_options
    @json_option
    def command(
        manifest: Path, *, selectors: tuple[str, ...], choices: Choices, is_json: bool
    ) -> int:
        found = project.load(manifest, choices=choices)
        said = asyncio.run(pin(found, selectors, is_on=is_on))
        if is_json:
            say_json({"exit_code": 0, "jobs": [{"job": job, "what": what} for job, what in said]})
        else:
            echo("\n".join(f"{job} {what}" for job, what in said))
        return 0

    return command


command = _command(
    "pin",
    "Keep the clips of the selected jobs as they are, whatever MANIFEST says; nothing is sent.",
    is_on=True,
)
undo = _command(
    "unpin",
    "Let MANIFEST decide about the clips of the selected jobs again; nothing is sent.",
    is_on=False,
)
