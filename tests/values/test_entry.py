from __future__ import annotations

from seedrender.values.entry import GUESSED, Fingerprint, Pin
from tests.builders import T0, entry, record


def test_a_record_that_stands_for_a_damaged_line_is_a_guess() -> None:
    assert record(f"{GUESSED}c1").is_guess
    assert not record("c1").is_guess


def test_the_last_word_about_a_pin_holds() -> None:
    pins = [None, Pin(is_on=False, at=T0), Pin(is_on=True, at=T0)]

    assert [entry("spin", pin=pin).is_pinned for pin in pins] == [False, False, True]


def test_a_fingerprint_is_of_what_any_of_its_rules_made() -> None:
    wanted = Fingerprint(digest="sha256:now", older=("sha256:then", "sha256:before"))

    assert [wanted.is_of(Fingerprint(digest=digest)) for digest in (*wanted.digests, "sha256:x")] == [True, True, True, False]  # fmt: skip
    assert wanted == Fingerprint(digest="sha256:now")
