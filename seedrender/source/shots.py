"""Turns one shot into its jobs: a job for each combination, row and take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seedrender.errors import Origin
from seedrender.source import axes, outputs, params, settings
from seedrender.source.axes import Binding
from seedrender.source.params import Template
from seedrender.source.scope import Scope
from seedrender.source.settings import Values, Written
from seedrender.values.job import Job, JobId, Place
from seedrender.values.manifest import Path


def expand(scope: Scope, name: str) -> Iterator[Job]:
    """Yield a shot's jobs in the order of its rows, combinations and takes."""
    path: Path = ("shots", name)
    shot = scope.manifest.shots[name]
    template = Template.of(scope.manifest.templates, shot.get("template"))
    written = settings.layers(*scope.base, *template.layers, (path, shot))
    at = scope.tree.key_origin(path)
    if "prompt" not in written:
        if path not in scope.incomplete and "template" not in shot:
            scope.wrong(
                at, f"shot {name} has no prompt", "write `prompt:` or `template:`", path=path
            )
        return
    if path in scope.unbound:  # whatever names its variables would be wrong too
        return
    places = scope.places(written)
    given = {
        **scope.variables,
        **params.given(scope.evaluator, template, path, shot, scope.variables),
    }
    for binding in axes.bindings(scope.tree, path, shot, given, scope.read, scope.problems):
        variables = {**given, **binding.variables}
        rows = (binding.row,) if binding.row is not None else ()
        if not params.fit(scope.evaluator, template, path, variables, rows):
            continue
        values = scope.evaluator.values(written, variables, (at, *rows))
        if values is None:
            continue
        stem = f"{name}/{binding.suffix}" if binding.suffix else name
        found = _Found(name, stem, at, template, binding)
        yield from _takes(scope, found, values, written, variables, places)


class _Found:
    """A combination of a shot on its way to its takes."""

    __slots__ = ("at", "binding", "shot", "stem", "template")

    def __init__(
        self, shot: str, stem: str, at: Origin, template: Template, binding: Binding
    ) -> None:
        self.shot, self.stem, self.at = shot, stem, at
        self.template, self.binding = template, binding


def _takes(
    scope: Scope,
    found: _Found,
    values: Values,
    written: Mapping[str, Written],
    variables: Mapping[str, Any],
    places: Mapping[str, Place],
) -> Iterator[Job]:
    count = written["takes"].value if "takes" in written else 1
    clip_name = written.get("output", scope.clip_name)
    for take in range(1, count + 1):
        job_id = JobId(found.stem if take == 1 else f"{found.stem}@{take}")
        known = {**variables, **outputs.job_variables(job_id, found.shot, take)}
        output = scope.output(clip_name, known, found.at, values.model)
        if output is None:
            return
        if scope.tracer.wants(job_id):
            scope.tracer.note(written, variables, _places(scope, found))
        yield scope.job(
            job_id,
            found.shot,
            values,
            written,
            output=output,
            at=found.at,
            places=places,
            row=found.binding.row,
            take=take,
        )


def _places(scope: Scope, found: _Found) -> Mapping[str, tuple[str, Origin]]:
    """Return who gives each variable of a combination."""
    path: Path = ("shots", found.shot)
    shot = scope.manifest.shots[found.shot]
    return {
        **params.places(scope.tree, found.template, path),
        **axes.places(scope.tree, path, shot, found.binding),
    }
