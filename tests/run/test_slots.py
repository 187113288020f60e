from __future__ import annotations

import asyncio

from seedrender.run.slots import Slots
from seedrender.values.task import TaskId
from tests import virtual


def limits(slots: Slots, accepted: int) -> list[int]:
    """How many may be in flight after each of so many submits that were accepted."""
    found = []
    for _ in range(accepted):
        slots.accepted()
        found.append(slots.limit)
    return found


def tasks(*names: str) -> set[TaskId]:
    return {TaskId(name) for name in names}


async def fill(slots: Slots, names: list[str], entered: list[str], *, ends: bool) -> None:
    async def one(name: str) -> None:
        async with slots.place(0) as slot:
            entered.append(name)
            slot.becomes(TaskId(name))
            await asyncio.sleep(1)
            slot.has_ended = ends

    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(one(name))


def test_a_place_is_free_when_its_task_has_ended() -> None:
    slots, entered = Slots(2), list[str]()

    _, seconds = virtual.run(fill(slots, ["a", "b", "c", "d"], entered, ends=True))

    assert entered == ["a", "b", "c", "d"]
    assert (seconds, slots.in_flight) == (2.0, 0)


def test_a_task_that_nobody_waits_for_any_more_keeps_its_place() -> None:
    slots, entered = Slots(2), list[str]()

    virtual.run(fill(slots, ["a", "b"], entered, ends=False))

    assert (slots.in_flight, slots.is_free) == (2, False)


def test_tasks_of_earlier_runs_hold_places_from_the_start_even_beyond_the_limit() -> None:
    slots = Slots(2, {TaskId("old-1"), TaskId("old-2"), TaskId("old-3")})
    entered: list[str] = []

    async def work() -> None:
        async def old(name: str) -> None:
            async with slots.place_of(TaskId(name)) as slot:
                await asyncio.sleep(int(name[-1]))
                slot.has_ended = True

        async with asyncio.TaskGroup() as group:
            group.create_task(fill(slots, ["new"], entered, ends=True))
            await asyncio.sleep(0.5)
            assert entered == []
            for number in (1, 2, 3):
                group.create_task(old(f"old-{number}"))

    virtual.run(work())

    assert entered == ["new"]
    assert slots.in_flight == 0


def test_a_refusal_shrinks_to_what_is_in_flight_and_success_grows_back_one_by_one() -> None:
    slots = Slots(10, {TaskId("a"), TaskId("b"), TaskId("c")})

    slots.refused()
    shrunk = slots.limit
    grown = []
    for _ in range(9):
        slots.accepted()
        grown.append(slots.limit)

    assert shrunk == 3
    assert grown == [3, 3, 3, 4, 4, 4, 4, 4, 5]


def test_other_troubles_neither_shrink_nor_grow() -> None:
    slots = Slots(10, {TaskId("a")})
    slots.refused()

    for _ in range(20):
        slots.accepted()
        slots.troubled()

    assert slots.limit == 1


def test_one_place_is_always_left() -> None:
    slots = Slots(4)

    slots.refused()

    assert slots.limit == 1


def test_a_cancelled_wait_takes_no_place() -> None:
    slots = Slots(1)

    async def work() -> None:
        async with slots.place(0):
            waiting = asyncio.create_task(fill(slots, ["late"], [], ends=True))
            await asyncio.sleep(0.1)
            waiting.cancel()
            await asyncio.wait([waiting])
        assert slots.in_flight == 0

    virtual.run(work())


def test_a_person_may_move_the_limit_while_it_runs() -> None:
    slots, entered = Slots(1), list[str]()

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fill(slots, ["a", "b", "c"], entered, ends=True))
            await asyncio.sleep(0.5)
            slots.limit_to(3)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert entered == ["a", "b", "c"]

    virtual.run(work())


def test_what_is_in_flight_is_what_was_made_and_what_is_about_to_be() -> None:
    slots = Slots(3, tasks("old"))

    async def work() -> list[tuple[int, int, bool]]:
        seen = []

        def look() -> None:
            seen.append((slots.in_flight, slots.tasks, slots.is_free))

        look()
        async with slots.place(0) as slot:
            look()
            slot.becomes(TaskId("new"))
            look()
            async with slots.place(0):
                look()
            look()
        look()
        return seen

    assert virtual.run(work())[0] == [
        (1, 1, True),
        (2, 1, True),
        (2, 2, True),
        (3, 2, False),
        (2, 2, True),
        (2, 2, True),  # it has not ended, as far as anybody knows
    ]


