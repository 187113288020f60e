from __future__ import annotations

import json
from decimal import Decimal

import jsonschema
import pytest

from seedrender.source import expand, schema, yaml_text
from seedrender.values.money import Limit
from tests.source.test_expand import read, refused

SHOT = "shots: {o: {prompt: A.}}\n"


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schema.schema_text()))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("shots: {'a b': {prompt: A.}}", "'a b' is not a name: letters, digits", id="name"),
        pytest.param("vars: {1a: x}\n" + SHOT, "'1a' is not a name: letters, digits and _", id="var"),
        pytest.param("shots: 5", "shots is a whole number (5); write a mapping", id="shots"),
        pytest.param("shots: {o: }", "shot o is empty; write a mapping", id="empty"),
        pytest.param("shots: {o: {prompt: [A.]}}", "prompt is a list", id="list"),
        pytest.param("shots: {o: {prompt: 1.5}}", "prompt is a number (1.5)", id="number"),
        pytest.param("shots: {o: {prompt: ''}}", "shot o: prompt is empty", id="short"),
        pytest.param("shots: {o: {prompt: A., seed: -2}}", "seed is -2; at least -1", id="low"),
        pytest.param("shots: {o: {prompt: A., takes: 101}}", "takes is 101; at most 100", id="high"),
        pytest.param(f"shots: {{o: {{prompt: A., references: [{'a,' * 51}]}}}}",
                     "references has 51 items; 50 at most", id="too many"),
        pytest.param("shots: {o: {prompt: A., matrix: {}}}", "matrix is empty", id="no axis"),
        pytest.param("chains: {c: {prompt: A., segments: []}}", "segments is empty", id="none"),
        pytest.param("run: {budget: much}\n" + SHOT, "write an amount such as 25.00 USD", id="budget"),
        pytest.param("run: {deadline: soon}\n" + SHOT, "write a time such as 90s", id="deadline"),
        pytest.param("run: {poll: {jitter: 3}}\n" + SHOT, "run.poll.jitter is 3; at most 0.9", id="j"),
        pytest.param("shots: {o: {prompt: A., references: [{use: a, as: b}]}}",
                     'references[0].as is "b"; one of reference', id="role"),
        pytest.param("shots: {o: {prompt: A., references: [{as: reference}]}}",
                     "references[0] lacks the key 'use'; add use: …", id="use"),
        pytest.param("shots: {o: {prompt: A., tier: " + "x" * 60 + "}}", "…", id="long"),
        pytest.param("shots: {o: {prompt: A., tags: [a b]}}", 'tags[0] is "a b"', id="tag"),
    ],
)  # fmt: skip
def test_what_is_not_of_the_shape_is_said_in_words(text: str, words: str) -> None:
    assert words in refused(text)


def test_what_the_fast_validator_alone_refuses_is_refused() -> None:
    found = yaml_text.parse('seedrender: 1\nname: "film\\n"\nshots: {o: {prompt: A.}}', "f")

    violations = schema.check(found)

    assert [str(v.origin) for _, v in violations] == ["f:2:7"]


def test_two_keys_that_are_not_there_are_both_said() -> None:
    violations = schema.check(yaml_text.parse("shots: {o: {prompt: A.}}", "f"))

    assert [v.message for _, v in violations] == [
        "the manifest lacks the key 'seedrender'",
        "the manifest lacks the key 'name'",
    ]


def test_anchors_may_stand_under_keys_of_their_own() -> None:
    text = (
        "seedrender: 1\nname: f\nx-base: &base {duration: 5}\nshots: {o: {<<: *base, prompt: A.}}"
    )

    (job,) = expand.load(text, "f", read=read).jobs

    assert job.duration_s == 5


