"""Clips that are paid for and do not come at once."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from seedrender.errors import ArtifactError, StorageError, UnavailableError
from seedrender.lock.identity import Asked
from seedrender.plan.outcome import Exit
from seedrender.values.entry import JobState
from seedrender.values.task import Task, TaskId, TaskState
from tests.builders import job
from tests.run.test_executor import Film
from tests.scripted import Scripted


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
