"""`seedrender check`: is this manifest right?"""

from __future__ import annotations

from pathlib import Path

import click

from seedrender.cli import findings
from seedrender.cli.console import (
    choices_options,
    counting,
    json_option,
    manifest_argument,
    say_json,
)
from seedrender.errors import ManifestError
from seedrender.run import project
from seedrender.run.project import Choices, Project


@click.command("check")
@manifest_argument
@choices_options
@click.option(
    "--format",
    "form",
    type=click.Choice(findings.FORMATS),
    default="text",
    show_default=True,
    help="Say what is wrong in words, as annotations for GitHub, or as SARIF.",
)
@json_option
def command(manifest: Path, *, choices: Choices, form: str, is_json: bool) -> int:
    """Parse, validate and expand MANIFEST, and say everything that is wrong with it at once.

    Nothing is sent. Exit code 2 where something is wrong.
    """
    try:
        with counting() as tick:
            found = project.load(manifest, choices=choices, tick=tick)
    except ManifestError as error:
        if form == "text" or is_json:
            raise
        write = findings.as_github if form == "github" else findings.as_sarif
        click.echo(write(manifest.parent, error.violations))
        return error.exit_code
    if is_json:
        say_json({"exit_code": 0, "jobs": len(found.jobs), "long_takes": len(found.takes)})
    elif form == "sarif":
        click.echo(findings.as_sarif(manifest.parent, ()))
    else:
        click.echo(_right(manifest, found))
    return 0


def _right(manifest: Path, found: Project) -> str:
    seconds = sum(job.duration_s or 0 for job in found.jobs)
    return (
        f"{manifest}: right. {_count(len(found.jobs), 'job')}, "
        f"{_count(len(found.takes), 'long take')}, {seconds} seconds of footage asked for"
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
