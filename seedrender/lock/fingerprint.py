"""Turns a job into named, versioned parts whose digest says whether two clips show the same."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from seedrender.values.entry import Fingerprint
from seedrender.values.job import Job, JobId, Reference, Role
from seedrender.values.signed_url import unsigned, unsigned_in

FINGERPRINT_VERSION = 1
OF_PARENTS = ("continues", "uses")  # the parts that name clips of other jobs

_PLACEHOLDER = re.compile(r"\{\{ ref\.([A-Za-z0-9][A-Za-z0-9._-]*) \}\}")
_SIGNATURE_BEFORE = re.compile(
    r"(?i)^(x-(amz|tos|oss|goog|cos)-.*|sig|signature|token|expires|policy|key-pair-id|awsaccesskeyid"
    r"|ossaccesskeyid|googleaccessid|auth.*|se|sp|sv|sr|st|skoid|sktid|ske|skt|sks|skv)$"
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """How URLs are known without what opens them: as a reference, and within a text."""

    url: Callable[[str], str]
    text: Callable[[str], str]


def fingerprint(job: Job, digests: Mapping[str, str], parents: Mapping[JobId, str]) -> Fingerprint:
    """Fingerprint a job, given the sha256 of its local references and of what its parents made.

    `digests` maps reference names, `parents` job ids, to hex digests. A field that the author did
    not set leaves no trace, so that a field which a later version adds makes nothing stale. Where
    earlier versions knew a URL otherwise, their digest of the job is in `older`.
    """
    parts = _parts(job, digests, parents, _TODAY)
    found = of_parts(parts)
    try:
        before = _parts(job, digests, parents, _BEFORE) if _names_a_url(job) else parts
    except ValueError:  # they could not read the URL, so no lock has it
        return found
    return found if before == parts else replace(found, older=(of_parts(before).digest,))


def made_of(found: Fingerprint) -> frozenset[str]:
    """Return the sha256 of the clips that footage is made of."""
    named = (found.parts.get(name) or () for name in OF_PARENTS)
    return frozenset(str(clip).removeprefix("sha256:") for clips in named for clip in clips)


def of_parts(parts: Mapping[str, Any]) -> Fingerprint:
    """Digest named parts; their order does not matter."""
    text = json.dumps(
        {"version": FINGERPRINT_VERSION, "parts": parts}, sort_keys=True, ensure_ascii=False
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Fingerprint(version=FINGERPRINT_VERSION, digest=f"sha256:{digest}", parts=dict(parts))


def _parts(
    job: Job, digests: Mapping[str, str], parents: Mapping[JobId, str], rule: _Rule
) -> dict[str, Any]:
    references = [_identity(use.reference, use.role, digests, rule) for use in job.references]
    given = [use.reference.shot for use in job.references if use.reference.shot is not None]
    unwanted = job.negative_prompt
    parts: dict[str, Any] = {
        "model": job.model,
        "tier": job.tier.value,
        "mode": job.mode.value,
        "prompt": rule.text(_anonymous(job)),
        "take": job.take if job.take > 1 else None,
        "duration_s": job.duration_s,
        "resolution": job.resolution,
        "ratio": job.ratio,
        "audio": job.audio,
        "seed": job.seed,
        "camera_fixed": job.camera_fixed,
        "negative_prompt": None if unwanted is None else rule.text(unwanted),
        "references": references or None,
        "continues": [f"sha256:{parents[need]}" for need in job.needs] or None,
        "uses": [f"sha256:{parents[made]}" for made in given] or None,
    }
    return {name: value for name, value in parts.items() if value is not None}


def _names_a_url(job: Job) -> bool:
    texts = [job.prompt, job.negative_prompt, *(use.reference.url for use in job.references)]
    return any(text is not None and "://" in text for text in texts)


def _anonymous(job: Job) -> str:
    """Write references by number: the names that an author gives them do not change the picture."""
    numbers = {use.reference.name: n for n, use in enumerate(job.references, 1)}
    return _PLACEHOLDER.sub(lambda match: f"{{{{ ref {numbers[match[1]]} }}}}", job.prompt)


def _identity(reference: Reference, role: Role, digests: Mapping[str, str], rule: _Rule) -> str:
    if reference.path is not None:
        identity = f"sha256:{digests[reference.name]}"
    elif reference.url is not None:
        identity = f"{reference.kind.value}:{rule.url(reference.url)}"
    elif reference.shot is not None:
        identity = f"{reference.kind.value} of a shot"  # which one is among what the job uses
    else:
        identity = f"asset:{reference.asset}"
    return identity if role is Role.REFERENCE else f"{role.value}={identity}"


def _unsigned_before(url: str) -> str:
    """Return a URL as versions up to 0.1.0 knew it. Frozen: digests in lockfiles rest on it."""
    split = urlsplit(url)
    query = [pair for pair in parse_qsl(split.query) if not _SIGNATURE_BEFORE.match(pair[0])]
    rest = hashlib.sha256(urlencode(query).encode()).hexdigest()[:16] if query else ""
    return urlunsplit((split.scheme, split.netloc.rpartition("@")[2], split.path, rest, ""))


_TODAY = _Rule(unsigned, unsigned_in)
_BEFORE = _Rule(_unsigned_before, str)
