"""The simulator, served beside a test that runs commands in its own thread."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from urllib.request import Request, urlopen

import pytest

from seedrender.sim.app import SimSettings, serve

KEY = "planted-key-8c1f"


def simulator(settings: SimSettings) -> AbstractContextManager[str]:
    """Serve the simulator from another thread."""
    return beside(serve(settings))


@contextmanager
def beside(server: AbstractAsyncContextManager[str]) -> Iterator[str]:
    """Serve from another thread, and yield the base URL."""
    started, stop = threading.Event(), asyncio.Event()
    found: list[tuple[str, asyncio.AbstractEventLoop]] = []

    async def work() -> None:
        async with server as base_url:
            found.append((base_url, asyncio.get_running_loop()))
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    started.wait()
    try:
        yield found[0][0]
    finally:
        found[0][1].call_soon_threadsafe(stop.set)
        thread.join()


def account(monkeypatch: pytest.MonkeyPatch, base_url: str) -> None:
    monkeypatch.setenv("MODELLIX_BASE_URL", base_url)
    monkeypatch.setenv("MODELLIX_API_KEY", KEY)


def ledger(base_url: str) -> dict[str, int]:
    with urlopen(f"{base_url}/sim/ledger") as answer:
        return dict(json.load(answer)["requests"])


def kept(base_url: str) -> list[str]:
    """Return the names of the files that the simulator keeps for the team."""
    headers = {"Authorization": f"Bearer {KEY}"}
    with urlopen(Request(f"{base_url}/api/v1/media/files", headers=headers)) as answer:
        return [row["filename"] for row in json.load(answer)["data"]]
