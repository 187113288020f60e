"""Streams what a task left behind, without a key, from public places and the route's own only."""

from __future__ import annotations

import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus
from ipaddress import ip_network
from string import ascii_letters, digits, punctuation
from typing import Self
from urllib.parse import quote, urlsplit

import aiohttp
from yarl import URL

from seedrender.errors import ArtifactError, ProtocolError, UnavailableError
from seedrender.providers import addresses, encodings, proxies, ranges, refusals
from seedrender.providers.addresses import (
    NEVER_IN_A_URL,
    AddressError,
    CheckedResolver,
    Lookup,
    Network,
    Rules,
    is_loopback,
)
from seedrender.providers.network import trouble
from seedrender.values.provider import Block, Received
from seedrender.values.task import MAX_BYTES

BLOCK_BYTES = 256 * 2**10
MAX_CLIP_BYTES = max(MAX_BYTES.values())

_MAX_REDIRECTS = 5
_RESUMES = 3  # of one file under one link
_NO_RANGES = (206, 400, 403, 405, 416, 501)  # to a request for a range: the whole may be had
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=75)
_TOO_LARGE = f"more than {MAX_CLIP_BYTES // 2**30} GiB are not downloaded"
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_KEPT = "".join(set(ascii_letters + digits + punctuation) - NEVER_IN_A_URL)


