from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from seedrender.lock import fold
from seedrender.lock.fingerprint import fingerprint
from seedrender.lock.identity import WHICHEVER, Asked
from seedrender.plan import graph, make
from seedrender.plan.decide import Facts
from seedrender.plan.decision import Verdict
from seedrender.plan.make import Plan
from seedrender.values.entry import Fingerprint, JobState, Lock, LockEntry, TaskRecord
from seedrender.values.job import Job, JobId, Mode
from seedrender.values.manifest import LongTake
from seedrender.values.money import Amount, Cost
from seedrender.values.task import Artifact
from tests.builders import clip, entry, job, record

CHARGED = Cost(amount=Amount(Decimal("0.1"), "USD"), source="provider")
FREE = Cost(amount=Amount(Decimal(0), "USD"), source="provider")
SPIN = job("spin")
WANTED = fingerprint(SPIN, {}, {})
OTHER = Fingerprint(digest="sha256:other", version=1, parts={**WANTED.parts, "prompt": "old"})
FIRST = job("fly/01")
SECOND = job("fly/02", needs=(FIRST.id,), mode=Mode.V2V)
TAKE = LongTake(id=JobId("fly"), segments=(FIRST.id, SECOND.id), output="renders/fly.mp4")


def plan(
    jobs: list[Job],
    *entries: LockEntry,
    missing: tuple[str, ...] = (),
    takes: tuple[LongTake, ...] = (),
    resubmit: tuple[JobId, ...] = (),
    keep_stale: bool = False,
    asked: Asked = WHICHEVER,
) -> Plan:
    lock = fold.fold(Lock(manifest="film.yaml"), entries)

    def is_present(artifact: Artifact) -> bool:
        return artifact.path not in missing

    facts = Facts(
        lock=lock,
        digests={},
        is_present=is_present,
        find=lambda clip, _: clip.path if is_present(clip) else None,
        resubmit=resubmit,
        keep_stale=keep_stale,
        asked=asked,
    )
    return make.plan(graph.build(jobs), takes, facts)


def done(wanted: Job, parents: dict[JobId, str] | None = None, provider: str = "sim") -> LockEntry:
    found = fingerprint(wanted, {}, parents or {})
    made = record(f"c-{wanted.id}", JobState.SUCCEEDED, fingerprint=found, provider=provider)
    return entry(wanted.id, made, output=clip(f"c-{wanted.id}", wanted.output))


def test_a_paid_clip_that_a_person_gave_up_is_bought_again() -> None:
    lost = record(state=JobState.SUCCEEDED, fingerprint=WANTED, error="given up by --resubmit")

    (step,) = plan([SPIN], entry("spin", lost)).steps

    assert (step.verdict, step.will_submit) == (Verdict.MISSING, True)
    assert step.reason == "its last task could not be had: given up by --resubmit"


@pytest.mark.parametrize(
    ("state", "bought_for", "verdict", "words"),
    [
        pytest.param(JobState.PLANNED, WANTED, "missing", "never rendered", id="not accepted"),
        pytest.param(JobState.SUBMITTED, WANTED, "resume", "paid already", id="submitted"),
        pytest.param(JobState.SUBMITTED, OTHER, "resume", "then rendered anew", id="outdated"),
        pytest.param(JobState.SUCCEEDED, WANTED, "resume", "to be downloaded", id="succeeded"),
        pytest.param(JobState.FAILED, WANTED, "missing", "last task failed: why", id="failed"),
        pytest.param(JobState.EXPIRED, WANTED, "missing", "expired: why", id="expired"),
        pytest.param(JobState.CANCELLED, WANTED, "missing", "cancelled: why", id="cancelled"),
        pytest.param(JobState.BLOCKED, WANTED, "blocked", "refused by the provider: why", id="no"),
        pytest.param(JobState.BLOCKED, OTHER, "missing", "blocked: why", id="refused before"),
    ],
)
def test_a_job_without_a_clip(
    state: JobState, bought_for: Fingerprint, verdict: str, words: str
) -> None:
    error = "why" if state not in (JobState.SUBMITTED, JobState.SUCCEEDED) else None
    known = entry("spin", record(state=state, fingerprint=bought_for, error=error))

    (step,) = plan([SPIN], known).steps

    assert (step.verdict.value, words in step.reason) == (verdict, True), step.reason


