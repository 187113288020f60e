"""Turns a shot's matrix and rows into bindings: one set of variables for each job."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from seedrender.errors import Origin, Violation
from seedrender.source import template
from seedrender.source.document import Document
from seedrender.source.parse import did_you_mean, violation
from seedrender.source.rows import RESERVED, Row, rows, slug
from seedrender.source.template import TemplateFailure
from seedrender.values.manifest import Path

MAX_COMBINATIONS = 200_000

_Point = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Binding:
    """Variables of one job, and the part of its id that they make."""

    variables: Mapping[str, Any]
    suffix: str
    row: Origin | None = None  # the data row that it comes from


def bindings(
    document: Document,
    path: Path,
    shot: Mapping[str, Any],
    variables: Mapping[str, Any],
    read: Callable[[str], str],
    problems: list[Violation],
) -> tuple[Binding, ...]:
    """Return a shot's bindings in the order of its rows and axes; wrong ones go to `problems`."""
    before = len(problems)
    found_rows: tuple[Row | None, ...] = (None,)
    if "foreach" in shot:
        at: Path = (*path, "foreach")
        found_rows = rows(document, at, shot["foreach"], variables, read, problems)
    axes = _axes(document, (*path, "matrix"), shot.get("matrix", {}), variables, problems)
    exclude = _rendered(document, (*path, "exclude"), shot, variables, problems)
    include = _rendered(document, (*path, "include"), shot, variables, problems)
    if len(problems) == before:
        problems += _wrong_excludes(document, (*path, "exclude"), exclude, axes)
        problems += _wrong_includes(document, (*path, "include"), include, axes)
    count = prod(map(len, axes.values())) * len(found_rows) * shot.get("takes", 1)
    if count > MAX_COMBINATIONS:
        message = f"more than {MAX_COMBINATIONS} combinations and takes"
        problems.append(violation(document, path, message, "split the matrix into several shots"))
    if len(problems) > before:
        return ()
    points = [*_points(axes, exclude, include)]
    found: dict[str, Binding] = {}
    for row in found_rows:
        for point in points:
            parts = (row.suffix if row else "", *(slug(point[axis]) for axis in axes))
            suffix = "-".join(filter(None, parts))
            if suffix in found:
                message = f"two combinations make the id '{suffix}'"
                hint = "ids keep letters, digits and . _ - of the values: make them differ there"
                at = (*path, "matrix" if axes else "foreach")
                problems.append(violation(document, at, message, hint))
            known = {**row.variables, **point} if row else point
            found[suffix] = Binding(known, suffix, row.origin if row else None)
    if found_rows and not found:
        problems.append(violation(document, path, "no combination is left", "look at `exclude`"))
    return tuple(found.values())


def places(
    document: Document, path: Path, shot: Mapping[str, Any], binding: Binding
) -> Mapping[str, tuple[str, Origin]]:
    """Return who gives each variable of a binding, and where: for explanations."""
    matrix = shot.get("matrix", {})
    included = ("include", document.origin((*path, "include")))
    found: dict[str, tuple[str, Origin]] = {}
    for name, value in binding.variables.items():
        listed = matrix.get(name)
        if isinstance(listed, list):
            at = next((n for n, other in enumerate(listed) if _is_same(other, value)), None)
            if at is None:
                found[name] = included
            else:
                found[name] = ("matrix", document.origin((*path, "matrix", name, at)))
        elif listed is not None:
            found[name] = ("matrix", document.origin((*path, "matrix", name)))
        else:
            found[name] = included if binding.row is None else ("row", binding.row)
    return found


def _points(
    axes: Mapping[str, Sequence[Any]], exclude: Sequence[_Point], include: Sequence[_Point]
) -> Iterator[dict[str, Any]]:
    """Yield the combinations; an include adds variables to those it matches, or one more."""
    more = [(row, {n: v for n, v in row.items() if n in axes}) for row in include]
    met: set[int] = set()
    for values in product(*axes.values()):
        point = dict(zip(axes, values, strict=True))
        if any(_matches(point, excluded) for excluded in exclude):
            continue
        added: dict[str, Any] = {}
        for number, (row, own) in enumerate(more):
            if _matches(point, own):
                met.add(number)
                added |= row
        yield point | added
    for number, (row, own) in enumerate(more):
        if number not in met and len(own) == len(axes):
            yield {**{axis: own[axis] for axis in axes}, **row}


