"""A server on loopback whose references a test can look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from io import BytesIO
from ipaddress import ip_network

from aiohttp import web
from aiohttp.test_utils import TestServer
from PIL import Image

from seedrender.providers.addresses import Rules

LOOPBACK = Rules(allowed=(ip_network("127.0.0.0/8"),))


def _png() -> bytes:
    content = BytesIO()
    Image.effect_noise((30, 30), 90).save(content, "PNG")
    return content.getvalue()


PNG = _png()
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """A server on loopback that counts what it is asked."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.answer: Handler = self.picture
        self.now = self.most = 0

    async def picture(self, request: web.Request) -> web.StreamResponse:
        del request
        return web.Response(body=PNG, content_type="image/png", headers={"ETag": '"a"'})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.method] += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            return await self.answer(request)
        finally:
            self.now -= 1

    @asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self.handle)
        async with TestServer(app, host="127.0.0.1") as server:
            yield f"http://127.0.0.1:{server.port}"
