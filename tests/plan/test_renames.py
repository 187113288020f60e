"""A long take under a new id takes over the file that its clips were joined into."""

from __future__ import annotations

from seedrender.plan.make import join_fingerprint
from seedrender.plan.renames import seen
from seedrender.values.entry import Lock, LockEntry
from seedrender.values.job import JobId
from seedrender.values.manifest import LongTake
from tests.builders import clip, entry, record

SHA = clip().sha256
FIRST = entry("fly/01", record("c1"), output=clip("c1"))


def take(name: str, *segments: str) -> LongTake:
    ids = tuple(map(JobId, segments))
    return LongTake(id=JobId(name), segments=ids, output=f"renders/{name}.mp4")


def joined(name: str, of: LongTake) -> LockEntry:
    made_by = join_fingerprint(of, (SHA,) * len(of.segments)).digest
    return entry(name, output=clip(made_by))


def lock(*entries: LockEntry) -> Lock:
    return Lock(manifest="film.yaml", entries={e.job: e for e in entries})


def test_a_long_take_is_renamed_where_its_segments_are_the_same() -> None:
    known, waiting, new = take("known", "fly/01"), take("not", "x"), take("new", "fly/01")
    found = lock(FIRST, joined("known", known), joined("old", new))
    named = frozenset(map(JobId, ("fly/01", "known", "not", "new")))

    assert seen(found, [known, waiting, new], named) == {"old": "new"}


def test_a_join_of_other_clips_is_no_rename() -> None:
    other = entry("old", output=clip("sha256:other"))

    assert seen(lock(FIRST, other), [take("new", "fly/01")], frozenset({JobId("new")})) == {}


def test_each_join_is_taken_once_and_none_that_the_manifest_still_names() -> None:
    one, two = take("one", "fly/01"), take("two", "fly/01")
    named = frozenset(map(JobId, ("fly/01", "one", "two")))

    assert seen(lock(FIRST, joined("old", one)), [one, two], named) == {"old": "one"}
    assert seen(lock(FIRST, joined("old", one)), [one], named | {JobId("old")}) == {}
