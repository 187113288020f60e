from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.lock.fold import (
    Action,
    alive,
    fold,
    job_state,
    join,
    made,
    newest_moment,
    next_action,
    output_record,
)
from seedrender.lock.moves import rename
from seedrender.values.entry import LOST, Fingerprint, JobState, Lock, LockEntry, Pin
from seedrender.values.job import JobId
from seedrender.values.money import Amount, Cost, Quote
from seedrender.values.task import TaskId
from tests.builders import T0, clip, entry, record
from tests.strategies import entries


@given(entries(), entries())
def test_joining_does_not_care_who_is_first(one: LockEntry, other: LockEntry) -> None:
    assert join(one, other) == join(other, one)


@given(entries(), entries(), entries())
def test_joining_does_not_care_what_is_joined_first(
    a: LockEntry, b: LockEntry, c: LockEntry
) -> None:
    assert join(join(a, b), c) == join(a, join(b, c))


@given(entries(), entries())
def test_a_fact_that_is_known_changes_nothing(one: LockEntry, other: LockEntry) -> None:
    both = join(one, other)

    assert join(both, one) == both
    assert join(both, other) == both


@given(entries(), entries())
def test_no_task_id_and_no_clip_is_ever_lost(one: LockEntry, other: LockEntry) -> None:
    before = {r.task_id for e in (one, other) for r in e.tasks if r.task_id}
    clips = {e.output.made_by for e in (one, other) if e.output is not None}

    both = join(one, other)

    assert {r.task_id for r in both.tasks if r.task_id} == before
    kept = {r.correlation_id for r in both.tasks if r.superseded is not None}
    assert clips <= kept | ({both.output.made_by} if both.output else set())


@given(st.lists(entries(), max_size=3))
def test_folding_gives_the_same_in_any_order(events: list[LockEntry]) -> None:
    locks = [fold(Lock(manifest="m"), order) for order in permutations(events)]

    assert all(lock == locks[0] for lock in locks)


def test_a_state_never_moves_back() -> None:
    submitted = entry("spin", record(state=JobState.SUBMITTED))
    intent = entry("spin", record(state=JobState.SUBMITTING, task_id=None))

    both = join(submitted, intent)

    assert both == submitted


def test_a_field_that_is_known_is_never_unset() -> None:
    priced = entry("spin", record(state=JobState.SUBMITTED, retries=3))
    ended = entry("spin", record(state=JobState.SUCCEEDED))

    both = join(priced, ended)

    assert both.tasks[0].retries == 3
    assert both.tasks[0].state is JobState.SUCCEEDED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_id", TaskId("task-c1")),
        ("submitted_at", T0),
        ("finished_at", T0),
        ("estimate", Quote(seconds=Decimal(5))),
        ("cost", Cost(amount=Amount(Decimal(1), "USD"), source="provider")),
        ("retries", 3),
        ("render_s", 5.5),
        ("superseded", clip("c1")),
    ],
)
def test_what_one_side_knows_of_a_task_is_known(name: str, value: object) -> None:
    fields: dict[str, Any] = {name: value}
    bare = record(task_id=None, submitted_at=None)
    known, unknown = entry("spin", replace(bare, **fields)), entry("spin", bare)

    assert join(known, unknown) == join(unknown, known) == known


def test_a_fingerprint_with_its_parts_goes_before_one_without() -> None:
    parts = {"prompt": "A kite."}
    sides = [
        entry("spin", record(fingerprint=Fingerprint(digest="sha256:aa", parts=found)))
        for found in (parts, {})
    ]

    found = [join(*order).tasks[0].fingerprint.parts for order in (sides, sides[::-1])]

    assert found == [parts, parts]


def test_a_clip_that_was_set_aside_is_where_it_was_put_last() -> None:
    aside = clip("c1", "renders/.superseded/spin.mp4", minute=9)
    ours = entry("spin", record("c1", superseded=aside), record("c2"), output=clip("c2", minute=20))
    theirs = entry("spin", record("c1"), output=clip("c1", minute=1))

    assert join(ours, theirs).tasks[0].superseded == aside
    assert join(theirs, ours).tasks[0].superseded == aside


