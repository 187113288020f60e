"""A task belongs to the job that asks for what it was bought for, whatever that job is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.lock.fingerprint import fingerprint
from seedrender.lock.identity import FILE, Asked
from seedrender.lock.moves import rehome
from seedrender.plan import graph, make
from seedrender.plan.decide import Facts
from seedrender.plan.decision import Verdict
from seedrender.plan.make import Plan
from seedrender.plan.owners import Owners
from seedrender.values.entry import LOST, Fingerprint, JobState, Lock, LockEntry, Pin, TaskRecord
from seedrender.values.job import (
    CorrelationId,
    Job,
    JobId,
    MediaKind,
    Mode,
    Reference,
    ReferenceUse,
)
from seedrender.values.money import Amount, Cost
from tests.builders import T0, clip, entry, job, record

NOTHING = Lock(manifest="")


def shot(name: str, prompt: str, **fields: Any) -> Job:
    return job(name, prompt=prompt, **fields)


def wanted(made: Job, parents: dict[JobId, str] | None = None) -> Fingerprint:
    return fingerprint(made, {}, parents or {})


def sha(submit: str) -> str:
    return f"{sum(map(ord, submit)):064x}"


def done(
    name: str, made: Job, *, submit: str = "", parents: dict[JobId, str] | None = None
) -> LockEntry:
    submit = submit or f"c-{name}"
    task = record(
        submit, JobState.SUCCEEDED, fingerprint=wanted(made, parents), provider="modellix"
    )
    output = replace(clip(submit, f"renders/{name}.mp4"), sha256=sha(submit))
    return entry(name, task, output=output)


def running(name: str, made: Job, **fields: Any) -> LockEntry:
    defaults = {"fingerprint": wanted(made), "provider": "modellix"}
    return entry(name, record(f"c-{name}", **{**defaults, **fields}))


def lock(*entries: LockEntry) -> Lock:
    return Lock(manifest="film.yaml", entries={e.job: e for e in entries})


def assigned(found: Lock, jobs: list[Job], **fields: Any) -> Lock:
    owners = Owners(lock=found, jobs=jobs, digests={}, **fields)
    return owners.assign().applied(found)


def planned(
    found: Lock, jobs: list[Job], *, resubmit: Collection[JobId] = (), **fields: Any
) -> Plan:
    facts = Facts(
        lock=assigned(found, jobs, **fields),
        digests={},
        is_present=lambda _: True,
        find=lambda artifact, _: artifact.path,
        asked=fields.get("asked", Asked()),
        keep_stale=fields.get("keep_stale", False),
        resubmit=resubmit,
    )
    return make.plan(graph.build(jobs), (), facts)


def bought(made: Plan) -> list[str]:
    return [step.job.id for step in made.steps if step.will_submit]


def verdicts(made: Plan) -> dict[str, str]:
    return {step.job.id: step.verdict.value for step in made.steps}


def lines(found: Lock) -> dict[str, list[str]]:
    return {j: [r.correlation_id for r in e.tasks] for j, e in sorted(found.entries.items())}


def test_exchanged_ids_exchange_their_clips_and_buy_nothing() -> None:
    known = lock(done("a", shot("a", "one")), done("b", shot("b", "two")))
    jobs = [shot("a", "two"), shot("b", "one")]

    now = assigned(known, jobs)

    assert bought(planned(known, jobs)) == []
    assert lines(now) == {"a": ["c-b"], "b": ["c-a"]}
    assert {j: e.output.path for j, e in now.entries.items() if e.output} == {
        "a": "renders/b.mp4",
        "b": "renders/a.mp4",
    }
    assert dict(now.renamed) == {"a": "b", "b": "a"}


def test_a_rename_with_a_new_shot_under_the_old_name_buys_the_new_shot_alone() -> None:
    known = lock(done("a", shot("a", "one")))
    jobs = [shot("a", "new"), shot("b", "one")]

    assert bought(planned(known, jobs)) == ["a"]


def test_a_task_at_the_provider_is_waited_for_under_the_new_name() -> None:
    known = lock(running("a", shot("a", "one")))

    made = planned(known, [shot("b", "one")])

    assert [step.verdict for step in made.steps] == [Verdict.RESUME]


@pytest.mark.parametrize("state", [JobState.SUBMITTING, JobState.UNKNOWN])
def test_a_lost_submit_of_the_old_name_is_settled_before_anything_is_bought(
    state: JobState,
) -> None:
    known = lock(running("a", shot("a", "one"), state=state, task_id=None))

    made = planned(known, [shot("b", "one")])

    assert [step.verdict for step in made.steps] == [Verdict.UNKNOWN]
    assert bought(made) == []


def test_a_refusal_and_a_loss_follow_the_rename() -> None:
    refused = running("a", shot("a", "one"), state=JobState.BLOCKED, error="no")
    lost = running("x", shot("x", "two"), error="lost: HTTP 404")

    made = planned(lock(refused, lost), [shot("b", "one"), shot("y", "two")])

    assert [step.verdict for step in made.steps] == [Verdict.BLOCKED, Verdict.LOST]


def test_all_that_is_known_of_an_id_that_is_gone_goes_where_its_clip_goes() -> None:
    old = done("a", shot("a", "one"))
    failed = record("c0", JobState.FAILED, fingerprint=wanted(shot("a", "older")))
    pin = Pin(is_on=True, at=T0)
    known = lock(replace(old, tasks=(failed, *old.tasks), pin=pin))

    now = assigned(known, [shot("b", "one")])

    assert lines(now) == {"b": ["c-a", "c0"]}
    assert now.entries[JobId("b")].pin == pin


def test_what_is_left_of_an_id_that_is_gone_goes_with_its_last_task_where_it_has_no_clip() -> None:
    twice = replace(
        running("a", shot("a", "one")),
        tasks=(
            record("c0", JobState.FAILED, fingerprint=wanted(shot("a", "older"))),
            *running("a", shot("a", "one")).tasks,
        ),
    )

    assert lines(assigned(lock(twice), [shot("b", "one")])) == {"b": ["c-a", "c0"]}


def test_a_clip_that_its_own_job_uses_is_not_taken() -> None:
    known = lock(done("a", shot("a", "one")))

    assert bought(planned(known, [shot("b", "one"), shot("a", "one")])) == ["b"]


@pytest.mark.parametrize("how", ["pinned", "kept"])
def test_a_clip_that_a_person_keeps_is_not_taken(how: str) -> None:
    old = done("a", shot("a", "one"))
    old = replace(old, pin=Pin(is_on=True, at=T0)) if how == "pinned" else old
    jobs = [shot("b", "one"), shot("a", "other")]

    assert bought(planned(lock(old), jobs, keep_stale=how == "kept")) == ["b"]


def test_a_clip_that_was_set_aside_serves_another_job_beside_the_one_in_place() -> None:
    now = done("a", shot("a", "new"))
    aside = replace(clip("c0", "renders/.superseded/a.mp4"), sha256=sha("c0"))
    old = record(
        "c0",
        JobState.SUCCEEDED,
        fingerprint=wanted(shot("a", "old")),
        superseded=aside,
        provider="modellix",
    )
    known = lock(replace(now, tasks=(old, *now.tasks)))
    jobs = [shot("a", "new"), shot("b", "old")]

    found = assigned(known, jobs)

    assert bought(planned(known, jobs)) == []
    assert lines(found) == {"a": ["c-a"], "b": ["c0"]}


def test_a_job_with_a_clip_of_its_own_keeps_it_beside_the_one_that_it_takes_over() -> None:
    known = lock(done("a", shot("a", "old")), done("gone", shot("gone", "new")))

    found = assigned(known, [shot("a", "new")]).entries[JobId("a")]

    assert found.output is not None
    assert found.output.made_by == "c-a"
    assert [r.superseded.path for r in found.tasks if r.superseded] == ["renders/gone.mp4"]


def test_two_jobs_of_one_definition_are_both_bought_or_take_over_one_each() -> None:
    jobs = [shot("a", "one"), shot("b", "one")]

    assert bought(planned(lock(done("x", shot("x", "one"))), jobs)) == ["b"]
    both = lock(done("x", shot("x", "one")), done("y", shot("y", "one")))
    assert bought(planned(both, jobs)) == []


def test_a_clip_comes_before_a_task_that_still_runs() -> None:
    known = lock(running("x", shot("x", "one")), done("y", shot("y", "one")))

    assert lines(assigned(known, [shot("a", "one")])) == {"a": ["c-y"], "x": ["c-x"]}


FREE = Cost(amount=Amount(Decimal(0), "USD"), source="provider")
CHARGED = Cost(amount=Amount(Decimal("0.1"), "USD"), source="provider")


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"error": "given up by --resubmit: x", "state": JobState.SUCCEEDED}, id="up"),
        pytest.param({"provider": "sim"}, id="simulated"),
        pytest.param({"state": JobState.CANCELLED, "cost": FREE}, id="cancelled"),
    ],
)
def test_what_is_worth_nothing_is_not_taken(fields: dict[str, Any]) -> None:
    known = lock(running("gone", shot("gone", "one"), **fields))

    made = planned(known, [shot("a", "one")], asked=Asked(route="modellix"))

    assert bought(made) == ["a"]


def test_a_clip_that_differs_is_asked_about_under_its_new_id_too() -> None:
    odd = done("a", shot("a", "one"))
    assert odd.output is not None
    odd = replace(odd, output=replace(odd.output, differs=("asked for 5 s, got 2 s",)))
    twin = [shot("a", "other"), shot("b", "one")]

    assert bought(planned(lock(odd), [shot("b", "one")])) == []
    assert bought(planned(lock(odd), twin)) == ["a"]
    assert bought(planned(lock(odd), [shot("a", "one"), shot("b", "one")])) == ["b"]


@pytest.mark.parametrize("state", ["done", "submitted"])
def test_what_is_there_under_another_id_is_not_bought_again_by_resubmit_either(state: str) -> None:
    of = shot("gone", "one")
    known = lock(done("gone", of) if state == "done" else running("gone", of))

    assert bought(planned(known, [shot("a", "one")], resubmit=[JobId("a")])) == []


VAIN: dict[str, dict[str, Any]] = {
    "refused": {"state": JobState.BLOCKED},
    "failed at a cost": {
        "state": JobState.FAILED,
        "cost": Cost(amount=Amount(Decimal("0.1"), "USD"), source="provider"),
    },
    "failed, and nobody knows what it cost": {"state": JobState.FAILED},
    "expired": {"state": JobState.EXPIRED},
    "lost": {"state": JobState.SUBMITTED, "error": f"{LOST}404"},
}


@pytest.mark.parametrize("how", list(VAIN))
@pytest.mark.parametrize(
    ("jobs", "is_in_lock"),
    [
        pytest.param({"a": "two", "b": "one"}, True, id="exchanged"),
        pytest.param({"a": "two", "z": "one"}, True, id="given away"),
        pytest.param({"z": "one"}, True, id="renamed"),
        pytest.param({"a": "three", "b": "two", "z": "one"}, True, id="a new one under its name"),
        pytest.param({"a": "one", "b": "two"}, False, id="only remembered"),
    ],
)
def test_what_ended_in_vain_is_a_persons_to_buy_again_under_every_id(
    how: str, jobs: dict[str, str], *, is_in_lock: bool
) -> None:
    vain = running("a", shot("a", "one"), **VAIN[how])
    known = lock(vain, done("b", shot("b", "two")))
    wanted = [shot(name, prompt) for name, prompt in jobs.items()]
    here, log = (known, lock()) if is_in_lock else (lock(), known)

    made = planned(here, wanted, remembered=lambda: log)
    again = planned(
        here, wanted, remembered=lambda: log, resubmit=[j.id for j in wanted if j.prompt == "one"]
    )

    owner = next(name for name, prompt in jobs.items() if prompt == "one")
    assert verdicts(made)[owner] in ("blocked", "lost")
    assert owner not in bought(made)
    assert owner in bought(again)


@pytest.mark.parametrize("name", ["a", "z"])
def test_what_only_the_purchase_log_knows_is_not_bought_again(name: str) -> None:
    log = lock(done(name, shot(name, "one")), done("b", shot("b", "two")))
    jobs = [shot("a", "one"), shot("b", "two")]

    found = assigned(lock(), jobs, remembered=lambda: log)

    assert bought(planned(lock(), jobs, remembered=lambda: log)) == []
    assert lines(found) == {"a": [f"c-{name}"], "b": ["c-b"]}


def test_where_the_lockfile_is_gone_all_that_is_remembered_comes_back() -> None:
    log = lock(done("a", shot("a", "one")), done("b", shot("b", "two")), done("x", shot("x", "x")))
    jobs = [shot("a", "two"), shot("b", "new")]

    found = assigned(lock(), jobs, remembered=lambda: log)

    assert lines(found) == {"a": ["c-a", "c-b"], "x": ["c-x"]}
    assert lines(assigned(lock(done("a", shot("a", "two"))), jobs, remembered=lambda: log)) == {
        "a": ["c-a"]
    }


def test_the_purchase_log_is_not_read_where_the_lock_has_everything() -> None:
    def never() -> Lock:
        raise AssertionError

    known = lock(done("a", shot("a", "one")))

    assert assigned(known, [shot("a", "one")], remembered=never) == known


def test_a_record_on_two_lines_is_kept_by_the_job_that_wants_it() -> None:
    twice = done("a", shot("a", "one"))
    moved = replace(twice, job=JobId("b"))

    found = assigned(lock(twice, moved), [shot("a", "new"), shot("b", "one")])

    assert lines(found) == {"b": ["c-a"]}


def test_a_record_on_two_lines_that_nobody_wants_is_kept_where_its_clip_is() -> None:
    twice = done("b", shot("b", "one"), submit="c1")
    bare = LockEntry(job=JobId("a"), tasks=twice.tasks)

    assert lines(rehome(lock(bare, twice), {}, NOTHING)) == {"b": ["c1"]}
    assert lines(rehome(lock(bare, replace(bare, job=JobId("z"))), {}, NOTHING)) == {"a": ["c1"]}


def test_a_whole_chain_is_followed_segment_by_segment() -> None:
    first = shot("new/01", "one", segment=1)
    second = shot("new/02", "two", segment=2, needs=(first.id,), mode=Mode.V2V)
    parent = sha("c-old/01")
    known = lock(done("old/01", first), done("old/02", second, parents={first.id: parent}))

    assert bought(planned(known, [first, second])) == []


def test_a_segment_whose_parent_has_no_clip_yet_takes_nothing() -> None:
    first = shot("new/01", "one", segment=1)
    second = shot("new/02", "two", segment=2, needs=(first.id,), mode=Mode.V2V)
    known = lock(done("old/02", second, parents={first.id: sha("other")}))

    assert lines(assigned(known, [first, second])) == {"old/02": ["c-old/02"]}


def test_a_clip_of_a_job_that_waits_for_its_parent_is_free() -> None:
    first = shot("x/01", "new", segment=1)
    second = shot("x/02", "two", segment=2, needs=(first.id,), mode=Mode.V2V)
    alone = shot("alone", "two")
    known = lock(done("x/02", alone))

    assert bought(planned(known, [first, second, alone])) == ["x/01", "x/02"]


def test_the_bytes_of_references_say_what_shows_the_same() -> None:
    hero = Reference(name="hero", kind=MediaKind.IMAGE, path="hero.png")
    turn = job("turn", references=(ReferenceUse(reference=hero),))
    task = record("c1", JobState.SUCCEEDED, fingerprint=fingerprint(turn, {"hero": "1"}, {}))
    known = lock(entry("old", task, output=clip("c1")))

    for digest, line in (("1", "turn"), ("2", "old")):
        owners = Owners(lock=known, jobs=[turn], digests={"hero": digest})
        assert list(owners.assign().applied(known).entries) == [line]


def test_a_purchase_may_still_be_spared_when_a_job_knows_what_it_wants() -> None:
    known = lock(done("gone", shot("gone", "one")))
    late = shot("late", "one", needs=(JobId("parent"),), mode=Mode.V2V)
    owners = Owners(lock=known, jobs=[late], digests={})
    owners.assign()

    spare = owners.take(late, wanted(shot("gone", "one")))

    assert spare is not None
    assert owners.moves().owners == {"c-gone": "late"}
    assert owners.take(late, wanted(shot("gone", "one"))) is None


names = st.sampled_from("abcdef")
prompts = st.sampled_from(["one", "two", "three", "four"])
films = st.dictionaries(names, prompts, max_size=6)


@st.composite
def states(draw: st.DrawFn, name: str, prompt: str) -> LockEntry:
    """A line of a shot that was bought: its clip in place, set aside, or still to come."""
    made = shot(name, prompt)
    how = draw(st.sampled_from(["done", "aside", "running"]))
    if how == "done":
        return done(name, made)
    if how == "running":
        return running(name, made)
    kept = done(name, made)
    (task,) = kept.tasks
    return replace(kept, tasks=(replace(task, superseded=kept.output),), output=None)


@st.composite
def histories(draw: st.DrawFn) -> Lock:
    return lock(*(draw(states(n, p)) for n, p in draw(films).items()))


def definitions(records: Collection[TaskRecord]) -> Counter[str]:
    return Counter(r.fingerprint.digest for r in records)


@given(histories(), histories(), films)
def test_exactly_what_was_never_bought_is_bought_whatever_the_shots_are_called(
    known: Lock, log: Lock, film: dict[str, str]
) -> None:
    jobs = [shot(name, prompt) for name, prompt in film.items()]
    records = {r.correlation_id: r for e in known.entries.values() for r in e.tasks}
    logged = {
        CorrelationId(f"log-{r.correlation_id}"): r for e in log.entries.values() for r in e.tasks
    }
    log = lock(*(_renumbered(e) for e in log.entries.values()))
    asked_for = Counter(wanted(made).digest for made in jobs)
    there = definitions([*records.values(), *logged.values()])

    found = assigned(known, jobs, remembered=lambda: log)
    to_buy = bought(planned(known, jobs, remembered=lambda: log))

    assert len(to_buy) == (asked_for - there).total()
    on_lines = Counter(r.correlation_id for e in found.entries.values() for r in e.tasks)
    assert set(records) <= set(on_lines)
    assert set(on_lines.values()) <= {1}


def _renumbered(found: LockEntry) -> LockEntry:
    """Return an entry whose tasks are others than those of a lock with the same names."""
    tasks = tuple(
        replace(
            r,
            correlation_id=CorrelationId(f"log-{r.correlation_id}"),
            superseded=r.superseded and replace(r.superseded, made_by=f"log-{r.correlation_id}"),
        )
        for r in found.tasks
    )
    output = found.output and replace(found.output, made_by=f"log-{found.output.made_by}")
    return replace(found, tasks=tasks, output=output)


@given(histories(), films)
def test_assigning_twice_changes_nothing_more(known: Lock, film: dict[str, str]) -> None:
    jobs = [shot(name, prompt) for name, prompt in film.items()]

    once = assigned(known, jobs)

    assert assigned(once, jobs).entries == once.entries


def test_a_pin_that_only_the_purchase_log_knows_keeps_its_clip() -> None:
    old, jobs = done("a", shot("a", "one")), [shot("a", "changed")]
    pinned = replace(old, pin=Pin(is_on=True, at=T0))
    loosed = replace(old, pin=Pin(is_on=False, at=T0 + timedelta(days=1)))

    def told(here: LockEntry, known: LockEntry) -> dict[str, str]:
        log = replace(known, tasks=())
        return verdicts(planned(lock(here), jobs, remembered=lambda: lock(log)))

    assert told(old, pinned) == {"a": "current"}
    assert told(loosed, pinned) == {"a": "stale"}
    assert told(old, replace(pinned, output=clip("other"))) == {"a": "stale"}


def test_all_that_ended_in_vain_goes_together_so_that_the_last_word_is_known() -> None:
    of = wanted(shot("b", "one"))
    tasks = [
        record("c1", JobState.FAILED, fingerprint=of, provider="modellix", cost=FREE),
        record("c2", JobState.FAILED, fingerprint=of, provider="modellix", cost=CHARGED),
    ]
    known = lock(done("a", shot("a", "two")), entry("b", *tasks))
    jobs = [shot("a", "one"), shot("b", "two")]

    assert verdicts(planned(known, jobs))["a"] == "blocked"
    assert lines(assigned(known, jobs)) == {"a": ["c1", "c2"], "b": ["c-a"]}
    assert bought(planned(known, [shot("a", "one"), shot("b", "three")])) == ["b"]


def test_what_a_manifest_that_is_gone_left_is_taken_over_where_it_is_wanted_and_no_further() -> (
    None
):
    of, other = shot("a", "one"), shot("b", "two")
    known = done("spin", of)
    left = lock(known, done("odd", other), running("live", shot("c", "three")))

    found = assigned(lock(), [of], left_behind=lambda: left)

    assert lines(found) == {"a": [known.tasks[0].correlation_id]}
    assert found.entries[JobId("a")].output == known.output


def test_what_is_known_here_already_is_not_taken_from_what_others_left() -> None:
    of = shot("a", "one")
    here = done("a", of)
    left = lock(replace(here, job=JobId("b")), running("live", of))

    found = assigned(lock(here), [of], left_behind=lambda: left)

    assert lines(found) == {"a": [here.tasks[0].correlation_id]}


def test_a_clip_that_another_task_left_there_does_not_come_with_this_one() -> None:
    of = shot("a", "one")
    here, live = done("x", shot("x", "two")), running("r", of)
    mixed = replace(here, job=JobId("b"), tasks=(*live.tasks, *here.tasks))
    left = lock(mixed, replace(here, job=JobId("c")))

    found = assigned(lock(here), [of], left_behind=lambda: left)

    assert found.entries[JobId("a")].tasks == live.tasks
    assert found.entries[JobId("a")].output is None


def both(name: str, made: Job, *submits: str, parents: dict[JobId, str] | None = None) -> LockEntry:
    """Return a line with several clips of one definition, as after a merge: the last in place."""
    found = done(name, made, submit=submits[-1], parents=parents)
    asides = [done(name, made, submit=s, parents=parents) for s in submits[:-1]]
    tasks = [replace(one.tasks[0], superseded=one.output) for one in asides]
    return replace(found, tasks=(*tasks, *found.tasks))


def segments(count: int) -> list[Job]:
    ids = [JobId(f"k/{number:02d}") for number in range(1, count + 1)]
    return [
        shot(name, f"part {name}", needs=(ids[n - 1],) if n else ()) for n, name in enumerate(ids)
    ]


@pytest.mark.parametrize("is_there", [True, False])
def test_after_a_merge_those_clips_are_chosen_on_which_the_most_rests(*, is_there: bool) -> None:
    one, two, three, four = segments(4)
    other, waits = shot("z", "kept"), shot("y", "later", needs=(JobId("z"),))
    of_b, of_a = {one.id: sha("b")}, {one.id: sha("a")}
    on_b = done(two.id, two, submit="b2", parents=of_b)
    on_a = done(two.id, two, submit="a2", parents=of_a)
    second = LockEntry(
        job=two.id,
        tasks=(replace(on_b.tasks[0], superseded=on_b.output), on_a.tasks[0]),
        output=on_a.output,
    )
    third = done(three.id, three, submit="b3", parents={two.id: sha("b2")})
    known = lock(
        both(one.id, one, "b", "a"),
        second,
        third,
        replace(both(other.id, other, "o", "p"), pin=Pin(is_on=True, at=T0)),
    )
    if not is_there:  # its provider has forgotten it, and no byte of it is here
        line = known.entries[one.id]
        gone = replace(line.tasks[0], error=f"{LOST}404")
        lost = replace(line, tasks=(gone, *line.tasks[1:]))
        known = Lock(manifest="film.yaml", entries={**known.entries, one.id: lost})
    jobs = [one, two, three, four, other, waits]
    owners = Owners(lock=known, jobs=jobs, digests={}, is_present=lambda _: is_there)

    chosen = owners.choices()

    assert chosen[one.id] == ("b" if is_there else "a")
    assert chosen[two.id] == ("b2" if is_there else "a2")
    assert (three.id in chosen) is is_there
    assert not {waits.id, four.id} & chosen.keys()


def test_a_clip_under_another_id_is_chosen_where_more_rests_on_it() -> None:
    one, two = segments(2)
    there = done("old", one, submit="b")
    known = lock(
        done(one.id, one, submit="a"),
        there,
        done(two.id, two, submit="b2", parents={one.id: sha("b")}),
    )

    now = assigned(known, [one, two])

    assert lines(now)[one.id] == ["a", "b"]
    assert Owners(lock=now, jobs=[one, two], digests={}).choices() == {one.id: "b", two.id: "b2"}


def test_where_there_is_no_choice_nothing_is_chosen() -> None:
    one, two = segments(2)

    assert Owners(lock=lock(done(one.id, one)), jobs=[one, two], digests={}).choices() == {}


def test_a_clip_that_a_person_brought_stays_whatever_was_made_of_the_one_before() -> None:
    one, two = segments(2)
    line = both(one.id, one, "a", "mine")
    brought = replace(line.tasks[1], provider=FILE, task_id=None)
    known = lock(
        replace(line, tasks=(line.tasks[0], brought)),
        done(two.id, two, submit="a2", parents={one.id: sha("a")}),
    )

    owners = Owners(lock=known, jobs=[one, two], digests={})

    assert owners.choices() == {one.id: "mine"}


def test_a_clip_that_differs_takes_no_place_for_what_was_made_of_it() -> None:
    one, two = segments(2)
    line = both(one.id, one, "a", "b")
    aside = line.tasks[0].superseded
    assert aside is not None
    wrong = replace(line.tasks[0], superseded=replace(aside, differs=("3 s, not 4 s",)))
    known = lock(
        replace(line, tasks=(wrong, line.tasks[1])),
        done(two.id, two, submit="a2", parents={one.id: sha("a")}),
    )

    assert Owners(lock=known, jobs=[one, two], digests={}).choices() == {one.id: "b"}


@pytest.mark.parametrize("name", ["x", "a"])
def test_what_still_runs_and_is_only_remembered_comes_back_beside_a_lockfile(name: str) -> None:
    """Also of a job that has left the manifest, or that wants something else by now."""
    log = lock(running(name, shot(name, "before")), done("y", shot("y", "y")))
    here, jobs = lock(done("b", shot("b", "two"))), [shot("a", "one"), shot("b", "two")]

    found = assigned(here, jobs, remembered=lambda: log, remembers_live=lambda: True)

    assert lines(found) == {name: [f"c-{name}"], "b": ["c-b"]}


def test_what_no_job_has_a_use_for_is_what_another_manifest_may_have() -> None:
    a, b, kept = shot("s1", "one"), shot("s1", "two"), shot("kept", "three")
    gone = running("gone", shot("gone", "four"))
    free = entry("free", record("c-free", JobState.CANCELLED, fingerprint=wanted(kept)))
    of_b = done("s2", shot("s2", "two"))
    now = lock(done("s1", a), of_b, done(kept.id, kept), gone, free)
    owners = Owners(lock=now, jobs=[b, kept], digests={})

    owners.assign()
    found = {one.job: one for one in owners.unused()}

    assert sorted(found) == ["free", "gone", "s1"]  # s2's shows what s1 wants now
    assert found[a.id].output == now.entries[a.id].output
    assert found[JobId("gone")].output is None


def test_what_nobody_uses_comes_with_all_that_it_is_made_of() -> None:
    """A film is split, and both parts have the portrait: bought anew it were another picture."""
    first, other = shot("x/01", "one", segment=1), shot("other", "more")
    second = shot("x/02", "two", segment=2, needs=(first.id,), mode=Mode.V2V)
    third = shot("x/03", "three", segment=3, needs=(second.id,), mode=Mode.V2V)
    made = [
        done("x/01", first),
        done("x/02", second, parents={first.id: sha("c-x/01")}),
        done("x/03", third, parents={second.id: sha("c-x/02")}),
    ]
    of_none = done("y", second, parents={first.id: sha("nobody knows it")})
    known = lock(*made, done("other", other), of_none)
    owners = Owners(lock=known, jobs=[first, second, other], digests={})

    owners.assign()

    assert {one.job: one for one in owners.unused()} == {one.job: one for one in (*made, of_none)}


def test_a_clip_beside_the_one_that_nobody_wants_stays_with_its_job() -> None:
    now_wants = shot("s1", "two")
    old = replace(done("s1", shot("s1", "one"), submit="old").tasks[0], superseded=clip("old", "x"))
    new = done("s1", now_wants, submit="new")
    both = replace(new, tasks=(old, *new.tasks))
    owners = Owners(lock=lock(both), jobs=[now_wants], digests={})

    owners.assign()

    assert [(one.job, one.tasks, one.output) for one in owners.unused()] == [
        (now_wants.id, (old,), None)
    ]
