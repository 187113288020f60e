"""Turns a template's text into code that reaches nothing, and that cannot grow without bound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isinf
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.filters import do_round
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_CHARS = 100_000  # of a template's source, and of every text that is made on the way

_MAX_FILE_CHARS = 4 * 2**20  # of a whole-file template
_MAX_LOOPS = 3  # in each other, in a whole-file template
_MAX_NUMBER = 10**12
_MAX_DECIMALS = 12
_MAX_RANGE = 10_000
_RANGE = object()  # stands for the one word that may be called
_MAX_DEPTH = 50  # Python compiles 100 levels of blocks and 200 of brackets
_FILTERS = (
    *("abs", "capitalize", "default", "d", "first", "int", "float", "join", "last", "length"),
    *("lower", "replace", "round", "sort", "string", "title", "trim", "upper"),
)
_ALLOWED = frozenset(  # no assignment: a text that is put into itself doubles with every line
    {nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Name, nodes.Const}
    | {nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Filter, nodes.Test, nodes.Compare}
    | {nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Add, nodes.Sub}
    | {nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Concat, nodes.CondExpr, nodes.List}
    | {nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.Call}
)
_OWN_NAMES = frozenset({"self", "super", "caller", "varargs", "kwargs"})  # jinja's, undeclared
_WORDS: Mapping[type[nodes.Node], str] = {
    nodes.Pow: "**",
    nodes.Assign: "set",
    nodes.AssignBlock: "set",
}


class _Code(CodeGenerator):
    """Lets the environment join texts, where it can count them."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.write("environment.concatenate((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class Sandbox(ImmutableSandboxedEnvironment):
    """Values and their items only: no attribute of any object, no call, no unbounded number."""

    code_generator_class = _Code
    intercepted_binops = frozenset({"*", "%", "+", "-", "//", "/"})

    def __init__(self) -> None:
        super().__init__(
            undefined=StrictUndefined, keep_trailing_newline=True, cache_size=0, finalize=_printable
        )
        self.globals.clear()
        self.globals["range"] = _RANGE
        self.filters = {name: self.filters[name] for name in _FILTERS}
        self.filters |= {"join": _join, "replace": _replace, "round": _round, "float": _float}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return an item; of objects, only where a loop is."""
        if isinstance(obj, LoopContext) and attribute in ("index", "index0", "first", "last"):
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return an item of a plain value."""
        if isinstance(obj, Mapping | list | tuple | str):
            try:
                return obj[argument]
            except (KeyError, IndexError, TypeError):
                pass
        return self.undefined(obj=obj, name=argument)

    def call(self, _context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Return the numbers of a range; refuse every other call."""
        if isinstance(obj, Undefined):
            str(obj)  # raises, with its name
        if obj is not _RANGE or kwargs:
            raise SecurityError("calls are not allowed, but for range(from, to)")
        return _numbers(args)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute with numbers of reasonable size; join two texts."""
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return self.concatenate((left, right))
        for side in (left, right):
            if isinstance(side, Undefined):
                str(side)  # raises, with its name
            if not isinstance(side, int | float) or abs(side) > _MAX_NUMBER:
                raise SecurityError(f"{operator} takes numbers of reasonable size")
        return super().call_binop(context, operator, left, right)

    def concatenate(self, parts: Iterable[Any]) -> str:
        """Join what `~` and `+` join."""
        return _bounded(_printable(part) for part in parts)

    def check(self, source: str) -> None:
        """Refuse what could reach out or run for long. Raises: TemplateSyntaxError."""
        if len(source) > MAX_CHARS:
            raise TemplateSyntaxError(f"a template is longer than {MAX_CHARS} characters", 1)
        _check(self.parse(source), 0, loops=1)

    def checked(self, source: str) -> nodes.Template:
        """Parse a whole-file template, in which loops may be in loops: each round is counted.

        Raises: TemplateSyntaxError.
        """
        if len(source) > _MAX_FILE_CHARS:
            raise TemplateSyntaxError(f"the file is longer than {_MAX_FILE_CHARS} characters", 1)
        tree = self.parse(source)
        _check(tree, 0, loops=_MAX_LOOPS)
        return tree


def _numbers(args: tuple[Any, ...]) -> list[int]:
    """Return what Python's `range` counts, within bounds."""
    for value in args:
        if isinstance(value, Undefined):
            str(value)  # raises, with its name
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _MAX_NUMBER:
            raise SecurityError("range takes whole numbers of reasonable size")
    if not 1 <= len(args) <= 3 or 0 in args[2:]:  # noqa: PLR2004 - from, to, step
        raise SecurityError("range takes (to), (from, to) or (from, to, step), and no step of 0")
    found = range(*args)
    if len(found) > _MAX_RANGE:
        raise SecurityError(f"a range has more than {_MAX_RANGE} numbers")
    return list(found)


def _check(node: nodes.Node, depth: int, *, loops: int) -> None:
    kind = type(node)
    if kind not in _ALLOWED:
        words = _WORDS.get(kind, kind.__name__.lower())
        raise TemplateSyntaxError(f"{words} is not allowed", node.lineno)
    if isinstance(node, nodes.Name) and node.name in _OWN_NAMES:
        raise TemplateSyntaxError(f"'{node.name}' is not allowed", node.lineno)
    if depth > _MAX_DEPTH:  # before jinja and Python follow it
        raise TemplateSyntaxError("it is nested too deeply", node.lineno)
    if isinstance(node, nodes.Const) and isinstance(node.value, float) and isinf(node.value):
        raise TemplateSyntaxError("a number is too large", node.lineno)
    is_loop = isinstance(node, nodes.For)
    if is_loop and not loops:
        raise TemplateSyntaxError("a loop inside a loop is not allowed", node.lineno)
    for child in node.iter_child_nodes():
        _check(child, depth + 1, loops=loops - is_loop)


def _bounded(parts: Iterable[Any]) -> str:
    made: list[str] = []
    length = 0
    for part in parts:
        made.append(str(part))
        length += len(made[-1])
        if length > MAX_CHARS:
            raise SecurityError(f"a text is longer than {MAX_CHARS} characters")
    return "".join(made)


def _printable(value: Any) -> Any:
    """Refuse to write into a text what would read as a program's own notation."""
    if isinstance(value, Undefined):
        str(value)  # raises, with its name
    if value is None or isinstance(value, list | tuple | Mapping):
        words = {list: "a list", tuple: "a list", type(None): "an empty value"}
        what = words.get(type(value), "a mapping")
        raise TemplateRuntimeError(f"{what} cannot stand in a text; write {{{{ … | join(', ') }}}}")
    return value


def _join(value: Iterable[Any], separator: str = "") -> str:
    def parts() -> Iterable[Any]:
        for number, item in enumerate(value):
            if number:
                yield separator
            yield _printable(item)

    return _bounded(parts())


def _replace(value: Any, old: Any, new: Any, count: int | None = None) -> str:
    text, found = str(_printable(value)), str(_printable(old))
    growth = max(0, len(str(_printable(new))) - len(found))
    if len(text) + growth * (len(text) // max(1, len(found)) + 1) > MAX_CHARS:
        raise SecurityError(f"a text is longer than {MAX_CHARS} characters")
    return text.replace(found, str(new), -1 if count is None else count)


def _round(value: float, precision: int = 0, method: Any = "common") -> float:
    if not isinstance(precision, int) or abs(precision) > _MAX_DECIMALS:
        raise SecurityError(f"round takes {_MAX_DECIMALS} decimals at most")
    return do_round(value, precision, method)


def _float(value: Any, default: float = 0.0) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return default
    if abs(number) <= _MAX_NUMBER:
        return number
    raise SecurityError("float takes numbers of reasonable size")


ENVIRONMENT = Sandbox()
