"""Starts the embedded simulator for the length of a run, and hands out its client."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from seedrender.project.files import writing
from seedrender.project.own_folder import NAME, OwnFolder
from seedrender.providers import registry
from seedrender.sim.app import SimSettings, serve
from seedrender.values.provider import Limits, Provider

WORLDS = Path(NAME) / "sim"  # beside the manifest: what the simulator must remember of each


@asynccontextmanager
async def simulator(
    folder: Path, film: str, *, speed: float, limits: Limits
) -> AsyncIterator[Provider]:
    """Serve a simulator whose tasks outlive this process, as a real provider's do.

    Each manifest of a folder has its own, so that several may be rendered at once.
    """
    world = folder / WORLDS / film
    own = OwnFolder(folder)
    with writing(WORLDS.as_posix()):
        if own.is_outside(f"{WORLDS.name}/{film}"):
            raise OSError(errno.ELOOP, "it is a link that leads outside")
        own.make()
        world.mkdir(parents=True, exist_ok=True)
    settings = SimSettings(
        speed=speed,
        folder=world,
        concurrency=limits.concurrency,
        requests_per_minute=limits.requests_per_minute,
    )
    async with (
        serve(settings) as base_url,
        registry.simulated(base_url, speed=speed, limits=limits) as provider,
    ):
        yield provider
