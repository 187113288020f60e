from __future__ import annotations

import asyncio

from seedrender.run.slots import Slots
from seedrender.values.task import TaskId
from tests import virtual


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
