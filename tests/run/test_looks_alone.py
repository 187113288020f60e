"""Single decisions about looks: when to hold, whether it was held, who is asked for first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TypeVar

import pytest

from seedrender.errors import UnavailableError
from seedrender.plan import polling
from seedrender.plan.polling import Group
from seedrender.run.history import History
from seedrender.run.looks import Looks, Watch
from seedrender.values.manifest import PollSchedule
from seedrender.values.provider import Limits
from seedrender.values.task import Task, TaskId, TaskState
from tests import virtual
from tests.builders import job, record
from tests.run.test_looks import HOLDS, LIMITS, LISTS, Route, Table

T = TypeVar("T")

BEFORE = [60.0 + n for n in range(20)]


def at_the_table(
    decide: Callable[[Looks, Watch], T],
    route: Route,
    *,
    before: Sequence[float] = (),
    after_s: float = 0.0,
    is_fresh: bool = True,
) -> T:
    """Decide about a task that was submitted a while ago."""

    async def work() -> T:
        table = Table(route, before)
        task = record("a", task_id=TaskId("a"), submitted_at=None)
        with table.looks.watch(job(), task, is_fresh=is_fresh) as watch:
            await asyncio.sleep(after_s)
            return decide(table.looks, watch)

    return virtual.run(work())[0]


def spread_by(factor: float) -> Callable[[Looks, Watch], float]:
    def decide(looks: Looks, watch: Watch) -> float:
        watch.spread = factor
        return looks._wait_to_hold_s(watch)

    return decide


def test_the_first_held_look_is_at_the_schedules_first_where_no_times_are_known() -> None:
    assert at_the_table(spread_by(1.2), Route(HOLDS)) == 18.0
    assert at_the_table(spread_by(0.8), Route(HOLDS)) == 12.0


def test_the_first_held_look_is_before_ends_are_likely() -> None:
    def wait_s(looks: Looks, watch: Watch) -> float:
        return looks._wait_to_hold_s(watch)

    at_once, later, too_late = (
        at_the_table(wait_s, Route(HOLDS), before=BEFORE, after_s=s) for s in (0.0, 20.0, 59.0)
    )

    assert 50 < at_once < 60
    assert later == pytest.approx(at_once - 20)
    assert too_late == 0.0


def test_what_is_due_or_was_held_before_is_held_at_once() -> None:
    def again(looks: Looks, watch: Watch) -> float:
        watch.looks = 1
        return looks._wait_to_hold_s(watch)

    assert at_the_table(again, Route(HOLDS)) == 0.0
    assert at_the_table(spread_by(1.0), Route(HOLDS), is_fresh=False) == 0.0


@pytest.mark.parametrize(
    ("took_s", "state", "word", "not_held"),
    [
        pytest.param(7.5, TaskState.RUNNING, "processing", 0, id="held a quarter of the time"),
        pytest.param(7.4, TaskState.RUNNING, "processing", 3, id="answered sooner"),
        pytest.param(0.1, TaskState.RUNNING, "queued", 2, id="a new state may be why"),
        pytest.param(0.1, TaskState.SUCCEEDED, "processing", 2, id="the end may be why"),
        pytest.param(120.1, TaskState.RUNNING, "processing", 0, id="held for long"),
    ],
)
def test_a_server_that_answers_at_once_is_noticed(
    took_s: float, state: TaskState, word: str, not_held: int
) -> None:
    def judge(looks: Looks, watch: Watch) -> int:
        looks._not_held = 2
        watch.provider_state = "processing"
        task = Task(id=TaskId("a"), state=state, provider_state=word)
        looks._judge_hold(watch, task, took_s)
        return looks._not_held

    assert at_the_table(judge, Route(HOLDS)) == not_held


def test_a_held_look_that_fails_counts_once_and_gives_its_place_back() -> None:
    async def work() -> tuple[float, int]:
        table = Table(Route(HOLDS))
        table.route.errors.append(UnavailableError("broken"))
        task = record("a", task_id=TaskId("a"))
        with table.looks.watch(job(), task, is_fresh=True) as watch:
            with pytest.raises(UnavailableError):
                await table.looks._hold(watch)
            return table.looks._not_held, table.looks._held

    assert virtual.run(work())[0] == (1, 0)


def test_how_long_a_look_was_held_is_counted_in_the_providers_seconds() -> None:
    async def work() -> float:
        table = Table(Route(replace(HOLDS, speed=10.0)))
        table.route.ends_at["a"] = 1000.0
        task = record("a", task_id=TaskId("a"))
        with table.looks.watch(job(), task, is_fresh=True) as watch:
            watch.looks, watch.provider_state = 1, "processing"
            await table.looks._hold(watch)  # three of our seconds are thirty of its
        return table.looks._not_held

    assert virtual.run(work())[0] == 0


class Naming(Route):
    """Notes which tasks are asked for together."""

    def __init__(self) -> None:
        super().__init__(replace(LISTS, batch=2))
        self.asked: list[list[str]] = []

    async def poll_many(self, task_ids: Sequence[TaskId]) -> Mapping[TaskId, Task]:
        self.asked.append(list(task_ids))
        return await super().poll_many(task_ids)


def asked_first(arrange: Callable[[Looks, list[Watch]], None]) -> list[str]:
    """The tasks of the first request for many, of three that are waited for."""

    async def work() -> list[str]:
        table, route = Table(found := Naming()), found
        with ExitStack() as stack:
            watches = []
            for name in "abc":
                route.ends_at[name] = 1000.0
                task = record(name, task_id=TaskId(name))
                watches.append(stack.enter_context(table.looks.watch(job(), task, is_fresh=True)))
            await asyncio.sleep(10)
            arrange(table.looks, watches)
            table.looks._sharing.update(watches)
            await table.looks._look_for_all()
        return sorted(route.asked[0])

    return virtual.run(work())[0]


def test_those_that_are_due_are_asked_for_first() -> None:
    def arrange(looks: Looks, watches: list[Watch]) -> None:
        del looks
        watches[0].is_due = watches[2].is_due = True

    assert asked_first(arrange) == ["a", "c"]


def test_who_is_asked_for_first_is_decided_as_it_is_now() -> None:
    def arrange(looks: Looks, watches: list[Watch]) -> None:
        del looks
        first, second, third = watches  # parts of their waits that have passed, squared:
        first.is_due = True
        second.asked = 0.0  # 10 of 15 seconds, as after none
        third.looks, third.asked = 1, 6.7  # 3.3 of 5: less now, and more a second later

    assert asked_first(arrange) == ["a", "b"]


def test_who_waits_no_more_is_not_asked_for() -> None:
    async def work() -> int:
        table = Table(Route(LISTS))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await table.wait("a", 100.0)
        return len(table.looks._sharing) + len(table.looks._watched)

    assert virtual.run(work())[0] == 0


@pytest.mark.parametrize(
    ("is_due", "asked", "after_s", "urgency"),
    [
        pytest.param(True, 0.0, 0.0, float("inf"), id="due"),
        pytest.param(False, 0.0, 0.0, (10 / 15) ** 2, id="two thirds of the first wait"),
        pytest.param(False, 0.0, 5.0, 1.0, id="all of it"),
        pytest.param(False, 4.0, 3.0, (9 / 15) ** 2, id="since the last look"),
    ],
)
def test_without_known_times_urgency_is_the_square_of_the_part_of_the_wait_that_has_passed(
    asked: float, after_s: float, urgency: float, *, is_due: bool
) -> None:
    def decide(looks: Looks, watch: Watch) -> float:
        watch.is_due, watch.asked = is_due, asked
        return looks._urgency(watch, after_s)

    assert at_the_table(decide, Route(LIMITS), after_s=10.0) == pytest.approx(urgency)


def test_with_known_times_urgency_is_the_lateness_in_prices_of_a_look() -> None:
    def decide(looks: Looks, watch: Watch) -> list[float]:
        course = looks._course(watch)
        assert course is not None
        watch.asked = 55.0
        first = looks._urgency(watch, 5.0) / course.urgency(55.0, 65.0)
        watch.looks = 1
        watch.asked = 30.0
        longest = looks._urgency(watch, 0.0)
        watch.asked = course.times.end
        watch.spread = 0.5
        beyond = looks._urgency(watch, course.times.end - 60.0 + 5.0)
        return [first, longest, beyond]

    first, longest, beyond = at_the_table(decide, Route(LIMITS), before=BEFORE, after_s=60.0)

    assert first == pytest.approx(1.0)
    assert longest == 1.0  # the longest interval has passed
    assert beyond == pytest.approx((5 / 15) ** 2)


class Seen(Route):
    """Notes how it is asked."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.ways: list[str] = []
        self.ends_at["a"] = 0.0

    async def poll(self, task_id: TaskId, *, hold: bool = False) -> Task:
        self.ways.append("held" if hold else "alone")
        return await super().poll(task_id, hold=hold)

    async def poll_many(self, task_ids: Sequence[TaskId]) -> Mapping[TaskId, Task]:
        self.ways.append("shared")
        return await super().poll_many(task_ids)


