"""`seedrender expand`: what exactly would be sent?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from seedrender.cli.console import (
    choices_options,
    json_option,
    manifest_argument,
    say_json,
    selectors_argument,
)
from seedrender.lock.fingerprint import unsigned
from seedrender.run import project
from seedrender.run.project import Choices, Project
from seedrender.source import document
from seedrender.values.job import CorrelationId, Job, Reference
from seedrender.values.provider import MediaUrl


@click.command("expand")
@manifest_argument
@selectors_argument
@choices_options
@json_option
def command(manifest: Path, *, selectors: tuple[str, ...], choices: Choices, is_json: bool) -> int:
    """Print the jobs of MANIFEST with the body of each request, as YAML or JSON.

    In place of URLs that exist only during a run stand the reference's path and the job whose clip
    is continued. Signatures and passwords in URLs are left out. Nothing is sent.
    """
    found = project.load(manifest, choices=choices, selectors=selectors)
    rows = [_row(found, job) for job in found.jobs]
    if is_json:
        say_json({"exit_code": 0, "jobs": rows})
    else:
        click.echo(document.dump({"jobs": rows}), nl=False)
    return 0


def _row(found: Project, job: Job) -> dict[str, Any]:
    media = {use.reference.name: _shown(use.reference) for use in job.references}
    media |= {need: MediaUrl(f"clip of {need}") for need in job.needs}
    request = found.provider.encode(job, media, CorrelationId(""))
    return {
        "job": job.id,
        "mode": job.mode_reason,
        "post": request.path,
        "body": dict(request.body),
        "output": job.output,
    }


def _shown(reference: Reference) -> MediaUrl:
    if reference.url is not None:
        return MediaUrl(unsigned(reference.url))
    return MediaUrl(reference.path or f"asset://{reference.asset}")
