"""Turns `# seedrender: allow SR101` comments into the lines that they cover."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from seedrender.errors import Origin, Severity, Violation
from seedrender.source import yaml_text
from seedrender.source.document import LINE_BREAK

_IDLE = "SR100"
_COMMENT = re.compile(r"(?:(?<=\s)|^)#+\s*seedrender:\s*allow\b:?(?P<rules>[^#\n]*)", re.MULTILINE)
_WORD = re.compile(r"[\w-]+")
_IS_CODE = re.compile(r"\s*(?!\s|#|---(?:\s|$)|%|$)")
_IS_ITEM = re.compile(r" *-(?: |$)")
_RULE = re.compile(r"(?i)sr\d+")


@dataclass(frozen=True, slots=True)
class Allowance:
    """One rule that one comment allows, and where; lines count from 1."""

    rule: str
    line: int  # of the comment
    column: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Suppressions:
    """Everything that a file allows."""

    allowances: tuple[Allowance, ...]

    def apply(
        self, found: Iterable[Violation], file: str, known: Collection[str]
    ) -> Iterator[Violation]:
        """Yield the violations that nothing allows, then the suppressions that did nothing."""
        by_rule: dict[str, list[Allowance]] = {}
        for allowance in self.allowances:
            by_rule.setdefault(allowance.rule, []).append(allowance)
        used: set[Allowance] = set()
        for violation in found:
            covering = _covering(by_rule.get(violation.code, ()), violation, file)
            used.update(covering)
            if not covering:
                yield violation
        for allowance in self.allowances:
            idle = _idle(allowance, file, known)
            is_allowed = allowance.rule == _IDLE or _covering(by_rule.get(_IDLE, ()), idle, file)
            if allowance not in used and not is_allowed:
                yield idle


def suppressed(text: str) -> Suppressions:
    """Read the comments of a valid YAML text.

    A comment covers its own line, or the next one when it stands alone, together with the block
    that is indented below that line. Before the first key it covers the whole file.
    """
    matches = list(_COMMENT.finditer(text)) if "seedrender:" in text else []
    if not matches:
        return Suppressions(())
    layout = _Layout(text)
    found: list[Allowance] = []
    for match in matches:
        line, column = layout.place(match.start())
        if layout.is_text(line, column):
            continue
        first, last = layout.covered(line, column)
        rules = [word.upper() for word in _rules(match["rules"])] or [""]
        found += [Allowance(rule, line + 1, column + 1, first + 1, last + 1) for rule in rules]
    return Suppressions(tuple(found))


def _rules(words: str) -> Iterator[str]:
    """Yield the ids that a comment starts with; a reason may follow them."""
    for number, match in enumerate(_WORD.finditer(words)):
        if number and not _RULE.fullmatch(match.group()):
            return
        yield match.group()


def _covering(here: Sequence[Allowance], violation: Violation, file: str) -> list[Allowance]:
    if not here:
        return []
    places = (violation.origin, *violation.related)
    lines = {origin.line for origin in places if origin.file == file}
    return [a for a in here if any(a.first <= line <= a.last for line in lines)]


def _idle(allowance: Allowance, file: str, known: Collection[str]) -> Violation:
    if not allowance.rule:
        message, hint = "this suppression names no rule", "write `# seedrender: allow SR101`"
    elif allowance.rule not in known:
        message = f"there is no rule {allowance.rule}"
        hint = f"there are: {', '.join(sorted(known))}"
    else:
        message = f"nothing here needs `allow {allowance.rule}`"
        hint = "take it out: it would hide the next finding"
    return Violation(
        origin=Origin(file, allowance.line, allowance.column),
        message=message,
        code=_IDLE,
        severity=Severity.WARNING,
        hint=hint,
    )


class _Layout:
    """The lines of a document by their indentation; lines and columns count from 0."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in LINE_BREAK.finditer(text))]
        self._lines = LINE_BREAK.split(text)
        self._texts = sorted(yaml_text.texts(text))
        continued = {n for (a, _), (b, c) in self._texts for n in range(a + 1, b + (c > 0))}
        self._code = [
            number
            for number, line in enumerate(self._lines)
            if number not in continued and _IS_CODE.match(line)
        ]

    def place(self, position: int) -> tuple[int, int]:
        """Return the line and column of a position in the text."""
        line = bisect_right(self._starts, position) - 1
        return line, position - self._starts[line]

    def is_text(self, line: int, column: int) -> bool:
        """Return whether a quoted or block text goes on here."""
        number = bisect_right(self._texts, (line, column), key=lambda found: found[0]) - 1
        return number >= 0 and (line, column) < self._texts[number][1]

    def covered(self, line: int, column: int) -> tuple[int, int]:
        """Return the first and last line that a comment speaks of."""
        after = bisect_right(self._code, line)
        if self._lines[line][:column].strip():  # behind a value
            owner = max(after - 1, 0)
        elif after == 0:
            return 0, len(self._lines)
        else:
            owner = after
        if owner >= len(self._code):
            return line, line
        return min(line, self._code[owner]), max(line, self._end_of_block(owner))

    def _end_of_block(self, owner: int) -> int:
        first = self._lines[self._code[owner]]
        takes_items = not _IS_ITEM.match(first)  # a list may stand as far left as its key
        following = owner + 1
        while following < len(self._code):
            line = self._lines[self._code[following]]
            is_item = takes_items and _indent(line) == _indent(first) and _IS_ITEM.match(line)
            if _indent(line) <= _indent(first) and not is_item:
                return self._code[following] - 1
            following += 1
        return len(self._lines) - 1


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
