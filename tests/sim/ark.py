"""A client of the simulator's Ark wire, as short as tests want it."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any, TypeVar

from PIL import Image

from tests.sim.wire import Answer, Client
from tests.sim.wire import against as serve

T = TypeVar("T")

TASKS = "/api/v3/contents/generations/tasks"
BP = "dreamina-seedance-2-0-260128"
FAST = "dreamina-seedance-2-0-fast-260128"
VE = "doubao-seedance-2-0-260128"
NEWEST = "dreamina-seedance-2-5-260628"
NEWEST_VE = "doubao-seedance-2-5-260628"
PRO_15 = "doubao-seedance-1-5-pro-251215"
PRO_10 = "seedance-1-0-pro-250528"
SMALL: dict[str, Any] = {"model": FAST, "resolution": "480p", "ratio": "16:9", "duration": 4}
ENDED = ("succeeded", "failed", "cancelled", "expired")


def text(words: str = "a kite") -> dict[str, Any]:
    return {"type": "text", "text": words}


def medium(kind: str, url: object, role: str | None = None) -> dict[str, Any]:
    item: dict[str, Any] = {"type": f"{kind}_url", f"{kind}_url": {"url": url}}
    return item if role is None else {**item, "role": role}


def image(role: str | None = None, url: object = "https://cdn.example.org/a.png") -> dict[str, Any]:
    return medium("image", url, role)


def video(url: object = "https://cdn.example.org/a.mp4") -> dict[str, Any]:
    return medium("video", url, "reference_video")


def audio(url: object = "https://cdn.example.org/a.mp3") -> dict[str, Any]:
    return medium("audio", url, "reference_audio")


def picture(width: int, height: int, form: str = "PNG", colour: str = "teal") -> str:
    target = BytesIO()
    Image.new("RGB", (width, height), colour).save(target, form)
    return f"data:image/{form.lower()};base64,{base64.b64encode(target.getvalue()).decode()}"


class Ark:
    """Requests to the Ark wire of one simulator."""

    def __init__(self, sim: Client) -> None:
        self.sim = sim
        self.wall = sim.wall

    async def ask(self, method: str, path: str = "", **more: Any) -> Answer:
        return await self.sim.ask(method, TASKS + path, **more)

    async def create(self, prompt: str = "a kite", **body: Any) -> Answer:
        whole = {**SMALL, "content": [text(prompt)], **body}
        return await self.ask("POST", json={k: v for k, v in whole.items() if v is not ...})

    async def task(self, prompt: str = "a kite", **body: Any) -> str:
        answer = await self.create(prompt, **body)
        assert answer.status == 200, answer.body
        return str(answer.body["id"])

    async def read(self, task_id: str) -> Any:
        answer = await self.ask("GET", f"/{task_id}")
        assert answer.status == 200, answer.body
        return answer.body

    async def status(self, task_id: str) -> str:
        return str((await self.read(task_id))["status"])

    async def result(self, prompt: str = "a kite", **body: Any) -> Any:
        """Create, let an hour pass, read."""
        task_id = await self.task(prompt, **body)
        self.wall.pass_(3600)
        return await self.read(task_id)

    async def listed(self, query: str = "") -> list[str]:
        self.wall.pass_(1)
        answer = await self.ask("GET", query and f"?{query}")
        assert answer.status == 200, answer.body
        return [item["id"] for item in answer.body["items"]]

    async def delete(self, task_id: str) -> Answer:
        return await self.ask("DELETE", f"/{task_id}", json={})


def error(answer: Answer) -> tuple[int, str, str]:
    """Return what programs look at: status, code and the field it is about."""
    found = answer.body["error"]
    return answer.status, found["code"], found["param"]


def against(test: Callable[[Ark], Awaitable[T]], **settings: Any) -> T:
    """Run one test against a fresh simulator."""
    return serve(lambda sim: test(Ark(sim)), **settings)
