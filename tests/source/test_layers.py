"""The table of precedence in the README, cell by cell."""

from __future__ import annotations

import pytest

from tests.source.film import jobs, prompts, refused

LAYERS = ("defaults", "profile", "base", "template", "shot")
SETTINGS = {
    "tier": ("mini", "fast"),
    "resolution": ("480p", "720p"),
    "ratio": ("'1:1'", "'4:3'"),
    "duration": ("5", "6"),
    "audio": ("true", "false"),
    "seed": ("1", "2"),
    "camera_fixed": ("true", "false"),
    "model": ("seedance-2.0", "another"),
    "mode": ("t2v", "i2v"),
    "tags": ("[a]", "[b]"),
}
PAIRS = [(a, b) for n, a in enumerate(LAYERS) for b in LAYERS[n + 1 :]]


def film(said: dict[str, str]) -> str:
    rows = {layer: said.get(layer, "") for layer in LAYERS}
    return (
        f"defaults: {{{rows['defaults']}}}\nprofiles: {{p: {{{rows['profile']}}}}}\n"
        f"templates:\n  base: {{prompt: A., {rows['base']}}}\n"
        f"  upper: {{extends: base, {rows['template']}}}\n"
        f"shots: {{s: {{template: upper, {rows['shot']}}}}}\n"
    )


def value(text: str, name: str) -> str:
    job = jobs(text, profile="p")["s"]
    field = {"duration": "duration_s"}.get(name, name)
    found = getattr(job, field)
    words = f"[{', '.join(found)}]" if isinstance(found, tuple) else str(found)
    return words.lower() if isinstance(found, bool) else words


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize(("lower", "upper"), PAIRS)
def test_the_layer_that_is_closer_to_the_shot_wins(lower: str, upper: str, name: str) -> None:
    one, other = SETTINGS[name]

    text = film({lower: f"{name}: {one}", upper: f"{name}: {other}"})

    assert value(text, name) == other.strip("'")


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("layer", LAYERS)
def test_each_layer_alone_is_heard(layer: str, name: str) -> None:
    other = SETTINGS[name][1]

    assert value(film({layer: f"{name}: {other}"}), name) == other.strip("'")


@pytest.mark.parametrize("name", set(SETTINGS) - {"model", "tier", "mode", "tags"})
def test_what_no_layer_says_stays_unset(name: str) -> None:
    assert value(film({}), name) == "None"


def test_a_segment_goes_before_its_chain_and_a_chain_before_profile_and_defaults() -> None:
    text = (
        "defaults: {seed: 1, audio: true, ratio: '1:1'}\nprofiles: {p: {seed: 2, ratio: '4:3'}}\n"
        "chains: {c: {prompt: A., seed: 3, segments: [{duration: 5, seed: 4}, {duration: 5}]}}\n"
    )

    found = jobs(text, profile="p")

    assert [(j.seed, j.audio, j.ratio) for j in found.values()] == [
        (4, True, "4:3"),
        (3, True, "4:3"),
    ]


VARIABLES = {
    "default": "params: {v: {default: default}}",
    "with": "with: {v: with}",
    "row": "foreach: [{id: x, v: row}]",
    "matrix": "matrix: {v: [matrix]}",
}


@pytest.mark.parametrize("upper", list(VARIABLES)[1:])
def test_the_variable_that_is_closer_to_the_job_wins(upper: str) -> None:
    names = list(VARIABLES)
    said = names[1 : names.index(upper) + 1]
    shot = ", ".join(VARIABLES[name] for name in said)

    found = prompts(
        f"templates: {{t: {{prompt: '{{{{ v }}}}', {VARIABLES['default']}}}}}\n"
        f"shots: {{s: {{template: t, {shot}}}}}\n"
    )

    assert list(found.values()) == [upper]


def test_a_template_takes_over_the_params_of_the_one_that_it_extends() -> None:
    text = (
        "templates:\n  a: {params: {x: {type: integer, default: 1}}, prompt: '{{ x }} {{ y }}'}\n"
        "  b: {extends: a, params: {x: {type: integer, default: 2}, y: {type: string}}}\n"
        "shots:\n  s: {template: b, with: {y: why}}\n"
    )

    assert prompts(text) == {"s": "2 why"}


@pytest.mark.parametrize(
    ("templates", "words"),
    [
        ("{t: {extends: u, prompt: A.}}", "template t extends 'u', which is not defined"),
        ("{t: {extends: t, prompt: A.}}", "templates extend each other: t → t"),
        ("{t: {extends: u, prompt: A.}, u: {extends: t}}", "extend each other: t → u → t"),
        ("{t: {prompt: A.}, u: {extends: t}}", "no shot uses template u"),
    ],
)
def test_templates_that_extend_wrongly_are_refused(templates: str, words: str) -> None:
    assert words in refused(f"templates: {templates}\nshots: {{s: {{template: t}}}}\n")


@pytest.mark.parametrize(
    ("chain", "words"),
    [
        ("{prompt: A., duration: 15, segments: [{}, {}]}", "chain c has a length and segments"),
        ("{prompt: A.}", "chain c has no length"),
    ],
)
def test_a_chain_says_its_length_itself_and_once(chain: str, words: str) -> None:
    assert words in refused(f"defaults: {{duration: 5}}\nchains: {{c: {chain}}}\n")
