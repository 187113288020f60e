from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import pairwise
from statistics import fmean
from typing import Any

import pytest

from seedrender.errors import (
    NotFoundError,
    ProtocolError,
    ProviderError,
    QuotaError,
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
)
from seedrender.plan import polling
from seedrender.plan.polling import Group
from seedrender.run.clock import wall
from seedrender.run.history import History
from seedrender.run.looks import Looks
from seedrender.run.pace import Pace
from seedrender.values.entry import Fingerprint, JobState, Lock, TaskRecord
from seedrender.values.job import Job, JobId
from seedrender.values.manifest import PollSchedule
from seedrender.values.provider import Limits
from seedrender.values.task import Task, TaskId, TaskState
from tests import virtual
from tests.builders import T0, entry, job, record
from tests.scripted import Scripted

POLL = PollSchedule(jitter=0.0)
LIMITS = Limits(concurrency=4, requests_per_minute=6000)
HOLDS = replace(LIMITS, hold_s=30.0)
LISTS = replace(LIMITS, batch=500)
SPIN = job()


class Route(Scripted):
    """Tasks that end when a test says so, and tell how long they took."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        super().__init__()
        self.limits = limits
        self.holds = limits.hold_s > 0
        self.looks: list[tuple[str, float]] = []  # task, when
        self.lists: list[tuple[float, int]] = []  # when, of how many
        self.errors: list[ProviderError] = []
        self.list_errors: list[ProviderError] = []
        self.hold_errors: list[ProviderError] = []
        self.refused_holds = 0
        self.listed_as: TaskState | None = None  # whatever a task's own answer says
        self.held_as: TaskState | None = None
        self.unlisted: set[str] = set()
        self.states: dict[str, list[str]] = {}
        self.ends_at: dict[str, float] = {}
        self.took_s: dict[str, float] = {}
        self.told_s: float | None = None
        self.tells_times = True
        self.open = self.most_open = 0

    async def poll(self, task_id: TaskId, *, hold: bool = False) -> Task:
        self.looks.append((task_id, time()))
        if hold and self.hold_errors:
            self.refused_holds += 1
            raise self.hold_errors.pop(0)
        if self.errors:
            raise self.errors.pop(0)
        if hold and self.holds:
            self.open += 1
            self.most_open = max(self.most_open, self.open)
            try:
                left_s = self.ends_at[task_id] - time()
                await asyncio.sleep(max(0.0, min(left_s, self.limits.hold_s / self.limits.speed)))
            finally:
                self.open -= 1
        found = self.seen(task_id)
        return replace(found, state=self.held_as) if hold and self.held_as else found

    async def poll_many(self, task_ids: Sequence[TaskId]) -> Mapping[TaskId, Task]:
        self.lists.append((time(), len(task_ids)))
        await asyncio.sleep(0.01)
        if self.list_errors:
            raise self.list_errors.pop(0)
        found = {name: self.seen(name) for name in task_ids if name not in self.unlisted}
        if self.listed_as is not None:
            found = {name: replace(task, state=self.listed_as) for name, task in found.items()}
        return found

    def seen(self, task_id: TaskId) -> Task:
        if time() < self.ends_at[task_id]:
            words = self.states.get(task_id, [])
            word = words.pop(0) if words else "processing"
            return Task(id=task_id, state=TaskState.RUNNING, provider_state=word)
        took_s = self.took_s.get(task_id) if self.told_s is None else self.told_s
        took_s = took_s if self.tells_times else None
        state = TaskState.SUCCEEDED
        return Task(id=task_id, state=state, provider_state="success", render_s=took_s)


class Table:
    """Waits for tasks, and notes when each is known to have ended."""

    def __init__(
        self, route: Route, before: Sequence[float] = (), poll: PollSchedule = POLL
    ) -> None:
        self.route = route
        self.history = History(route.limits, poll)
        for took_s in before:
            self.history.add(polling.group(route.name, job()), took_s)
        self.looks = Looks(route, Pace(6000), poll, self.history)
        self.known_at: dict[str, float] = {}

    async def wait(
        self, name: str, took_s: float, *, start_s: float = 0.0, job: Job | None = None
    ) -> None:
        await asyncio.sleep(start_s)
        self.route.took_s[name] = took_s
        self.route.ends_at[name] = time() + took_s / self.route.limits.speed
        await self.wait_on(name, job or SPIN, is_fresh=True)

    async def wait_on(self, name: str, job: Job, *, is_fresh: bool, **fields: Any) -> None:
        task = record(name, task_id=TaskId(name), **fields)
        with self.looks.watch(job, task, is_fresh=is_fresh) as watch:
            while not (await self.looks.look(watch)).state.is_final:
                pass
        self.known_at[name] = time()

    def late_s(self) -> list[float]:
        return [at - self.route.ends_at[name] for name, at in self.known_at.items()]


def time() -> float:
    return asyncio.get_running_loop().time()


def renders(count: int, seed: int = 1) -> list[float]:
    rng = random.Random(seed)  # noqa: S311
    return [60 * (rng.uniform(0.03, 0.15) + rng.lognormvariate(0, 0.35)) for _ in range(count)]


def together(*works: Callable[[], Coroutine[None, None, None]]) -> float:
    """Run works at once in virtual time; return how long it took."""

    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work())

    return virtual.run(run())[1]


def waits(
    table: Table, ends: Sequence[float], *, every_s: float = 0.0
) -> list[Callable[[], Coroutine[None, None, None]]]:
    """A wait for each task; one starts after the other where `every_s` says so."""
    return [
        partial(table.wait, str(n), took_s, start_s=n * every_s) for n, took_s in enumerate(ends)
    ]


def times_of(route: Route, name: str) -> list[float]:
    return [round(at, 1) for task, at in route.looks if task == name]


def test_without_a_history_the_fixed_schedule_is_kept_exactly() -> None:
    table = Table(Route())

    together(lambda: table.wait("a", 130.0))

    assert times_of(table.route, "a") == [15, 20, 30, 50, 80, 110, 140]


def test_jitter_spreads_the_waits_of_the_fixed_schedule() -> None:
    table = Table(Route(), poll=PollSchedule(jitter=0.2))

    together(lambda: table.wait("a", 30.0))

    first, second, *_ = times_of(table.route, "a")
    assert 12 <= first <= 18
    assert 4 <= second - first <= 6


def test_with_a_history_ends_are_seen_sooner_and_less_is_asked() -> None:
    ends = renders(200, seed=7)
    fixed, ours = Table(Route(), poll=POLL), Table(Route(), before=renders(100))
    fixed.route.tells_times = False

    for table in (fixed, ours):
        together(*waits(table, ends))

    assert fmean(ours.late_s()) < fmean(fixed.late_s()) / 3
    assert len(ours.route.looks) < len(fixed.route.looks)


def test_a_run_learns_from_its_own_first_tasks() -> None:
    table = Table(Route())
    early = waits(table, [300.0 + n for n in range(10)], every_s=1.0)

    together(*early, lambda: table.wait("late", 305.0, start_s=400.0))

    assert len(times_of(table.route, "0")) > 10
    assert len(times_of(table.route, "late")) < 6
    assert table.known_at["late"] - table.route.ends_at["late"] < 5


def test_tasks_of_another_model_are_not_waited_for_by_these_times() -> None:
    table = Table(Route(), before=[600.0] * 20)

    together(lambda: table.wait("a", 40.0, job=job(model="seedance-1.0-pro")))

    assert times_of(table.route, "a") == [15, 20, 30, 50]


def test_a_resolution_with_few_times_borrows_those_of_its_model() -> None:
    table = Table(Route(), before=renders(40))

    together(lambda: table.wait("a", 40.0, job=job(resolution="480p", duration_s=5)))

    assert times_of(table.route, "a")[0] > 30


def test_a_task_that_is_out_longer_than_any_was_is_looked_at_by_the_longest_interval() -> None:
    table = Table(Route(), before=renders(60))

    together(lambda: table.wait("a", 3600.0))

    at = times_of(table.route, "a")
    gaps = [round(b - a, 1) for a, b in pairwise(at)]
    assert set(gaps[-100:]) == {30.0}
    assert max(gaps) <= 30.1


def test_a_task_of_an_earlier_run_is_looked_at_at_once_and_then_by_its_age() -> None:
    table = Table(Route(), before=[600.0 + n for n in range(40)])
    submitted_at = wall() - timedelta(seconds=300)

    async def resumed() -> None:
        table.route.ends_at["a"] = 320.0
        await table.wait_on("a", job(), is_fresh=False, submitted_at=submitted_at)

    together(resumed)

    first, second, *_ = times_of(table.route, "a")
    assert first == 0
    assert 270 < second < 330
    assert table.known_at["a"] - 320 < 15


def test_a_failed_read_is_repeated_as_soon_as_the_caller_asks() -> None:
    table = Table(Route(), before=renders(60))
    table.route.errors = [UnavailableError("503"), RateLimitedError("429")]

    async def patient() -> None:
        table.route.ends_at["a"] = 20.0
        with table.looks.watch(job(), record("a", task_id=TaskId("a")), is_fresh=True) as watch:
            for error in (UnavailableError, RateLimitedError):
                with pytest.raises(error):
                    await table.looks.look(watch)
                await asyncio.sleep(2)
            assert (await table.looks.look(watch)).state.is_final

    together(patient)

    first, second, third = times_of(table.route, "a")
    assert (second - first, third - second) == pytest.approx((2.0, 2.0), abs=0.11)


def test_the_providers_seconds_are_ours_by_the_simulators_speed() -> None:
    table = Table(Route(replace(LIMITS, speed=60.0)))

    seconds = together(lambda: table.wait("a", 130.0))

    assert len(table.route.looks) == 7
    assert seconds == pytest.approx(140 / 60, abs=0.1)


@pytest.mark.parametrize("told_s", [pytest.param(1e7, id="months"), pytest.param(0.0, id="none")])
def test_a_clock_that_contradicts_ours_teaches_nothing_absurd(told_s: float) -> None:
    table = Table(Route())
    table.route.told_s = told_s
    early = waits(table, [60.0] * 12, every_s=1.0)

    together(*early, lambda: table.wait("late", 60.0, start_s=200.0))

    assert times_of(table.route, "late")[0] - 200 > 30
    assert table.known_at["late"] - 260 < 30


def test_a_held_request_tells_of_the_end_when_it_comes() -> None:
    table = Table(Route(HOLDS))

    together(*waits(table, [40.0, 53.0, 66.0, 79.0]))

    assert max(table.late_s()) < 0.2
    assert times_of(table.route, "0") == [15]  # 15 to 45
    assert [round(s) for s in times_of(table.route, "3")] == [15, 45, 75]


def test_a_learned_hold_begins_shortly_before_ends_are_likely() -> None:
    table = Table(Route(HOLDS), before=[600.0 + n for n in range(40)])

    together(lambda: table.wait("a", 610.0))

    assert len(table.route.looks) <= 3
    assert max(table.late_s()) < 0.2


def test_a_server_that_does_not_hold_is_noticed_for_the_run() -> None:
    table = Table(Route(HOLDS))
    table.route.holds = False

    together(
        lambda: table.wait("a", 130.0),
        lambda: table.wait("b", 130.0, start_s=200.0),
    )

    assert times_of(table.route, "a")[:4] == [15, 15, 15, 35]
    assert [at - 200 for at in times_of(table.route, "b")] == [15, 20, 30, 50, 80, 110, 140]


def test_an_answer_at_once_with_a_new_state_is_no_sign_that_a_server_does_not_hold() -> None:
    table = Table(Route(HOLDS))
    table.route.holds = False
    table.route.states["a"] = [f"step {n}" for n in range(50)]

    async def some() -> None:
        table.route.ends_at["a"] = 1e9
        with table.looks.watch(job(), record("a", task_id=TaskId("a")), is_fresh=True) as watch:
            for _ in range(50):
                await table.looks.look(watch)

    seconds = together(some)

    assert len(table.route.looks) == 50
    assert seconds < 17


def test_a_server_whose_gateway_cuts_held_requests_is_asked_without() -> None:
    table = Table(Route(HOLDS))
    table.route.errors = [UnavailableError("504")] * 2

    async def patient() -> None:
        table.route.ends_at["a"] = 20.0
        with table.looks.watch(job(), record("a", task_id=TaskId("a")), is_fresh=True) as watch:
            for _ in range(2):
                with pytest.raises(UnavailableError):
                    await table.looks.look(watch)
            table.route.ends_at["a"] = 1e9
            await table.looks.look(watch)
        assert table.route.most_open == 0

    together(patient)


def test_held_requests_leave_connections_to_others() -> None:
    table = Table(Route(replace(HOLDS, concurrency=200)))

    together(*waits(table, [100.0] * 120))

    assert table.route.most_open == 50
    assert len(table.known_at) == 120


def test_a_held_request_ends_with_the_run() -> None:
    table = Table(Route(HOLDS))

    async def stopped() -> None:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(table.wait("a", 1000.0))
            await asyncio.sleep(20)
            assert table.route.open == 1
            waiting.cancel()
        assert table.route.open == 0

    assert together(stopped) == pytest.approx(20, abs=0.2)


def test_one_task_alone_is_listed_by_the_fixed_schedule() -> None:
    table = Table(Route(LISTS))

    together(lambda: table.wait("a", 130.0))

    assert [round(at) for at, _ in table.route.lists] == [15, 20, 30, 50, 80, 110, 140]
    assert table.route.looks == []


@pytest.mark.parametrize(
    "before", [pytest.param([], id="fixed"), pytest.param(renders(60), id="learned")]
)
def test_tasks_that_are_out_together_share_their_looks(before: list[float]) -> None:
    ends = renders(20, seed=3)
    single, shared = Table(Route(), before), Table(Route(LISTS), before)

    for table in (single, shared):
        together(
            *(lambda n=n, s=s, t=table: t.wait(f"{n}", s, start_s=n) for n, s in enumerate(ends))
        )

    assert len(shared.known_at) == 20
    assert shared.route.looks == []
    assert len(shared.route.lists) < len(single.route.looks) / 2
    assert fmean(shared.late_s()) < fmean(single.late_s()) / 2


def test_a_list_names_no_more_tasks_than_it_takes_the_most_urgent_first() -> None:
    table = Table(Route(replace(LISTS, batch=2)))

    together(*waits(table, [60.0] * 5))

    assert max(count for _, count in table.route.lists) == 2
    assert len(table.known_at) == 5


def test_a_task_that_a_list_does_not_name_is_asked_for_itself() -> None:
    table = Table(Route(LISTS))
    table.route.unlisted.add("a")

    together(lambda: table.wait("a", 25.0))

    assert len(table.route.looks) == len(table.route.lists) == 3


def test_a_task_that_is_nowhere_is_told_so() -> None:
    table = Table(Route(LISTS))
    table.route.unlisted.add("a")
    table.route.errors = [NotFoundError("no such task")]

    with pytest.raises(ExceptionGroup) as raised:
        together(lambda: table.wait("a", 25.0))

    assert raised.group_contains(NotFoundError)


def test_an_error_of_a_list_reaches_all_who_were_on_it_and_the_next_look_is_due() -> None:
    table = Table(Route(LISTS))
    table.route.list_errors = [UnavailableError("503")]
    told: list[str] = []

    async def one(name: str) -> None:
        table.route.ends_at[name] = 10.0
        with table.looks.watch(job(), record(name, task_id=TaskId(name)), is_fresh=True) as watch:
            with pytest.raises(UnavailableError):
                await table.looks.look(watch)
            told.append(name)
            await asyncio.sleep(2)
            assert (await table.looks.look(watch)).state.is_final

    together(lambda: one("a"), lambda: one("b"))

    assert sorted(told) == ["a", "b"]
    assert table.route.lists[1][0] - table.route.lists[0][0] == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    "error",
    [
        UnauthorizedError("HTTP 403: not the right to list"),
        RejectedError("HTTP 405: no such method"),
        ProtocolError("a page of HTML"),
        QuotaError("HTTP 402"),
    ],
    ids=["403", "405", "no JSON", "402"],
)
def test_where_lists_are_refused_each_task_is_asked_for_itself(error: ProviderError) -> None:
    table = Table(Route(LISTS))
    table.route.list_errors = [error] * 99

    together(*waits(table, [25.0, 60.0]))

    assert len(table.known_at) == 2
    assert len(table.route.lists) <= 2  # of those that were on their way
    assert len(table.route.looks) > 4


@pytest.mark.parametrize("error", [UnavailableError("503"), RateLimitedError("429")])
def test_lists_that_fail_again_and_again_are_asked_for_no_more(error: ProviderError) -> None:
    table = Table(Route(LISTS))
    table.route.list_errors = [error] * 99

    async def one() -> None:
        table.route.ends_at["a"] = 60.0
        with table.looks.watch(job(), record("a", task_id=TaskId("a")), is_fresh=True) as watch:
            with pytest.raises(type(error)):
                await table.looks.look(watch)
            while not (await table.looks.look(watch)).state.is_final:
                pass

    together(one)

    assert len(table.route.lists) == 2


def test_a_key_that_opens_nothing_is_said_so_with_lists_too() -> None:
    table = Table(Route(LISTS))
    table.route.list_errors = [UnauthorizedError("HTTP 401")]
    table.route.errors = [UnauthorizedError("HTTP 401")]

    with pytest.raises(ExceptionGroup) as raised:
        together(lambda: table.wait("a", 25.0))

    assert raised.group_contains(UnauthorizedError)


@pytest.mark.parametrize("limits", [LISTS, HOLDS], ids=["a list", "a held answer"])
def test_that_a_task_came_to_nothing_is_asked_for_plainly_once_more(limits: Limits) -> None:
    table = Table(Route(limits))

    async def seen() -> TaskState:
        table.route.ends_at["a"] = 9.0
        table.route.listed_as = TaskState.FAILED if limits is LISTS else None
        with table.looks.watch(job(), record("a", task_id=TaskId("a")), is_fresh=True) as watch:
            return (await table.looks.look(watch)).state

    if limits is HOLDS:
        table.route.held_as = TaskState.FAILED
    assert virtual.run(seen())[0] is TaskState.SUCCEEDED


@pytest.mark.parametrize(
    "error", [RejectedError("HTTP 400: wait"), ProtocolError("{}")], ids=["refused", "no answer"]
)
def test_where_held_requests_are_refused_tasks_are_asked_for_plainly(error: ProviderError) -> None:
    table = Table(Route(HOLDS))
    table.route.hold_errors = [error] * 99

    together(*waits(table, [25.0, 60.0]))

    assert len(table.known_at) == 2
    assert table.route.refused_holds <= 2


def test_a_task_that_is_gone_is_no_reason_to_hold_no_others() -> None:
    table = Table(Route(HOLDS))
    table.route.hold_errors = [NotFoundError("gone")]
    table.route.errors = [NotFoundError("gone")]

    async def gone() -> None:
        table.route.ends_at["a"] = 9.0
        with (
            table.looks.watch(job(), record("a", task_id=TaskId("a")), is_fresh=True) as watch,
            pytest.raises(NotFoundError),
        ):
            await table.looks.look(watch)
        await table.wait("b", 60.0)

    together(gone)

    assert table.route.most_open == 1


def test_when_the_one_that_looks_for_all_is_stopped_another_does() -> None:
    table = Table(Route(LISTS))

    async def run() -> None:
        async with asyncio.TaskGroup() as group:
            leading = group.create_task(table.wait("a", 40.0))
            group.create_task(table.wait("b", 40.0, start_s=1.0))
            await asyncio.sleep(10)
            leading.cancel()

    together(run)

    assert "b" in table.known_at
    assert "a" not in table.known_at


def test_a_task_of_an_earlier_run_is_listed_at_once_though_others_wait() -> None:
    table = Table(Route(LISTS))

    async def resumed() -> None:
        await asyncio.sleep(3)
        table.route.ends_at["old"] = 0.0
        await table.wait_on("old", job(), is_fresh=False)

    together(lambda: table.wait("new", 100.0), resumed)

    at, count = table.route.lists[0]
    assert at == pytest.approx(3, abs=0.1)
    assert count == 2


@pytest.mark.parametrize("limits", [LIMITS, LISTS])
def test_after_the_first_look_no_wait_is_longer_than_the_longest_interval(limits: Limits) -> None:
    table = Table(Route(limits), before=[40.0] * 20 + [400.0] * 20)

    together(lambda: table.wait("a", 400.0))

    at = times_of(table.route, "a") or [at for at, _ in table.route.lists]
    assert at[0] < 60
    assert max(b - a for a, b in pairwise(at)) <= 30.1


def test_a_schedule_without_waits_is_kept_too() -> None:
    table = Table(Route(LISTS), poll=PollSchedule(first_s=0.0, jitter=0.0))

    together(lambda: table.wait("a", 3.0))

    assert [round(at) for at, _ in table.route.lists] == [0, 5]


def test_a_longest_interval_of_nothing_leaves_the_request_budget_to_bound_the_looks() -> None:
    nothing = PollSchedule(first_s=0.0, interval_s=0.0, max_interval_s=0.0, jitter=0.0)
    table = Table(Route(), before=renders(40), poll=nothing)

    together(lambda: table.wait("a", 60.0))

    assert len(table.route.looks) <= 6001
    assert table.late_s()[0] < 0.1


def nobody(group: Group) -> tuple[float, ...]:
    del group
    return ()


def lock(*records: TaskRecord) -> Lock:
    return Lock(manifest="film.yaml", entries={JobId("spin"): entry("spin", *records)})


def done(name: str, took_s: float | None, **fields: Any) -> TaskRecord:
    parts = {"model": "seedance-2.0", "tier": "fast", "prompt": "x"}
    defaults: dict[str, Any] = {
        "state": JobState.SUCCEEDED,
        "fingerprint": Fingerprint(digest="sha256:aa", version=1, parts=parts),
        "finished_at": T0 + timedelta(seconds=300),
        "render_s": took_s,
    }
    return record(name, **{**defaults, **fields})


def first_look(*records: TaskRecord, limits: Limits = LIMITS) -> float | None:
    history = History(limits, POLL)
    history.remember(lock(*records), "sim")
    course = history.course(polling.group("sim", job()), nobody)
    return None if course is None else course.next_age(0)


def test_times_in_the_lock_count_from_the_first_task_of_a_run_on() -> None:
    first = first_look(*(done(f"c{n}", 200.0 + n) for n in range(20)))

    assert first is not None
    assert 180 < first < 220


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"render_s": None}, id="not told"),
        pytest.param({"provider": "modellix"}, id="of another route"),
        pytest.param({"state": JobState.EXPIRED}, id="expired"),
        pytest.param({"finished_at": None}, id="not ended"),
        pytest.param({"fingerprint": Fingerprint(digest="sha256:aa")}, id="of who knows what"),
    ],
)
def test_records_that_tell_no_render_time_are_passed_over(fields: dict[str, object]) -> None:
    assert first_look(*(done(f"c{n}", 200.0, **fields) for n in range(20))) is None


def test_a_time_in_the_lock_is_no_longer_than_the_wait_for_it() -> None:
    first = first_look(*(done(f"c{n}", 400.0) for n in range(20)))

    assert first is not None
    assert 280 < first < 310


def test_a_time_that_our_clock_contradicts_counts_in_the_simulator_only() -> None:
    records = [done(f"c{n}", 3600.0) for n in range(20)]

    simulated = first_look(*records, limits=replace(LIMITS, speed=60))

    assert first_look(*records) is None
    assert simulated is not None
    assert simulated > 3000


def test_looks_that_find_ends_at_once_come_sooner_where_the_providers_clock_is_of_no_use() -> None:
    table = Table(Route())
    table.route.told_s = 1e7
    early = waits(table, [5.0] * 12, every_s=1.0)

    together(*early, lambda: table.wait("late", 5.0, start_s=200.0))

    assert times_of(table.route, "late")[0] - 200 < 10


def test_only_the_newest_times_count() -> None:
    old = [done(f"o{n}", 290.0, finished_at=T0 + timedelta(seconds=299)) for n in range(50)]
    new = [done(f"n{n}", 60.0) for n in range(400)]

    first = first_look(*new, *old)

    assert first is not None
    assert first < 62


def test_a_course_is_computed_anew_when_a_quarter_more_is_known() -> None:
    history = History(LIMITS, POLL)
    group = polling.group("sim", job())
    for took_s in renders(40):
        history.add(group, took_s)
    first = history.course(group, nobody)

    history.add(group, 60.0)
    same = history.course(group, nobody)
    for took_s in renders(20, seed=5):
        history.add(group, took_s)
    later = history.course(group, nobody)

    assert same is first
    assert later is not first
