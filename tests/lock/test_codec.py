from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from seedrender.lock import amounts, codec, lockfile
from seedrender.values.entry import Fingerprint, JobState, LockEntry, Pin
from seedrender.values.money import Amount, Cost, Quote
from tests.builders import T0, clip, entry, record

WHOLE = Fingerprint(version=1, digest="sha256:bb", parts={"prompt": "Ein Kätzchen", "seed": 7})
HALF = Amount(Decimal("0.5"), "USD")
ASIDE = clip("c1", "renders/.superseded/spin.mp4", minute=1)
EVERYTHING = entry(
    "spin",
    record(
        "c1",
        JobState.SUCCEEDED,
        provider="byteplus",
        finished_at=T0 + timedelta(seconds=90, milliseconds=5),
        estimate=Quote(expected=HALF, high=HALF, source="a contract"),
        cost=Cost(amount=Amount(Decimal("0.4"), "USD"), source="provider"),
        retries=0,
        render_s=88.5,
        superseded=ASIDE,
    ),
    record("c2", JobState.BLOCKED, fingerprint=WHOLE, task_id=None, error="Éloigné: no"),
    output=replace(
        clip("c2", minute=2), differs=("asked for 4 s, got 5 s", "asked for mp4, got gif")
    ),
    pin=Pin(is_on=True, at=T0),
)
CLIP = (
    '"sha256": "' + "ab" * 32 + '", "size_bytes": 1000, "duration_s": 5.0, "width": 864, '
    '"height": 496, "made_at": '
)
WRITTEN = (
    '{"job": "spin", "state": "done", "fingerprint": {"version": 1, "digest": "sha256:bb", '
    '"parts": {"prompt": "Ein Kätzchen", "seed": 7}}, "provider": "sim", "tasks": ['
    '{"correlation_id": "c1", "task_id": "task-c1", "provider": "byteplus", '
    '"fingerprint": "sha256:aa", "state": "succeeded", "submitted_at": "2026-11-23T10:00:00Z", '
    '"finished_at": "2026-11-23T10:01:30.005Z", '
    '"estimate": {"amount": "0.5", "currency": "USD", "source": "a contract"}, '
    '"cost": {"amount": "0.4", "currency": "USD", "source": "provider"}, '
    '"retries": 0, "render_s": 88.5, '
    '"superseded": {"path": "renders/.superseded/spin.mp4", '
    f'{CLIP}"2026-11-23T10:01:00Z", "made_by": "c1"}}}}, '
    '{"correlation_id": "c2", "fingerprint": "sha256:bb", "state": "blocked", '
    '"submitted_at": "2026-11-23T10:00:00Z", "error": "Éloigné: no"}], '
    '"output": {"path": "renders/spin.mp4", '
    f'{CLIP}"2026-11-23T10:02:00Z", "made_by": "c2", '
    '"differs": ["asked for 4 s, got 5 s", "asked for mp4, got gif"]}, '
    '"pin": {"is_on": true, "at": "2026-11-23T10:00:00Z"}}\n'
)


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_east")
def test_every_field_has_its_place_and_times_are_in_utc_wherever_it_is_written() -> None:
    assert lockfile.entry_line(EVERYTHING) == WRITTEN


def test_every_field_is_read_again() -> None:
    found = codec.entry(json.loads(WRITTEN))

    assert found == EVERYTHING
    assert [task.fingerprint.parts for task in found.tasks] == [{}, WHOLE.parts]
    assert [task.fingerprint.version for task in found.tasks] == [0, 1]


def test_what_is_not_known_is_not_written() -> None:
    assert lockfile.entry_line(entry("spin")) == '{"job": "spin", "state": "planned"}\n'


def test_half_a_character_is_written_as_one_that_cannot_be_read() -> None:
    assert codec.json_line({"error": "a\ud800b"}) == '{"error": "a\ufffdb"}\n'


def test_a_fingerprint_of_which_only_the_digest_was_kept_is_read() -> None:
    found = codec.entry(
        {
            "job": "a",
            "fingerprint": {"version": 1, "digest": "d"},
            "provider": "sim",
            "tasks": [{"correlation_id": "c", "fingerprint": "d", "state": "failed"}],
        }
    )

    assert found.tasks[0].fingerprint == Fingerprint(digest="d")


def task(**fields: Any) -> dict[str, Any]:
    known = {"correlation_id": "c", "provider": "sim", "fingerprint": "f", "state": "failed"}
    return {"job": "a", "tasks": [{**known, **fields}]}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        pytest.param({"job": "a", "z": 1, "x": 1}, "unknown key 'x'", id="a key"),
        pytest.param({}, "the key 'job' is missing", id="no job"),
        pytest.param(
            {"job": "a", "pin": {"is_on": 1, "at": "x"}}, "1 is not true or false", id="a pin"
        ),
        pytest.param(
            {"job": "a", "fingerprint": {"version": 1, "digest": "d", "parts": 7}},
            "the parts of a fingerprint lie too deep",
            id="no parts",
        ),
        pytest.param(
            {"job": "a", "fingerprint": {"digest": "d"}},
            "the key 'version' is missing",
            id="version",
        ),
        pytest.param(task(state="done"), "a task is never 'done': its job is", id="done"),
        pytest.param(task(provider=None), "None is not a text", id="no route"),
        pytest.param(task(task_id=""), "'' is not a text", id="an empty id"),
    ],
)
def test_what_is_wrong_with_a_line_is_said(row: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}$"):
        codec.entry(row)


def test_an_error_may_be_empty_as_a_provider_may_say_nothing() -> None:
    found: LockEntry = codec.entry(task(error=""))

    assert found.tasks[0].error == ""


def test_a_picture_has_no_length() -> None:
    picture = replace(clip(), duration_s=None)
    written = lockfile.entry_line(entry("a", output=picture))

    assert "duration_s" not in written
    assert codec.entry(json.loads(written)).output == picture


def test_an_estimate_that_nobody_made_is_written_as_nothing() -> None:
    assert amounts.quote_json(None) is None


def test_facts_that_were_left_out_of_a_record_are_an_object_of_texts() -> None:
    row = json.loads(WRITTEN)
    row["tasks"][0]["unread"] = ["cost"]

    found = codec.entry(row).tasks[0]

    assert found.unread == {"unread": '["cost"]'}
