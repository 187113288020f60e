"""Turns a whole-file template (`film.yaml.j2`) into a document whose places are the template's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from jinja2 import Template, TemplateError, nodes

from seedrender.errors import ManifestError, Origin, Violation
from seedrender.source import template, yaml_text
from seedrender.source.document import Document
from seedrender.source.given import Given
from seedrender.source.sandbox import ENVIRONMENT
from seedrender.source.template import TemplateFailure

_MAX_CHARS = 64 * 2**20  # of the text that is made
_MAX_PARTS = 1_000_000  # every round of a loop makes one at least
_MARK = re.compile("\0([0-9]+)\0")


class _Later(Mapping[str, str]):
    """A name whose value is known later: it writes the expression that asks for it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getitem__(self, key: str) -> str:
        inner = f"{self._name}.{key}" if key.isidentifier() else f"{self._name}['{key}']"
        return f"{{{{ {inner} }}}}"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


_LATER: Mapping[str, Any] = {
    "ref": _Later("ref"),
    "job": _Later("job"),
    "name": "{{ name }}",
    "previous": "{{ previous }}",
}


def is_template(file: str) -> bool:
    """Say whether a file is a template as a whole, by its name."""
    return file.endswith((".yaml.j2", ".yml.j2"))


def parse(text: str, file: str, given: Given) -> Document:
    """Fill in a whole-file template with the values of flags, then parse what it makes.

    `vars` are those of `--set` and `--vars`; `ref`, `job`, `name` and `previous` are left for the
    manifest itself.

    Raises: ManifestError, at the template's own lines.
    """
    if "\0" in text:
        return yaml_text.parse(text, file)  # which says where
    variables = {**_LATER, "vars": given.values}
    try:
        made, lines = _unmarked(_fill(text, variables))
    except TemplateFailure as failure:
        origin = Origin(file, failure.line, 1)
        if (failure.hint or "").startswith("there are"):
            failure.hint = "vars of a whole-file template come from --set and --vars"
        found = Violation(origin=origin, message=str(failure), hint=failure.hint, code="template")
        raise ManifestError([found]) from None
    try:
        return replace(yaml_text.parse(made, file), lines=lines)
    except ManifestError as error:
        raise ManifestError([_at_template(v, lines) for v in error.violations]) from None


def _at_template(violation: Violation, lines: tuple[int, ...]) -> Violation:
    line = lines[min(violation.origin.line, len(lines)) - 1]
    return replace(violation, origin=replace(violation.origin, line=line, column=1))


def _fill(text: str, variables: Mapping[str, Any]) -> str:
    try:
        tree = ENVIRONMENT.checked(text)
        _mark(tree)
        code = ENVIRONMENT.compile(tree)
        made = Template.from_code(ENVIRONMENT, code, ENVIRONMENT.globals)
        return "".join(_bounded(made.generate(variables)))
    except TemplateError as error:
        raise template.failure(error, variables, text, template.line_of(error)) from None
    except (SyntaxError, RecursionError, MemoryError):
        raise TemplateFailure("the template is nested too deeply") from None
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise TemplateFailure(f"an expression fails: {error}") from None


def _bounded(parts: Iterator[str]) -> Iterator[str]:
    length = 0
    for count, part in enumerate(parts):
        length += len(part)
        if length > _MAX_CHARS or count > _MAX_PARTS:
            raise TemplateFailure("the template makes too much text", hint="use a matrix")
        yield part


def _mark(node: nodes.Node) -> None:
    """Write before every piece of output, and after every line break in it, its line."""
    for inner in node.iter_child_nodes():
        _mark(inner)
    if isinstance(node, nodes.Output):
        node.nodes = [part for found in node.nodes for part in _marked(found)]
    elif isinstance(node, nodes.For):
        node.body.insert(0, nodes.Output([_mark_of(node.lineno)], lineno=node.lineno))


def _marked(part: nodes.Expr) -> Iterator[nodes.Expr]:
    yield _mark_of(part.lineno)
    if not isinstance(part, nodes.TemplateData):
        yield part
        return
    first, *others = part.data.split("\n")
    marked = [f"\0{part.lineno + number}\0{line}" for number, line in enumerate(others, 1)]
    yield nodes.TemplateData("\n".join([first, *marked]), lineno=part.lineno)


def _mark_of(line: int) -> nodes.TemplateData:
    return nodes.TemplateData(f"\0{line}\0", lineno=line)


def _unmarked(text: str) -> tuple[str, tuple[int, ...]]:
    """Return the text without marks, and the template's line of each of its lines."""
    pieces = _MARK.split(text)
    lines, line, is_fresh = [1], 1, True
    for number, piece in enumerate(pieces):
        if number % 2:
            line = int(piece)
            if is_fresh:
                lines[-1] = line
            continue
        breaks = piece.count("\n")
        lines += [line] * breaks
        is_fresh = piece.endswith("\n") or (is_fresh and not piece)
    return "".join(pieces[::2]), tuple(lines)
