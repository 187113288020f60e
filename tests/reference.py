"""Writes `schemas/README.md`, the reference of manifests, from the schema and the rules.

`python -m tests.reference` writes it; `tests/test_docs.py` compares.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seedrender.source import rules, schema

PAGE = Path(__file__).parents[1] / "schemas" / "README.md"
CODES = {  # of errors that are no lint rules
    "yaml": "The text is no YAML, or YAML that a manifest does not use: tags, repeated keys, loops.",
    "schema": "A key or a value is not of the manifest's shape, as the tables above say.",
    "include": "A file that is included is not there, outside the repository, or defines a name again.",
    "name": "A name meets nothing: a reference, a template, a profile, a var, an axis, a job.",
    "template": "An expression cannot be evaluated.",
    "value": "An expression's value does not fit where it stands.",
    "data": "A row of a table is wrong: of data, or of prices.",
    "output": "Two clips would be one file.",
    "place": "A clip could not be kept where it is wanted, or another manifest writes it too.",
    "limits": "The route's model does not render this; `seedrender providers` says what it does.",
    "prompt": "An option in a prompt would be obeyed by the route; no comment allows it.",
    "hosting": "A local file that the route takes as a URL only.",
    "reference": "A local file is not there, or outside the repository.",
    "rights": "An asset carries no note of who allowed its use, and the manifest asks for one.",
    "preflight": "A reference is not there, is not what it should be, or is beyond what the model takes.",
    "manifest": "An entry is wrong as a whole: it has no prompt, or no length.",
}
HEAD = """\
# Manifest reference

Made from `manifest.v1.schema.json` and the lint rules by `make reference`. For editors, write
`# yaml-language-server: $schema=…/manifest.v1.schema.json` into a manifest's first line, or print the schema
with `seedrender schema`; `--provider` and `--model` narrow it to what a route renders,
`--part` prints that of included files, `--prices` that of price tables.
"""


def page() -> str:
    """Return the whole page."""
    found = json.loads(schema.schema_text())
    prices = _objects(found, found["$defs"]["prices"], "prices.yaml")
    parts = [HEAD, *_objects(found, found, ""), *prices, _errors(), _lints()]
    return "\n".join(parts)


def _objects(root: Mapping[str, Any], node: Mapping[str, Any], path: str) -> Iterator[str]:
    """Yield a table for an object, then those of the objects in it."""
    title = f"`{path}`" if path else "The manifest"
    inner: list[tuple[str, Mapping[str, Any]]] = []
    rows = ["| key | value | default | what it is |", "|---|---|---|---|"]
    required = node.get("required", [])
    for key, written in node.get("properties", {}).items():
        value = _followed(root, written)
        place = f"{path}.{key}" if path else key
        default = json.dumps(value["default"], ensure_ascii=False) if "default" in value else ""
        if key in required:
            default = "required"
        text = str(value.get("description", "")).replace("|", "\\|")
        shown = f"`{default}`" if default and default != "required" else default
        rows.append(f"| `{key}` | {_kind(root, value)} | {shown} | {text} |")
        inner += _inner(root, value, place)
    yield f"## {title}\n\n{node.get('description', '')}\n\n" + "\n".join(rows) + "\n"
    for place, value in inner:
        yield from _objects(root, value, place)


def _inner(
    root: Mapping[str, Any], value: Mapping[str, Any], place: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    value = {**value, **value.get("then", {})}
    if "properties" in value:
        yield place, value
    for word, suffix in (("additionalProperties", ".NAME"), ("items", "[]")):
        below = value.get(word)
        if isinstance(below, dict):
            followed = _followed(root, below)
            followed = followed.get("then", followed)
            same_as_defaults = below.get("$ref") == "#/properties/defaults"
            if "properties" in followed and not same_as_defaults:
                yield f"{place}{suffix}", followed


def _followed(root: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in node:
        return node
    found: Any = root
    for step in str(node["$ref"]).removeprefix("#/").split("/"):
        found = found[step]
    return {**found, **{key: value for key, value in node.items() if key != "$ref"}}


def _kind(root: Mapping[str, Any], value: Mapping[str, Any]) -> str:
    """Say in words what a value may be."""
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{word}`" for word in value["enum"])
    if "else" in value:
        first = _followed(root, value["if"])
        other = _kind(root, value["else"])
        if first.get("pattern") == "\\{\\{":
            return f"{other}, or an expression"
        return f"{_kind(root, {**first, **value.get('then', {})})}, or {other}"
    bounds = ", ".join(
        f"{word} {value[key]}"
        for key, word in (("minimum", "at least"), ("maximum", "at most"))
        if key in value
    )
    kinds = {"object": "mapping", "array": "list", "string": "text", "integer": "whole number"}
    kinds["boolean"] = "true or false"
    name = kinds.get(str(value.get("type")), str(value.get("type", "anything")))
    return f"{name}, {bounds}" if bounds else name


def _errors() -> str:
    rows = "".join(f"\n### {code}\n\n{text}\n" for code, text in CODES.items())
    return f"## Errors\n\nAn error ends every command with exit code 2, before anything is sent.\n{rows}"


def _lints() -> str:
    rows = "".join(_lint(rule) for rule in rules.ALL)
    return (
        "## Lint rules\n\n`seedrender check` warns of what is allowed and probably a mistake. "
        "`--deny SR101`, or `--deny all`, makes an error of it. A comment allows it:\n"
        "`# seedrender: allow SR101`, in the line, or above it for it and what is indented below, or "
        "before the first key for the file.\n"
        f"{rows}"
    )


def _lint(rule: rules.Rule) -> str:
    return (
        f"\n### {rule.id}\n\n**{rule.name}** ({rule.severity.value}). {rule.summary} "
        f"{rule.explanation}\n\n```yaml\n# not this\n{rule.wrong}\n# but this\n{rule.right}\n```\n"
    )


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
