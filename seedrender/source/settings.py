"""Turns layers of settings into one shot's values, each knowing where it was written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seedrender.errors import Origin, Violation
from seedrender.source import template
from seedrender.source.document import Document
from seedrender.source.parse import did_you_mean, violation
from seedrender.source.pictures import passed_over
from seedrender.source.template import PLACEHOLDER, TemplateFailure
from seedrender.values.job import CHOSEN_BY_MODEL, Mode, Place, Reference, ReferenceUse, Role, Tier
from seedrender.values.manifest import Manifest, Path

_WHOLE = re.compile(r"-?[0-9]{1,10}")
_WORDS = {"true": True, "false": False}
_FIELDS = (
    ("model", str),
    ("tier", str),
    ("mode", str),
    ("resolution", str),
    ("ratio", str),
    ("duration", int),
    ("audio", bool),
    ("seed", int),
    ("camera_fixed", bool),
    ("negative_prompt", str),
)
DEFAULT_MODEL = "seedance-2.0"
DEFAULT_TIER = Tier.STANDARD

_CHOICES = {"tier": ("standard", "fast", "mini"), "mode": tuple(mode.value for mode in Mode)}
_LENGTH_HINT = f"give whole seconds, or {CHOSEN_BY_MODEL} where the model is to choose"
_TYPE_WORDS = {str: "a text", int: "a whole number", bool: "true or false"}


@dataclass(frozen=True, slots=True)
class Written:
    """A value as it was written, and where."""

    value: Any
    path: Path
    over: tuple[Path, ...] = ()  # where lower layers had said it, the lowest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """A job's settings with nothing left to evaluate; None: unset."""

    prompt: str
    model: str = DEFAULT_MODEL
    tier: Tier = DEFAULT_TIER
    mode: str | None = None
    resolution: str | None = None
    ratio: str | None = None
    duration: int | None = None
    audio: bool | None = None
    seed: int | None = None
    camera_fixed: bool | None = None
    negative_prompt: str | None = None
    references: tuple[ReferenceUse, ...] = ()


def layers(*found: tuple[Path, Mapping[str, Any]]) -> dict[str, Written]:
    """Lay settings over each other; a later layer wins, what none says stays unset."""
    merged: dict[str, Written] = {}
    for path, row in found:
        for name, value in row.items():
            below = merged.get(name)
            over = (*below.over, below.path) if below is not None else ()
            merged[name] = Written(value, (*path, name), over)
    return merged


class Places(Mapping[str, Place]):
    """Where each setting was written; looked up when somebody asks, which is seldom."""

    __slots__ = ("_document", "_written")

    def __init__(self, document: Document, written: Mapping[str, Written]) -> None:
        self._document, self._written = document, written

    def __getitem__(self, name: str) -> Place:
        path = self._written[name].path
        return Place(self._document.origin(path), path)

    def __iter__(self) -> Iterator[str]:
        return iter(self._written)

    def __len__(self) -> int:
        return len(self._written)


