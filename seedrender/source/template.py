"""Evaluates one scalar, in a sandbox that reaches nothing but the variables it is given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, Undefined

from seedrender.source.names import closest
from seedrender.source.sandbox import ENVIRONMENT, MAX_CHARS

PLACEHOLDER = re.compile(r"\{\{ (?:ref\.([A-Za-z0-9][A-Za-z0-9._-]*)|(previous)) \}\}")
PREVIOUS = "{{ previous }}"

_SINGLE = re.compile(r"\s*\{\{((?:(?!\{\{|\}\}|\{%).)*)\}\}\s*", re.DOTALL)
_EXPRESSION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_PLAIN = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)\s*\}\}")
_HALF = re.compile("[\ud800-\udfff]")
_NOTHING: Any = object()
_INSTEAD = {
    "set is": "give the value under `vars` or `with`",
    "a loop inside": "use a matrix",
    "calls are": "expressions have filters, as in {{ name | upper }}",
    "expected": "close what is open, and look at the quotes",
    "unexpected": "close what is open, and look at the quotes",
}
_MISSING = re.compile(r"'([^']*)' is undefined|no (?:attribute|element) '?([^']*?)'?$")


class TemplateFailure(Exception):  # noqa: N818 - it is no error of the program
    """A scalar cannot be evaluated; `line` counts from 1 within it.

    `expression` is the number, from 0, and the text of the expression that fails, where one does.
    """

    def __init__(self, message: str, *, line: int = 1, hint: str | None = None) -> None:
        self.line = line
        self.expression: tuple[int, str] | None = None
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


def is_template(text: str) -> bool:
    """Say whether a text has anything to evaluate."""
    return "{{" in text or "{%" in text or "{#" in text


def render(value: Any, variables: Mapping[str, Any]) -> Any:
    """Evaluate every text in a value; one that is one expression keeps that expression's type.

    Raises: TemplateFailure.
    """
    if isinstance(value, list):
        return [render(item, variables) for item in value]
    if isinstance(value, dict):
        return {key: render(item, variables) for key, item in value.items()}
    if not isinstance(value, str) or not is_template(value):
        return value
    single = _SINGLE.fullmatch(value)
    try:
        found = _by_name(value, variables, is_single=single is not None)
        if found is _NOTHING:
            found = _fill(value, variables) if single is None else _evaluate(single[1], variables)
        return _whole(found)
    except TemplateError as error:
        # code for one expression keeps no lines of the text, but for its syntax
        is_placed = single is None or isinstance(error, TemplateSyntaxError)
        raise failure(error, variables, value, line_of(error) if is_placed else 1) from None
    except (SyntaxError, RecursionError, MemoryError):  # of the code that jinja makes
        raise TemplateFailure("the expression is nested too deeply") from None
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise TemplateFailure(f"the expression fails: {error}") from None


def _whole(found: Any) -> Any:
    """Return what was found. Raises: TemplateFailure where a text has half of a character."""
    if isinstance(found, str) and _HALF.search(found):
        raise TemplateFailure("its result has half of a character, which no text may have")
    return found


def failures(value: Any, variables: Mapping[str, Any]) -> tuple[TemplateFailure, ...]:
    """Return everything that is wrong with a value: each of its expressions is tried by itself."""
    if isinstance(value, list | dict):
        items = value.values() if isinstance(value, dict) else value
        return tuple(failure for item in items for failure in failures(item, variables))
    if not isinstance(value, str):
        return ()
    found: list[TemplateFailure] = []
    for match in _EXPRESSION.finditer(value) if "{%" not in value else ():
        try:
            render(match[0], variables)
        except TemplateFailure as failure:
            failure.line += value.count("\n", 0, match.start())
            failure.expression = (value.count("{{", 0, match.start()), match[0])
            found.append(failure)
    if not found:
        try:
            render(value, variables)
        except TemplateFailure as failure:
            found.append(failure)
    return tuple(found)


def _by_name(text: str, variables: Mapping[str, Any], *, is_single: bool) -> Any:
    """Fill in plain names without compiling: a thousand prompts are a thousand templates."""
    parts = _PLAIN.split(text)
    literals, names = parts[::2], parts[1::2]
    if not names or any(is_template(t) or t.endswith("{") for t in literals):
        return _NOTHING
    values = [_look_up(name, variables) for name in names]
    if is_single and not (isinstance(values[0], str) and len(values[0]) > MAX_CHARS):
        return values[0]
    if not all(isinstance(value, str | int | float) for value in values):
        return _NOTHING
    parts[1::2] = map(str, values)
    return "".join(parts) if sum(map(len, parts)) <= MAX_CHARS else _NOTHING


def _look_up(name: str, variables: Mapping[str, Any]) -> Any:
    found: Any = variables
    for step in name.split("."):
        if not isinstance(found, Mapping) or step not in found:
            return _NOTHING
        found = found[step]
    return found


def _evaluate(expression: str, variables: Mapping[str, Any]) -> Any:
    found = _expression(expression)(variables)
    _check_defined(found)
    if isinstance(found, str) and len(found) > MAX_CHARS:
        raise TemplateFailure(f"its result is longer than {MAX_CHARS} characters")
    return found


def _check_defined(value: Any) -> None:
    if isinstance(value, Undefined):
        str(value)  # raises: it is a strict one
    if isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            _check_defined(item)


def _fill(text: str, variables: Mapping[str, Any]) -> str:
    parts: list[str] = []
    length = 0
    for part in _template(text).generate(variables):
        length += len(part)
        if length > MAX_CHARS:
            raise TemplateFailure(f"its result is longer than {MAX_CHARS} characters")
        parts.append(part)
    return "".join(parts)


@lru_cache(maxsize=4096)
def _expression(source: str) -> Any:
    ENVIRONMENT.check(f"{{{{{source}}}}}")
    return ENVIRONMENT.compile_expression(source, undefined_to_none=False)


@lru_cache(maxsize=4096)
def _template(source: str) -> Any:
    ENVIRONMENT.check(source)
    return ENVIRONMENT.from_string(source)


def failure(
    error: TemplateError, variables: Mapping[str, Any], text: str, line: int
) -> TemplateFailure:
    """Say in words what is wrong with a template, and which name was meant."""
    message = error.message or "the expression cannot be evaluated"
    missing = _MISSING.search(message)
    name = (missing[1] or missing[2]) if missing else None
    hint = _meant(name, variables, text) if name else _advice(message)
    words = f"'{name}' is not defined" if name else message.removesuffix(".")
    return TemplateFailure(words, line=line, hint=hint)


def _meant(name: str, variables: Mapping[str, Any], text: str) -> str | None:
    """Say what was meant by a name that is not there."""
    return _bracketed(text, variables) or _of_group(name, variables, text) or _near(name, variables)


def line_of(error: TemplateError) -> int:
    """Return the template's line that failed: jinja writes it into the traceback."""
    line = getattr(error, "lineno", None) or 1
    frame = error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == "<template>":
            line = frame.tb_lineno
        frame = frame.tb_next
    return int(line)


