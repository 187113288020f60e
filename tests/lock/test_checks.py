from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from seedrender.lock import checks

_HALF = "is not JSON (a text has half a character)"


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("check", "value", "words"),
    [
        pytest.param(
            checks.json_object, "[1e999]", "is not JSON (a number is too large)", id="1e999"
        ),
        pytest.param(
            checks.json_object,
            '{"a": 1, "a": 2}',
            "not JSON (a key stands in it twice)",
            id="twice",
        ),
        pytest.param(checks.text, "", "'' is not a text", id="an empty text"),
        pytest.param(checks.json_object, r'{"a": "\ud800"}', _HALF, id="half a character"),
        pytest.param(checks.json_object, r'{"\uD83d": 1}', _HALF, id="half a name"),
        pytest.param(checks.json_object, '{"a": ["\ud800"]}', _HALF, id="half, and unescaped"),
        pytest.param(checks.inside, "../a", "'../a' leads out of the manifest's folder", id="out"),
        pytest.param(checks.inside, "/a", "'/a' leads out of the manifest's folder", id="absolute"),
        pytest.param(checks.inside, "a\tb", r"'a\tb' is no path", id="a tab"),
        pytest.param(checks.sha256, "AB" * 32, f"'{'AB' * 32}' is no sha256", id="capitals"),
        pytest.param(checks.sha256, "ab" * 33, f"'{'ab' * 33}' is no sha256", id="too long"),
        pytest.param(checks.whole, -1, "-1 is not a whole number", id="below nothing"),
        pytest.param(checks.whole, 1.0, "1.0 is not a whole number", id="a float"),
        pytest.param(checks.whole, False, "False is not a whole number", id="a boolean"),
        pytest.param(checks.seconds, True, "True is no number of seconds", id="true seconds"),
        pytest.param(checks.seconds, "5", "'5' is no number of seconds", id="a text of seconds"),
        pytest.param(checks.seconds, math.inf, "inf is no number of seconds", id="for ever"),
        pytest.param(checks.seconds, -0.1, "-0.1 is no number of seconds", id="before"),
        pytest.param(
            checks.moment,
            "2026-01-01T00:00:00",
            "'2026-01-01T00:00:00' has no time zone",
            id="zone",
        ),
        pytest.param(checks.list_of, {}, "{} is not a list", id="no list"),
    ],
)
def test_what_is_wrong_with_a_value_is_said_with_the_value(
    check: Callable[[Any], object], value: object, words: str
) -> None:
    with pytest.raises((TypeError, ValueError), match=f"{re.escape(words)}\\)?$"):
        check(value)


def test_what_is_nothing_is_a_number_all_the_same() -> None:
    assert (checks.whole(0), checks.whole(7), checks.seconds(0), checks.seconds(0.5)) == (
        0,
        7,
        0,
        0.5,
    )
    assert isinstance(checks.seconds(1), float)


def test_a_text_may_be_missing_or_empty_where_it_may() -> None:
    assert [checks.maybe_text(value) for value in (None, "", "a")] == [None, "", "a"]


def test_two_halves_are_a_character() -> None:
    assert checks.json_object(r'{"a": "\ud83d\ude00"}') == {"a": "\U0001f600"}


@pytest.mark.parametrize(
    ("value", "is_shallow"),
    [
        pytest.param(nested(10), True, id="as deep as may be"),
        pytest.param(nested(11), False, id="deeper"),
        pytest.param({"a": [{"b": 1}, None, 2.5]}, True, id="numbers and nothing"),
        pytest.param({"a": nested(11)}, False, id="deeper, under a name"),
    ],
)
def test_parts_of_a_fingerprint_are_shallow(value: Any, *, is_shallow: bool) -> None:
    assert checks.is_shallow(value) is is_shallow


@pytest.mark.parametrize(
    ("written", "microsecond"),
    [("00.001", 1000), ("00.123456", 123_000), ("00.999999", 999_000), ("00", 0)],
)
def test_a_time_is_read_in_utc_to_the_millisecond(written: str, microsecond: int) -> None:
    found = checks.moment(f"2026-01-01T09:00:{written}+09:00")

    assert found == datetime(2026, 1, 1, 0, 0, 0, microsecond, UTC)
    assert found.tzinfo is UTC


def test_of_a_long_value_a_message_shows_the_beginning() -> None:
    assert checks.short("a" * 500) == "'" + "a" * 99


def test_unknown_keys_are_named_in_order_and_known_ones_are_not() -> None:
    checks.only_keys({"a": 1}, {"a", "b"})
    with pytest.raises(ValueError, match=r"^unknown key 'x'$"):
        checks.only_keys({"z": 1, "x": 1, "a": 1}, {"a"})
    with pytest.raises(TypeError, match=r"^7 is not an object$"):
        checks.only_keys(7, {"a"})


def test_a_size_is_one_that_a_file_may_have() -> None:
    assert checks.size(2**63 - 1) == 2**63 - 1
    for value in (2**63, -1, 1.5, True):
        with pytest.raises(TypeError):
            checks.size(value)
