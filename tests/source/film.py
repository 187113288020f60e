"""Expands small manifests in memory, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from seedrender.errors import ConfigError, ManifestError
from seedrender.source import expand, given
from seedrender.source.expand import Expansion
from seedrender.values.job import Job, JobId

HEAD = "seedrender: 1\nname: film\n"
NO_FILES: Mapping[str, str] = {}


def load(
    text: str,
    files: Mapping[str, str] = NO_FILES,
    *,
    profile: str | None = None,
    flags: tuple[str, ...] = (),
    vars_files: tuple[tuple[str, str], ...] = (),
    explain: str | None = None,
    file: str = "film.yaml",
) -> Expansion:
    def read(path: str) -> str:
        if path not in files:
            raise ConfigError(f"{path} is no file in this repository")
        return files[path]

    return expand.load(
        HEAD + text,
        file,
        read=read,
        profile=profile,
        given=given.read(flags, vars_files),
        explain=JobId(explain) if explain else None,
    )


def jobs(
    text: str,
    files: Mapping[str, str] = NO_FILES,
    *,
    profile: str | None = None,
    flags: tuple[str, ...] = (),
    vars_files: tuple[tuple[str, str], ...] = (),
    file: str = "film.yaml",
) -> dict[str, Job]:
    found = load(text, files, profile=profile, flags=flags, vars_files=vars_files, file=file)
    return {job.id: job for job in found.jobs}


def prompts(
    text: str, files: Mapping[str, str] = NO_FILES, *, flags: tuple[str, ...] = ()
) -> dict[str, str]:
    return {name: job.prompt for name, job in jobs(text, files, flags=flags).items()}


def refused(
    text: str,
    files: Mapping[str, str] = NO_FILES,
    *,
    flags: tuple[str, ...] = (),
    file: str = "film.yaml",
) -> str:
    with pytest.raises(ManifestError) as caught:
        load(text, files, flags=flags, file=file)
    return str(caught.value)
