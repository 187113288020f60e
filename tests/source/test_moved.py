from __future__ import annotations

import pytest

from tests.source.film import load, refused

SHOTS = "shots: {a: {prompt: A., matrix: {x: [m, n]}}, b: {prompt: B.}}\n"


def test_renames_of_shots_and_jobs_are_read() -> None:
    found = load(f"{SHOTS}moved: [{{from: old, to: a}}, {{from: x/m, to: a/m}}]\n")

    assert found.manifest.moved == {"old": "a", "x/m": "a/m"}


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("{from: old, to: c}", "film.yaml:4:25: moved: there is no shot, chain or job 'c'"),
        ("{from: b, to: a}", "film.yaml:4:16: moved: 'b' is still a shot, chain or job"),
        ("{from: o, to: a}, {from: o, to: b}", "moved: 'o' is the `from` of two renames"),
        ("{from: o, to: a}, {from: p, to: a}", "moved: 'a' is the `to` of two renames"),
        ("{from: o}", "moved[0] lacks the key 'to'"),
    ],
)
def test_renames_that_lead_nowhere_are_refused(rows: str, words: str) -> None:
    assert words in refused(f"{SHOTS}moved: [{rows}]\n")
