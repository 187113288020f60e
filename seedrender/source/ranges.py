"""Says where the values end that violations speak of, for editors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from seedrender.errors import ConfigError, Violation
from seedrender.source import text_mode, yaml_text

_Place = tuple[int, int]  # line and column, from 1


def with_ends(violations: Iterable[Violation], read: Callable[[str], str]) -> tuple[Violation, ...]:
    """Return the violations with their ends: that of the scalar there, else of the line."""
    files: dict[str, tuple[list[str], Mapping[_Place, _Place]]] = {}
    return tuple(_with_ends(violations, read, files))


def _with_ends(
    violations: Iterable[Violation],
    read: Callable[[str], str],
    files: dict[str, tuple[list[str], Mapping[_Place, _Place]]],
) -> Iterator[Violation]:
    for violation in violations:
        origin = violation.origin
        if origin.file not in files:
            files[origin.file] = _known(origin.file, read)
        lines, spans = files[origin.file]
        end = spans.get((origin.line, origin.column))
        if end is None and origin.line <= len(lines):
            line = lines[origin.line - 1]
            close = line.find("}}", origin.column)
            if line.startswith("{{", origin.column - 1) and close > 0:
                end = (origin.line, close + 3)
        if end is None and origin.line <= len(lines):
            end = (origin.line, max(origin.column, len(lines[origin.line - 1].rstrip()) + 1))
        yield replace(violation, end=end)


def _known(file: str, read: Callable[[str], str]) -> tuple[list[str], Mapping[_Place, _Place]]:
    try:
        text = read(file)
    except ConfigError:  # it is no file but a flag
        return [], {}
    is_yaml = file.endswith((".yaml", ".yml")) and not text_mode.is_template(file)
    return text.split("\n"), yaml_text.spans(text) if is_yaml else {}
