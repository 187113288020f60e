"""Ctrl-C at every step, and a disk that refuses its n-th operation, for every n."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seedrender.run.store import Store, hold, read
from tests.builders import entry, record
from tests.crash.disk import Disk
from tests.crash.film import ROUTES, SHORT, STALE
from tests.crash.full import fill_everywhere, tool
from tests.crash.images import JOURNAL, LOCK
from tests.crash.stopped import fail_everywhere, interrupt_everywhere

# a download that is cut off leaves the simulator with an open file, in the same process
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def every(stride: int, number: int) -> int:
    """Return how many of the first so many moments a stride meets."""
    return len(range(1, number + 1, stride))


@pytest.mark.parametrize("route", ROUTES)
def test_an_interrupt_at_any_step_loses_nothing_and_pays_nothing_twice(
    tmp_path: Path, route: str
) -> None:
    totals = interrupt_everywhere(tmp_path, route, SHORT, stride=7)

    assert totals.broken == [], totals
    there_are = totals.there_are["steps of the run"]
    assert abs(totals.counts["interrupted"] - every(7, there_are)) <= 1 < there_are // 7


@pytest.mark.parametrize("route", ["modellix", "byteplus"])
@pytest.mark.parametrize(
    ("number", "is_for_good"),
    [
        pytest.param(errno.ENOSPC, True, id="full"),
        pytest.param(errno.EIO, False, id="one error"),
    ],
)
def test_whatever_the_disk_refuses_no_task_is_forgotten_or_paid_twice(
    tmp_path: Path, route: str, number: int, *, is_for_good: bool
) -> None:
    totals = fail_everywhere(tmp_path, route, SHORT, number=number, is_for_good=is_for_good)

    assert totals.broken == [], totals
    assert totals.counts["unrecorded at once"] == 0
    assert totals.counts["failed"] == totals.there_are["operations that may fail"] > 0


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_whatever_the_disk_refuses_is_said_in_words(tmp_path: Path, number: int) -> None:
    totals = fail_everywhere(tmp_path, "sim", SHORT, number=number, stride=2)

    assert totals.broken == [], totals
    assert totals.counts["failed"] == every(2, totals.there_are["operations that may fail"])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of its own, of a size that can be changed."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    folder = tmp_path / "small"
    folder.mkdir()
    try:
        tool("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder))
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("this machine lets nobody mount a small file system")
    yield folder
    tool("umount", "--recursive", str(folder))


def test_a_disk_that_is_really_full_loses_no_task(small_disk: Path, tmp_path: Path) -> None:
    world = tmp_path / "world"
    totals = fill_everywhere(small_disk, world, "modellix", STALE, pages=(1, 2, 4, 8, 60, 120))

    assert totals.broken == []
    assert totals.counts["full"] > 3


def test_a_slow_disk_is_asked_once_for_many_facts(tmp_path: Path) -> None:
    syncs = 0

    def slow(kind: str, path: Path) -> None:
        nonlocal syncs
        if kind == "fsync" and path.name == JOURNAL:
            syncs += 1
            time.sleep(0.05)

    async def note(store: Store, writer: int) -> None:
        for fact in range(10):
            await store.append(entry(f"shot{writer}", record(f"{writer}-{fact}")))

    async def run() -> None:
        async with hold(tmp_path / LOCK, "film.yaml") as store, asyncio.TaskGroup() as group:
            for writer in range(40):
                group.create_task(note(store, writer))

    with Disk(tmp_path, before=slow):
        asyncio.run(run())

    lock = read(tmp_path / LOCK, "film.yaml")
    assert sum(len(known.tasks) for known in lock.entries.values()) == 400
    assert syncs < 400 / 10
