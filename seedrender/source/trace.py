"""Says of one job where each value came from: file and line, profile, template, row, flag."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seedrender.errors import Origin
from seedrender.source.document import Document
from seedrender.source.settings import Written
from seedrender.values.job import JobId
from seedrender.values.manifest import Manifest, Path

_NAMES = re.compile(r"\{[{%](.*?)[}%]\}", re.DOTALL)
_NAME = re.compile(r"(?<![\w.'\"])(?:vars\.)?[A-Za-z_]\w*")
_LAYERS = {
    "defaults": "the defaults",
    "profiles": "profile {}",
    "templates": "template {}",
    "shots": "shot {}",
    "chains": "chain {}",
    "output": "output",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where one value of a job came from, and the variables that it was made of."""

    name: str
    value: Any  # as it was written
    by: str  # "profile final", "template product_shot", "matrix", "row", "--set product"
    origin: Origin
    overrides: tuple[tuple[str, Origin], ...] = ()  # layers that said it too, the lowest first
    variables: tuple[Source, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return {
            "name": self.name,
            "value": self.value,
            "by": self.by,
            "origin": str(self.origin),
            "overrides": [{"by": by, "origin": str(origin)} for by, origin in self.overrides],
            "variables": [variable.as_json() for variable in self.variables],
        }


class Tracer:
    """Notes the sources of the one job that is asked for."""

    def __init__(self, tree: Document, manifest: Manifest) -> None:
        self._tree, self._manifest = tree, manifest
        self.job: JobId | None = None
        self.sources: tuple[Source, ...] = ()

    def wants(self, job: JobId) -> bool:
        """Say whether this is the one."""
        return job == self.job

    def note(
        self,
        written: Mapping[str, Written],
        variables: Mapping[str, Any],
        places: Mapping[str, tuple[str, Origin]],
    ) -> None:
        """Keep where the job's settings came from; `places` says who gave which variable."""
        self.sources = tuple(
            Source(
                name=name,
                value=item.value,
                by=layer_words(item.path),
                origin=self._tree.origin(item.path),
                overrides=tuple((layer_words(p), self._tree.origin(p)) for p in item.over),
                variables=tuple(self._variables(item.value, variables, places)),
            )
            for name, item in written.items()
            if name in _SHOWN
        )

    def _variables(
        self,
        text: Any,
        variables: Mapping[str, Any],
        places: Mapping[str, tuple[str, Origin]],
    ) -> Iterator[Source]:
        for name in dict.fromkeys(_names(text)):
            head, _, tail = name.partition(".")
            if head == "vars" and tail in self._manifest.vars:
                by, origin = self._manifest.given.get(
                    tail, ("vars", self._tree.origin(("vars", tail)))
                )
                yield Source(name=name, value=self._manifest.vars[tail], by=by, origin=origin)
            elif name in places and name in variables:
                by, origin = places[name]
                yield Source(name=name, value=variables[name], by=by, origin=origin)


_SHOWN = frozenset(
    {"prompt", "model", "tier", "mode", "resolution", "ratio", "duration", "audio", "seed"}
    | {"camera_fixed", "negative_prompt", "references", "takes", "tags", "output", "continuation"}
)


def layer_words(path: Path) -> str:
    """Name the layer that a value was written in."""
    name = path[1] if len(path) > 1 else ""
    return _LAYERS.get(str(path[0]), str(path[0])).format(name) if path else "built in"


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _names(item)
    elif isinstance(value, str):
        for block in _NAMES.finditer(value):
            yield from _NAME.findall(block[1])
