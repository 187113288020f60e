"""Turns changes of a task's state into POSTs to the address that its request named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp

from seedrender.sim.ark_tasks import view
from seedrender.sim.ledger import NEVER
from seedrender.sim.world import World

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_LOOK_S = 0.05  # of our own time
_PATIENCE_S = 5.0
_TRIES = 4
_ENDS = ("success", "failed", "expired", "canceled")
_TOLD_AGAIN = ("success", "failed")


class Courier:
    """Tells receivers on loopback what becomes of their tasks; no other host is ever called."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._watched: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def watch(self, task_id: str, origin: str) -> None:
        """Follow a task from now on."""
        url = self._world.ledger.tasks[task_id].echo.get("callback_url", "")
        if urlsplit(url).hostname in _LOOPBACK:
            self._watched.put_nowait((task_id, origin))

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Deliver for as long as this lasts."""
        timeout = aiohttp.ClientTimeout(total=_PATIENCE_S)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            work = group.create_task(self._deliver(session))
            yield
            work.cancel()

    async def _deliver(self, session: aiohttp.ClientSession) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                task_id, origin = await self._watched.get()
                group.create_task(self._follow(session, task_id, origin))

    async def _follow(self, session: aiohttp.ClientSession, task_id: str, origin: str) -> None:
        """Tell each state once, those that passed unseen too, until the last one."""
        world, told = self._world, 0
        while True:
            world.beat()
            task = world.ledger.tasks[task_id]
            phase = task.phase(world.clock.now())
            passed = ["pending", *(["processing"] if task.starts_at < NEVER else [])]
            if phase in _ENDS:
                passed.append(phase)
            else:
                passed = passed[: ["pending", "processing"].index(phase) + 1]
            for state in passed[told:]:
                if state != "canceled":
                    await self._post(session, task_id, origin, state)
            told = len(passed)
            if phase in _ENDS:
                return
            await asyncio.sleep(_LOOK_S)

    async def _post(
        self, session: aiohttp.ClientSession, task_id: str, origin: str, state: str
    ) -> None:
        """Send a state; how it ended is sent again until it is acknowledged, but not for ever."""
        world = self._world
        task = world.ledger.tasks[task_id]
        content = view(origin, world, task, state)
        for _ in range(_TRIES if state in _TOLD_AGAIN else 1):
            world.ledger.requests["callback"] += 1
            try:
                async with session.post(
                    task.echo["callback_url"], json=content, allow_redirects=False
                ) as answer:
                    if answer.ok:
                        return
            except (aiohttp.ClientError, TimeoutError):
                continue
