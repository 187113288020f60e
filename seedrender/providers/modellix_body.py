"""Turns a job into the flat body of its endpoint on Modellix."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from seedrender.catalog.models import Catalog, Variant
from seedrender.providers import words
from seedrender.values.job import Job, MediaKind, ReferenceUse, Role
from seedrender.values.provider import MediaUrl

_PLACEHOLDER = re.compile(r"\{\{ (?:ref\.([A-Za-z0-9][A-Za-z0-9._-]*)|(previous)) \}\}")
_LISTS = {MediaKind.IMAGE: "images", MediaKind.VIDEO: "videos", MediaKind.AUDIO: "audios"}


def body(
    job: Job, variant: Variant, catalog: Catalog, media: Mapping[str, MediaUrl]
) -> dict[str, Any]:
    """Build the body; a field that the author did not set is not sent."""
    placeholders = {**catalog.placeholders, **variant.family.placeholders}
    prompt = _prompt(job, placeholders)
    if variant.words:
        named = {variant.words["prompt"].name: prompt, **dict(_named(job, variant, media))}
        return named | words.settings(job, variant)
    settings = {
        "ratio": job.ratio,
        "resolution": job.resolution,
        "duration": job.duration_s,
        "generate_audio": job.audio,
        "camera_fixed": job.camera_fixed,
        "seed": job.seed,
    }
    said = {name: value for name, value in settings.items() if value is not None}
    return {"prompt": prompt, **_media_fields(job, media), **said}


def _prompt(job: Job, placeholders: Mapping[MediaKind, str]) -> str:
    names: dict[str, str] = {}
    counts = {MediaKind.IMAGE: 0, MediaKind.VIDEO: len(job.needs), MediaKind.AUDIO: 0}
    for use in job.references:
        if use.role is not Role.REFERENCE:
            names[use.reference.name] = use.role.value.replace("_", " ")
            continue
        kind = use.reference.kind
        counts[kind] += 1
        names[use.reference.name] = placeholders[kind].format(n=counts[kind])
    before = placeholders[MediaKind.VIDEO].format(n=1)
    return _PLACEHOLDER.sub(lambda m: before if m[2] else names[m[1]], job.prompt)


def _media_fields(job: Job, media: Mapping[str, MediaUrl]) -> dict[str, Any]:
    """Return the fields in which Seedance takes media."""
    fields: dict[str, Any] = {
        "reference_images": _urls(job, media, MediaKind.IMAGE),
        "video_urls": _urls(job, media, MediaKind.VIDEO),
        "audio_urls": _urls(job, media, MediaKind.AUDIO),
    }
    for use in job.references:
        if use.role is not Role.REFERENCE:
            fields[f"{use.role.value}_image"] = media[use.reference.name]
    return {name: value for name, value in fields.items() if value}


def _named(job: Job, variant: Variant, media: Mapping[str, MediaUrl]) -> Iterator[tuple[str, Any]]:
    """Yield the fields in which an endpoint takes media, by its own names."""
    for kind, word in _LISTS.items():
        urls = _urls(job, media, kind)
        if urls:
            field = variant.words[word]
            yield field.name, urls if field.is_list else urls[0]
    for use in job.references:
        if use.role is not Role.REFERENCE:
            field, url = variant.words[use.role.value], media[use.reference.name]
            yield field.name, [url] if field.is_list else url


def _urls(job: Job, media: Mapping[str, MediaUrl], kind: MediaKind) -> list[MediaUrl]:
    before = [media[need] for need in job.needs] if kind is MediaKind.VIDEO else []
    return before + [media[use.reference.name] for use in job.references if _is_plain(use, kind)]


def _is_plain(use: ReferenceUse, kind: MediaKind) -> bool:
    return use.role is Role.REFERENCE and use.reference.kind is kind
