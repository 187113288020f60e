"""Everything that a plan says of one job, word for word."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from seedrender.lock import fold
from seedrender.lock.fingerprint import fingerprint
from seedrender.lock.identity import Asked
from seedrender.plan import graph, make
from seedrender.plan.decide import Facts, decide
from seedrender.plan.decision import Decision, Settle, Submit, Verdict
from seedrender.plan.make import JoinStep, Plan, Step
from seedrender.plan.reasons import changes
from seedrender.values.entry import Fingerprint, JobState, Lock, LockEntry, Pin, TaskRecord
from seedrender.values.job import Job, JobId, Mode
from seedrender.values.manifest import LongTake
from tests.builders import T0, clip, entry, job, record

SPIN = job("spin")
WANTED = fingerprint(SPIN, {}, {})
OTHER = Fingerprint(digest="sha256:other", version=1, parts={**WANTED.parts, "prompt": "old"})
KEPT, ASIDE = clip("c1"), replace(clip("c0", "renders/.superseded/spin.mp4"), sha256="cd" * 32)
SHA, ASIDE_SHA = KEPT.sha256, ASIDE.sha256
FIRST = job("fly/01")
SECOND = job("fly/02", needs=(FIRST.id,), mode=Mode.V2V)


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is known of one job."""

    entry: LockEntry | None = None
    job: Job = SPIN
    missing: tuple[str, ...] = ()
    found: str | None = None  # where the bytes of every clip are
    facts: dict[str, Any] = field(default_factory=dict)
    renamed: dict[JobId, JobId] = field(default_factory=dict)


def decided(case: Case) -> Step:
    (step,) = plan([case.job], case.entry, case=case).steps
    return step


def plan(
    jobs: list[Job],
    *entries: LockEntry | None,
    takes: tuple[LongTake, ...] = (),
    case: Case | None = None,
) -> Plan:
    given = case or Case()
    lock = fold.fold(Lock(manifest="m"), [one for one in entries if one is not None])
    facts = Facts(
        lock=replace(lock, renamed=given.renamed),
        digests={},
        is_present=lambda artifact: artifact.path not in given.missing,
        find=lambda artifact, _: (
            given.found or (artifact.path if artifact.path not in given.missing else None)
        ),
        **given.facts,
    )
    return make.plan(graph.build(jobs), takes, facts)


def made(bought_for: Fingerprint = WANTED, **fields: Any) -> TaskRecord:
    return record("c1", JobState.SUCCEEDED, fingerprint=bought_for, **fields)


def with_clip(*tasks: TaskRecord, **fields: Any) -> LockEntry:
    return entry("spin", *tasks, output=KEPT, **fields)


DONE = with_clip(made())
STALE = with_clip(made(OTHER))
COMES_BACK = with_clip(
    record("c0", JobState.SUCCEEDED, fingerprint=WANTED, superseded=ASIDE), made(OTHER)
)
LOST = record("c2", JobState.UNKNOWN, fingerprint=WANTED, task_id=None)
RUNNING = record("c2", fingerprint=WANTED)
PIN = Pin(is_on=True, at=T0)
OTHERWISE = ("asked for 5 s, got 4 s", "asked for mp4, got gif")
DIFFERS = replace(DONE, output=replace(KEPT, differs=OTHERWISE))
RESUBMIT = {"resubmit": (SPIN.id,)}


