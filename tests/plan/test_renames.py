"""A job under a new id takes over the clip that its footage already has."""

from __future__ import annotations

from seedrender.lock.fingerprint import fingerprint
from seedrender.plan.make import join_fingerprint
from seedrender.plan.renames import seen
from seedrender.values.entry import JobState, Lock, LockEntry
from seedrender.values.job import Job, JobId, MediaKind, Mode, Reference, ReferenceUse
from seedrender.values.manifest import LongTake
from tests.builders import clip, entry, job, record


def done(made: Job, name: str, *, parents: dict[JobId, str] | None = None) -> LockEntry:
    wanted = fingerprint(made, {}, parents or {})
    task = record(f"c-{name}", JobState.SUCCEEDED, fingerprint=wanted)
    return entry(name, task, output=clip(f"c-{name}", f"renders/{name}.mp4"))


def lock(*entries: LockEntry) -> Lock:
    return Lock(manifest="film.yaml", entries={e.job: e for e in entries})


def test_the_clip_of_an_id_that_is_gone_goes_to_the_job_with_the_same_footage() -> None:
    turn = job("turn")

    assert seen(lock(done(turn, "spin")), [turn], [], {}) == {"spin": "turn"}


def test_a_clip_that_still_has_its_job_is_not_taken() -> None:
    spin, turn = job("spin"), job("turn")

    assert seen(lock(done(spin, "spin")), [spin, turn], [], {}) == {}


def test_other_footage_is_no_rename() -> None:
    assert seen(lock(done(job("turn"), "spin")), [job("turn", prompt="A fox.")], [], {}) == {}


def test_each_clip_is_taken_once() -> None:
    one, two = job("one"), job("two")

    assert seen(lock(done(one, "spin")), [one, two], [], {}) == {"spin": "one"}


def test_a_job_that_the_lock_knows_keeps_what_it_has() -> None:
    turn = job("turn")
    known = entry("turn", record("c9", JobState.FAILED))

    assert seen(lock(done(turn, "spin"), known), [turn], [], {}) == {}


def test_a_whole_chain_is_followed_segment_by_segment_with_its_long_take() -> None:
    first = job("new/01", segment=1)
    second = job("new/02", segment=2, needs=(first.id,), mode=Mode.V2V)
    sha = clip().sha256
    take = LongTake(id=JobId("new"), segments=(first.id, second.id), output="renders/new.mp4")
    joined = entry("old", output=clip(join_fingerprint(take, (sha, sha)).digest))
    known = lock(done(first, "old/01"), done(second, "old/02", parents={first.id: sha}), joined)

    assert seen(known, [first, second], [take], {}) == {
        "old/01": "new/01",
        "old/02": "new/02",
        "old": "new",
    }


def test_a_segment_whose_parent_has_no_clip_is_not_guessed() -> None:
    first = job("new/01", segment=1)
    second = job("new/02", segment=2, needs=(first.id,), mode=Mode.V2V)

    assert seen(lock(done(job("x", prompt="A fox."), "old")), [first, second], [], {}) == {}


def test_of_two_clips_of_the_same_footage_the_first_id_is_taken() -> None:
    turn = job("turn")

    assert seen(lock(done(turn, "b"), done(turn, "a")), [turn], [], {}) == {"a": "turn"}


def test_what_an_id_that_is_gone_never_rendered_is_nothing_to_take() -> None:
    turn = job("turn")
    running = entry("spin", record("c1", fingerprint=fingerprint(turn, {}, {})))

    assert seen(lock(running), [turn], [], {}) == {}


def test_a_job_behind_one_that_is_known_is_followed_too() -> None:
    known, other, turn = job("known"), job("other", prompt="A fox."), job("turn", prompt="A cat.")

    found = seen(lock(done(known, "known"), done(turn, "old")), [known, other, turn], [], {})

    assert found == {"old": "turn"}


def test_a_segment_is_followed_only_behind_all_clips_that_it_continues() -> None:
    parents = {JobId("a"): clip().sha256, JobId("b"): clip().sha256}
    end = job("end", needs=("a", "b"))
    old = done(end, "old", parents=parents)
    a, b = job("a"), job("b", prompt="A fox.")
    last = job("last", prompt="A cat.")
    rest = [end, last]

    half = lock(done(a, "a"), old, done(last, "then"))
    whole = lock(done(a, "a"), done(b, "b"), old, done(last, "then"))

    assert seen(half, [a, b, *rest], [], {}) == {"then": "last"}
    assert seen(whole, [a, b, *rest], [], {}) == {"old": "end", "then": "last"}


def test_a_long_take_is_renamed_alone_where_its_segments_kept_their_ids() -> None:
    first = job("fly/01")
    sha = clip().sha256
    takes = [
        LongTake(id=JobId(name), segments=segments, output=f"renders/{name}.mp4")
        for name, segments in (("known", (first.id,)), ("not", (JobId("x"),)), ("new", (first.id,)))
    ]
    joined = [
        entry(name, output=clip(join_fingerprint(takes[2], (sha,)).digest))
        for name in ("known", "old")
    ]

    assert seen(lock(done(first, "fly/01"), *joined), [first], takes, {}) == {"old": "new"}


def test_a_long_take_of_other_clips_is_no_rename() -> None:
    first = job("fly/01")
    take = LongTake(id=JobId("new"), segments=(first.id,), output="renders/new.mp4")
    joined = entry("old", output=clip("sha256:other"))

    assert seen(lock(done(first, "fly/01"), joined), [first], [take], {}) == {}


def test_the_bytes_of_references_say_what_shows_the_same() -> None:
    hero = Reference(name="hero", kind=MediaKind.IMAGE, path="hero.png")
    turn = job("turn", references=(ReferenceUse(reference=hero),))
    wanted = fingerprint(turn, {"hero": "1"}, {})
    old = entry("old", record("c1", JobState.SUCCEEDED, fingerprint=wanted), output=clip("c1"))

    assert seen(lock(old), [turn], [], {"hero": "1"}) == {"old": "turn"}
    assert seen(lock(old), [turn], [], {"hero": "2"}) == {}
