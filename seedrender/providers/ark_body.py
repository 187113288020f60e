"""Turns a job into the body that Ark takes: one list of text and media, and settings beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from seedrender.catalog.models import Catalog, Variant
from seedrender.values.job import CorrelationId, Job, MediaKind, ReferenceUse, Role
from seedrender.values.provider import MediaUrl

_PLACEHOLDER = re.compile(r"\{\{ (?:ref\.([A-Za-z0-9][A-Za-z0-9._-]*)|(previous)) \}\}")
_FRAMES = (Role.FIRST_FRAME, Role.LAST_FRAME)  # in the order in which a prompt counts them


def build(
    job: Job,
    variant: Variant,
    catalog: Catalog,
    media: Mapping[str, MediaUrl],
    correlation_id: CorrelationId,
) -> dict[str, Any]:
    """Build the body; a setting that the author did not write is not sent.

    Segments ask for their last frame, which costs nothing. The correlation id travels as the
    `safety_identifier`, the one field that a list of tasks gives back.
    """
    settings = {
        "safety_identifier": correlation_id or None,
        "return_last_frame": True if job.segment is not None else None,
        "generate_audio": job.audio,
        "camera_fixed": job.camera_fixed,
        "seed": job.seed,
        "resolution": job.resolution,
        "ratio": job.ratio,
        "duration": job.duration_s,
    }
    content = [{"type": "text", "text": prompt(job, catalog)}, *_items(job, media)]
    body = {"model": variant.slug, "content": content}
    return body | {name: value for name, value in settings.items() if value is not None}


def prompt(job: Job, catalog: Catalog) -> str:
    """Return the prompt with the route's own words for the media: by kind and order."""
    counts = dict.fromkeys(MediaKind, 0)
    counts[MediaKind.VIDEO] = len(job.needs)
    names: dict[str, str] = {}
    for use in _uses(job):
        kind = use.reference.kind
        counts[kind] += 1
        names[use.reference.name] = catalog.placeholders[kind].format(n=counts[kind])
    before = catalog.placeholders[MediaKind.VIDEO].format(n=1)
    return _PLACEHOLDER.sub(lambda found: before if found[2] else names[found[1]], job.prompt)


def _uses(job: Job) -> Iterator[ReferenceUse]:
    """Yield the references in the order of the body: frames first."""
    for role in _FRAMES:
        yield from (use for use in job.references if use.role is role)
    yield from (use for use in job.references if use.role not in _FRAMES)


def _items(job: Job, media: Mapping[str, MediaUrl]) -> Iterator[dict[str, Any]]:
    for need in job.needs:  # the clip that is continued is the first video
        yield _item(MediaKind.VIDEO, "reference_video", media[need])
    for use in _uses(job):
        kind = use.reference.kind
        role = f"reference_{kind.value}" if use.role is Role.REFERENCE else use.role.value
        yield _item(kind, role, media[use.reference.name])


def _item(kind: MediaKind, role: str, url: MediaUrl) -> dict[str, Any]:
    name = f"{kind.value}_url"
    return {"type": name, name: {"url": url}, "role": role}