@pytest.mark.parametrize(
    ("case", "verdict", "reason", "will_submit", "clip_to_be"),
    [
        pytest.param(Case(), "missing", "never rendered", True, None, id="nobody knows it"),
        pytest.param(
            Case(entry=entry("spin")), "missing", "never rendered", True, None, id="no task"
        ),
        pytest.param(
            Case(entry=entry("spin", record(state=JobState.PLANNED, task_id=None))),
            "missing",
            "never rendered",
            True,
            None,
            id="not accepted",
        ),
        pytest.param(
            Case(entry=entry("spin", record(state=JobState.EXPIRED))),
            "missing",
            "its last task expired: no reason given; nothing was charged",
            True,
            None,
            id="expired",
        ),
        pytest.param(
            Case(entry=entry("spin", record(state=JobState.BLOCKED, fingerprint=WANTED))),
            "blocked",
            "refused by the provider: no reason given",
            False,
            None,
            id="refused",
        ),
        pytest.param(
            Case(
                entry=entry("spin", record(state=JobState.BLOCKED, fingerprint=WANTED, error="no")),
                facts=RESUBMIT,
            ),
            "missing",
            "its last task was blocked: no",
            True,
            None,
            id="refused, and a person says again",
        ),
        pytest.param(
            Case(entry=with_clip(made(), record("c2", JobState.BLOCKED, fingerprint=WANTED))),
            "current",
            "as in the lock",
            False,
            "ab" * 32,
            id="refused anew beside a clip",
        ),
        pytest.param(
            Case(entry=entry("spin", RUNNING)),
            "resume",
            "task task-c2 is at the provider, paid already",
            False,
            None,
            id="running",
        ),
        pytest.param(
            Case(entry=entry("spin", replace(RUNNING, fingerprint=OTHER))),
            "resume",
            "task task-c2 is at the provider, paid already; then rendered anew, since its "
            "definition changed",
            True,
            None,
            id="running for what is not wanted",
        ),
        pytest.param(
            Case(entry=entry("spin", RUNNING, record("c3", fingerprint=OTHER))),
            "resume",
            "task task-c3 is at the provider, paid already",
            False,
            None,
            id="two running, one of them wanted",
        ),
        pytest.param(
            Case(entry=entry("spin", made())),
            "resume",
            "task task-c1 has ended; its clip is to be downloaded",
            False,
            None,
            id="ended",
        ),
        pytest.param(
            Case(entry=entry("spin", LOST)),
            "unknown",
            "a submit of 2026-11-23 10:00:00 UTC has no known answer: a paid task may exist",
            False,
            None,
            id="a lost answer",
        ),
        pytest.param(
            Case(entry=entry("spin", replace(LOST, submitted_at=None, fingerprint=OTHER))),
            "unknown",
            "a submit has no known answer: a paid task may exist",
            False,
            None,
            id="a lost answer without a time",
        ),
        pytest.param(
            Case(entry=entry("spin", LOST), facts=RESUBMIT),
            "missing",
            "its last task has no known outcome: no reason given",
            True,
            None,
            id="a lost answer given up",
        ),
        pytest.param(
            Case(entry=entry("spin", fold.given_up(LOST, "given up by --resubmit"))),
            "missing",
            "its last submit was given up by --resubmit; it may be paid",
            True,
            None,
            id="a lost answer that was given up before",
        ),
        pytest.param(
            Case(entry=entry("spin", RUNNING), facts=RESUBMIT),
            "resume",
            "task task-c2 is at the provider, paid already",
            False,
            None,
            id="what has a task is never given up",
        ),
        pytest.param(Case(entry=DONE), "current", "as in the lock", False, SHA, id="done"),
        pytest.param(
            Case(
                entry=with_clip(
                    record("c0", JobState.SUCCEEDED, fingerprint=WANTED, superseded=ASIDE),
                    made(error="lost: HTTP 404"),
                ),
                missing=(KEPT.path,),
            ),
            "resume",
            "its clip is nowhere, and another of the same definition comes from "
            "renders/.superseded/spin.mp4",
            False,
            ASIDE_SHA,
            id="gone, and a twin of it is set aside",
        ),
        pytest.param(
            Case(
                entry=with_clip(
                    record("c0", JobState.SUCCEEDED, fingerprint=OTHER, superseded=ASIDE),
                    record("c3", JobState.SUCCEEDED, fingerprint=WANTED, superseded=ASIDE),
                    made(),
                ),
                missing=(KEPT.path, ASIDE.path),
            ),
            "resume",
            "renders/spin.mp4 is missing or changed on disk; to be downloaded again",
            False,
            SHA,
            id="gone, and its twin, too",
        ),
        pytest.param(
            Case(
                entry=with_clip(
                    record("c0", JobState.SUCCEEDED, fingerprint=WANTED, superseded=ASIDE),
                    made(provider="modellix"),
                ),
                missing=(KEPT.path,),
                facts={"asked": Asked(route="modellix")},
            ),
            "resume",
            "renders/spin.mp4 is missing or changed on disk; to be downloaded again",
            False,
            SHA,
            id="gone, and its twin is simulated",
        ),
        pytest.param(
            Case(entry=with_clip(made(), LOST)),
            "unknown",
            "a submit of 2026-11-23 10:00:00 UTC has no known answer: a paid task may exist; what "
            "is wanted is there: if no task exists, --resubmit spin buys nothing",
            False,
            None,
            id="done, and a lost answer beside it",
        ),
        pytest.param(
            Case(entry=with_clip(made(), LOST), facts=RESUBMIT),
            "resume",
            "its clip is in its place; what --resubmit gives up beside it is noted",
            False,
            SHA,
            id="done, and a lost answer beside it that is given up",
        ),
        pytest.param(
            Case(entry=with_clip(made(), RUNNING)),
            "resume",
            "task task-c2 is at the provider, paid already",
            False,
            None,
            id="another task is on its way",
        ),
        pytest.param(
            Case(entry=DONE, missing=(KEPT.path,)),
            "resume",
            "renders/spin.mp4 is missing or changed on disk; to be downloaded again",
            False,
            SHA,
            id="gone",
        ),
        pytest.param(
            Case(entry=DONE, missing=(KEPT.path,), facts=RESUBMIT),
            "resume",
            "renders/spin.mp4 is missing or changed on disk; to be downloaded again; it is bought "
            "again only if it cannot be had",
            False,
            SHA,
            id="gone and given up",
        ),
        pytest.param(
            Case(entry=DONE, facts=RESUBMIT),
            "current",
            "as in the lock, so --resubmit buys nothing: for another clip change its `seed`, or "
            "raise `takes`",
            False,
            SHA,
            id="not lost",
        ),
        pytest.param(
            Case(entry=DONE, job=replace(SPIN, output="renders/new.mp4"), facts=RESUBMIT),
            "resume",
            "its clip is to be moved from renders/spin.mp4 to renders/new.mp4",
            False,
            SHA,
            id="elsewhere",
        ),
        pytest.param(
            Case(
                entry=DONE,
                job=replace(SPIN, output="renders/new.mp4"),
                missing=(KEPT.path,),
                facts=RESUBMIT,
            ),
            "resume",
            "renders/new.mp4 is missing or changed on disk; to be downloaded again; it is bought "
            "again only if it cannot be had",
            False,
            SHA,
            id="elsewhere, and gone there",
        ),
        pytest.param(
            Case(entry=DONE, renamed={SPIN.id: JobId("turn")}),
            "resume",
            "renamed from turn: only the lock changes",
            False,
            SHA,
            id="renamed",
        ),
        pytest.param(
            Case(entry=STALE),
            "stale",
            "its definition changed: prompt",
            True,
            None,
            id="another definition",
        ),
        pytest.param(
            Case(entry=STALE, facts={"keep_stale": True}),
            "current",
            "kept by --keep-stale, though its definition changed: prompt",
            False,
            SHA,
            id="another definition, and kept",
        ),
        pytest.param(
            Case(
                entry=replace(STALE, output=replace(KEPT, made_by="c1", differs=OTHERWISE)),
                facts={"keep_stale": True},
            ),
            "differs",
            "asked for 5 s, got 4 s; asked for mp4, got gif: `seedrender pin m spin` keeps it, "
            "--resubmit spin buys it again",
            False,
            None,
            id="another definition, and kept though nobody accepted it",
        ),
        pytest.param(
            Case(entry=with_clip(made(replace(OTHER, parts=WANTED.parts)))),
            "stale",
            "its definition changed: nothing but the version of the fingerprint",
            True,
            None,
            id="another version",
        ),
        pytest.param(
            Case(entry=COMES_BACK),
            "resume",
            "as it was before: its clip comes back from renders/.superseded/spin.mp4",
            False,
            ASIDE_SHA,
            id="as it was before",
        ),
        pytest.param(
            Case(entry=COMES_BACK, missing=(ASIDE.path,)),
            "resume",
            "renders/spin.mp4 is missing or changed on disk; to be downloaded again",
            False,
            ASIDE_SHA,
            id="as it was before, and gone",
        ),
        pytest.param(
            Case(entry=replace(DONE, tasks=())),
            "missing",
            "never rendered",
            True,
            None,
            id="a clip that nobody made",
        ),
        pytest.param(
            Case(entry=replace(STALE, pin=PIN)),
            "current",
            "pinned: its clip stays as it is",
            False,
            SHA,
            id="pinned",
        ),
        pytest.param(
            Case(entry=replace(COMES_BACK, pin=PIN), missing=(KEPT.path,)),
            "resume",
            "renders/spin.mp4 is missing or changed on disk; to be downloaded again",
            False,
            SHA,
            id="pinned and gone",
        ),
        pytest.param(
            Case(entry=replace(with_clip(made(), RUNNING), pin=PIN)),
            "resume",
            "task task-c2 is at the provider, paid already",
            False,
            None,
            id="pinned, with a task on its way",
        ),
        pytest.param(
            Case(entry=replace(with_clip(made(), LOST), pin=PIN), facts=RESUBMIT),
            "current",
            "pinned: its clip stays as it is",
            False,
            SHA,
            id="pinned, with a lost submit given up",
        ),
        pytest.param(
            Case(entry=DIFFERS),
            "differs",
            "asked for 5 s, got 4 s; asked for mp4, got gif: `seedrender pin m spin` keeps it, "
            "--resubmit spin buys it again",
            False,
            None,
            id="not what was asked for",
        ),
        pytest.param(
            Case(entry=DIFFERS, facts=RESUBMIT),
            "stale",
            "its clip differs, and --resubmit buys it again",
            True,
            None,
            id="not what was asked for, and a person says again",
        ),
        pytest.param(
            Case(entry=replace(DIFFERS, pin=PIN)),
            "current",
            "pinned: its clip stays as it is",
            False,
            SHA,
            id="not what was asked for, and a person keeps it",
        ),
        pytest.param(
            Case(entry=replace(DONE, output=replace(KEPT, path="old/spin.mp4")), found=KEPT.path),
            "resume",
            "its clip is in its place, renders/spin.mp4: only the lock changes",
            False,
            SHA,
            id="in its place, and the lock does not know it",
        ),
        pytest.param(
            Case(
                entry=with_clip(made(error="lost: no such task", provider="ark")),
                missing=(KEPT.path,),
            ),
            "lost",
            "renders/spin.mp4 is missing, and lost: no such task; each run asks once more: put "
            "the file back, or buy it again with --resubmit spin",
            False,
            None,
            id="gone, and its provider has forgotten it",
        ),
        pytest.param(
            Case(entry=with_clip(made(error="lost: no such task")), missing=(KEPT.path,)),
            "missing",
            "its clip was simulated in another clone, and is made again for nothing",
            True,
            None,
            id="simulated in another clone",
        ),
        pytest.param(
            Case(facts={"is_unexplained": lambda path: path == "renders/spin.mp4"}),
            "awaiting",
            "renders/spin.mp4 is there, and no record explains it: take it over with `seedrender "
            "adopt m spin --file renders/spin.mp4`, move it away, or buy over it with "
            "--resubmit spin, which keeps it in .superseded",
            False,
            None,
            id="a file of nobody in its place",
        ),
        pytest.param(
            Case(facts={"is_unexplained": lambda _: True, **RESUBMIT}),
            "missing",
            "never rendered",
            True,
            None,
            id="a file of nobody in its place, and a person says again",
        ),
        pytest.param(
            Case(entry=entry("spin", pin=PIN)), "missing", "never rendered", True, None, id="a pin on nothing"
        ),
    ],
)  # fmt: skip
def test_a_step_is_decided_word_for_word(
    case: Case, verdict: str, reason: str, *, will_submit: bool, clip_to_be: str | None
) -> None:
    step = decided(case)

    assert (step.verdict.value, step.reason, step.will_submit, step.clip, step.job) == (
        verdict,
        reason,
        will_submit,
        clip_to_be,
        case.job,
    )


