from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.source import template
from seedrender.source.template import References, TemplateFailure, render

VARIABLES: dict[str, Any] = {
    "vars": {"weather": ["rain", "snow"], "items": 3, "word": "kite", "flag": True},
    "ref": References(["hero", "my-hero"]),
    "colour": "red",
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("a kite", "a kite", id="nothing to do"),
        pytest.param(5, 5, id="no text"),
        pytest.param("{{ vars.weather }}", ["rain", "snow"], id="a list stays a list"),
        pytest.param("{{ vars.items + 1 }}", 4, id="a number stays a number"),
        pytest.param("{{ vars.flag }}", True, id="a boolean stays a boolean"),
        pytest.param("x{{ vars.items }}", "x3", id="text around makes a text"),
        pytest.param("{{ colour }} {{ vars.word | upper }}", "red KITE", id="a filter"),
        pytest.param("{{ ref.hero }}", "{{ ref.hero }}", id="a reference stands for itself"),
        pytest.param("{{ ref['my-hero'] }} x", "{{ ref.my-hero }} x", id="with a dash"),
        pytest.param("{% for w in vars.weather %}{{ w }} {% endfor %}", "rain snow ", id="a loop"),
        pytest.param("{% if vars.flag %}yes{% endif %}", "yes", id="a condition"),
        pytest.param("{{ 'a' + 'b' }}", "ab", id="texts add"),
        pytest.param("{# note #}x", "x", id="a comment"),
        pytest.param("{% for w in vars.weather %}{{ loop.index }}{% endfor %}", "12", id="loop"),
    ],
)
def test_expressions_are_evaluated(text: object, value: object) -> None:
    assert render(text, VARIABLES) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("{{ colur }}", "'colur' is not defined", id="a slip"),
        pytest.param("{{ vars.wether }}", "'wether' is not defined", id="a slip in vars"),
        pytest.param("{{ ref.villain }}", "'villain' is not defined", id="no such reference"),
        pytest.param("{{ 'a' * 10**10 }}", "not allowed", id="a power"),
        pytest.param("{{ 'a' * 1000000 }}", "takes numbers", id="a long text"),
        pytest.param("{{ [1] * 1000000 }}", "takes numbers", id="a long list"),
        pytest.param("{{ '%1000000d' % 1 }}", "takes numbers", id="a wide number"),
        pytest.param("{{ 999999999999999 * 999999999999999 }}", "takes numbers", id="large"),
        pytest.param("{{ ''.__class__ }}", "not defined", id="a class"),
        pytest.param("{{ vars.__init__.__globals__ }}", "not defined", id="globals"),
        pytest.param("{{ 'a'.center(10000000) }}", "not defined", id="a method"),
        pytest.param("{{ vars.word.format(1) }}", "not defined", id="format"),
        pytest.param("{{ lipsum() }}", "'lipsum' is not defined", id="lipsum"),
        pytest.param("{{ ref.hero | attr('join') }}", "attr", id="the attr filter"),
        pytest.param("{% macro m() %}{% endmacro %}", "macro is not allowed", id="a macro"),
        pytest.param("{% include 'x' %}", "include is not allowed", id="an include"),
        pytest.param("{% for a in vars.weather %}{% for b in vars.weather %}{% endfor %}{% endfor %}",
                     "a loop inside a loop", id="a loop in a loop"),
        pytest.param("{{ 1 / 0 }}", "division by zero", id="a division"),
        pytest.param("{{ unclosed", "", id="unclosed"),
        pytest.param("x" * 100_000 + "{{ colour }}", "longer than", id="a long template"),
        pytest.param("{{ colour + 1 }}", "takes numbers", id="a text and a number"),
        pytest.param("{{ nothing + 1 }}", "'nothing' is not defined", id="adding nothing"),
    ],
)  # fmt: skip
def test_what_reaches_out_or_grows_is_refused(text: str, words: str) -> None:
    with pytest.raises(TemplateFailure) as caught:
        render(text, VARIABLES)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("{{ 'aaaaaaaaaa'" + "|replace('a', 'aaaaaaaaaa')" * 10 + " }}", "longer", id="replace"),
        pytest.param("{% set a = 'a' %}" + "{% set a = a ~ a %}" * 40, "set is not", id="set"),
        pytest.param("{% with a = 'a' %}{% endwith %}", "with is not allowed", id="with"),
        pytest.param("{{ vars.big ~ vars.big }}", "longer than", id="~"),
        pytest.param("{{ vars.big + vars.big }}", "longer than", id="+"),
        pytest.param("{{ [vars.big, vars.big] | join }}", "longer than", id="join"),
        pytest.param("{{ vars.huge | upper }}", "longer than", id="a long variable"),
        pytest.param("{{ vars.big }}{{ vars.big }}", "longer than", id="two by name"),
        pytest.param("{{ 1.5 | round(900000000, 'ceil') }}", "12 decimals", id="round"),
        pytest.param("{{ '1e999' | float }}", "reasonable size", id="float"),
        pytest.param("{{ 1e999 }}", "too large", id="an infinite number"),
        pytest.param("{{ vars" + ".a" * 300 + " }}", "nested too deeply", id="items"),
        pytest.param("x" + "{% if 1 %}" * 130 + "{% endif %}" * 130, "nested too deeply", id="ifs"),
        pytest.param("{{ " + "(" * 5000 + ")" * 5000 + " }}", "nested too deeply", id="brackets"),
        pytest.param("{{ [nope] }}", "'nope' is not defined", id="an undefined item"),
        pytest.param("{{ {'a': nope} }}", "'nope' is not defined", id="an undefined value"),
        pytest.param("{{ [nope] }} x", "cannot stand in a text", id="a list in a text"),
        pytest.param("{{ vars }} x", "a mapping cannot stand", id="a mapping in a text"),
        pytest.param("{{ vars.none }} x", "an empty value cannot stand", id="nothing in a text"),
        pytest.param("{{ nope ~ 'x' }}", "'nope' is not defined", id="an undefined part"),
        pytest.param("{{ vars.word() }}", "calls are not", id="a call"),
        pytest.param("{% for a in vars.weather %}{{ loop('x') }}{% endfor %}", "calls are", id="loop"),
        pytest.param("{{ ref.my-hero }}", "'my' is not defined", id="a dash"),
    ],
)  # fmt: skip
def test_what_could_grow_or_read_as_notation_is_refused(text: str, words: str) -> None:
    variables = {
        **VARIABLES,
        "vars": {**VARIABLES["vars"], "big": "x" * 60_000, "huge": "x" * 120_000, "none": None},
    }

    with pytest.raises(TemplateFailure) as caught:
        render(text, variables)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("{{ 'a' ~ 1 ~ vars.word }}", "a1kite", id="~"),
        pytest.param("{{ vars.weather | join(', ') }}", "rain, snow", id="join"),
        pytest.param("{{ 'kite' | replace('k', 's', 1) }}", "site", id="replace"),
        pytest.param("{{ 2.567 | round(1) }}", 2.6, id="round"),
        pytest.param("{{ '2.5' | float + 'x' | float }}", 2.5, id="float"),
        pytest.param(["{{ colour }}", {"a": "{{ vars.items }}"}], ["red", {"a": 3}], id="nested"),
        pytest.param("{{ [1, {'a': 2}] }}", [1, {"a": 2}], id="a list written here"),
        pytest.param("{{{ colour }}", "{{{ colour }}", id="a brace before"),
        pytest.param("{{ colour }}}", "red}", id="a brace behind"),
    ],
)
def test_what_is_bounded_still_works(text: object, value: object) -> None:
    if text == value:
        with pytest.raises(TemplateFailure):
            render(text, VARIABLES)
    else:
        assert render(text, VARIABLES) == value