def test_a_purchase_after_an_edit_names_the_edit_beside_how_the_last_task_ended() -> None:
    before = fingerprint(job("spin", prompt="Another."), {}, {})
    known = entry("spin", record(state=JobState.BLOCKED, fingerprint=before, error="a face"))

    (step,) = plan([SPIN], known).steps

    assert (step.verdict, step.reason) == (
        Verdict.MISSING,
        "its last task was blocked: a face; its definition changed since: prompt",
    )


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.EXPIRED, JobState.CANCELLED])
@pytest.mark.parametrize(
    ("more", "verdict", "words"),
    [
        pytest.param({}, "blocked", "whether it was charged is not known", id="cost unknown"),
        pytest.param({"cost": CHARGED}, "blocked", "it cost 0.10 USD", id="charged"),
        pytest.param({"cost": FREE}, "missing", ": why", id="free"),
        pytest.param({"error": "given up by --resubmit: x"}, "missing", "given up", id="given up"),
    ],
)
def test_a_task_that_ended_without_a_clip_is_bought_again_by_itself_where_it_was_free(
    state: JobState, more: dict[str, Any], verdict: str, words: str
) -> None:
    fields = {"error": "why", "provider": "modellix", "fingerprint": WANTED, **more}

    (step,) = plan([SPIN], entry("spin", record(state=state, **fields))).steps
    (again,) = plan([SPIN], entry("spin", record(state=state, **fields)), resubmit=(SPIN.id,)).steps

    assert (step.verdict.value, words in step.reason) == (verdict, True), step.reason
    assert again.verdict is Verdict.MISSING


@pytest.mark.parametrize("state", [JobState.SUBMITTING, JobState.UNKNOWN])
def test_a_submit_without_an_answer_is_unknown_until_a_person_gives_it_up(state: JobState) -> None:
    known = entry("spin", record(state=state, fingerprint=WANTED, task_id=None))

    (step,) = plan([SPIN], known).steps
    (given_up,) = plan([SPIN], known, resubmit=(SPIN.id,)).steps

    assert step.verdict is Verdict.UNKNOWN
    assert not step.will_submit
    assert given_up.verdict is Verdict.MISSING


def test_a_lost_submit_without_its_time_is_unknown_all_the_same() -> None:
    known = entry("spin", record(state=JobState.UNKNOWN, task_id=None, submitted_at=None))

    (step,) = plan([SPIN], known).steps

    assert step.reason == "a submit has no known answer: a paid task may exist"


def test_a_job_that_nobody_knows_is_missing() -> None:
    (step,) = plan([SPIN]).steps

    assert (step.verdict, step.reason, step.will_submit) == (
        Verdict.MISSING,
        "never rendered",
        True,
    )


def test_a_job_as_in_the_lock_is_current() -> None:
    found = plan([SPIN], done(SPIN))

    assert found.steps[0].verdict is Verdict.CURRENT
    assert found.is_done


def test_a_changed_definition_is_stale_and_says_what_changed() -> None:
    changed = replace(SPIN, prompt="Another.", duration_s=6)

    (step,) = plan([changed], done(SPIN)).steps

    assert step.verdict is Verdict.STALE
    assert step.reason == "its definition changed: prompt, duration_s"


def test_a_changed_definition_without_kept_parts_is_stale_all_the_same() -> None:
    made = record("c", JobState.SUCCEEDED, fingerprint=Fingerprint(digest="sha256:old"))

    (step,) = plan([SPIN], entry("spin", made, output=clip("c"))).steps

    assert step.reason == "its definition changed: the old one is not kept"


