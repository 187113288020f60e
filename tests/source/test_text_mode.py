from __future__ import annotations

import pytest
from hypothesis import given as draw
from hypothesis import strategies as st

from seedrender.errors import ManifestError
from seedrender.source import text_mode
from seedrender.source.given import NOTHING, Given
from tests.source.film import jobs, refused

ANGLES = "shots:\n{% for angle in vars.angles %}\n  {{ angle }}:\n    prompt: 'The {{ angle }}.'\n"


def test_a_whole_file_template_is_filled_in_before_it_is_read() -> None:
    found = jobs(f"{ANGLES}{{% endfor %}}\n", flags=("angles=[top, side]",), file="film.yaml.j2")

    assert {name: job.prompt for name, job in found.items()} == {
        "top": "The top.",
        "side": "The side.",
    }
    assert str(found["side"].origin) == "film.yaml.j2:5:1"


def test_what_is_known_later_is_left_for_the_manifest() -> None:
    text = (
        "references: {a-b: {image: h.png}, c: {image: c.png}}\noutput: {name: '{{ job.id }}.mp4'}\n"
        "shots: {o: {prompt: \"{{ ref['a-b'] }} {{ ref.c }} {{ name }}\"}}\n"
    )

    job = jobs(text, file="film.yaml.j2")["o"]

    assert (job.prompt, job.output) == ("{{ ref.a-b }} {{ ref.c }} film", "renders/o.mp4")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(
            f"{ANGLES}    duratoin: 5\n{{% endfor %}}\n",
            "film.yaml.j2:7:1: unknown key 'duratoin'",
            id="a wrong key",
        ),
        pytest.param(
            f"{ANGLES}    tags: [\n{{% endfor %}}\n",
            "film.yaml.j2:6:1: this is not YAML",
            id="YAML",
        ),
        pytest.param("shots: {{ vars.x }}\n", "film.yaml.j2:3:1: 'x' is not defined", id="a name"),
        pytest.param("{% if %}\n", "film.yaml.j2:3:1: Expected an expression", id="syntax"),
        pytest.param("{% set a = 1 %}", "film.yaml.j2:3:1: set is not allowed", id="assignment"),
        pytest.param("a: {{ 1 // 0 }}", "film.yaml.j2:1:1: an expression fails", id="arithmetic"),
        pytest.param("a: \0", "film.yaml.j2:3:4: a control character", id="a control character"),
        pytest.param(f"{{{{ {'(' * 300}1{')' * 300} }}}}", "nested too deeply", id="brackets"),
        pytest.param(
            "{% for a in vars.angles %}{% for b in vars.angles %}{% for c in vars.angles %}"
            "{% for d in vars.angles %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}",
            "a loop inside a loop is not allowed",
            id="four loops",
        ),
    ],
)
def test_an_error_points_at_the_template(text: str, words: str) -> None:
    assert words in refused(text, flags=("angles=[top, side]",), file="film.yaml.j2")


def test_the_text_that_is_made_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_mode, "_MAX_PARTS", 100)
    loops = "{% for a in vars.l %}{% for b in vars.l %}{% endfor %}{% endfor %}"
    given = Given(values={"l": list(range(20))})

    with pytest.raises(ManifestError, match="too much text; use a matrix"):
        text_mode.parse(loops, "f.yaml.j2", given)


def test_a_template_that_is_too_long_is_refused() -> None:
    with pytest.raises(ManifestError, match="the file is longer than"):
        text_mode.parse("#" * 4_200_000, "f.yaml.j2", NOTHING)


@draw(st.lists(st.sampled_from(["# a", "{# b #}", "{% if true %}", "x: 1", "", "{{ 1 }}"])))
def test_without_a_loop_every_line_is_its_own_or_one_before(parts: list[str]) -> None:
    text = "\n".join(parts + ["{% endif %}"] * parts.count("{% if true %}")) + "\n"

    made, lines = text_mode._unmarked(text_mode._fill(text, {}))

    assert len(lines) == made.count("\n") + 1
    assert list(lines) == sorted(lines)
    assert "\0" not in made