def test_a_name_with_a_dash_is_shown_how_to_be_written() -> None:
    with pytest.raises(TemplateFailure) as caught:
        render("{{ ref.my-hero }} x", VARIABLES)

    assert caught.value.hint == "write ref['my-hero']"


pieces = st.sampled_from(
    ["{{ colour }}", "{{vars.word}}", "{{ ref.hero }}", "{{ vars.items }}", "{{ vars.flag }}", "{",
     "}", " ", "a", "\\n", "{{ nope }}", "{{ vars.nope }}", "{{ vars.weather }}", "{# c #}", "%}"]
)  # fmt: skip


@given(st.lists(pieces, min_size=2, max_size=6))
def test_names_are_filled_in_as_jinja_would(parts: list[str]) -> None:
    text = "".join(parts)

    def outcome(text: str) -> object:
        try:
            return render(text, VARIABLES)
        except TemplateFailure:
            return None

    # a condition that always holds keeps the text from being filled in by name
    assert outcome(f"{text} ") == outcome(f"{text} {{% if 1 %}}{{% endif %}}") or _is_one(text)


def _is_one(text: str) -> bool:
    return template._SINGLE.fullmatch(text) is not None


def test_a_long_result_is_refused() -> None:
    variables = {"words": ["x" * 1000] * 200}

    with pytest.raises(TemplateFailure, match="longer than"):
        render("{% for w in words %}{{ w }}{% endfor %}", variables)
    with pytest.raises(TemplateFailure, match="longer than"):
        render("{{ words | join('') }}", variables)