def test_a_clip_that_is_gone_or_elsewhere_is_brought_back_without_payment() -> None:
    moved = replace(SPIN, output="renders/new.mp4")

    (gone,) = plan([SPIN], done(SPIN), missing=("renders/spin.mp4",)).steps
    (elsewhere,) = plan([moved], done(SPIN)).steps

    assert (gone.verdict, gone.will_submit) == (Verdict.RESUME, False)
    assert (elsewhere.verdict, elsewhere.will_submit) == (Verdict.RESUME, False)


def test_a_segment_waits_for_the_one_before_it_and_will_be_bought_then() -> None:
    first, second = plan([FIRST, SECOND]).steps

    assert first.verdict is Verdict.MISSING
    assert (second.verdict, second.will_submit) == (Verdict.WAITS, True)
    assert second.reason == "continues fly/01, which is missing"


def test_a_segment_of_another_parent_clip_is_stale() -> None:
    parents = {FIRST.id: "00" * 32}

    steps = plan([FIRST, SECOND], done(FIRST), done(SECOND, parents)).steps

    assert [s.verdict for s in steps] == [Verdict.CURRENT, Verdict.STALE]


def test_a_paid_segment_is_collected_though_its_parent_is_stale() -> None:
    running = entry("fly/02", record(fingerprint=WANTED))

    steps = plan([replace(FIRST, prompt="New."), SECOND], done(FIRST), running).steps

    assert [s.verdict for s in steps] == [Verdict.STALE, Verdict.RESUME]


def test_a_blocked_parent_blocks_without_buying() -> None:
    refused = entry(
        "fly/01", record(state=JobState.BLOCKED, fingerprint=fingerprint(FIRST, {}, {}))
    )

    steps = plan([FIRST, SECOND], refused).steps

    assert [(s.verdict, s.will_submit) for s in steps] == [
        (Verdict.BLOCKED, False),
        (Verdict.WAITS, False),
    ]


def test_a_long_take_is_joined_when_its_segments_are_there_and_again_when_they_change() -> None:
    segments = [done(FIRST), done(SECOND, {FIRST.id: clip().sha256})]
    wanted = make.join_fingerprint(TAKE, (clip().sha256, clip().sha256))
    joined = entry("fly", output=clip(wanted.digest, TAKE.output))
    outdated = entry("fly", output=clip("sha256:old", TAKE.output))

    found = {
        "waits": plan([FIRST, SECOND], takes=(TAKE,)),
        "missing": plan([FIRST, SECOND], *segments, takes=(TAKE,)),
        "current": plan([FIRST, SECOND], *segments, joined, takes=(TAKE,)),
        "stale": plan([FIRST, SECOND], *segments, outdated, takes=(TAKE,)),
        "gone": plan(
            [FIRST, SECOND], *segments, joined, takes=(TAKE,), missing=("renders/fly.mp4",)
        ),
    }

    assert {name: p.joins[0].verdict.value for name, p in found.items()} == {
        "waits": "waits",
        "missing": "missing",
        "current": "current",
        "stale": "stale",
        "gone": "missing",
    }


def test_changing_how_a_take_is_joined_renders_nothing() -> None:
    segments = [done(FIRST), done(SECOND, {FIRST.id: clip().sha256})]
    silent = replace(TAKE, audio="none")

    found = plan([FIRST, SECOND], *segments, takes=(silent,))

    assert not any(step.will_submit for step in found.steps)


BYTEPLUS = Asked(route="byteplus")


def test_a_clip_stays_current_when_only_the_route_changes() -> None:
    (step,) = plan([SPIN], done(SPIN, provider="modellix"), asked=BYTEPLUS).steps

    assert step.verdict is Verdict.CURRENT


def test_where_the_route_is_part_of_the_identity_a_clip_of_another_one_is_stale() -> None:
    asked = Asked(route="byteplus", is_identity=True)

    (step,) = plan([SPIN], done(SPIN, provider="modellix"), asked=asked).steps
    (same,) = plan([SPIN], done(SPIN, provider="byteplus"), asked=asked).steps

    assert step.verdict is Verdict.STALE
    assert step.reason == "it was rendered on modellix, and route_in_identity asks for byteplus"
    assert same.verdict is Verdict.CURRENT