class Results:
    """The session for results of one route; a provider's word leads into no private network.

    The route's own host is where the person at the command line put it, and may serve results,
    too; with it on this machine, as a simulator is, so may everything here.
    """

    def __init__(
        self,
        base_url: str,
        *,
        allowed: Sequence[Network] = (),
        lookup: Lookup | None = None,
    ) -> None:
        local = _LOOPBACK if is_loopback(base_url) else ()
        self._rules = Rules(allowed=(*allowed, *local))
        self._own = _place(base_url)
        self._lookup = lookup
        self.addresses: dict[str, str] = {}  # those whose secret was taken out → as they were

    async def __aenter__(self) -> Self:
        trusted = {self._own[1], *proxies.hosts()}
        resolver = self._resolver = CheckedResolver(self._rules, self._lookup, trusted=trusted)
        # how many run at once is the run's affair: here, a slow one would hold another's place
        connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, resolver=resolver)
        self._session = aiohttp.ClientSession(
            connector=connector,
            headers={"Accept-Encoding": "identity"},
            auto_decompress=False,  # what comes encoded all the same is decoded in bounded steps
            read_bufsize=BLOCK_BYTES,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._session.close()

    async def retrieve(self, url: str) -> AsyncGenerator[bytes, None]:
        """Stream a result in blocks; after a cut the same file is continued, or none.

        Raises: ArtifactError where it ends early; ProviderError where it does not start.
        """
        received = 0
        async with aclosing(self.retrieve_rest(url, Received())) as blocks:
            async for block in blocks:
                if block.at != received:
                    raise ArtifactError(f"the download ended after {received} bytes")
                received += len(block.data)
                yield block.data

    async def retrieve_rest(self, url: str, known: Received) -> AsyncGenerator[Block, None]:
        """Stream what is missing, or the whole where nothing proves that the file is the same.

        Raises: ArtifactError where it ends early; ProviderError where it does not start.
        """
        for cuts in itertools.count(1):
            has_progress = False
            try:
                async with aclosing(self._answered(url, known)) as blocks:
                    async for block in blocks:
                        has_progress = True
                        size_bytes = block.at + len(block.data)
                        known = Received(size_bytes=size_bytes, version=block.version)
                        yield block
            except _CutError:
                if cuts > _RESUMES or not (has_progress and ranges.asking(known)):
                    raise
            else:
                return

    async def _answered(self, url: str, known: Received) -> AsyncGenerator[Block, None]:
        """Stream one answer: the rest, where the server has it and proves it, else the whole."""
        try:
            asked = ranges.asking(known)
            url = self.addresses.get(url, url)
            async with self._response(url, asked) as response:
                end = _proven_end(response, known) if asked else None
                if not asked or response.status not in _NO_RANGES or end is not None:
                    async with aclosing(self._blocks(response, known, end)) as blocks:
                        async for block in blocks:
                            yield block
                    return
            async with (
                self._response(url, {}) as response,
                aclosing(self._blocks(response, Received(), None)) as blocks,
            ):
                async for block in blocks:
                    yield block
        except AddressError as error:
            raise ProtocolError(
                f"a result is not fetched: {error}. Its task is paid, and stays in the lockfile; "
                "where that place is meant, allow it with --allow-address"
            ) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            words = f"no answer from where a result is kept: {trouble(error)}"
            raise UnavailableError(words) from None

    @asynccontextmanager
    async def _response(
        self, url: str, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        for _ in range(_MAX_REDIRECTS):
            checked = self._checked(url)
            async with self._session.get(
                checked,
                headers=headers,
                timeout=_TIMEOUT,
                allow_redirects=False,
                proxy=await proxies.way_to(checked, self._resolver),
            ) as response:
                if response.status not in (301, 302, 303, 307, 308):
                    yield response
                    return
                url = addresses.joined(url, response.headers.get("Location", ""))
        raise ProtocolError("the result's address redirects too often")

    async def _blocks(
        self, response: aiohttp.ClientResponse, known: Received, end: int | None
    ) -> AsyncGenerator[Block, None]:
        """Decode the body of an answer; `end`: it is the rest of what is known, up to there."""
        if end is None and response.status != HTTPStatus.OK:
            raise refusals.of_store(response.status, response.headers)
        at, version, decoder = known.size_bytes, known.version, None
        if end is None:
            decoder = encodings.decoder(encodings.of(response))
            at, end = 0, response.content_length
            version = None if decoder else ranges.version(response.headers, end)
        begin, received = at, 0
        if end is not None and end > MAX_CLIP_BYTES:
            raise ArtifactError(f"the server announces {end} bytes: {_TOO_LARGE}")
        async for data in _body(response):
            received += len(data)
            if end is not None and begin + received > end:
                raise ArtifactError(f"the server sends more than the {end} bytes that it announced")
            for step in decoder.feed(data) if decoder else (data,):
                if max(at + len(step), received) > MAX_CLIP_BYTES:
                    raise ArtifactError(f"the download does not end: {_TOO_LARGE}")
                yield Block(at, step, version)
                at += len(step)
        total = version.total_bytes if version is not None else end
        if total is not None and begin + received < total:
            raise _CutError(f"the download ended after {begin + received} of {total} bytes")
        if decoder:
            decoder.finish()

    def _checked(self, url: str) -> URL:
        """Return a URL that may be fetched, with its signature as it is. Raises: AddressError."""
        text = quote(url, safe=_KEPT)
        if _place(text) == self._own:
            return URL(text, encoded=True)
        return self._rules.check_url(text)


class _CutError(ArtifactError):
    """The connection ended before the file did."""


async def _body(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    """Read what arrives; a connection that breaks ends it, as its end does."""
    received = 0
    try:
        async for data in response.content.iter_chunked(BLOCK_BYTES):
            received += len(data)
            yield data
    except TimeoutError:
        raise
    except aiohttp.ClientError:
        if response.content_length is None:
            raise _CutError(f"the download ended after {received} bytes") from None


def _proven_end(response: aiohttp.ClientResponse, known: Received) -> int | None:
    if response.status != HTTPStatus.PARTIAL_CONTENT:
        return None
    length, encoding = response.content_length, encodings.of(response)
    return ranges.proven_end(response.headers, length, known, encoding)


def _place(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port; nothing that a redirect may name is equal to a broken one."""
    try:
        split = urlsplit(url)
        default = {"https": 443, "http": 80}.get(split.scheme)
        place = (split.scheme, split.hostname or "", split.port or default)
    except ValueError:
        return ("", "", None)
    return place if split.username is None and split.password is None else ("", "", None)
