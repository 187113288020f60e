"""Looks at what a URL leads to, without fetching it: there, of which type, of which size."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

import aiohttp

from seedrender import __version__
from seedrender.providers import addresses, proxies
from seedrender.providers.addresses import AddressError, CheckedResolver, Lookup, Rules
from seedrender.providers.network import trouble
from seedrender.values.job import MediaKind
from seedrender.values.magic import HEAD_BYTES, recognised

PARALLEL = 16
_MAX_REDIRECTS = 5
_TIMEOUT = aiohttp.ClientTimeout(total=20, sock_connect=10)
_PAUSES_S = (0.5, 2.0)
_RANGE = {"Range": f"bytes=0-{HEAD_BYTES - 1}"}
_TOTAL = re.compile(r"bytes \d+-\d+/(\d{1,18})")
_TYPES: Mapping[str, tuple[MediaKind, str]] = {
    "image/jpeg": (MediaKind.IMAGE, "jpeg"),
    "image/jpg": (MediaKind.IMAGE, "jpeg"),
    "image/png": (MediaKind.IMAGE, "png"),
    "image/webp": (MediaKind.IMAGE, "webp"),
    "image/gif": (MediaKind.IMAGE, "gif"),
    "image/bmp": (MediaKind.IMAGE, "bmp"),
    "image/x-ms-bmp": (MediaKind.IMAGE, "bmp"),
    "image/tiff": (MediaKind.IMAGE, "tiff"),
    "image/heic": (MediaKind.IMAGE, "heic"),
    "image/heif": (MediaKind.IMAGE, "heif"),
    "image/avif": (MediaKind.IMAGE, "avif"),
    "video/mp4": (MediaKind.VIDEO, "mp4"),
    "video/quicktime": (MediaKind.VIDEO, "mov"),
    "video/webm": (MediaKind.VIDEO, "webm"),
    "audio/mpeg": (MediaKind.AUDIO, "mp3"),
    "audio/mp3": (MediaKind.AUDIO, "mp3"),
    "audio/wav": (MediaKind.AUDIO, "wav"),
    "audio/x-wav": (MediaKind.AUDIO, "wav"),
    "audio/wave": (MediaKind.AUDIO, "wav"),
    "audio/vnd.wave": (MediaKind.AUDIO, "wav"),
    "audio/mp4": (MediaKind.AUDIO, "m4a"),
    "audio/ogg": (MediaKind.AUDIO, "ogg"),
    "audio/flac": (MediaKind.AUDIO, "flac"),
}
_SAYS_NOTHING = ("", "application/octet-stream", "binary/octet-stream", "application/x-binary")


_BREAKS = (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError, aiohttp.ClientOSError)


class RemoteError(Exception):
    """What is wrong at a URL; the words hold no URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a server says of a file; None: it does not say."""

    kind: MediaKind | None = None
    format: str | None = None
    size_bytes: int | None = None
    etag: str | None = None


class Remote:
    """One session for the looks of a run; no redirect leads to where a reference could not."""

    def __init__(
        self, rules: Rules, lookup: Lookup | None = None, pauses_s: Sequence[float] = _PAUSES_S
    ) -> None:
        self._rules, self._lookup, self._pauses_s = rules, lookup, pauses_s
        self._stack = AsyncExitStack()
        self._slots = asyncio.Semaphore(PARALLEL)
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._answers: dict[str, Found | RemoteError] = {}

    async def __aenter__(self) -> Self:
        resolver = CheckedResolver(self._rules, self._lookup, trusted=proxies.hosts())
        self._resolver = resolver
        connector = aiohttp.TCPConnector(limit=PARALLEL, resolver=resolver)
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"Accept-Encoding": "identity", "User-Agent": f"seedrender/{__version__}"},
            timeout=_TIMEOUT,
        )
        self._session = await self._stack.enter_async_context(session)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    async def look(self, url: str) -> Found:
        """Look at a URL once, and again where the network fails. Raises: RemoteError."""
        async with self._locks[url]:
            if url not in self._answers:
                self._answers[url] = await self._patiently(url)
        answer = self._answers[url]
        if isinstance(answer, RemoteError):
            raise answer
        return answer

    async def _patiently(self, url: str) -> Found | RemoteError:
        async with self._slots:
            for pause_s in self._pauses_s:
                try:
                    return await self._look(url)
                except _TroubleError:
                    await asyncio.sleep(pause_s)
                except RemoteError as error:
                    return error
            try:
                return await self._look(url)
            except (RemoteError, _TroubleError) as error:
                return RemoteError(str(error))

    async def _look(self, url: str) -> Found:
        try:
            found = await self._head_of(url)
            is_vague = found is None or found.kind is None or found.size_bytes is None
            if is_vague:  # refused, as by links that are signed for GET; or it says too little
                found = await self._ask("GET", url)
        except AddressError as error:
            raise RemoteError(str(error)) from None
        except aiohttp.ClientConnectorCertificateError:
            raise RemoteError("its certificate is not valid") from None
        except aiohttp.ClientConnectorDNSError:
            raise _TroubleError("its name cannot be resolved") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _TroubleError(f"no answer: {trouble(error)}") from None
        assert found is not None, "a GET answers or raises"
        return found

    async def _head_of(self, url: str) -> Found | None:
        """Ask for the head; None: it says nothing, as where a server lies or breaks off."""
        try:
            return await self._ask("HEAD", url)
        except (
            RemoteError,
            _TroubleError,
            aiohttp.ServerDisconnectedError,
            aiohttp.ClientPayloadError,
        ):
            return None

    async def _ask(self, method: str, url: str) -> Found | None:
        """Send one request along its redirects; None: a HEAD was refused."""
        headers = _RANGE if method == "GET" else {}
        for _ in range(_MAX_REDIRECTS + 1):
            checked = self._rules.check_url(url)
            async with self._session.request(
                method,
                checked,
                headers=headers,
                allow_redirects=False,
                proxy=await proxies.way_to(checked, self._resolver),
            ) as response:
                if response.status in (301, 302, 303, 307, 308):
                    url = addresses.joined(url, response.headers.get("Location", ""))
                    continue
                if response.status in (200, 206):
                    head = await _head(response) if method == "GET" else b""
                    return _found(response, head)
                if method == "HEAD":
                    return None
                raise _refusal(response.status)
        raise RemoteError(f"it redirects more than {_MAX_REDIRECTS} times")


class _TroubleError(Exception):
    """What may be gone in a moment."""


async def _head(response: aiohttp.ClientResponse) -> bytes:
    """Read the first bytes; the rest of the body is left where it is."""
    head = b""
    while len(head) < HEAD_BYTES and not response.content.at_eof():
        head += await response.content.read(HEAD_BYTES - len(head))
    return head


def _found(response: aiohttp.ClientResponse, head: bytes) -> Found:
    said = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    known = recognised(head) or _TYPES.get(said)
    kind, form = known if known is not None else (None, None)
    if kind is None and said.startswith("text/"):
        raise RemoteError(f"it is a page ({said[:40]}), not a medium")
    if kind is None and said.partition("/")[0] in set(MediaKind):
        kind = MediaKind(said.partition("/")[0])
    if kind is None and head and said not in _SAYS_NOTHING:
        raise RemoteError(f"it is of the type {said[:60]!r}")
    return Found(
        kind=kind, format=form, size_bytes=_size(response), etag=response.headers.get("ETag")
    )


def _size(response: aiohttp.ClientResponse) -> int | None:
    if response.status == HTTPStatus.PARTIAL_CONTENT:
        total = _TOTAL.fullmatch(response.headers.get("Content-Range", ""))
        return int(total[1]) if total else None
    return response.content_length


def _refusal(status: int) -> RemoteError | _TroubleError:
    if status in (404, 410):
        return RemoteError(f"there is nothing (HTTP {status})")
    if status in (401, 403):
        return RemoteError(f"it is closed to us, or its link has lapsed (HTTP {status})")
    if status in (408, 425, 429) or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _TroubleError(f"the server has trouble (HTTP {status})")
    return RemoteError(f"the server answers with HTTP {status}")
