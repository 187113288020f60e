"""Turns what became of a plan into an exit code and the sentence that goes with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from enum import IntEnum

from seedrender.lock import fold
from seedrender.plan.decision import FOR_PEOPLE, Verdict
from seedrender.plan.make import Plan, Step
from seedrender.values.entry import JobState, Lock
from seedrender.values.job import JobId

_FAILED = (JobState.FAILED, JobState.EXPIRED, JobState.CANCELLED)


class Exit(IntEnum):
    """Exit codes that are results, not errors; the highest that applies wins."""

    DONE = 0
    BUG = 1  # an exception that nobody foresaw ended the work on a job
    LOCKED = 2  # `run --locked` would have had to buy something
    UNFIT = 2  # `plan --provider`: something cannot be carried over; `doctor`: is to be mended
    FAILED = 4
    UNFINISHED = 5
    UNDECIDED = 6
    OVER_BUDGET = 7
    PENDING = 8
    HANGUP = 129  # SIGHUP: the terminal was closed
    INTERRUPTED = 130
    TERMINATED = 143  # SIGTERM

    @property
    def is_stopped(self) -> bool:
        """Whether a signal ended the run."""
        return self >= Exit.HANGUP


def outcome(
    after: Plan, lock: Lock, failed: Collection[JobId] = (), *, is_locked: bool = False
) -> Exit:
    """Say how a run ended, given the plan made anew after it and the jobs that met an error."""
    codes = [
        Exit.LOCKED if is_locked and step.will_submit else _step_code(step, lock, failed)
        for step in after.steps
    ]
    codes += [Exit.FAILED for j in after.joins if j.verdict not in (Verdict.CURRENT, Verdict.WAITS)]
    codes += [
        Exit.UNDECIDED if stray.verdict in FOR_PEOPLE else Exit.UNFINISHED for stray in after.strays
    ]
    return max(codes, default=Exit.DONE)


def summary(after: Plan) -> str:
    """Count verdicts in words: `12 current, 1 blocked`."""
    counts = Counter(step.verdict.value for step in after.steps)
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items()) or "no jobs"


def _step_code(step: Step, lock: Lock, failed: Collection[JobId]) -> Exit:
    match step.verdict:
        case Verdict.CURRENT | Verdict.WAITS:  # what it waits for has a code of its own
            return Exit.DONE
        case Verdict.BLOCKED:
            return Exit.FAILED
        case verdict if verdict in FOR_PEOPLE:
            return Exit.UNDECIDED
        case Verdict.RESUME:
            entry = lock.entries.get(step.job.id)
            is_at_provider = entry is not None and bool(fold.alive(entry))
            cannot_be_fetched = step.job.id in failed and not is_at_provider
            return Exit.UNDECIDED if cannot_be_fetched else Exit.UNFINISHED
        case _:  # missing or stale
            entry = lock.entries.get(step.job.id)
            has_ended = entry is not None and fold.job_state(entry) in _FAILED
            has_failed = has_ended or step.job.id in failed
            return Exit.FAILED if has_failed else Exit.UNFINISHED
