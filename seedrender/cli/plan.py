"""`seedrender plan`: what would a run do, why, and for how much?"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from seedrender.cli import against, carried
from seedrender.cli.console import (
    choices_options,
    counting,
    echo,
    json_option,
    manifest_argument,
    resubmit_option,
    route_option,
    say_json,
    selectors_argument,
    table,
)
from seedrender.cli.estimate import Costs, costs
from seedrender.errors import LockError
from seedrender.lock.identity import SIMULATED
from seedrender.plan import routes, select
from seedrender.plan.make import Plan
from seedrender.plan.outcome import Exit, outcome, summary
from seedrender.plan.routes import Carried
from seedrender.plan.saved import Chosen
from seedrender.project.purchases import PurchaseLog
from seedrender.run import places, project, promise, revision
from seedrender.run.carried import carried as compare_routes
from seedrender.run.choices import Choices
from seedrender.run.project import Project, Wishes
from seedrender.values.entry import Lock


@click.command("plan")
@manifest_argument
@selectors_argument
@choices_options
@route_option
@resubmit_option
@click.option("--keep-stale", is_flag=True, help="Keep clips whose definition changed.")
@click.option("--check", is_flag=True, help="Exit with code 8 if anything is pending.")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Save the plan; `run --plan FILE` does exactly that.",
)
@click.option(
    "--against",
    "ref",
    metavar="GITREF",
    help="Say as Markdown what differs from the manifest at a commit, and what that costs.",
)
@json_option
def command(
    manifest: Path,
    *,
    selectors: tuple[str, ...],
    choices: Choices,
    resubmit: tuple[str, ...],
    keep_stale: bool,
    check: bool,
    out: Path | None,
    ref: str | None,
    is_json: bool,
) -> int:
    """Say what a run of MANIFEST would do with each job, and why; nothing is sent or written.

    With --provider: as if the manifest named that route; and what it does not render, what it
    fills in otherwise, and what it costs beside the manifest's own. Exit code 2 where something
    cannot be carried over.
    """
    if ref is not None and (check or out is not None or choices.provider is not None):
        raise click.UsageError("--against compares; it takes no --check, --out and --provider")
    if resubmit and (ref is not None or out is not None):
        raise click.UsageError("--resubmit is said to a run: --out and --against do not keep it")
    is_moving = choices.provider is not None
    with counting() as tick:
        found = project.load(
            manifest, choices=choices, selectors=selectors, tick=tick, may_be_unfit=is_moving
        )
    wrong = places.refusal(found, probes=False)
    if wrong is not None:
        raise wrong
    wishes = Wishes(resubmit=select.named(found.all_jobs, resubmit), keep_stale=keep_stale)
    lock = found.read_lock(wishes)
    made = found.plan(lock, wishes)
    if ref is not None:
        _compare(found, made, ref, choices, selectors, is_json=is_json)
        return Exit.DONE
    moved = compare_routes(found, lock, choices, selectors) if is_moving else None
    made = made if moved is None else routes.without(made, moved.left_out)
    is_whole = moved is None or not moved.unfit
    if out is not None and is_whole:
        chosen = Chosen(
            profile=choices.profile,
            vars=choices.given().values,
            selectors=tuple(selectors),
            keep_stale=keep_stale,
            provider=choices.provider,
        )
        promise.save(promise.of(found, made, chosen), out)
    code = _pending(made, lock) if check else Exit.DONE
    code = code if is_whole else Exit.UNFIT
    is_paid = found.manifest.provider != SIMULATED
    objection = _objection(found, made, lock) if is_paid else ""
    _say(made, costs(found, made, lock), moved, objection, code, is_json=is_json)
    if out is not None and is_whole and not is_json:
        command = shlex.join(["seedrender", "run", str(manifest), "--plan", str(out)])
        echo(f"Saved: {out}. `{command}` does exactly this.")
    return code


def _objection(found: Project, made: Plan, lock: Lock) -> str:
    """Say why a run that would buy is refused; empty: it is not."""
    if any(step.will_submit for step in made.steps):
        try:
            PurchaseLog(found.lock_path).check(lock)
            found.left_by_others(lock)
        except LockError as error:
            return str(error)
    return ""


def _pending(made: Plan, lock: Lock) -> Exit:
    """Say whether work is pending; where only refusals or a person's word are, as a run ends."""
    return Exit.PENDING if made.is_pending else outcome(made, lock)


def _say(
    made: Plan,
    cost: Costs,
    moved: Carried | None,
    objection: str,
    code: Exit,
    *,
    is_json: bool,
) -> None:
    if is_json:
        more = {} if moved is None else {"route": carried.as_json(moved)}
        say_json(_as_json(made, cost, code) | {"refusal": objection or None} | more)
        return
    echo(_as_text(made, cost))
    if objection:
        echo(f"\nA run would be refused: {objection}")
    if moved is not None:
        echo(f"\n{carried.as_text(moved)}")


def _compare(
    found: Project,
    made: Plan,
    ref: str,
    choices: Choices,
    selectors: tuple[str, ...],
    *,
    is_json: bool,
) -> None:
    differs = revision.compare(found, made, ref, choices, selectors)
    if is_json:
        say_json(against.as_json(differs, ref))
    else:
        is_simulated = found.manifest.provider == SIMULATED
        name = found.path.name
        echo(against.as_markdown(differs, name, ref, is_simulated=is_simulated))


def _as_text(made: Plan, cost: Costs) -> str:
    rows = [
        (s.job.id, s.verdict.value, f"{s.job.tier.value} {s.job.mode.value}", s.reason)
        for s in made.steps
    ]
    rows += [(j.take.id, j.verdict.value, "join", j.reason) for j in made.joins]
    rows += [(s.job, s.verdict.value, "no job", s.reason) for s in made.strays]
    longest = made.graph.longest_chain()
    lines = [
        table(("job", "plan", "how", "why"), rows),
        "",
        f"{summary(made)}. {cost}",
    ]
    if len(longest) > 1:
        seconds = made.graph.footage_s(longest)
        lines.append(f"Longest chain: {' → '.join(longest)} ({seconds} s of footage)")
    return "\n".join(lines)


def _as_json(made: Plan, cost: Costs, code: Exit) -> dict[str, Any]:
    return {
        "exit_code": int(code),
        "jobs": [
            {
                "job": s.job.id,
                "plan": s.verdict.value,
                "reason": s.reason,
                "mode": s.job.mode.value,
                "mode_reason": s.job.mode_reason,
                "will_submit": s.will_submit,
                "fingerprint": s.fingerprint.digest if s.fingerprint else None,
                "line": str(s.job.origin),
                "price": cost.job(s) if s.will_submit else None,
            }
            for s in made.steps
        ],
        "long_takes": [
            {"take": j.take.id, "plan": j.verdict.value, "reason": j.reason} for j in made.joins
        ],
        "without_a_job": [{"was": s.job, "reason": s.reason} for s in made.strays],
        "cost": cost.as_json(),
        "longest_chain": list(made.graph.longest_chain()),
    }
