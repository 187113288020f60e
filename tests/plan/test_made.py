"""What a plan says of jobs that are made from what others make, and what a budget lets them buy."""

from __future__ import annotations

from decimal import Decimal

import pytest

from seedrender.lock import fold
from seedrender.lock.fingerprint import fingerprint
from seedrender.plan import explain, graph, make, select
from seedrender.plan.budget import Account, Budget, groups
from seedrender.plan.decide import Facts
from seedrender.plan.decision import Verdict
from seedrender.plan.make import Plan, Step
from seedrender.plan.owners import Owners
from seedrender.values.entry import JobState, Lock, LockEntry, Pin
from seedrender.values.job import Job, JobId, MediaKind, Mode, Reference, ReferenceUse, Role
from seedrender.values.money import Limit
from tests.builders import T0, clip, entry, job, record

FACE = Reference(name="face", kind=MediaKind.IMAGE, shot=JobId("portrait"))
PORTRAIT = job("portrait", mode=Mode.T2I, model="seedream-4.5", output="renders/portrait.jpeg")
WALK = job("walk", mode=Mode.I2V, references=(ReferenceUse(reference=FACE),))
RUN = job("run", mode=Mode.I2V, references=(ReferenceUse(reference=FACE, role=Role.FIRST_FRAME),))
JOBS = [PORTRAIT, WALK, RUN]
BYTES, OTHERS = "ab" * 32, "cd" * 32


def done(of: Job, parent: str | None = None, **fields: object) -> LockEntry:
    found = fingerprint(of, {}, {FACE.shot: parent} if parent and FACE.shot else {})
    made = record(f"c-{of.id}", JobState.SUCCEEDED, fingerprint=found)
    return entry(of.id, made, output=clip(f"c-{of.id}", of.output), **fields)


def plan(*entries: LockEntry, jobs: list[Job] = JOBS, keep_stale: bool = False) -> Plan:
    lock = fold.fold(Lock(manifest="film.yaml"), entries)
    facts = Facts(
        lock=lock,
        digests={},
        is_present=lambda _: True,
        find=lambda clip, _: clip.path,
        keep_stale=keep_stale,
    )
    return make.plan(graph.build(jobs), (), facts)


def steps(found: Plan) -> dict[str, Step]:
    return {step.job.id: step for step in found.steps}


def verdicts(found: Plan) -> list[str]:
    return [step.verdict.value for step in found.steps]


def test_what_uses_a_picture_waits_for_it_and_says_so() -> None:
    found = plan()

    assert verdicts(found) == ["missing", "waits", "waits"]
    assert steps(found)["walk"].reason == "uses the picture of portrait, which is missing"
    assert steps(found)["walk"].will_submit
    assert found.graph.longest_chain() == ("portrait", "walk")


def test_a_picture_is_no_footage() -> None:
    found = plan().graph

    assert found.footage_s(found.longest_chain()) == found.behind_s[JobId("walk")]


def test_with_its_picture_there_a_job_is_decided_by_itself() -> None:
    assert verdicts(plan(done(PORTRAIT))) == ["current", "missing", "missing"]
    assert verdicts(plan(done(PORTRAIT), done(WALK, BYTES))) == ["current", "current", "missing"]


def test_another_picture_makes_its_users_stale() -> None:
    found = plan(done(PORTRAIT), done(WALK, OTHERS))

    assert steps(found)["walk"].verdict is Verdict.STALE
    assert steps(found)["walk"].reason == "it was made from another clip than is in place now: uses"
    kept = plan(done(PORTRAIT), done(WALK, OTHERS), keep_stale=True)
    assert steps(kept)["walk"].verdict is Verdict.CURRENT


def test_a_picture_that_changes_lets_its_users_wait() -> None:
    older = job("portrait", mode=Mode.T2I, prompt="Another.", output="renders/portrait.jpeg")
    found = plan(done(older), done(WALK, BYTES))

    assert verdicts(found) == ["stale", "waits", "waits"]
    kept = plan(done(older), done(WALK, BYTES), keep_stale=True)
    assert verdicts(kept) == ["current", "current", "missing"]


