"""What is noted can be read again: an odd optional value is left out, named, and costs no more."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seedrender.lock import codec, lockfile
from seedrender.values.entry import Fingerprint, JobState, LockEntry, TaskRecord
from seedrender.values.job import CorrelationId
from seedrender.values.money import Amount, Cost, Quote
from seedrender.values.task import Frame, TaskId
from tests.builders import clip, entry, record

words = st.text(st.characters(codec=None), max_size=8) | st.sampled_from(
    ["", "\ud800", "\x1b[2J", "../..", "lost: \udfff", "x" * 5000]
)
numbers = (
    st.decimals()
    | st.integers().map(Decimal)
    | st.sampled_from(["sNaN", "-Infinity", "1E+500000", "1E-500000", "0E+40", "-0", "9" * 41]).map(
        Decimal
    )
)
wholes = st.integers() | st.sampled_from([-1, 2**63, 10**400, 10**5000, -(10**5000)])
floats = st.floats() | wholes.map(lambda n: n)  # also what is no float
zones = st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=12)), None])
moments = st.datetimes(timezones=zones) | st.builds(
    lambda moment, zone: moment.replace(tzinfo=zone),
    st.sampled_from([datetime.min, datetime.max]),  # noqa: DTZ901 - the ends of the range
    zones,
)
amounts = st.builds(Amount, numbers, words)
costs = st.builds(Cost, amount=amounts, source=words)
quotes = st.builds(
    Quote,
    expected=st.none() | amounts,
    high=st.none() | amounts,
    seconds=st.none() | numbers,
    source=words,
    as_of=st.none() | st.dates() | st.sampled_from([date.min, date.max]),
)
frames = st.builds(Frame, path=words, sha256=words | st.just("ab" * 32), size_bytes=wholes)
asides = st.builds(
    lambda path, sha256, size, length, made_at, differs: replace(
        clip("c1"),
        path=path,
        sha256=sha256,
        size_bytes=size,
        duration_s=length,
        made_at=made_at,
        differs=tuple(differs),
    ),
    words,
    words | st.just("ab" * 32),
    wholes,
    st.none() | floats,
    moments,
    st.lists(words, max_size=2),
)
OPTIONAL: Mapping[str, st.SearchStrategy[Any]] = {
    "submitted_at": moments,
    "finished_at": moments,
    "estimate": quotes,
    "cost": costs,
    "retries": wholes,
    "render_s": floats,
    "error": words,
    "last_frame": frames,
    "superseded": asides,
    "unlisted_at": moments,
    "account": words,
}
KEPT = ("correlation_id", "task_id", "state", "provider")
states = st.sampled_from([state for state in JobState if state is not JobState.DONE])
parts = st.dictionaries(st.sampled_from(["prompt", "seed"]), st.text(max_size=3), max_size=2)


@st.composite
def records(draw: st.DrawFn) -> TaskRecord:
    """A record with whatever a provider, a clock or a program may have put into it."""
    found = draw(st.fixed_dictionaries({}, optional=dict(OPTIONAL)))
    return TaskRecord(
        correlation_id=CorrelationId("c1"),
        state=draw(states),
        fingerprint=Fingerprint(digest="sha256:aa", version=1, parts=draw(parts)),
        provider="modellix",
        task_id=draw(st.none() | st.just(TaskId("task-1"))),
        unread=draw(st.dictionaries(words, words, max_size=2)),
        **found,
    )


def read_again(event: LockEntry) -> LockEntry:
    """Read what is written of a fact, in a journal and in a lockfile, which say the same."""
    row = lockfile.journal_line(event).removesuffix(b"\n")
    found = lockfile.event(row)
    assert lockfile.is_whole(row)
    assert codec.entry(json.loads(lockfile.entry_line(event))) == found
    return found


def test_every_field_that_a_record_can_do_without_is_drawn() -> None:
    needed = {*KEPT, "fingerprint", "unread"}

    assert {field.name for field in fields(TaskRecord)} == needed | set(OPTIONAL)
    assert {field.key for field in codec.TASK if field.is_soft} == {*OPTIONAL, "unread"}


@given(records())
@example(record("c1", error="half a \ud800 character"))
@example(record("c1", retries=10**5000))
@example(record("c1", finished_at=datetime(2026, 11, 23, 10, 0, 0, 999_999, tzinfo=UTC)))
def test_what_is_noted_is_read_again_as_it_is_remembered(drawn: TaskRecord) -> None:
    event = entry("spin", drawn)

    kept = codec.readable(event)

    (noted,) = kept.tasks
    assert read_again(kept) == kept
    assert [getattr(noted, key) for key in KEPT] == [getattr(drawn, key) for key in KEPT]
    assert noted.fingerprint == drawn.fingerprint
    assert dict(noted.fingerprint.parts) == dict(drawn.fingerprint.parts)
    left_out = {key for key in OPTIONAL if is_left_out(drawn, noted, key)}
    assert left_out <= noted.unread.keys()
    assert codec.readable(kept) == kept


def is_left_out(before: TaskRecord, after: TaskRecord, key: str) -> bool:
    return getattr(before, key) is not None and getattr(after, key) is None


@given(records())
def test_what_is_said_of_a_value_that_is_left_out_is_short_and_obeyed_by_no_terminal(
    drawn: TaskRecord,
) -> None:
    (noted,) = codec.readable(entry("spin", replace(drawn, unread={}))).tasks

    for said in noted.unread.values():
        assert 0 < len(said) <= 200
        assert said.isprintable()


@pytest.mark.parametrize(
    ("fields_", "said"),
    [
        pytest.param({"render_s": math.nan}, {"render_s": "NaN"}, id="not a number"),
        pytest.param({"render_s": -1.5}, {"render_s": "-1.5"}, id="negative"),
        pytest.param({"retries": -3}, {"retries": "-3"}, id="negative and whole"),
        pytest.param(
            {"cost": Cost(amount=Amount(Decimal("-0.276"), "USD"), source="provider")},
            {"cost": '{"amount": "-0.276", "currency": "USD", "source": "provider"}'},
            id="a negative cost",
        ),
        pytest.param({"retries": 10**5000}, {"retries": "a int"}, id="too many digits"),
    ],
)
def test_a_value_that_is_left_out_is_named_with_what_was_said(
    fields_: dict[str, Any], said: dict[str, str]
) -> None:
    event = entry("spin", record("c1", unread={"before": "x"}, **fields_))

    (noted,) = codec.readable(event).tasks

    assert noted.unread == {"before": "x", **said}
    assert [getattr(noted, key) for key in fields_] == [None]


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(
            entry("spin", output=replace(clip(), path="../spin.mp4")), id="a clip outside"
        ),
        pytest.param(entry("spin", output=replace(clip(), size_bytes=-1)), id="a negative size"),
        pytest.param(entry("spin", record("c1", task_id=TaskId(""))), id="an empty task id"),
    ],
)
def test_a_fact_of_which_more_than_that_cannot_be_read_is_refused(event: LockEntry) -> None:
    with pytest.raises(ValueError, match=r"leads out of|is not a"):
        codec.readable(event)


def test_a_fact_that_can_be_read_stays_as_it_is() -> None:
    event = entry("spin", record("c1", JobState.SUCCEEDED, error="gone", retries=2), output=clip())

    assert codec.readable(event) == event
