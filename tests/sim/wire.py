"""A client of the simulator, as short as tests want it; and a clock that tests turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp

from seedrender.sim.app import SimSettings, serve

T = TypeVar("T")

T2V = "bytedance/seedance-2.0-fast-t2v"
I2V = "bytedance/seedance-2.0-fast-i2v"
V2V = "bytedance/seedance-2.0-fast-v2v"
SMALL = {"prompt": "a kite", "resolution": "480p", "duration": 4}


class Wall:
    """Our own time, which passes when a test says so."""

    def __init__(self) -> None:
        self.time = 1_795_000_000.0

    def __call__(self) -> float:
        return self.time

    def pass_(self, seconds: float) -> None:
        self.time += seconds


class Answer:
    """A status, headers and a body."""

    def __init__(self, status: int, headers: Any, content: bytes, body: Any) -> None:
        self.status = status
        self.headers = headers
        self.content = content
        self.body = body

    @property
    def message(self) -> str:
        return str(self.body["message"])

    @property
    def data(self) -> Any:
        return self.body["data"]

    @property
    def video(self) -> Any:
        return self.data["result"]["resources"][0]


class Client:
    """Requests to one simulator."""

    def __init__(self, base: str, session: aiohttp.ClientSession, wall: Wall) -> None:
        self.base = base
        self.session = session
        self.wall = wall

    async def ask(self, method: str, path: str, **more: Any) -> Answer:
        url = path if path.startswith("http") else self.base + path
        async with self.session.request(method, url, **more) as answer:
            content = await answer.read()
            is_json = answer.content_type == "application/json"
            body = await answer.json() if is_json else None
            return Answer(answer.status, answer.headers, content, body)

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.ask("GET", path, **more)

    async def submit(self, slug: str = T2V, /, **body: Any) -> Answer:
        return await self.ask("POST", f"/api/v1/{slug}", json={**SMALL, **body})

    async def task(self, slug: str = T2V, /, **body: Any) -> str:
        answer = await self.submit(slug, **body)
        assert answer.status == 200, answer.body
        return str(answer.data["task_id"])

    async def poll(self, task_id: str) -> Answer:
        return await self.get(f"/api/v1/tasks/{task_id}")

    async def result(self, slug: str = T2V, /, **body: Any) -> Answer:
        """Submit, let ten minutes pass, poll."""
        task_id = await self.task(slug, **body)
        self.wall.pass_(600)
        return await self.poll(task_id)

    async def ledger(self) -> Any:
        return (await self.get("/sim/ledger")).body


@asynccontextmanager
async def client(
    *, wall: Wall | None = None, key: str = "any", account_key: str | None = None, **settings: Any
) -> AsyncIterator[Client]:
    """Serve a simulator whose time passes as the test wants, at our own pace."""
    wall = wall or Wall()
    options = {"speed": 1.0, "footage": "patched", "key": account_key, **settings}
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        serve(SimSettings(wall=wall, **options)) as base,
        aiohttp.ClientSession(headers=headers) as session,
    ):
        yield Client(base, session, wall)


def against(test: Callable[[Client], Awaitable[T]], **settings: Any) -> T:
    """Run one test against a fresh simulator."""

    async def run() -> T:
        async with client(**settings) as sim:
            return await test(sim)

    return asyncio.run(run())
