"""Turns YAML text into a plain tree that knows the line and column of every value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from seedrender.errors import UNPRINTABLE, ManifestError, Origin, Violation, printable
from seedrender.source import scalars
from seedrender.source.document import Document, Mark, Marks

_MAX_BYTES = 64 * 2**20
_MAX_DEPTH = 64
_MAX_NODES = 5_000_000  # counted after aliases are followed
_END_OF_LINE = _MAX_BYTES
_CHARS_PER_NODE = 32  # a long text counts as several

_CORE_TAGS = frozenset(
    {None, "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}
)
_CUT = re.compile(r"\s+(#[^\s#!].*)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same events, faster
_BASE_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def parse(text: str, file: str) -> Document:
    """Parse one YAML 1.2 document of plain values.

    Raises: ManifestError for anything else: repeated keys, tags, loops, excess, broken syntax.
    """
    if len(text) > _MAX_BYTES:
        raise _error(file, (0, 0), f"the file is larger than {_MAX_BYTES // 2**20} MiB", "split it")
    return _built(text, file, _LOADER)


def _built(text: str, file: str, loader: Any) -> Document:
    try:
        return _Builder(file, text).build(_events(text, loader))
    except UnicodeEncodeError as error:  # half of a pair, from a caller that is no file
        raise _control(file, text, error.start) from None
    except yaml.YAMLError as error:
        is_deep = "nesting depth" in str(getattr(error, "problem", ""))
        if is_deep and loader is not yaml.SafeLoader:  # libyaml looks ahead, and has a limit
            return _built(text, file, yaml.SafeLoader)
        raise _syntax_error(file, text, error) from None


def texts(text: str) -> Iterator[tuple[Mark, Mark]]:
    """Yield where each quoted or block text of a valid document stands: no comment starts there."""
    for event in _events(text):
        if isinstance(event, ScalarEvent) and event.style:
            start, end = event.start_mark, event.end_mark
            assert start is not None, "parsed events know their place"
            assert end is not None, "likewise"
            is_block = event.style in ("|", ">")  # a comment may follow the sign itself
            column = _END_OF_LINE if is_block else start.column
            yield (start.line, column), (end.line, end.column)


def cut_texts(text: str) -> Iterator[tuple[Mark, str]]:
    """Yield each comment of a valid document that seems to be the end of a text before it.

    It stands in the line of a text of several words that has no quotes, and has no space behind
    its sign; the mark is the sign's.
    """
    lines = text.split("\n")
    for event in _events(text):
        if not isinstance(event, ScalarEvent) or event.style or " " not in event.value.strip():
            continue
        end = event.end_mark
        assert end is not None, "parsed events know their place"
        rest = lines[end.line][end.column :] if end.line < len(lines) else ""
        found = _CUT.match(rest)
        if found is not None:
            yield (end.line, end.column + found.start(1)), found[1]


def dump(value: Any, *, is_narrow: bool = False) -> str:
    """Write a plain value as YAML that reads back as the same value, here and in YAML 1.1.

    `is_narrow`: with escapes for what is not ASCII.
    """
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=not is_narrow, width=100)
    return "\n".join(map(printable, text.split("\n")))  # what is escaped stands in double quotes


class _Dumper(_BASE_DUMPER):  # type: ignore[misc] # one of two, known at run time
    """Quotes texts that look like something else, by either version of YAML."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "'" if scalars.is_typed(text) else None
    style = '"' if UNPRINTABLE.search(text.replace("\n", "")) else style
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _represent_text)


def spans(text: str) -> Mapping[tuple[int, int], tuple[int, int]]:
    """Return where each scalar ends, by where it starts; lines and columns from 1."""
    found: dict[tuple[int, int], tuple[int, int]] = {}
    depth = 0
    try:
        for event in _events(text):
            depth += isinstance(event, CollectionStartEvent)
            depth -= isinstance(event, CollectionEndEvent)
            if depth > _MAX_DEPTH:  # which was a mistake
                break
            start, end = event.start_mark, event.end_mark
            if isinstance(event, ScalarEvent) and start is not None and end is not None:
                found[start.line + 1, start.column + 1] = (end.line + 1, end.column + 1)
    except (yaml.YAMLError, UnicodeEncodeError):  # what stands before the mistake is known
        pass
    return found