def test_of_two_clips_the_later_one_is_the_output_and_the_other_is_kept() -> None:
    first = record("c1", JobState.SUCCEEDED)
    second = record("c2", JobState.SUCCEEDED)
    ours = entry("spin", first, output=clip("c1", minute=1))
    theirs = entry("spin", second, output=clip("c2", minute=2))

    both = join(ours, theirs)

    assert both.output == clip("c2", minute=2)
    assert both.tasks == (replace(first, superseded=clip("c1", minute=1)), second)


@pytest.mark.parametrize(
    ("tasks", "made_by", "state"),
    [
        pytest.param((), None, JobState.PLANNED, id="nothing is known"),
        pytest.param((JobState.PLANNED,), None, JobState.PLANNED, id="a submit not accepted"),
        pytest.param((JobState.SUBMITTING,), None, JobState.SUBMITTING, id="an intent"),
        pytest.param((JobState.FAILED,), None, JobState.FAILED, id="a failure"),
        pytest.param((JobState.FAILED, JobState.BLOCKED), None, JobState.BLOCKED, id="the last"),
        pytest.param((JobState.SUCCEEDED,), None, JobState.SUCCEEDED, id="no clip yet"),
        pytest.param(
            (JobState.SUBMITTED, JobState.UNKNOWN), None, JobState.SUBMITTED, id="the furthest"
        ),
        pytest.param((JobState.SUCCEEDED,), "c0", JobState.DONE, id="a clip"),
        pytest.param(
            (JobState.SUCCEEDED, JobState.SUBMITTED), "c0", JobState.SUBMITTED, id="a new task"
        ),
        pytest.param((JobState.SUCCEEDED, JobState.FAILED), "c0", JobState.DONE, id="a retake"),
    ],
)
def test_a_jobs_state_follows_from_its_tasks_and_its_clip(
    tasks: tuple[JobState, ...], made_by: str | None, state: JobState
) -> None:
    records = tuple(record(f"c{n}", s) for n, s in enumerate(tasks))
    output = clip(made_by) if made_by else None

    found = job_state(LockEntry(job=JobId("spin"), tasks=records, output=output))

    assert found is state


def test_a_task_whose_clip_was_replaced_is_not_alive() -> None:
    old = record("c1", JobState.SUCCEEDED, superseded=clip("c1"))
    new = record("c2", JobState.SUCCEEDED)

    found = alive(entry("spin", old, new, output=clip("c2")))

    assert found == ()


def test_only_states_in_which_no_paid_task_can_be_alive_are_submitted() -> None:
    assert {state: next_action(state) for state in JobState} == {
        JobState.PLANNED: Action.SUBMIT,
        JobState.FAILED: Action.SUBMIT,
        JobState.EXPIRED: Action.SUBMIT,
        JobState.CANCELLED: Action.SUBMIT,
        JobState.SUBMITTING: Action.ASK,
        JobState.UNKNOWN: Action.ASK,
        JobState.SUBMITTED: Action.RESUME,
        JobState.SUCCEEDED: Action.RESUME,
        JobState.BLOCKED: Action.WAIT,
        JobState.DONE: Action.REUSE,
    }


OLD, NEW = Fingerprint(digest="sha256:old"), Fingerprint(digest="sha256:new")
ASIDE = record("c1", JobState.SUCCEEDED, fingerprint=OLD, superseded=clip("c1"))
AGAIN = record("c2", JobState.SUCCEEDED, fingerprint=OLD, superseded=clip("c2"))
RUNNING = record("c3", fingerprint=OLD)
IN_PLACE = record("c4", JobState.SUCCEEDED, fingerprint=NEW)


def test_a_clip_that_was_replaced_is_wanted_again_when_its_definition_comes_back() -> None:
    replaced = entry("spin", ASIDE, AGAIN, RUNNING, IN_PLACE, output=clip("c4"))
    pinned = replace(replaced, pin=Pin(is_on=True, at=T0))

    assert made(OLD, replaced) == (AGAIN, AGAIN.superseded)  # the newest one
    assert made(OLD, replaced, chosen=ASIDE.correlation_id) == (ASIDE, ASIDE.superseded)
    assert made(NEW, replaced) == (IN_PLACE, replaced.output)
    assert made(Fingerprint(digest="sha256:other"), replaced) == (None, None)
    assert made(OLD, pinned) == (None, None)
    assert made(OLD, entry("spin", ASIDE, IN_PLACE)) == (ASIDE, ASIDE.superseded)


