"""Turns a job into named, versioned parts whose digest says whether two clips show the same."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from seedrender.values.entry import Fingerprint
from seedrender.values.job import Job, JobId, Reference, Role

FINGERPRINT_VERSION = 1

_PLACEHOLDER = re.compile(r"\{\{ ref\.([A-Za-z0-9][A-Za-z0-9._-]*) \}\}")
_SIGNATURE = re.compile(
    r"(?i)^(x-(amz|tos|oss|goog|cos)-.*|sig|signature|token|expires|policy|key-pair-id|awsaccesskeyid"
    r"|ossaccesskeyid|googleaccessid|auth.*|se|sp|sv|sr|st|skoid|sktid|ske|skt|sks|skv)$"
)


def fingerprint(job: Job, digests: Mapping[str, str], parents: Mapping[JobId, str]) -> Fingerprint:
    """Fingerprint a job, given the sha256 of its local references and of what its parents made.

    `digests` maps reference names, `parents` job ids, to hex digests. A field that the author did
    not set leaves no trace, so that a field which a later version adds makes nothing stale.
    """
    references = [_identity(use.reference, use.role, digests) for use in job.references]
    given = [use.reference.shot for use in job.references if use.reference.shot is not None]
    parts: dict[str, Any] = {
        "model": job.model,
        "tier": job.tier.value,
        "mode": job.mode.value,
        "prompt": _anonymous(job),
        "take": job.take if job.take > 1 else None,
        "duration_s": job.duration_s,
        "resolution": job.resolution,
        "ratio": job.ratio,
        "audio": job.audio,
        "seed": job.seed,
        "camera_fixed": job.camera_fixed,
        "negative_prompt": job.negative_prompt,
        "references": references or None,
        "continues": [f"sha256:{parents[need]}" for need in job.needs] or None,
        "uses": [f"sha256:{parents[made]}" for made in given] or None,
    }
    return of_parts({name: value for name, value in parts.items() if value is not None})


def of_parts(parts: Mapping[str, Any]) -> Fingerprint:
    """Digest named parts; their order does not matter."""
    text = json.dumps(
        {"version": FINGERPRINT_VERSION, "parts": parts}, sort_keys=True, ensure_ascii=False
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Fingerprint(version=FINGERPRINT_VERSION, digest=f"sha256:{digest}", parts=dict(parts))


def _anonymous(job: Job) -> str:
    """Write references by number: the names that an author gives them do not change the picture."""
    numbers = {use.reference.name: n for n, use in enumerate(job.references, 1)}
    return _PLACEHOLDER.sub(lambda match: f"{{{{ ref {numbers[match[1]]} }}}}", job.prompt)


def _identity(reference: Reference, role: Role, digests: Mapping[str, str]) -> str:
    if reference.path is not None:
        identity = f"sha256:{digests[reference.name]}"
    elif reference.url is not None:
        identity = f"{reference.kind.value}:{unsigned(reference.url)}"
    elif reference.shot is not None:
        identity = f"{reference.kind.value} of a shot"  # which one is among what the job uses
    else:
        identity = f"asset:{reference.asset}"
    return identity if role is Role.REFERENCE else f"{role.value}={identity}"


def unsigned(url: str) -> str:
    """Return a URL without credentials and signature: what stays names the same file tomorrow.

    What is left of the query is kept as a digest, since it may hold a secret under another name.
    """
    split = urlsplit(url)
    host = split.netloc.rpartition("@")[2]
    query = [pair for pair in parse_qsl(split.query) if not _SIGNATURE.match(pair[0])]
    rest = hashlib.sha256(urlencode(query).encode()).hexdigest()[:16] if query else ""
    return urlunsplit((split.scheme, host, split.path, rest, ""))


def is_signed(url: str) -> bool:
    """Say whether a URL carries credentials or a signature: it is shown and written nowhere."""
    try:
        split = urlsplit(url)
    except ValueError:  # it is no URL
        return False
    names = [name for name, _ in parse_qsl(split.query, keep_blank_values=True)]
    return "@" in split.netloc or any(_SIGNATURE.match(name) for name in names)