@pytest.mark.parametrize(
    ("limits", "way"),
    [
        pytest.param(replace(LIMITS, hold_s=0.5, batch=9), "held", id="holds for half a second"),
        pytest.param(replace(LIMITS, batch=2), "shared", id="two at once"),
        pytest.param(replace(LIMITS, batch=1), "alone", id="one by one"),
    ],
)
def test_a_look_is_held_shared_or_alone_as_the_route_lets_it(limits: Limits, way: str) -> None:
    async def work() -> list[str]:
        route = Seen(limits)
        table = Table(route)
        with table.looks.watch(job(), record("a", task_id=TaskId("a")), is_fresh=True) as watch:
            await table.looks.look(watch)
        return route.ways

    assert virtual.run(work())[0] == [way]


class Noted(History):
    """Notes what is learnt."""

    def __init__(self, limits: Limits, poll: PollSchedule) -> None:
        super().__init__(limits, poll)
        self.took_s: list[float] = []

    def add(self, finest: Group, took_s: float) -> None:
        del finest
        self.took_s.append(took_s)


@pytest.mark.parametrize(
    ("is_fresh", "speed", "told_s", "learnt"),
    [
        pytest.param(True, 1.0, 50.0, [50.0], id="what it says"),
        pytest.param(True, 1.0, 30.0, [40.0], id="not before it was last seen to run"),
        pytest.param(True, 10.0, 50.0, [50.0], id="a simulated task of this run"),
        pytest.param(False, 10.0, 50.0, [], id="a simulator stands still between runs"),
        pytest.param(False, 1.0, 50.0, [50.0], id="a task of an earlier run"),
        pytest.param(True, 1.0, 9e9, [50.0], id="a clock that says something else: the middle"),
        pytest.param(True, 1.0, None, [], id="nobody says"),
    ],
)
def test_how_long_a_task_took_is_learnt_where_that_can_be_known(
    speed: float, told_s: float | None, learnt: list[float], *, is_fresh: bool
) -> None:
    def decide(looks: Looks, watch: Watch) -> list[float]:
        noted = Noted(LIMITS, PollSchedule())
        looks._history = noted
        watch.seen = 40.0
        done = TaskState.SUCCEEDED
        looks._learn(
            watch, Task(id=TaskId("a"), state=done, provider_state="success", render_s=told_s)
        )
        return noted.took_s

    route = Route(replace(LIMITS, speed=speed))
    found = at_the_table(decide, route, after_s=60.0 / speed, is_fresh=is_fresh)

    assert found == learnt


