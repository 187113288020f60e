"""Turns a job and the catalogue into what the model would refuse, before money is spent."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from seedrender.catalog.bodies import SETTINGS
from seedrender.catalog.models import ADAPTIVE, Absent, Catalog, Family, Variant
from seedrender.errors import Violation
from seedrender.providers import words
from seedrender.source.names import closest
from seedrender.values.job import CHOSEN_BY_MODEL, Job, MediaKind, Mode, Role

_RATIO = re.compile(r"([1-9][0-9]{0,3}) ?[:x/] ?([1-9][0-9]{0,3})")
_BLIND = {Mode.T2V: Mode.I2V, Mode.T2I: Mode.I2I}  # and what takes images instead
_ALIKE = 0.11  # in the logarithm of width by height: 16:10 is 0.105 from 16:9


def violations(job: Job, catalog: Catalog, route: str) -> Sequence[Violation]:
    """Return every limit of the route's model that the job breaks."""
    if job.model not in catalog.families:
        absent = _absent(job.model, catalog)
        if absent is not None:
            message = f"model '{job.model}': {absent.reason}"
            hint = f"as of {absent.date}, {absent.source}; choose another model"
            return [violation(job, "model", message, hint)]
        return [_unlisted(job, "model", job.model, catalog.families, f"on the route {route}")]
    variant = catalog.variant(job.model, job.tier, job.mode)
    if variant is None:
        wanted = f"{job.model} has no {job.tier.value} {job.mode.value} on the route {route}"
        return [violation(job, "tier", wanted, "choose another tier or mode")]
    if variant.ended is not None:
        message = f"{job.model} {job.tier.value} is sold no more on {route} since {variant.ended}"
        return [violation(job, "model", message, "choose another model")]
    return [*_settings(job, variant), *_media(job, variant, catalog)]


def _absent(model: str, catalog: Catalog) -> Absent | None:
    """Return why a route does not sell a model, or any of a family's, that people ask for."""
    names = re.split(r"[-._/ ]", model.lower())
    return catalog.absent.get(names[0])


def unhosted(job: Job, catalog: Catalog, route: str) -> Iterator[Violation]:
    """Yield the local files that the route takes as URLs only, and by no upload."""
    for use in job.references:
        reference = use.reference
        if reference.path is not None and "data" not in catalog.sends[reference.kind]:
            message = f"reference '{reference.name}' is a local {reference.kind.value}"
            hint = f"{route} takes those as URLs only: set up `hosting:`, or give a URL"
            yield replace(violation(job, "references", message, hint), code="hosting")


def _settings(job: Job, variant: Variant) -> Iterator[Violation]:
    family = variant.family
    where = f"with {family.name} {variant.tier.value} {variant.mode.value}"
    if job.resolution is not None and job.resolution not in variant.resolutions:
        yield _unlisted(job, "resolution", job.resolution, variant.resolutions, where)
    if job.ratio is not None and not variant.ratios:
        message = f"ratio is not possible {where}"
        yield violation(job, "ratio", message, "it follows the first frame: take it out")
    elif job.ratio is not None and job.ratio not in variant.ratios:
        yield _unlisted(job, "ratio", job.ratio, variant.ratios, where)
    yield from _length(job, variant, where)
    for name in SETTINGS:
        if getattr(job, name) is not None and name not in variant.settings:
            message = f"{name} is not possible {where}"
            yield violation(job, name, message, "the model does not know it: take it out")
    yield from _by_words(job, variant, where)
    most = variant.max_prompt_chars
    if most is not None and len(job.prompt) > most:
        message = f"the prompt has {len(job.prompt)} characters"
        yield violation(job, "prompt", message, f"{most} at most {where}")
    if not job.prompt.strip():
        yield violation(job, "prompt", "the prompt is empty", "say what is to be seen")


def _by_words(job: Job, variant: Variant, where: str) -> Iterator[Violation]:
    """Yield what the body itself would not take."""
    is_misused = any(use.role is Role.REFERENCE for use in job.references)  # said elsewhere
    for word in words.missing(job, variant) if not is_misused else ():
        message = f"a {word.replace('images', 'reference image')} is missing {where}"
        yield violation(job, "references", message, "add it, or choose another mode")
    for name, message, hint in words.outside(job, variant):
        yield violation(job, name, f"{message} {where}", hint)
    for name, values in words.together(job, variant):
        yield violation(job, name, f"{values} do not go together {where}", "change one of them")


def _length(job: Job, variant: Variant, where: str) -> Iterator[Violation]:
    length, able = job.duration_s, variant.durations_s
    if length is None or length in able:
        return
    if not able:
        message = f"duration is not possible {where}"
        yield violation(job, "duration", message, "the model makes pictures: take it out")
        return
    is_every = len(able) == able[-1] - able[0] + 1
    hint = f"{able[0]} to {able[-1]}" if is_every else " or ".join(map(str, able))
    hint += " whole seconds"
    if length != CHOSEN_BY_MODEL:
        longer = f"{hint}; for a longer take use a chain" if length > able[-1] else hint
        yield violation(job, "duration", f"duration {length} s is not possible {where}", longer)
    elif not variant.family.can_choose_duration:
        message = f"duration -1 (the model chooses) is not possible {where}"
        yield violation(job, "duration", message, hint)