def test_a_step_knows_what_is_wanted_unless_a_person_decided() -> None:
    pinned = replace(STALE, pin=PIN)

    assert decided(Case(entry=STALE)).fingerprint == WANTED
    assert decided(Case(entry=pinned)).fingerprint is None


def test_the_newest_of_live_tasks_is_told() -> None:
    both = entry("spin", record("c2", fingerprint=WANTED), record("c3", fingerprint=WANTED))

    assert decided(Case(entry=both)).reason == "task task-c3 is at the provider, paid already"


def test_run_asks_the_same_question_as_plan() -> None:
    facts = Facts(lock=Lock(manifest="m"), digests={}, is_present=lambda _: True)
    pinned = replace(STALE, pin=PIN)

    assert decide(SPIN, WANTED, None, facts) == Decision(
        Verdict.MISSING, "never rendered", Submit()
    )
    assert decide(SPIN, WANTED, DONE, facts) == Decision(Verdict.CURRENT, "as in the lock")
    assert decide(SPIN, WANTED, pinned, facts) == Decision(
        Verdict.CURRENT, "pinned: its clip stays as it is"
    )


@pytest.mark.parametrize(
    ("parent", "verdict", "words", "will_submit"),
    [
        pytest.param(None, "missing", "which is missing", True, id="missing"),
        pytest.param(
            record(fingerprint=fingerprint(FIRST, {}, {})),
            "resume",
            "whose clip is on its way",
            True,
            id="running",
        ),
        pytest.param(
            record(state=JobState.UNKNOWN, task_id=None),
            "unknown",
            "which may have been bought, or not",
            True,
            id="unknown",
        ),
        pytest.param(
            record(state=JobState.BLOCKED, fingerprint=fingerprint(FIRST, {}, {})),
            "blocked",
            "which is blocked",
            False,
            id="blocked",
        ),
    ],
)
def test_a_segment_waits_and_is_bought_where_its_parent_may_come(
    parent: TaskRecord | None, verdict: str, words: str, *, will_submit: bool
) -> None:
    known = entry("fly/01", parent) if parent is not None else None

    first, second = plan([FIRST, SECOND], known).steps

    assert first.verdict.value == verdict
    assert second == Step(
        job=SECOND,
        verdict=Verdict.WAITS,
        reason=f"continues fly/01, {words}",
        fingerprint=None,
        will_submit=will_submit,
    )


