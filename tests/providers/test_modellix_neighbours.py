"""Kling, Hailuo, Wan and Seedream on the Modellix wire: each with its own field names."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest

from seedrender.catalog.models import Variant, catalog
from seedrender.providers import accepts, registry
from seedrender.sim import rules
from seedrender.values.job import (
    CorrelationId,
    Job,
    MediaKind,
    Mode,
    Reference,
    ReferenceUse,
    Role,
    Tier,
)
from seedrender.values.provider import MediaUrl
from tests.builders import job

FACE = Reference(name="face", kind=MediaKind.IMAGE, url="https://cdn.example.org/face.png")
SONG = Reference(name="song", kind=MediaKind.AUDIO, url="https://cdn.example.org/song.mp3")
MEDIA = {
    "face": MediaUrl("https://cdn.example.org/face.png"),
    "song": MediaUrl("https://cdn.example.org/song.mp3"),
}
PLAIN, FIRST, LAST = (ReferenceUse(reference=FACE, role=role) for role in Role)
SOUND = ReferenceUse(reference=SONG)
OFFERED = [v for v in catalog("modellix").variants.values() if v.words]


def asked(model: str, mode: Mode, **fields: Any) -> Job:
    return job(model=model, mode=mode, tier=Tier.STANDARD, prompt="A kite.", **fields)


def sent(model: str, mode: Mode, **fields: Any) -> tuple[str, Mapping[str, Any]]:
    wanted = asked(model, mode, **fields)
    provider = registry.offline("modellix")
    assert provider.violations(wanted) == []
    submission = provider.encode(wanted, MEDIA, CorrelationId("c"))
    return submission.path, submission.body


@pytest.mark.parametrize(
    ("model", "mode", "fields", "path", "body"),
    [
        pytest.param(
            "kling-3.0",
            Mode.T2V,
            {"ratio": "9:16", "resolution": "4k", "duration_s": 3, "audio": True},
            "kling/kling-v3-t2v",
            {"aspect_ratio": "9:16", "resolution": "4k", "duration": 3, "audio": "native"},
            id="kling t2v",
        ),
        pytest.param(
            "kling-3.0",
            Mode.I2V,
            {
                "references": (FIRST,),
                "resolution": "1080p",
                "audio": False,
                "negative_prompt": "text",
            },
            "kling/kling-v3-i2v",
            {"image": MEDIA["face"], "mode": "pro", "sound": "off", "negative_prompt": "text"},
            id="kling i2v",
        ),
        pytest.param(
            "hailuo-2.3",
            Mode.I2V,
            {"references": (FIRST,), "resolution": "768p", "duration_s": 10},
            "minimax/hailuo-2.3-i2v",
            {"first_frame_image": MEDIA["face"], "resolution": "768P", "duration": 10},
            id="hailuo i2v",
        ),
        pytest.param(
            "wan-2.7",
            Mode.T2V,
            {"references": (SOUND,), "resolution": "720p", "ratio": "4:3", "seed": 7},
            "alibaba/wan2.7-t2v",
            {"audio_url": MEDIA["song"], "resolution": "720P", "ratio": "4:3", "seed": 7},
            id="wan t2v",
        ),
        pytest.param(
            "wan-2.7",
            Mode.I2V,
            {"references": (FIRST, LAST, SOUND)},
            "alibaba/wan2.7-i2v",
            {
                "first_frame": MEDIA["face"],
                "last_frame": MEDIA["face"],
                "driving_audio": MEDIA["song"],
            },
            id="wan i2v",
        ),
        pytest.param(
            "seedream-4.5",
            Mode.T2I,
            {"ratio": "16:9", "resolution": "4k"},
            "bytedance/seedream-4.5-t2i",
            {"size": "5404x3040", "sequential_image_generation": "disabled"},
            id="seedream",
        ),
        pytest.param(
            "seedream-4.5",
            Mode.T2I,
            {"ratio": "21:9"},
            "bytedance/seedream-4.5-t2i",
            {"size": "3024x1296", "sequential_image_generation": "disabled"},
            id="seedream by its ratio alone",
        ),
        pytest.param(
            "seedream-5.0-lite",
            Mode.I2I,
            {"references": (PLAIN,)},
            "bytedance/seedream-5.0-lite-edit",
            {"image": [MEDIA["face"]], "sequential_image_generation": "disabled"},
            id="seedream edit",
        ),
        pytest.param(
            "kling-3.0-image",
            Mode.T2I,
            {"ratio": "1:1"},
            "kling/kling-v3-t2i",
            {"aspect_ratio": "1:1"},
            id="kling picture",
        ),
    ],
)
def test_a_job_is_sent_in_the_words_of_its_maker(
    model: str, mode: Mode, fields: dict[str, Any], path: str, body: dict[str, Any]
) -> None:
    assert sent(model, mode, **fields) == (f"/api/v1/{path}", {"prompt": "A kite.", **body})


def test_a_prompt_names_pictures_as_the_maker_does() -> None:
    wanted = job(
        model="seedream-5.0-lite",
        mode=Mode.I2I,
        tier=Tier.STANDARD,
        prompt="Put a hat on {{ ref.face }}.",
        references=(PLAIN,),
    )

    body = registry.offline("modellix").encode(wanted, MEDIA, CorrelationId("c")).body

    assert body["prompt"] == "Put a hat on image 1."


@pytest.mark.parametrize(
    ("model", "fields", "words"),
    [
        ("kling-3.0", {"resolution": "480p"}, "resolution '480p' is not possible"),
        ("kling-3.0", {"duration_s": 16}, "3 to 15 whole seconds; for a longer take use a chain"),
        ("kling-3.0", {"duration_s": -1}, "(the model chooses) is not possible"),
        ("kling-3.0", {"seed": 1}, "seed is not possible with kling-3.0"),
        ("kling-3.0", {"mode": Mode.I2V, "references": (PLAIN,)}, "write `as: first_frame`"),
        ("kling-3.0", {"mode": Mode.I2V, "references": (FIRST, LAST)}, "takes no last_frame"),
        (
            "kling-3.0",
            {"mode": Mode.I2V, "references": (FIRST,), "resolution": "4k"},
            "720p, 1080p",
        ),
        ("kling-3.0", {"mode": Mode.V2V}, "kling-3.0 has no standard v2v"),
        ("kling-3.0", {"tier": Tier.FAST}, "kling-3.0 has no fast t2v"),
        ("hailuo-2.3", {"duration_s": 7}, "6 or 10 whole seconds"),
        ("hailuo-2.3", {"ratio": "16:9"}, "it follows the first frame"),
        ("hailuo-2.3", {"audio": True}, "audio is not possible"),
        (
            "hailuo-2.3",
            {"duration_s": 10, "resolution": "1080p"},
            "duration 10 and resolution 1080p do not go together",
        ),
        ("wan-2.7", {"seed": -1}, "seed -1 is not possible with wan-2.7"),
        ("wan-2.7", {"negative_prompt": "x" * 501}, "negative_prompt has 501 characters"),
        ("wan-2.7", {"mode": Mode.I2V, "references": (LAST,)}, "a first_frame is missing"),
        ("kling-3.0", {"mode": Mode.I2V}, "a first_frame is missing with kling-3.0"),
        ("seedream-5.0-lite", {"mode": Mode.I2I}, "a reference image is missing"),
        ("seedream-4.5", {"mode": Mode.T2I, "duration_s": 5}, "the model makes pictures"),
        ("seedream-4.5", {"mode": Mode.T2I, "resolution": "720p"}, "one of 2k, 4k"),
        ("seedream-4.5", {"mode": Mode.I2I, "references": (PLAIN,)}, "has no standard i2i"),
        ("seedream-5.0-lite", {"mode": Mode.T2I, "references": (PLAIN,)}, "t2i takes no image"),
        ("seedance-2.0", {"negative_prompt": "text"}, "negative_prompt is not possible"),
        ("kling3", {}, "did you mean 'kling-3.0'?"),
        ("flux", {}, "Modellix offers no Flux"),
        ("flux-1.1-pro", {}, "as of 2026-08-11, https://www.modellix.ai/blog/flux-kontext-api/"),
    ],
)
def test_what_a_maker_refuses_is_said_before_money_is_spent(
    model: str, fields: dict[str, Any], words: str
) -> None:
    mode = fields.pop("mode", Mode.T2V)
    tier = fields.pop("tier", Tier.STANDARD)
    wanted = job(model=model, mode=mode, tier=tier, **fields)

    found = accepts.violations(wanted, catalog("modellix"), "modellix")

    assert words in "; ".join(f"{violation.message}; {violation.hint}" for violation in found)


@pytest.mark.parametrize("variant", OFFERED, ids=lambda v: v.slug)
def test_whatever_the_client_lets_through_the_simulator_accepts(variant: Variant) -> None:
    provider = registry.offline("modellix")
    uses: tuple[ReferenceUse, ...] = ()
    if variant.mode is Mode.I2V:
        uses = (FIRST,)
    elif variant.mode is Mode.I2I:
        uses = (PLAIN,)
    checked = 0
    for resolution, ratio, length, audio in product(
        (None, *variant.resolutions),
        (None, *variant.ratios),
        (None, *variant.durations_s),
        (None, True, False) if "audio" in variant.settings else (None,),
    ):
        wanted = asked(
            variant.family.name,
            variant.mode,
            references=uses,
            resolution=resolution,
            ratio=ratio,
            duration_s=length,
            audio=audio,
        )
        if provider.violations(wanted):
            continue
        checked += 1
        body = provider.encode(wanted, MEDIA, CorrelationId("c")).body
        assert rules.violation(variant, dict(body)) is None
    assert checked >= 4
