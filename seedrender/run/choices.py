"""What a command line says about a manifest beside its path: profile, values of vars, a route."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from seedrender.project.text_files import read_text
from seedrender.source import given
from seedrender.source.given import Given


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a command line says about a manifest beside its path."""

    profile: str | None = None
    flags: tuple[str, ...] = ()  # name=value
    files: tuple[Path, ...] = ()  # of vars, relative to the current folder
    kept: Given | None = None  # the vars of a saved plan, instead of flags and files
    provider: str | None = None  # a route instead of the manifest's own
    outside: tuple[Path, ...] = ()  # folders elsewhere that links may lead to

    @property
    def words(self) -> str:
        """What decides about jobs, as another command repeats it; each with a space before it."""
        said = [("--profile", self.profile)] if self.profile is not None else []
        said += [("--set", flag) for flag in self.flags]
        said += [("--vars", str(path)) for path in self.files]
        return "".join(f" {option} {shlex.quote(value)}" for option, value in said)

    def given(self) -> Given:
        """Read the values for vars. Raises: ConfigError, ManifestError."""
        if self.kept is not None:
            return self.kept
        return given.read(self.flags, [(str(path), read_text(path)) for path in self.files])


AS_WRITTEN = Choices()
