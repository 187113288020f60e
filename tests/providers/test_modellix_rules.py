"""The rules of the Modellix reference, row by row: what our side refuses before money is spent."""

from __future__ import annotations

from typing import Any

import pytest

from seedrender.catalog.models import catalog
from seedrender.errors import (
    NotFoundError,
    ProtocolError,
    ProviderError,
    QuotaError,
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
)
from seedrender.media.medium import Medium
from seedrender.providers import registry
from seedrender.providers.refusals import by_status
from seedrender.run import fits
from seedrender.values.job import MediaKind, Mode, Reference, ReferenceUse, Role, Tier
from tests.builders import job

MODELLIX = registry.offline("modellix")
MB = 1_000_000
I2V, V2V = {"mode": Mode.I2V}, {"mode": Mode.V2V}
PRO_15 = {"model": "seedance-1.5-pro", "tier": Tier.STANDARD}
PRO_10 = {"model": "seedance-1.0-pro", "tier": Tier.STANDARD}
NEWEST = {"model": "seedance-2.5", "tier": Tier.STANDARD}
STANDARD = {"tier": Tier.STANDARD}


def media(kind: MediaKind, count: int, role: Role = Role.REFERENCE) -> tuple[ReferenceUse, ...]:
    url = "https://cdn.example/a"
    return tuple(
        ReferenceUse(reference=Reference(name=f"{kind}{n}", kind=kind, url=url), role=role)
        for n in range(count)
    )


IMAGE, VIDEO, AUDIO = MediaKind.IMAGE, MediaKind.VIDEO, MediaKind.AUDIO
FIRST = media(IMAGE, 1, Role.FIRST_FRAME)
LAST = media(IMAGE, 1, Role.LAST_FRAME)


def found(**fields: Any) -> list[str]:
    return [str(violation) for violation in MODELLIX.violations(job(**fields))]


@pytest.mark.parametrize(
    "fields",
    [
        # sections 2 and 3
        pytest.param({"resolution": "1080p"}, id="2: fast has no 1080p"),
        pytest.param({"tier": Tier.MINI, "resolution": "1080p"}, id="2: mini has no 1080p"),
        pytest.param({**STANDARD, **V2V, "references": media(VIDEO, 1), "resolution": "4k"},
                     id="2: v2v has no 4k"),
        pytest.param({**NEWEST, "resolution": "1080p"}, id="2: 2.5 has no 1080p"),
        pytest.param({**NEWEST, "duration_s": 31}, id="2: 2.5 ends at 30 s"),
        pytest.param({**NEWEST, **I2V, "references": FIRST}, id="2: 2.5 is t2v only"),
        pytest.param({"prompt": ""}, id="3: a prompt has a character"),
        pytest.param({"prompt": "x" * 10_001}, id="3: a prompt has 10000 characters at most"),
        pytest.param({**I2V, "references": media(IMAGE, 10)}, id="3: nine reference_images"),
        pytest.param({**I2V, "references": (*media(IMAGE, 1), *media(AUDIO, 4))},
                     id="3: three audio_urls"),
        pytest.param({**V2V, "references": media(VIDEO, 4)}, id="3: three video_urls"),
        pytest.param({**V2V, "references": media(IMAGE, 1)}, id="3: v2v needs video_urls"),
        pytest.param({"references": media(IMAGE, 1)}, id="3: t2v has no media fields"),
        pytest.param({**I2V, "references": media(VIDEO, 1)}, id="3: i2v has no video_urls"),
        pytest.param({"ratio": "2:1"}, id="3: ratio is one of six"),
        pytest.param({"duration_s": 3}, id="3: duration from 4"),
        pytest.param({"duration_s": 16}, id="3: duration to 15"),
        # section 3.1
        pytest.param({**I2V, "references": (*media(IMAGE, 1), *FIRST)},
                     id="3.1: reference images and a first frame"),
        pytest.param({**I2V, "references": (*media(IMAGE, 1), *LAST)},
                     id="3.1: reference images and a last frame"),
        pytest.param({**I2V, "references": media(AUDIO, 1)}, id="3.1: audio alone"),
        pytest.param({"duration_s": -1}, id="3.1: no length of the model's own choice"),
        pytest.param({"ratio": "adaptive"}, id="3.1: adaptive is not offered on 2.0"),
        # section 4
        pytest.param({**PRO_15, "duration_s": 13}, id="4: 1.5 ends at 12 s"),
        pytest.param({**PRO_15, "duration_s": 3}, id="4: 1.5 begins at 4 s"),
        pytest.param({**PRO_15, "resolution": "4k"}, id="4: 1.5 has no 4k"),
        pytest.param({**PRO_15, **I2V, "references": media(IMAGE, 1)}, id="4: 1.5 takes frames only"),
        pytest.param({**PRO_10, "duration_s": 1}, id="4: 1.0 begins at 2 s"),
        pytest.param({**PRO_10, "duration_s": 13}, id="4: 1.0 ends at 12 s"),
        pytest.param({**PRO_10, "audio": True}, id="4: 1.0 is silent"),
    ],
)  # fmt: skip
def test_a_rule_of_the_reference_is_kept_before_anything_is_sent(fields: dict[str, Any]) -> None:
    assert found(**fields) != []


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({**STANDARD, "resolution": "4k"}, id="2: 4k on standard t2v"),
        pytest.param({**STANDARD, **I2V, "references": FIRST, "resolution": "4k"},
                     id="2: 4k on standard i2v"),
        pytest.param({**NEWEST, "duration_s": 30}, id="2: 30 s of 2.5"),
        pytest.param({"prompt": "x" * 10_000}, id="3: 10000 characters"),
        pytest.param({**I2V, "references": media(IMAGE, 9)}, id="3: nine images"),
        pytest.param({**I2V, "references": (*media(IMAGE, 1), *media(AUDIO, 3))},
                     id="3: three sounds"),
        pytest.param({**V2V, "references": (*media(VIDEO, 3), *media(AUDIO, 3))},
                     id="3: three clips"),
        pytest.param({"duration_s": 4}, id="3: 4 s"),
        pytest.param({"duration_s": 15}, id="3: 15 s"),
        pytest.param({"seed": -1}, id="3: a random seed"),
        pytest.param({**I2V, "references": (*FIRST, *LAST)}, id="3.1: both frames"),
        pytest.param({**PRO_15, "ratio": "adaptive"}, id="4: adaptive on 1.5"),
        pytest.param({**PRO_10, "ratio": "adaptive"}, id="4: adaptive on 1.0"),
        pytest.param({**PRO_10, "duration_s": 2}, id="4: 2 s of 1.0"),
    ],
)  # fmt: skip
def test_what_the_reference_allows_is_allowed(fields: dict[str, Any]) -> None:
    assert found(**fields) == []