def test_a_task_that_is_out_longer_than_any_was_is_looked_at_by_the_longest_interval() -> None:
    def decide(looks: Looks, watch: Watch) -> float:
        watch.spread = 0.5
        return looks._wait_s(watch)

    assert at_the_table(decide, Route(LIMITS), before=BEFORE, after_s=1000.0) == 15.0
    assert at_the_table(decide, Route(LIMITS), after_s=1000.0) == 7.5


def test_tasks_that_are_still_out_are_those_of_the_group_that_were_seen_to_run() -> None:
    async def work() -> list[float]:
        table = Table(Route(LIMITS))
        with ExitStack() as stack:
            for seen, resolution in ((0.0, None), (0.5, None), (5.0, None), (7.0, "720p")):
                task = record(f"c{seen}")
                wanted = job(resolution=resolution)
                watch = stack.enter_context(table.looks.watch(wanted, task, is_fresh=True))
                watch.seen = seen
            return sorted(table.looks._still_out(polling.group("scripted", job())))

    assert virtual.run(work())[0] == [0.5, 5.0]


def test_the_age_of_a_task_is_in_the_providers_seconds() -> None:
    def age(looks: Looks, watch: Watch) -> float:
        return looks._age(watch)

    assert at_the_table(age, Route(replace(LIMITS, speed=10.0)), after_s=2.0) == 20.0


