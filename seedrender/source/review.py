"""Says what is probably a mistake in a manifest that is right, less what its comments allow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from seedrender.errors import Origin, Severity, Violation, merged
from seedrender.source import text_mode, yaml_text
from seedrender.source.expand import Expansion
from seedrender.source.lint import lint
from seedrender.source.rules import RULES
from seedrender.source.scope import Read
from seedrender.source.suppress import suppressed

ALL = "all"


def review(found: Expansion, read: Read, *, profile: str | None = None) -> tuple[Violation, ...]:
    """Return every finding that no comment allows."""
    linted = lint(found.manifest, found.jobs, found.place, profile=profile)
    return merged(_allowed(chain(linted, _cut_by_comments(found, read)), found, read))


def _cut_by_comments(found: Expansion, read: Read) -> Iterator[Violation]:
    """SR123: find texts whose end was taken for a comment."""
    for file in found.files:
        for (line, column), rest in _cut_texts(file, read):
            yield Violation(
                origin=Origin(file, line + 1, column + 1),
                message=f"'{rest:.60}' is a comment for YAML, and no part of the text before it",
                hint="put the text in quotes; who means a comment writes '# '",
                code="SR123",
                severity=RULES["SR123"].severity,
            )


def _cut_texts(file: str, read: Read) -> Iterator[tuple[tuple[int, int], str]]:
    return iter(()) if text_mode.is_template(file) else yaml_text.cut_texts(read(file))


def mistakes(found: Expansion, read: Read) -> tuple[Violation, ...]:
    """Return the findings that stop every command: those that certainly lose money.

    They are options written into a prompt, so the other prompts need no look.
    """
    jobs = tuple(job for job in found.jobs if "--" in job.prompt)
    if not jobs:
        return ()
    kept = _allowed(lint(found.manifest, jobs, found.place), found, read)
    return tuple(violation for violation in kept if violation.severity is Severity.ERROR)


def deny(violations: Iterable[Violation], denied: Iterable[str]) -> tuple[Violation, ...]:
    """Make errors of the findings of some rules; `all` is every rule."""
    rules = set(denied)
    return tuple(
        replace(v, severity=Severity.ERROR) if v.code in rules or ALL in rules else v
        for v in violations
    )


def _allowed(violations: Iterable[Violation], found: Expansion, read: Read) -> Iterable[Violation]:
    """Leave out what the comments of each file allow; a whole-file template has none."""
    for file in found.files:
        if not text_mode.is_template(file):
            violations = suppressed(read(file)).apply(violations, file, RULES)
    return violations