def _bracketed(text: str, variables: Mapping[str, Any]) -> str | None:
    names = variables.get("ref", ())
    found = (n for n in names if not n.isidentifier() and f"ref.{n}" in text)
    return next((f"write ref['{name}']" for name in found), None)


def _advice(message: str) -> str | None:
    """Say what to write instead of what the sandbox refuses."""
    if "filter named" in message:
        return f"there are: {', '.join(sorted(ENVIRONMENT.filters))}"
    return next((words for start, words in _INSTEAD.items() if message.startswith(start)), None)


def _of_group(name: str, variables: Mapping[str, Any], text: str) -> str | None:
    """Say what `vars` or `ref` has in place of a name that it has not."""
    group = next((g for g in ("vars", "ref") if f"{g}.{name}" in text), None)
    values = variables.get(group or "", {})
    if group is None or name in values or not (values or group == "ref"):
        return None
    close = closest(name, list(values))
    known = ", ".join(sorted(map(str, values))) or "nothing"
    return f"did you mean '{group}.{close}'?" if close else f"{group} has: {known}"


def _near(name: str, variables: Mapping[str, Any]) -> str | None:
    names = list(variables)
    for value in variables.values():
        if isinstance(value, Mapping):
            names += value
    if name in (variables.get("vars") or ()):
        return f"did you mean 'vars.{name}'?"
    if name in list(variables.get("ref", ())):
        return f"did you mean 'ref.{name}'?" if name.isidentifier() else f"write ref['{name}']"
    if name == "previous":
        return "only a segment that follows another one continues a clip"
    close = closest(name, names)
    return f"did you mean '{close}'?" if close else f"there are: {', '.join(sorted(variables))}"
