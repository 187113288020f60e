from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.errors import LockCorruptError
from seedrender.lock import fold, lockfile, merge
from seedrender.values.entry import Lock, LockEntry
from tests.builders import entry, record
from tests.strategies import entries

locks = st.lists(st.sampled_from(["a", "b", "c"]).flatmap(entries), max_size=4).map(
    lambda found: fold.fold(Lock(manifest="film.yaml"), found)
)


def task_ids(*locks: Lock) -> set[str]:
    return {r.task_id for k in locks for e in k.entries.values() for r in e.tasks if r.task_id}


def written(lock: Lock) -> Lock:
    return lockfile.loads(lockfile.dumps(lock), "film.lock")


@given(locks, locks, locks)
def test_merging_is_a_join_and_loses_no_task(a: Lock, b: Lock, c: Lock) -> None:
    both = merge.merge(a, [("b", b)])

    assert both == merge.merge(b, [("a", a)])
    assert merge.merge(both, [("c", c)]) == merge.merge(a, [("bc", merge.merge(b, [("c", c)]))])
    assert merge.merge(both, [("a", a), ("both", both)]) == both
    assert task_ids(both) == task_ids(a, b)


@given(locks, locks)
def test_lines_of_both_sides_read_as_their_join(a: Lock, b: Lock) -> None:
    a, b = written(a), written(b)
    lines = lockfile.dumps(a) + lockfile.dumps(b)

    assert lockfile.loads(lines, "film.lock") == merge.merge(a, [("b", b)])


@given(locks, locks, st.data())
def test_conflict_markers_anywhere_change_nothing(a: Lock, b: Lock, data: st.DataObject) -> None:
    a, b = written(a), written(b)
    lines = re.findall(r"[^\n]*\n", lockfile.dumps(a) + lockfile.dumps(b))
    for marker in ("<<<<<<< HEAD", "||||||| 1a2b3c", "=======", ">>>>>>> other"):
        lines.insert(data.draw(st.integers(0, len(lines))), f"{marker}\n")
    text = "".join(lines)

    found = merge.resolve(text, "film.lock")

    assert merge.is_marked(text)
    assert found == merge.merge(a, [("b", b)])


@pytest.mark.parametrize(("name", "whose"), [("other.yaml", "other.yaml"), ("", "no manifest")])
def test_a_lock_of_another_manifest_is_not_joined(name: str, whose: str) -> None:
    with pytest.raises(LockCorruptError) as caught:
        merge.merge(Lock(manifest="film.yaml"), [("other.lock", Lock(manifest=name))])

    assert str(caught.value) == (
        f"other.lock belongs to {whose}, not to film.yaml; nothing was changed. If the manifest "
        "was renamed, put its name in the first line"
    )


def test_what_is_wrong_behind_the_markers_is_told_with_its_place() -> None:
    with pytest.raises(LockCorruptError, match=r"^film\.lock:2: unknown key 'x'"):
        merge.resolve('{"lock": 1}\n=======\n{"job": "a", "x": 1}\n', "film.lock")


def test_a_text_without_markers_is_left_as_it_is() -> None:
    text = lockfile.dumps(fold.fold(Lock(manifest="film.yaml"), [entry("a", record())]))

    assert not merge.is_marked(text)
    assert merge.unmarked(text) == text


def test_a_job_bought_on_both_sides_keeps_both_tasks() -> None:
    ours: LockEntry = entry("a", record("c1"))
    theirs: LockEntry = entry("a", record("c2"))
    sides = [fold.fold(Lock(manifest="m"), [side]) for side in (ours, theirs)]

    assert task_ids(merge.merge(sides[0], [("theirs", sides[1])])) == {"task-c1", "task-c2"}


@pytest.mark.parametrize("end", [b"\n", b"", b"\n\n"])
def test_sides_between_markers_are_both_there(end: bytes) -> None:
    text = merge.marked(b"ours" + end, b"theirs" + end).decode()

    assert merge.is_marked(text)
    assert merge.unmarked(text).split() == ["ours", "theirs"]
