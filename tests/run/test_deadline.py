"""The end of a run's time: nothing more is sent, and what was sent is still answered."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from seedrender.providers.http import _SUBMIT_TIMEOUT
from seedrender.run.deadline import Deadline, close_in_time, end_in_time, within
from seedrender.run.gate import Gate
from tests import virtual


class Stopped:
    """An executor that notes how it was stopped."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float]] = []

    def stop(self, reason: str, answers_s: float) -> None:
        self.calls.append((reason, answers_s))


def ended(deadline: Deadline) -> tuple[list[tuple[str, float]], list[str]]:
    executor: Any = Stopped()
    said: list[str] = []
    desk: Any = SimpleNamespace(listener=SimpleNamespace(say=said.append))
    asyncio.run(end_in_time(executor, desk, deadline))
    return executor.calls, said


def test_without_a_time_there_is_no_deadline() -> None:
    assert Deadline.in_(None) is None


def test_a_deadline_waits_for_the_answer_of_a_submit_that_has_left() -> None:
    deadline = Deadline.in_(0.01)
    assert deadline is not None
    ((reason, answers_s),), said = ended(deadline)

    assert (reason, said) == ("the deadline was reached", [])
    assert _SUBMIT_TIMEOUT.total is not None
    assert answers_s > _SUBMIT_TIMEOUT.total


def test_where_the_clock_cannot_be_read_the_run_ends_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deadline = Deadline.in_(9000.0)
    assert deadline is not None

    def broken(_clock: int) -> float:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(time, "clock_gettime", broken)
    calls, said = ended(deadline)

    assert len(calls) == 1
    assert said[0].startswith("The clock cannot be read")


def test_a_look_that_hangs_ends_at_the_deadline_and_what_it_raises_is_raised() -> None:
    async def hang() -> str:
        await asyncio.sleep(3600)
        return "late"

    async def said() -> str:
        return "in time"

    async def fails() -> str:
        raise TimeoutError("its own")

    async def work() -> list[object]:
        found: list[object] = [await within(Deadline.in_(5.0), look()) for look in (hang, said)]
        found.append(await within(None, said()))
        with pytest.raises(TimeoutError, match="its own"):
            await within(Deadline.in_(5.0), fails())
        return found

    assert virtual.run(work())[0] == [None, "in time", "in time"]


@pytest.mark.parametrize(("after_s", "is_open"), [(None, True), (60.0, True), (-1.0, False)])
def test_nothing_is_bought_where_the_looks_took_all_the_time(
    after_s: float | None, *, is_open: bool
) -> None:
    desk: Any = SimpleNamespace(gate=Gate())

    close_in_time(desk, Deadline.in_(after_s))

    assert desk.gate.is_open is is_open


def test_where_the_clock_cannot_be_read_a_look_has_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deadline = Deadline.in_(1.0)

    def broken(_clock: int) -> float:
        raise OSError(5, "Input/output error")

    async def said() -> str:
        return "in time"

    monkeypatch.setattr(time, "clock_gettime", broken)

    assert asyncio.run(within(deadline, said())) == "in time"
