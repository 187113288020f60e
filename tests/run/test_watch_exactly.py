"""What is noted, told and kept of one task that is waited for, and when it is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest

from seedrender.errors import (
    NotFoundError,
    ProtocolError,
    ProviderError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
)
from seedrender.run import desk, watch
from seedrender.run.desk import Desk
from seedrender.run.gate import Gate
from seedrender.run.pace import Pace
from seedrender.run.slots import Slots
from seedrender.run.watch import Watch
from seedrender.values.entry import Fingerprint, JobState, Lock, LockEntry, TaskRecord
from seedrender.values.job import JobId
from seedrender.values.manifest import PollSchedule
from seedrender.values.money import Amount, Cost
from seedrender.values.task import Task, TaskId, TaskState
from tests import virtual
from tests.builders import T0, entry, job, record
from tests.scripted import Scripted

NOW = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
ENDED_AT = NOW + timedelta(minutes=1)
WEEK = timedelta(days=7)
SPIN = job("spin")
PAID = record("c1", provider="scripted", task_id=TaskId("t1"), submitted_at=NOW)
DOLLAR = Amount(Decimal(1), "USD")


def seen(state: TaskState, **fields: Any) -> Task:
    return Task(id=TaskId("t1"), state=state, provider_state=state.value, **fields)


RUNS, WAITS, READY = (
    seen(state) for state in (TaskState.RUNNING, TaskState.QUEUED, TaskState.SUCCEEDED)
)
STRANGE, DOWN, GONE = ProtocolError("no JSON"), UnavailableError("refused"), NotFoundError("gone")
LOST = (
    "gone. Task t1 is not older than seven days: is this the key, and the host, that it was bought "
    "with? It is not bought again; to give it up, run with --resubmit spin, then once more"
)


class Telling(Scripted):
    """Gives its answers one after the other, and notes when it is asked for what."""

    def __init__(self, answers: Sequence[Task | ProviderError]) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[tuple[str, float]] = []

    async def poll(self, task_id: TaskId, *, hold: bool = False) -> Task:
        del hold
        self.asked.append((task_id, round(asyncio.get_running_loop().time(), 1)))
        answer = self.answers.pop(0)
        if isinstance(answer, ProviderError):
            raise answer
        return answer


class Fixed:
    """A lock, a clock and a listener that note what they are given."""

    def __init__(self) -> None:
        self.lock = Lock(manifest="film.yaml")
        self.clock = self
        self.kept: list[LockEntry] = []
        self.notes: list[tuple[JobId, str, str]] = []

    def now(self) -> datetime:
        return ENDED_AT

    async def keep(self, event: LockEntry) -> None:
        self.kept.append(event)

    def note(self, job: JobId, what: str, detail: str = "-") -> None:
        self.notes.append((job, what, detail))

    def say(self, words: str) -> None:
        raise AssertionError(words)


class Bench:
    """Waits for one task of which a provider tells so and so."""

    def __init__(self, *answers: Task | ProviderError, waits: bool = True) -> None:
        self.provider = Telling(answers)
        self.store = Fixed()
        self.waits = waits
        self.error: ProviderError | None = None

    def wait(
        self, bought: TaskRecord = PAID, *, is_fresh: bool = False, **given: bool
    ) -> tuple[TaskRecord, Task | None]:
        return virtual.run(self._watch().wait(SPIN, bought, is_fresh=is_fresh, **given))[0]

    def refusal(self, bought: TaskRecord = PAID) -> ProviderError:
        with pytest.raises(ProviderError) as caught:
            self.wait(bought)
        return caught.value

    @property
    def times(self) -> list[float]:
        """Return when it was looked at the task."""
        assert {task for task, _ in self.provider.asked} == {"t1"}
        return [at for _, at in self.provider.asked]

    @property
    def notes(self) -> list[tuple[JobId, str, str]]:
        return self.store.notes

    def _watch(self) -> Watch:
        nobody = cast(Any, None)
        return Watch(
            Desk(
                provider=self.provider,
                store=cast(Any, self.store),
                files=nobody,
                inputs=nobody,
                slots=Slots(4),
                pace=Pace(60_000),
                gate=Gate(),
                poll=PollSchedule(jitter=0.0),
                listener=self.store,
                waits=self.waits,
            )
        )


@pytest.fixture(autouse=True)
def _it_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no clock go on, and no wait be spread."""
    monkeypatch.setattr(watch, "wall", lambda: NOW)
    monkeypatch.setattr(desk, "spread", lambda _: 1.0)


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        (TaskState.FAILED, JobState.FAILED),
        (TaskState.REFUSED, JobState.BLOCKED),
        (TaskState.EXPIRED, JobState.EXPIRED),
        (TaskState.CANCELLED, JobState.CANCELLED),
    ],
)
def test_a_bad_end_is_kept_with_its_reason_and_told(state: TaskState, kept: JobState) -> None:
    end = seen(state, message="too dark", render_s=33.0)
    bench = Bench(end)

    found, task = bench.wait()

    ended = replace(PAID, state=kept, finished_at=ENDED_AT, error="too dark", render_s=33.0)
    assert (found, task) == (ended, end)
    assert bench.store.kept == [entry("spin", ended)]
    assert bench.notes == [("spin", kept.value, "too dark")]