def test_of_two_parents_the_first_that_lacks_is_told() -> None:
    third = job("end", needs=(SPIN.id, FIRST.id, SECOND.id))

    step = plan([SPIN, FIRST, SECOND, third], DONE).steps[-1]

    assert step.reason == "continues fly/01, which is missing"


def test_a_segment_that_is_paid_is_collected_though_its_parent_has_no_clip() -> None:
    newest = record("c2")

    assert plan([FIRST, SECOND], entry("fly/02", record("c1"), newest)).steps[1] == Step(
        job=SECOND,
        verdict=Verdict.RESUME,
        reason="task task-c2 is at the provider, paid already",
        fingerprint=None,
        will_submit=False,
        act=Settle(newest),
    )


def test_a_segment_whose_lost_submit_was_given_up_waits_like_any_other() -> None:
    lost = entry("fly/02", replace(LOST, fingerprint=OTHER))

    step = plan([FIRST, SECOND], lost, case=Case(facts={"resubmit": (SECOND.id,)})).steps[1]

    assert (step.verdict, step.will_submit) == (Verdict.WAITS, True)


def test_before_a_segment_of_another_size_is_kept_it_is_said_that_it_will_not_join() -> None:
    first = job("fly/01", segment=1)
    odd = ("asked for 720p, got 640x360",)
    output = replace(clip("c1", first.output), width=640, height=360, differs=odd)
    bought = record("c1", JobState.SUCCEEDED, fingerprint=fingerprint(first, {}, {}))

    (step,) = plan([first], entry("fly/01", bought, output=output)).steps

    assert step.verdict is Verdict.DIFFERS
    assert step.reason == (
        "asked for 720p, got 640x360: `seedrender pin m fly/01` keeps it (a long take is joined "
        "only where all segments are 640x360), --resubmit fly/01 buys it again"
    )


