"""Sends requests to one host under one key, and turns every answer into a value or an error."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp

from seedrender.errors import (
    ConfigError,
    ProviderError,
    SubmissionUnknownError,
    UnavailableError,
)
from seedrender.providers import answers, keys, proxies, rate, refusals
from seedrender.providers.addresses import Lookup, Network, is_loopback
from seedrender.providers.answers import Answer
from seedrender.providers.network import trouble
from seedrender.providers.recording import Recorder
from seedrender.providers.refusals import Judge, by_status, is_success, json_object
from seedrender.providers.results import BLOCK_BYTES, Results
from seedrender.values.provider import Block, RateWindow, Received

_SUBMIT_TIMEOUT = aiohttp.ClientTimeout(total=180, sock_connect=15)
_READ_S = 60.0
_ACCOUNT_DIGITS = 12
_UPLOAD_TIMEOUT = aiohttp.ClientTimeout(total=600, sock_connect=15)


class Http:
    """Three sessions: submits on fresh connections, other calls, results without a key.

    A reused connection may drop between request and answer, which would leave a paid submit
    unknown. aiohttp repeats a dropped GET by itself, which is harmless, but never a POST. A DELETE
    may do something else the second time.
    """

    def __init__(
        self,
        base_url: str,
        key: str | None,
        *,
        key_name: str,
        connections: int = 100,
        judge: Judge = by_status,
        allowed: Sequence[Network] = (),
        lookup: Lookup | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._recorder = recorder
        if recorder is not None and key:
            recorder.hide(key)
        self.base_url = checked_base_url(base_url)
        self._proxy = proxies.proxy_for(self.base_url)
        self._results = Results(self.base_url, allowed=allowed, lookup=lookup)
        self._key = key
        self._key_name = key_name
        self._connections = connections
        self._judge = judge
        self._stack = AsyncExitStack()
        self.window: RateWindow | None = None  # of the newest answer that told one
        self._answered = ("", datetime.now(UTC))  # what the newest answer gave as its time, when

    @property
    def account(self) -> str:
        """Whose answers these are: a digest of key and host, of which it tells nothing.

        This machine is one host, whatever the port: a simulator takes any that is free.
        """
        whose = f"{self._key}" + ("" if is_loopback(self.base_url) else f" {self.base_url}")
        return hashlib.sha256(whose.encode()).hexdigest()[:_ACCOUNT_DIGITS]

    def seal(self, text: str) -> str:
        """Return what only who has the key can make of a text: it tells nothing of the key."""
        return hmac.digest(
            (self._key or "").encode(), f"seedrender: {text}".encode(), "sha256"
        ).hex()

    @property
    def ahead_s(self) -> float | None:
        """By how much our clock is ahead of the server's; None: its answers carry no time."""
        return rate.ahead_s(*self._answered)

    async def __aenter__(self) -> Self:
        self._authorized = {"Authorization": f"Bearer {keys.checked(self._key_name, self._key)}"}
        await self._stack.enter_async_context(self._results)  # first: of a proxy it may complain
        self._submits = await self._open(force_close=True)
        self._calls = await self._open(force_close=False)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    async def _open(self, *, force_close: bool) -> aiohttp.ClientSession:
        """Open a session without the key: what all its requests have, a proxy is told, too."""
        connector = aiohttp.TCPConnector(
            limit=self._connections, force_close=force_close, ttl_dns_cache=300
        )
        session = aiohttp.ClientSession(
            connector=connector,
            headers={"Accept-Encoding": "gzip, deflate"},  # needs no further package
            auto_decompress=False,  # aiohttp takes half of a gzip body for the whole
            read_bufsize=BLOCK_BYTES,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        return await self._stack.enter_async_context(session)

    async def submit(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> dict[str, Any]:
        """POST once, for a wire that reads successes only; an id in a refusal is not seen.

        Raises: UnavailableError or a row of NOTHING_CREATED: no task exists.
            SubmissionUnknownError: one may.
        """
        answer = await self.post_once(path, body, headers)
        if is_success(answer.status):
            try:
                return json_object(answer)
            except ProviderError as error:
                raise SubmissionUnknownError(f"the answer to a submit was lost: {error}") from None
        raise refusals.of_submit(answer, self._judge)

    async def post_once(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Answer:
        """POST once, and return whatever is answered: `task_ids.bought` says what that means.

        Raises: UnavailableError: nothing was sent. SubmissionUnknownError: no answer came.
        """
        answer = None
        try:
            async with self._submits.post(
                self.base_url + path,
                data=io.BytesIO(json.dumps(body).encode()),  # in blocks: images may make it large
                headers={**self._authorized, **headers, "Content-Type": "application/json"},
                timeout=_SUBMIT_TIMEOUT,
                allow_redirects=False,
                proxy=self._proxy,
            ) as response:
                answer = await self._answer(response, body)
        except aiohttp.ClientHttpProxyError as error:  # to the request for a way through it
            words = f"cannot connect to {self._way}: the proxy answers HTTP {error.status}"
            raise UnavailableError(f"{words}; nothing was bought") from None
        except aiohttp.ClientConnectorError as error:  # also DNS and TLS: before anything was sent
            words = f"cannot connect to {self._way}: {trouble(error)}; nothing was bought"
            raise UnavailableError(words) from None
        except aiohttp.ConnectionTimeoutError:
            words = f"cannot connect to {self._way} in time; nothing was bought"
            raise UnavailableError(words) from None
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            if answer is None:  # else the connection broke after it, which changes nothing
                self._note_lost("POST", path, error, body)
                by = f" through the proxy {proxies.shown(self._proxy)}" if self._proxy else ""
                words = f"the answer to a submit{by} {_how_lost(error)}"
                raise SubmissionUnknownError(words) from None
        assert answer is not None, "each way without one raises"
        return answer

    async def read(
        self,
        path: str,
        params: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        *,
        held_s: float = 0.0,
    ) -> dict[str, Any]:
        """GET a JSON object; the caller decides whether and when to ask again.

        A key of `params` may repeat. `held_s`: so much longer may the answer take.

        Raises: ProviderError.
        """
        async with (
            self._guarded("GET", path),
            self._calls.get(
                self.base_url + path,
                params=params,
                headers=self._authorized,
                timeout=_read_timeout(held_s),
                allow_redirects=False,
                proxy=self._proxy,
            ) as response,
        ):
            return await self._json(response)

    async def delete(self, path: str) -> None:
        """DELETE once; what the answer says beside its status is not read.

        Raises: ProviderError; UnavailableError: it may have been heeded all the same.
        """
        async with (
            self._guarded("DELETE", path),
            self._calls.delete(
                self.base_url + path,
                middlewares=(_once,),
                headers=self._authorized,
                timeout=_read_timeout(0.0),
                allow_redirects=False,
                proxy=self._proxy,
            ) as response,
        ):
            answer = await self._answer(response)
        if not is_success(answer.status):
            raise refusals.of_read(answer, self._judge)

    async def upload(self, path: str, form: aiohttp.FormData) -> dict[str, Any]:
        """POST a free multipart form. Raises: ProviderError."""
        async with (
            self._guarded("POST", path),
            self._calls.post(
                self.base_url + path,
                data=form,
                headers=self._authorized,
                timeout=_UPLOAD_TIMEOUT,
                allow_redirects=False,
                proxy=self._proxy,
            ) as response,
        ):
            return await self._json(response)

    def retrieve(self, url: str) -> AsyncGenerator[bytes, None]:
        """Stream a result without the key, in blocks, from a safe place.

        Raises: ArtifactError where it ends early; ProviderError where it does not start.
        """
        return self._results.retrieve(url)

    def retrieve_rest(self, url: str, known: Received) -> AsyncGenerator[Block, None]:
        """Stream what is missing of a result, or the whole. Raises: as `retrieve`."""
        return self._results.retrieve_rest(url, known)

    async def _answer(self, response: aiohttp.ClientResponse, sent: Any = None) -> Answer:
        """Read an answer; what its headers hold is heeded, and never raises."""
        self.window = rate.window(response.headers) or self.window
        self._answered = (response.headers.get("Date", ""), datetime.now(UTC))
        answer = await answers.read(response, self._key, self._results.addresses)
        if self._recorder is not None:
            headers = answers.without(dict(response.headers), self._key)
            request = (response.method, response.url.raw_path_qs, sent)
            self._recorder.answered(request, answer, headers)
        return answer

    def _note_lost(self, method: str, path: str, error: Exception, sent: Any = None) -> None:
        if self._recorder is not None:
            path = f"{urlsplit(self.base_url).path}{path}"
            self._recorder.lost((method, path, sent), type(error).__name__)

    async def _json(self, response: aiohttp.ClientResponse) -> dict[str, Any]:
        answer = await self._answer(response)
        if not is_success(answer.status):
            raise refusals.of_read(answer, self._judge)
        return json_object(answer)

    @asynccontextmanager
    async def _guarded(self, method: str, path: str) -> AsyncIterator[None]:
        try:
            yield
        except aiohttp.ClientHttpProxyError as error:
            self._note_lost(method, path, error)
            words = f"no answer from {self._way}: the proxy answers HTTP {error.status}"
            raise UnavailableError(words) from None
        except (aiohttp.ClientError, TimeoutError) as error:
            self._note_lost(method, path, error)
            raise UnavailableError(f"no answer from {self._way}: {trouble(error)}") from None

    @property
    def _way(self) -> str:
        """The host, and through whom it is reached."""
        by = f" through the proxy {proxies.shown(self._proxy)}" if self._proxy else ""
        return f"{self.base_url}{by}"


async def _once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Let a request leave once: aiohttp would repeat a DELETE whose connection broke."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:  # nothing was sent
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(trouble(error)) from None


def _how_lost(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"did not come within {_SUBMIT_TIMEOUT.total:g} s"
    return f"was lost: {trouble(error)}"


def _read_timeout(held_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=_READ_S + held_s, sock_connect=15)


def checked_base_url(url: str) -> str:
    """Return a base URL without its trailing slash. Raises: ConfigError unless it is safe."""
    try:
        split = urlsplit(url)
        _ = split.port
    except ValueError:
        raise ConfigError("the base URL is no URL; nothing was sent") from None
    if not url.isprintable() or " " in url:
        raise ConfigError("the base URL holds white space or control characters; nothing was sent")
    if split.scheme != "https" and not (split.scheme == "http" and is_loopback(url)):
        raise ConfigError(f"base URL {split.scheme}://{split.hostname}: https, or http on loopback")
    if split.username or split.password or split.query or split.fragment:
        raise ConfigError(f"base URL of {split.hostname}: no user, password, query or fragment")
    return url.rstrip("/")
