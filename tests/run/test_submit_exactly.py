"""One paid request, from its media to its record: what is done, in which order and words."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from seedrender.errors import (
    LockError,
    ProtocolError,
    ProviderError,
    QuotaError,
    RateLimitedError,
    RejectedError,
    SubmissionUnknownError,
    UnauthorizedError,
    UnavailableError,
)
from seedrender.plan.cost import quote
from seedrender.run.desk import Desk
from seedrender.run.gate import Gate
from seedrender.run.pace import Pace
from seedrender.run.purse import Purse
from seedrender.run.shelf import to_nobody
from seedrender.run.slots import Slots
from seedrender.run.submit import Submits, advice
from seedrender.values.entry import Fingerprint, JobState, LockEntry, TaskRecord
from seedrender.values.job import CorrelationId, Job, JobId, Submission
from seedrender.values.manifest import PollSchedule
from seedrender.values.money import Amount, Price, Quote
from seedrender.values.provider import MediaUrl
from seedrender.values.task import TaskId
from tests import virtual
from tests.builders import T0, entry, job, record
from tests.scripted import Scripted

Diary = list[tuple[object, ...]]

SPIN = job("spin", duration_s=5)
WANTED = Fingerprint(digest="sha256:cc")
MEDIA = {"hero": MediaUrl("https://files.example/hero.png")}
PRICE = Price(expected=Amount(Decimal("1.50"), "USD"), source="a price list")
REFUSED = RejectedError("HTTP 400: the prompt is refused")
LOST = SubmissionUnknownError("the answer was lost")
DOWN = UnavailableError("connection refused")
LATER = RateLimitedError("too many requests", retry_after_s=9.0)
FULL = RateLimitedError("too many tasks", is_concurrency=True)


class Ticks:
    """A clock that is a minute later each time."""

    def __init__(self) -> None:
        self._minutes = -1

    def now(self) -> datetime:
        self._minutes += 1
        return T0 + timedelta(minutes=self._minutes)


class Shelf:
    """The lock of a run in memory; its disk may be full."""

    def __init__(self, diary: Diary) -> None:
        self.diary, self.clock, self.is_full = diary, Ticks(), False

    async def intend(self, name: JobId, found: TaskRecord) -> None:
        self.diary.append(("intend", name, found))
        if self.is_full:
            raise LockError("the disk is full")

    async def keep(self, fact: LockEntry) -> None:
        self.diary.append(("keep", fact))


class Media:
    """Hands media over, after some failures."""

    def __init__(self, diary: Diary) -> None:
        self.diary, self.failures = diary, list[Exception]()
        self.words = ""

    async def media(
        self, asked: Job, say: Callable[[str], None] = to_nobody
    ) -> Mapping[str, MediaUrl]:
        self.diary.append(("media", asked))
        if self.words:
            say(self.words)
        if self.failures:
            raise self.failures.pop(0)
        return MEDIA

    def use(self, name: JobId, submit: CorrelationId) -> None:
        self.diary.append(("use", name, submit))


class NotedGate(Gate):
    def __init__(self, diary: Diary) -> None:
        super().__init__()
        self.diary = diary
        self.closes_at = 0  # which passage; 0: none

    async def passes(self) -> bool:
        self.diary.append(("gate",))
        if self.diary.count(("gate",)) == self.closes_at:
            self.close("interrupted")
        return await super().passes()

    def accepted(self) -> None:
        self.diary.append(("gate hears of success",))

    def refused(self, words: str) -> None:
        self.diary.append(("gate hears of refusal", words))


class NotedSlots(Slots):
    def __init__(self, diary: Diary) -> None:
        super().__init__(4)
        self.diary = diary

    def accepted(self) -> None:
        self.diary.append(("slots may grow",))

    def refused(self) -> None:
        self.diary.append(("slots shrink",))

    def troubled(self) -> None:
        self.diary.append(("slots grow no further",))


class NotedPace(Pace):
    def __init__(self, diary: Diary) -> None:
        super().__init__(6000)
        self.diary = diary

    async def turn(self) -> None:
        self.diary.append(("turn",))


class NotedPurse(Purse):
    def __init__(self, diary: Diary) -> None:
        super().__init__(lambda wanted: {SPIN.id: PRICE}[wanted.id])
        self.diary = diary

    def note(self, name: JobId, found: TaskRecord) -> None:
        self.diary.append(("purse", name, found))


class Route(Scripted):
    """Notes each request as it is, and whether it is known to be one that waits for its answer."""

    def __init__(self, diary: Diary, gate: Gate) -> None:
        super().__init__()
        self.diary, self.gate = diary, gate

    async def submit(self, submission: Submission) -> TaskId:
        assert self.gate.awaiting_answer == {asyncio.current_task()}
        self.diary.append(("submit", submission))
        return await super().submit(submission)


class Listener:
    def __init__(self, diary: Diary) -> None:
        self.diary = diary

    def note(self, name: JobId, what: str, detail: str = "") -> None:
        self.diary.append(("note", name, what, detail))

    def say(self, words: str) -> None:
        self.diary.append(("say", words))


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedDesk(Desk):
    """Takes no time to back off."""

    diary: Diary

    async def back_off(self, error: Exception, attempt: int) -> None:
        assert self.gate.awaiting_answer == set()
        self.diary.append(("back off", error, attempt))


class Counter:
    """Where one job is bought, with a diary of all that is done for it."""

    def __init__(self, *errors: Exception) -> None:
        self.diary: Diary = []
        self.gate = NotedGate(self.diary)
        self.route = Route(self.diary, self.gate)
        self.route.submit_errors[SPIN.id] += errors
        self.shelf, self.media = Shelf(self.diary), Media(self.diary)
        nobody = cast(Any, None)
        self.submits = Submits(
            NotedDesk(
                provider=self.route,
                store=cast(Any, self.shelf),
                files=nobody,
                inputs=cast(Any, self.media),
                slots=NotedSlots(self.diary),
                pace=NotedPace(self.diary),
                gate=self.gate,
                poll=PollSchedule(),
                listener=Listener(self.diary),
                purse=NotedPurse(self.diary),
                diary=self.diary,
            )
        )

    def buy(self) -> TaskRecord | None:
        return virtual.run(self.submits.submit(SPIN, WANTED))[0]

    def told(self, *kinds: str) -> Diary:
        return [line for line in self.diary if line[0] in kinds]

    @property
    def intent(self) -> TaskRecord:
        """What was written down before the last request left."""
        return cast(TaskRecord, self.told("intend")[-1][2])


def before(intent: TaskRecord) -> Diary:
    """What is done up to the moment at which a request leaves, in this order."""
    body = {"prompt": SPIN.prompt, "media": MEDIA}
    submission = Submission(job=SPIN.id, correlation_id=intent.correlation_id, path="/", body=body)
    return [
        ("turn",),
        ("gate",),
        ("use", "spin", intent.correlation_id),
        ("intend", "spin", intent),
        ("purse", "spin", intent),
        ("submit", submission),
    ]


def kept(fact: TaskRecord) -> Diary:
    return [("purse", "spin", fact), ("keep", entry("spin", fact))]


def test_a_request_leaves_after_its_intent_and_the_task_is_written_down() -> None:
    counter = Counter()

    bought = counter.buy()

    submitted = replace(counter.intent, state=JobState.SUBMITTED, task_id=TaskId("task-1"))
    assert bought == submitted
    assert counter.diary == [
        ("gate",),
        ("media", SPIN),
        *before(counter.intent),
        ("gate hears of success",),
        ("slots may grow",),
        *kept(submitted),
    ]


def test_an_intent_says_what_is_bought_where_when_and_for_how_much() -> None:
    counter = Counter()

    counter.buy()

    assert counter.intent == TaskRecord(
        correlation_id=counter.intent.correlation_id,
        state=JobState.SUBMITTING,
        fingerprint=WANTED,
        provider="scripted",
        submitted_at=T0,
        estimate=quote(SPIN, PRICE),
    )
    assert counter.intent.estimate == Quote(
        expected=PRICE.expected, high=PRICE.expected, seconds=Decimal(5), source="a price list"
    )


def test_each_request_has_an_id_of_its_own_that_nobody_can_guess() -> None:
    counter = Counter(DOWN, DOWN)

    counter.buy()

    ids = {cast(TaskRecord, line[2]).correlation_id for line in counter.told("intend")}
    assert len(ids) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", found) for found in ids)


def test_a_request_whose_intent_is_not_on_disk_does_not_leave() -> None:
    counter = Counter()
    counter.shelf.is_full = True

    with pytest.raises(LockError, match="the disk is full"):
        counter.buy()

    assert counter.diary[-1] == ("intend", "spin", counter.intent)
    assert counter.told("purse", "submit") == []


def test_a_lost_answer_is_written_down_and_told_and_nothing_is_sent_again() -> None:
    counter = Counter(LOST)

    assert counter.buy() is None

    unknown = replace(counter.intent, state=JobState.UNKNOWN, error="the answer was lost")
    words = f"the answer was lost: {advice(SPIN.id)}"
    assert counter.diary[2:] == [
        *before(counter.intent),
        *kept(unknown),
        ("slots grow no further",),
        ("note", "spin", "unknown", words),
    ]


def test_a_refusal_is_written_down_and_told_with_its_time_and_that_nothing_was_bought() -> None:
    counter = Counter(REFUSED)

    assert counter.buy() is None

    words = "HTTP 400: the prompt is refused; nothing was bought"
    finished_at = T0 + timedelta(minutes=1)
    refused = replace(counter.intent, state=JobState.BLOCKED, finished_at=finished_at, error=words)
    assert counter.diary[2:] == [
        *before(counter.intent),
        *kept(refused),
        ("note", "spin", "blocked", words),
        ("gate hears of refusal", "HTTP 400: the prompt is refused"),
    ]


@pytest.mark.parametrize(
    "error", [ProtocolError("not JSON"), UnauthorizedError("wrong key"), QuotaError("no credit")]
)
def test_an_answer_that_no_patience_mends_goes_to_who_asked_with_nothing_left_behind(
    error: ProviderError,
) -> None:
    counter = Counter(error)

    with pytest.raises(type(error)) as caught:
        counter.buy()

    assert caught.value is error
    planned = replace(counter.intent, state=JobState.PLANNED)
    assert counter.diary[2:] == [*before(counter.intent), *kept(planned)]


def test_between_two_requests_for_one_job_everybody_learns_why_and_the_media_stay() -> None:
    counter = Counter(DOWN)

    counter.buy()

    first = cast(TaskRecord, counter.told("intend")[0][2])
    again = [*before(first), *kept(replace(first, state=JobState.PLANNED))]
    assert counter.diary[2 : 2 + len(again) + 3] == [
        *again,
        ("slots grow no further",),
        ("note", "spin", "waits", "connection refused"),
        ("back off", DOWN, 1),
    ]
    assert counter.told("media") == [("media", SPIN)]
    assert first.submitted_at == T0 != counter.intent.submitted_at


def test_a_host_that_refuses_is_asked_six_times() -> None:
    errors = [UnavailableError(f"refused {n}") for n in range(1, 7)]

    patient, hopeless = Counter(*errors[:5]), Counter(*errors)
    bought = patient.buy()
    with pytest.raises(UnavailableError, match="refused 6"):
        hopeless.buy()

    expected: Diary = []
    for number, error in enumerate(errors[:5], start=1):
        expected.append(("note", "spin", "waits", f"refused {number}"))
        expected.append(("back off", error, number))
    assert bought is not None
    assert patient.told("note", "back off") == expected
    assert hopeless.told("note", "back off") == expected
    assert len(patient.told("slots grow no further")) == 5
    assert len(hopeless.told("slots grow no further")) == 6


def test_who_asks_for_patience_gets_it_for_as_long_as_it_asks() -> None:
    counter = Counter(*[LATER] * 9)

    assert counter.buy() is not None

    assert counter.told("back off") == [("back off", LATER, n) for n in range(1, 10)]
    assert counter.told("note") == [("note", "spin", "waits", "too many requests")] * 9
    assert counter.told("slots grow no further", "slots shrink") == []


def test_too_many_tasks_shrink_what_may_be_in_flight() -> None:
    counter = Counter(FULL)

    assert counter.buy() is not None

    assert counter.told("slots shrink", "slots grow no further", "back off") == [
        ("slots shrink",),
        ("back off", FULL, 1),
    ]


def test_where_nothing_more_is_to_be_bought_not_even_media_are_made_ready() -> None:
    counter = Counter()
    counter.gate.close("interrupted")

    assert counter.buy() is None

    assert counter.diary == [("gate",)]


def test_a_gate_that_closes_while_a_job_waits_for_its_turn_lets_no_request_leave() -> None:
    counter = Counter()
    counter.gate.closes_at = 2

    assert counter.buy() is None

    assert counter.diary == [("gate",), ("media", SPIN), ("turn",), ("gate",)]


def test_a_gate_that_closes_while_a_host_is_down_lets_no_second_request_leave() -> None:
    counter = Counter(DOWN)
    counter.gate.closes_at = 3

    assert counter.buy() is None

    assert len(counter.told("submit")) == 1
    assert counter.diary[-2:] == [("turn",), ("gate",)]


@pytest.mark.parametrize("error", [DOWN, LATER])
def test_media_that_a_host_does_not_take_are_offered_again_before_anything_is_bought(
    error: ProviderError,
) -> None:
    counter = Counter()
    counter.media.failures += [error] * 5

    assert counter.buy() is not None

    expected: Diary = []
    for number in range(1, 6):
        expected += [("gate",), ("media", SPIN)]
        expected += [("note", "spin", "waits", str(error)), ("back off", error, number)]
    assert counter.diary[:24] == [*expected, ("gate",), ("media", SPIN), ("turn",), ("gate",)]


@pytest.mark.parametrize("error", [DOWN, LATER])
def test_media_that_a_host_never_takes_are_offered_six_times(error: ProviderError) -> None:
    counter = Counter()
    counter.media.failures += [error] * 6

    with pytest.raises(type(error)) as caught:
        counter.buy()

    assert caught.value is error
    assert len(counter.told("media")) == 6
    assert [line[2] for line in counter.told("back off")] == [1, 2, 3, 4, 5]
    assert counter.told("submit", "intend") == []


def test_a_gate_that_closes_while_media_wait_ends_their_wait() -> None:
    counter = Counter()
    counter.media.failures.append(DOWN)
    counter.gate.closes_at = 2

    assert counter.buy() is None

    assert counter.told("media", "turn", "gate") == [("gate",), ("media", SPIN), ("gate",)]


def test_what_media_wait_for_is_told_as_the_jobs_wait() -> None:
    counter = Counter()
    counter.media.words = "20 files are at the host"

    counter.buy()

    assert counter.told("note") == [("note", "spin", "waits", "20 files are at the host")]


def test_a_task_that_is_found_after_a_lost_answer_is_no_longer_in_error() -> None:
    counter = Counter()
    lost = record("c7", JobState.UNKNOWN, task_id=None, error="the answer was lost")

    found = virtual.run(counter.submits.submitted(SPIN.id, lost, TaskId("task-9")))[0]

    assert found == record("c7", JobState.SUBMITTED, task_id=TaskId("task-9"), error=None)
    assert counter.diary == kept(found)


def test_the_advice_for_a_lost_answer_names_both_ways_out() -> None:
    assert advice(JobId("spin@2")) == (
        "a paid task may exist. Look at the provider's console; if there is one, take it over "
        "with `adopt MANIFEST spin@2 --task ID`; if there is none, run again with "
        "--resubmit spin@2"
    )
