"""Turns a provider's refusal into what a person can do about it."""

from __future__ import annotations

import re

# The codes of the model's maker, and the words that come with them.
_FACE = re.compile(
    r"(?i)SensitiveContentDetected\.PrivacyInformation|may contain (a )?real (person|human)"
)
_POLICY = re.compile(r"(?i)SensitiveContentDetected\.PolicyViolation")

_OUTPUT = re.compile(r"Output(Text|Image|Video|Audio)(SensitiveContent|Risk)Detect")

_FACE_ADVICE = (
    "a real person's face was recognised. Ways on: a picture in which nobody can be recognised; a "
    "virtual person of the provider's gallery, or a person whose consent the provider has "
    "verified, as a reference with asset: ID and rights: {authorised_by: …}; or an unchanged "
    "result of the same account, not older than 30 days"
)
_POLICY_ADVICE = (
    "something protected was recognised: take names and pictures of known works, brands and "
    "persons out"
)
_OUTPUT_ADVICE = "it was the clip that was refused: with --resubmit, another one may pass"


def advice(reason: str) -> str:
    """Return a refusal's words, and what to do about them where we know it."""
    if _FACE.search(reason):
        return f"{reason}; {_FACE_ADVICE}"
    reason = f"{reason}; {_POLICY_ADVICE}" if _POLICY.search(reason) else reason
    return f"{reason}; {_OUTPUT_ADVICE}" if _OUTPUT.search(reason) else reason