def test_simulated_footage_never_stands_for_a_clip_of_a_paid_route() -> None:
    (step,) = plan([SPIN], done(SPIN), asked=BYTEPLUS).steps
    (kept,) = plan([SPIN], done(SPIN), asked=BYTEPLUS, keep_stale=True).steps

    assert (step.verdict, step.will_submit) == (Verdict.STALE, True)
    assert step.reason == "it is simulated footage, and byteplus is to render it"
    assert (
        kept.reason
        == "kept by --keep-stale, though it is simulated footage, and byteplus is to render it"
    )


def test_what_continues_simulated_footage_waits_for_the_real_one() -> None:
    known = (done(FIRST), done(SECOND, {FIRST.id: clip().sha256}))

    steps = plan([FIRST, SECOND], *known, asked=BYTEPLUS).steps

    assert [s.verdict for s in steps] == [Verdict.STALE, Verdict.WAITS]


@pytest.mark.parametrize(
    ("state", "task", "verdict", "words"),
    [
        pytest.param(
            JobState.SUBMITTED,
            "task-1",
            Verdict.RESUME,
            "task task-1 is at modellix, paid already: collected by a run with --provider modellix",
            id="running",
        ),
        pytest.param(
            JobState.UNKNOWN,
            None,
            Verdict.UNKNOWN,
            "a submit to modellix of 2026-11-23 10:00:00 UTC has no known answer: "
            "a paid task may exist",
            id="lost",
        ),
    ],
)
def test_a_task_at_another_route_is_paid_and_nothing_is_bought_beside_it(
    state: JobState, task: str | None, verdict: Verdict, words: str
) -> None:
    live = record(state=state, fingerprint=OTHER, task_id=task, provider="modellix")

    first, second = plan([FIRST, SECOND], entry("fly/01", live), asked=BYTEPLUS).steps

    assert (first.verdict, first.reason) == (verdict, words)
    assert first.elsewhere == "modellix"
    assert (first.will_submit, second.will_submit) == (False, False)


def test_of_two_tasks_the_one_that_this_route_cannot_settle_is_told() -> None:
    tasks = [
        record(name, fingerprint=WANTED, provider=route)
        for name, route in (("c1", "modellix"), ("c2", "byteplus"))
    ]

    (step,) = plan([SPIN], entry("spin", *tasks), asked=BYTEPLUS).steps

    assert (step.elsewhere, "task task-c1 is at modellix" in step.reason) == ("modellix", True)


def test_a_segment_whose_task_is_at_another_route_waits_for_that_one_too() -> None:
    live = record(fingerprint=OTHER, provider="modellix")

    second = plan([FIRST, SECOND], entry("fly/02", live), asked=BYTEPLUS).steps[1]

    assert (second.verdict, second.elsewhere) == (Verdict.RESUME, "modellix")


def test_a_task_of_the_simulator_holds_up_no_paid_route() -> None:
    live = entry("spin", record(fingerprint=WANTED, provider="sim"))

    assert plan([SPIN], live, asked=BYTEPLUS).steps[0].verdict is Verdict.MISSING
    assert plan([SPIN], live, asked=Asked(route="sim")).steps[0].verdict is Verdict.RESUME


def test_what_one_route_refused_another_may_be_asked() -> None:
    refused = entry(
        "spin", record(state=JobState.BLOCKED, fingerprint=WANTED, provider="modellix", error="no")
    )

    assert plan([SPIN], refused, asked=BYTEPLUS).steps[0].verdict is Verdict.MISSING
    assert plan([SPIN], refused, asked=Asked(route="modellix")).steps[0].verdict is Verdict.BLOCKED


def test_a_clip_that_was_set_aside_comes_back_only_where_its_route_passes() -> None:
    aside = record(
        "c1",
        JobState.SUCCEEDED,
        fingerprint=WANTED,
        provider="modellix",
        superseded=clip("c1", "renders/.superseded/spin.mp4"),
    )
    now = record("c2", JobState.SUCCEEDED, fingerprint=OTHER, provider="byteplus")
    known = entry("spin", aside, now, output=clip("c2", SPIN.output))

    (comes,) = plan([SPIN], known, asked=BYTEPLUS).steps
    (stays,) = plan([SPIN], known, asked=Asked(route="byteplus", is_identity=True)).steps

    assert (comes.verdict, comes.will_submit) == (Verdict.RESUME, False)
    assert (stays.verdict, stays.will_submit, stays.clip) == (Verdict.STALE, True, None)


