"""`seedrender lock`: upkeep of the lockfile."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from seedrender.cli import lock_merge, lock_show
from seedrender.cli.console import (
    choices_options,
    echo,
    json_option,
    manifest_argument,
    say_json,
    table,
)
from seedrender.lock.prune import Orphan
from seedrender.plan.cost import total
from seedrender.project.ownership import lock_path
from seedrender.run import project, upkeep
from seedrender.run.choices import Choices
from seedrender.run.upkeep import Pruned
from seedrender.values.task import Artifact


@click.group("lock")
def command() -> None:
    """Look after the lockfile of a manifest; nothing is sent and nothing is bought."""


command.add_command(lock_show.command)
command.add_command(lock_merge.merge)
command.add_command(lock_merge.repair)


@command.command("mv")
@manifest_argument
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
def move(manifest: Path, *, old: str, new: str) -> int:
    """Give what the lockfile knows of a job, shot or chain another id, as `moved:` does."""
    path = lock_path(manifest)
    for before, now in asyncio.run(upkeep.move(path, manifest.name, old, new)):
        echo(f"{before} is {now} now")
    echo(f"The next run moves the clips where {manifest} wants them. Nothing is paid.")
    return 0


@command.command("prune")
@manifest_argument
@choices_options
@click.option("--yes", is_flag=True, help="Do it; without this, only say what would go.")
@click.option("--clips", is_flag=True, help="Delete their clips on disk too.")
@json_option
def prune(manifest: Path, *, choices: Choices, yes: bool, clips: bool, is_json: bool) -> int:
    """Take entries out of the lockfile whose jobs are no longer in MANIFEST.

    Tasks that run or may run, and clips that are pinned, stay. Clips stay on disk without --clips.
    What was in the lockfile is in git's history.
    """
    found = project.load(manifest, choices=choices)
    pruned = asyncio.run(upkeep.prune_lock(found, is_done=yes, with_clips=clips))
    if is_json:
        say_json(_as_json(pruned, is_done=yes))
    else:
        echo(_words(pruned, is_done=yes, with_clips=clips))
    return 0


@command.command("upgrade")
@manifest_argument
def upgrade(manifest: Path) -> int:
    """Write the lockfile in the newest format, one line a job; there is one format so far."""
    path = lock_path(manifest)
    is_changed = asyncio.run(upkeep.upgrade(path, manifest.name))
    words = "is written anew, in format 1" if is_changed else "is in the newest format, 1, already"
    echo(f"{path} {words}.")
    return 0


def _words(pruned: Pruned, *, is_done: bool, with_clips: bool) -> str:
    if not pruned.orphans:
        return "Every entry of the lockfile is of a job in the manifest: nothing to prune."
    going = [orphan for orphan in pruned.orphans if not orphan.kept_for]
    head = ("job", "paid", "clips", "removed" if is_done else "to be removed")
    lines = [table(head, [_row(orphan) for orphan in pruned.orphans]), ""]
    verb = "removed" if is_done else "to be removed"
    noun = "entry" if len(going) == 1 else "entries"
    lines.append(f"{len(going)} {noun} {verb}; {_paid(going)} was paid for them.")
    if is_done and with_clips:
        freed = sum(clip.size_bytes for clip in pruned.deleted)
        files = "1 clip" if len(pruned.deleted) == 1 else f"{len(pruned.deleted)} clips"
        lines.append(f"{files} deleted, {freed / 1e6:.1f} MB.")
        lines += [
            f"{clip.path} stays: no other file here has these bytes, and another entry or manifest "
            "names them. It may go once that has its clip."
            for clip in pruned.needed
        ]
    elif not is_done and going:
        lines.append("Nothing was changed. Do it with --yes; with --clips the clips go too.")
    return "\n".join(lines)


def _row(orphan: Orphan) -> tuple[str, str, str, str]:
    kept = f"no: {orphan.kept_for}" if orphan.kept_for else "yes"
    return orphan.entry.job, _paid([orphan]), ", ".join(c.path for c in orphan.clips), kept


def _paid(orphans: list[Orphan]) -> str:
    """Say what was paid, by what providers reported; what they did not say is no zero."""
    tasks = [r for orphan in orphans for r in orphan.entry.tasks if r.task_id is not None]
    known = [r.bill.amount for r in tasks if r.bill is not None]
    currencies = sorted({amount.currency for amount in known})
    sums = [str(total(a for a in known if a.currency == currency)) for currency in currencies]
    unknown = len(tasks) - len(known)
    if unknown:
        sums.append(f"{unknown} of unknown cost")
    return " + ".join(sums) or "nothing"


def _as_json(pruned: Pruned, *, is_done: bool) -> dict[str, Any]:
    return {
        "exit_code": 0,
        "is_done": is_done,
        "entries": [
            {
                "job": orphan.entry.job,
                "paid": _paid([orphan]),
                "task_ids": [r.task_id for r in orphan.entry.tasks if r.task_id is not None],
                "clips": [_clip(clip) for clip in orphan.clips],
                "kept_for": orphan.kept_for or None,
            }
            for orphan in pruned.orphans
        ],
        "deleted": [clip.path for clip in pruned.deleted],
        "needed": [clip.path for clip in pruned.needed],
    }


def _clip(clip: Artifact) -> dict[str, Any]:
    return {"path": clip.path, "size_bytes": clip.size_bytes, "sha256": clip.sha256}
