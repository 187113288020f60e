from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.errors import Origin
from seedrender.lock.fingerprint import fingerprint
from seedrender.values.entry import Fingerprint
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
from seedrender.values.signed_url import TABLE
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


def test_an_asset_of_the_provider_is_known_by_its_name_there() -> None:
    mira = Reference(name="mira", kind=MediaKind.IMAGE, asset="asset-2026")

    found = fingerprint(job(references=(ReferenceUse(reference=mira),)), {}, {})

    assert found.parts["references"] == ["asset:asset-2026"]


def test_a_length_that_the_model_chooses_is_a_length_of_its_own() -> None:
    assert fingerprint(job(duration_s=-1), {}, {}).parts["duration_s"] == -1
    assert len({digest(job(duration_s=length)) for length in (None, -1, 5)}) == 3


def used(url: str, **fields: Any) -> Job:
    street = replace(STREET, url=url)
    return job(references=(ReferenceUse(reference=street, role=Role.FIRST_FRAME),), **fields)


ROTATED = "https://cdn.example/a.png?id=7&sign={}&t={}"


def test_a_link_that_is_signed_anew_is_the_same_picture() -> None:
    assert digest(used(ROTATED.format("old", 1))) == digest(used(ROTATED.format("new", 2)))
    assert digest(used("https://cdn.example/a.png?id=8")) != digest(used(ROTATED.format("x", 1)))


def test_what_an_earlier_version_rendered_is_still_what_is_wanted() -> None:
    """The digest is one that version 0.1.0 made, when `sign` and `t` counted."""
    before = Fingerprint(
        digest="sha256:83a0c0a7cee6af5d478044a534f20bbb106ef3cad5452d5fa77b7c1913a8be75"
    )

    wanted = fingerprint(used(ROTATED.format("old", 1)), {}, {})

    assert wanted.digest != before.digest
    assert wanted.is_of(before)
    assert wanted.is_of(wanted)
    assert not fingerprint(used(ROTATED.format("new", 1)), {}, {}).is_of(before)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://cdn.example/street.jpg", id="no query"),
        pytest.param("https://cdn.example/a?a=1&b=2", id="in order"),
        pytest.param("https://cdn.example/a?b=2&X-Amz-Signature=x&Expires=1", id="known before"),
    ],
)
def test_a_url_that_was_always_known_so_has_one_digest(url: str) -> None:
    assert fingerprint(used(url), {}, {}).older == ()


def test_a_url_that_could_not_be_read_before_has_one_digest() -> None:
    assert fingerprint(used("https://h/a?\ud800=1"), {}, {}).older == ()


@pytest.mark.parametrize("name", ["prompt", "negative_prompt"])
def test_a_signed_url_in_a_text_is_kept_without_its_signature(name: str) -> None:
    before = fingerprint(job(**{name: "As https://h/a.png?sign=planted shows."}), {}, {})
    after = fingerprint(job(**{name: "As https://h/a.png?sign=another shows."}), {}, {})

    assert before.parts[name] == "As https://h/a.png shows."
    assert before == after
    assert before.older != after.older


@given(
    st.sampled_from(sorted({name for names in TABLE.values() for name in names})),
    st.text("abcdefghijklmnop", min_size=8, max_size=20),
)
def test_no_secret_is_among_the_parts(name: str, secret: str) -> None:
    url = f"https://cdn.example/a.png?id=7&{name.replace('*', 'x')}={secret}"

    found = fingerprint(used(url, prompt=f"See {url}."), {}, {})

    assert secret not in repr(found.parts)


OLD_NAMES = (
    *("X-Amz-Date", "x-tos-expires", "x-oss-x", "x-goog-x", "x-cos-x", "sig", "Signature", "token"),
    *("Expires", "Policy", "Key-Pair-Id", "AWSAccessKeyId", "OSSAccessKeyId", "GoogleAccessId"),
    *("auth", "author", "se", "sp", "sv", "sr", "st", "skoid", "sktid", "ske", "skt", "sks", "skv"),
)


@pytest.mark.parametrize("name", OLD_NAMES)
def test_what_never_counted_does_not_count_now(name: str) -> None:
    assert digest(used(f"https://h/a?{name}=1")) == digest(used("https://h/a"))
