"""Turns settings into a server that speaks the providers' wires and makes real clips."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from seedrender.sim.files import Files
from seedrender.sim.settings import SimSettings
from seedrender.sim.wire_ark import ArkWire
from seedrender.sim.wire_modellix import ModellixWire
from seedrender.sim.world import World

__all__ = ["SimSettings", "create_app", "serve"]

WORLD = web.AppKey("world", World)
_WIRES = (ModellixWire, Files)  # beside Ark's, which also calls back
_MOST_BYTES = 64 * 2**20
_BACKLOG = 1024
_GRACE_S = 0.3


def create_app(settings: SimSettings) -> web.Application:
    """Build the simulator; its world opens when the application starts, and closes with it.

    Raises:
        ConfigError: the settings name a fault that does not exist.
    """
    world = World(settings)

    @web.middleware
    async def beat(
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        world.beat()
        return await handler(request)

    async def opened(app: web.Application) -> AsyncIterator[None]:
        del app
        with world:
            yield

    app = web.Application(client_max_size=_MOST_BYTES, middlewares=[beat])
    app[WORLD] = world
    for wire in _WIRES:
        app.add_routes(wire(world).routes())
    ark = ArkWire(world)
    app.add_routes(ark.routes())
    app.cleanup_ctx.append(opened)
    app.cleanup_ctx.append(calling_back(ark))
    return app


def calling_back(wire: ArkWire) -> Callable[[web.Application], AsyncIterator[None]]:
    """Let a wire deliver its callbacks for as long as the application runs."""

    async def context(app: web.Application) -> AsyncIterator[None]:
        del app
        async with wire.courier.at_work():
            yield

    return context


@asynccontextmanager
async def serve(
    settings: SimSettings, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """Serve the simulator on loopback and yield its base URL; port 0 takes any that is free."""
    runner = web.AppRunner(
        create_app(settings), access_log=None, handler_cancellation=True, shutdown_timeout=_GRACE_S
    )
    try:
        await runner.setup()
        await web.TCPSite(runner, host, port, backlog=_BACKLOG).start()
        bound = runner.addresses[0][1]
        yield f"http://{host}:{bound}"
    finally:
        await runner.cleanup()
