"""Turns the answers of a service into JSON, and its refusals into errors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp

from seedrender.errors import (
    NotFoundError,
    ProtocolError,
    ProviderError,
    QuotaError,
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
)
from seedrender.providers import rate

_MAX_JSON_BYTES = 16 * 2**20
_MESSAGE_CHARS = 500
# words of a 429 that counts tasks in flight, not requests: Modellix's and the maker's (inferred)
_CONCURRENCY = re.compile(r"(?i)concurren|running tasks|in flight|QuotaExceeded\.?Task")

# Answers to a submit that prove that nothing was created; every other one leaves it unknown.
NOTHING_CREATED: Mapping[int, type[ProviderError]] = {
    400: RejectedError,
    401: UnauthorizedError,
    402: QuotaError,
    403: UnauthorizedError,
    404: NotFoundError,
    405: RejectedError,
    413: RejectedError,
    415: RejectedError,
    422: RejectedError,
    429: RateLimitedError,
}


_ADVICE: Mapping[int, str] = {  # where the words of a service may not be enough
    401: "compare the API key with the service's console",
    402: "top up the account",
    403: "see in the service's console what the key may do",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What an answer that is no success means, and its words."""

    kind: type[ProviderError]
    words: str
    is_concurrency: bool = False  # too many tasks in flight, not too many requests


Judge = Callable[[int, Mapping[str, Any]], Refusal]  # of an HTTP status and a body, each per wire


def by_status(status: int, body: Mapping[str, Any]) -> Refusal:
    """Judge an answer by its HTTP status alone, and take its `message` for words."""
    detail = body.get("message")
    text = detail if isinstance(detail, str) else json.dumps(body) if body else ""
    words = f"HTTP {status}: {excerpt(text)}" if text else f"HTTP {status}"
    words += f"; {_ADVICE[status]}" if status in _ADVICE else ""
    return Refusal(
        kind=NOTHING_CREATED.get(status, ProtocolError),
        words=words,
        is_concurrency=_CONCURRENCY.search(words) is not None,
    )


def excerpt(text: str) -> str:
    """Return the start of what a provider says, without what a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in text[:_MESSAGE_CHARS])


def is_success(status: int) -> bool:
    """Say whether an HTTP status is one of success."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


async def json_object(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """Read a JSON object of bounded size. Raises: ProtocolError."""
    text = await response.content.read(_MAX_JSON_BYTES)
    while not response.content.at_eof():
        more = await response.content.read(_MAX_JSON_BYTES)
        text += more
        if len(text) > _MAX_JSON_BYTES:
            raise ProtocolError("an answer is longer than 16 MiB")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ProtocolError("an answer is not JSON") from None
    if not isinstance(value, dict):
        raise ProtocolError("an answer is not a JSON object")
    return value


async def error_of(response: aiohttp.ClientResponse, judge: Judge) -> ProviderError:
    """Turn an answer to a read into its error: a GET may always be asked again later."""
    if response.status in (408, 425) or response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UnavailableError(judge(response.status, await _body(response)).words)
    return await refused(response, judge)


async def lapsed_or_error(response: aiohttp.ClientResponse) -> ProviderError:
    """Turn a store's answer into its error: it knows no account, so a refused link has lapsed."""
    if response.status in (401, 403):
        return NotFoundError(f"HTTP {response.status}: the link to the clip is no longer good")
    if response.status in (404, 410):
        return NotFoundError(f"HTTP {response.status}: there is no clip at its address")
    return await error_of(response, by_status)


async def unbought(response: aiohttp.ClientResponse, judge: Judge) -> ProviderError:
    """Turn the refusal of a submit into its error; one that may end the run says what was paid."""
    error = await refused(response, judge)
    may_end_it = error.stops_run or isinstance(error, UnavailableError)
    return type(error)(f"{error}; nothing was bought") if may_end_it else error


async def words(response: aiohttp.ClientResponse, judge: Judge) -> str:
    """Return what an answer that is no success says."""
    return judge(response.status, await _body(response)).words


async def refused(response: aiohttp.ClientResponse, judge: Judge) -> ProviderError:
    """Turn a refusal into its error."""
    refusal = judge(response.status, await _body(response))
    if response.status == HTTPStatus.GONE:
        return NotFoundError(refusal.words)
    if refusal.kind is RateLimitedError:
        return RateLimitedError(
            refusal.words,
            retry_after_s=rate.retry_after_s(response.headers),
            is_concurrency=refusal.is_concurrency,
        )
    return refusal.kind(refusal.words)


async def _body(response: aiohttp.ClientResponse) -> Mapping[str, Any]:
    """Read the body of a refusal; empty where it is no JSON object."""
    try:
        return await json_object(response)
    except (TimeoutError, ProtocolError, aiohttp.ClientError):
        return {}
