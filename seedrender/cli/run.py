"""`seedrender run`: do it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedrender.cli import ending
from seedrender.cli.console import (
    Duration,
    choices_options,
    counting,
    echo,
    json_option,
    manifest_argument,
    resubmit_option,
    route_option,
    say_json,
    selectors_argument,
)
from seedrender.cli.estimate import budget_options
from seedrender.cli.online import allow_option
from seedrender.cli.output.listeners import Telling, announcing, telling_options
from seedrender.cli.record import Record, record_options, recording
from seedrender.errors import SeedrenderError
from seedrender.lock.identity import SIMULATED
from seedrender.plan import select
from seedrender.plan.decision import Verdict
from seedrender.plan.make import Plan
from seedrender.plan.outcome import Exit, summary
from seedrender.project.hold import journal_path
from seedrender.project.lock_read import real
from seedrender.run import project, promise
from seedrender.run.announcer import Announcer
from seedrender.run.choices import AS_WRITTEN, Choices
from seedrender.run.clock import wall
from seedrender.run.events import Ended, Started
from seedrender.run.project import Project, Wishes
from seedrender.run.promise import Agreed
from seedrender.run.store import is_left

if TYPE_CHECKING:
    from seedrender.run.render import Options, Result


@click.command("run")
@manifest_argument
@selectors_argument
@choices_options
@route_option
@click.option("--concurrency", type=click.IntRange(1, 1000), help="Tasks in flight at once.")
@resubmit_option
@click.option("--keep-stale", is_flag=True, help="Keep clips whose definition changed.")
@click.option(
    "--deadline",
    "deadline_s",
    type=Duration(),
    help="Stop after this time (90s, 15m, 2h); what is in flight is collected by the next run.",
)
@click.option("--no-wait", is_flag=True, help="Submit and leave; run again to collect.")
@click.option(
    "--grace",
    "grace_s",
    type=Duration(),
    default="10s",
    show_default=True,
    help="How long to collect what is in flight after a first Ctrl-C.",
)
@click.option(
    "--plan",
    "saved",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Do exactly a plan that `plan --out` saved; refused if anything moved since.",
)
@click.option(
    "--locked",
    "is_locked",
    is_flag=True,
    help="Submit nothing: collect what is paid, and exit with code 2 if anything would be bought.",
)
@budget_options
@click.option(
    "--sim-speed",
    "speed",
    type=click.FloatRange(1, 100_000),
    default=60.0,
    show_default=True,
    help="With `provider: sim`: seconds that pass there in one of ours.",
)
@click.option(
    "--preflight/--no-preflight",
    "has_preflight",
    default=True,
    help="Look at references and credit before anything is bought (not with `provider: sim`).",
)
@allow_option
@telling_options
@record_options
@json_option
def command(
    manifest: Path,
    *,
    selectors: tuple[str, ...],
    choices: Choices,
    saved: Path | None,
    telling: Telling,
    to_record: Record,
    is_json: bool,
    **said: Any,
) -> int:
    """Render what is missing of MANIFEST, or of the selected jobs. This spends money.

    What is done already is left alone; what was submitted by an earlier run is waited for, not
    bought again. A first Ctrl-C submits no more and collects for a while; a second one stops now,
    and the next run collects.
    """
    if said["resubmit"] and (saved is not None or said["is_locked"]):
        raise click.UsageError("--resubmit buys what neither --plan nor --locked allows")
    if telling.takes_stdout and is_json:
        raise click.UsageError("--events - and --json both want standard output: name a file")
    has_choices = replace(choices, outside=()) != AS_WRITTEN
    is_bare = not (has_choices or selectors or said["keep_stale"])
    agreed = _agreed(saved, manifest, is_bare=is_bare)
    if agreed is not None:
        choices = replace(agreed.choices, outside=choices.outside)
        selectors = agreed.made.chosen.selectors
        said["keep_stale"] = agreed.made.chosen.keep_stale
    with counting() as tick:
        found = project.load(
            manifest,
            choices=choices,
            selectors=selectors,
            tick=tick,
            may_be_unfit=said["is_locked"] and choices.provider is not None,  # it buys nothing
        )
    wishes = Wishes(
        resubmit=select.named(found.all_jobs, said["resubmit"]), keep_stale=said["keep_stale"]
    )
    lock = found.read_lock(wishes)
    before = found.plan(lock, wishes)
    if agreed is not None:
        agreed.hold(found, before)
    is_idle = before.is_idle and not is_left(found.lock_path)
    holds = partial(agreed.hold, found) if agreed is not None else None
    pending, ours = _pending(before), _ours(found, saved)
    if is_idle and to_record.path is not None:
        echo(f"Nothing is to be sent, so that {to_record.path} is not written.", is_error=True)
        to_record = Record()
    with (
        announcing(telling, total=pending, ours=ours, is_shown=not is_idle) as announcer,
        recording(to_record, is_simulated=found.manifest.provider == SIMULATED) as recorder,
    ):
        announcer.tell(_started(found, before))
        said |= {"resubmit": wishes.resubmit, "recorder": recorder}
        options = _options(holds=holds, **said)
        result = None if before.is_done and is_idle else _rendered(found, options, announcer)
        code = result.exit if result is not None else Exit.DONE
        announcer.tell(Ended(at=wall(), exit_code=int(code)))
    return _printed(found, before, result, announcer, telling, is_json=is_json, said=said)


def _options(*, no_wait: bool, allowed: tuple[str, ...], **said: Any) -> Options:
    from seedrender.providers.addresses import (
        networks,  # aiohttp is loaded where work is to be done
    )
    from seedrender.run.render import Options

    return Options(waits=not no_wait, allowed=networks(allowed), environ=os.environ, **said)


def _pending(plan: Plan) -> int:
    return sum(1 for step in plan.steps if step.verdict is not Verdict.CURRENT)


def _ours(found: Project, saved: Path | None) -> list[Path]:
    """Return the files that no event is written into."""
    lock = found.lock_path
    return [found.path, lock, journal_path(real(lock)), *([saved] if saved is not None else [])]


def _started(found: Project, plan: Plan) -> Started:
    name, jobs = found.path.name, len(plan.steps)
    return Started(at=wall(), manifest=name, jobs=jobs, pending=_pending(plan))


def _rendered(found: Project, options: Options, announcer: Announcer) -> Result:
    """Render; where that ends in an error, the events say so."""
    from seedrender.run.render import render

    try:
        return asyncio.run(render(found, options, announcer))
    except SeedrenderError as error:
        announcer.tell(Ended(at=wall(), exit_code=error.exit_code))
        raise


def _printed(
    found: Project,
    before: Plan,
    result: Result | None,
    announcer: Announcer,
    telling: Telling,
    *,
    is_json: bool,
    said: dict[str, Any],
) -> int:
    """Print how the run ended, with what could not be told while it went on."""
    code = result.exit if result is not None else Exit.DONE
    troubles = [f"Not everything was told: {words}." for words in announcer.troubles]
    if is_json:
        lock = found.read_lock() if result is None else result.lock
        after, errors = (before, {}) if result is None else (result.after, result.errors)
        document = ending.as_json(code, after, lock, errors)
        if result is not None:
            document |= {"message": result.message, "budget": result.budget}
        say_json(document | ({"troubles": list(announcer.troubles)} if troubles else {}))
        return code
    if result is None:
        lines = [f"Everything is done: {summary(before)}, as {found.lock_path} says."]
        lines += ending.left_as_they_are(before, said["resubmit"])
    else:
        words = (found.lock_path, code, result.after, result.lock, result.message)
        told = ending.in_words(*words, is_resubmitting=bool(said["resubmit"]))
        lines = [told, *ending.left_as_they_are(before, said["resubmit"])]
        lines += ending.not_bought(result.after) if said["is_locked"] else []
    echo("\n".join([*lines, *troubles]), is_error=telling.takes_stdout)
    return code


def _agreed(saved: Path | None, manifest: Path, *, is_bare: bool) -> Agreed | None:
    """Read the plan that a run is held to; None: there is none."""
    if saved is None:
        return None
    if not is_bare:
        raise click.UsageError(
            "--plan brings its own --profile, --set, --vars, --provider, --keep-stale and "
            "selectors: give none beside it"
        )
    return promise.load(saved, manifest)
