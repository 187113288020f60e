from __future__ import annotations

import pytest

from tests.source.film import prompts, refused

PROMPT = "prompt: '{{ c }} {{ a }} {{ m | default(\"-\") }}'"
MATRIX = "matrix: {c: [red, blue], a: [front, side]}"


def shot(more: str) -> str:
    return f"shots: {{s: {{{PROMPT}, {MATRIX}, {more}}}}}\n"


def test_an_include_of_every_axis_is_one_more_combination() -> None:
    found = prompts(shot("include: [{a: top, c: gold}]"))

    assert list(found) == [
        *("s/red-front", "s/red-side", "s/blue-front", "s/blue-side"),
        "s/gold-top",
    ]
    assert found["s/gold-top"] == "gold top -"


def test_an_include_of_known_values_adds_variables_to_what_it_matches() -> None:
    found = prompts(shot("include: [{c: red, m: soft}, {c: red, a: side, m: hard}]"))

    assert found == {
        "s/red-front": "red front soft",
        "s/red-side": "red side hard",
        "s/blue-front": "blue front -",
        "s/blue-side": "blue side -",
    }


def test_an_include_brings_back_what_was_excluded() -> None:
    found = prompts(shot("exclude: [{c: red}], include: [{c: red, a: front, m: x}]"))

    assert list(found) == ["s/blue-front", "s/blue-side", "s/red-front"]


def test_an_include_needs_no_matrix() -> None:
    assert prompts("shots: {s: {prompt: '{{ m }}', include: [{m: soft}]}}\n") == {"s": "soft"}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("{c: gold}", "a combination that is not in the matrix needs every axis: a"),
        ("{c: red}", "this includes nothing new"),
        ("{c: red, name: x}", "'name' is taken"),
        ("{c: [], a: top}", "axis c: [] cannot be a part of an id"),
        ("{c: '{{ vars.x }}', a: top}", "include: 'x' is not defined"),
        ("{c: re d, a: front}, {c: re_d, a: front}", "two combinations make the id 're_d-front'"),
    ],
)
def test_an_include_that_adds_nothing_right_is_refused(row: str, words: str) -> None:
    assert words in refused(shot(f"include: [{row}]"))


def test_an_exclude_of_no_axis_says_which_was_meant() -> None:
    text = "shots: {s: {prompt: A., matrix: {colour: [a]}, exclude: [{color: a}]}}\n"

    assert "'color' is not an axis of this matrix; did you mean 'colour'?" in refused(text)


def test_a_range_that_counts_nothing_is_said_to_be_empty() -> None:
    found = refused("shots: {s: {prompt: '{{ n }}', matrix: {n: '{{ range(3, 3) }}'}}}\n")

    assert "axis n has no values" in found
    assert "is not counted" in found


@pytest.mark.parametrize(
    ("written", "numbers"),
    [("range(2)", ["0", "1"]), ("range(1, 3)", ["1", "2"]), ("range(1, 6, 2)", ["1", "3", "5"])],
)
def test_a_range_counts_as_pythons(written: str, numbers: list[str]) -> None:
    shot = f"shots: {{s: {{prompt: '{{{{ n }}}}', matrix: {{n: '{{{{ {written} }}}}'}}}}}}\n"

    assert list(prompts(shot).values()) == numbers


def test_zeros_in_front_of_a_number() -> None:
    shot = """shots: {s: {prompt: "{{ ('000' ~ n)[-3:] }}", matrix: {n: [7, 41]}}}\n"""

    assert list(prompts(shot).values()) == ["007", "041"]


def test_a_matrix_of_a_wrong_shape_says_nothing_of_what_names_it() -> None:
    found = refused("shots: {s: {prompt: '{{ n }}', matrix: {n: 'range(1, 4)'}}}\n")

    assert "matrix.n is a text" in found
    assert "is not defined" not in found