def test_places_that_wait_for_their_tasks_are_all_counted() -> None:
    slots = Slots(3)

    async def work() -> int:
        async with slots.place(0), slots.place(0):
            return slots.in_flight

    assert virtual.run(work())[0] == 2


def test_a_place_that_becomes_free_lets_in_one() -> None:
    slots, within = Slots(2), list[int]()

    async def one() -> None:
        async with slots.place(0):
            within.append(slots.in_flight)
            await asyncio.sleep(1)

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(7):
                group.create_task(one())

    _, seconds = virtual.run(work())

    assert (max(within), seconds) == (2, 4.0)


def test_a_task_of_an_earlier_run_that_nobody_counted_takes_a_place() -> None:
    slots = Slots(3)

    async def work() -> tuple[int, int]:
        async with slots.place_of(TaskId("old")) as slot:
            within = slots.in_flight
            assert slot.task_id == "old"
            slot.has_ended = True
        return within, slots.in_flight

    assert virtual.run(work())[0] == (1, 0)


def test_the_one_with_the_most_work_behind_it_goes_first_and_else_who_came_first() -> None:
    slots, entered = Slots(1), list[str]()

    async def one(name: str, behind_s: int) -> None:
        async with slots.place(behind_s):
            entered.append(name)
            await asyncio.sleep(1)

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            for name, behind_s in [("a", 5), ("b", 5), ("c", 42), ("d", 5), ("e", 12)]:
                group.create_task(one(name, behind_s))

    virtual.run(work())

    assert entered == ["a", "c", "e", "b", "d"]


def test_nobody_overtakes_those_who_wait() -> None:
    slots, entered = Slots(1), list[str]()

    async def one(name: str) -> None:
        async with slots.place(0):
            entered.append(name)

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            async with slots.place(0):
                group.create_task(one("waits"))
                await asyncio.sleep(1)
            assert not slots.is_free or entered == ["waits"]
            group.create_task(one("comes"))

    virtual.run(work())

    assert entered == ["waits", "comes"]


def test_a_wait_that_is_cancelled_as_its_turn_comes_hands_the_place_on() -> None:
    slots, entered = Slots(1), list[str]()

    async def late() -> None:
        async with slots.place(0):
            entered.append("late")

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            async with slots.place(0):
                waiting = asyncio.create_task(late())
                group.create_task(fill(slots, ["next"], entered, ends=True))
                await asyncio.sleep(0.1)
            waiting.cancel()  # its turn has come, and it has not woken up yet
            await asyncio.wait([waiting])

    virtual.run(work())

    assert (entered, slots.in_flight) == (["next"], 0)


def test_those_who_were_cancelled_are_passed_over() -> None:
    slots, entered = Slots(1), list[str]()

    async def work() -> None:
        async with asyncio.TaskGroup() as group, slots.place(0):
            gone = asyncio.create_task(fill(slots, ["gone"], [], ends=True))
            group.create_task(fill(slots, ["next"], entered, ends=True))
            await asyncio.sleep(0.1)
            gone.cancel()
            await asyncio.wait([gone])
        assert slots.in_flight == 0

    virtual.run(work())

    assert entered == ["next"]


def test_a_refusal_begins_to_count_anew_and_never_grows() -> None:
    slots = Slots(2, tasks("a", "b", "c"))

    slots.refused()

    assert slots.limit == 2

    slots = Slots(3, tasks("a"))
    slots.accepted()
    slots.accepted()
    slots.refused()
    grown = limits(slots, 2)

    assert grown == [1, 2]


def test_it_never_grows_beyond_what_a_person_allows() -> None:
    slots = Slots(2, tasks("a"))
    slots.refused()

    for _ in range(20):
        slots.accepted()

    assert slots.limit == 2


def test_room_that_was_learnt_lets_in_who_waits() -> None:
    slots, entered = Slots(2, tasks("a")), list[str]()

    async def work() -> None:
        slots.refused()
        async with asyncio.TaskGroup() as group:
            group.create_task(fill(slots, ["b"], entered, ends=True))
            await asyncio.sleep(0.1)
            assert entered == []
            slots.accepted()
            slots.accepted()
            await asyncio.sleep(0.1)
            assert entered == ["b"]

    virtual.run(work())


def test_a_limit_that_a_person_sets_is_the_new_most_and_begins_to_count_anew() -> None:
    slots = Slots(8, tasks("a"))
    slots.accepted()
    slots.accepted()

    slots.limit_to(1)
    grown = limits(slots, 9)

    assert grown == [1] * 9

    slots.limit_to(2)
    slots.refused()
    grown = limits(slots, 2)

    assert grown == [1, 2]