class Evaluator:
    """Evaluates settings; what fails goes to `problems` with the places it came through."""

    def __init__(self, document: Document, manifest: Manifest, problems: list[Violation]) -> None:
        self._document = document
        self._manifest = manifest
        self._problems = problems

    def values(
        self,
        written: Mapping[str, Written],
        variables: Mapping[str, Any],
        related: tuple[Origin, ...],
    ) -> Values | None:
        """Evaluate a job's settings; None: something is wrong with them."""
        before = len(self._problems)
        fields: dict[str, Any] = {}
        for name, kind in _FIELDS:
            if name in written:
                fields[name] = self._field(name, written[name], kind, variables, related)
        prompt = self.text(written["prompt"], variables, related) if "prompt" in written else None
        references = self._references(written.get("references"), prompt, variables, related)
        if prompt is not None:
            self._left_over(prompt, written["prompt"], variables, related)
        if len(self._problems) > before or prompt is None:
            return None
        dropped = self._passed_over(written, fields.get("model") or DEFAULT_MODEL)
        fields = {k: v for k, v in fields.items() if v is not None and k not in dropped}
        if "tier" in fields:
            fields["tier"] = Tier(fields["tier"])
        return Values(prompt=prompt, references=references, **fields)

    def _passed_over(self, written: Mapping[str, Written], model: str) -> frozenset[str]:
        """Return the settings that the job's model does not take from the defaults."""
        shared = {"model": DEFAULT_MODEL, **self._manifest.defaults}
        layer_of = {name: item.path[0] for name, item in written.items()}
        return passed_over(self._manifest.provider, model, shared["model"], layer_of)

    def text(
        self, item: Written, variables: Mapping[str, Any], related: tuple[Origin, ...]
    ) -> str | None:
        """Evaluate a text."""
        before = len(self._problems)
        value = self._render(item, variables, related)
        if len(self._problems) > before:
            return None
        if value is None or isinstance(value, list | tuple | dict):
            what = "empty" if value is None else f"no text but {value!r:.60}"
            self.problem(item, f"{item.path[-1]} is {what}", "write a text", related)
            return None
        return str(value)

    def value(self, item: Written, variables: Mapping[str, Any]) -> Any:
        """Evaluate a value of any type."""
        return self._render(item, variables, ())

    def _field(
        self,
        name: str,
        item: Written,
        kind: type[str | int | bool],
        variables: Mapping[str, Any],
        related: tuple[Origin, ...],
    ) -> Any:
        value = self._render(item, variables, related)
        if isinstance(value, str) and isinstance(item.value, str) and value != item.value:
            value = _typed(value, kind)  # rows of a CSV are texts
        if value is None:
            return None
        if kind is int and isinstance(value, float) and value.is_integer():
            value = int(value)  # of a computation
        if type(value) is not kind:
            self.problem(item, f"{name} is {value!r}", f"write {_TYPE_WORDS[kind]}", related)
        elif isinstance(value, str) and value not in _CHOICES.get(name, (value,)):
            hint = did_you_mean(value, dict.fromkeys(_CHOICES[name]))
            self.problem(item, f"there is no {name} '{value}'", hint, related)
        elif name == "duration" and isinstance(value, int) and not _is_length(value):
            self.problem(item, f"duration is {value}", _LENGTH_HINT, related)
        return value

    def _references(
        self,
        item: Written | None,
        prompt: str | None,
        variables: Mapping[str, Any],
        related: tuple[Origin, ...],
    ) -> tuple[ReferenceUse, ...]:
        uses: dict[tuple[str, Role], ReferenceUse] = {}
        for number, row in enumerate(item.value if item is not None else ()):
            assert item is not None, "there are rows"
            name, role = (row, "reference") if isinstance(row, str) else (row["use"], row.get("as"))
            at = Written(name, (*item.path, number))
            rendered = self.text(at, variables, related)
            if rendered is None:
                continue
            marked = PLACEHOLDER.fullmatch(rendered)
            reference = self._reference(marked[1] if marked else rendered, at, related)
            if reference is not None:
                use = ReferenceUse(reference=reference, role=Role(role or "reference"))
                uses[reference.name, use.role] = use
        listed = {use.reference.name for use in uses.values()}
        for match in PLACEHOLDER.finditer(prompt or ""):
            mentioned = self._manifest.references.get(match[1] or "")
            if mentioned is not None and mentioned.name not in listed:
                listed.add(mentioned.name)
                uses[mentioned.name, Role.REFERENCE] = ReferenceUse(reference=mentioned)
        return tuple(uses.values())

    def _left_over(
        self,
        prompt: str,
        item: Written,
        variables: Mapping[str, Any],
        related: tuple[Origin, ...],
    ) -> None:
        """Find placeholders and expressions that came with a variable's text and mean nothing."""
        for match in PLACEHOLDER.finditer(prompt):
            if match[1] is not None:
                self._reference(match[1], item, related)
            elif "previous" not in variables:
                self.problem(item, "there is no previous clip here", "take it out", related)
        if template.is_template(PLACEHOLDER.sub("", prompt)):
            message = "an expression is left in the prompt: a variable's text brought it"
            self.problem(item, message, "texts of variables are not evaluated again", related)

    def _reference(self, name: str, item: Written, related: tuple[Origin, ...]) -> Reference | None:
        found = self._manifest.references.get(name)
        if found is None:
            hint = did_you_mean(name, self._manifest.references)
            self.problem(item, f"reference '{name}' is not defined", hint, related)
        return found

    def _render(
        self, item: Written, variables: Mapping[str, Any], related: tuple[Origin, ...]
    ) -> Any:
        try:
            return template.render(item.value, variables)
        except TemplateFailure:
            for failure in template.failures(item.value, variables):
                self._failed(item, failure, related)
            return None

    def _failed(self, item: Written, failure: TemplateFailure, related: tuple[Origin, ...]) -> None:
        origin = template_origin(self._document, item.path, failure)
        message = f"{item.path[-1]}: {failure}"
        others = _others(related, origin)
        self._problems.append(
            Violation(
                origin=origin,
                message=message,
                hint=failure.hint,
                related=others,
                code="template",
                path=item.path,
            )
        )

    def place(self, path: Path) -> Origin:
        """Return where a value stands."""
        return self._document.origin(path)

    def problem(
        self, item: Written, message: str, hint: str | None, related: tuple[Origin, ...]
    ) -> None:
        """Note that a value is wrong."""
        found = violation(self._document, item.path, message, hint)
        self._problems.append(
            Violation(
                origin=found.origin,
                message=message,
                hint=hint,
                related=_others(related, found.origin),
                code="value",
                path=item.path,
            )
        )


def template_origin(document: Document, path: Path, failure: TemplateFailure) -> Origin:
    """Return where an expression of a text fails: its own place, or at least its line."""
    inside = document.origin_inside(path, *failure.expression) if failure.expression else None
    origin = inside or document.origin(path)
    if inside is None and failure.line > 1:
        return Origin(origin.file, origin.line + failure.line - 1, 1)
    return origin


def _others(related: tuple[Origin, ...], origin: Origin) -> tuple[Origin, ...]:
    return tuple(other for other in related if other.line != origin.line)


def _typed(text: str, kind: type) -> Any:
    if kind is int and _WHOLE.fullmatch(text):
        return int(text)
    if kind is bool:
        return _WORDS.get(text.lower(), text)
    return text


def _is_length(value: int) -> bool:
    return value >= 1 or value == CHOSEN_BY_MODEL
