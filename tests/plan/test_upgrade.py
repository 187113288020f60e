"""What an earlier version rendered is as good as what this one renders."""

from __future__ import annotations

from dataclasses import replace

from seedrender.lock import fold
from seedrender.lock.fingerprint import fingerprint
from seedrender.plan import graph, make
from seedrender.plan.decide import Facts
from seedrender.plan.decision import Verdict
from seedrender.plan.make import Step
from seedrender.plan.owners import Owners
from seedrender.values.entry import Fingerprint, JobState, Lock, LockEntry, TaskRecord
from seedrender.values.job import Job, MediaKind, Reference, ReferenceUse
from tests.builders import clip, entry, job, record


def signed(name: str, signature: str = "old") -> Job:
    url = f"https://cdn.example/a.png?id=7&sign={signature}"
    street = Reference(name="street", kind=MediaKind.IMAGE, url=url)
    return job(name, references=(ReferenceUse(reference=street),))


SPIN = signed("spin")
BEFORE = Fingerprint(digest=fingerprint(SPIN, {}, {}).older[0])  # of version 0.1.0


def step(wanted: Job, *tasks: TaskRecord, has_clip: bool = False) -> Step:
    output = clip(tasks[0].correlation_id, wanted.output) if has_clip else None
    lock = fold.fold(Lock(manifest="film.yaml"), [entry(wanted.id, *tasks, output=output)])
    facts = Facts(lock=lock, digests={}, is_present=lambda _: True)
    return make.plan(graph.build([wanted]), (), facts).steps[0]


def test_its_clip_is_current() -> None:
    made = record(state=JobState.SUCCEEDED, fingerprint=BEFORE)

    assert step(SPIN, made, has_clip=True).verdict is Verdict.CURRENT


def test_its_clip_is_stale_where_the_definition_changed() -> None:
    made = record(state=JobState.SUCCEEDED, fingerprint=BEFORE)

    assert step(replace(SPIN, prompt="A fox."), made, has_clip=True).verdict is Verdict.STALE


def test_its_task_is_collected_and_not_bought_again() -> None:
    found = step(SPIN, record(fingerprint=BEFORE))

    assert (found.verdict, found.will_submit) == (Verdict.RESUME, False)


def test_what_was_refused_is_still_refused() -> None:
    found = step(SPIN, record(state=JobState.BLOCKED, fingerprint=BEFORE, error="no"))

    assert found.verdict is Verdict.BLOCKED


def test_its_clip_that_was_set_aside_comes_back() -> None:
    aside = replace(clip("c1"), path="renders/.superseded/spin.mp4")
    one = record("c1", JobState.SUCCEEDED, fingerprint=BEFORE, superseded=aside)
    two = record("c2", JobState.SUCCEEDED)
    known = entry("spin", one, two, output=clip("c2"))

    assert fold.made(fingerprint(SPIN, {}, {}), known)[0] == one


def done(name: str) -> LockEntry:
    made = record(f"c-{name}", JobState.SUCCEEDED, fingerprint=BEFORE, provider="modellix")
    return entry(name, made, output=clip(f"c-{name}", f"renders/{name}.mp4"))


def test_its_clip_goes_to_the_new_id_of_a_job() -> None:
    lock = Lock(manifest="film.yaml", entries={e.job: e for e in [done("gone")]})

    for query, line in (([], "turn"), (["other"], "gone")):
        owners = Owners(lock=lock, jobs=[signed("turn", *query)], digests={})
        assert list(owners.assign().applied(lock).entries) == [line]


def test_what_it_bought_and_only_the_purchase_log_knows_is_not_bought_again() -> None:
    log = fold.fold(Lock(manifest="film.yaml"), [done("spin")])
    nothing = Lock(manifest="film.yaml")

    owners = Owners(lock=nothing, jobs=[SPIN], digests={}, remembered=lambda: log)

    assert list(owners.assign().applied(nothing).entries) == ["spin"]
