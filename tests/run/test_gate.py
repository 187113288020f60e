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


def test_a_person_who_closes_it_is_no_failure() -> None:
    gate = Gate()
    assert (gate.is_open, gate.closed_by, gate.has_failed, gate.is_paused) == (
        True,
        "",
        False,
        False,
    )

    gate.close("interrupted")
    gate.pause()

    assert (gate.is_open, gate.closed_by, gate.has_failed) == (False, "interrupted", False)
    assert not gate.is_paused  # nobody is to wait at a closed gate


def test_a_paused_gate_waits_for_the_word_to_go_on() -> None:
    async def work() -> tuple[bool, float]:
        gate = Gate()
        gate.pause()
        assert gate.is_paused
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
    assert gate.has_failed
    assert gate.closed_by == (
        "5 submits in a row were refused alike: HTTP 404: there is no model at endpoint 77"
    )


def test_refusals_that_differ_or_a_success_between_them_close_nothing() -> None:
    gate = Gate()

    for number in range(20):
        gate.refused(("the prompt is refused", "the image is refused")[number % 2])
    for _ in range(20):
        gate.refused("the prompt is refused")
        gate.accepted()

    assert gate.is_open


def test_refusals_are_counted_from_the_first_of_a_row() -> None:
    gate = Gate()

    gate.refused("the image is refused")
    for _ in range(4):
        gate.refused("the prompt is refused")
    assert gate.is_open
    gate.refused("the prompt is refused")

    assert not gate.is_open


def test_a_refusal_without_words_is_one_like_any_other() -> None:
    gate = Gate()

    for _ in range(4):
        gate.refused("")
    gate.accepted()
    for _ in range(4):
        gate.refused("")

    assert gate.is_open


def test_who_waits_for_an_answer_is_known_as_long_as_it_does() -> None:
    gate = Gate()

    async def work() -> list[int]:
        before = len(gate.awaiting_answer)
        with gate.answer_is_due():
            within = gate.awaiting_answer == {asyncio.current_task()}
        return [before, within, len(gate.awaiting_answer)]

    assert virtual.run(work())[0] == [0, True, 0]


def test_what_one_submit_did_not_buy_is_not_said_of_the_run() -> None:
    gate = Gate()

    gate.close("HTTP 402: no credit; nothing was bought", has_failed=True)

    assert gate.closed_by == "HTTP 402: no credit"
