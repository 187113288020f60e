"""Shows what the network and the files say of a manifest's references."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from seedrender.cli.console import echo, table
from seedrender.errors import LockError
from seedrender.run.project import Project

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Online:
    """One manifest's references, and the credit for its plan; `run` is loaded where it is used."""

    looks: Any
    credit: Any


def allow_option(command: F) -> F:
    """Take `--allow-address`."""
    return click.option(
        "--allow-address",
        "allowed",
        metavar="NETWORK",
        multiple=True,
        help="Look at references, and fetch results, at this address or network, such as "
        "10.1.0.0/16, which is not public. May be repeated.",
    )(command)


def look(project: Project, allowed: Sequence[str]) -> Online:
    """Look at every reference in use, and at the balance."""
    from seedrender.providers.addresses import networks
    from seedrender.run import online  # aiohttp is loaded where something is to be asked

    lock = project.read_lock()

    async def work() -> Online:
        looks = await online.references(project, project.jobs, lock, allowed=networks(allowed))
        credit = await online.credit(project, project.plan(lock), os.environ)
        return Online(looks=looks, credit=credit)

    return asyncio.run(work())


def look_at_files(project: Project) -> Any:
    """Look at every local reference in use; None: there is none, or the lockfile cannot be read."""
    uses = (use.reference for job in project.jobs for use in job.references)
    if all(reference.path is None for reference in uses):
        return None
    from seedrender.run import online  # aiohttp is loaded with it

    try:
        lock = project.read_lock()
    except LockError:  # said by every command that needs it
        return None
    return asyncio.run(online.local_references(project, project.jobs, lock))


def say(found: Online) -> None:
    """Print one line a reference, and one for the account."""
    rows = [
        (row.reference, row.kind.value, "wrong" if row.problems else "right", row.place, row.found)
        for row in found.looks.rows
    ]
    if rows:
        echo(table(("reference", "kind", "is", "place", "found"), rows))
    echo(f"account: {found.credit.words}{'; that is too little' * found.credit.is_short}")


def as_json(found: Online) -> dict[str, Any]:
    """Return the same for programs."""
    left, needed = found.credit.left, found.credit.needed
    return {
        "references": [
            {
                "reference": row.reference,
                "kind": row.kind.value,
                "place": row.place,
                "found": row.found,
                **_medium(row.medium),
                "problems": list(row.problems),
                "jobs": len(row.jobs),
            }
            for row in found.looks.rows
        ],
        "account": {
            "words": found.credit.words,
            "left": str(left) if left is not None else None,
            "expected": str(needed) if needed is not None else None,
            "is_short": found.credit.is_short,
        },
    }


def _medium(medium: Any) -> dict[str, Any]:
    names = ("format", "size_bytes", "width", "height", "seconds", "fps", "codec")
    return {name: getattr(medium, name, None) for name in names}