def test_a_bad_end_without_a_reason_is_told_without_one() -> None:
    bench = Bench(seen(TaskState.FAILED))

    found, _ = bench.wait()

    assert found.error is None
    assert bench.notes == [("spin", "failed", "")]


def test_a_good_end_is_kept_without_words_and_told_later_by_who_collects_it() -> None:
    end = seen(TaskState.SUCCEEDED, message="all is well", render_s=41.5)
    bench = Bench(end)

    found, task = bench.wait()

    ended = replace(PAID, state=JobState.SUCCEEDED, finished_at=ENDED_AT, render_s=41.5)
    assert (found, task) == (ended, end)
    assert bench.store.kept == [entry("spin", ended)]
    assert bench.notes == []


@pytest.mark.parametrize(
    ("route", "source"), [("scripted", "prices"), ("sim", "simulated"), ("SIM", "prices")]
)
def test_what_a_task_cost_is_kept_with_who_says_so(route: str, source: str) -> None:
    bench = Bench(seen(TaskState.SUCCEEDED, cost=DOLLAR, cost_source="prices"))
    bench.provider.name = route

    found, _ = bench.wait()

    assert found.cost == Cost(amount=DOLLAR, source=source)


def test_a_cost_that_nobody_says_is_not_known() -> None:
    found, _ = Bench(READY).wait()

    assert found.cost is None


def test_a_task_of_this_run_is_looked_at_by_the_schedule() -> None:
    bench = Bench(RUNS, RUNS, READY)

    bench.wait(is_fresh=True)

    assert bench.times == [15, 20, 30]


def test_a_task_of_an_earlier_run_is_looked_at_at_once() -> None:
    bench = Bench(RUNS, READY)

    bench.wait(is_fresh=False)

    assert bench.times[0] == 0


@pytest.mark.parametrize(
    ("route", "first", "last"),
    [
        pytest.param("scripted", 50, 75, id="of this provider"),
        pytest.param("other", 15, 15, id="of another one"),
    ],
)
def test_what_tasks_of_the_lock_took_says_when_to_look(
    route: str, first: float, last: float
) -> None:
    bench = Bench(READY)
    made_of = Fingerprint(digest="sha256:aa", parts={"model": SPIN.model})
    bench.store.lock = replace(
        bench.store.lock,
        entries={
            JobId(f"s{n}"): entry(
                f"s{n}",
                record(
                    f"c{n}",
                    JobState.SUCCEEDED,
                    provider=route,
                    fingerprint=made_of,
                    finished_at=T0 + timedelta(seconds=70 + n),
                    render_s=60.0 + n,
                ),
            )
            for n in range(20)
        },
    )

    bench.wait(is_fresh=True)

    assert first <= bench.times[0] <= last


def test_that_a_task_renders_is_told_and_that_it_waits_is_not() -> None:
    bench = Bench(WAITS, RUNS, RUNS, WAITS, READY)

    bench.wait()

    assert bench.notes == [("spin", "rendering", "t1")] * 2


@pytest.mark.parametrize(
    ("state", "notes"),
    [(TaskState.RUNNING, [("spin", "rendering", "t1")]), (TaskState.QUEUED, [])],
)
def test_where_nobody_waits_one_look_is_had_at_once_and_the_task_stays_as_it_is(
    state: TaskState, notes: list[object]
) -> None:
    bench = Bench(seen(state), waits=False)

    found, task = bench.wait(is_fresh=True)

    assert (found, task) == (PAID, None)
    assert (bench.times, bench.notes, bench.store.kept) == ([0], notes, [])


def test_where_nobody_waits_a_task_that_has_ended_is_kept_as_any() -> None:
    bench = Bench(READY, waits=False)

    found, task = bench.wait()

    assert (found.state, task) == (JobState.SUCCEEDED, READY)


def test_each_read_that_fails_in_a_row_is_followed_by_a_longer_wait() -> None:
    bench = Bench(DOWN, DOWN, STRANGE, RUNS, DOWN, READY)

    bench.wait()

    assert bench.times == [0, 2, 6, 14, 44, 46]  # half a minute: the schedule, after so many looks


def test_a_provider_that_says_how_long_is_heard() -> None:
    bench = Bench(RateLimitedError("later", retry_after_s=100.0), READY)

    bench.wait()

    assert bench.times[1] >= 110


