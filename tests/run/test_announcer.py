from __future__ import annotations

import errno
import json
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.run import events
from seedrender.run.announcer import Announcer, guarded, reason_of
from seedrender.run.events import Event, JobEvent, Left, Said, Submitted, job_event
from seedrender.values.job import JobId

AT = datetime(2026, 11, 30, 16, 0, 0, 123000, tzinfo=UTC)
SPIN = JobId("spin")


class Listening:
    """Remembers what it is told."""

    label = "listening"

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.is_open = False

    def open(self) -> None:
        self.is_open = True

    def receive(self, event: Event) -> None:
        self.events.append(event)

    def close(self) -> str:
        self.is_open = False
        return ""


class Raising(Listening):
    """Raises at one of its moments."""

    label = "raising"

    def __init__(self, error: Exception, moment: str) -> None:
        super().__init__()
        self._error, self._moment = error, moment

    def open(self) -> None:
        self._raise("open")

    def receive(self, event: Event) -> None:
        super().receive(event)
        self._raise("receive")

    def close(self) -> str:
        self._raise("close")
        return ""

    def _raise(self, moment: str) -> None:
        if moment == self._moment:
            raise self._error


class MuteError(Exception):
    """Has no words, and raises where it is asked for them."""

    def __str__(self) -> str:
        raise ValueError("no words")


ERRORS = [
    pytest.param(OSError(errno.ENOSPC, "No space left on device"), id="full"),
    pytest.param(UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates"), id="half"),
    pytest.param(ValueError("I/O operation on closed file"), id="closed"),
    pytest.param(RecursionError(), id="deep"),
    pytest.param(MuteError(), id="mute"),
]


@pytest.mark.parametrize("moment", ["open", "receive", "close"])
@pytest.mark.parametrize("error", ERRORS)
def test_a_listener_that_raises_is_left_out_and_named_at_the_end(
    error: Exception, moment: str
) -> None:
    raising, listening = Raising(error, moment), Listening()

    with Announcer([raising, listening]) as announcer:
        announcer.note(SPIN, "done", "spin.mp4")
        announcer.say("That is all.")

    assert [type(event).__name__ for event in listening.events] == ["Done", "Said"]
    assert len(raising.events) == {"open": 0, "receive": 1, "close": 2}[moment]
    assert announcer.troubles == (f"raising: {reason_of(error)}",)


def test_what_a_listener_could_not_keep_is_said() -> None:
    class Full(Listening):
        def close(self) -> str:
            return "No space left on device"

    with Announcer([Full()]) as announcer:
        announcer.say("Something.")

    assert announcer.troubles == ("listening: No space left on device",)


def test_what_was_told_of_a_job_last_is_not_told_again() -> None:
    listening = Listening()

    with Announcer([listening]) as announcer:
        for what in ("rendering", "rendering", "waits", "rendering"):
            announcer.note(SPIN, what, "task-1")

    names = [event.name for event in listening.events]
    assert names == ["rendering", "waits", "rendering"]


def test_somebody_who_takes_words_only_is_told_in_words() -> None:
    told: list[tuple[str, ...]] = []

    class Words:
        def note(self, job: JobId, what: str, detail: str = "") -> None:
            told.append((job, what, detail))

        def say(self, words: str) -> None:
            told.append((words,))

    with guarded(Words()) as announcer:
        announcer.note(SPIN, "submitted", "task-1 (never rendered)")
        announcer.note(SPIN, "stale", "its prompt changed")
        announcer.say("Paused.")

    assert told == [
        ("spin", "submitted", "task-1 (never rendered)"),
        ("spin", "stale", "its prompt changed"),
        ("Paused.",),
    ]
    assert guarded(announcer) is announcer


@pytest.mark.parametrize(
    ("what", "detail", "found"),
    [
        pytest.param("submitted", "t-1 (why)", {"task_id": "t-1", "reason": "why"}, id="submitted"),
        pytest.param("submitted", "t-1", {"task_id": "t-1"}, id="without a reason"),
        pytest.param("resumed", "t-1", {"task_id": "t-1"}, id="resumed"),
        pytest.param("rendering", "t-1", {"task_id": "t-1"}, id="rendering"),
        pytest.param("done", "a.mp4", {"path": "a.mp4"}, id="done"),
        pytest.param("joined", "a.mp4", {"path": "a.mp4"}, id="joined"),
        *(
            pytest.param(word, "why", {"reason": "why"}, id=word)
            for word in ("waits", "kept", "lost", "failed", "blocked", "expired", "cancelled")
        ),
        pytest.param("unknown", "why", {"reason": "why"}, id="unknown"),
        pytest.param("error", "why", {"reason": "why"}, id="error"),
    ],
)
def test_each_word_has_an_event_with_fields_of_its_own(
    what: str, detail: str, found: dict[str, str]
) -> None:
    event = job_event(AT, "final", SPIN, what, detail)

    head = {"event": what, "at": "2026-11-30T16:00:00.123Z", "job": "spin", "profile": "final"}
    assert event.as_json() == head | found
    assert (event.what, event.detail) == (what, detail)


def test_every_other_word_is_the_plans_verdict() -> None:
    event = job_event(AT, "", SPIN, "awaiting", "a choice of take")

    assert isinstance(event, Left)
    assert (event.what, event.detail) == ("awaiting", "a choice of take")
    assert event.as_json()["event"] == "left"
    assert "profile" not in event.as_json()


def test_every_job_event_is_made_by_a_word_of_its_own() -> None:
    kinds = {
        kind
        for kind in vars(events).values()
        if isinstance(kind, type) and issubclass(kind, JobEvent) and kind.name
    }

    made = {type(job_event(AT, "", SPIN, kind.name, "x")) for kind in kinds}

    assert made == kinds


@given(st.text(), st.text(), st.text())
def test_any_words_become_one_line_of_ascii(job: str, what: str, detail: str) -> None:
    event = job_event(AT, "", JobId(job), what, detail)

    line = json.dumps(event.as_json())

    assert line.isascii()
    assert "\n" not in line
    found = json.loads(line)
    assert {"event", "at"} <= set(found) <= {"event", *(one.name for one in fields(event))}


@given(st.text(st.characters(exclude_characters="()")), st.text())
def test_a_bought_task_is_told_as_it_was(task: str, reason: str) -> None:
    event = job_event(AT, "", SPIN, "submitted", f"{task} ({reason})")

    assert isinstance(event, Submitted)
    is_plain = not reason.endswith(")") and " (" not in task
    assert not is_plain or (event.task_id, event.reason) == (task, reason)


@pytest.mark.parametrize(
    "make", [lambda: Said(at=AT, words="x"), lambda: Left(at=AT, job=SPIN, verdict="stale")]
)
def test_events_are_values(make: Callable[[], Event]) -> None:
    assert make() == make()
    assert hash(make()) == hash(make())
