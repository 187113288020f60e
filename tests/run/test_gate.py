from __future__ import annotations

import asyncio

from seedrender.run.gate import Gate
from tests import virtual


def test_a_closed_gate_lets_nothing_pass_and_keeps_its_first_reason() -> None:
    gate = Gate()

    gate.close("no credit", has_failed=True)
    gate.close("interrupted")

    assert virtual.run(gate.passes())[0] is False
    assert (gate.closed_by, gate.has_failed) == ("no credit", True)


def test_a_paused_gate_waits_for_the_word_to_go_on() -> None:
    async def work() -> tuple[bool, float]:
        gate = Gate()
        gate.pause()
        asyncio.get_running_loop().call_later(5, gate.resume)
        return await gate.passes(), asyncio.get_running_loop().time()

    assert virtual.run(work())[0] == (True, 5.0)


def test_closing_wakes_those_who_wait_in_a_pause() -> None:
    async def work() -> bool:
        gate = Gate()
        gate.pause()
        asyncio.get_running_loop().call_later(5, gate.close, "interrupted")
        return await gate.passes()

    assert virtual.run(work())[0] is False


def test_five_refusals_alike_in_a_row_close_it_whatever_numbers_they_hold() -> None:
    gate = Gate()

    for number in range(4):
        gate.refused(f"HTTP 404: there is no model at endpoint {number}")
    before = gate.is_open
    gate.refused("HTTP 404: there is no model at endpoint 77")

    assert (before, gate.is_open) == (True, False)
    assert "5 submits in a row were refused alike" in gate.closed_by


def test_refusals_that_differ_or_a_success_between_them_close_nothing() -> None:
    gate = Gate()

    for number in range(20):
        gate.refused(("the prompt is refused", "the image is refused")[number % 2])
    for _ in range(20):
        gate.refused("the prompt is refused")
        gate.accepted()

    assert gate.is_open
