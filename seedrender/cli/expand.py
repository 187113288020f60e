"""`seedrender expand`: what exactly would be sent?"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from seedrender.cli.console import (
    choices_options,
    counting,
    echo,
    is_narrow,
    json_option,
    manifest_argument,
    route_option,
    say_document,
    say_json,
    say_json_rows,
    selectors_argument,
    table,
)
from seedrender.errors import ConfigError
from seedrender.run import project
from seedrender.run.choices import Choices
from seedrender.run.project import Project
from seedrender.source import yaml_text
from seedrender.source.trace import Source
from seedrender.values.job import CorrelationId, Job, JobId, MediaKind, Reference
from seedrender.values.provider import MediaUrl
from seedrender.values.redaction import without_openers
from seedrender.values.signed_url import unsigned, unsigned_in
from seedrender.values.url_text import ascii_url


@click.command("expand")
@manifest_argument
@selectors_argument
@choices_options
@route_option
@click.option("--explain", metavar="JOB", help="Say where each value of one job comes from.")
@json_option
def command(
    manifest: Path,
    *,
    selectors: tuple[str, ...],
    choices: Choices,
    explain: str | None,
    is_json: bool,
) -> int:
    """Print the jobs of MANIFEST with the body of each request, as YAML or JSON.

    In place of URLs that exist only during a run stand the reference's path and the job whose clip
    is continued. Signatures and passwords in URLs are left out. Nothing is sent.
    """
    if explain is not None:
        wanted = JobId(explain)
        with counting() as tick:
            selected = project.load(
                manifest, choices=choices, selectors=[wanted], explain=wanted, tick=tick
            )
        return _explain(selected, wanted, is_json=is_json)
    with counting() as tick:
        found = project.load(manifest, choices=choices, selectors=selectors, tick=tick)
    rows = (_row(found, job) for job in found.jobs)  # one at a time: there may be 100,000
    if is_json:
        say_json_rows({"exit_code": 0}, "jobs", rows)
        return 0
    say_document("jobs:" if found.jobs else "jobs: []")
    for row in rows:
        say_document(yaml_text.dump([row], is_narrow=is_narrow()))
    return 0


def _explain(found: Project, wanted: JobId, *, is_json: bool) -> int:
    """Show where the values of a job come from."""
    job = next((job for job in found.jobs if job.id == wanted), None)
    if job is None:
        raise ConfigError(f"{wanted} is not one job; `expand` lists them. Nothing was sent")
    if is_json:
        sources = [_kept(source.as_json()) for source in found.sources]
        say_json({"exit_code": 0, "job": job.id, "line": str(job.origin), "values": sources})
        return 0
    rows = [line for source in found.sources for line in _lines(source, "")]
    echo(f"{job.id}  ({job.origin})\n")
    echo(table(("value", "from", "place", "as written"), rows))
    echo(f"\nmode  {job.mode_reason}")
    return 0


def _lines(source: Source, indent: str) -> Iterator[tuple[str, str, str, str]]:
    value = _kept(source.value)
    text = value if isinstance(value, str) else json.dumps(value)
    shown = " ".join(text.split())
    yield f"{indent}{source.name}", source.by, str(source.origin), shown
    for by, origin in reversed(source.overrides):
        yield f"{indent}  over", by, str(origin), ""
    for variable in source.variables:
        yield from _lines(variable, f"{indent}  ")


def _row(found: Project, job: Job) -> dict[str, Any]:
    media = {use.reference.name: _shown(use.reference) for use in job.references}
    media |= {need: MediaUrl(f"clip of {need}") for need in job.needs}
    request = found.provider.encode(job, media, CorrelationId(""))
    rights = {use.reference.name: use.reference.authorised_by for use in job.references}
    noted = {name: who for name, who in rights.items() if who}
    return {
        "job": job.id,
        "mode": job.mode_reason,
        "post": request.path,
        "body": _kept(request.body),
        **({"rights": noted} if noted else {}),
        "output": job.output,
    }


def _kept(value: Any) -> Any:
    """Leave out of every text what opens something: also of those that an author wrote."""
    if isinstance(value, str):
        return unsigned_in(value)
    if isinstance(value, Mapping):
        return {key: _kept(inner) for key, inner in value.items()}
    return [_kept(inner) for inner in value] if isinstance(value, list | tuple) else value


def _shown(reference: Reference) -> MediaUrl:
    if reference.url is not None:
        return MediaUrl(without_openers(ascii_url(unsigned(reference.url))))
    if reference.shot is not None:
        what = "picture" if reference.kind is MediaKind.IMAGE else "clip"
        return MediaUrl(f"{what} of {reference.shot}")
    return MediaUrl(reference.path or f"asset://{reference.asset}")
