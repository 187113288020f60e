"""Answers by a recording of `run --record`: what a provider really said, with footage of ours."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from seedrender.errors import ConfigError
from seedrender.media import make
from seedrender.sim.likeness import Likeness, Likenesses
from seedrender.values.redaction import redacted, redacted_path

_MOST_BYTES = 64 * 2**20  # of a recording, and of a request
_PICTURES = (".png", ".jpg", ".jpeg", ".webp")
_LEFT_OUT = ("content-length", "content-type", "date", "transfer-encoding")


class Recording:
    """The exchanges of one recording, each given once; the last of a kind again and again."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.likenesses = Likenesses(rows)
        self._by_request: defaultdict[tuple[str, str, str], deque[Mapping[str, Any]]]
        self._by_request = defaultdict(deque)
        self._by_path: defaultdict[tuple[str, str], deque[Mapping[str, Any]]] = defaultdict(deque)
        for row in rows:
            self._by_request[_request(row["method"], row["path"], row.get("sent"))].append(row)
            self._by_path[row["method"], row["path"].partition("?")[0]].append(row)

    def next(self, method: str, path: str, sent: Any) -> Mapping[str, Any] | None:
        """Return the exchange that comes next for a request: for just this one, else for its path.

        None: there was none.
        """
        exact = self._by_request.get(_request(method, path, sent))
        found = exact or self._by_path.get((method, path.partition("?")[0]))
        if not found:
            return None
        return found.popleft() if len(found) > 1 else found[0]


def load(path: Path) -> Recording:
    """Read a recording. Raises: ConfigError where it is none."""
    try:
        if not path.is_file():
            raise ConfigError(f"{path} is no file")
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigError(f"{path} is larger than {_MOST_BYTES // 2**20} MiB")
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        if not rows:
            raise ConfigError(f"{path} is empty: nothing was recorded in it")
        return Recording(rows)
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError):
        raise ConfigError(f"{path} is no recording of `seedrender run --record`") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None


@asynccontextmanager
async def serve(recording: Recording, port: int = 0) -> AsyncIterator[str]:
    """Serve a recording on loopback and yield its base URL; port 0 takes any that is free."""
    with TemporaryDirectory() as folder:
        replay = _Replay(recording, Path(folder))
        app = web.Application(client_max_size=_MOST_BYTES)
        app.router.add_get("/replayed/{name}", replay.media)
        app.router.add_route("*", "/{path:.*}", replay.answer)
        runner = web.AppRunner(app, access_log=None)
        try:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            replay.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield replay.base_url
        finally:
            await runner.cleanup()


class _Replay:
    """The server's side of one recording."""

    def __init__(self, recording: Recording, folder: Path) -> None:
        self._recording, self._folder = recording, folder
        self._likenesses: dict[str, Likeness] = {}  # by the name of a file of ours
        self._turn = asyncio.Lock()  # footage is made one after another
        self.base_url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer as the provider did; a connection that broke then breaks now."""
        body = await request.read()
        path = redacted_path(request.raw_path)
        row = self._recording.next(request.method, path, _sent(body))
        if row is None:
            words = f"the recording has no {request.method} {path}"
            return web.json_response({"code": 404, "message": words}, status=404)
        if "lost" in row:
            if request.transport is not None:
                request.transport.close()
            return web.Response()
        told = {k: v for k, v in row.get("headers", {}).items() if k not in _LEFT_OUT}
        task_id = path.partition("?")[0].rpartition("/")[2]
        likeness = self._recording.likenesses.of(task_id)
        answer = self._with_our_media(row.get("answer"), likeness)
        return web.Response(
            status=row["status"],
            headers=told,
            text=answer if isinstance(answer, str) else json.dumps(answer),
            content_type="text/plain" if isinstance(answer, str) else "application/json",
        )

    async def media(self, request: web.Request) -> web.StreamResponse:
        """Give a clip, or a picture, in place of one that the recording left out."""
        name = request.match_info["name"]
        path = self._folder / name
        async with self._turn:
            if not path.exists():
                likeness = self._likenesses.get(name)
                if likeness is None:
                    raise web.HTTPNotFound
                await asyncio.to_thread(_draw, path, likeness)
        return web.FileResponse(path)

    def _with_our_media(self, value: Any, likeness: Likeness) -> Any:
        """Put addresses of ours in the place of those of files elsewhere."""
        if isinstance(value, list):
            return [self._with_our_media(item, likeness) for item in value]
        if isinstance(value, dict):  # of how many bytes a file of ours is, nobody has said
            likeness = self._recording.likenesses.told(value, likeness)
            is_file = isinstance(value.get("url"), str)
            kept = {k: v for k, v in value.items() if not (is_file and k == "size")}
            return {key: self._with_our_media(inner, likeness) for key, inner in kept.items()}
        is_address = isinstance(value, str) and value.startswith(("https://", "http://"))
        path = Path(urlsplit(value).path) if is_address else Path()
        if not is_address or not path.suffix:  # such as that of a task
            return value
        suffix = path.suffix.lower() if path.suffix.lower() in _PICTURES else ".mp4"
        name = f"{abs(hash((value, likeness))) % 10**12}{suffix}"
        self._likenesses[name] = likeness
        return f"{self.base_url}/replayed/{name}"


def _draw(path: Path, likeness: Likeness) -> None:
    width, height, seed = likeness.width, likeness.height, int(path.stem)
    if path.suffix == ".mp4":
        make.clip(
            path,
            width=width,
            height=height,
            duration_s=likeness.seconds,
            seed=seed,
            title="replayed",
            has_sound=likeness.has_sound,
        )
    else:
        form = {".jpg": "jpeg"}.get(path.suffix, path.suffix.removeprefix("."))
        make.still(path, form=form, size=(width, height), seed=seed, title="")


def _request(method: str, path: str, sent: Any) -> tuple[str, str, str]:
    return method, path, json.dumps(sent, sort_keys=True)


def _sent(body: bytes) -> Any:
    try:
        return redacted(json.loads(body)) if body else None
    except (ValueError, RecursionError):
        return None
