"""References that another shot of the manifest makes."""

from __future__ import annotations

import pytest

from seedrender.values.job import MediaKind, Mode
from tests.source.film import jobs, load, refused

FACE = "references: {face: {shot: %s}}\n"
STILL = "portrait: {prompt: A face., model: seedream-4.5, takes: 2}"
WALK = "walk: {prompt: '{{ ref.face }} walks.'}"


def film(made_by: str, *shots: str) -> str:
    return FACE % made_by + f"shots: {{{', '.join(shots)}}}\n"


def test_a_shot_is_made_from_the_picture_of_another_and_comes_after_it() -> None:
    found = jobs(film("portrait", WALK, STILL))

    assert list(found) == ["portrait", "walk", "portrait@2"]
    assert found["walk"].parents == ("portrait",)
    assert found["walk"].needs == ()
    assert (found["walk"].mode, found["walk"].references[0].reference.kind) == (
        Mode.I2V,
        MediaKind.IMAGE,
    )


@pytest.mark.parametrize(
    ("made_by", "shot", "mode"),
    [
        ("portrait@2", STILL, Mode.I2V),
        ("clip", "clip: {prompt: A kite.}", Mode.V2V),
        ("spin/red", "spin: {prompt: A., model: seedream-4.5, matrix: {c: [red, blue]}}", Mode.I2V),
        ("clip", 'clip: {prompt: A., model: "{{ vars.model }}"}', Mode.I2V),
    ],
)
def test_one_job_of_a_shot_can_be_named_and_its_model_says_what_it_makes(
    made_by: str, shot: str, mode: Mode
) -> None:
    text = "vars: {model: seedream-4.5}\n" + film(made_by, WALK, shot)

    walk = jobs(text)["walk"]

    assert (walk.parents, walk.mode) == ((made_by,), mode)


def test_the_model_of_a_shot_may_come_from_a_template_or_a_profile() -> None:
    template = "templates: {still: {model: seedream-4.5, prompt: A face.}}\n"
    profile = "profiles: {stills: {model: seedream-4.5}}\n"
    of_template = film("a", "a: {template: still}", WALK)
    of_profile = film("a", "a: {prompt: A face.}", "walk: {prompt: B., references: [face]}")

    assert jobs(template + of_template)["walk"].mode is Mode.I2V
    assert jobs(profile + of_profile)["walk"].mode is Mode.V2V
    chosen = jobs(profile + of_profile, profile="stills")["walk"]
    assert chosen.references[0].reference.kind is MediaKind.IMAGE


def test_a_segment_can_be_a_reference_and_use_one() -> None:
    text = (
        "references: {face: {shot: portrait}, end: {shot: fly/02}}\n"
        f"shots: {{after: {{prompt: B., references: [end]}}, {STILL}}}\n"
        "chains: {fly: {prompt: '{{ ref.face }} flies.', duration: 20}}\n"
    )

    found = jobs(text)

    assert list(found) == ["portrait", "fly/01", "fly/02", "after", "portrait@2"]
    assert found["fly/02"].parents == ("fly/01", "portrait")
    assert found["after"].mode is Mode.V2V


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(film("portrat", WALK, STILL), "did you mean 'portrait'?", id="unknown shot"),
        pytest.param(
            film("portrait@3", WALK, STILL),
            "reference face is made by job 'portrait@3', which is not there",
            id="unknown take",
        ),
        pytest.param(
            film("spin", WALK, "spin: {prompt: A., model: seedream-4.5, matrix: {c: [a, b]}}"),
            "which has 2 jobs: name one of them, such as spin/a",
            id="several jobs",
        ),
        pytest.param(
            film("fly", WALK) + "chains: {fly: {prompt: B., duration: 20}}",
            "reference face is the long take fly, and a task takes one clip: name a segment",
            id="a long take",
        ),
        pytest.param(
            film("m", WALK, 'm: {prompt: A., model: "{{ x }}", matrix: {x: [a, b]}}'),
            "its model is not one for all of its jobs",
            id="several models",
        ),
        pytest.param(
            "references: {face: {shot: a, image: b.png}}\n" + f"shots: {{{WALK}}}",
            "has 2 of image, video, audio, asset and shot",
            id="two sources",
        ),
    ],
)
def test_what_is_made_nowhere_is_said_with_its_place(text: str, words: str) -> None:
    said = " ".join(refused(text).replace("; ", ": ").split())

    assert words in said
    assert "film.yaml:" in said


def test_jobs_that_wait_for_each_other_are_named_link_by_link() -> None:
    text = """\
references: {a: {shot: one}, b: {shot: two}, c: {shot: three}}
shots:
  one: {prompt: "{{ ref.b }}.", model: seedream-5.0-lite}
  two: {prompt: "{{ ref.c }}.", model: seedream-5.0-lite}
  three: {prompt: "{{ ref.a }}.", model: seedream-5.0-lite}
"""

    assert "jobs wait for each other: one → two → three → one" in refused(text)


def test_a_shot_cannot_be_made_from_itself() -> None:
    assert "one → one" in refused(
        "references: {a: {shot: one}}\nshots: {one: {prompt: A., references: [a]}}"
    )


def test_without_such_references_the_order_is_that_of_the_manifest() -> None:
    found = load("shots: {b: {prompt: A.}, a: {prompt: B.}}")

    assert [job.id for job in found.jobs] == ["b", "a"]
