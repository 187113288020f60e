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

WORLD = Path(NAME) / "sim"  # beside the manifest: what the simulator must remember


@asynccontextmanager
async def simulator(folder: Path, *, speed: float, limits: Limits) -> AsyncIterator[Provider]:
    """Serve a simulator whose tasks outlive this process, as a real provider's do."""
    world = folder / WORLD
    own = OwnFolder(folder)
    with writing(WORLD.as_posix()):
        if own.is_outside(WORLD.name):
            raise OSError(errno.ELOOP, "it is a link that leads outside")
        own.make()
        world.mkdir(exist_ok=True)
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
