from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.errors import Origin
from seedrender.lock.fingerprint import fingerprint, is_signed, unsigned
from seedrender.values.job import (
    FOOTAGE,
    RUNTIME,
    Job,
    JobId,
    MediaKind,
    Mode,
    Place,
    Reference,
    ReferenceUse,
    Role,
    Tier,
)
from tests.builders import job

HERO = Reference(name="hero", kind=MediaKind.IMAGE, path="refs/hero.png")
STREET = Reference(name="street", kind=MediaKind.IMAGE, url="https://cdn.example/street.jpg")
DIGESTS = {"hero": "11" * 32, "lead": "11" * 32}
PARENTS = {JobId("fly/01"): "22" * 32}

OTHER_VALUES: dict[str, Any] = {
    "model": "seedance-2.5",
    "tier": Tier.MINI,
    "mode": Mode.I2V,
    "prompt": "A boat.",
    "take": 2,
    "duration_s": 6,
    "negative_prompt": "text",
    "resolution": "720p",
    "ratio": "1:1",
    "audio": False,
    "seed": 7,
    "camera_fixed": True,
    "references": (ReferenceUse(reference=HERO),),
    "needs": (JobId("fly/01"),),
    "id": JobId("renamed"),
    "shot": "renamed",
    "segment": 3,
    "mode_reason": "because",
    "output": "elsewhere.mp4",
    "tags": ("hero",),
    "row": Origin("rows.csv", 2, 1),
    "origin": Origin("other.yaml", 1, 1),
    "places": {"prompt": Place(Origin("other.yaml", 2, 2), ("shots",))},
}


def digest(wanted: Job) -> str:
    return fingerprint(wanted, DIGESTS, PARENTS).digest


def test_every_field_of_a_job_is_footage_or_runtime() -> None:
    assert {f.name for f in fields(Job)} == FOOTAGE | RUNTIME
    assert not FOOTAGE & RUNTIME


@pytest.mark.parametrize("name", sorted(FOOTAGE))
def test_what_changes_the_picture_changes_the_fingerprint(name: str) -> None:
    changed = replace(job(), **{name: OTHER_VALUES[name]})

    assert digest(changed) != digest(job())


@pytest.mark.parametrize("name", sorted(RUNTIME))
def test_what_does_not_change_the_picture_does_not_change_the_fingerprint(name: str) -> None:
    changed = replace(job(), **{name: OTHER_VALUES[name]})

    assert digest(changed) == digest(job())


def test_a_field_that_is_not_set_leaves_no_trace() -> None:
    parts = fingerprint(job(), {}, {}).parts

    assert set(parts) == {"model", "tier", "mode", "prompt"}


def test_version_1_is_pinned() -> None:
    full = job(
        "fly/02",
        prompt="{{ previous }}: {{ ref.hero }} meets {{ ref.street }}.",
        mode=Mode.V2V,
        duration_s=15,
        resolution="480p",
        ratio="16:9",
        references=(
            ReferenceUse(reference=HERO),
            ReferenceUse(reference=STREET, role=Role.LAST_FRAME),
        ),
        needs=(JobId("fly/01"),),
    )

    found = fingerprint(full, DIGESTS, PARENTS)

    assert found.version == 1
    assert found.parts == {
        "model": "seedance-2.0",
        "tier": "fast",
        "mode": "v2v",
        "prompt": "{{ previous }}: {{ ref 1 }} meets {{ ref 2 }}.",
        "duration_s": 15,
        "resolution": "480p",
        "ratio": "16:9",
        "references": ["sha256:" + "11" * 32, "last_frame=image:https://cdn.example/street.jpg"],
        "continues": ["sha256:" + "22" * 32],
    }
    assert found.digest == "sha256:71fef57292edc5a866fb4657868a1633931287bc597be7bdf05beb586646ce0b"


def test_version_1_is_pinned_for_what_few_jobs_set() -> None:
    rare = job("spin@2", prompt="Ein Kätzchen.", take=2, audio=False, seed=0, camera_fixed=True)

    found = fingerprint(rare, {}, {})

    assert found.parts == {
        "model": "seedance-2.0",
        "tier": "fast",
        "mode": "t2v",
        "prompt": "Ein Kätzchen.",
        "take": 2,
        "audio": False,
        "seed": 0,
        "camera_fixed": True,
    }
    assert found.digest == "sha256:70d199ea3ecf53d1656e0d06ffd0a760c202b086a424093719136e754ed74c63"


def test_version_1_is_pinned_for_what_is_not_to_be_seen() -> None:
    found = fingerprint(job(negative_prompt="rain"), {}, {})

    assert found.parts["negative_prompt"] == "rain"
    assert found.digest == "sha256:2f080e8fce93ced4ee327634416109708c9ed78cf1208ad0c355e1376e0e11fe"


def test_another_name_for_the_same_bytes_is_the_same_picture() -> None:
    lead = replace(HERO, name="lead", path="refs/lead.png")
    one = job(prompt="{{ ref.hero }} runs.", references=(ReferenceUse(reference=HERO),))
    other = job(prompt="{{ ref.lead }} runs.", references=(ReferenceUse(reference=lead),))

    assert digest(one) == digest(other)


@pytest.mark.parametrize(
    ("url", "identity"),
    [
        pytest.param("https://h/a.png", "https://h/a.png", id="as it is"),
        pytest.param("https://u:p@h/a.png", "https://h/a.png", id="no password"),
        pytest.param("https://h/a?X-Amz-Signature=s&Expires=1", "https://h/a", id="no signature"),
        pytest.param("https://h/a.png#x", "https://h/a.png", id="no fragment"),
        pytest.param("https://h/a?id=7", "https://h/a?f422c82d6db73d91", id="a query, as a digest"),
        pytest.param("https://h/a?sig=s&id=7", "https://h/a?f422c82d6db73d91", id="what is left"),
    ],
)
def test_a_url_is_known_without_its_secrets(url: str, identity: str) -> None:
    assert unsigned(url) == identity


@pytest.mark.parametrize("url", ["https://h/a?token=", "https://h/a?b=1&sig=s", "https://u@h/a"])
def test_a_url_that_opens_something_is_signed_even_where_the_value_is_empty(url: str) -> None:
    assert is_signed(url)


def test_an_asset_of_the_provider_is_known_by_its_name_there() -> None:
    mira = Reference(name="mira", kind=MediaKind.IMAGE, asset="asset-2026")

    found = fingerprint(job(references=(ReferenceUse(reference=mira),)), {}, {})

    assert found.parts["references"] == ["asset:asset-2026"]


@given(st.text(st.characters(categories=["L", "N"]), min_size=8))
def test_no_value_of_a_query_is_shown(secret: str) -> None:
    assert secret not in unsigned(f"https://cdn.example/a.png?id={secret}")


def test_a_length_that_the_model_chooses_is_a_length_of_its_own() -> None:
    assert fingerprint(job(duration_s=-1), {}, {}).parts["duration_s"] == -1
    assert len({digest(job(duration_s=length)) for length in (None, -1, 5)}) == 3
