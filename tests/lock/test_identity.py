from __future__ import annotations

from dataclasses import replace

import pytest

from seedrender.lock import fold
from seedrender.lock.identity import FILE, WHICHEVER, Asked
from seedrender.values.entry import GUESSED, Fingerprint, JobState
from tests.builders import clip, entry, record

WANTED = Fingerprint(digest="sha256:wanted")
OTHER = Fingerprint(digest="sha256:other")


@pytest.mark.parametrize(
    ("made_on", "asked", "passes", "passes_in_identity"),
    [
        pytest.param("modellix", "modellix", True, True, id="the same route"),
        pytest.param("modellix", "byteplus", True, False, id="another paid route"),
        pytest.param("sim", "modellix", False, False, id="simulated, and a paid one is asked for"),
        pytest.param("modellix", "sim", True, False, id="paid, and a rehearsal is asked for"),
        pytest.param("sim", "sim", True, True, id="simulated, in a rehearsal"),
        pytest.param(FILE, "byteplus", True, True, id="brought by a person"),
    ],
)
def test_whether_a_clip_of_one_route_passes_on_another(
    *, made_on: str, asked: str, passes: bool, passes_in_identity: bool
) -> None:
    made = record(provider=made_on)

    assert Asked(route=asked).takes(made) is passes
    assert Asked(route=asked, is_identity=True).takes(made) is passes_in_identity
    assert WHICHEVER.takes(made)


def test_what_nobody_can_be_asked_about_is_no_other_routes_business() -> None:
    guess = record(f"{GUESSED}1", provider="unknown")

    assert Asked(route="byteplus").reaches(guess)
    assert not Asked(route="byteplus").reaches(record(provider="modellix"))


def test_a_simulated_clip_that_was_set_aside_does_not_come_back_for_a_paid_one() -> None:
    simulated = record("a", JobState.SUCCEEDED, fingerprint=WANTED, provider="sim")
    real = record("b", JobState.SUCCEEDED, fingerprint=OTHER, provider="modellix")
    aside = replace(simulated, superseded=clip("a", "renders/.superseded/spin.mp4"))
    known = entry("spin", aside, real, output=clip("b"))

    assert fold.made(WANTED, known, Asked(route="modellix"))[0] is None
    assert fold.made(WANTED, known, Asked(route="sim"))[0] == aside


def test_a_paid_clip_that_was_set_aside_comes_back_in_place_of_a_simulated_one() -> None:
    real = record("a", JobState.SUCCEEDED, fingerprint=WANTED, provider="modellix")
    simulated = record("b", JobState.SUCCEEDED, fingerprint=WANTED, provider="sim")
    aside = replace(real, superseded=clip("a", "renders/.superseded/spin.mp4"))
    known = entry("spin", aside, simulated, output=clip("b"))

    assert fold.made(WANTED, known, Asked(route="modellix"))[0] == aside
    assert fold.made(WANTED, known)[0] == simulated
