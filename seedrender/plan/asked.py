"""Compares what a job asked for with what came: only what its author said counts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from seedrender.catalog.models import ADAPTIVE, Family, catalog
from seedrender.values.entry import Fingerprint
from seedrender.values.job import Job, MediaKind

LENGTH_SLACK_S = 0.5
_SLACK = 0.05  # by which sides and ratios may be off, as a logarithm: some 5 %
_STEP = 1.5  # by which the sides of what is smaller or larger than every class differ
_SHAPES = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9")  # that any model may answer with
_RATIO = re.compile(r"([0-9]{1,3}):([0-9]{1,3})")
_LINES = re.compile(r"(?i)([1-9][0-9]{2,3})p")
_THOUSANDS = {"2k": 1440, "4k": 2160, "8k": 4320}  # class → its short side when it is wide


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """What a clip or picture that came is, as its bytes say."""

    width: int
    height: int
    container: str  # as in `values.picture`
    duration_s: float | None = None  # None: a picture
    has_sound: bool | None = None  # None: nobody looked


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One thing that is not as it was asked for."""

    what: str  # "resolution", "ratio", "length", "sound" or "container"
    asked: str
    got: str

    def __str__(self) -> str:
        return f"asked for {self.asked}, got {self.got}"


@dataclass(frozen=True, slots=True)
class _Class:
    """A size class by its usual pixel count and short side."""

    area: float
    side: float

    def scaled(self, factor: float) -> _Class:
        return _Class(self.area * factor * factor, self.side * factor)


def as_bought(job: Job, bought_for: Fingerprint) -> Job | None:
    """Return a job with the settings that a task was bought with; None: they are not known.

    The manifest may ask for something else by now. Of a lock's values only those count that could
    have come from a manifest.
    """
    parts = bought_for.parts
    if not parts:
        return None
    duration_s, resolution, ratio, audio, model = map(
        parts.get, ("duration_s", "resolution", "ratio", "audio", "model")
    )
    return replace(
        job,
        duration_s=duration_s if isinstance(duration_s, int) else None,
        resolution=resolution if isinstance(resolution, str) else None,
        ratio=ratio if isinstance(ratio, str) else None,
        audio=audio if isinstance(audio, bool) else None,
        model=model if isinstance(model, str) else job.model,
    )


def mismatches(job: Job, got: Got, route: str, *, echo_s: float = 0.0) -> tuple[Mismatch, ...]:
    """Say all that differs from what a job asked a route for.

    `echo_s` is how much of its input a model may give back before what is new.
    """
    family = catalog(route).families.get(job.model)
    return (
        *_size(job, got, family),
        *_shape(job, got, family),
        *_length(job, got, echo_s),
        *_sound(job, got, route),
        *_container(job, got, family),
    )


def _size(job: Job, got: Got, family: Family | None) -> Iterator[Mismatch]:
    """Find another size class.

    A size of the model's table is of that class; of another one, either pixel count or short side
    may speak for what was asked for.
    """
    asked = job.resolution
    if asked is None or not got.width or not got.height:
        return
    known = _classes(asked, family)
    if not known:
        return
    area, side = got.width * got.height, min(got.width, got.height)
    nearest = {
        min(known, key=lambda name: _off(known[name].area, area)),
        min(known, key=lambda name: _off(known[name].side, side)),
    }
    if asked not in (set(_in_table(got, family)) or nearest):
        yield Mismatch(what="resolution", asked=asked, got=f"{got.width}x{got.height}")


def _in_table(got: Got, family: Family | None) -> Iterator[str]:
    for name, sizes in family.pixels.items() if family is not None else ():
        if any(_is_close(got, width, height) for width, height in sizes.values()):
            yield name


def _is_close(got: Got, width: int, height: int) -> bool:
    return max(_off(got.width, width), _off(got.height, height)) <= _SLACK


def _off(one: float, other: float) -> float:
    return abs(math.log(one / other))


def _classes(asked: str, family: Family | None) -> Mapping[str, _Class]:
    """Return the size classes that may be meant, with one below and one above all of them."""
    found = {name: _listed(sizes) for name, sizes in family.pixels.items()} if family else {}
    if asked not in found:
        lines = _short_side(asked)
        if lines is None:
            return {}
        found = {asked: _Class(lines * lines * 16 / 9, lines)}
    low, high = (pick(found.values(), key=lambda c: c.area) for pick in (min, max))
    return {**found, "smaller": low.scaled(1 / _STEP), "larger": high.scaled(_STEP)}


def _listed(sizes: Mapping[str, tuple[int, int]]) -> _Class:
    """Return the class of a model's own table; the wide size gives it its name."""
    wide = sizes.get("16:9", next(iter(sizes.values())))
    areas = [width * height for width, height in sizes.values()]
    return _Class(sum(areas) / len(areas), min(wide))


def _short_side(name: str) -> int | None:
    """Return what a class has where no table names it; None: it is not known."""
    lines = _LINES.fullmatch(name)
    return int(lines[1]) if lines else _THOUSANDS.get(name.lower())


def _shape(job: Job, got: Got, family: Family | None) -> Iterator[Mismatch]:
    wanted = _quotient(job.ratio or ADAPTIVE)
    is_free = family is not None and family.ratio_follows_media and (job.needs or job.references)
    if wanted is None or is_free or not got.width or not got.height:
        return
    found = got.width / got.height
    listed = (*_SHAPES, *(family.ratios if family is not None else ()))
    others = [quotient for quotient in map(_quotient, listed) if quotient is not None]
    off = _off(found, wanted)
    if off > _SLACK and off > min(_off(found, other) for other in others):
        assert job.ratio is not None, "it is a ratio"
        yield Mismatch(what="ratio", asked=job.ratio, got=f"{got.width}x{got.height}")


def _quotient(ratio: str) -> float | None:
    """Return width by height; None: the model chooses, or it is no ratio."""
    found = _RATIO.fullmatch(ratio)
    if found is None or not int(found[1]) or not int(found[2]):
        return None
    return int(found[1]) / int(found[2])


def _length(job: Job, got: Got, echo_s: float) -> Iterator[Mismatch]:
    wanted, found = job.stated_duration_s, got.duration_s
    if wanted is None or found is None:
        return
    if not wanted - LENGTH_SLACK_S <= found <= wanted + echo_s + LENGTH_SLACK_S:
        yield Mismatch(what="length", asked=f"{wanted} s", got=f"{round(found, 2):g} s")


def _sound(job: Job, got: Got, route: str) -> Iterator[Mismatch]:
    variant = catalog(route).variant(job.model, job.tier, job.mode)
    has_setting = variant is None or "audio" in variant.settings
    if job.audio is None or got.has_sound is None or not has_setting:
        return
    if job.audio and not got.has_sound:
        yield Mismatch(what="sound", asked="sound", got="none")
    elif got.has_sound and not job.audio:
        yield Mismatch(what="sound", asked="no sound", got="some")


def _container(job: Job, got: Got, family: Family | None) -> Iterator[Mismatch]:
    """Find a clip of another container; what format a picture has, its model chooses."""
    wanted = family.format if family is not None else "mp4"
    if job.makes is MediaKind.VIDEO and got.container != wanted:
        yield Mismatch(what="container", asked=wanted, got=got.container)