def test_all_reads_that_failed_are_counted_in_the_record() -> None:
    found, _ = Bench(DOWN, RUNS, STRANGE, RateLimitedError("later"), READY).wait()

    assert found.retries == 3


def test_where_no_read_failed_none_is_counted() -> None:
    found, _ = Bench(RUNS, READY).wait()

    assert found.retries is None


def test_a_person_is_told_once_of_a_silence_when_it_begins() -> None:
    bench = Bench(DOWN, DOWN, UnavailableError("HTTP 503"), DOWN, DOWN, READY)

    bench.wait()

    assert bench.notes == [("spin", "waits", "HTTP 503; asking again")]


def test_two_reads_that_fail_are_no_silence_and_an_answer_ends_one() -> None:
    bench = Bench(DOWN, DOWN, WAITS, DOWN, DOWN, WAITS, DOWN, DOWN, READY)

    bench.wait()

    assert bench.notes == []


def test_the_sixth_strange_answer_in_a_row_is_raised() -> None:
    last = ProtocolError("half a JSON")
    bench = Bench(*[STRANGE] * 5, last, READY)

    assert bench.refusal() is last
    assert bench.provider.answers == [READY]
    assert bench.store.kept == []


@pytest.mark.parametrize(
    "between",
    [
        pytest.param(RUNS, id="a task that runs"),
        pytest.param(DOWN, id="no answer at all"),
        pytest.param(RateLimitedError("later"), id="too many requests"),
    ],
)
def test_strange_answers_count_anew_after_anything_else(between: Task | ProviderError) -> None:
    bench = Bench(*[STRANGE] * 5, between, *[STRANGE] * 5, READY)

    found, _ = bench.wait()

    assert found.state is JobState.SUCCEEDED
    assert found.retries == 10 + isinstance(between, ProviderError)


def test_a_task_that_is_not_found_is_as_strange_as_an_answer_without_sense() -> None:
    bench = Bench(*[STRANGE, GONE] * 3, READY)

    assert isinstance(bench.refusal(), NotFoundError)
    assert bench.provider.answers == [READY]


def test_a_provider_may_be_down_for_as_long_as_it_likes() -> None:
    found, _ = Bench(*[DOWN] * 50, READY).wait()

    assert (found.state, found.retries) == (JobState.SUCCEEDED, 50)


def test_what_no_repeat_would_mend_is_raised_at_once() -> None:
    wrong = UnauthorizedError("wrong key")
    bench = Bench(wrong, READY)

    assert bench.refusal() is wrong
    assert (bench.times, bench.notes, bench.store.kept) == ([0], [], [])


def test_a_young_task_that_is_not_found_is_asked_for_six_times_and_is_then_a_persons() -> None:
    bench = Bench(*[GONE] * 6, READY)

    error = bench.refusal()

    assert isinstance(error, NotFoundError)
    assert str(error) == LOST
    assert bench.notes == [("spin", "waits", f"{LOST}; asking again")]
    assert (bench.provider.answers, bench.store.kept) == ([READY], [])


def test_a_young_task_that_is_found_again_goes_on() -> None:
    bench = Bench(GONE, READY)

    found, _ = bench.wait()

    assert (found.state, found.retries, bench.times) == (JobState.SUCCEEDED, 1, [0, 2])


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"submitted_at": NOW - WEEK}, id="a week old"),
        pytest.param({"submitted_at": NOW - 2 * WEEK}, id="older"),
        pytest.param({"submitted_at": None}, id="nobody knows how old"),
        pytest.param({"provider": "sim"}, id="simulated"),
    ],
)
def test_a_task_that_is_not_found_and_that_nobody_keeps_is_expired(fields: dict[str, Any]) -> None:
    bench, bought = Bench(GONE), replace(PAID, **fields)

    found, task = bench.wait(bought)

    ended = replace(bought, state=JobState.EXPIRED, finished_at=ENDED_AT, error="gone")
    assert (found, task) == (ended, None)
    assert bench.store.kept == [entry("spin", ended)]
    assert bench.notes == [("spin", "expired", "gone")]


def test_a_task_is_kept_until_a_week_has_passed() -> None:
    almost = replace(PAID, submitted_at=NOW - WEEK + timedelta(milliseconds=1))

    assert str(Bench(*[GONE] * 6).refusal(almost)) == LOST


def test_a_person_gives_up_a_young_task_that_is_not_found() -> None:
    bench = Bench(GONE)

    found, task = bench.wait(is_given_up=True)

    assert found == replace(PAID, state=JobState.EXPIRED, finished_at=ENDED_AT, error="gone")
    assert task is None
    assert bench.notes == [("spin", "expired", "gone")]


def test_a_task_that_is_there_is_waited_for_though_a_person_gives_it_up() -> None:
    found, task = Bench(RUNS, READY).wait(is_given_up=True)

    assert (found.state, task) == (JobState.SUCCEEDED, READY)
