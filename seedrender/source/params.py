"""Compares what a template asks for with what a shot gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seedrender.errors import Origin
from seedrender.source import schema
from seedrender.source.axes import RESERVED
from seedrender.source.parse import did_you_mean
from seedrender.source.settings import Evaluator, Written
from seedrender.values.manifest import Path


@dataclass(frozen=True, slots=True)
class Template:
    """A template in use; one without a name is that of a shot which uses none."""

    name: str
    row: Mapping[str, Any]

    @property
    def layer(self) -> tuple[Path, Mapping[str, Any]]:
        """Its settings, as a layer below the shot's own."""
        return ("templates", self.name), self.row

    @property
    def params(self) -> Mapping[str, Mapping[str, Any]]:
        """The rule of each param, by name."""
        params: Mapping[str, Mapping[str, Any]] = self.row.get("params", {})
        return params


def given(
    evaluator: Evaluator,
    template: Template,
    path: Path,
    shot: Mapping[str, Any],
    variables: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the variables that a shot gives to its template, above the template's defaults."""
    found: dict[str, Any] = {}
    for name, rule in template.params.items():
        if "default" in rule:
            written = Written(
                rule["default"], ("templates", template.name, "params", name, "default")
            )
            found[name] = evaluator.value(written, variables)
    for name, value in shot.get("with", {}).items():
        item = Written(value, (*path, "with", name))
        if name in RESERVED:
            evaluator.problem(item, f"'{name}' is taken", "rename the param", ())
            continue
        if template.params and name not in template.params:
            hint = did_you_mean(name, template.params)
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
    for name, rule in template.params.items():
        if name not in variables:
            message = f"template {template.name} needs '{name}'"
            hint = "give it under `with:`, as an axis of the matrix or as a column"
        elif wrong := schema.mismatch(variables[name], rule):
            message = f"param {name} of template {template.name}: {wrong}"
            hint = f"see {evaluator.place(('templates', template.name, 'params', name))}"
        else:
            continue
        is_fit = False
        evaluator.problem(item, message, hint, related)
    return is_fit