def test_a_clip_as_it_was_asked_for_goes_before_one_that_is_not_or_may_be_gone() -> None:
    wrong = replace(clip("c4"), differs=("3 s, not 4 s",))
    gone = replace(AGAIN, error=f"{LOST}no such task")
    ours = replace(IN_PLACE, fingerprint=OLD)

    assert made(OLD, entry("spin", ASIDE, ours, output=wrong))[0] == ASIDE
    assert made(OLD, entry("spin", gone, ours, output=wrong))[0] == ours
    assert made(OLD, entry("spin", AGAIN, ours, output=clip("c4")))[0] == ours
    assert made(OLD, entry("spin", ASIDE, gone))[0] == ASIDE


def test_a_clip_in_place_is_as_good_as_one_that_was_set_aside() -> None:
    both = entry("spin", ASIDE, replace(IN_PLACE, fingerprint=OLD), output=clip("c4"))

    assert made(OLD, both) == (both.tasks[1], both.output)
    assert output_record(both) == replace(IN_PLACE, fingerprint=OLD)
    assert output_record(entry("spin", ASIDE)) is None


def test_the_newest_moment_is_the_latest_of_all_that_a_lock_speaks_of() -> None:
    def newest(found: LockEntry) -> int:
        moment = newest_moment(Lock(manifest="m", entries={found.job: found}))
        return int((moment - T0).total_seconds() // 60)

    later = T0 + timedelta(minutes=7)
    aside = record(superseded=clip(minute=7))

    assert newest(entry("spin", record())) == 0
    assert newest(entry("spin", record(finished_at=later), record("c2"))) == 7
    assert newest(entry("spin", aside)) == 7
    assert newest(entry("spin", record(), output=clip(minute=7))) == 7
    assert newest(entry("spin", pin=Pin(is_on=False, at=later))) == 7
    assert newest_moment(Lock(manifest="m")) == datetime.min.replace(tzinfo=UTC)


@given(entries(), entries())
def test_renaming_loses_nothing_and_twice_is_once(one: LockEntry, other: LockEntry) -> None:
    old, new = replace(one, job=JobId("old/a")), replace(other, job=JobId("new/a"))
    lock = Lock(manifest="m", entries={old.job: old, new.job: new})

    renamed = rename(lock, {"old": "new"})

    assert dict(renamed.entries) == {new.job: join(new, replace(old, job=new.job))}
    assert renamed.renamed == {"new/a": "old/a"}
    assert rename(renamed, {"old": "new"}).entries == renamed.entries


@pytest.mark.parametrize(
    ("before", "moved", "now"),
    [
        ("spin", {"spin": "turn"}, "turn"),
        ("spin@2", {"spin": "turn"}, "turn@2"),
        ("spin/red@2", {"spin": "turn"}, "turn/red@2"),
        ("spin/red@2", {"spin/red": "turn/blue"}, "turn/blue@2"),
        ("spin/red", {"spin/red": "turn/blue", "spin": "x"}, "turn/blue"),
        ("spin/red@2", {"spin/red@2": "turn/blue"}, "turn/blue"),
        ("spin/red/a", {"spin": "turn"}, "turn/red/a"),
        ("spin@2@3", {"spin": "turn"}, "turn@2@3"),
        ("spinner", {"spin": "turn"}, "spinner"),
        ("spin", {}, "spin"),
    ],
)
def test_a_rename_follows_jobs_takes_and_shots(
    before: str, moved: dict[str, str], now: str
) -> None:
    lock = Lock(manifest="m", entries={JobId(before): entry(before, record())})

    renamed = rename(lock, moved)

    assert list(renamed.entries) == [now]
    assert renamed.manifest == "m"


def test_a_clip_that_is_given_up_stays_so_whatever_is_joined() -> None:
    paid = record(state=JobState.SUCCEEDED)
    lost = replace(paid, error="given up")

    joined = [join(entry("a", x), entry("a", y)) for x, y in ((paid, lost), (lost, paid))]

    assert [found.tasks[0].is_given_up for found in joined] == [True, True]
    assert [alive(found) for found in joined] == [(), ()]
