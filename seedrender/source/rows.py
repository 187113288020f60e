"""Turns `foreach` into rows: of a CSV, JSON lines or YAML file, of a var, or written in place."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from seedrender.errors import ConfigError, ManifestError, NoFileError, Origin, Violation
from seedrender.source import template, yaml_text
from seedrender.source.document import Document
from seedrender.source.parse import violation
from seedrender.source.template import TemplateFailure
from seedrender.values.manifest import Path

RESERVED = frozenset({"vars", "ref", "name", "job", "previous"})

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Row:
    """Variables of one row, the part of a job's id that it makes, and where it stands."""

    variables: Mapping[str, Any]
    suffix: str
    origin: Origin


class _Wrong(NamedTuple):
    """What is wrong with a row, and what to do."""

    message: str
    hint: str


_NO_ROW = _Wrong("a row is a mapping of names and values", "such as {id: dawn, light: soft}")
_Found = Iterator[tuple[Origin, Any]]


def slug(value: Any) -> str:
    """Return a value as a part of an id."""
    if isinstance(value, bool):
        return str(value).lower()
    return _UNSAFE.sub("_", str(value)).strip("_.-")


def rows(
    tree: Document,
    path: Path,
    written: Any,
    variables: Mapping[str, Any],
    read: Callable[[str], str],
    problems: list[Violation],
) -> tuple[Row, ...]:
    """Return the rows of a `foreach` in their order; wrong ones go to `problems`."""
    if isinstance(written, str) and template.is_template(written):
        try:
            written = template.render(written, variables)
        except TemplateFailure as failure:
            problems.append(violation(tree, path, f"foreach: {failure}", failure.hint))
            return ()
    if isinstance(written, list):
        found = ((tree.origin((*path, n)), row) for n, row in enumerate(written))
        return tuple(_checked(found, problems))
    if not isinstance(written, str) or PurePosixPath(written).suffix.lower() not in _READERS:
        message = f"foreach: {written!r:.60} is no table that can be read"
        hint = f"give a list of mappings, or a file of {', '.join(_READERS)}"
        problems.append(violation(tree, path, message, hint))
        return ()
    try:
        return tuple(_checked(_of_file(written, read), problems))
    except ManifestError as error:
        problems += error.violations
    except NoFileError as error:
        problems.append(violation(tree, path, str(error), "paths are relative to the manifest"))
    except ConfigError as error:
        problems.append(violation(tree, path, str(error), None))
    return ()


def _of_file(file: str, read: Callable[[str], str]) -> _Found:
    if PurePosixPath(file).is_absolute():
        raise ConfigError(f"{file} is an absolute path; write it relative to the manifest")
    reader = _READERS[PurePosixPath(file).suffix.lower()]
    yield from reader(read(file).removeprefix("\ufeff"), file)  # as spreadsheets write it


def _csv(text: str, file: str) -> _Found:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = list(reader.fieldnames or ())
        if len(set(columns)) < len(columns):
            raise _wrong(Origin(file, 1, 1), "two columns have one name", "rename one")
        if "id" not in columns:
            raise _wrong(Origin(file, 1, 1), *_without_ids(columns))
        if wrong := [_wrong_name(Origin(file, 1, 1), name) for name in columns if _is_wrong(name)]:
            raise ManifestError(wrong)
        for row in reader:
            if not any(row.values()):  # as spreadsheets leave behind the last one
                continue
            origin = Origin(file, reader.line_num, 1)
            yield origin, _of_another_length(row, len(columns)) or row
    except csv.Error as error:
        raise _wrong(Origin(file, reader.line_num + 1, 1), f"this is not CSV: {error}") from None


def _of_another_length(row: Mapping[str | None, Any], count: int) -> _Wrong | None:
    """Say that a row has more or fewer fields than there are columns; None: it has not."""
    found = sum(value is not None for name, value in row.items() if name is not None)
    found += len(row.get(None, ()))
    if found == count:
        return None
    hint = "write a comma for each cell that is empty"
    if found > count:
        hint = "put a cell that has a comma in it into double quotes"
    return _Wrong(f"this row has {found} of {count} fields", hint)


