"""Shots whose model makes pictures: their mode, and what they take of defaults for clips."""

from __future__ import annotations

import pytest

from seedrender.values.job import MediaKind, Mode, Tier
from tests.source.film import jobs, refused

DEFAULTS = (
    "defaults: {tier: fast, resolution: 480p, ratio: '16:9', duration: 5, audio: true, seed: 3}\n"
)
STILL = "shots: {portrait: {prompt: A face., model: seedream-4.5%s}}\n"


def test_a_picture_takes_the_ratio_of_defaults_for_clips_and_nothing_else() -> None:
    job = jobs(DEFAULTS + STILL % "")["portrait"]

    assert (job.mode, job.makes) == (Mode.T2I, MediaKind.IMAGE)
    assert (job.tier, job.resolution, job.ratio) == (Tier.STANDARD, None, "16:9")
    assert (job.duration_s, job.audio, job.seed) == (None, None, None)


def test_what_the_shot_says_itself_is_kept_to_be_judged() -> None:
    job = jobs(DEFAULTS + STILL % ", duration: 4, resolution: 4k")["portrait"]

    assert (job.duration_s, job.resolution) == (4, "4k")


def test_defaults_that_are_for_pictures_hold_for_pictures() -> None:
    defaults = "defaults: {model: seedream-4.5, resolution: 4k}\n"

    assert jobs(f"{defaults}shots: {{a: {{prompt: A face.}}}}")["a"].resolution == "4k"


def test_a_profile_for_clips_says_nothing_of_pictures() -> None:
    text = f"profiles: {{final: {{resolution: 1080p, tier: standard}}}}\n{STILL % ''}"

    assert jobs(text, profile="final")["portrait"].resolution is None


def test_a_clip_takes_all_of_the_defaults() -> None:
    job = jobs(f"{DEFAULTS}shots: {{a: {{prompt: A kite., model: kling-3.0}}}}")["a"]

    assert (job.tier, job.resolution, job.duration_s) == (Tier.FAST, "480p", 5)


def test_what_another_maker_has_no_field_for_is_not_taken_of_the_defaults() -> None:
    defaults = "defaults: {ratio: '16:9', audio: true, seed: 3}\n"
    shots = "shots: {a: {prompt: A., model: hailuo-2.3}, b: {prompt: B., model: kling-3.0}}\n"

    found = jobs(defaults + shots)

    assert (found["a"].ratio, found["a"].audio, found["a"].seed) == (None, None, None)
    assert (found["b"].ratio, found["b"].audio, found["b"].seed) == ("16:9", True, None)
    own = jobs("shots: {a: {prompt: A., model: hailuo-2.3, ratio: '1:1'}}")["a"]
    text = "defaults: {model: hailuo-2.3, ratio: '1:1'}\nshots: {a: {prompt: A.}}"
    whole = jobs(text)["a"]
    assert (own.ratio, whole.ratio) == ("1:1", "1:1")


def test_the_mode_decides_what_is_taken() -> None:
    text = (
        "references: {face: {image: 'https://cdn.example.org/a.png'}}\n"
        "defaults: {ratio: '16:9'}\n"
        "shots: {a: {prompt: A., model: wan-2.7},"
        " b: {prompt: B., model: wan-2.7, references: [{use: face, as: first_frame}]}}\n"
    )

    found = jobs(text)

    assert (found["a"].ratio, found["b"].ratio) == ("16:9", None)


@pytest.mark.parametrize(
    ("model", "mode"),
    [("seedream-5.0-lite", Mode.I2I), ("kling-3.0", Mode.I2V), ("seedance-2.0", Mode.I2V)],
)
def test_a_model_that_is_given_an_image_makes_what_it_makes(model: str, mode: Mode) -> None:
    text = "references: {face: {image: 'https://cdn.example.org/a.png'}}\n"

    job = jobs(f"{text}shots: {{a: {{prompt: A., model: {model}, references: [face]}}}}")["a"]

    assert (job.mode, job.mode_reason) == (mode, f"{mode.value}: image reference face")


def test_words_against_something_are_a_setting() -> None:
    assert jobs("shots: {a: {prompt: A., negative_prompt: text}}")["a"].negative_prompt == "text"


@pytest.mark.parametrize(
    ("shot", "output"),
    [
        ("model: seedream-4.5", "renders/a.jpeg"),
        ("model: kling-3.0-image", "renders/a.png"),
        ("model: seedream-4.5, output: faces/mira.jpg", "renders/faces/mira.jpg"),
        ("model: seedream-4.5, output: mira.png", "renders/mira.png"),
        ("model: kling-3.0", "renders/a.mp4"),
    ],
)
def test_a_picture_is_named_as_one(shot: str, output: str) -> None:
    assert jobs(f"shots: {{a: {{prompt: A., {shot}}}}}")["a"].output == output


def test_a_picture_is_no_clip_and_a_clip_no_picture() -> None:
    still = "shots: {a: {prompt: A., model: seedream-4.5, output: a.mp4}}"
    film = "shots: {a: {prompt: A., output: a.png}}"

    assert "output 'a.mp4' is no .jpeg or .jpg or .png or .webp" in refused(still)
    assert "output 'a.png' is no .mp4" in refused(film)


def test_two_pictures_of_one_name_would_overwrite_each_other_whatever_their_format() -> None:
    shot = "{prompt: A %s., model: seedream-4.5, output: face.%s}"
    text = f"shots: {{a: {shot % ('kite', 'png')}, b: {shot % ('boat', 'jpeg')}}}"

    assert "b and a have one output: renders/face.*" in refused(text)