@pytest.mark.parametrize(
    ("name", "hint"), [("mira", "did you mean 'ref.mira'?"), ("old", "did you mean 'ref.old'?")]
)
def test_a_reference_that_is_named_without_its_word_is_suggested_with_it(
    name: str, hint: str
) -> None:
    with pytest.raises(TemplateFailure) as caught:
        render(
            "{{ NAME }} walks".replace("NAME", name), {"ref": {"mira": "", "old": "", "olm": ""}}
        )

    assert caught.value.hint == hint


def test_a_failure_knows_its_line_and_what_was_meant() -> None:
    with pytest.raises(TemplateFailure) as caught:
        render("one\ntwo\n{{ vars.wether }}", VARIABLES)

    assert (caught.value.line, caught.value.hint) == (3, "did you mean 'vars.weather'?")


@given(st.text(st.characters(categories=["L", "P", "S", "Zs"]), max_size=30))
def test_no_template_makes_anything_but_a_value_or_a_failure(text: str) -> None:
    try:
        render("{{" + text + "}}", VARIABLES)
    except TemplateFailure as failure:
        assert failure.line >= 1  # noqa: PT017 - both ends are fine


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("{{ range(3) }}", [0, 1, 2]),
        ("{{ range(1, 4) }}", [1, 2, 3]),
        ("{{ range(9, 1, -4) }}", [9, 5]),
        ("{{ range(2, 2) }}", []),
        ("{{ range(1, vars.n) }}", [1, 2]),
    ],
)
def test_a_range_is_a_list_of_whole_numbers(text: str, numbers: list[int]) -> None:
    assert render(text, {"vars": {"n": 3}}) == numbers


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{ range(10001) }}", "more than 10000 numbers"),
        ("{{ range(10 * 999999999999) }}", "reasonable size"),
        ("{{ range(1.5) }}", "whole numbers"),
        ("{{ range(true) }}", "whole numbers"),
        ("{{ range() }}", "range takes"),
        ("{{ range(1, 2, 0) }}", "no step of 0"),
        ("{{ range(1, 2, 3, 4) }}", "range takes"),
        ("{{ range(to=3) }}", "calls are not allowed"),
        ("{{ range(nowhere) }}", "'nowhere' is not defined"),
        ("{{ vars.n(1) }}", "calls are not allowed"),
    ],
)
def test_a_range_is_bounded_and_nothing_else_is_called(text: str, words: str) -> None:
    with pytest.raises(TemplateFailure, match=words):
        render(text, {"vars": {"n": 3}})


@pytest.mark.parametrize("text", ["{{ '\\ud800' }}", "a {{ '\\ud800' }}", "{{ half }}"])
def test_half_of_a_character_is_refused(text: str) -> None:
    with pytest.raises(TemplateFailure, match="half of a character"):
        render(text, {"half": "\ud800"})


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("{{ place }}", "did you mean 'vars.place'?"),
        ("{{ vars.plaace }}", "did you mean 'vars.place'?"),
        ("{{ vars.m }}", "vars has: n, place"),
    ],
)
def test_a_name_is_looked_for_among_the_vars(text: str, hint: str) -> None:
    with pytest.raises(TemplateFailure) as raised:
        render(text, {"vars": {"place": "Rome", "n": 3}})

    assert raised.value.hint == hint
