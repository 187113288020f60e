"""What each model refuses, by the data of each route."""

from __future__ import annotations

from typing import Any

import pytest

from seedrender.catalog.models import catalog
from seedrender.providers import accepts
from seedrender.values.job import MediaKind, Mode, Reference, ReferenceUse, Role, Tier
from tests.builders import job

IMAGE = Reference(name="hero", kind=MediaKind.IMAGE, url="https://cdn.example.org/hero.png")
CLIP = Reference(name="dance", kind=MediaKind.VIDEO, url="https://cdn.example.org/dance.mp4")
SOUND = Reference(name="score", kind=MediaKind.AUDIO, url="https://cdn.example.org/score.mp3")
PICTURES = (ReferenceUse(reference=IMAGE),)
CLIPS = (ReferenceUse(reference=CLIP),)
SOUNDS = (ReferenceUse(reference=SOUND),)
LAST = (ReferenceUse(reference=IMAGE, role=Role.LAST_FRAME),)
FIRST = (ReferenceUse(reference=IMAGE, role=Role.FIRST_FRAME),)
OLD = {"model": "seedance-1.0-pro", "tier": Tier.STANDARD}
PRO = {"model": "seedance-1.5-pro", "tier": Tier.STANDARD}
NEW = {"model": "seedance-2.5", "tier": Tier.STANDARD}


def refusals(route: str, **fields: Any) -> str:
    found = accepts.violations(job(**fields), catalog(route), route)
    return "; ".join(f"{violation.message}; {violation.hint}" for violation in found)


@pytest.mark.parametrize(
    ("route", "fields", "words"),
    [
        ("modellix", {**OLD, "audio": True}, "audio is not possible with seedance-1.0-pro"),
        ("modellix", {**OLD, "mode": Mode.I2V, "references": PICTURES}, "write `as: first_frame`"),
        ("modellix", {**PRO, "mode": Mode.I2V}, "needs a first or a last frame"),
        ("modellix", {**PRO, "mode": Mode.V2V, "references": CLIPS}, "has no standard v2v"),
        ("modellix", {**PRO, "tier": Tier.FAST}, "has no fast t2v"),
        ("modellix", {**NEW, "resolution": "1080p"}, "one of 480p, 720p"),
        ("modellix", {**NEW, "duration_s": 31}, "4 to 30 whole seconds"),
        ("modellix", {"ratio": "adaptive"}, "ratio 'adaptive' is not possible"),
        ("modellix", {"ratio": "16:10"}, "did you mean '16:9'?"),
        ("modellix", {"ratio": "9x16"}, "did you mean '9:16'?"),
        ("modellix", {"ratio": "2:1"}, "one of 21:9"),
        ("modellix", {"ratio": "wide"}, "one of 21:9"),
        ("modellix", {"ratio": "0:9"}, "one of 21:9"),
        ("modellix", {"duration_s": -1}, "the model chooses) is not possible"),
        ("byteplus", {**OLD, "duration_s": -1}, "2 to 12 whole seconds"),
        ("byteplus", {"duration_s": 0}, "4 to 15 whole seconds"),
        (
            "byteplus",
            {**PRO},
            "seedance-1.5-pro standard is sold no more on byteplus since 2026-11-11",
        ),
        ("byteplus", {"mode": Mode.I2V, "references": LAST}, "a last_frame needs a first_frame"),
        ("volcengine", {**PRO, "mode": Mode.I2V, "references": LAST}, "needs a first_frame"),
        (
            "volcengine",
            {**NEW, "mode": Mode.I2V, "references": FIRST, "ratio": "16:9"},
            "takes the ratio of a frame, and ratio is '16:9'; write `ratio: adaptive`",
        ),
        ("byteplus", {"camera_fixed": True}, "camera_fixed is not possible with seedance-2.0"),
        ("byteplus", {**OLD, "ratio": "adaptive"}, "ratio 'adaptive' is not possible"),
        ("byteplus", {"mode": Mode.V2V, "references": CLIPS + FIRST}, "together with reference v"),
        ("byteplus", {"mode": Mode.I2V, "references": PICTURES * 9 + SOUNDS * 7}, "16 media in"),
        ("byteplus", {**NEW, "mode": Mode.I2V, "references": PICTURES * 31}, "takes 30 at most"),
        ("modellix", {**NEW, "references": SOUNDS}, "seedance-2.5 takes none"),
    ],
)
def test_a_model_refuses(route: str, fields: dict[str, Any], words: str) -> None:
    assert words in refusals(route, **fields)


@pytest.mark.parametrize(
    ("route", "fields"),
    [
        ("modellix", {**PRO, "mode": Mode.I2V, "references": FIRST, "audio": True}),
        ("modellix", {**OLD, "seed": 7, "camera_fixed": True, "duration_s": 2}),
        ("modellix", {**PRO, "ratio": "adaptive", "duration_s": 12}),
        ("modellix", {**NEW, "duration_s": 30, "audio": False}),
        ("modellix", {"mode": Mode.V2V, "references": CLIPS + FIRST}),
        ("byteplus", {"ratio": "adaptive", "prompt": "x" * 20_000}),
        ("byteplus", {**OLD, "mode": Mode.I2V, "references": FIRST, "ratio": "adaptive"}),
        ("volcengine", {"duration_s": -1}),
        ("volcengine", {**PRO, "mode": Mode.I2V, "references": FIRST + LAST}),
        ("volcengine", {**NEW, "mode": Mode.I2V, "references": FIRST, "ratio": "adaptive"}),
        ("volcengine", {"mode": Mode.I2V, "references": FIRST, "ratio": "16:9"}),
        ("modellix", {"mode": Mode.I2V, "references": LAST}),
        ("volcengine", {**NEW, "references": SOUNDS, "resolution": "1080p"}),
    ],
)
def test_a_model_takes(route: str, fields: dict[str, Any]) -> None:
    assert refusals(route, **fields) == ""


def test_an_audio_reference_alone_is_refused_only_where_the_model_needs_a_picture() -> None:
    assert "sound alone" in refusals("byteplus", references=SOUNDS)


@pytest.mark.parametrize(
    ("kind", "is_taken"),
    [(MediaKind.IMAGE, True), (MediaKind.AUDIO, True), (MediaKind.VIDEO, False)],
)
def test_a_local_clip_needs_a_host_on_ark(kind: MediaKind, *, is_taken: bool) -> None:
    local = ReferenceUse(reference=Reference(name="dance", kind=kind, path="refs/dance"))

    found = list(accepts.unhosted(job(references=(local,)), catalog("byteplus"), "byteplus"))

    assert (found == []) is is_taken
    assert [(v.code, "set up `hosting:`" in str(v)) for v in found] == [("hosting", True)] * len(
        found
    )
