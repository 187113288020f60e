"""Evaluates one scalar, in a sandbox that reaches nothing but the variables it is given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, Undefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

PLACEHOLDER = re.compile(r"\{\{ (?:ref\.([A-Za-z0-9][A-Za-z0-9._-]*)|(previous)) \}\}")
PREVIOUS = "{{ previous }}"

_MAX_SOURCE_CHARS = 100_000
_MAX_OUTPUT_CHARS = 100_000
_MAX_NUMBER = 10**12
_FILTERS = (
    *("abs", "capitalize", "default", "d", "first", "int", "float", "join", "last", "length"),
    *("lower", "replace", "round", "sort", "string", "title", "trim", "upper"),
)
_SINGLE = re.compile(r"\s*\{\{((?:(?!\{\{|\}\}|\{%).)*)\}\}\s*", re.DOTALL)
_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_MISSING = re.compile(r"'([^']*)' is undefined|no (?:attribute|element) '?([^']*?)'?$")


class TemplateFailure(Exception):  # noqa: N818 - it is no error of the program
    """A scalar cannot be evaluated; `line` counts from 1 within it."""

    def __init__(self, message: str, *, line: int = 1, hint: str | None = None) -> None:
        self.line = line
        self.hint = hint
        super().__init__(message)


class References(Mapping[str, str]):
    """`ref` in expressions: every name stands for itself until a request is built."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {name: f"{{{{ ref.{name} }}}}" for name in names}

    def __getitem__(self, name: str) -> str:
        return self._names[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Values and their items only: no attribute of any object, no call, no unbounded number."""

    intercepted_binops = frozenset({"*", "**", "%", "+", "//", "/"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext) and attribute in ("index", "index0", "first", "last"):
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Mapping | list | tuple | str):
            try:
                return obj[argument]
            except (KeyError, IndexError, TypeError):
                pass
        return self.undefined(obj=obj, name=argument)

    def call(self, _context: Any, obj: Any, /, *_args: Any, **_kwargs: Any) -> Any:
        if isinstance(obj, Undefined):
            str(obj)  # raises, with its name
        raise SecurityError("calls are not allowed")

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "**":
            raise SecurityError("** is not allowed")
        if not (isinstance(left, str) and isinstance(right, str) and operator == "+"):
            for side in (left, right):
                if isinstance(side, Undefined):
                    str(side)
                if not isinstance(side, int | float) or abs(side) > _MAX_NUMBER:
                    raise SecurityError(f"{operator} takes numbers of reasonable size")
        return super().call_binop(context, operator, left, right)


def _environment() -> _Sandbox:
    environment = _Sandbox(undefined=StrictUndefined, keep_trailing_newline=True, cache_size=0)
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in _FILTERS}
    return environment


_ENVIRONMENT = _environment()


def is_template(text: str) -> bool:
    """Say whether a text has anything to evaluate."""
    return "{{" in text or "{%" in text or "{#" in text


def render(value: Any, variables: Mapping[str, Any]) -> Any:
    """Evaluate a value; a text that is one expression keeps that expression's type.

    Raises: TemplateFailure.
    """
    if not isinstance(value, str) or not is_template(value):
        return value
    try:
        single = _SINGLE.fullmatch(value)
        if single is not None:
            return _evaluate(single[1], variables)
        return _fill(value, variables)
    except TemplateError as error:
        raise _failure(error, variables) from None
    except (TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        raise TemplateFailure(f"the expression fails: {error}") from None


def failures(value: str, variables: Mapping[str, Any]) -> tuple[TemplateFailure, ...]:
    """Return everything that is wrong with a text: each of its expressions is tried by itself."""
    found: list[TemplateFailure] = []
    for match in _EXPRESSION.finditer(value) if "{%" not in value else ():
        try:
            render(match[0], variables)
        except TemplateFailure as failure:
            failure.line += value.count("\n", 0, match.start())
            found.append(failure)
    if not found:
        try:
            render(value, variables)
        except TemplateFailure as failure:
            found.append(failure)
    return tuple(found)


def _evaluate(expression: str, variables: Mapping[str, Any]) -> Any:
    found = _expression(expression)(variables)
    if isinstance(found, Undefined):
        str(found)  # raises: it is a strict one
    if isinstance(found, str) and len(found) > _MAX_OUTPUT_CHARS:
        raise TemplateFailure(f"its result is longer than {_MAX_OUTPUT_CHARS} characters")
    return found


def _fill(text: str, variables: Mapping[str, Any]) -> str:
    parts: list[str] = []
    length = 0
    for part in _template(text).generate(variables):
        length += len(part)
        if length > _MAX_OUTPUT_CHARS:
            raise TemplateFailure(f"its result is longer than {_MAX_OUTPUT_CHARS} characters")
        parts.append(part)
    return "".join(parts)


@lru_cache(maxsize=4096)
def _expression(source: str) -> Any:
    _check_source(f"{{{{{source}}}}}")
    return _ENVIRONMENT.compile_expression(source, undefined_to_none=False)


@lru_cache(maxsize=4096)
def _template(source: str) -> Any:
    _check_source(source)
    return _ENVIRONMENT.from_string(source)


def _check_source(source: str) -> None:
    """Refuse what could run for long before it prints anything."""
    if len(source) > _MAX_SOURCE_CHARS:
        raise TemplateFailure(f"a template is longer than {_MAX_SOURCE_CHARS} characters")
    tree = _ENVIRONMENT.parse(source)
    for loop in tree.find_all(nodes.For):
        if any(True for inner in loop.body for _ in _loops(inner)):
            raise TemplateFailure("a loop inside a loop is not allowed", line=loop.lineno)
    for kind in (nodes.Macro, nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends):
        for node in tree.find_all(kind):
            raise TemplateFailure(f"{kind.__name__.lower()} is not allowed", line=node.lineno)


def _loops(node: nodes.Node) -> Iterator[nodes.Node]:
    if isinstance(node, nodes.For):
        yield node
    yield from node.find_all(nodes.For)


def _failure(error: TemplateError, variables: Mapping[str, Any]) -> TemplateFailure:
    message = error.message or "the expression cannot be evaluated"
    missing = _MISSING.search(message)
    name = (missing[1] or missing[2]) if missing else None
    hint = _near(name, variables) if name else None
    words = f"'{name}' is not defined" if name else message
    return TemplateFailure(words, line=_line(error), hint=hint)


def _line(error: TemplateError) -> int:
    """Return the template's line that failed: jinja writes it into the traceback."""
    line = getattr(error, "lineno", None) or 1
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == "<template>":
            line = frame.tb_lineno
        frame = frame.tb_next
    return int(line)


def _near(name: str, variables: Mapping[str, Any]) -> str | None:
    names = list(variables)
    for value in variables.values():
        if isinstance(value, Mapping):
            names += value
    close = get_close_matches(name, names, n=1)
    return f"did you mean '{close[0]}'?" if close else f"there are: {', '.join(sorted(variables))}"
