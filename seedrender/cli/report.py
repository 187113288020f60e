"""`seedrender report`: every clip on one page."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import click

from seedrender.cli.console import choices_options, echo, json_option, manifest_argument, say_json
from seedrender.cli.estimate import costs
from seedrender.errors import ArtifactError
from seedrender.plan.report import Pictures, to_html
from seedrender.project.files import plain_bytes, write_atomically, writing
from seedrender.project.lock_read import is_taken_for_ours
from seedrender.run import project
from seedrender.run.choices import Choices
from seedrender.run.project import Project
from seedrender.values.entry import Lock
from seedrender.values.job import JobId

_FRAMES = 6
_HEAD_BYTES = 4096  # of a page, within which it says what it is
_FRAME_WIDTH = 160
_POSTER_WIDTH = 480


@click.command("report")
@manifest_argument
@choices_options
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Where to write.")
@json_option
def command(manifest: Path, *, choices: Choices, output: Path | None, is_json: bool) -> int:
    """Write one HTML page with every clip of MANIFEST: player, thumbnails, state, prompt, cost.

    The page holds its pictures; the players need the clips where they are. It names no key and no
    signed address.
    """
    found = project.load(manifest, choices=choices)
    lock = found.read_lock()
    made = found.plan(lock)
    page = to_html(
        found.manifest.name,
        made,
        lock,
        costs(found, made, lock).estimate,
        _pictures(found, lock),
    )
    target = output or manifest.with_suffix(".report.html")
    with writing(target.name):
        is_there = os.path.lexists(target)
        there = page.encode()
        if is_there:
            there = b""  # of what is no plain file
            with suppress(OSError):
                there = plain_bytes(target, most=len(page.encode()) + 1, follows=False)
        is_page = b"seedrender</title>" in there[:_HEAD_BYTES]
        if output is not None and (not is_page or is_taken_for_ours(output)):
            raise click.UsageError(
                f"{output} is there and is no report, or a run would take it for a file of its own"
            )
        if not is_there or there != page.encode():
            write_atomically(target, page)
    if is_json:
        say_json({"exit_code": 0, "report": str(target)})
    else:
        echo(f"Report: {target}")
    return 0


def _pictures(found: Project, lock: Lock) -> dict[JobId, Pictures]:
    from seedrender.media import frames  # PyAV is loaded where clips are looked at

    seen: dict[JobId, Pictures] = {}
    for job, entry in lock.entries.items():
        if entry.output is not None and found.files.is_present(entry.output):
            path, is_clip = found.files.path(entry.output.path), not entry.output.is_picture
            try:
                strip = frames.strip(path, _FRAMES, _FRAME_WIDTH) if is_clip else b""
                seen[job] = Pictures(poster=frames.thumbnail(path, _POSTER_WIDTH), strip=strip)
            except ArtifactError as error:  # the page shows the others
                echo(f"{job}: {error}; `seedrender verify` says more", is_error=True)
    return seen
