"""Turns violations into words, JSON, GitHub's annotations, or SARIF."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

from seedrender import __version__
from seedrender.errors import DOCS, Severity, Violation, printable
from seedrender.source.rules import RULES

FORMATS = ("text", "github", "sarif")

# the SARIF 2.1.0 standard of OASIS, section 3; GitHub's limits: docs.github.com, "SARIF support"
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_MAX_RESULTS = 5000


Placed = tuple[Path, Violation]  # the folder of its manifest, and what is wrong there


def as_github(found: Sequence[Placed]) -> str:
    """Return workflow commands, which GitHub shows beside the lines of a pull request."""
    return "\n".join(_annotation(folder, violation) for folder, violation in found)


def as_sarif(found: Sequence[Placed]) -> dict[str, Any]:
    """Return one SARIF log, for code scanning; the caller escapes what has to be."""
    codes = sorted({violation.code for _, violation in found})
    rules = [_rule(code) for code in codes]
    driver = {"name": "seedrender", "semanticVersion": __version__, "rules": rules}
    results = [_result(folder, violation) for folder, violation in found[:_MAX_RESULTS]]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, Any]:
    """Describe a code. A `helpUri` must be absolute, and the package's pages are beside it."""
    rule = RULES.get(code)
    words = f"{rule.summary} {rule.explanation}" if rule is not None else f"See {DOCS}, `{code}`."
    return {"id": code, "help": {"text": words}, **({"name": rule.name} if rule else {})}


def _annotation(folder: Path, violation: Violation) -> str:
    line, column = violation.end or (violation.origin.line, violation.origin.column)
    properties = {
        "file": printable(_path(folder, violation.origin.file)),
        "line": violation.origin.line,
        "endLine": line,
        "col": violation.origin.column,
        "endColumn": column,
        "title": f"seedrender {violation.code}",
    }
    if line != violation.origin.line:  # GitHub refuses columns then
        del properties["col"], properties["endColumn"]
    written = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{violation.severity.value} {written}::{_data(_words(violation))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: object) -> str:
    return _data(str(value)).replace(":", "%3A").replace(",", "%2C")


def _result(folder: Path, violation: Violation) -> dict[str, Any]:
    line, column = violation.end or (violation.origin.line, violation.origin.column)
    region = {
        "startLine": violation.origin.line,
        "startColumn": violation.origin.column,
        "endLine": line,
        "endColumn": column,
    }
    related = [
        {"physicalLocation": _location(folder, o.file, {"startLine": o.line})}
        for o in violation.related[:10]
    ]
    result: dict[str, Any] = {
        "ruleId": violation.code,
        "level": "error" if violation.severity is Severity.ERROR else "warning",
        "message": {"text": _words(violation)},
        "locations": [{"physicalLocation": _location(folder, violation.origin.file, region)}],
    }
    return {**result, "relatedLocations": related} if related else result


def _location(folder: Path, file: str, region: dict[str, int]) -> dict[str, Any]:
    return {"artifactLocation": {"uri": quote(_path(folder, file))}, "region": region}


def _path(folder: Path, file: str) -> str:
    """Return a file's path as the command was told: from the current folder."""
    return PurePath(folder / file).as_posix()


def _words(violation: Violation) -> str:
    return str(violation).removeprefix(f"{violation.origin}: ")
