"""What is taken out of a line that is damaged, and what that says about money."""

from __future__ import annotations

import json
from typing import Any

import pytest

from seedrender.lock import fold, lockfile
from seedrender.lock.salvage import DamagedLine
from seedrender.values.entry import GUESSED, JobState, Pin
from seedrender.values.job import JobId
from tests.builders import T0, clip, entry, record

SPIN = JobId("spin")
ONE, TWO = record("c1", JobState.SUCCEEDED), record("c2")
WHOLE = entry("spin", ONE, TWO, output=clip("c1"), pin=Pin(is_on=True, at=T0))
ROW: dict[str, Any] = json.loads(lockfile.entry_line(WHOLE))


def damaged(data: bytes | dict[str, Any]) -> DamagedLine:
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    return DamagedLine(file="film.lock", number=3, data=text, wrong="something")


def test_what_is_whole_beside_a_wrong_value_is_all_taken() -> None:
    parts = {"version": 1, "digest": "sha256:aa", "parts": {}}

    found = damaged({**ROW, "fingerprint": {**parts, "version": "?"}}).salvaged(SPIN)

    assert found == (WHOLE, True)


def test_a_task_that_is_broken_makes_it_less_than_all() -> None:
    first, second = ROW["tasks"]

    found = damaged({**ROW, "tasks": [{**first, "state": "?"}, second]}).salvaged(SPIN)

    assert found == (
        fold.join(entry("spin", TWO), entry("spin", output=clip("c1"), pin=WHOLE.pin)),
        False,
    )


@pytest.mark.parametrize("key", ["output", "pin"])
def test_a_broken_part_takes_no_other_with_it(key: str) -> None:
    found, is_whole = damaged({**ROW, key: 7}).salvaged(SPIN)

    assert is_whole
    assert (found.output is None, found.pin is None) == (key == "output", key == "pin")
    assert found.tasks == (ONE, TWO)


def test_a_line_of_another_shape_gives_its_tasks_and_is_never_all() -> None:
    first, second = ROW["tasks"]
    new_key = damaged({**ROW, "y": 1}).salvaged(SPIN)
    by_name = damaged({**ROW, "tasks": {"a": first, "b": second}}).salvaged(SPIN)

    assert new_key == by_name == (entry("spin", ONE, TWO), False)


def test_of_a_line_that_is_no_json_the_whole_tasks_are_taken() -> None:
    text = lockfile.entry_line(WHOLE).encode()

    found = damaged(text.replace(b'"task-c1",', b'"task-c1"!,')).salvaged(SPIN)

    assert found == (entry("spin", TWO), False)


def test_a_line_with_a_character_that_nobody_can_read_is_never_all() -> None:
    text = lockfile.entry_line(entry("spin", ONE, record("c3", error="\ufffd"))).encode()

    assert damaged(text).salvaged(SPIN) == (entry("spin", ONE), False)


def test_a_line_without_tasks_lacks_none() -> None:
    assert damaged({"job": "spin", "pin": 7}).salvaged(SPIN) == (entry("spin"), True)


def test_a_task_is_of_the_route_of_its_line_wherever_that_says_so() -> None:
    first, second = ROW["tasks"]
    row = {"job": "spin", "tasks": [{**first, "provider": "ark"}, second, 7], "provider": "sim"}

    found, _ = damaged(row).salvaged(SPIN)

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
