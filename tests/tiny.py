"""Tiny, the service that is made up for the example of a plugin, served from another thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.scripted import clip_bytes

KEY = "planted-key-8c1f"


class Tiny:
    """Its jobs, and what was asked of it. A job works for one look and is ready then."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.keyless: list[str] = []  # requests for clips and files
        self.files: dict[str, bytes] = {}
        self.looks: dict[str, int] = {}
        self.loses_answers = False
        self.base_url = ""

    def _is_ours(self, request: web.Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            raise web.HTTPUnauthorized

    async def create(self, request: web.Request) -> web.StreamResponse:
        self._is_ours(request)
        self.bodies.append(await request.json())
        if self.loses_answers:
            assert request.transport is not None
            request.transport.close()
        return web.json_response({"id": f"job-{len(self.bodies)}"})

    async def listed(self, request: web.Request) -> web.StreamResponse:
        self._is_ours(request)
        found = [n for n, b in enumerate(self.bodies, 1) if b["ref"] == request.query["ref"]]
        return web.json_response({"jobs": [{"id": f"job-{n}"} for n in found]})

    async def read(self, request: web.Request) -> web.StreamResponse:
        self._is_ours(request)
        name = request.match_info["name"]
        self.looks[name] = self.looks.get(name, 0) + 1
        if self.looks[name] == 1:
            return web.json_response({"state": "working"})
        clip = f"{self.base_url}/clips/{name}.mp4"
        return web.json_response({"state": "ready", "clip": clip, "cost": "0.02"})

    async def take(self, request: web.Request) -> web.StreamResponse:
        self._is_ours(request)
        part = await (await request.multipart()).next()
        assert part is not None
        name = getattr(part, "filename", None) or "nameless"
        self.files[name] = bytes(await part.read())  # type: ignore[union-attr]
        return web.json_response({"url": f"{self.base_url}/files/{name}"})

    async def clip(self, request: web.Request) -> web.StreamResponse:
        assert "Authorization" not in request.headers
        self.keyless.append(request.path)
        return web.Response(body=clip_bytes(duration_s=2), content_type="video/mp4")

    async def credit(self, request: web.Request) -> web.StreamResponse:
        self._is_ours(request)
        return web.json_response({"left": "7.50"})

    def app(self) -> web.Application:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/jobs", self.create)
        app.router.add_get("/v1/jobs", self.listed)
        app.router.add_get("/v1/jobs/{name}", self.read)
        app.router.add_post("/v1/files", self.take)
        app.router.add_get("/v1/credit", self.credit)
        app.router.add_get("/clips/{name}", self.clip)
        return app


@contextmanager
def tiny() -> Iterator[Tiny]:
    """Serve it."""
    service, started, stop = Tiny(), threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def work() -> None:
        async with TestServer(service.app(), host="127.0.0.1") as server:
            service.base_url = f"http://127.0.0.1:{server.port}"
            loops.append(asyncio.get_running_loop())
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    started.wait()
    try:
        yield service
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join()
