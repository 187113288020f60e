"""Clips that are paid for and do not come at once."""

from __future__ import annotations

import asyncio
import errno
import os
import re
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from seedrender.errors import ArtifactError, StorageError, UnavailableError
from seedrender.lock.identity import Asked
from seedrender.plan.outcome import Exit
from seedrender.values.entry import JobState
from seedrender.values.task import RemoteFile, Task, TaskId, TaskState
from tests.builders import job
from tests.crash.disk import Disk
from tests.run.test_executor import Film
from tests.scripted import Scripted, clip_bytes


class Lagging(Scripted):
    """Says once more that a task runs, after it said that it has ended."""

    def __init__(self) -> None:
        super().__init__()
        self.lags = 1

    async def poll(self, task_id: TaskId, *, hold: bool = False) -> Task:
        task = await super().poll(task_id, hold=hold)
        if (
            task.state.is_final
            and len(self.polls) > 1
            and self.lags
            and not self.retrieve_errors["spin"]
        ):
            self.lags -= 1
            return replace(task, state=TaskState.RUNNING, provider_state="processing", video=None)
        return task


def test_a_server_that_lags_behind_is_asked_again(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")], provider=Lagging())
    film.provider.retrieve_errors["spin"] += [UnavailableError("broken")]

    code = film.run()

    assert (code, film.provider.received) == (Exit.DONE, ["spin"])
    assert film.listener.notes.count(("spin", "waits")) == 2


def test_a_task_that_has_ended_well_without_a_clip_stays_paid_and_is_not_bought_again(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.ends_with("spin", TaskState.SUCCEEDED)

    first, second = film.run(), film.run()

    assert (first, second) == (Exit.UNDECIDED, Exit.UNDECIDED)
    assert film.provider.received == ["spin"]
    assert film.state("spin") is JobState.SUCCEEDED


def test_a_clip_that_vanished_and_is_of_another_route_is_not_bought_by_itself(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [job("spin")])
    film.run()
    (tmp_path / "renders/spin.mp4").unlink()
    film.provider.name = "another"
    film.asked = Asked(route="another")

    code = film.run()

    assert (code, film.provider.received) == (Exit.UNDECIDED, ["spin"])


def test_a_clip_is_asked_for_again_until_it_comes_and_each_wait_says_how_long(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.retrieve_errors["spin"] += [ArtifactError("short")] * 9

    assert film.run() is Exit.DONE
    waits = [line for line in film.listener.lines if line.startswith("spin waits")]
    assert len(waits) == 9
    assert all(re.fullmatch(r"spin waits short; asking again in \d+ s", line) for line in waits)


def test_a_disk_that_is_full_is_no_reason_to_download_again(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.retrieve_errors["spin"] += [StorageError("the disk is full")]

    first, waits = film.run(), film.listener.notes.count(("spin", "waits"))
    film.provider.finish_everything()

    assert (first, waits) == (Exit.UNFINISHED, 0)
    assert (film.run(), film.provider.received) == (Exit.DONE, ["spin"])


class Dripping(Scripted):
    """Sends ten bytes a second, so many times."""

    def __init__(self, drips: int) -> None:
        super().__init__()
        self.drips = drips
        self.downloads: list[str] = []

    async def retrieve(self, file: RemoteFile) -> AsyncGenerator[bytes, None]:
        job = file.url.removeprefix("https://scripted.example/").partition(".mp4")[0]
        self.downloads.append(job)
        if job.startswith("drip") and self.downloads.count(job) <= self.drips:
            for start in range(0, len(clip_bytes()), 10):
                yield clip_bytes()[start : start + 10]
                await asyncio.sleep(1)
        async for block in super().retrieve(file):
            yield block


@pytest.mark.parametrize(("drips", "code"), [(3, Exit.DONE), (4, Exit.UNDECIDED)])
def test_a_clip_that_drips_gets_three_fresh_links(tmp_path: Path, drips: int, code: Exit) -> None:
    provider = Dripping(drips)
    film = Film(tmp_path, [job("drip")], provider=provider)

    assert film.run() is code
    assert provider.downloads == ["drip"] * 4
    assert film.listener.notes.count(("drip", "waits")) == 3
    assert film.listener.notes.count(("drip", "slow")) == 1
    assert provider.received == ["drip"]
    assert list((tmp_path / "renders").glob("*")) == ([] if drips > 3 else [film_path(tmp_path)])


def film_path(folder: Path) -> Path:
    return folder / "renders/drip.mp4"


def test_eight_clips_that_drip_do_not_hold_up_the_ninth(tmp_path: Path) -> None:
    drips = [job(f"drip{number}") for number in range(8)]
    provider = Dripping(3)
    provider.limits = replace(provider.limits, concurrency=20)
    film = Film(tmp_path, [*drips, job("quick")], provider=provider)

    assert film.run() is Exit.DONE
    done = [name for name, what in film.listener.notes if what == "done"]
    assert done[0] == "quick"


def test_a_full_disk_is_met_once_and_the_clip_is_not_downloaded_again(tmp_path: Path) -> None:
    provider = Dripping(0)
    film = Film(tmp_path, [job("spin")], provider=provider)

    def full(kind: str, path: Path) -> None:
        if kind == "write" and ".mp4." in path.name and path.name.endswith(".part"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Disk(tmp_path, before=full):
        code = film.run()

    assert (code, provider.downloads) == (Exit.UNFINISHED, ["spin"])
    assert film.state("spin") is JobState.SUCCEEDED
    assert [path for path in (tmp_path / "renders").rglob("*") if path.is_file()] == []
    provider.finish_everything()
    assert (film.run(), provider.received) == (Exit.DONE, ["spin"])


def test_a_clip_whose_place_leads_outside_is_not_downloaded_again_and_again(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "film"
    folder.mkdir()
    (folder / "renders").symlink_to(tmp_path)
    provider = Dripping(0)

    Film(folder, [job("spin")], provider=provider).run()

    assert provider.downloads == []
