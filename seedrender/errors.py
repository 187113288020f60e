"""Every deliberate error, where it was found, and the exit code that it ends in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar


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

    def __str__(self) -> str:
        text = f"{self.origin}: {self.message}"
        text += "".join(f" (from {origin})" for origin in self.related)
        return f"{text}; {self.hint}" if self.hint else text

    def as_json(self) -> dict[str, Any]:
        """Return the violation as editors read it."""
        return {
            "file": self.origin.file,
            "line": self.origin.line,
            "column": self.origin.column,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "related": [str(origin) for origin in self.related],
        }


class SeedrenderError(Exception):
    """Something that a person can mend; everything else is a bug."""

    exit_code: ClassVar[int] = 1


class ManifestError(SeedrenderError):
    """The manifest is wrong; nothing was sent."""

    exit_code = 2

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(sorted(set(violations), key=lambda v: (v.origin, v.message)))
        super().__init__("\n".join(map(str, self.violations)))


class ConfigError(SeedrenderError):
    """A key, host, provider or option that is not there; nothing was sent."""

    exit_code = 2


class LockError(SeedrenderError):
    """The lockfile or the journal cannot be used as it is."""

    exit_code = 3


class LockVersionError(LockError):
    """The file was written by a newer seedrender."""


class LockCorruptError(LockError):
    """The file is not what seedrender wrote."""


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

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class RejectedError(ProviderError):
    """The provider refused this input: it will never be sent again as it is."""


class NotFoundError(RejectedError):
    """The provider does not know this task or file (any more)."""


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
