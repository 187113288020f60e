from __future__ import annotations

from seedrender.values.entry import GUESSED, Pin
from tests.builders import T0, entry, record


def test_a_record_that_stands_for_a_damaged_line_is_a_guess() -> None:
    assert record(f"{GUESSED}c1").is_guess
    assert not record("c1").is_guess


def test_the_last_word_about_a_pin_holds() -> None:
    pins = [None, Pin(is_on=False, at=T0), Pin(is_on=True, at=T0)]

    assert [entry("spin", pin=pin).is_pinned for pin in pins] == [False, False, True]
