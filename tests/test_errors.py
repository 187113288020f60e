from __future__ import annotations

import pytest

from seedrender.errors import ManifestError, Origin, Severity, Violation, printable

HERE = Origin("film.yaml", 3, 5)


def wrong(message: str = "it is wrong", origin: Origin = HERE, **fields: object) -> Violation:
    return Violation(origin=origin, message=message, **fields)  # type: ignore[arg-type]


def test_one_line_that_makes_a_thousand_jobs_wrong_is_said_once() -> None:
    found = ManifestError([wrong(jobs=(f"spin/{n:04}",), hint="mend it") for n in range(1000)])

    assert str(found) == (
        "film.yaml:3:5: spin/0000, spin/0001, spin/0002 and 997 more: it is wrong; mend it"
    )
    assert found.violations[0].as_json()["job_count"] == 1000


def test_the_rows_that_a_mistake_came_through_are_kept_together() -> None:
    rows = [Origin("rows.csv", line, 1) for line in (2, 3, 4, 5, 6)]

    found = ManifestError([wrong(related=(HERE, row)) for row in rows])

    assert str(found).endswith("(from film.yaml:3:5, rows.csv:2:1, rows.csv:3:1 and 3 more)")


def test_violations_are_sorted_by_place() -> None:
    later, other = Origin("film.yaml", 10, 1), Origin("cast.yaml", 99, 1)

    found = ManifestError([wrong(origin=later), wrong("b"), wrong("a"), wrong(origin=other)])

    assert [(v.origin.file, v.origin.line, v.message) for v in found.violations] == [
        ("cast.yaml", 99, "it is wrong"),
        ("film.yaml", 3, "a"),
        ("film.yaml", 3, "b"),
        ("film.yaml", 10, "it is wrong"),
    ]


def test_a_warning_says_that_it_is_one_and_its_id() -> None:
    found = wrong(severity=Severity.WARNING, code="SR101", jobs=("spin",))

    assert str(found) == "film.yaml:3:5: warning SR101: spin: it is wrong"


@pytest.mark.parametrize(
    ("path", "pointer"),
    [((), ""), (("shots", "a/b", "x~y", 0), "/shots/a~1b/x~0y/0")],
)
def test_a_path_is_a_json_pointer(path: tuple[str | int, ...], pointer: str) -> None:
    assert wrong(path=path).as_json()["path"] == pointer


def test_a_program_is_told_the_range_and_where_it_is_explained() -> None:
    found = wrong(end=(3, 9), code="limits").as_json()

    assert found["range"] == {"start": {"line": 3, "column": 5}, "end": {"line": 3, "column": 9}}
    assert found["docs"] == "schemas/README.md#limits"


@pytest.mark.parametrize(
    "sign",
    ["\u061c", "\xad", "\u180e", "\ufff9", "\U000e0041", "\u202e", "\x1b", "\u3164", "\ud800"],
)
def test_what_hides_or_turns_text_is_shown_as_an_escape(sign: str) -> None:
    assert printable(f"a{sign}b") == f"a{ascii(sign)[1:-1]}b"
