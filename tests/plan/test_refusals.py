from __future__ import annotations

import pytest

from seedrender.lock.fingerprint import fingerprint
from seedrender.plan.decide import Facts, decide
from seedrender.plan.decision import Verdict
from seedrender.plan.refusals import advice
from seedrender.values.entry import JobState, Lock
from tests.builders import entry, job, record


@pytest.mark.parametrize(
    "reason",
    [
        "HTTP 400: InputImageSensitiveContentDetected.PrivacyInformation: content[1]",
        "InputVideoSensitiveContentDetected.PrivacyInformation",
        "the request failed because the input image may contain real person",
    ],
)
def test_a_refused_face_is_explained_with_the_ways_to_authorise_it(reason: str) -> None:
    words = advice(reason)

    assert words.startswith(f"{reason}; a real person's face was recognised")
    assert "asset: ID" in words
    assert "rights: {authorised_by: …}" in words


@pytest.mark.parametrize(
    "reason", ["OutputAudioSensitiveContentDetected: its sound", "OutputImageRiskDetection"]
)
def test_a_refused_clip_may_be_asked_for_again_by_a_person(reason: str) -> None:
    assert advice(reason).startswith(f"{reason}; ")
    assert "--resubmit" in advice(reason)


def test_a_refusal_of_something_protected_is_explained() -> None:
    reason = "HTTP 400: InputTextSensitiveContentDetected.PolicyViolation"

    assert advice(reason) == (
        f"{reason}; something protected was recognised: take names and pictures of known works, "
        "brands and persons out"
    )


def test_another_refusal_is_left_as_it_is() -> None:
    assert advice("InputTextSensitiveContentDetected") == "InputTextSensitiveContentDetected"


def test_the_plan_says_what_to_do_about_a_refused_face() -> None:
    wanted = fingerprint(job(), {}, {})
    error = "HTTP 400: InputImageSensitiveContentDetected.PrivacyInformation; nothing was bought"
    refused = record(state=JobState.BLOCKED, fingerprint=wanted, error=error)
    facts = Facts(lock=Lock(manifest="film.yaml"), digests={}, is_present=lambda _: True)

    found = decide(job(), wanted, entry("spin", refused), facts)

    assert found.verdict is Verdict.BLOCKED
    assert "a real person's face was recognised" in found.reason
