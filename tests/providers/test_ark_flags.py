from __future__ import annotations

import re

import pytest

from seedrender.providers import registry
from seedrender.providers.ark_flags import advice
from seedrender.values.job import MediaKind, Mode, Reference, ReferenceUse
from tests.builders import job


@pytest.mark.parametrize(
    ("flag", "hint"),
    [
        ("--rs 1080p", "`resolution: 1080p`"),
        ("--resolution 1080p", "`resolution: 1080p`"),
        ("--rt 21:9", "`ratio: 21:9`"),
        ("--ratio=21:9", "`ratio: 21:9`"),
        ("--dur 5", "`duration: 5`"),
        ("--duration 10", "`duration: 10`"),
        ("--seed 7", "`seed: 7`"),
        ("--seed -1", "`seed: …`"),
        ("--cf true", "`camera_fixed: true`"),
        ("--camerafixed false", "`camera_fixed: false`"),
        ("--wm true", "no watermark"),
        ("--watermark true", "no watermark"),
        ("--DUR 5", "`duration: 5`"),
        ("--framespersecond 30", "take it out"),
    ],
)
@pytest.mark.parametrize("text", ["A kite. %s", "%s A kite.", "A kite\n%s\nover the sea."])
@pytest.mark.parametrize("route", ["byteplus", "volcengine"])
def test_a_legacy_tail_is_refused_for_every_job(
    route: str, text: str, flag: str, hint: str
) -> None:
    found = registry.offline(route).violations(job(prompt=text % flag))

    assert [re.split("[ =]", flag)[0] in violation.message for violation in found] == [True]
    assert hint in str(found[0])
    assert str(found[0]).startswith("film.yaml:3:3: ")


@pytest.mark.parametrize(
    "text", ["sea--rs 1080p", "海--dur 5", "sea\u200b--seed 1", "a\u3000--x y"]
)
def test_a_known_flag_is_found_without_a_blank_before_it(text: str) -> None:
    assert len(list(advice(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "The year 1990 -- rain.",
        "She says--well, nothing.",
        "A well-kept garden --- a lamp.",
        "two-tone -rs 1080p",
        "He counts 10--12 birds.",
        "sea--rsx 5",
    ],
)
def test_dashes_are_no_flags(text: str) -> None:
    assert list(advice(text)) == []


def test_every_flag_of_a_prompt_is_said() -> None:
    flags = [flag for flag, _ in advice("A kite. --rs 1080p --dur 5 --odd --cf true")]

    assert flags == ["--rs", "--dur", "--odd", "--cf"]


def test_a_flag_without_a_value_is_one_too() -> None:
    assert list(advice("A kite. --rs")) == [("--rs", "take it out, and write `resolution: …`")]


def test_what_a_placeholder_makes_is_looked_at_too() -> None:
    clip = Reference(name="rs", kind=MediaKind.VIDEO, url="https://cdn.example/a.mp4")
    sly = job(
        mode=Mode.V2V, prompt="A kite. --{{ ref.rs }}", references=(ReferenceUse(reference=clip),)
    )

    assert "'--Video'" in str(registry.offline("byteplus").violations(sly)[0])


@pytest.mark.parametrize("letter", ["\u017feed", "\u0131t"])
def test_a_letter_that_folds_to_another_breaks_nothing(letter: str) -> None:
    assert [flag for flag, _ in advice(f"A kite. --{letter} 1")] == [f"--{letter}"]
