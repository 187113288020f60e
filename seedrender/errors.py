"""Every deliberate error, where it was found, and the exit code that it ends in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar

DOCS = "schemas/README.md"  # where every code is explained

MAX_VIOLATIONS = 500  # that are looked for and said; who makes more has one cause for them

_SHOWN = 3  # jobs and places that a sentence names
# control characters, and those that turn or hide text, which a terminal would obey; halves of
# characters, which UTF-8 has not
UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    r"\u2028-\u202e\u2060-\u206f\u3164\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffc\ufffe\uffff"
    r"\ud800-\udfff\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_KEPT = 100  # that a program is told


def printable(text: str) -> str:
    """Show characters that a terminal would obey, and those that hide or turn text, as escapes."""
    return UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """A place in a text file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Severity(StrEnum):
    """How much a violation weighs: an error stops every command, a warning none."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing that is wrong with a manifest, and what to do about it."""

    origin: Origin
    message: str
    code: str = "manifest"  # a stable word for editors and suppressions: "schema", "template", …
    severity: Severity = Severity.ERROR
    hint: str | None = None
    path: tuple[str | int, ...] = ()  # to the value, from the root of its file
    related: tuple[Origin, ...] = ()  # the template or the row that the value came through
    jobs: tuple[str, ...] = ()  # in which it was found
    end: tuple[int, int] | None = None  # line and column behind the value, where it is known

    def __str__(self) -> str:
        subject = f"{listed(self.jobs)}: " if self.jobs else ""
        way = f" (from {listed(tuple(map(str, self.related)))})" if self.related else ""
        hint = f"; {self.hint}" if self.hint else ""
        is_plain = self.severity is Severity.ERROR and not self.code.startswith("SR")
        weight = "" if is_plain else f"{self.severity} {self.code}: "
        text = f"{self.origin}: {weight}{subject}{self.message}{way}{hint}"
        return printable(text)

    def as_json(self) -> dict[str, Any]:
        """Return the violation as editors read it."""
        start = {"line": self.origin.line, "column": self.origin.column}
        line, column = self.end or (self.origin.line, self.origin.column)
        return {
            "file": self.origin.file,
            **start,
            "range": {"start": start, "end": {"line": line, "column": column}},
            "path": "".join(f"/{str(s).replace('~', '~0').replace('/', '~1')}" for s in self.path),
            "severity": self.severity.value,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "docs": f"{DOCS}#{self.code.lower()}",
            "jobs": list(self.jobs[:_KEPT]),
            "job_count": len(self.jobs),
            "related": [str(origin) for origin in self.related[:_KEPT]],
        }


def merged(violations: Iterable[Violation]) -> tuple[Violation, ...]:
    """Sort violations, and make one of those that say the same of one place for many jobs."""
    found: dict[tuple[object, ...], list[Violation]] = {}
    for violation in violations:
        key = (violation.origin, violation.message, violation.code, violation.hint)
        found.setdefault(key, []).append(violation)
    return tuple(
        replace(
            same[0],
            jobs=tuple(dict.fromkeys(job for one in same for job in one.jobs)),
            related=tuple(dict.fromkeys(place for one in same for place in one.related)),
        )
        for _, same in sorted(found.items(), key=lambda item: item[0][:3])
    )


def listed(names: tuple[str, ...]) -> str:
    """Name the first ones: a thousand are no help."""
    more = len(names) - _SHOWN
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:_SHOWN])} and {more} more"


class SeedrenderError(Exception):
    """Something that a person can mend; everything else is a bug."""

    exit_code: ClassVar[int] = 1


class BugError(SeedrenderError):
    """An exception that nobody foresaw, in words; the traceback is in a file that they name."""


class StoppedError(SeedrenderError):
    """A signal ended a command before it had anything to say."""

    def __init__(self, message: str, *, signal: int) -> None:
        self.exit_code = 128 + signal  # type: ignore[misc]  # of this one, not of the class
        super().__init__(message)


class ManifestError(SeedrenderError):
    """The manifest is wrong; nothing was sent."""

    exit_code = 2

    def __init__(self, violations: Sequence[Violation]) -> None:
        found = merged(violations)
        self.violations = found[:MAX_VIOLATIONS]
        more = len(found) - len(self.violations)
        lines = [*map(str, self.violations), *([f"… and {more} more"] if more else [])]
        super().__init__("\n".join(lines))


class ConfigError(SeedrenderError):
    """A key, host, provider or option that is not there; nothing was sent."""

    exit_code = 2


class NoFileError(ConfigError):
    """A file that is named in another one, and is not there."""


class LockError(SeedrenderError):
    """The lockfile or the journal cannot be used as it is."""

    exit_code = 3


class LockVersionError(LockError):
    """The file was written by a newer seedrender."""


class LockCorruptError(LockError):
    """The file is not what seedrender wrote."""

    def __init__(self, message: str, *, damage: str = "") -> None:
        self.damage = damage  # what is wrong, without what to do about it
        super().__init__(message)


class LockHeldError(LockError):
    """Another run holds this lockfile."""


class ProviderError(SeedrenderError):
    """A provider said no, or said nothing that can be understood."""

    exit_code = 4
    retryable: ClassVar[bool] = False  # the same request may succeed later
    stops_run: ClassVar[bool] = False  # no other submit would fare better


class UnavailableError(ProviderError):
    """The provider could not be reached, or answered that it is down; nothing was created."""

    retryable = True


class RateLimitedError(ProviderError):
    """Too many requests or too many running tasks; nothing was created."""

    retryable = True

    def __init__(
        self, message: str, *, retry_after_s: float | None = None, is_concurrency: bool = False
    ) -> None:
        self.retry_after_s = retry_after_s
        self.is_concurrency = is_concurrency  # too many tasks in flight, not too many requests
        super().__init__(message)


class RejectedError(ProviderError):
    """The provider refused this input: it will never be sent again as it is."""


class NotFoundError(RejectedError):
    """The provider does not know this task or file (any more)."""


class ForgottenError(ProviderError):
    """The provider no longer knows a task that was paid for long ago."""


class ProtocolError(ProviderError):
    """An answer that breaks the wire's own rules."""


class SubmissionUnknownError(ProviderError):
    """The answer to a submit was lost: a paid task may exist."""


class UnauthorizedError(ProviderError):
    """The key is missing, wrong or not allowed here."""

    stops_run = True


class QuotaError(ProviderError):
    """The account has no credit left."""

    stops_run = True


class ArtifactError(SeedrenderError):
    """A file is short, is not the promised one, or is not a clip."""

    exit_code = 4


class StorageError(ArtifactError):
    """This machine cannot keep a file: no room, no permission, or something else in its place."""
