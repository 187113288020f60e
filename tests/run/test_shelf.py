from __future__ import annotations

import asyncio

import pytest

from seedrender.errors import RejectedError
from seedrender.run.shelf import Shelf
from seedrender.values.job import JobId
from tests import virtual

A, B, C = map(JobId, "abc")


def test_a_job_waits_until_it_has_all_places_that_it_needs() -> None:
    async def work() -> list[str]:
        shelf, order = Shelf(3), []

        async def job(name: JobId, files: set[str], seconds: float) -> None:
            await shelf.take(name, files)
            order.append(f"{name} has")
            await asyncio.sleep(seconds)
            await shelf.clear(name, shelf.leave(name))

        async with asyncio.TaskGroup() as group:
            group.create_task(job(A, {"1", "2"}, 5))
            group.create_task(job(B, {"3", "4"}, 1))  # only one place is free: it takes none
            group.create_task(job(C, {"1", "5"}, 1))
        return order

    order, seconds = virtual.run(work())

    assert order == ["a has", "c has", "b has"]
    assert seconds == 6


def test_a_file_goes_when_its_last_user_is_done() -> None:
    async def work() -> list[list[str]]:
        shelf = Shelf(None)
        await shelf.take(A, {"1", "2"})
        await shelf.take(B, {"1"})
        return [shelf.leave(A), shelf.leave(B), shelf.leave(B)]

    assert asyncio.run(work()) == [["2"], ["1"], []]


def test_nobody_waits_for_places_that_will_not_become_free() -> None:
    async def work() -> None:
        shelf = Shelf(1)
        await shelf.take(A, {"1"})
        async with asyncio.TaskGroup() as group:
            group.create_task(_refused(shelf))
            await asyncio.sleep(1)
            await shelf.keep(A)

    async def _refused(shelf: Shelf) -> None:
        with pytest.raises(RejectedError, match="all 1 files that the provider keeps"):
            await shelf.take(B, {"2"})

    virtual.run(work())
