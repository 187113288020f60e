"""What is taken out of a line that is damaged, and what that says about money."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.lock import fold, lockfile, salvage
from seedrender.lock.salvage import DamagedLine, Salvaged, Told, told
from seedrender.values.entry import GUESSED, Fingerprint, JobState, LockEntry, Pin
from seedrender.values.job import JobId
from tests.builders import T0, clip, entry, record

SPIN = JobId("spin")
ONE, TWO = record("c1", JobState.SUCCEEDED), record("c2")
WHOLE = entry("spin", ONE, TWO, output=clip("c1"), pin=Pin(is_on=True, at=T0))
ROW: dict[str, Any] = json.loads(lockfile.entry_line(WHOLE))


def damaged(data: bytes | dict[str, Any]) -> DamagedLine:
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    return DamagedLine(file="film.lock", number=3, data=text, wrong="something")


def salvaged(data: bytes | dict[str, Any]) -> tuple[LockEntry, bool]:
    found = damaged(data).salvaged(SPIN)
    return found.entry, found.is_whole


def test_what_is_whole_beside_a_wrong_value_is_all_taken() -> None:
    parts = {"version": 1, "digest": "sha256:aa", "parts": {}}

    found = damaged({**ROW, "fingerprint": {**parts, "version": "?"}}).salvaged(SPIN)

    assert found == Salvaged(entry=WHOLE, is_whole=True, left_out=("fingerprint",))


def test_a_task_that_is_broken_makes_it_less_than_all() -> None:
    first, second = ROW["tasks"]

    found = salvaged({**ROW, "tasks": [{**first, "state": "?"}, second]})

    assert found == (
        fold.join(entry("spin", TWO), entry("spin", output=clip("c1"), pin=WHOLE.pin)),
        False,
    )


@pytest.mark.parametrize("key", ["output", "pin"])
def test_a_broken_part_takes_no_other_with_it(key: str) -> None:
    kept = damaged({**ROW, key: 7}).salvaged(SPIN)
    found = kept.entry

    assert (kept.is_whole, kept.left_out) == (True, (key,))
    assert (found.output is None, found.pin is None) == (key == "output", key == "pin")
    assert found.tasks == (ONE, TWO)


def test_a_line_of_another_shape_gives_its_tasks_and_is_never_all() -> None:
    first, second = ROW["tasks"]
    new_key = salvaged({**ROW, "y": 1})
    by_name = salvaged({**ROW, "tasks": {"a": first, "b": second}})

    assert new_key == by_name == (entry("spin", ONE, TWO), False)


def test_of_a_line_that_is_no_json_the_whole_tasks_are_taken() -> None:
    text = lockfile.entry_line(WHOLE).encode()

    found = salvaged(text.replace(b'"task-c1",', b'"task-c1"!,'))

    assert found == (entry("spin", TWO), False)


def test_a_line_with_a_character_that_nobody_can_read_is_never_all() -> None:
    text = lockfile.entry_line(entry("spin", ONE, record("c3", error="\ufffd"))).encode()

    assert salvaged(text) == (entry("spin", ONE), False)


def test_a_line_without_tasks_lacks_none() -> None:
    assert salvaged({"job": "spin", "pin": 7}) == (entry("spin"), True)


def test_a_task_is_of_the_route_of_its_line_wherever_that_says_so() -> None:
    first, second = ROW["tasks"]
    row = {"job": "spin", "tasks": [{**first, "provider": "ark"}, second, 7], "provider": "sim"}

    found, _ = salvaged(row)

    assert [task.provider for task in found.tasks] == ["ark", "sim"]


def test_the_rest_of_a_line_belongs_to_it_behind_what_cannot_be_read() -> None:
    text = lockfile.entry_line(WHOLE).encode()
    at = text.index(b'"task-c2"')

    found = damaged(text[:at]).followed_by(text[at + 1 :])

    assert found == damaged(text[:at] + "\ufffd".encode() + text[at + 1 :])


def test_a_guess_says_where_and_which_tasks_it_may_be() -> None:
    none, some = damaged(b"x").guess(), damaged(ROW).guess()

    assert (none.correlation_id, none.error) == (f"{GUESSED}8cdc1683", "film.lock:3 was damaged")
    assert (none.provider, none.fingerprint.digest, none.state) == ("?", "?", JobState.UNKNOWN)
    assert some.correlation_id == f"{GUESSED}c1"
    assert some.provider == "sim"
    assert some.error == "film.lock:3 was damaged; its task may be task-c1, task-c2"


def test_a_guess_holds_nothing_that_a_terminal_would_obey() -> None:
    found = damaged(
        '{"correlation_id": "c\x1b[1", "task_id": "t\x07", "provider": "é\x00"'.encode()
    )

    guess = found.guess()

    assert guess.correlation_id == f"{GUESSED}c\ufffd[1"
    assert guess.provider == "é\ufffd"
    assert guess.error == "film.lock:3 was damaged; its task may be t\ufffd"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('{"lock": 2, ?', 2),
        ('{"journal": 12', 12),
        ('{"lock": ?, "manifest": "film.yaml"}', 0),
        ('{"lo', None),
        ('{"job": "spin", "lock": 2}', None),
        ('{"jab": "spin", "state": "done", "manifest": 2}', None),
    ],
)
def test_a_header_says_its_version_or_that_it_cannot_be_read(
    text: str, version: int | None
) -> None:
    assert damaged(text.encode()).version == version


@pytest.mark.parametrize(
    ("change", "is_told"),
    [
        pytest.param((b"", b""), True, id="both tasks"),
        pytest.param((b"}\n", b"} \r\n"), True, id="spaces behind it"),
        pytest.param((b'"made_by"', b'"mode_by"'), True, id="tasks say more than a clip"),
        pytest.param((b'"correlation_id": "c2"', b'"corelation_id": "c2"'), False, id="one task"),
        pytest.param((b'"correlation_id": "c2"', b'"correlation_id": "c9"'), False, id="another"),
        pytest.param((b'Z"}}\n', b""), False, id="cut"),
    ],
)
def test_a_line_is_told_where_other_lines_know_all_of_its_tasks(
    change: tuple[bytes, bytes],
    is_told: bool,  # noqa: FBT001 - a row of the table
) -> None:
    text = lockfile.entry_line(WHOLE).encode().replace(*change)

    assert damaged(text).is_told_by({"c1", "c2"}) is is_told


def test_a_long_take_is_told_by_itself_since_joining_is_free() -> None:
    joined = lockfile.entry_line(entry("fly", output=clip("sha256:ab"))).encode()
    bought = lockfile.entry_line(entry("fly", output=clip("c7"))).encode()

    assert damaged(joined).is_told_by(())
    assert not damaged(bought).is_told_by(())
    assert damaged(bought).is_told_by({"c7"})
    assert not damaged(b'{"job": "fly", "pin": {"is_on": true}}').is_told_by({"c7"})


BOUGHT = record(
    "c1",
    JobState.SUCCEEDED,
    fingerprint=Fingerprint(version=1, digest="sha256:aa", parts={"prompt": "A kite."}),
)
ODD = {
    "cost": {"amount": "-0.5", "currency": "USD", "source": "provider"},
    "estimate": 7,
    "retries": -1,
    "render_s": "long",
    "finished_at": "99999-01-01T00:00:00Z",
    "submitted_at": "yesterday",
    "error": 3,
    "last_frame": {},
    "superseded": {"path": "/etc/passwd"},
}


@given(st.sets(st.sampled_from(sorted(ODD))))
def test_an_odd_value_that_a_record_can_do_without_costs_nothing_else(odd: set[str]) -> None:
    row = json.loads(lockfile.entry_line(entry("spin", BOUGHT, output=clip("c1"))))
    row["tasks"][0] |= {key: ODD[key] for key in odd}
    nothing: dict[str, Any] = dict.fromkeys(odd)
    said = {key: v if isinstance(v := ODD[key], str) else json.dumps(v) for key in odd}
    less = replace(BOUGHT, **nothing, unread=said)

    found = damaged(row).salvaged(SPIN)

    assert found == Salvaged(
        entry=entry("spin", less, output=clip("c1")),
        is_whole=True,
        left_out=tuple(f"{key} of task-c1" for key in sorted(odd)),
    )


@pytest.mark.parametrize("key", ["correlation_id", "state", "fingerprint", "task_id", "taks_id"])
def test_a_record_cannot_do_without_what_it_was_bought_for_or_its_names(key: str) -> None:
    first, second = ROW["tasks"]

    found = damaged({**ROW, "tasks": [{**first, key: 7}, second]}).salvaged(SPIN)

    assert ([r.task_id for r in found.entry.tasks], found.is_whole) == (["task-c2"], False)


def test_a_clip_whose_length_is_odd_is_kept() -> None:
    output = {**ROW["output"], "duration_s": -1}

    found = damaged({**ROW, "output": output}).salvaged(SPIN)

    assert found.entry.output == replace(clip("c1"), duration_s=None)
    assert found.left_out == ("duration_s of the output",)


def test_a_sound_line_names_its_job_and_a_damaged_one_only_a_known_one() -> None:
    odd = {**ROW, "output": 7}

    assert damaged(odd).job(()) == "spin"
    assert damaged({**odd, "job": 7}).job(()) is None
    assert damaged(json.dumps(odd).encode()[:-1]).job(()) is None


def test_what_is_left_out_holds_nothing_that_a_terminal_would_obey() -> None:
    first, _ = ROW["tasks"]
    row = {**ROW, "tasks": [{**first, "task_id": "t\x1b", "retries": -1}]}

    assert damaged(row).salvaged(SPIN).left_out == ("retries of t\ufffd",)


def test_a_file_tells_its_jobs_and_tasks_however_damaged_it_is() -> None:
    text = lockfile.entry_line(WHOLE).encode()
    here = Told(
        jobs=frozenset({"spin"}),
        task_ids=frozenset({"task-c1", "task-c2"}),
        correlation_ids=frozenset({"c1", "c2"}),
    )

    assert told(text) == told(b"\xff" + text[:-9]) == here
    assert told(b"") == Told()
    assert told(text) | told(b'{"job": "fly"') == replace(here, jobs=frozenset({"spin", "fly"}))


@pytest.mark.parametrize(
    ("text", "is_torn"),
    [
        ('"task_id": "task-1', True),
        ('"correlation_id": "', True),
        ('{"job": "a\\', True),
        ('"task_id": "task-1"', False),
        ('"task_id": "task-1", "st', False),
    ],
)
def test_a_file_that_ends_within_an_id_is_torn(
    text: str,
    is_torn: bool,  # noqa: FBT001 - a row of the table
) -> None:
    assert told(text.encode()).is_torn is is_torn
    assert (told(text.encode()) | Told()).is_torn is is_torn


def test_digests_and_places_are_told_also_by_what_is_damaged() -> None:
    digest = f"sha256:{'0a' * 32}"
    bought = record("c1", JobState.SUCCEEDED, fingerprint=Fingerprint(digest=digest))
    line = lockfile.entry_line(entry("a", bought, output=clip("c1", 'renders/"a" \u00e9.mp4')))
    data = b"<<<<<<< ours\n" + line.encode() + line.encode()[:-30] + b"\n\xff"

    assert salvage.digests(data) == {digest}
    assert set(salvage.places(data)) == {("ab" * 32, 'renders/"a" \u00e9.mp4')}
    assert [*salvage.places(line.replace("renders/", "renders/\\x").encode())] == []
