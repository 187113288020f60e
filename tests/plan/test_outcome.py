from __future__ import annotations

from dataclasses import replace

import pytest

from seedrender.plan.decision import Verdict
from seedrender.plan.graph import build
from seedrender.plan.make import JoinStep, Plan, Step
from seedrender.plan.outcome import Exit, outcome, summary
from seedrender.values.entry import JobState, Lock, LockEntry
from seedrender.values.job import JobId
from seedrender.values.manifest import LongTake
from tests.builders import entry, job, record

SPIN = job("spin")
TAKE = LongTake(id=JobId("fly"), segments=(SPIN.id,), output="renders/fly.mp4")
RUNNING = entry("spin", record())
FAILED = entry("spin", record(state=JobState.FAILED))


def step(verdict: Verdict, *, will_submit: bool = False) -> Step:
    return Step(job=SPIN, verdict=verdict, reason="", fingerprint=None, will_submit=will_submit)


def join(verdict: Verdict) -> JoinStep:
    return JoinStep(take=TAKE, verdict=verdict, reason="", fingerprint=None)


def plan(*steps: Step, joins: tuple[JoinStep, ...] = ()) -> Plan:
    return Plan(steps=steps, joins=joins, graph=build([SPIN]))


def lock(*entries: LockEntry) -> Lock:
    return Lock(manifest="m", entries={one.job: one for one in entries})


@pytest.mark.parametrize(
    ("verdict", "known", "has_failed", "code"),
    [
        pytest.param(Verdict.CURRENT, (), False, Exit.DONE, id="done"),
        pytest.param(Verdict.WAITS, (FAILED,), True, Exit.DONE, id="what it waits for has a code"),
        pytest.param(Verdict.BLOCKED, (), False, Exit.FAILED, id="blocked"),
        pytest.param(Verdict.UNKNOWN, (), True, Exit.UNDECIDED, id="unknown"),
        pytest.param(Verdict.RESUME, (RUNNING,), False, Exit.UNFINISHED, id="running"),
        pytest.param(Verdict.RESUME, (RUNNING,), True, Exit.UNFINISHED, id="an error on the way"),
        pytest.param(Verdict.RESUME, (), False, Exit.UNFINISHED, id="to be moved"),
        pytest.param(Verdict.RESUME, (), True, Exit.UNDECIDED, id="cannot be fetched"),
        pytest.param(Verdict.RESUME, (FAILED,), True, Exit.UNDECIDED, id="no task left"),
        pytest.param(Verdict.UNCOLLECTED, (), True, Exit.UNDECIDED, id="uncollected"),
        pytest.param(Verdict.LOST, (), False, Exit.UNDECIDED, id="lost"),
        pytest.param(Verdict.DIFFERS, (), False, Exit.UNDECIDED, id="differs"),
        pytest.param(Verdict.AWAITING, (), False, Exit.UNDECIDED, id="awaiting"),
        pytest.param(Verdict.MISSING, (), False, Exit.UNFINISHED, id="not yet"),
        pytest.param(Verdict.MISSING, (), True, Exit.FAILED, id="not sent"),
        pytest.param(Verdict.MISSING, (FAILED,), False, Exit.FAILED, id="its task failed"),
        pytest.param(Verdict.STALE, (RUNNING,), False, Exit.UNFINISHED, id="stale"),
        pytest.param(Verdict.STALE, (FAILED,), False, Exit.FAILED, id="its new task failed"),
    ],
)
def test_a_verdict_has_one_exit_code(
    verdict: Verdict, known: tuple[LockEntry, ...], code: Exit, *, has_failed: bool
) -> None:
    failed = (SPIN.id,) if has_failed else ()

    assert outcome(plan(step(verdict)), lock(*known), failed) is code


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.EXPIRED, JobState.CANCELLED])
def test_a_task_that_ended_without_a_clip_has_failed(state: JobState) -> None:
    ended = lock(entry("spin", record(state=state)))

    assert outcome(plan(step(Verdict.MISSING)), ended) is Exit.FAILED


def test_a_locked_run_fails_where_it_would_have_to_buy() -> None:
    missing, done = step(Verdict.MISSING, will_submit=True), step(Verdict.CURRENT)

    assert outcome(plan(missing), lock(FAILED), is_locked=True) is Exit.LOCKED
    assert outcome(plan(missing), lock()) is Exit.UNFINISHED
    assert outcome(plan(replace(missing, will_submit=False)), lock(), is_locked=True) is (
        Exit.UNFINISHED
    )
    assert outcome(plan(done), lock(), is_locked=True) is Exit.DONE


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.CURRENT, Exit.DONE),
        (Verdict.WAITS, Exit.DONE),
        (Verdict.MISSING, Exit.FAILED),
        (Verdict.STALE, Exit.FAILED),
    ],
)
def test_a_long_take_that_could_be_joined_and_is_not_has_failed(
    verdict: Verdict, code: Exit
) -> None:
    assert outcome(plan(joins=(join(verdict),)), lock()) is code


def test_the_highest_code_wins_and_nothing_is_done() -> None:
    both = plan(step(Verdict.UNKNOWN), step(Verdict.BLOCKED), step(Verdict.CURRENT))

    assert outcome(both, lock()) is Exit.UNDECIDED
    assert outcome(plan(), lock()) is Exit.DONE


def test_verdicts_are_counted_in_words() -> None:
    made = plan(step(Verdict.CURRENT), step(Verdict.BLOCKED), step(Verdict.CURRENT))

    assert summary(made) == "2 current, 1 blocked"
    assert summary(plan()) == "no jobs"


def test_a_signal_ends_a_run_with_a_code_above_all_results() -> None:
    stopped = {code for code in Exit if code.is_stopped}

    assert stopped == {Exit.HANGUP, Exit.INTERRUPTED, Exit.TERMINATED}
    assert min(stopped) > max(set(Exit) - stopped)
