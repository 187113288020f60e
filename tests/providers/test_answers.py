"""The JSON of an answer, also where it contradicts itself."""

from __future__ import annotations

from typing import Any

import pytest

from seedrender.providers import answers
from seedrender.providers.answers import parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.276", 0.276),
        ("0.0", 0.0),
        ("0e5", 0.0),
        ("-0.00", 0.0),
        ("1e-400", "1e-400"),
        ("0.0001E-400", "0.0001E-400"),
        ("1e400", "1e400"),
    ],
)
def test_a_number_that_is_not_zero_is_not_read_as_zero(text: str, value: Any) -> None:
    assert parse(b'{"amount": %b}' % text.encode()) == {"amount": value}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, "a": 2, "b": 3}', {"a": [1, 2], "b": 3}),
        ('{"a": 1, "a": 1}', {"a": 1}),
        ('{"a": 1, "b": 2}', {"a": 1, "b": 2}),
        ('{"a": {"b": 0}, "a": {"b": 5}}', {"a": [{"b": 0}, {"b": 5}]}),
    ],
)
def test_a_key_that_stands_there_twice_has_all_that_it_says(text: str, value: Any) -> None:
    assert parse(text.encode()) == value


def test_no_more_addresses_with_a_key_are_kept_than_are_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answers, "_MOST_ADDRESSES", 2)
    kept: dict[str, str] = {}

    answers.without([f"https://h/{n}/secret-key" for n in range(5)], "secret-key", kept)

    assert list(kept.values()) == ["https://h/3/secret-key", "https://h/4/secret-key"]
