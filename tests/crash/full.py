"""Runs a film on a real file system that is too small by so much, then gives it room."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.crash.enumerated import Totals, resume
from tests.crash.film import WORLD, started
from tests.crash.images import look
from tests.crash.oracle import Broken

_PAGE_BYTES = 4096
_ROOM = 64 * 2**20


def fill_everywhere(
    mount: Path, world: Path, route: str, shots: str, *, pages: Iterable[int]
) -> Totals:
    """Leave so many pages free, run, make room, and run again."""
    world.mkdir()
    own = mount / WORLD.parts[0]
    own.mkdir()
    tool("mount", "--bind", str(world), str(own))  # the provider has a disk of its own
    film, loaded = started(mount, route, shots)
    start, totals = look(film, "start", {}), Totals()
    for free in pages:
        start.restore(film)
        used = os.statvfs(mount)
        taken = (used.f_blocks - used.f_bfree) * used.f_frsize
        _resize(mount, taken + free * _PAGE_BYTES)
        try:
            ended = film.run(loaded)
            totals.counts[f"exit {ended.code}"] += 1
            totals.counts["full"] += ended.code != 0
        except Exception as error:  # noqa: BLE001 - whatever leaves it is a bug
            totals.counts["full"] += 1
            totals.broken.append(Broken("bug", f"{free} pages: {type(error).__name__}: {error}"))
        _resize(mount, _ROOM)
        resume(film, loaded, totals, f"full behind {free} pages")
    return totals


def _resize(mount: Path, size: int) -> None:
    tool("mount", "-o", f"remount,size={size}", str(mount))


def tool(name: str, *words: str) -> None:
    """Run a tool of the system. Raises: CalledProcessError, FileNotFoundError."""
    path = shutil.which(name, path=f"{os.defpath}:/sbin:/usr/sbin")
    if path is None:
        raise FileNotFoundError(name)
    subprocess.run([path, *words], check=True, stderr=subprocess.DEVNULL)