def test_a_pin_holds_a_picture_for_its_users_and_a_user_against_its_picture() -> None:
    pin = Pin(is_on=True, at=T0)
    older = job("portrait", mode=Mode.T2I, prompt="Another.", output="renders/portrait.jpeg")

    assert verdicts(plan(done(older, pin=pin), done(WALK, BYTES))) == [
        *("current", "current", "missing")
    ]
    assert verdicts(plan(done(PORTRAIT), done(WALK, OTHERS, pin=pin)))[1] == "current"


def test_the_fingerprint_keeps_what_was_used_and_not_its_name() -> None:
    found = fingerprint(RUN, {}, {JobId("portrait"): BYTES})
    renamed = Reference(name="mira", kind=MediaKind.IMAGE, shot=JobId("headshot"))
    use = ReferenceUse(reference=renamed, role=Role.FIRST_FRAME)

    assert found.parts["uses"] == [f"sha256:{BYTES}"]
    assert found.parts["references"] == ["first_frame=image of a shot"]
    other = job("run", mode=Mode.I2V, references=(use,))
    assert fingerprint(other, {}, {JobId("headshot"): BYTES}) == found
    assert "uses" not in explain.definition(RUN, {}).parts


def test_a_picture_that_is_in_another_format_is_in_its_place() -> None:
    made = done(PORTRAIT)
    assert made.output is not None
    as_png = clip("c-portrait", "renders/portrait.png")
    picture = type(as_png)(
        **{
            name: getattr(as_png, name)
            for name in ("path", "sha256", "size_bytes", "width", "height", "made_at", "made_by")
        }
    )
    entry_ = LockEntry(job=made.job, tasks=made.tasks, output=picture)

    assert verdicts(plan(entry_, jobs=[PORTRAIT])) == ["current"]
    moved = job("portrait", mode=Mode.T2I, model="seedream-4.5", output="renders/new.jpeg")
    (step,) = plan(entry_, jobs=[moved]).steps
    assert "moved from renders/portrait.png to renders/new.png" in step.reason


def test_a_selection_brings_the_pictures_that_it_uses() -> None:
    assert [job.id for job in select.select(JOBS, ["walk"])] == ["portrait", "walk"]


def test_a_renamed_picture_and_its_users_are_found_again() -> None:
    lock = fold.fold(Lock(manifest="m"), [done(PORTRAIT), done(WALK, BYTES)])
    face = Reference(name="face", kind=MediaKind.IMAGE, shot=JobId("headshot"))
    head = job("headshot", mode=Mode.T2I, model="seedream-4.5", output="renders/headshot.jpeg")
    stroll = job("stroll", mode=Mode.I2V, references=(ReferenceUse(reference=face),))

    owners = Owners(lock=lock, jobs=[head, stroll], digests={}).assign().owners

    assert owners == {"c-portrait": "headshot", "c-walk": "stroll"}


@pytest.mark.parametrize(
    ("room", "admitted"),
    [
        pytest.param(0, [], id="nothing"),
        pytest.param(1, ["portrait"], id="the picture alone"),
        pytest.param(2, ["portrait", "walk"], id="the picture and one"),
        pytest.param(3, ["portrait", "walk", "run"], id="all"),
    ],
)
def test_nothing_is_bought_without_the_picture_that_it_uses(room: int, admitted: list[str]) -> None:
    found = plan()
    charges = {step.job.id: {"clips": Decimal(1)} for step in found.steps}
    account = Account("a", [Limit(Decimal(room), "clips")])

    budget = Budget([account], groups(found, charges))

    assert list(budget.admit()) == admitted


def test_a_user_that_is_cheap_enough_does_not_go_before_its_dear_picture() -> None:
    found = plan()
    prices = {"portrait": Decimal(9), "walk": Decimal(1), "run": Decimal(1)}
    charges = {step.job.id: {"USD": prices[step.job.id]} for step in found.steps}
    account = Account("a", [Limit(Decimal(5), "USD")])
    budget = Budget([account], groups(found, charges))

    assert budget.admit() == ()
    account.put("room", {"USD": Decimal(-10)})
    assert set(budget.admit()) == {"portrait", "walk", "run"}