def _media(job: Job, variant: Variant, catalog: Catalog) -> Iterator[Violation]:
    family = variant.family
    plain = Counter(u.reference.kind for u in job.references if u.role is Role.REFERENCE)
    frames: Counter[Role] = Counter(u.role for u in job.references if u.role is not Role.REFERENCE)
    plain[MediaKind.VIDEO] += len(job.needs)
    for kind, media in family.media.items():
        if plain[kind] > media.max_count:
            message = f"{plain[kind]} {kind.value} references"
            yield violation(job, "references", message, _most(family, media.max_count))
    if plain.total() + frames.total() > family.max_media:
        message = f"{plain.total() + frames.total()} media in all"
        yield violation(job, "references", message, _most(family, family.max_media))
    yield from _frames(job, family, frames, [k for k in catalog.frames_exclude if plain[k]])
    if catalog.last_frame_needs_first and frames[Role.LAST_FRAME] and not frames[Role.FIRST_FRAME]:
        hint = "give a `first_frame` too, or write `as: first_frame`"
        yield violation(job, "references", "a last_frame needs a first_frame beside it", hint)
    if family.ratio_follows_media and (frames or job.needs) and job.ratio not in (None, ADAPTIVE):
        what = "a frame" if frames else "the clip that is continued"
        message = f"{family.name} takes the ratio of {what}, and ratio is '{job.ratio}'"
        yield violation(job, "ratio", message, f"write `ratio: {ADAPTIVE}`")
    moving = [
        use
        for use in job.references
        if use.role is not Role.REFERENCE and use.reference.kind is not MediaKind.IMAGE
    ]
    for use in moving:
        message = f"reference '{use.reference.name}' is no image and cannot be a {use.role.value}"
        yield violation(job, "references", message, "give an image")
    if not moving:  # else the mode follows from what is wrong
        yield from _mode(job, variant, plain, frames)


def _frames(
    job: Job, family: Family, frames: Counter[Role], excluded: Collection[MediaKind]
) -> Iterator[Violation]:
    for kind in excluded:
        if frames:
            message = f"first_frame or last_frame does not go together with reference {kind}s"
            yield violation(job, "references", message, "use frames or references in one shot")
    for role in frames.keys() - family.roles:
        message = f"{family.name} takes no {role.value}"
        yield violation(job, "references", message, "take it out, or choose another model")
    for role, count in frames.items():
        if count > 1:
            yield violation(
                job, "references", f"{count} references are its {role.value}", "give one"
            )


def _mode(
    job: Job, variant: Variant, plain: Counter[MediaKind], frames: Counter[Role]
) -> Iterator[Violation]:
    family = variant.family
    has_image, has_video = bool(plain[MediaKind.IMAGE] or frames), bool(plain[MediaKind.VIDEO])
    if plain[MediaKind.AUDIO] and not (has_image or has_video) and family.audio_needs_visual:
        message = "sound alone is refused by the model"
        yield violation(job, "references", message, "add an image or a video reference")
    if job.mode is Mode.V2V and not has_video:
        yield violation(job, "mode", "v2v needs a video reference", "add one, or drop `mode`")
    is_bare = job.mode is Mode.I2V and not frames and not variant.words
    if is_bare and Role.REFERENCE not in family.roles:
        message = f"i2v of {family.name} needs a first or a last frame"
        yield violation(job, "mode", message, "add one, or drop `mode`")
    if job.mode is not Mode.V2V and has_video:
        message = f"{job.mode.value} takes no video reference"
        yield violation(job, "mode", message, "use v2v, or drop `mode`")
    if job.mode in _BLIND and has_image:
        other = _BLIND[job.mode].value
        message = f"{job.mode.value} takes no image"
        yield violation(job, "mode", message, f"use {other}, or drop `mode`")


def _most(family: Family, most: int) -> str:
    if not most and family.roles:
        return f"{family.name} takes frames only: write `as: first_frame`"
    return f"{family.name} takes {most or 'none'}{' at most' if most else ''}"


def _unlisted(job: Job, name: str, value: str, known: Collection[str], where: str) -> Violation:
    close = _same_shape(value, known) if name == "ratio" else closest(value, known, cutoff=0.8)
    hint = f"did you mean '{close}'?" if close else f"one of {', '.join(known)}"
    return violation(job, name, f"{name} '{value}' is not possible {where}", hint)


def _same_shape(value: str, known: Collection[str]) -> str | None:
    """Return the ratio that is nearest in shape: 16x9, 16/9 and 16:10 all mean 16:9."""
    wanted = _RATIO.fullmatch(value)
    shapes = {ratio: found for ratio in known if (found := _RATIO.fullmatch(ratio))}
    if wanted is None:
        return None
    nearest = min(shapes, key=lambda ratio: abs(_shape(shapes[ratio]) - _shape(wanted)))
    return nearest if abs(_shape(shapes[nearest]) - _shape(wanted)) < _ALIKE else None


def _shape(ratio: re.Match[str]) -> float:
    return math.log(int(ratio[1]) / int(ratio[2]))


def violation(job: Job, name: str, message: str, hint: str) -> Violation:
    """Say what is wrong with a field of a job, where it was written."""
    origin = job.origin_of(name)
    places = (job.origin, job.row) if job.row is not None else (job.origin,)
    related = tuple(place for place in places if place != origin)
    return Violation(
        origin=origin,
        message=message,
        hint=hint,
        related=related,
        jobs=(job.id,),
        path=job.path_of(name),
        code="limits",
    )
