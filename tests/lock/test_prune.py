from __future__ import annotations

import pytest

from seedrender.lock import prune
from seedrender.values.entry import JobState, Lock, LockEntry, Pin
from seedrender.values.job import JobId
from seedrender.values.task import Frame
from tests.builders import T0, clip, entry, record


def lock(*entries: LockEntry) -> Lock:
    return Lock(manifest="film.yaml", entries={e.job: e for e in entries})


def test_entries_that_the_manifest_does_not_ask_for_are_orphans_in_the_order_of_the_file() -> None:
    known = lock(entry("spin"), entry("b"), entry("a"))

    found = prune.orphans(known, [JobId("spin")])

    assert [orphan.entry for orphan in found] == [entry("a"), entry("b")]


@pytest.mark.parametrize(
    ("orphan", "why"),
    [
        pytest.param(entry("a"), "", id="nothing was bought"),
        pytest.param(entry("a", record(state=JobState.FAILED)), "", id="it has ended"),
        pytest.param(
            entry("a", record(task_id=None, state=JobState.UNKNOWN), record("c2")),
            "a paid task may exist: its outcome is unknown",
            id="unknown",
        ),
        pytest.param(
            entry("a", record("c1"), record("c2"), record("c3")),
            "task task-c3 is at the provider, paid already",
            id="the newest task",
        ),
        pytest.param(entry("a", pin=Pin(is_on=True, at=T0)), "it is pinned", id="a pin"),
        pytest.param(entry("a", pin=Pin(is_on=False, at=T0)), "", id="a pin taken out"),
    ],
)
def test_an_orphan_that_may_be_worth_money_says_why_it_stays(orphan: LockEntry, why: str) -> None:
    (found,) = prune.orphans(lock(orphan), [])

    assert found.kept_for == why


def test_all_clips_of_an_orphan_are_known_those_set_aside_first() -> None:
    aside = record("c1", JobState.SUCCEEDED, superseded=clip("c1", "renders/.superseded/a.mp4"))
    other = record("c2", JobState.SUCCEEDED)
    (with_clip,) = prune.orphans(lock(entry("a", aside, other, output=clip("c2"))), [])
    (without,) = prune.orphans(lock(entry("a", other)), [])

    assert with_clip.clips == (clip("c1", "renders/.superseded/a.mp4"), clip("c2"))
    assert without.clips == ()


def test_leaving_entries_out_touches_no_other() -> None:
    whole = lock(entry("a"), entry("spin"))

    assert prune.without(whole, [JobId("a")]) == lock(entry("spin"))
    assert prune.without(whole, []) == whole


def test_the_last_pictures_of_a_jobs_clips_are_known_in_the_order_of_its_tasks() -> None:
    frames = [Frame(path=f"{name}.png", sha256="ab" * 32, size_bytes=1) for name in "ab"]
    tasks = [record("c1", last_frame=frames[0]), record("c2"), record("c3", last_frame=frames[1])]

    assert prune.frames_of(entry("a", *tasks)) == tuple(frames)
