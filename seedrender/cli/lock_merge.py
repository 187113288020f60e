"""`seedrender lock merge` and `lock repair`: what git or an accident left is a lockfile again."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from seedrender.cli.console import choices_options, echo, json_option, manifest_argument, say_json
from seedrender.errors import ConfigError, ManifestError
from seedrender.lock.repair import Damage, Outcome
from seedrender.project import lock_read
from seedrender.project.own_folder import NAME
from seedrender.project.ownership import lock_path
from seedrender.run import project, recovery, upkeep
from seedrender.run.choices import Choices
from seedrender.run.upkeep import Mended

_FILE = click.Path(dir_okay=False, path_type=Path)
_WORDS = {
    Outcome.MENDED: "it is as it was written again",
    Outcome.KEPT: "all that it told of tasks is known",
    Outcome.UNKNOWN: "a paid task may exist: the job is unknown from now on, and not bought again",
    Outcome.LOST: "nobody can say which job it was, or what was bought for it",
}


@click.command("merge")
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="MANIFEST [FILE]...")
@click.option(
    "--driver",
    is_flag=True,
    help="Be git's merge driver: the arguments are %O %A %B %P, the result is written to %A.",
)
def merge(*, files: tuple[Path, ...], driver: bool) -> int:
    """Join the two sides of a merge that left conflict markers in MANIFEST's lockfile.

    FILEs are other versions of it, which are joined too. Two lines of one job become one with the
    tasks of both: both were paid.
    """
    if driver:
        if len(files) not in (3, 4):  # the name came later
            raise ConfigError("--driver takes what git hands over: %O %A %B %P")
        upkeep.merge_driver(files[1], files[2], files[3].name if files[3:] else "the lockfile")
        return 0
    missing = next((file for file in files if not file.exists()), None)
    if missing is not None:  # of a driver's arguments, the last one need not be there
        raise click.BadParameter(f"File '{missing}' does not exist.")
    manifest, *others = files
    path = lock_path(manifest)
    merged = upkeep.merge_files(path, manifest.name, others)
    jobs, tasks = len(merged.lock.entries), sum(len(e.tasks) for e in merged.lock.entries.values())
    words = f"{jobs} jobs with {tasks} tasks"
    if merged.is_changed:
        echo(f"{path} is joined: {words}, none lost. Now: git add {path}")
    else:
        echo(f"{path} is as it should be: {words}.")
    return 0


@click.command("repair")
@manifest_argument
@choices_options
@click.option(
    "--accept-loss",
    is_flag=True,
    help="Go on where not even the job of a line can be read: it may be bought a second time.",
)
@json_option
def repair(manifest: Path, *, choices: Choices, accept_loss: bool, is_json: bool) -> int:
    """Keep every line of a damaged lockfile and journal that can be read, and say what is kept.

    The damaged files are kept beside it. A job whose line cannot be read is not bought again by
    itself: it is unknown, until `reconcile`, `adopt` or `run --resubmit` settles it.
    """
    path = lock_path(manifest)
    mended = upkeep.repair_files(
        path, manifest.name, _ids(manifest, choices), accept_loss=accept_loss
    )
    is_refused = mended.is_loss and not accept_loss
    code = 3 if is_refused else 0
    if is_json:
        rows = [_as_json(damage) for damage in _damages(mended)]
        kept = [_shown(copy) for copy in mended.kept]
        say_json({"exit_code": code, "read": mended.found.read, "damages": rows, "kept": kept})
    else:
        echo("\n".join(_words(path, manifest, mended, is_refused=is_refused)))
    return code


def _ids(manifest: Path, choices: Choices) -> set[str]:
    """Return the ids that the manifest has; where it is wrong, those of the lock must do."""
    try:
        found = project.load(manifest, choices=choices)
    except (ManifestError, ConfigError) as error:
        echo(f"{manifest} cannot be read, so that its jobs are not known:\n{error}", is_error=True)
        return set()
    return {job.id for job in found.all_jobs} | {take.id for take in found.all_takes}


def _words(path: Path, manifest: Path, mended: Mended, *, is_refused: bool) -> list[str]:
    read, damages = mended.found.read, _damages(mended)
    lines = [line for damage in damages for line in _of_damage(damage, manifest)]
    if is_refused:
        return [*lines, "", _refusal(path, manifest, mended)]
    if not mended.kept and not damages:
        return [f"{path}: {read} lines, none of them damaged."]
    copies = ", ".join(map(_shown, mended.kept)) or "empty"
    return [*lines, "", f"{path}: {read} other lines are kept. The damaged files: {copies}"]


def _refusal(path: Path, manifest: Path, mended: Mended) -> str:
    """Say why nothing was changed, and what may be done that loses nothing."""
    words = "Nothing was changed, since a job could be bought a second time. "
    committed = recovery.committed(lock_read.real(path), manifest.name)
    if mended.found.is_loss and committed is not None:
        words += f"{committed}. "
    return (
        f"{words}Look at the provider's console for tasks that no line tells of: `seedrender "
        "adopt` takes them over. Then go on with --accept-loss: the damaged files are kept."
    )


def _damages(mended: Mended) -> tuple[Damage, ...]:
    return (*mended.found.damages, *(mended.purchases.damages if mended.purchases else ()))


def _shown(path: Path) -> str:
    return f"{NAME}/{path.name}" if path.parent.name == NAME else path.name


def _of_damage(damage: Damage, manifest: Path) -> list[str]:
    job = f" ({damage.job})" if damage.job else ""
    name = shlex.quote(str(manifest))
    lines = [f"{damage.file}:{damage.line}{job}: {damage.wrong}; {_WORDS[damage.outcome]}"]
    if damage.left_out:
        lines.append(f"  left out: {', '.join(damage.left_out)}")
    if damage.outcome in (Outcome.UNKNOWN, Outcome.LOST):
        job_id = damage.job or "JOB"
        lines += [
            f"  it speaks of task {task_id}: seedrender adopt {name} {job_id} --task {task_id}"
            for task_id in damage.task_ids
        ]
    return lines


def _as_json(damage: Damage) -> dict[str, object]:
    return {
        "file": damage.file,
        "line": damage.line,
        "wrong": damage.wrong,
        "outcome": damage.outcome.value,
        "job": damage.job,
        "task_ids": list(damage.task_ids),
        "left_out": list(damage.left_out),
    }
