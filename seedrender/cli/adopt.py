"""`seedrender adopt`: take over what exists already."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click

from seedrender.cli.console import choices_options, echo, json_option, manifest_argument, say_json
from seedrender.errors import ConfigError
from seedrender.run import project
from seedrender.run.adopt import Adopted, adopt_file, adopt_task
from seedrender.run.choices import Choices


@click.command("adopt")
@manifest_argument
@click.argument("job", metavar="JOB")
@choices_options
@click.option(
    "--task", "task_id", metavar="ID", help="A task at the provider, as its console says."
)
@click.option("--provider", metavar="NAME", help="Whose task it is; default: the manifest's route.")
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A clip on disk: it is copied into JOB's place.",
)
@json_option
def command(
    manifest: Path,
    *,
    job: str,
    choices: Choices,
    task_id: str | None,
    provider: str | None,
    file: Path | None,
    is_json: bool,
) -> int:
    """Take over a task or a clip for JOB, as what MANIFEST asks for now; nothing is bought.

    The next run collects a task's clip. A clip that is replaced is kept under .superseded.
    """
    if (task_id is None) == (file is None) or (file is not None and provider is not None):
        raise ConfigError("give either --task ID, or --file CLIP; nothing was changed")
    found = project.load(manifest, choices=choices)
    if file is not None:
        adopted = asyncio.run(adopt_file(found, job, file))
    else:
        assert task_id is not None, "one of the two is given"
        adopted = asyncio.run(adopt_task(found, job, task_id, provider, os.environ))
    if is_json:
        say_json({"exit_code": 0, "job": job, **_as_json(adopted)})
    else:
        echo("\n".join([_words(job, adopted), *(f"  {note}" for note in adopted.notes)]))
    return 0


def _words(job: str, adopted: Adopted) -> str:
    if adopted.output is None:
        return f"{job}: task {adopted.record.task_id} is recorded; the next run collects its clip."
    clip = adopted.output
    what = "picture" if clip.is_picture else "clip"
    return f"{job}: {clip.path} ({clip.shape}) is its {what} from now on; nothing was paid now."


def _as_json(adopted: Adopted) -> dict[str, object]:
    return {
        "task_id": adopted.record.task_id,
        "correlation_id": adopted.record.correlation_id,
        "output": adopted.output.path if adopted.output is not None else None,
        "notes": list(adopted.notes),
    }
