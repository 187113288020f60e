"""A store on loopback that serves one file, and does with each request as it is told."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

from aiohttp import web

DATE = "Mon, 23 Nov 2026 10:00:00 GMT"
LATER = "Mon, 23 Nov 2026 10:00:09 GMT"


@dataclass(kw_only=True)
class Answer:
    """How one request is answered."""

    content: bytes
    tag: str | None = '"v1"'  # its ETag
    changed: str | None = None  # its Last-Modified
    cut: int | None = None  # after so many bytes of the body the connection breaks
    heeds_range: bool = True
    shift: int = 0  # by which the part is another one than was asked for
    lie: int = 0  # by which the total is said to be larger
    encoding: str = ""
    chunked: bool = False  # no length is said
    status: int = 200

    async def send(self, request: web.Request) -> web.StreamResponse:
        start = self._start(request) if self.heeds_range and not self.encoding else None
        headers = {"ETag": self.tag, "Last-Modified": self.changed, "Date": LATER}
        answer = web.StreamResponse(
            status=206 if start is not None else self.status,
            headers={name: value for name, value in headers.items() if value is not None},
        )
        body = self.content
        total = len(body)
        if start is not None:
            start = min(max(start + self.shift, 0), total - 1)
            body = body[start:]
            answer.headers["Content-Range"] = f"bytes {start}-{total - 1}/{total + self.lie}"
        if self.encoding:
            bits = {"gzip": 31, "deflate": 15}[self.encoding]
            stream = zlib.compressobj(wbits=bits)
            body = stream.compress(body) + stream.flush()
            answer.headers["Content-Encoding"] = self.encoding
        if self.chunked:
            answer.enable_chunked_encoding()
        else:
            answer.content_length = len(body)
        await answer.prepare(request)
        is_cut = self.cut is not None and self.cut < len(body)
        await answer.write(body[: self.cut] if is_cut else body)
        if is_cut:
            assert request.transport is not None
            request.transport.close()
        return answer

    def _start(self, request: web.Request) -> int | None:
        asked = request.headers.get("Range", "")
        is_same = request.headers.get("If-Range") in (self.tag, self.changed)
        return int(asked.removeprefix("bytes=").removesuffix("-")) if asked and is_same else None


@dataclass
class Store:
    """Answers in turn; the last answer is given again."""

    answers: list[Answer]
    ranges: list[str] = field(default_factory=list)  # that were asked for
    encodings: list[str] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.ranges.append(request.headers.get("Range", ""))
        self.encodings.append(request.headers.get("Accept-Encoding", ""))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer.send(request)
