"""Turns a decision into an answer, or into a broken connection: what all wires share."""

from __future__ import annotations

import asyncio
from http.client import responses

from aiohttp import web

from seedrender.sim.world import World


class Refusal(Exception):  # noqa: N818 -- an answer to a client, no error of ours
    """The request is answered with a status and a message; each wire has its own shape for them."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(message)


def cut(request: web.Request) -> BaseException:
    """Break the connection, and return what ends the handler."""
    if request.transport is not None:
        request.transport.abort()
    return asyncio.CancelledError()


def phrase(status: int) -> str:
    """Return the words that go with an HTTP status."""
    return responses.get(status, "an answer that the prompt asks for")


def origin(request: web.Request) -> str:
    """Return the address at which a client found us."""
    return f"{request.scheme}://{request.host}"


def files_url(origin: str, world: World, name: str) -> str:
    """Return the signed address of a result."""
    return f"{origin}/files/{name}?sig={world.signature(name)}"


def media_url(request: web.Request, world: World, name: str) -> str:
    """Return the signed address of an uploaded file."""
    return f"{request.scheme}://{request.host}/media/{name}?sig={world.signature(name)}"
