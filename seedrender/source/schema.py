"""Compares a document with the JSON Schema, and says in words what does not fit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import islice
from pathlib import Path as FilePath
from typing import Any, Literal

import jsonschema_rs

from seedrender.errors import MAX_VIOLATIONS, ManifestError, Origin, Violation
from seedrender.source.document import Document
from seedrender.source.names import closest
from seedrender.values.manifest import Path

Kind = Literal["manifest", "part", "prices"]

_FILE = "manifest.v1.schema.json"
_NAMES = {"manifest": "the manifest", "part": "an included file", "prices": "a price table"}
_LATER = {
    "gate": "gates are not kept yet",
    "upscale": "clips are not upscaled yet",
}
TYPE_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
_PATTERNS = {
    "^[A-Za-z0-9][A-Za-z0-9._/-]": "letters, digits and . _ - / only",
    "^[a-z0-9][a-z0-9.-]": "3 to 63 small letters, digits, dots and dashes",
    "^[a-z0-9-]+$": "small letters, digits and dashes",
    "^[A-Za-z0-9]": "letters, digits and . _ - only, starting with a letter or a digit",
    "^[A-Za-z_]": "letters, digits and _ only, not starting with a digit",
    "^[0-9]+(\\.[0-9]+)?(s": "a time such as 90s, 15m or 2h",
    "^([0-9]{1,12} (clips": "an amount such as 25.00 USD, 40 clips or 300 seconds",
    "^[A-Z]{3}": "a currency such as USD",
    "^[0-9]{4}-": "a day such as 2026-11-23",
}


def schema_text() -> str:
    """Return the schema as it is shipped: in the wheel, or beside the package in a checkout."""
    packaged = files("seedrender").joinpath("schemas", _FILE)
    if packaged.is_file():
        return packaged.read_text("utf-8")
    return FilePath(__file__).parents[2].joinpath("schemas", _FILE).read_text("utf-8")


def part_schema(kind: Literal["part", "prices"] = "part") -> dict[str, Any]:
    """Return the schema of a file that a manifest includes, or of a price table."""
    schema = json.loads(schema_text())
    part = schema["$defs"][kind]
    lent = {"manifest": {"properties": schema["properties"]}, **schema["$defs"]}
    head = {"$schema": schema["$schema"], "$id": f"urn:seedrender:{kind}:v1"}
    text = json.dumps({**head, **part, "$defs": lent})
    return dict(json.loads(text.replace('"#/properties/', '"#/$defs/manifest/properties/')))


def check(document: Document, kind: Kind = "manifest") -> tuple[tuple[Path, Violation], ...]:
    """Return every place where a document is not of its kind's shape, and take it out.

    What is left in the tree is of the right shape, so that later stages find their errors too. A
    part is a file that a manifest includes.
    """
    if _validator(kind).is_valid(document.root):
        return ()
    if not isinstance(document.root, dict):
        what = "empty" if document.root is None else _kind(document.root)
        start = "; `seedrender init` makes a start" if kind == "manifest" else ""
        hint = f"write a mapping{start}"
        name = _NAMES[kind]
        return (((), _violation(document, (), f"{name} is {what}", hint)),)
    found = tuple(dict.fromkeys(islice(_explain(document, kind), MAX_VIOLATIONS)))
    if len(found) == MAX_VIOLATIONS:  # the rest is not even looked for
        raise ManifestError([violation for _, violation in found])
    for path, _ in found:
        _prune(document.root, path)
    return found


def _prune(root: Any, path: Path) -> None:
    """Delete the mapping entry that holds a wrong value, or the whole list that it is in."""
    holder, key, node = None, None, root
    for step in path:
        if not isinstance(node, dict):
            break
        holder, key = node, step
        node = node.get(step)
    if holder is not None:
        holder.pop(key, None)


@cache
def _schema(kind: Kind) -> dict[str, Any]:
    return dict(json.loads(schema_text())) if kind == "manifest" else part_schema(kind)


@cache
def _validator(kind: Kind) -> Any:
    return jsonschema_rs.Draft202012Validator(_schema(kind))


def _explain(document: Document, kind: Kind) -> Iterator[tuple[Path, Violation]]:
    """Say the same as the fast validator, in words; what it alone refuses is said as it says it."""
    from jsonschema import Draft202012Validator  # only the words need it: it is slow to load

    errors = list(
        islice(Draft202012Validator(_schema(kind)).iter_errors(document.root), MAX_VIOLATIONS)
    )
    for error in errors:
        yield from _words(document, tuple(error.absolute_path), error)
    if not errors:
        for strict in _validator(kind).iter_errors(document.root):
            path = tuple(strict.instance_path)
            hint = "compare with `seedrender schema`"
            yield path, _violation(document, path, strict.message, hint)


def _words(document: Document, path: Path, error: Any) -> Iterator[tuple[Path, Violation]]:
    value, limit = error.instance, error.validator_value
    if "propertyNames" in error.absolute_schema_path:
        what = f"'{value}' is not a name: {_pattern(limit)}"
        yield (*path, value), _violation(document, (*path, value), what, "rename it", at_key=True)
        return
    if error.validator == "additionalProperties":
        yield from _unknown_keys(document, path, value, error.schema)
    elif error.validator == "required":
        for key in (key for key in limit if key not in value):
            message = f"{_place(path)} lacks the key '{key}'"
            hint = _example(error.schema, key)
            yield path, _violation(document, path, message, hint)
    else:
        yield path, _violation(document, path, *_value_words(path, error))


def _value_words(path: Path, error: Any) -> tuple[str, str]:
    """Say what a value is, and what it should be."""
    limit = error.validator_value
    words = f"{_place(path)} is {shown(error.instance)}"
    match error.validator:
        case "type":
            wanted = _pattern(error.schema.get("pattern", "")) or _type(limit)
            example = _nearest(error.instance, error.schema.get("examples", ()))
            return f"{_place(path)} is {_kind(error.instance)}", f"write {wanted}{example}"
        case "enum":
            return words, _did_you_mean(error.instance, limit)
        case "const":
            newer = "a newer manifest needs a newer seedrender"
            return words, f"this program reads format {limit}; {newer}"
        case "pattern":
            return words, f"write {_pattern(limit)}"
        case "minimum" | "maximum":
            word = "at least" if error.validator == "minimum" else "at most"
            return words, f"{word} {limit}"
        case _:
            return _size_words(path, error)


def _size_words(path: Path, error: Any) -> tuple[str, str]:
    """Say that a value is empty or too long; of other rules, what the library says."""
    match error.validator:
        case "minLength" | "minItems" | "minProperties":
            return f"{_place(path)} is empty", "give it a value, or take the key out"
        case "maxItems":
            return (
                f"{_place(path)} has {len(error.instance)} items",
                f"{error.validator_value} at most",
            )
        case _:
            return f"{_place(path)}: {error.message[:120]}", "compare with `seedrender schema`"


def _unknown_keys(
    document: Document, path: Path, value: Mapping[str, Any], schema: Mapping[str, Any]
) -> Iterator[tuple[Path, Violation]]:
    known = list(schema.get("properties", {}))
    patterns = tuple(p.removeprefix("^") for p in schema.get("patternProperties", {}))
    for key in value:
        if key in known or (patterns and key.startswith(patterns)):
            continue
        where = f" in {_place(path)}" if path else ""
        hint = _LATER.get(key) or _did_you_mean(key, known)
        message = f"unknown key '{key}'{where}"
        yield (*path, key), _violation(document, (*path, key), message, hint, at_key=True)


def _place(path: Path) -> str:
    """Name a place as its author thinks of it: `shot spin: duration`."""
    if not path:
        return "the manifest"
    groups = {"shots", "chains", "templates", "references", "profiles"}
    if path[0] in groups and len(path) > 1:
        head = f"{str(path[0]).removesuffix('s')} {path[1]}"
        return ": ".join([head, _dotted(path[2:])]) if len(path) > 2 else head  # noqa: PLR2004
    return _dotted(path)


def _dotted(path: Path) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _did_you_mean(value: object, known: list[Any]) -> str:
    names = [str(name) for name in known]
    close = closest(str(value), names)
    return f"did you mean '{close}'?" if close else f"one of {', '.join(names)}"


def _example(schema: Mapping[str, Any], key: str) -> str:
    found = schema.get("properties", {}).get(key, {})
    return f"write {key}: {found['const']}" if "const" in found else f"add {key}: …"


def _kind(value: object) -> str:
    if value is None:
        return "empty"
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer"}
    return TYPE_WORDS[names.get(type(value), "number")] + (f" ({shown(value)})" if value else "")


def _nearest(value: object, examples: Sequence[object]) -> str:
    """Name the example that was meant, such as 480p by 480."""
    meant = next((e for e in examples if str(e).startswith(str(value))), None)
    return "" if meant is None else f", such as {meant}"


def _type(limit: object) -> str:
    return TYPE_WORDS.get(str(limit), str(limit))


def shown(value: object) -> str:
    """Return a value as JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:39] + "…"  # noqa: PLR2004


def _pattern(limit: object) -> str:
    return next((words for start, words in _PATTERNS.items() if str(limit).startswith(start)), "")


def _violation(
    document: Document, path: Path, message: str, hint: str, *, at_key: bool = False
) -> Violation:
    origin: Origin = document.key_origin(path) if at_key else document.origin(path)
    return Violation(origin=origin, message=message, hint=hint, code="schema", path=path)