def shared_wait_s(first_s: float, after_s: float) -> float:
    async def work() -> float:
        poll = PollSchedule(first_s=first_s, jitter=0.0)
        table = Table(Route(LISTS), poll=poll)
        with table.looks.watch(job(), record("a"), is_fresh=True) as watch:
            await asyncio.sleep(after_s)
            table.looks._sharing.add(watch)
            return table.looks._shared_wait_s()

    return virtual.run(work())[0]


def test_the_wait_for_a_shared_look_is_found_by_halving() -> None:
    assert shared_wait_s(15.0, 0.0) == 15.0
    assert shared_wait_s(15.0, 15.0) == 0.0
    assert shared_wait_s(15.0, 14.5) == 0.5
    assert shared_wait_s(0.8, 0.0) == 3277 / 4096  # the next step of 4096 within a second


def test_where_nothing_is_ever_urgent_the_wait_is_long_and_ends() -> None:
    def decide(looks: Looks, watch: Watch) -> float:
        del watch
        return looks._shared_wait_s()

    assert at_the_table(decide, Route(LISTS)) == 131_072.0


@pytest.mark.parametrize(("first_s", "speed"), [(0.8, 1.0), (15.0, 1.0), (15.0, 10.0)])
def test_a_shared_look_of_one_is_at_the_schedules_first(first_s: float, speed: float) -> None:
    async def work() -> float:
        poll = PollSchedule(first_s=first_s, jitter=0.0)
        table = Table(Seen(replace(LISTS, speed=speed)), poll=poll)
        with table.looks.watch(job(), record("a", task_id=TaskId("a")), is_fresh=True) as watch:
            await table.looks.look(watch)
        ((at, _),) = table.route.lists
        return at

    assert virtual.run(work())[0] == pytest.approx(first_s / speed, abs=0.02)


def test_who_has_an_answer_is_not_asked_for_again() -> None:
    async def work() -> list[float]:
        route = Naming()
        table = Table(route)

        async def one(name: str, *, is_due: bool) -> None:
            task = record(name, task_id=TaskId(name))
            with table.looks.watch(job(), task, is_fresh=True) as watch:
                watch.is_due = is_due
                await table.looks.look(watch)

        async with asyncio.TaskGroup() as group:
            for name, is_due in (("a", True), ("b", False), ("c", True)):
                route.ends_at[name] = 1000.0
                group.create_task(one(name, is_due=is_due))
        return [at for at, _ in route.lists]

    first, second = virtual.run(work())[0]

    assert first < 1
    assert second >= 14


def test_a_first_look_is_by_what_is_known_however_long_it_takes() -> None:
    def decide(looks: Looks, watch: Watch) -> float:
        course = looks._course(watch)
        assert course is not None
        return looks._urgency(watch, 0.0) / course.urgency(0.0, 62.0)

    assert at_the_table(decide, Route(LIMITS), before=BEFORE, after_s=62.0) == pytest.approx(1.0)
