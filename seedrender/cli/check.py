"""`seedrender check`: are these manifests right?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from seedrender.cli import findings, online
from seedrender.cli.console import (
    ManifestPath,
    choices_options,
    counting,
    echo,
    json_option,
    route_option,
    say_document,
    say_json,
)
from seedrender.errors import ConfigError, LockError, ManifestError, Severity, Violation, merged
from seedrender.project.places import Places
from seedrender.run import places, project
from seedrender.run.choices import Choices
from seedrender.run.project import Project
from seedrender.source import review
from seedrender.source.rules import RULES
from seedrender.values.job import MediaKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What is to be said of one manifest."""

    manifest: Path
    violations: tuple[Violation, ...]
    jobs: int = 0
    takes: int = 0
    seconds: int = 0
    without_length: int = 0
    online: online.Online | None = None

    @property
    def exit_code(self) -> int:
        """Return 2 where anything is wrong; warnings are not."""
        is_wrong = any(v.severity is Severity.ERROR for v in self.violations)
        return ManifestError.exit_code if is_wrong else 0


@click.command("check")
@click.argument(
    "manifests",
    metavar="MANIFEST...",
    nargs=-1,
    required=True,
    type=ManifestPath(),
)
@choices_options
@route_option
@click.option(
    "--deny",
    metavar="RULE",
    multiple=True,
    help="Make an error of what a lint rule finds, such as SR101; `all` for every rule.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(findings.FORMATS),
    default="text",
    show_default=True,
    help="Say what is wrong in words, as annotations for GitHub, or as SARIF.",
)
@click.option(
    "--online",
    "is_online",
    is_flag=True,
    help="Look at the references, too: each file and each URL, and the credit for the plan.",
)
@online.allow_option
@json_option
def command(
    manifests: tuple[Path, ...],
    *,
    choices: Choices,
    deny: tuple[str, ...],
    form: str,
    is_online: bool,
    allowed: tuple[str, ...],
    is_json: bool,
) -> int:
    """Parse, validate, expand and lint each MANIFEST, and say everything that is wrong at once.

    Nothing is bought, and without --online nothing is sent. Exit code 2 where something is wrong;
    warnings change no exit code.
    """
    unknown = [rule for rule in deny if rule not in (review.ALL, *RULES)]
    if unknown:
        raise ConfigError(f"--deny {unknown[0]}: there is no such rule; see schemas/README.md")
    asked = allowed if is_online else None
    places_before: list[Places] = []
    found = [_check(manifest, choices, deny, asked, places_before) for manifest in manifests]
    if is_json:
        say_json(_as_json(found))
    elif form == "text":
        _say(found)
    else:
        placed = [(one.manifest.parent, v) for one in found for v in one.violations]
        if form == "sarif":
            say_json(findings.as_sarif(placed))
        elif text := findings.as_github(placed):
            say_document(text)
    return max(one.exit_code for one in found)


def _check(
    manifest: Path,
    choices: Choices,
    deny: Sequence[str],
    allowed: Sequence[str] | None,
    places_before: list[Places],
) -> Checked:
    try:
        with counting() as tick:
            found = project.load(manifest, choices=choices, tick=tick, is_reviewed=True)
        seen = online.look(found, allowed) if allowed is not None else None
        looks = seen.looks if seen is not None else online.look_at_files(found)
    except ManifestError as error:
        return Checked(manifest=manifest, violations=error.violations)
    wrong = merged(looks.violations) if looks is not None else ()
    return Checked(
        manifest=manifest,
        violations=(*review.deny(found.findings, deny), *_places(found, places_before), *wrong),
        online=seen,
        jobs=len(found.jobs),
        takes=len(found.takes),
        seconds=sum(job.stated_duration_s or 0 for job in found.jobs),
        without_length=sum(
            job.makes is MediaKind.VIDEO and job.stated_duration_s is None for job in found.jobs
        ),
    )


def _places(found: Project, before: list[Places]) -> Sequence[Violation]:
    """Look at where a run would write, beside the manifests before, and add it to those."""
    try:
        lock = found.read_lock()
    except LockError:  # said by every command that needs it
        lock = None
    wrong = places.look(found, lock, before)
    before.append(places.places(found))
    return wrong


def _say(found: Sequence[Checked]) -> None:
    for one in found:
        for violation in one.violations:
            echo(
                str(violation if len(found) == 1 else _from_here(one.manifest, violation)),
                is_error=True,
            )
        if one.online is not None:
            online.say(one.online)
        if not one.exit_code:
            warnings = f"; {_count(len(one.violations), 'warning')}" if one.violations else ""
            open_ends = _count(one.without_length, "clip")
            more = f", and {open_ends} as long as the model makes" if one.without_length else ""
            echo(
                f"{one.manifest}: right. {_count(one.jobs, 'job')}, "
                f"{_count(one.takes, 'long take')}, {one.seconds} seconds of footage asked for"
                f"{more}{warnings}"
            )


def _from_here(manifest: Path, violation: Violation) -> Violation:
    """Name files as seen from here: of several manifests many have the same name."""
    places = (violation.origin, *violation.related)
    seen = [replace(place, file=str(manifest.parent / place.file)) for place in places]
    return replace(violation, origin=seen[0], related=tuple(seen[1:]))


def _as_json(found: Sequence[Checked]) -> dict[str, Any]:
    """Return what is said of one manifest, or a list of that for several."""
    rows = [
        {
            "exit_code": one.exit_code,
            "manifest": str(one.manifest),
            "jobs": one.jobs,
            "long_takes": one.takes,
            "violations": [violation.as_json() for violation in one.violations],
            **(online.as_json(one.online) if one.online is not None else {}),
        }
        for one in found
    ]
    if len(rows) == 1:
        return rows[0]
    return {"exit_code": max(one.exit_code for one in found), "manifests": rows}


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