def _events(text: str, of: Any = _LOADER) -> Iterator[Event]:
    loader = of(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


@dataclass(slots=True)
class _Frame:
    """A container under construction."""

    node: Any
    anchor: str | None
    start: int  # how many nodes there were before it
    mark: Mark
    keys: dict[Any, Mark] = field(default_factory=dict)
    values: dict[Any, Mark] = field(default_factory=dict)
    key: str | None = None  # waits for its value
    has_key: bool = False
    merged: list[dict[str, Any]] = field(default_factory=list)


class _Builder:
    def __init__(self, file: str, text: str) -> None:
        self._text = text
        self._file = file
        self._marks: dict[int, Marks] = {}
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._stack: list[_Frame] = []
        self._nodes = 0
        self._root: Any = None
        self._documents = 0

    def build(self, events: Iterator[Event]) -> Document:
        for event in events:
            self._take(event)
        return Document(self._file, self._text, self._root, self._marks)

    def _take(self, event: Event) -> None:
        start = event.start_mark
        assert start is not None, "parsed events know their place"
        mark = (start.line, start.column)
        match event:
            case ScalarEvent():
                weight = 1 + len(event.value) // _CHARS_PER_NODE
                self._count(weight, mark)
                value = self._scalar(event, mark)
                if event.anchor:
                    self._anchors[event.anchor] = (value, weight)
                is_block = event.style in ("|", ">")  # its text starts in the line below
                self._place(value, (mark[0] + 1, 0) if is_block else mark)
            case MappingStartEvent() | SequenceStartEvent():
                self._open(event, mark)
            case MappingEndEvent() | SequenceEndEvent():
                self._close()
            case AliasEvent():
                value, size = self._alias(event.anchor or "", mark)
                self._count(size, mark)
                self._place(value, mark)
            case DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise self._wrong(mark, "a second document starts here", "use one file each")
            case _:
                pass

    def _open(self, event: MappingStartEvent | SequenceStartEvent, mark: Mark) -> None:
        self._count(1, mark)
        self._check_tag(event.tag, mark)
        if len(self._stack) >= _MAX_DEPTH:
            raise self._wrong(mark, f"nested deeper than {_MAX_DEPTH} levels", "flatten it")
        if self._stack and self._expects_key():
            raise self._wrong(mark, "a key must be a text", "put {{ … }} in quotes")
        node: Any = {} if isinstance(event, MappingStartEvent) else []
        self._stack.append(_Frame(node, event.anchor, self._nodes, mark))

    def _close(self) -> None:
        frame = self._stack.pop()
        for source in frame.merged:
            for key, value in source.items():
                if key not in frame.node:
                    frame.node[key] = value
                    frame.values[key] = self._mark_in(source, key, frame.mark)
        self._marks[id(frame.node)] = Marks(frame.mark, frame.keys, frame.values)
        if frame.anchor:
            self._anchors[frame.anchor] = (frame.node, self._nodes - frame.start + 1)
        self._place(frame.node, frame.mark)

    def _place(self, value: Any, mark: Mark) -> None:
        if not self._stack:
            self._root = value
            return
        frame = self._stack[-1]
        if isinstance(frame.node, list):
            frame.values[len(frame.node)] = mark
            frame.node.append(value)
        elif not frame.has_key:
            frame.key = self._key(frame, value, mark)
            frame.has_key = True
        else:
            self._put(frame, frame.key, value, mark)
            frame.has_key = False

    def _put(self, frame: _Frame, key: str | None, value: Any, mark: Mark) -> None:
        assert key is not None, "its key came before"
        if key == "<<":
            for source in value if isinstance(value, list) else [value]:
                if not isinstance(source, dict):
                    raise self._wrong(mark, "<< takes a mapping", "write *name of an anchor")
                frame.merged.append(source)
            return
        frame.values[key] = mark
        frame.node[key] = value

    def _key(self, frame: _Frame, value: Any, mark: Mark) -> str:
        if not isinstance(value, str):
            raise self._wrong(mark, f"the key {value!r} is not a text", "put it in quotes")
        if _CONTROL.search(value):
            raise self._wrong(mark, f"the key {value!r} has a control character", "delete it")
        if value in frame.keys:
            line = frame.keys[value][0] + 1
            message = f"key '{value}' is written twice (first in line {line})"
            raise self._wrong(mark, message, "keep one of them")
        frame.keys[value] = mark
        return value

    def _expects_key(self) -> bool:
        frame = self._stack[-1]
        return isinstance(frame.node, dict) and not frame.has_key

    def _alias(self, anchor: str, mark: Mark) -> tuple[Any, int]:
        if anchor not in self._anchors:  # not there, or still open: it would hold itself
            raise self._wrong(
                mark, f"alias *{anchor} has no anchor before it", "define &name first"
            )
        return self._anchors[anchor]

    def _scalar(self, event: ScalarEvent, mark: Mark) -> Any:
        self._check_tag(event.tag, mark)
        if event.style or not event.implicit[0]:
            return event.value
        try:
            return scalars.plain(event.value)
        except ValueError as error:
            raise self._wrong(mark, str(error), "put it in quotes if it is a text") from None

    def _check_tag(self, tag: str | None, mark: Mark) -> None:
        if tag not in _CORE_TAGS:
            raise self._wrong(mark, f"the tag {tag} is not allowed", "write a plain value")

    def _count(self, nodes: int, mark: Mark) -> None:
        self._nodes += nodes
        if self._nodes > _MAX_NODES:
            message = f"more than {_MAX_NODES} values once aliases are followed"
            raise self._wrong(mark, message, "use fewer aliases, or a matrix")

    def _mark_in(self, source: dict[str, Any], key: str, default: Mark) -> Mark:
        marks = self._marks.get(id(source))
        return marks.values.get(key, default) if marks is not None else default

    def _wrong(self, mark: Mark, message: str, hint: str) -> ManifestError:
        return _error(self._file, mark, message, hint)


def _syntax_error(file: str, text: str, error: yaml.YAMLError) -> ManifestError:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        what = getattr(error, "problem", None) or getattr(error, "context", None)
        return _error(file, (mark.line, mark.column), f"this is not YAML: {what}", _advice(what))
    return _control(file, text, getattr(error, "position", 0))


def _control(file: str, text: str, position: int) -> ManifestError:
    line = text.count("\n", 0, position)
    column = position - (text.rfind("\n", 0, position) + 1)
    return _error(file, (line, column), "a control character stands here", "delete it")


def _advice(problem: str | None) -> str:
    if (problem and "tab" in problem) or problem == "found character that cannot start any token":
        return "indent with spaces, and quote texts that start with @, `, % or {{"
    return "look at the quotes, colons and the indentation here and in the line above"


def _error(file: str, mark: Mark, message: str, hint: str) -> ManifestError:
    origin = Origin(file, mark[0] + 1, mark[1] + 1)
    return ManifestError([Violation(origin=origin, message=message, hint=hint, code="yaml")])
