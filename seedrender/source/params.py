"""Compares what a template asks for with what a shot gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seedrender.errors import Origin
from seedrender.source.document import Document
from seedrender.source.mismatch import mismatch
from seedrender.source.parse import did_you_mean
from seedrender.source.rows import RESERVED
from seedrender.source.settings import Evaluator, Written
from seedrender.values.manifest import Path


@dataclass(frozen=True, slots=True)
class Template:
    """A template in use, below it those that it extends; one of no layers is that of no name."""

    name: str
    layers: tuple[tuple[Path, Mapping[str, Any]], ...]  # the lowest first

    @classmethod
    def of(cls, templates: Mapping[str, Mapping[str, Any]], name: str | None) -> Template:
        """Follow `extends` down; a loop and an unknown name end it: they are errors elsewhere."""
        layers: list[tuple[Path, Mapping[str, Any]]] = []
        below = name
        while below in templates and len(layers) < len(templates):
            assert below is not None, "None is no template's name"
            layers.insert(0, (("templates", below), templates[below]))
            below = templates[below].get("extends")
        return cls(name or "", tuple(layers))

    @property
    def params(self) -> Mapping[str, tuple[Path, Mapping[str, Any]]]:
        """The place and the rule of each param, by name; an extending template's goes first."""
        return {
            name: ((*path, "params", name), rule)
            for path, row in self.layers
            for name, rule in row.get("params", {}).items()
        }


def places(tree: Document, template: Template, path: Path) -> Mapping[str, tuple[str, Origin]]:
    """Return who gives each variable of a template, and where: for explanations."""
    found = {
        name: (f"default of template {template.name}", tree.origin((*at, "default")))
        for name, (at, rule) in template.params.items()
        if "default" in rule
    }
    given_at = {name: tree.origin((*path, "with", name)) for name in _with(tree, path)}
    return found | {name: ("with", origin) for name, origin in given_at.items()}


def _with(tree: Document, path: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = tree.root[path[0]][path[1]].get("with", {})
    return found


def given(
    evaluator: Evaluator,
    template: Template,
    path: Path,
    shot: Mapping[str, Any],
    variables: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the variables that a shot gives to its template, above the template's defaults."""
    found: dict[str, Any] = {}
    params = template.params
    for name, (at, rule) in params.items():
        if "default" in rule:
            found[name] = evaluator.value(Written(rule["default"], (*at, "default")), variables)
    for name, value in shot.get("with", {}).items():
        item = Written(value, (*path, "with", name))
        if name in RESERVED:
            evaluator.problem(item, f"'{name}' is taken", "rename the param", ())
            continue
        if params and name not in params:
            hint = did_you_mean(name, params)
            evaluator.problem(item, f"'{name}' is not a param of the template", hint, ())
        found[name] = evaluator.value(item, variables)
    return found


def fit(
    evaluator: Evaluator,
    template: Template,
    path: Path,
    variables: Mapping[str, Any],
    related: tuple[Origin, ...],
) -> bool:
    """Say whether every param is there and allowed; what is not is noted."""
    item = Written(None, (*path, "template"))
    is_fit = True
    for name, (at, rule) in template.params.items():
        if name not in variables:
            message = f"template {template.name} needs '{name}'"
            hint = "give it under `with:`, as an axis of the matrix or as a column"
        elif wrong := mismatch(variables[name], rule):
            message = f"param {name} of template {template.name} {wrong[0]}"
            hint = f"{wrong[1]}; see {evaluator.place(at)}"
        else:
            continue
        is_fit = False
        evaluator.problem(item, message, hint, related)
    return is_fit
