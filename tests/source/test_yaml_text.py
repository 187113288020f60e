from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from seedrender.errors import ManifestError
from seedrender.source import yaml_text

words = st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=8)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | words,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(words.filter(lambda w: w != "<<"), inner)
    ),
    max_leaves=10,
)


def refused(text: str) -> str:
    with pytest.raises(ManifestError) as caught:
        yaml_text.parse(text, "film.yaml")
    return str(caught.value)


@given(st.text())
def test_no_text_makes_anything_but_a_document_or_a_manifest_error(text: str) -> None:
    try:
        yaml_text.parse(text, "film.yaml")
    except ManifestError as error:
        assert str(error).startswith("film.yaml:")  # noqa: PT017 - both ends are fine


@given(
    st.lists(st.sampled_from(["a", ": ", "- ", "\n", " ", "[", "]", "{", "}", "&x ", "*x", '"']))
)
def test_no_mixture_of_marks_makes_anything_else(marks: list[str]) -> None:
    try:
        yaml_text.parse("".join(marks), "film.yaml")
    except ManifestError as error:
        assert error.violations  # noqa: PT017 - both ends are fine


@given(plain)
def test_what_is_dumped_is_read_again(value: Any) -> None:
    assert yaml_text.parse(yaml_text.dump(value), "x").root == value


@given(plain)
def test_json_is_yaml(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)

    assert yaml_text.parse(text, "x").root == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("16:9", "16:9", id="a ratio is no sexagesimal number"),
        pytest.param("no", "no", id="no is a word"),
        pytest.param("on", "on", id="on is a word"),
        pytest.param("2026-01-01", "2026-01-01", id="a date is a text"),
        pytest.param("1e3", 1000.0, id="an exponent without a dot"),
        pytest.param("012", 12, id="no octal without o"),
        pytest.param("0o14", 12, id="octal"),
        pytest.param("0xff", 255, id="hexadecimal"),
        pytest.param(".5", 0.5, id="a point first"),
        pytest.param("1_000", "1_000", id="an underscore is no digit"),
        pytest.param("'5'", "5", id="quotes make a text"),
        pytest.param("!!str 5", "5", id="so does a tag"),
        pytest.param("true", True, id="true"),
        pytest.param("~", None, id="null"),
        pytest.param(".inf", ".inf", id="infinity is a text"),
    ],
)
def test_scalars_are_read_as_yaml_1_2_does(text: str, value: object) -> None:
    assert yaml_text.parse(f"a: {text}", "x").root == {"a": value}


def test_every_value_and_key_knows_its_place() -> None:
    text = "shots:\n  spin:\n    prompt: hi\n    tags: [a,  b]\n    text: |\n      one\n      two\n"

    found = yaml_text.parse(text, "f")

    assert str(found.origin(("shots", "spin", "prompt"))) == "f:3:13"
    assert str(found.key_origin(("shots", "spin", "prompt"))) == "f:3:5"
    assert str(found.origin(("shots", "spin", "tags", 1))) == "f:4:16"
    assert str(found.origin(("shots", "spin", "text"))) == "f:6:1"
    assert str(found.origin(("shots", "spin", "nothing", "deeper"))) == "f:3:5"
    assert str(found.origin(("shots", "spin", "prompt", "deeper"))) == "f:3:13"


def test_anchors_aliases_and_merges_are_followed() -> None:
    text = "a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\nc: *x\nd: {<<: [*x, {r: 4}]}\ne: [&y 5, *y]"

    found = yaml_text.parse(text, "f")

    assert found.root["b"] == {"p": 1, "q": 3}
    assert found.root["c"] is found.root["a"]
    assert found.root["d"] == {"p": 1, "q": 2, "r": 4}
    assert found.root["e"] == [5, 5]
    assert str(found.origin(("b", "p"))) == "f:1:11"


def test_the_pure_parser_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &x {p: 1, q: [2, 16:9]}\nb: *x\n"
    expected = yaml_text.parse(text, "f").root

    monkeypatch.setattr(yaml_text, "_LOADER", yaml.SafeLoader)

    assert yaml_text.parse(text, "f").root == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("a: 1\nb: 2\na: 3", "f.yaml:3:1: key 'a' is written twice", id="repeat"),
        pytest.param("1: a", "the key 1 is not a text", id="a number as key"),
        pytest.param("? [a]\n: b", "a key must be a text", id="a list as key"),
        pytest.param("a: !!python/name:os.system x", "is not allowed", id="a tag"),
        pytest.param("a: !secret x", "the tag !secret", id="an own tag"),
        pytest.param("--- {}\n--- {}", "a second document", id="two documents"),
        pytest.param("a: *b", "alias *b has no anchor", id="an alias of nothing"),
        pytest.param("a: &x [*x]", "alias *x has no anchor", id="a loop"),
        pytest.param("a: {<<: 1}", "<< takes a mapping", id="a merge of nothing"),
        pytest.param("a: " + "9" * 400, "this number is too long", id="a long number"),
        pytest.param("a: 0x" + "f" * 6000, "this number is too long", id="a long hexadecimal"),
        pytest.param('"a\\n": 1', "has a control character", id="a line break in a key"),
        pytest.param("a: \ud800", "f.yaml:1:4: a control character", id="half of a pair"),
        pytest.param("a: 1e999", "this number is too large", id="a large number"),
        pytest.param("a: \x07", "control character", id="a bell"),
        pytest.param("a:\n\t- b", "indent with spaces", id="a tab"),
        pytest.param("[" * 20_000, "nested deeper than 64", id="20,000 brackets"),
    ],
)
def test_what_is_not_plain_is_refused_with_its_place(text: str, words: str) -> None:
    assert words in refused(text).replace("film.yaml", "f.yaml")


def test_a_billion_laughs_are_counted_before_they_are_heard() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]

    assert "once aliases are followed" in refused("\n".join(lines))


def test_a_long_text_that_is_told_again_and_again_is_counted_by_its_length() -> None:
    text = f"a: &a {'x' * 1_000_000}\nb: [{', '.join(['*a'] * 200)}]"

    assert "once aliases are followed" in refused(text)


def test_a_huge_file_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "_MAX_BYTES", 10)

    assert "the file is larger" in refused("a: 123456789")


@pytest.mark.parametrize("start", ["a: ", "{a: "])
def test_a_text_that_is_nested_without_end_is_refused_at_once(start: str) -> None:
    text = f"{start}{'[' * 200_000}"

    with pytest.raises(ManifestError, match="nested deeper"):
        yaml_text.parse(text, "x")
    assert len(yaml_text.spans(text)) <= 64
