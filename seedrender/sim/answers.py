"""Turns a decision into an answer, or into a broken connection: what all wires share."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http.client import responses

from aiohttp import web

from seedrender.sim import faults
from seedrender.sim.ledger import TaskRecord
from seedrender.sim.world import World

HALF = "\ud83d"  # of a character, as a text has it that was cut
_ODD_STATUS = "archiving"
_WORDS = {"processing": "run-word", "success": "done-word", "failed": "fail-word"}
ODD_TIMES: Mapping[str, str] = {"Retry-After": "in a while", "Date": "Someday, 99 Foo 99999"}


class Refusal(Exception):  # noqa: N818 -- an answer to a client, no error of ours
    """The request is answered with a status and a message; each wire has its own shape for them."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        http_status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.http_status = http_status or status  # another one where only the envelope tells
        self.message = message
        self.headers = headers or {}
        super().__init__(message)


def cut(request: web.Request) -> BaseException:
    """Break the connection, and return what ends the handler."""
    if request.transport is not None:
        request.transport.abort()
    return asyncio.CancelledError()


def phrase(status: int) -> str:
    """Return the words that go with an HTTP status."""
    return responses.get(status, "an answer that the prompt asks for")


def shown_id(task: TaskRecord) -> str | int:
    """Return a task's id as its wire shows it: as a whole number where its prompt asks for that."""
    return int(task.task_id) if "id-number" in task.faults else task.task_id


def word(task: TaskRecord, phase: str, usual: str) -> str:
    """Return the word for a task's state, which may be one of another vendor."""
    if phase == "processing" and "odd-status" in task.faults:
        return _ODD_STATUS
    return faults.code(_WORDS.get(phase, ""), task.faults) or usual


def origin_of(task: TaskRecord, request: web.Request) -> str:
    """Return what stands before the path of a task's files."""
    return "" if "relative-url" in task.faults else origin(request)


def origin(request: web.Request) -> str:
    """Return the address at which a client found us."""
    return f"{request.scheme}://{request.host}"


def files_url(origin: str, world: World, name: str) -> str:
    """Return the signed address of a result."""
    return f"{origin}/files/{name}?sig={world.signature(name)}"


def media_url(request: web.Request, world: World, name: str) -> str:
    """Return the signed address of an uploaded file."""
    return f"{request.scheme}://{request.host}/media/{name}?sig={world.signature(name)}"