@pytest.mark.parametrize(
    ("medium", "is_taken"),
    [
        pytest.param({"size_bytes": 30 * MB - 1}, True, id="an image under 30 MB"),
        pytest.param({"size_bytes": 30 * MB + 1}, False, id="an image above 30 MB"),
        pytest.param({"width": 300, "height": 300}, True, id="sides from 300 px"),
        pytest.param({"width": 299, "height": 300}, False, id="a side below 300 px"),
        pytest.param({"width": 6000, "height": 6000}, True, id="sides to 6000 px"),
        pytest.param({"width": 6001, "height": 6000}, False, id="a side above 6000 px"),
        pytest.param({"width": 400, "height": 1000}, True, id="a ratio of 0.4"),
        pytest.param({"width": 399, "height": 1000}, False, id="a ratio below 0.4"),
        pytest.param({"width": 1000, "height": 400}, True, id="a ratio of 2.5"),
        pytest.param({"width": 1003, "height": 400}, False, id="a ratio above 2.5"),
        *(pytest.param({"format": form}, True, id=form)
          for form in ("jpeg", "png", "webp", "bmp", "tiff", "gif")),
        pytest.param({"kind": VIDEO, "seconds": 2.0}, True, id="a clip of 2 s"),
        pytest.param({"kind": VIDEO, "seconds": 1.5}, False, id="a clip below 2 s"),
        pytest.param({"kind": VIDEO, "seconds": 15.0}, True, id="a clip of 15 s"),
        pytest.param({"kind": VIDEO, "seconds": 15.5}, False, id="a clip above 15 s"),
    ],
)  # fmt: skip
def test_a_medium_is_held_to_section_3_2(medium: dict[str, Any], *, is_taken: bool) -> None:
    family = catalog("modellix").families["seedance-2.0"]
    looked_at = Medium(**{"kind": IMAGE, **medium})

    problems = list(fits.problems(looked_at, family.media[looked_at.kind], family.name))

    assert (problems == []) is is_taken, problems


@pytest.mark.parametrize(
    ("model", "is_taken"),
    [("seedance-1.0-pro", False), ("seedance-1.5-pro", True), ("seedance-2.0", True)],
)
def test_heic_is_taken_from_1_5_on_as_the_maker_says(model: str, *, is_taken: bool) -> None:
    limits = catalog("modellix").families[model].media[IMAGE]

    problems = list(fits.problems(Medium(kind=IMAGE, format="heic"), limits, model))

    assert (problems == []) is is_taken


def test_a_request_has_64_mb_at_most() -> None:
    assert catalog("modellix").max_request_bytes == 64 * MB


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, RejectedError) for status in (400, 405, 413, 415, 422)),
        *((status, UnauthorizedError) for status in (401, 403)),
        (402, QuotaError),
        (404, NotFoundError),
        (429, RateLimitedError),
        *((status, ProtocolError) for status in (301, 307, 408, 409, 425, 500, 502, 503, 504)),
    ],
)
def test_an_answer_to_a_submit_proves_what_section_7_2_says(
    status: int, kind: type[ProviderError]
) -> None:
    """Of the last row nothing is proved: the submit is unknown, see the fault matrix."""
    assert by_status(status, {}).kind is kind


@pytest.mark.parametrize(
    ("words", "is_concurrency"),
    [("Rate limit exceeded: slow down", False), ("Concurrent limit exceeded: wait", True)],
)
def test_the_two_kinds_of_429_are_told_apart(words: str, *, is_concurrency: bool) -> None:
    assert by_status(429, {"code": 429, "message": words}).is_concurrency is is_concurrency


def test_the_account_is_taken_for_the_smallest_paid_one_of_section_7_4() -> None:
    limits = registry.account_limits("modellix")

    assert (limits.concurrency, limits.requests_per_minute) == (10, 100)
