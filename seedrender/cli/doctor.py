"""`seedrender doctor`: is everything there that a run needs?"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import click

from seedrender.cli.console import (
    ManifestPath,
    echo,
    json_option,
    only_route_option,
    outside_option,
    say_json,
    table,
)
from seedrender.errors import ConfigError, ManifestError
from seedrender.plan.outcome import Exit
from seedrender.providers import registry
from seedrender.run import project
from seedrender.run.choices import Choices
from seedrender.run.doctor import Check, Grade
from seedrender.run.project import Project
from seedrender.source.names import known


@click.command("doctor")
@click.argument("manifest", required=False, type=ManifestPath())
@only_route_option
@outside_option
@json_option
def command(
    manifest: Path | None,
    *,
    provider: str | None,
    outside: tuple[Path, ...],
    is_json: bool,
) -> int:
    """Look over what a run rests on: the machine, the folder of MANIFEST, the route's account.

    Without MANIFEST, the machine and the route of --provider alone. A few small reads are sent to
    that route, under the key, and nothing is bought. Exit code 2 where something must be mended.
    """
    if provider is not None:
        known("provider", provider, registry.names())
    checks = asyncio.run(_checks(manifest, Choices(provider=provider, outside=outside)))
    code = Exit.UNFIT if any(c.grade is Grade.FAIL for c in checks) else Exit.DONE
    if is_json:
        rows = [
            {"check": c.name, "grade": c.grade.value, "found": c.found, "advice": c.advice or None}
            for c in checks
        ]
        say_json({"exit_code": int(code), "checks": rows})
    else:
        echo(table(("", "check", "found"), [_row(check) for check in checks]))
    return code


def _row(check: Check) -> tuple[str, str, str]:
    advice = f"; {check.advice}" if check.advice else ""
    return check.grade.value, check.name, f"{check.found}{advice}"


async def _checks(manifest: Path | None, choices: Choices) -> Sequence[Check]:
    from seedrender.run.doctor_account import account  # aiohttp is loaded where it is needed
    from seedrender.run.doctor_folder import folder
    from seedrender.run.doctor_machine import machine

    found = _project(manifest, choices) if manifest is not None else None
    checks = [*machine()]
    if manifest is not None and found is not None:
        checks += folder(manifest, found)
    film = found if isinstance(found, Project) else None
    route = choices.provider or (film.manifest.provider if film is not None else None)
    if route is not None:
        checks += [check async for check in account(route, os.environ, film)]
    return checks


def _project(manifest: Path, choices: Choices) -> Project | ManifestError | ConfigError:
    try:
        return project.load(manifest, choices=choices)
    except (ManifestError, ConfigError) as error:
        return error