def test_a_segment_continues_the_clip_that_will_come_back() -> None:
    bought_for = fingerprint(FIRST, {}, {})
    first = entry("fly/01", record("c1", JobState.SUCCEEDED, fingerprint=bought_for))
    gone = replace(first, output=replace(clip("c1", FIRST.output), sha256="ef" * 32))
    expected = fingerprint(SECOND, {}, {FIRST.id: "ef" * 32})

    steps = plan([FIRST, SECOND], gone, case=Case(missing=(FIRST.output,))).steps

    assert [step.verdict for step in steps] == [Verdict.RESUME, Verdict.MISSING]
    assert steps[1].fingerprint == expected


TAKE = LongTake(id=JobId("fly"), segments=(FIRST.id, SPIN.id), output="renders/fly.mp4")
SEGMENTS = (
    replace(
        entry("fly/01", record("f1", JobState.SUCCEEDED, fingerprint=fingerprint(FIRST, {}, {}))),
        output=replace(clip("f1", FIRST.output), sha256="ef" * 32),
    ),
    DONE,
)
JOINED = make.join_fingerprint(TAKE, ("ef" * 32, SHA))


@pytest.mark.parametrize(
    ("output", "missing", "verdict", "reason"),
    [
        pytest.param(None, (), "missing", "2 segments to be joined", id="not yet"),
        pytest.param(
            clip(JOINED.digest, TAKE.output), (), "current", "as in the lock", id="joined"
        ),
        pytest.param(
            clip("sha256:old", TAKE.output),
            (),
            "stale",
            "its segments or the way they are joined changed",
            id="of other clips",
        ),
        pytest.param(
            clip(JOINED.digest, "renders/old.mp4"),
            (),
            "missing",
            "renders/fly.mp4 is missing or changed on disk",
            id="elsewhere",
        ),
        pytest.param(
            clip(JOINED.digest, TAKE.output),
            (TAKE.output,),
            "missing",
            "renders/fly.mp4 is missing or changed on disk",
            id="gone",
        ),
    ],
)
def test_a_long_take_is_decided_word_for_word(
    output: Any, missing: tuple[str, ...], verdict: str, reason: str
) -> None:
    known = (*SEGMENTS, entry("fly", output=output) if output is not None else None)

    found = plan([FIRST, SPIN], *known, takes=(TAKE,), case=Case(missing=missing))

    assert found.joins == (
        JoinStep(take=TAKE, verdict=Verdict(verdict), reason=reason, fingerprint=JOINED),
    )
    assert found.is_done == (verdict == "current")