def test_settings_of_a_run_are_read_in_seconds_and_money() -> None:
    text = (
        "seedrender: 1\nname: f\nshots: {o: {prompt: A.}}\nrun:\n  concurrency: 8\n  deadline: 2h\n"
        "  budget: 25.00 USD\n  requests_per_minute: 90\n"
        "  poll: {first: 1m, interval: 2.5s, max_interval: 1d, jitter: 0}\n"
    )

    run = expand.load(text, "f", read=read).manifest.run

    assert (run.concurrency, run.requests_per_minute, run.deadline_s) == (8, 90, 7200.0)
    assert run.budget == (Limit(Decimal(25), "USD"),)
    assert (run.poll.first_s, run.poll.interval_s, run.poll.max_interval_s) == (60.0, 2.5, 86400.0)
    assert run.poll.jitter == 0.0


def test_two_undefined_names_of_one_text_are_both_found() -> None:
    text = refused("shots:\n  o:\n    prompt: |\n      {{ vars.a }}\n      and {{ vars.b }}\n")

    assert "film.yaml:6:7: prompt: 'a' is not defined" in text
    assert "film.yaml:7:11: prompt: 'b' is not defined" in text


def test_a_block_of_statements_fails_as_a_whole() -> None:
    text = refused("shots: {o: {prompt: '{% for x in vars.a %}{{ x }}{% endfor %}'}}")

    assert "'a' is not defined" in text


def test_texts_of_rows_become_booleans_where_booleans_are_asked_for() -> None:
    text = (
        "seedrender: 1\nname: f\nvars: {y: 'True'}\nshots: {o: {prompt: A., audio: '{{ vars.y }}'}}"
    )

    (job,) = expand.load(text, "f", read=read).jobs

    assert job.audio is True


def test_an_undefined_name_in_a_list_of_references_is_found() -> None:
    assert "'a' is not defined" in refused("shots: {o: {prompt: A., references: ['{{ a }}']}}")


def test_a_chain_whose_output_is_wrong_has_no_jobs() -> None:
    chain = "chains: {c: {prompt: A., duration: 9, output: ../x}}"

    assert "leads outside" in refused(chain)
    assert "leads outside" in refused("output: {name: ../x}\n" + chain)


def test_a_shot_without_a_prompt_is_found() -> None:
    assert "shot o has no prompt" in refused("shots: {o: {duration: 5}}")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        pytest.param("{enum: x}", "has a rule that is no JSON Schema", id="no rule"),
        pytest.param("{$ref: 'https://evil.example/x'}", "that is not followed", id="elsewhere"),
        pytest.param("{pattern: '('}", "has a rule that is no JSON Schema", id="no pattern"),
    ],
)
def test_a_rule_that_is_none_is_refused(rule: str, words: str) -> None:
    template = f"templates: {{t: {{params: {{a: {rule}}}, prompt: A.}}}}\n"

    assert words in refused(template + "shots: {o: {template: t, with: {a: 1}}}")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("prompt: A {{ x }}.", "6:15", id="plain"),
        pytest.param("prompt: 'It''s {{ x }}.'", "6:20", id="quoted"),
        pytest.param("prompt: A kite\n      and {{ vars }} {{ x }}.", "7:22", id="plain lines"),
        pytest.param('prompt: "A\\n{{ name }} \\u00e9 {{\n       x }}"', "6:35", id="escapes"),
        pytest.param("prompt: >\n      A kite,\n\n      a {{ x }}.", "9:9", id="folded"),
        pytest.param("prompt: |-\n      A {{ name }}\n      {{ x }}.", "8:7", id="literal"),
        pytest.param('prompt: "A \\x7b\\x7b x }}."', "6:13", id="written with escapes"),
        pytest.param("prompt: {{ x }}", None, id="no text"),
    ],
)
def test_an_error_in_an_expression_stands_where_the_expression_stands(
    text: str, place: str | None
) -> None:
    found = refused(f"shots:\n  # a comment with {{{{ x }}}}\n  o:\n    {text}")

    if place is None:
        assert "'x' is not defined" not in found
    else:
        assert f"film.yaml:{place}: prompt: 'x' is not defined" in found