def _without_ids(columns: Sequence[str]) -> tuple[str, str]:
    """Say what is wrong with a first line that names no column `id`, and what to do."""
    if not any(columns):
        return "this is empty", "its first line names the columns, `id` among them"
    other = next((sign for sign in ";\t|" if "id" in "".join(columns).split(sign)), None)
    if other is not None:
        message = f"the columns are separated by {other!r}, and CSV is read with ','"
        return message, "save it as CSV with commas (in a spreadsheet: comma separated, UTF-8)"
    near = next((name for name in columns if name.strip().lower() == "id"), None)
    if near is not None:
        return f"no column 'id', but {near!r}", "write it in small letters, without blanks"
    return "no column 'id'", "the first line names the columns; `id` names the jobs"


def _json_lines(text: str, file: str) -> _Found:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield Origin(file, number, 1), json.loads(line, object_pairs_hook=_pairs)
            except (ValueError, RecursionError) as error:
                words = getattr(error, "msg", str(error))
                column = getattr(error, "colno", 1)
                raise _wrong(
                    Origin(file, number, column), f"this is not JSON: {words}", "one object a line"
                ) from None


def _pairs(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is written twice")
    return found


def _yaml(text: str, file: str) -> _Found:
    tree = yaml_text.parse(text, file)
    if not isinstance(tree.root, list):
        raise _wrong(Origin(file, 1, 1), "a file of rows is a list", "write - {id: …, …}")
    for number, row in enumerate(tree.root):
        yield tree.origin((number,)), row


def _checked(found: _Found, problems: list[Violation]) -> Iterator[Row]:
    """Yield the rows that can be used; a wrong name of a column is reported once."""
    seen: dict[str, Origin] = {}
    refused: set[str] = set()
    for origin, row in found:
        if not isinstance(row, dict):
            problems.append(_violation(origin, *(row if isinstance(row, _Wrong) else _NO_ROW)))
            continue
        names = set(filter(_is_wrong, row))
        problems += [_wrong_name(origin, name) for name in sorted(names - refused)]
        refused |= names
        if names:
            continue
        suffix = slug(row["id"]) if isinstance(row.get("id"), str | int | float) else ""
        if not suffix or suffix in seen:
            problems.append(_violation(origin, *_wrong_id(row.get("id"), seen.get(suffix))))
            continue
        seen[suffix] = origin
        yield Row(row, suffix, origin)


def _is_wrong(name: str) -> bool:
    return not _NAME.fullmatch(name) or name in RESERVED


def _wrong_name(origin: Origin, name: str) -> Violation:
    hint = "rename it: letters, digits and _; and not " + ", ".join(sorted(RESERVED))
    if not _is_wrong(name.strip()):
        hint = "take out the blanks around it"
    return _violation(origin, f"column '{name}' is no name for a variable", hint)


def _wrong_id(written: Any, other: Origin | None) -> tuple[str, str]:
    """Say what is wrong with a row's id, and what to do; `other`: where it stands as well."""
    if other is not None:
        return f"the id '{slug(written)}' is in {other} as well", "rename one"
    if isinstance(written, str) and written.strip():
        hint = "use letters a to z, digits and . _ -"
        return f"the id {written!r:.60} has nothing that a job's name may have", hint
    return "this row has no id", "add it"


_READERS = {".csv": _csv, ".jsonl": _json_lines, ".yaml": _yaml, ".yml": _yaml, ".json": _yaml}


def _wrong(origin: Origin, message: str, hint: str | None = None) -> ManifestError:
    return ManifestError([_violation(origin, message, hint)])


def _violation(origin: Origin, message: str, hint: str | None) -> Violation:
    return Violation(origin=origin, message=message, hint=hint, code="data")
