"""Turns addresses into clips, uploaded files and the ledger: what is served beside the wires."""

from __future__ import annotations

import asyncio
import gzip
import hmac
import zlib
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path

from aiohttp import web
from PIL import Image

from seedrender.sim import faults
from seedrender.sim.answers import cut
from seedrender.sim.ledger import TaskRecord
from seedrender.sim.world import World

_TYPES = {
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".png": "image/png",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}
_ENCODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
}
_SLOW = (b"\0", 0.2)
_WITHOUT_END = (bytes(1 << 18), 0.0)
_MOST_DOWNLOADS = 100  # of a task of Ark


class Files:
    """Results and uploads, by signed address and without a key; and the ledger, for all to see."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """Return what is served."""
        return [
            web.get("/files/{name}", self._result),
            web.get("/media/{name}", self._upload),
            web.get("/sim/ledger", self._ledger),
        ]

    async def _ledger(self, request: web.Request) -> web.StreamResponse:
        world = self._world
        now = world.clock.now()
        wanted = request.query.get("request_id")
        return web.json_response(world.ledger.as_json(lambda task: task.phase(now), wanted))

    async def _result(self, request: web.Request) -> web.StreamResponse:
        world = self._world
        name = request.match_info["name"]
        self._check_signature(request, name)
        task = world.ledger.tasks.get(name.partition(".")[0])
        if task is None or task.phase(world.clock.now()) != "success":
            raise web.HTTPNotFound
        self._check_life(task)
        path = await world.footage.clip(task)
        more = (path, world.footage.last_frame_path(task), world.footage.second_path(task))
        path = next((each for each in more if each.name == name), path)
        if name != path.name or not path.exists():
            raise web.HTTPNotFound
        if request.method != "GET":
            return _file(path)
        world.ledger.requests["download"] += 1
        world.ledger.downloaded(task.task_id)
        return await self._spoilt(request, task, path) or _file(path)

    def _check_life(self, task: TaskRecord) -> None:
        """Refuse what is too old, or was fetched too often, as the task's provider does."""
        is_served = self._world.is_served(task)
        if task.wire == "modellix" and not is_served:
            raise web.HTTPNotFound
        is_worn = self._world.ledger.downloads[task.task_id] >= _MOST_DOWNLOADS
        if not is_served or (task.wire == "ark" and is_worn) or "403-output" in task.faults:
            raise web.HTTPForbidden

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        self._check_signature(request, name)
        upload = self._world.uploads().get(Path(name).stem)
        if upload is None:
            raise web.HTTPNotFound
        return web.FileResponse(self._world.ledger.media_path(upload))

    def _check_signature(self, request: web.Request, name: str) -> None:
        given = request.query.get("sig", "")
        wanted = self._world.signature(name)
        if not hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode()):
            raise web.HTTPForbidden

    async def _spoilt(
        self, request: web.Request, task: TaskRecord, path: Path
    ) -> web.StreamResponse | None:
        """Serve a download as the task's faults want it; None: nothing is wrong with it."""

        def strikes(name: str) -> bool:
            return self._world.strikes(name, task.faults, task.task_id)

        if "404-output" in task.faults:
            raise web.HTTPNotFound
        if "410-output" in task.faults:
            raise web.HTTPGone
        if strikes("download-503"):
            raise web.HTTPServiceUnavailable
        if strikes("short"):
            content = await asyncio.to_thread(path.read_bytes)
            return web.Response(body=content[: len(content) * 2 // 3], content_type="video/mp4")
        if strikes("garbage"):
            content = await asyncio.to_thread(path.read_bytes)
            return web.Response(body=bytes(len(content)), content_type="video/mp4")
        if strikes("truncated"):
            content = await asyncio.to_thread(path.read_bytes)
            response = web.StreamResponse(headers={"Content-Type": "video/mp4"})
            response.content_length = len(content)
            await response.prepare(request)
            await response.write(content[: len(content) // 2])
            raise cut(request)
        return await _never_right(request, task, path)


async def _never_right(
    request: web.Request, task: TaskRecord, path: Path
) -> web.StreamResponse | None:
    """Serve what is no clip, or not in a form that was asked for; None: nothing is wrong."""
    if "picture" in task.faults:
        return web.Response(body=_picture(), content_type="image/png")
    if "crawling" in task.faults:
        return await _drip(request, *_SLOW)
    if "endless" in task.faults:
        return await _drip(request, *_WITHOUT_END)
    encoding = faults.code("encoded", task.faults)
    if encoding is None:
        return None
    content = _ENCODERS.get(encoding, bytes)(await asyncio.to_thread(path.read_bytes))
    return web.Response(
        body=content, content_type="video/mp4", headers={"Content-Encoding": encoding}
    )


async def _drip(request: web.Request, data: bytes, pause_s: float) -> web.StreamResponse:
    """Answer with the same block again and again, each after a pause of our own seconds."""
    response = web.StreamResponse(headers={"Content-Type": "video/mp4"})
    await response.prepare(request)
    while True:
        await response.write(data)
        await asyncio.sleep(pause_s)


def _picture() -> bytes:
    content = BytesIO()
    Image.new("RGB", (64, 36), "teal").save(content, "PNG")
    return content.getvalue()


def _file(path: Path) -> web.FileResponse:
    return web.FileResponse(path, headers={"Content-Type": _TYPES[path.suffix]})
