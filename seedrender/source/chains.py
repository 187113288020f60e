"""Turns one chain into its segments and the long take that they are joined into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from seedrender.catalog.models import catalog
from seedrender.errors import Origin
from seedrender.source import outputs, settings
from seedrender.source.parse import did_you_mean, violation
from seedrender.source.scope import Layer, Scope
from seedrender.source.settings import Values, Written
from seedrender.source.template import PREVIOUS
from seedrender.values.job import CHOSEN_BY_MODEL, Job, JobId
from seedrender.values.manifest import LongTake, Path

_MAX_CHAIN_S = 24 * 3600
_CONTINUATION = Written(f"Continue {PREVIOUS} without a cut. ", ())
_TAKE_NAME = Written("{{ job.id }}.mp4", ("output", "name"))


def split(duration_s: int, *, shortest_s: int, longest_s: int) -> tuple[int, ...] | None:
    """Split a take into as few segments as possible, full ones first; None: it cannot be done.

    A rest that is too short for a segment borrows from those before it: 31 → 15 + 12 + 4.
    """
    count = -(-duration_s // longest_s)
    if duration_s < count * shortest_s:
        return None
    lengths: list[int] = []
    left = duration_s
    for following in reversed(range(count)):
        lengths.append(min(longest_s, left - following * shortest_s))
        left -= lengths[-1]
    return tuple(lengths)


def expand(scope: Scope, name: str) -> tuple[tuple[Job, ...], LongTake | None]:
    """Return a chain's segments and its long take; none where something is wrong with it."""
    path: Path = ("chains", name)
    chain = scope.manifest.chains[name]
    common = settings.layers(*scope.base, (path, chain))
    made: list[Job] = []
    for number, layer in enumerate(_segments(scope, path, chain, common), 1):
        job = _segment(scope, name, number, {**common, **settings.layers(layer)}, layer[0], made)
        if job is None:
            return (), None
        made.append(job)
    if not made:
        return (), None
    known = {**scope.variables, **outputs.job_variables(JobId(name), name, 1)}
    output = scope.output(common.get("output", _TAKE_NAME), known, scope.tree.key_origin(path))
    if output is None:
        return tuple(made), None
    audio = chain.get("join", {}).get("audio", "keep")
    ids = tuple(job.id for job in made)
    return tuple(made), LongTake(id=JobId(name), segments=ids, output=output, audio=audio)


def _segment(
    scope: Scope,
    name: str,
    number: int,
    written: Mapping[str, Written],
    path: Path,
    before: Sequence[Job],
) -> Job | None:
    at = scope.tree.origin(path) if path[-1] != "duration" else scope.tree.key_origin(path[:2])
    if "prompt" not in written:
        message = f"segment {number} of chain {name} has no prompt"
        scope.wrong(at, message, "write `prompt:` for the chain or for each segment", path=path)
        return None
    variables = {**scope.variables, "segment": number}
    if before:
        variables["previous"] = PREVIOUS
    values = _continued(scope, written, variables, at)
    if values is None:
        return None
    job_id = JobId(f"{name}/{number:02}")
    known = {**variables, **outputs.job_variables(job_id, name, 1)}
    output = scope.output(scope.clip_name, known, at)
    if output is None:
        return None
    if scope.tracer.wants(job_id):
        scope.tracer.note(written, variables, {})
    return scope.job(
        job_id,
        name,
        values,
        written,
        output=output,
        at=at,
        places=scope.places(written),
        segment=number,
        needs=(before[-1].id,) if before else (),
    )


def _continued(
    scope: Scope, written: Mapping[str, Written], variables: Mapping[str, Any], at: Origin
) -> Values | None:
    """Evaluate a segment; a later one that does not name the clip before it says so first."""
    values = scope.evaluator.values(written, variables, (at,))
    if values is None or "previous" not in variables or PREVIOUS in values.prompt:
        return values
    start = scope.evaluator.text(written.get("continuation", _CONTINUATION), variables, (at,))
    return None if start is None else replace(values, prompt=f"{start}{values.prompt}")


def _segments(
    scope: Scope, path: Path, chain: Mapping[str, Any], common: Mapping[str, Written]
) -> Sequence[Layer]:
    """Return each segment's path and own settings.

    `duration` is the length of the whole take, so a chain must say it itself, and not beside
    `segments`: the defaults' duration is that of a shot or of one segment.
    """
    if "segments" in chain:
        if "duration" in chain:
            message = f"chain {path[-1]} has a length and segments"
            hint = "`duration` is the whole take's: take it out, and give each segment its own"
            scope.problems.append(violation(scope.tree, (*path, "duration"), message, hint))
        return [((*path, "segments", n), row) for n, row in enumerate(chain["segments"])]
    if "duration" not in chain:
        if path not in scope.incomplete:
            message = f"chain {path[-1]} has no length"
            hint = "write `duration:` for the whole take, or `segments:`"
            scope.wrong(scope.tree.key_origin(path), message, hint, path=path)
        return []
    asked = {k: v for k, v in common.items() if k in ("model", "duration")}
    values = scope.evaluator.values(asked | {"prompt": Written("", path)}, scope.variables, ())
    if values is None or values.duration is None:
        return []
    if values.duration == CHOSEN_BY_MODEL:
        message = f"chain {path[-1]} leaves its length to the model, and cannot be split"
        hint = "write the whole take's seconds, or `segments:` of which each may be -1"
        scope.problems.append(violation(scope.tree, common["duration"].path, message, hint))
        return []
    lengths = _split(scope, values.model, values.duration, common["duration"])
    return [((*path, "duration"), {"duration": length}) for length in lengths]


def _split(scope: Scope, model: str, duration_s: int, written: Written) -> tuple[int, ...]:
    families = catalog(scope.manifest.provider).families
    family = families.get(model)
    if family is None:
        hint = did_you_mean(model, families)
        message = f"model '{model}' is not on the route {scope.manifest.provider}"
        if not families:
            hint = "write `segments:`, each with its own `duration`"
            message = f"the route {scope.manifest.provider} says nothing by which to split a take"
        found = violation(scope.tree, written.path, message, hint, code="limits")
        scope.problems.append(found)
        return ()
    low, high = family.min_duration_s, family.max_duration_s
    if duration_s > _MAX_CHAIN_S:
        message, hint = f"a take of {duration_s} s is too long", f"{_MAX_CHAIN_S} s at most"
        scope.problems.append(violation(scope.tree, written.path, message, hint))
        return ()
    lengths = split(duration_s, shortest_s=low, longest_s=high)
    if lengths is None:
        message = f"{duration_s} s cannot be split into segments of {low} to {high} s"
        hint = f"give {low} s or more"
        found = violation(scope.tree, written.path, message, hint, code="limits")
        scope.problems.append(found)
    return lengths or ()
