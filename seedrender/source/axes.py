"""Turns a shot's matrix and rows into bindings: one set of variables for each job."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import PurePosixPath
from typing import Any

from seedrender.errors import ConfigError, Origin, Violation
from seedrender.source import template
from seedrender.source.document import Document
from seedrender.source.parse import violation
from seedrender.source.template import TemplateFailure
from seedrender.values.manifest import Path

MAX_COMBINATIONS = 200_000

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RESERVED = frozenset({"vars", "ref", "name", "job", "previous"})


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
    rows = _rows(document, (*path, "foreach"), shot.get("foreach"), read, problems)
    axes = _axes(document, (*path, "matrix"), shot.get("matrix", {}), variables, problems)
    exclude = _excluded(document, (*path, "exclude"), shot.get("exclude", []), variables, problems)
    problems += _wrong_excludes(document, (*path, "exclude"), exclude, axes)
    if prod(map(len, axes.values())) * len(rows) > MAX_COMBINATIONS:
        message = f"more than {MAX_COMBINATIONS} combinations"
        problems.append(violation(document, path, message, "split the matrix into several shots"))
    if len(problems) > before:
        return ()
    found: dict[str, Binding] = {}
    for row in rows:
        for values in product(*axes.values()):
            point = dict(zip(axes, values, strict=True))
            if any(_matches(point, row.variables, excluded) for excluded in exclude):
                continue
            suffix = "-".join(filter(None, (row.suffix, *map(slug, values))))
            if suffix in found:
                message = f"two combinations make the id '{suffix}'"
                hint = "ids keep letters, digits and . _ - of the values: make them differ there"
                at: Path = (*path, "matrix" if axes else "foreach")
                problems.append(violation(document, at, message, hint))
            found[suffix] = Binding({**row.variables, **point}, suffix, row.row)
    if rows and not found:
        problems.append(violation(document, path, "no combination is left", "look at `exclude`"))
    return tuple(found.values())


def slug(value: Any) -> str:
    """Return a value as a part of an id."""
    if isinstance(value, bool):
        return str(value).lower()
    return _UNSAFE.sub("_", str(value)).strip("_.-")


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
            message = f"axis {name} is not a list of values"
            problems.append(violation(document, at, message, "give a list"))
            continue
        for number, value in enumerate(values):
            if isinstance(value, dict | list) or value is None or not slug(value):
                message = f"axis {name}: {value!r} cannot be a part of an id"
                hint = "use texts with letters a to z or digits, numbers, true or false"
                problems.append(violation(document, (*at, number), message, hint))
        axes[name] = values
    return axes


def _rows(
    document: Document,
    path: Path,
    file: str | None,
    read: Callable[[str], str],
    problems: list[Violation],
) -> tuple[Binding, ...]:
    if file is None:
        return (Binding({}, ""),)
    if PurePosixPath(file).is_absolute():
        hint = "give it relative to the manifest"
        problems.append(violation(document, path, f"{file} is an absolute path", hint))
        return ()
    try:
        text = read(file).removeprefix("\ufeff")  # as spreadsheets write it
    except ConfigError as error:
        problems.append(violation(document, path, str(error), "paths are relative to the manifest"))
        return ()
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        return tuple(_csv_rows(reader, file, problems))
    except csv.Error as error:
        origin = Origin(file, reader.line_num + 1, 1)
        problems.append(Violation(origin=origin, message=f"this is not CSV: {error}", code="data"))
        return ()


def _csv_rows(
    reader: csv.DictReader[str], file: str, problems: list[Violation]
) -> Iterator[Binding]:
    columns = list(reader.fieldnames or ())
    wrong = [c for c in columns if not _NAME.fullmatch(c) or c in RESERVED]
    if "id" not in columns or wrong or len(set(columns)) < len(columns):
        what = f"column '{wrong[0]}' is no name for a variable" if wrong else "no column 'id'"
        if not wrong and "id" in columns:
            what = "two columns have one name"
        hint = "the first line names the columns; `id` names the jobs"
        problems.append(Violation(origin=Origin(file, 1, 1), message=what, hint=hint, code="data"))
        return
    seen: dict[str, int] = {}
    for row in reader:
        origin = Origin(file, reader.line_num, 1)
        if None in row or None in row.values():
            message = f"this row has not {len(columns)} fields"
            problems.append(Violation(origin=origin, message=message, code="data"))
            continue
        suffix = slug(row["id"])
        if not suffix or suffix in seen:
            message = f"the id '{suffix}' is in line {seen.get(suffix, '?')} as well"
            words = message if suffix else "this row has no id"
            problems.append(Violation(origin=origin, message=words, code="data"))
            continue
        seen[suffix] = origin.line
        yield Binding(row, suffix, origin)


def _wrong_excludes(
    document: Document, path: Path, exclude: Sequence[Mapping[str, Any]], axes: Mapping[str, Any]
) -> Iterator[Violation]:
    for number, row in enumerate(exclude):
        for name, value in row.items():
            at: Path = (*path, number, name)
            if name not in axes:
                message = f"'{name}' is not an axis of this matrix"
                yield violation(document, at, message, f"there are: {', '.join(axes) or 'none'}")
            elif not any(_is_same(value, other) for other in axes[name]):
                message = f"axis {name} has no value {value!r}: this excludes nothing"
                yield violation(document, at, message, "take it out, or correct it")


def _matches(point: Mapping[str, Any], row: Mapping[str, Any], excluded: Mapping[str, Any]) -> bool:
    values = {**row, **point}
    return all(_is_same(values.get(name), value) for name, value in excluded.items())


def _is_same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other  # 1 is not true


def _excluded(
    document: Document,
    path: Path,
    written: Sequence[Mapping[str, Any]],
    variables: Mapping[str, Any],
    problems: list[Violation],
) -> Sequence[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for number, row in enumerate(written):
        try:
            found.append(template.render(row, variables))
        except TemplateFailure as failure:
            at: Path = (*path, number)
            problems.append(violation(document, at, f"exclude: {failure}", failure.hint))
    return found
