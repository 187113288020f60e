"""Turns what a manifest says of a job into fields of a body, by the words of its endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seedrender.catalog.bodies import Field
from seedrender.catalog.models import Variant
from seedrender.values.job import Job, Role

_SAID = {  # word → field of a job
    "ratio": "ratio",
    "resolution": "resolution",
    "duration": "duration_s",
    "audio": "audio",
    "seed": "seed",
    "camera_fixed": "camera_fixed",
    "negative_prompt": "negative_prompt",
}


def settings(job: Job, variant: Variant) -> dict[str, Any]:
    """Return the settings of a body; a field that the author did not set is not sent."""
    body: dict[str, Any] = dict(variant.fixed)
    for word, attribute in _SAID.items():
        value = getattr(job, attribute)
        if value is not None and word in variant.words:
            field = variant.words[word]
            body[field.name] = field.written(value)
    size = variant.words.get("size")
    if size is not None and (job.ratio is not None or job.resolution is not None):
        body[size.name] = _size(size, job, variant)
    return body


def _size(field: Field, job: Job, variant: Variant) -> str:
    by_ratio = variant.family.pixels[job.resolution or variant.family.default_resolution]
    width, height = by_ratio[job.ratio or variant.default_ratio]
    return field.form.format(width=width, height=height)


def missing(job: Job, variant: Variant) -> Iterator[str]:
    """Yield the word of each medium that the body must have and the job does not give."""
    given = {use.role.value for use in job.references if use.role is not Role.REFERENCE}
    given |= {f"{use.reference.kind.value}s" for use in job.references} | {"prompt"}
    for fields in (*((name,) for name in variant.required), variant.needs_one_of):
        words = [word for word, field in variant.words.items() if field.name in fields]
        if words and not given.intersection(words):
            yield words[0]


def outside(job: Job, variant: Variant) -> Iterator[tuple[str, str, str]]:
    """Yield the word, what is wrong with it, and what may be written, by the body's own bounds."""
    for word in ("seed", "negative_prompt"):
        value = getattr(job, word)
        rule = variant.body[variant.words[word].name] if word in variant.words else {}
        if isinstance(value, int) and "minimum" in rule:
            low, high = rule["minimum"], rule["maximum"]
            if not low <= value <= high:
                yield word, f"{word} {value} is not possible", f"{low} to {high}"
        elif isinstance(value, str) and len(value) > rule.get("maxLength", len(value)):
            yield word, f"{word} has {len(value)} characters", f"{rule['maxLength']} at most"


def together(job: Job, variant: Variant) -> Iterator[tuple[str, str]]:
    """Yield a word and the values that do not go together, defaults counted in."""
    if not variant.excludes:
        return
    defaults = {name: rule["default"] for name, rule in variant.body.items() if "default" in rule}
    body = {**defaults, **settings(job, variant)}
    ours = {field.name: word for word, field in variant.words.items()}
    for row in variant.excludes:
        if row.items() <= body.items():
            said = [f"{ours[name]} {_ours(variant, ours[name], row[name])}" for name in row]
            yield ours[next(iter(row))], " and ".join(said)


def _ours(variant: Variant, word: str, value: Any) -> Any:
    values: Mapping[Any, Any] = variant.words[word].values
    return next((ours for ours, written in values.items() if written == value), value)
