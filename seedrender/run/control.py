"""Lets a person steer a run from another terminal: a socket that only they can open."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from seedrender.errors import ConfigError
from seedrender.project.lock_read import real
from seedrender.run.announcer import reason_of
from seedrender.run.desk import Desk

MOST = 1000  # tasks in flight that may be asked for
_MAX_BYTES = 4096
_PATIENCE_S = 10.0


def socket_path(lock_path: Path) -> Path:
    """Return where the run that holds a lockfile listens: short, whatever the manifest's path."""
    name = hashlib.sha256(os.fsencode(real(lock_path))).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"seedrender-{os.getuid()}" / f"{name}.sock"


@asynccontextmanager
async def steered(lock_path: Path, desk: Desk) -> AsyncIterator[None]:
    """Listen for the length of a run; where that is not possible, the run goes on without it."""
    path, server = None, None
    try:
        path = socket_path(lock_path)
        if _is_private(path.parent):
            path.unlink(missing_ok=True)  # of a run that was killed; we hold the lock
            answer = partial(_answer, desk)
            server = await asyncio.start_unix_server(answer, path, limit=_MAX_BYTES)
    except (OSError, ValueError) as error:  # a long path, no folder, no descriptor left
        desk.listener.say(f"`ctl` cannot steer this run: {reason_of(error)}.")
    try:
        yield
    finally:
        if server is not None and path is not None:
            server.close()
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


async def ask(lock_path: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Send one request to the run that holds a lockfile, and return its answer.

    Raises: ConfigError where no run listens.
    """
    nobody = ConfigError(f"no run of {lock_path.name} is going on on this machine")
    try:
        path = socket_path(lock_path)
        if not _is_private(path.parent):
            raise nobody
        async with asyncio.timeout(_PATIENCE_S):
            reader, writer = await asyncio.open_unix_connection(path, limit=_MAX_BYTES)
            writer.write(json.dumps(request).encode() + b"\n")
            answer = json.loads(await reader.readline())
            writer.close()
    except (FileNotFoundError, ConnectionRefusedError):
        raise nobody from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"the run of {lock_path.name} does not answer: {error!r}") from None
    assert isinstance(answer, dict), "runs answer with objects"
    return answer


def _is_private(folder: Path) -> bool:
    """Make a folder that is ours alone; False: somebody else has it, or it cannot be made."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    is_ours = found.st_uid == os.getuid() and stat.S_ISDIR(found.st_mode)
    return is_ours and not found.st_mode & 0o077


async def _answer(desk: Desk, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            answer = _obeyed(desk, json.loads(await reader.readline()))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        answer = {"error": f"this request is not understood ({type(error).__name__})"}
    writer.write(json.dumps(answer).encode() + b"\n")
    writer.close()


def _obeyed(desk: Desk, request: dict[str, Any]) -> dict[str, Any]:
    match request:
        case {"do": "pause"}:
            desk.gate.pause()
            desk.listener.say("Paused: no further submits until `ctl … resume`.")
        case {"do": "resume"}:
            desk.gate.resume()
            desk.listener.say("Resumed.")
        case {"do": "concurrency", "most": int(most)} if 1 <= most <= MOST:
            desk.slots.limit_to(most)
            desk.listener.say(f"Up to {most} tasks in flight from now on.")
        case {"do": "status"}:
            pass
        case _:
            raise ValueError(request)
    return {
        "is_paused": desk.gate.is_paused,
        "closed_by": desk.gate.closed_by,
        "in_flight": desk.slots.tasks,
        "concurrency": desk.slots.limit,
    }
