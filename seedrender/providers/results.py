"""Streams what a task left behind, without a key, from public places and the route's own only."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from http import HTTPStatus
from ipaddress import ip_network
from string import ascii_letters, digits, punctuation
from typing import Self
from urllib.parse import quote, urljoin, urlsplit

import aiohttp
from yarl import URL

from seedrender.errors import ArtifactError, ProtocolError, UnavailableError
from seedrender.providers import refusals
from seedrender.providers.addresses import (
    NEVER_IN_A_URL,
    AddressError,
    CheckedResolver,
    Lookup,
    Network,
    Rules,
    is_loopback,
)

BLOCK_BYTES = 256 * 2**10

_MAX_REDIRECTS = 5
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=15, sock_read=60)
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
        connections: int = 100,
    ) -> None:
        local = _LOOPBACK if is_loopback(base_url) else ()
        self._rules = Rules(allowed=(*allowed, *local))
        self._own = _place(base_url)
        self._lookup, self._connections = lookup, connections

    async def __aenter__(self) -> Self:
        resolver = CheckedResolver(self._rules, self._lookup, trusted=self._own[1])
        connector = aiohttp.TCPConnector(
            limit=self._connections, ttl_dns_cache=300, resolver=resolver
        )
        self._session = aiohttp.ClientSession(
            connector=connector, read_bufsize=BLOCK_BYTES, cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._session.close()

    async def retrieve(self, url: str) -> AsyncGenerator[bytes, None]:
        """Stream a result in blocks.

        Raises: ArtifactError where it ends early; ProviderError where it does not start.
        """
        try:
            async with self._response(url) as response:
                if response.status != HTTPStatus.OK:
                    raise await refusals.lapsed_or_error(response)
                async with aclosing(_blocks(response)) as blocks:
                    async for block in blocks:
                        yield block
        except AddressError as error:
            raise ProtocolError(
                f"a result is not fetched: {error}. Its task is paid, and stays in the lockfile; "
                "where that place is meant, allow it with --allow-address"
            ) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            name = type(error).__name__
            raise UnavailableError(f"no answer from where a result is kept ({name})") from None

    @asynccontextmanager
    async def _response(self, url: str) -> AsyncIterator[aiohttp.ClientResponse]:
        for _ in range(_MAX_REDIRECTS):
            async with self._session.get(
                self._checked(url), timeout=_TIMEOUT, allow_redirects=False
            ) as response:
                if response.status not in (301, 302, 303, 307, 308):
                    yield response
                    return
                url = urljoin(url, response.headers.get("Location", ""))
        raise ProtocolError("the result's address redirects too often")

    def _checked(self, url: str) -> URL:
        """Return a URL that may be fetched, with its signature as it is. Raises: AddressError."""
        text = quote(url, safe=_KEPT)
        if _place(text) == self._own:
            return URL(text, encoded=True)
        return self._rules.check_url(text)


async def _blocks(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    received = 0
    try:
        async for block in response.content.iter_chunked(BLOCK_BYTES):
            received += len(block)
            yield block
    except aiohttp.ClientPayloadError:
        raise ArtifactError(f"the download ended after {received} bytes") from None
    promised = response.content_length
    if promised is not None and received != promised:
        raise ArtifactError(f"the download has {received} of {promised} bytes")


def _place(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port; nothing that a redirect may name is equal to a broken one."""
    try:
        split = urlsplit(url)
        default = {"https": 443, "http": 80}.get(split.scheme)
        place = (split.scheme, split.hostname or "", split.port or default)
    except ValueError:
        return ("", "", None)
    return place if split.username is None and split.password is None else ("", "", None)
