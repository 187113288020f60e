from __future__ import annotations

import pytest

from seedrender.errors import Origin, Violation
from seedrender.source.rules import RULES
from seedrender.source.suppress import suppressed

FILM = """\
seedrender: 1
name: film
shots:
  spin:
    prompt: |
      Close-up, wide shot.

      Noon, at night.
    tags: [a]
  opener:
    prompt: "Close-up,
 wide shot."
    references:
    - hero
  last: {prompt: Close-up wide shot.}
"""


def at(line: int, code: str = "SR101", *, related: int | None = None) -> Violation:
    others = () if related is None else (Origin("film.yaml", related, 1),)
    origin = Origin("film.yaml", line, 5)
    return Violation(origin=origin, message="a: wrong", code=code, related=others)


def left(text: str, *found: Violation) -> list[str]:
    kept = suppressed(text).apply(found, "film.yaml", RULES)
    return [f"{v.origin.line} {v.code}" for v in kept]


def commented(line: int, comment: str) -> str:
    """Return the film with a comment at the end of a line."""
    lines = FILM.splitlines()
    lines[line - 1] += f"  {comment}"
    return "\n".join(lines) + "\n"


def above(line: int, comment: str) -> str:
    """Return the film with a comment in a line of its own, which pushes the others down."""
    lines = FILM.splitlines()
    lines.insert(line - 1, comment)
    return "\n".join(lines) + "\n"


def test_a_comment_at_a_value_covers_its_line_and_no_other() -> None:
    text = commented(15, "# seedrender: allow SR101")

    assert left(text, at(15), at(11)) == ["11 SR101"]


def test_a_comment_at_a_block_text_covers_the_text() -> None:
    text = commented(5, "# seedrender: allow SR101, SR105 since it is art")

    assert left(text, at(6), at(8, "SR105"), at(9)) == ["9 SR101"]


def test_a_comment_above_covers_the_next_line() -> None:
    text = above(15, "  # seedrender: allow SR101")

    assert left(text, at(16), at(11)) == ["11 SR101"]


@pytest.mark.parametrize(
    ("text", "shift"),
    [
        pytest.param(commented(4, "# seedrender: allow SR101"), 0, id="on the key"),
        pytest.param(above(4, "  # seedrender: allow SR101"), 1, id="above the key"),
    ],
)
def test_a_comment_at_a_shot_covers_all_of_it_and_nothing_after_it(text: str, shift: int) -> None:
    inside, after = at(9 + shift), at(10 + shift)

    assert left(text, inside, after) == [f"{10 + shift} SR101"]


def test_a_comment_behind_a_text_of_several_lines_covers_the_text() -> None:
    text = commented(12, "# seedrender: allow SR101")

    assert left(text, at(11)) == []


def test_a_list_may_stand_as_far_left_as_its_key() -> None:
    text = commented(13, "# seedrender: allow SR112")

    assert left(text, at(14, "SR112"), at(15, "SR112")) == ["15 SR112"]


def test_a_comment_before_the_first_key_covers_the_file() -> None:
    text = "# seedrender: allow SR101\n\n" + FILM

    assert left(text, at(3), at(17)) == []


def test_a_comment_at_a_shot_covers_what_its_template_says_for_it() -> None:
    text = commented(10, "# seedrender: allow SR101")

    assert left(text, at(99, related=10), at(99, related=4)) == ["99 SR101"]


def test_a_place_in_another_file_is_not_covered() -> None:
    text = "# seedrender: allow SR101\n" + FILM
    row = Violation(origin=Origin("rows.csv", 2, 1), message="a: wrong", code="SR101")

    assert left(text, row) == ["2 SR101", "1 SR100"]


@pytest.mark.parametrize(
    "text",
    [
        'a: "x # seedrender: allow SR101"\n',
        "a: 'x\n  # seedrender: allow SR101'\n",
        "a: |\n  # seedrender: allow SR101\n",
        "a: >-\n  x\n\n  y # seedrender: allow SR101",
        "a: x# seedrender: allow SR101\n",
    ],
)
def test_a_number_sign_in_a_text_is_no_comment(text: str) -> None:
    assert suppressed(text).allowances == ()


def test_a_comment_after_a_block_text_is_one() -> None:
    text = "a: |\n  x\n# seedrender: allow SR101\nb: y\n"

    assert left(text, at(4)) == []


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("# seedrender: allow SR999", "there is no rule SR999"),
        ("# seedrender: allow everything", "there is no rule EVERYTHING"),
        ("# seedrender: allow", "this suppression names no rule"),
        ("# seedrender: allow SR103", "nothing here needs `allow SR103`"),
    ],
)
def test_a_suppression_that_does_nothing_is_found_at_its_own_place(
    comment: str, message: str
) -> None:
    [idle] = suppressed(commented(15, comment)).apply([], "film.yaml", RULES)

    assert (idle.code, idle.message) == ("SR100", message)
    assert idle.origin == Origin("film.yaml", 15, len(FILM.splitlines()[14]) + 3)


def test_an_idle_suppression_can_be_allowed_too() -> None:
    assert left(commented(15, "# seedrender: allow SR100, SR101")) == []
    assert left("# seedrender: allow SR100\n" + commented(15, "# seedrender: allow SR101")) == []


def test_one_of_two_rules_may_be_idle() -> None:
    text = commented(15, "# seedrender: allow SR101, sr105")

    assert left(text, at(15)) == ["15 SR100"]


def test_a_comment_at_the_end_of_the_file_speaks_of_nothing() -> None:
    assert left(FILM + "# seedrender: allow SR101\n", at(15)) == ["15 SR101", "16 SR100"]


def test_lines_are_counted_as_the_parser_counts_them() -> None:
    text = "a: x\r\n# seedrender: allow SR101\r\nb: 'y\u2028z'\r\nc: w\r\n"

    assert left(text, at(3)) == []
