"""`seedrender check`: is this manifest right?"""

from __future__ import annotations

from pathlib import Path

import click

from seedrender.cli.console import choices_options, json_option, manifest_argument, say_json
from seedrender.run import project
from seedrender.run.project import Choices


@click.command("check")
@manifest_argument
@choices_options
@json_option
def command(manifest: Path, *, choices: Choices, is_json: bool) -> int:
    """Parse, validate and expand MANIFEST, and say everything that is wrong with it at once.

    Nothing is sent. Exit code 2 where something is wrong.
    """
    found = project.load(manifest, choices=choices)
    seconds = sum(job.duration_s or 0 for job in found.jobs)
    if is_json:
        say_json({"exit_code": 0, "jobs": len(found.jobs), "long_takes": len(found.takes)})
    else:
        click.echo(
            f"{manifest}: right. {_count(len(found.jobs), 'job')}, "
            f"{_count(len(found.takes), 'long take')}, {seconds} seconds of footage asked for"
        )
    return 0


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
