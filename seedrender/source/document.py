"""A file's tree that knows the line and column of every value."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from seedrender.errors import Origin
from seedrender.values.manifest import Path

LINE_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")  # those that the YAML reader counts
_MAX_INDENT = 200  # of the lines over which an expression goes on

Mark = tuple[int, int]  # line and column, from 0


@dataclass(frozen=True, slots=True)
class Marks:
    """Where a container, its keys and its values stand."""

    own: Mark
    keys: dict[Any, Mark]
    values: dict[Any, Mark]


@dataclass(frozen=True, slots=True)
class Document:
    """A file's tree and where its values stand; an aliased value stands at its anchor."""

    file: str
    text: str = field(repr=False)
    root: Any
    marks: dict[int, Marks] = field(repr=False)  # by the id of a container
    included: dict[Path, Document] = field(
        default_factory=dict, repr=False
    )  # whose entries, by path
    lines: tuple[int, ...] = ()  # of a text that a template made: the template's line of each line

    def origin(self, path: Path) -> Origin:
        """Return where the value at a path stands, or the closest place above it."""
        return self._find(path, lambda marks: marks.values)

    def origin_inside(self, path: Path, number: int, words: str) -> Origin | None:
        """Return where the expression of this number, from 0, stands in the text at a path.

        None: it is not written there word for word, but with escapes or by an alias.
        """
        if path[:2] in self.included:
            return self.included[path[:2]].origin_inside(path, number, words)
        line, column = self._mark(path, lambda marks: marks.values)
        breaks = [0, *(match.end() for match in LINE_BREAK.finditer(self.text))]
        start = breaks[min(line, len(breaks) - 1)] + column - 2
        for _ in range(number + 1):
            start = self.text.find("{{", start + 2)
            if start < 0:
                return None
        written = self.text[start : start + 2 * len(words) + _MAX_INDENT]
        if not "".join(written.split()).startswith("".join(words.split())):
            return None
        row = bisect_right(breaks, start) - 1
        return self.place((row, start - breaks[row]))

    def key_origin(self, path: Path) -> Origin:
        """Return where the key of the value at a path stands."""
        return self._find(path, lambda marks: marks.keys or marks.values)

    def _find(self, path: Path, part: Callable[[Marks], dict[Any, Mark]]) -> Origin:
        if path[:2] in self.included:
            return self.included[path[:2]]._find(path, part)  # noqa: SLF001 - of its own kind
        return self.place(self._mark(path, part))

    def _mark(self, path: Path, part: Callable[[Marks], dict[Any, Mark]]) -> Mark:
        node, mark = self.root, self._container_mark(self.root)
        for step in path:
            marks = self.marks.get(id(node))
            if marks is None:
                break
            found = part(marks).get(step)
            mark = found if found is not None else mark
            try:
                node = node[step]
            except (KeyError, IndexError, TypeError):
                break
        return mark

    def place(self, mark: Mark) -> Origin:
        """Return a place in the file that its author wrote."""
        line, column = mark
        if self.lines:
            return Origin(self.file, self.lines[min(line, len(self.lines) - 1)], 1)
        return Origin(self.file, line + 1, column + 1)

    def _container_mark(self, node: object) -> Mark:
        marks = self.marks.get(id(node))
        return marks.own if marks is not None else (0, 0)