@pytest.mark.parametrize(
    ("made_on", "is_identity", "words"),
    [
        ("sim", False, "it is simulated footage, and byteplus is to render it"),
        ("sim", True, "it was rendered on sim, and route_in_identity asks for byteplus"),
        ("modellix", True, "it was rendered on modellix, and route_in_identity asks for byteplus"),
    ],
)
def test_why_a_clip_of_another_route_does_not_pass_is_said(
    made_on: str, words: str, *, is_identity: bool
) -> None:
    made = record("c1", JobState.SUCCEEDED, fingerprint=WANTED, provider=made_on)
    known = entry("spin", made, output=clip("c1", SPIN.output))

    (step,) = plan([SPIN], known, asked=Asked(route="byteplus", is_identity=is_identity)).steps

    assert words in step.reason


def test_of_clips_that_were_set_aside_one_whose_route_passes_is_continued() -> None:
    ours, theirs = (
        record(
            name,
            JobState.SUCCEEDED,
            fingerprint=WANTED,
            provider=route,
            superseded=replace(clip(name, f"renders/.superseded/{name}.mp4"), sha256=digit * 64),
        )
        for name, route, digit in (("c1", "byteplus", "1"), ("c2", "modellix", "2"))
    )
    now = record("c3", JobState.SUCCEEDED, fingerprint=OTHER, provider="byteplus")
    known = entry("spin", ours, theirs, now, output=clip("c3", SPIN.output))

    (step,) = plan([SPIN], known, asked=Asked(route="byteplus", is_identity=True)).steps

    assert (step.verdict, step.clip) == (Verdict.RESUME, "1" * 64)


def test_a_task_whose_job_has_left_the_manifest_is_told_with_what_becomes_of_it() -> None:
    lock = Lock(manifest="film.yaml", entries={JobId("gone"): entry("gone", record("c1"))})

    (stray,) = make.strays(lock, frozenset({JobId("spin")}), WHICHEVER)

    assert (stray.job, stray.record) == ("gone", record("c1"))
    assert stray.reason == (
        "task task-c1 is paid, and its job has left the manifest: its clip is collected and kept"
    )


def test_a_clip_that_could_not_be_fetched_stays_named_though_its_job_has_left() -> None:
    paid = record("c1", JobState.SUCCEEDED, error="404")
    lock = Lock(manifest="film.yaml", entries={JobId("gone"): entry("gone", paid)})

    (stray,) = make.strays(lock, frozenset({JobId("spin")}), WHICHEVER)
    made = replace(plan([]), strays=(stray,))

    assert (stray.verdict, made.is_idle) == (Verdict.UNCOLLECTED, False)
    assert "its clip could not be fetched (404): asked for once in each run" in stray.reason


@pytest.mark.parametrize(
    ("task", "is_pending"),
    [
        pytest.param(record(state=JobState.PLANNED, fingerprint=WANTED), True, id="to be bought"),
        pytest.param(record(fingerprint=WANTED), True, id="to be collected"),
        pytest.param(
            record(state=JobState.UNKNOWN, fingerprint=WANTED, task_id=None), False, id="unknown"
        ),
        pytest.param(
            record(fingerprint=WANTED, error="lost: gone", provider="ark"), False, id="lost"
        ),
        pytest.param(record(fingerprint=WANTED, error="lost: gone"), True, id="simulated"),
        pytest.param(record(state=JobState.BLOCKED, fingerprint=WANTED), False, id="refused"),
    ],
)
def test_a_plan_is_pending_where_a_run_needs_no_person(
    task: TaskRecord, *, is_pending: bool
) -> None:
    made = plan([SPIN], entry("spin", task))

    assert (made.is_pending, made.is_done) == (is_pending, False)
