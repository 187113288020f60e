"""Says how a run ended, in words and as JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from seedrender.errors import printable
from seedrender.plan.decision import SPENDS, Verdict
from seedrender.plan.make import Plan
from seedrender.plan.outcome import Exit, summary
from seedrender.values.entry import Lock
from seedrender.values.job import Job, JobId
from seedrender.values.picture import place

_SHOWN = 10  # jobs named in one sentence
_TOLD = frozenset(  # why is said at the end
    {
        *(Verdict.BLOCKED, Verdict.UNCOLLECTED, Verdict.LOST, Verdict.DIFFERS),
        Verdict.AWAITING,
    }
)


def left_as_they_are(before: Plan, resubmit: Collection[JobId]) -> list[str]:
    """Say of the jobs that a person named for another purchase why none was made."""
    return [
        f"{step.job.id}: {printable(step.reason)}"
        for step in before.steps
        if step.job.id in resubmit and step.verdict is Verdict.CURRENT
    ]


def not_bought(after: Plan) -> list[str]:
    """Name what `--locked` did not buy, and why it would have been."""
    steps = [step for step in after.steps if step.will_submit]
    if not steps:
        return []
    lines = [f"--locked: nothing was submitted; {len(steps)} jobs would be bought:"]
    lines += [
        f"  {step.job.origin}: {step.job.id}: {step.verdict.value}: {printable(step.reason)}"
        for step in steps[:_SHOWN]
    ]
    more = len(steps) - _SHOWN
    lines += [f"  … and {more} more"] if more > 0 else []
    return [*lines, "Run without --locked where buying is allowed, and check in the lockfile."]


def in_words(
    lock_path: Path,
    code: Exit,
    after: Plan,
    lock: Lock,
    message: str,
    *,
    is_resubmitting: bool = False,
) -> str:
    """Say what is done, what is to come, and what a person must decide, with the way on."""
    lines = [f"{summary(after)}. Lockfile: {lock_path}"]
    lines += [
        f"Long take: {lock_path.parent / j.take.output}" for j in after.joins if _is_current(j)
    ]
    resumed = [s for s in after.steps if s.verdict is Verdict.RESUME]
    running = [s.job.id for s in resumed if s.elsewhere is None]
    if running:
        again = (
            "Run again, without --resubmit," if is_resubmitting else "Run the same command again"
        )
        lines.append(
            f"Paid and not collected yet: {', '.join(running[:_SHOWN])}"
            f"{' …' if len(running) > _SHOWN else ''}. {again} to collect: "
            "nothing of this is paid again."
        )
    lines += [f"{s.job.id}: {printable(s.reason)}" for s in resumed if s.elsewhere is not None]
    unknown = [s.job.id for s in after.steps if s.verdict is Verdict.UNKNOWN]
    lines += [
        f"{job}: it is not known whether a task was created and paid. `reconcile` asks the "
        "provider where it can tell; else look at its console: take a task over with `adopt`, or, "
        f"if there is none, run again with --resubmit {job}"
        for job in unknown
    ]
    for step in after.steps:
        has_ended = step.verdict in SPENDS and step.job.id in lock.entries
        if step.verdict in _TOLD or has_ended:
            lines.append(f"{step.job.origin}: {step.job.id}: {printable(step.reason)}")
    if message:
        lines.append(f"Stopped: {message}")
    if code.is_stopped:
        lines.append("Interrupted.")
    return "\n".join(lines)


def _is_current(step: Any) -> bool:
    return bool(step.verdict is Verdict.CURRENT)


def _output(job: Job, lock: Lock) -> str:
    """Return where a job's clip is: what came may have another suffix than was planned."""
    entry = lock.entries.get(job.id)
    return job.output if entry is None or entry.output is None else place(job, entry.output)


def as_json(code: Exit, after: Plan, lock: Lock, errors: Mapping[JobId, str]) -> dict[str, Any]:
    """Return what `run --json` prints; `errors`: of the jobs and long takes that failed."""
    return {
        "exit_code": int(code),
        "to_buy": [s.job.id for s in after.steps if s.will_submit],
        "jobs": [
            {
                "job": s.job.id,
                "plan": s.verdict.value,
                "reason": s.reason,
                "output": _output(s.job, lock),
                "error": errors.get(s.job.id),
            }
            for s in after.steps
        ],
        "long_takes": [
            {
                "take": j.take.id,
                "plan": j.verdict.value,
                "reason": j.reason,
                "output": j.take.output,
                "error": errors.get(j.take.id),
            }
            for j in after.joins
        ],
    }
