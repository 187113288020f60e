"""Reads what a service answers: its status, and its body as far as it came."""

from __future__ import annotations

import json
import math
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from seedrender.errors import ArtifactError, ProtocolError, ProviderError, UnavailableError
from seedrender.providers import encodings, rate
from seedrender.providers.network import trouble
from seedrender.values.redaction import HIDDEN, without_key

MAX_BYTES = 16 * 2**20

_MAX_DIGITS = 600  # of a whole number; the longest that Python surely reads has 640
_MAX_DEPTH = 20
_MOST_ADDRESSES = 10_000  # with a key in them


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for a request."""

    status: int
    body: Any = None  # a JSON value; a text where it is none; None: nothing
    retry_after_s: float | None = None
    fault: ProviderError | None = None  # why the body is not whole
    names_a_task: bool = False  # in its headers


async def read(
    response: aiohttp.ClientResponse,
    key: str | None = None,
    addresses: MutableMapping[str, str] | None = None,
) -> Answer:
    """Read an answer as far as it comes: with its status here, nothing is raised any more.

    `key` is taken out of its words, should the service repeat it; an address that had it is kept
    as it was in `addresses`, by what is left of it.
    """
    content, fault = await _content(response)
    return Answer(
        status=response.status,
        body=without(parse(content), key, addresses),
        retry_after_s=rate.retry_after_s(response.headers),
        fault=fault,
        names_a_task=any(map(_of_a_task, response.headers.items())),
    )


async def _content(response: aiohttp.ClientResponse) -> tuple[bytes, ProviderError | None]:
    """Read a body, decoded where it is encoded, and say why it is not whole."""
    content = bytearray()
    try:
        decoder = encodings.decoder(encodings.of(response))
        async for block in response.content.iter_any():
            for step in decoder.feed(block) if decoder else (block,):
                content += step
                if len(content) > MAX_BYTES:
                    return bytes(content), ProtocolError("an answer is longer than 16 MiB")
        if decoder:
            decoder.finish()
    except (aiohttp.ClientError, TimeoutError) as error:
        words = f"an answer broke off: {trouble(error)}"
        return bytes(content), UnavailableError(words)
    except ArtifactError as error:
        return bytes(content), UnavailableError(f"an answer is not whole: {error}")
    return bytes(content), None


def _of_a_task(header: tuple[str, str]) -> bool:
    name, value = header[0].lower(), header[1]
    return ("task" in name and "id" in name) or (name == "location" and "/task" in value)


def parse(content: bytes) -> Any:
    """Read JSON, also where some bytes of it are no text; what is no JSON is a text as a whole."""
    if not content:
        return None
    text = content.decode("utf-8", "replace")
    for form in (content, text):
        try:
            return json.loads(form, parse_int=_whole, parse_float=_real, object_pairs_hook=_object)
        except (ValueError, RecursionError):
            continue
    return text


def without(
    value: Any, key: str | None, addresses: MutableMapping[str, str] | None = None, depth: int = 0
) -> Any:
    """Return a JSON value without a key that its texts repeat."""
    if key is None:
        return value
    if isinstance(value, str):
        cleaned = without_key(value, key)
        if cleaned != value and addresses is not None and value.startswith(("https:", "http:")):
            if len(addresses) >= _MOST_ADDRESSES:
                del addresses[next(iter(addresses))]  # the oldest one
            addresses[cleaned] = value
        return cleaned
    if depth > _MAX_DEPTH and isinstance(value, list | dict):
        return HIDDEN
    if isinstance(value, list):
        return [without(item, key, addresses, depth + 1) for item in value]
    if isinstance(value, dict):
        return {
            without(name, key): without(inner, key, addresses, depth + 1)
            for name, inner in value.items()
        }
    return value


def _whole(digits: str) -> int | str:
    """Read a whole number; one that Python may refuse to read stays a text."""
    return int(digits) if len(digits) <= _MAX_DIGITS else digits


def _real(digits: str) -> float | str:
    """Read a number; one that is too large, or too small to be told from 0, stays a text."""
    number = float(digits)
    is_zero = not any(digit in "123456789" for digit in digits.lower().partition("e")[0])
    return number if is_zero or (number and math.isfinite(number)) else digits


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Read an object; a key that stands there twice with unlike values has all of them."""
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    said: dict[str, list[Any]] = {}
    for key, value in pairs:
        said.setdefault(key, []).append(value)
    return {key: all_ if any(v != all_[0] for v in all_) else all_[0] for key, all_ in said.items()}
