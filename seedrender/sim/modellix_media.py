"""Turns uploads into files that bodies can name by URL: Modellix's media files."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from aiohttp import BodyPartReader, web

from seedrender.sim.answers import Refusal, media_url
from seedrender.sim.ledger import Upload
from seedrender.sim.rules import FORMAT, MISSING, PARAMETERS, RANGE
from seedrender.sim.world import World

_MOST_LISTED = 100
_MAGIC = (
    (0, b"\x89PNG\r\n\x1a\n", "image", "png"),
    (0, b"\xff\xd8\xff", "image", "jpg"),
    (8, b"WEBP", "image", "webp"),
    (0, b"GIF8", "image", "gif"),
    (0, b"BM", "image", "bmp"),
    (0, b"II*\x00", "image", "tiff"),
    (0, b"MM\x00*", "image", "tiff"),
    (8, b"WAVE", "audio", "wav"),
    (0, b"ID3", "audio", "mp3"),
    (0, b"\xff\xfb", "audio", "mp3"),
    (0, b"\xff\xf3", "audio", "mp3"),
    (0, b"OggS", "audio", "ogg"),
    (0, b"fLaC", "audio", "flac"),
    (4, b"ftypM4A", "audio", "m4a"),
    (4, b"ftypqt", "video", "mov"),
    (4, b"ftyp", "video", "mp4"),
    (0, b"\x1aE\xdf\xa3", "video", "webm"),
)


def kind(content: bytes) -> tuple[str, str] | None:
    """Return what a file is, and the extension for it, by its first bytes."""
    for at, magic, name, extension in _MAGIC:
        if content[at : at + len(magic)] == magic:
            return name, extension
    return None


class MediaFiles:
    """The files of a team: few, small, and kept for a week."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._parallel = 0

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """Keep the part named `file` of a form."""
        settings = self._world.settings
        if self._parallel >= settings.parallel_uploads:
            raise Refusal(
                429, f"Concurrent limit exceeded: {settings.parallel_uploads} uploads run"
            )
        self._parallel += 1
        try:
            filename, content = await self._part(request)
        finally:
            self._parallel -= 1
        found = kind(content)
        if found is None:
            raise Refusal(400, f"{FORMAT}: neither an image nor a video nor a sound")
        if len(self._world.uploads()) >= settings.uploads:
            raise Refusal(429, f"Rate limit exceeded: {settings.uploads} files are kept already")
        ledger = self._world.ledger
        digest = hashlib.sha256(f"{settings.seed}:upload:{ledger.uploaded}".encode()).hexdigest()
        upload = Upload(
            file_id=f"file-{digest[:20]}",
            kind=found[0],
            extension=found[1],
            filename=filename,
            size_bytes=len(content),
            created_at=self._world.clock.now(),
        )
        ledger.add_upload(upload, content)
        return _success(self._row(request, upload))

    async def _part(self, request: web.Request) -> tuple[str, bytes]:
        """Read the file out of a form, up to the limit."""
        if not request.content_type.startswith("multipart/"):
            raise Refusal(400, f"{FORMAT}: send multipart/form-data with a part named file")
        limit = self._world.settings.upload_bytes
        try:
            reader = await request.multipart()
            while (part := await reader.next()) is not None:
                if not isinstance(part, BodyPartReader) or part.name != "file":
                    continue
                content = bytearray()
                while chunk := await part.read_chunk(256 * 1024):
                    content += chunk
                    if len(content) > limit:
                        raise Refusal(413, f"{PARAMETERS}: a file may have {limit} bytes")
                return part.filename or "file", bytes(content)
        except ValueError:
            raise Refusal(400, f"{FORMAT}: the form cannot be read") from None
        raise Refusal(400, f"{MISSING}: file")

    async def listed(self, request: web.Request) -> web.StreamResponse:
        """List the files that are kept, the newest first."""
        limit = request.query.get("limit", str(_MOST_LISTED))
        if not limit.isascii() or not limit.isdigit():
            raise Refusal(400, f"{FORMAT}: limit must be of type integer")
        if not 1 <= int(limit) <= _MOST_LISTED:
            raise Refusal(400, f"{RANGE}: limit must be between 1 and {_MOST_LISTED}")
        newest = list(self._world.uploads().values())[::-1][: int(limit)]
        return _success([self._row(request, upload) for upload in newest])

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Forget a file."""
        file_id = request.match_info["file_id"]
        if file_id not in self._world.uploads():
            raise Refusal(404, "Resource not found: there is no such file")
        self._world.ledger.forget_upload(file_id)
        return web.Response(status=204)

    def _row(self, request: web.Request, upload: Upload) -> dict[str, Any]:
        world = self._world
        created = datetime.fromtimestamp(world.clock.wall_at(upload.created_at), UTC)
        return {
            "file_id": upload.file_id,
            "type": upload.kind,
            "url": media_url(request, world, f"{upload.file_id}.{upload.extension}"),
            "filename": upload.filename,
            "size": upload.size_bytes,
            "created_at": created.isoformat(),
        }


def _success(data: Any) -> web.Response:
    return web.json_response({"code": 0, "message": "success", "data": data})
