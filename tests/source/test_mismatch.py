"""The words for a value that does not fit a param's rule."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.source.mismatch import mismatch

EITHER = {
    "anyOf": [
        {"type": "integer", "minimum": 3},
        {"enum": ["front", "side"]},
        {"type": "object", "required": ["turn"], "properties": {"by": {"type": "integer"}}},
    ]
}


@pytest.mark.parametrize(
    ("value", "rule", "what", "wanted"),
    [
        (1, EITHER, "is 1", "write at least 3"),
        ("frnt", EITHER, 'is "frnt"', "did you mean 'front'?"),
        ("top", EITHER, 'is "top"', "write one of front, side"),
        (
            True,
            EITHER,
            "is true",
            "write a whole number, or one of front, side, or a mapping",
        ),
        ({"turn": 1, "by": "x"}, EITHER, 'has a by that is "x"', "write a whole number"),
        ({"by": 1}, EITHER, 'is {"by": 1}', "write the key 'turn' too"),
        (3, {"type": "string"}, "is 3", "write a text"),
        (3, {"type": ["string", "boolean"]}, "is 3", "write true or false or a text"),
        (4, {"const": 3}, "is 4", "write 3"),
        (9, {"maximum": 3}, "is 9", "write at most 3"),
        (3, {"exclusiveMinimum": 3}, "is 3", "write more than 3"),
        (3, {"exclusiveMaximum": 3}, "is 3", "write less than 3"),
        (7, {"multipleOf": 5}, "is 7", "write a multiple of 5"),
        ("b", {"pattern": "^a"}, 'is "b"', "write a text that matches ^a"),
        ("a", {"minLength": 3}, 'is "a"', "write 3 characters or more"),
        ("abcd", {"maxLength": 3}, 'is "abcd"', "write 3 characters at most"),
        ([], {"minItems": 1}, "is []", "write 1 items or more"),
        ([1, 2], {"maxItems": 1}, "is [1, 2]", "write 1 items at most"),
        ({}, {"minProperties": 1}, "is {}", "write 1 keys or more"),
        ({"a": 1}, {"maxProperties": 0}, 'is {"a": 1}', "write 0 keys at most"),
        ([1, 1], {"uniqueItems": True}, "is [1, 1]", "write no item twice"),
        (1, {"properties": {}, "not": {}}, "is 1", "write what fits: "),
        (1, False, "is 1", "write nothing: no value fits"),
        (
            {"z": 1},
            {"properties": {"a": {}}, "additionalProperties": False},
            'is {"z": 1}',
            "write it without z",
        ),
        (["a", 1], {"items": {"type": "string"}}, "has a [1] that is 1", "write a text"),
        (4, {"oneOf": [{"type": "string"}, {"maximum": 3}]}, "is 4", "write at most 3"),
        (1, {"not": {"const": 1}}, "is 1", "write what fits: "),
        (4, {"oneOf": [{"type": "integer"}, {"minimum": 1}]}, "is 4", "write what fits: "),
        (1, {"type": "colour"}, "has a rule that is no JSON Schema", '"colour" is not valid'),
        (1, {"$ref": "other.json"}, "has a rule that refers to another schema", "not followed"),
    ],
)
def test_the_best_alternative_is_explained(value: Any, rule: Any, what: str, wanted: str) -> None:
    found = mismatch(value, rule)

    assert found is not None
    assert found[0] == what
    assert wanted in found[1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(JSON)
def test_what_fits_is_not_spoken_of(value: Any) -> None:
    assert mismatch(value, {"const": value}) is None
    assert mismatch(value, {"anyOf": [{"const": "never this"}, True]}) is None
    assert mismatch(value, {"not": {}}) is not None