def test_a_long_take_waits_for_the_first_segment_that_lacks() -> None:
    found = plan([FIRST, SPIN], DONE, takes=(TAKE,))

    assert found.joins == (
        JoinStep(take=TAKE, verdict=Verdict.WAITS, reason="waits for fly/01", fingerprint=None),
    )


def test_a_long_take_says_before_the_rest_is_bought_that_a_clip_that_stays_will_not_join() -> None:
    made = entry("fly/01", record("f1", JobState.SUCCEEDED, fingerprint=fingerprint(FIRST, {}, {})))
    draft = replace(clip("f1", FIRST.output), width=864, height=496)
    pinned = replace(made, output=draft, pin=PIN)
    final = [replace(job, resolution="1080p", ratio="16:9") for job in (FIRST, SPIN)]

    found = plan(final, pinned, takes=(TAKE,))
    same = plan([FIRST, SPIN], pinned, takes=(TAKE,))

    assert found.joins[0].reason == (
        "waits for spin; it cannot be joined then: fly/01 stays at 864x496, and the rest is asked "
        "for in 1080p"
    )
    assert same.joins[0].reason == "waits for spin"


def test_how_a_take_is_joined_is_pinned() -> None:
    assert JOINED.parts == {
        "segments": ["sha256:" + "ef" * 32, f"sha256:{SHA}"],
        "audio": TAKE.audio,
    }


def test_a_plan_keeps_its_graph_and_is_done_only_when_every_job_is() -> None:
    jobs = [SPIN, FIRST]

    found = plan(jobs, DONE)

    assert found.graph == graph.build(jobs)
    assert not found.is_done
    assert plan([SPIN], DONE).is_done


def test_changes_are_named_in_the_order_of_the_old_definition() -> None:
    old = Fingerprint(digest="a", parts={"prompt": "x", "seed": 1, "ratio": "1:1"})
    new = Fingerprint(digest="b", parts={"audio": True, "ratio": "1:1", "prompt": "y"})

    assert changes(old, new) == "prompt, seed, audio"
    assert changes(None, new) == "the old one is not kept"


def test_where_the_like_of_a_lost_clip_is_nowhere_too_a_person_is_asked() -> None:
    entry = with_clip(
        record("c0", JobState.SUCCEEDED, fingerprint=WANTED, superseded=ASIDE, provider="ark"),
        made(error="lost: HTTP 404", provider="ark"),
    )

    step = decided(Case(entry=entry, missing=(KEPT.path, ASIDE.path)))

    assert (step.verdict, step.will_submit) == (Verdict.LOST, False)


@pytest.mark.parametrize(("facts", "verdict"), [({}, Verdict.LOST), (RESUBMIT, Verdict.RESUME)])
def test_a_lost_clip_that_others_are_made_from_is_replaced_where_a_person_says(
    facts: dict[str, Any], verdict: Verdict
) -> None:
    """Its like in its place would make them stale, though their clips are there."""
    spin = with_clip(
        record("c0", JobState.SUCCEEDED, fingerprint=WANTED, superseded=ASIDE, provider="ark"),
        made(error="lost: HTTP 404", provider="ark"),
    )
    of_it = Fingerprint(digest="d", parts={"uses": [f"sha256:{KEPT.identity}"]})
    walk = entry(
        "walk", record("w1", JobState.SUCCEEDED, fingerprint=of_it), output=clip("w1", "walk.mp4")
    )

    (step,) = plan([SPIN], spin, walk, case=Case(missing=(KEPT.path,), facts=facts)).steps

    assert (step.verdict, step.will_submit) == (verdict, False)
