"""Starts the embedded simulator for the length of a run, and hands out its client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from seedrender.providers import registry
from seedrender.sim.app import SimSettings, serve
from seedrender.values.provider import Limits, Provider

WORLD = Path(".seedrender") / "sim"  # beside the manifest: what the simulator must remember


@asynccontextmanager
async def simulator(folder: Path, *, speed: float, limits: Limits) -> AsyncIterator[Provider]:
    """Serve a simulator whose tasks outlive this process, as a real provider's do."""
    world = folder / WORLD
    world.mkdir(parents=True, exist_ok=True)
    (world.parent / ".gitignore").write_text("*\n", "utf-8")
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