def _axes(
    document: Document,
    path: Path,
    matrix: Mapping[str, Any],
    variables: Mapping[str, Any],
    problems: list[Violation],
) -> dict[str, Sequence[Any]]:
    axes: dict[str, Sequence[Any]] = {}
    for name, written in matrix.items():
        at: Path = (*path, name)
        if name in RESERVED:
            problems.append(violation(document, at, f"'{name}' is taken", "rename the axis"))
            continue
        try:
            values = template.render(written, variables)
        except TemplateFailure as failure:
            problems.append(violation(document, at, f"axis {name}: {failure}", failure.hint))
            continue
        if not isinstance(values, list) or not values:
            problems.append(violation(document, at, *_no_axis(name, values)))
            continue
        for number, value in enumerate(values):
            if _is_unnameable(value):
                message = f"axis {name}: {value!r:.60} cannot be a part of an id"
                hint = "use texts with letters a to z or digits, numbers, true or false"
                problems.append(violation(document, (*at, number), message, hint))
        axes[name] = values
    return axes


def _no_axis(name: str, values: Any) -> tuple[str, str]:
    """Say what an axis is that is no list, or an empty one, and what to do."""
    if values == []:
        hint = "`to` of range(from, to) is not counted, so it is more than `from`"
        return f"axis {name} has no values", f"give it one or more; {hint}"
    return f"axis {name} is not a list of values", "give a list"


def _is_unnameable(value: Any) -> bool:
    return isinstance(value, dict | list) or value is None or not slug(value)


def _wrong_excludes(
    document: Document, path: Path, exclude: Sequence[_Point], axes: Mapping[str, Any]
) -> Iterator[Violation]:
    for number, row in enumerate(exclude):
        for name, value in row.items():
            at: Path = (*path, number, name)
            if name not in axes:
                hint = did_you_mean(name, axes)
                yield violation(document, at, f"'{name}' is not an axis of this matrix", hint)
            elif not any(_is_same(value, other) for other in axes[name]):
                message = f"axis {name} has no value {value!r:.60}: this excludes nothing"
                yield violation(document, at, message, "take it out, or correct it")


def _wrong_includes(
    document: Document, path: Path, include: Sequence[_Point], axes: Mapping[str, Any]
) -> Iterator[Violation]:
    """Find includes that add nothing, or that are one more combination but not a whole one."""
    for number, row in enumerate(include):
        own = {name: value for name, value in row.items() if name in axes}
        known = all(any(_is_same(v, other) for other in axes[n]) for n, v in own.items())
        at: Path = (*path, number)
        for name in row:
            if name in RESERVED:
                yield violation(document, (*at, name), f"'{name}' is taken", "rename it")
        for name, value in own.items():
            if _is_unnameable(value):
                message = f"axis {name}: {value!r:.60} cannot be a part of an id"
                yield violation(document, (*at, name), message, "use a text or a number")
        if not known and len(own) < len(axes):
            lacking = ", ".join(name for name in axes if name not in own)
            message = f"a combination that is not in the matrix needs every axis: {lacking}"
            yield violation(document, at, message, "add them, or correct the values")
        elif known and len(own) == len(row) and len(own) < len(axes):
            message = "this includes nothing new"
            yield violation(document, at, message, "add variables, or every axis of a new one")


def _matches(point: _Point, wanted: _Point) -> bool:
    return all(_is_same(point[name], value) for name, value in wanted.items())


def _is_same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other  # 1 is not true


def _rendered(
    document: Document,
    path: Path,
    shot: Mapping[str, Any],
    variables: Mapping[str, Any],
    problems: list[Violation],
) -> Sequence[_Point]:
    """Evaluate the combinations under `exclude` or `include`."""
    found: list[_Point] = []
    for number, row in enumerate(shot.get(str(path[-1]), [])):
        try:
            found.append(template.render(row, variables))
        except TemplateFailure as failure:
            at: Path = (*path, number)
            problems.append(violation(document, at, f"{path[-1]}: {failure}", failure.hint))
    return found
