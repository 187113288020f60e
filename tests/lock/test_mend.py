"""Each bit of a journal of three short lines is flipped once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from seedrender.lock import lockfile, mend
from tests.builders import entry

LINES = [lockfile.journal_line(entry(name)) for name in ("a", "bö", "c")]
ROWS = [line[:-1] for line in LINES]
TEXT = b"".join(LINES)
HEADER = b'{"journal": 1, "manifest": "film.yaml"}'


def mended(text: bytes) -> list[tuple[int, bytes, bool]]:
    return list(mend.mended(list(lockfile.journal_lines(text))))


def flipped(text: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(text)
    changed[place] ^= 1 << bit
    return bytes(changed)


def flips() -> Iterator[tuple[int, bytes]]:
    return ((place, flipped(TEXT, place, bit)) for place in range(len(TEXT)) for bit in range(8))


def test_whichever_bit_was_flipped_every_line_is_as_it_was_written() -> None:
    for place, text in flips():
        assert [row for _, row, _ in mended(text)] == ROWS, (place, text)


def test_exactly_the_lines_that_were_damaged_are_said_to_be_mended() -> None:
    last = len(TEXT) - 1
    for place, text in flips():
        hit = TEXT[:place].count(b"\n")
        is_end = TEXT[place : place + 1] == b"\n"
        damaged = {hit, hit + 1} if is_end and place < last else {hit} - ({2} if is_end else set())
        found = [was_mended for _, _, was_mended in mended(text)]
        assert found == [n in damaged for n in range(3)], (place, text)


def test_a_line_is_known_by_the_number_of_its_first_row() -> None:
    first, second, third = ROWS
    parted = b"\n".join([first, second[:9], second[10:], third]) + b"\n"
    broken = second[:9] + b"\x0b" + second[10:]  # 0x0b is one bit from an end of a line
    joined = first + b"\x0b" + second + b"\n" + third + b"\n"

    assert [number for number, _, _ in mended(joined)] == [1, 1, 2]
    assert [number for number, _, _ in mended(parted)] == [1, 2, 3, 4]  # more than a bit is wrong
    assert [number for number, _, _ in mended(TEXT.replace(second, broken))] == [1, 2, 3]


def test_two_lines_that_were_one_are_one_again_and_the_next_keeps_its_number() -> None:
    made = lockfile.journal_line(entry("a*b"))[:-1]  # 0x2a is one bit from an end of a line
    parted = made.replace(b"*", b"\n")

    found = mended(b"\n".join([ROWS[0], parted, ROWS[2]]) + b"\n")

    assert found == [(1, ROWS[0], False), (2, made, True), (4, ROWS[2], False)]


def test_a_header_whose_end_was_flipped_is_left_out() -> None:
    assert mended(HEADER + b"\x0b" + TEXT) == [
        (1, ROWS[0], True),
        (2, ROWS[1], False),
        (3, ROWS[2], False),
    ]


@pytest.mark.parametrize("row", [b"x", b"{", b"}", ROWS[0][:-1], ROWS[0] + ROWS[1], HEADER])
def test_what_is_wrong_by_more_than_a_bit_is_left_as_it_is(row: bytes) -> None:
    assert mended(row + b"\n" + TEXT) == [
        (1, row, False),
        *((n, line, False) for n, line in enumerate(ROWS, 2)),
    ]


def test_of_two_lines_in_one_both_must_be_whole() -> None:
    row = ROWS[0] + b"\x0b" + flipped(ROWS[1], 9, 0)

    assert mended(row + b"\n") == [(1, row, False)]


def test_two_damaged_lines_are_both_mended() -> None:
    text = flipped(flipped(TEXT, 9, 0), len(LINES[0]) + 9, 0)

    assert mended(text) == [(1, ROWS[0], True), (2, ROWS[1], True), (3, ROWS[2], False)]


def line_of(size_bytes: int) -> bytes:
    short = lockfile.journal_line(entry("a"))
    return lockfile.journal_line(entry("a" * (2 + size_bytes - len(short))))[:-1]


def test_the_search_is_bounded_by_the_length_of_a_line() -> None:
    longest, longer = line_of(1 << 14), line_of((1 << 14) + 1)
    damaged = [flipped(line, 1, 0) for line in (longest, longer)]

    assert (len(longest), len(longer)) == (1 << 14, (1 << 14) + 1)
    assert mended(damaged[0] + b"\n") == [(1, longest, True)]
    assert mended(damaged[1] + b"\n") == [(1, damaged[1], False)]
