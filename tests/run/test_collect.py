"""Clips that are paid for and do not come at once."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import shutil
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from seedrender.errors import (
    ArtifactError,
    NotFoundError,
    RateLimitedError,
    StorageError,
    UnavailableError,
)
from seedrender.lock import fold, lockfile
from seedrender.lock.identity import Asked
from seedrender.plan.outcome import Exit
from seedrender.run import clock, watch
from seedrender.values.entry import LOST, JobState, Lock, LockEntry, Pin, TaskRecord
from seedrender.values.job import CorrelationId, JobId, MediaKind, Mode
from seedrender.values.task import Artifact, RemoteFile, Task, TaskId, TaskState
from tests.builders import T0, job
from tests.crash.disk import Disk
from tests.run.test_executor import Film, chain
from tests.run.test_pictures import picture
from tests.scripted import Scripted, clip_bytes, clip_for
from tests.site import PNG


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
    assert "spin waits task task-1 is processing again" in film.listener.lines[-2]


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


FOX, HARE = job("spin", prompt="A fox."), job("spin", prompt="A hare.")
STILL = job("spin", mode=Mode.T2I, output="renders/spin.png")
TROUBLES = [UnavailableError, RateLimitedError, ArtifactError, NotFoundError]


def ended(**fields: Any) -> Task:
    made = Task(id=TaskId("any"), state=TaskState.SUCCEEDED, provider_state="success")
    return replace(made, **fields)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def aside(content: bytes, suffix: str = "mp4") -> str:
    """Where a file that was replaced is kept."""
    return f"renders/.superseded/spin.{digest(content)[:12]}.{suffix}"


def line(film: Film) -> LockEntry:
    return film.lock().entries[JobId("spin")]


def output(film: Film) -> Artifact:
    found = line(film).output
    assert found is not None
    return found


def superseded(film: Film) -> list[str | None]:
    """Where the lock says that the replaced clip of each task is."""
    return [task.superseded.path if task.superseded else None for task in line(film).tasks]


def told(film: Film, what: str) -> list[str]:
    start = f"spin {what} "
    return [row.removeprefix(start) for row in film.listener.lines if row.startswith(start)]


def files(folder: Path) -> dict[str, bytes]:
    found = [path for path in (folder / "renders").rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def rendered(folder: Path) -> Film:
    """A film whose only clip is there, and whose next one has other bytes."""
    film = Film(folder, [FOX])
    film.run()
    film.provider.clip_seed = 1
    return film


def pictures(folder: Path, *content: bytes | Exception) -> Film:
    """A film of one picture, whose task makes so many."""
    film = Film(folder, [STILL])
    film.provider.render_s = 0.0
    made = [RemoteFile(url=f"https://p.example/{n}", kind=MediaKind.IMAGE) for n in range(9)]
    film.provider.files = {file.url: [one] for file, one in zip(made, content, strict=False)}
    film.provider.answers["spin"].append(ended(pictures=tuple(made[: len(content)])))
    return film


def test_a_clip_that_comes_at_once_stands_in_the_lock_and_nobody_is_asked_again(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.render_s = 0.0

    film.run()

    (record,), found, content = line(film).tasks, output(film), clip_bytes()
    assert film.provider.polls == ["spin"]
    assert told(film, "done") == ["renders/spin.mp4"]
    assert files(tmp_path) == {"renders/spin.mp4": content}
    assert record.finished_at is not None
    assert found.made_at >= record.finished_at
    assert found == Artifact(
        path="renders/spin.mp4",
        sha256=digest(content),
        size_bytes=len(content),
        duration_s=4.0,
        width=64,
        height=64,
        made_at=found.made_at,
        made_by=record.correlation_id,
    )


@pytest.mark.parametrize("trouble", TROUBLES)
def test_each_trouble_is_told_and_followed_by_a_fresh_link(
    tmp_path: Path, trouble: type[Exception]
) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.render_s = 0.0
    film.provider.retrieve_errors["spin"] += [trouble("one"), trouble("two")]

    code = film.run()

    assert (code, film.provider.polls) == (Exit.DONE, ["spin"] * 3)
    assert [words.partition(";")[0] for words in told(film, "waits")] == ["one", "two"]
    assert line(film).tasks[0].error is None


@pytest.mark.parametrize(
    ("wanted", "task", "missing"),
    [
        pytest.param(
            job("spin"),
            ended(pictures=(RemoteFile(url="p", kind=MediaKind.IMAGE),)),
            "clip",
            id="a picture for a clip",
        ),
        pytest.param(
            STILL,
            ended(video=RemoteFile(url="v", kind=MediaKind.VIDEO)),
            "picture",
            id="a clip for a picture",
        ),
    ],
)
def test_a_task_that_names_nothing_of_what_was_asked_for_stays_paid_and_says_so(
    tmp_path: Path, wanted: Any, task: Task, missing: str
) -> None:
    film = Film(tmp_path, [wanted])
    film.provider.answers["spin"] += [task] * 100

    code = film.run()

    (record,) = line(film).tasks
    assert (code, record.state) == (Exit.UNDECIDED, JobState.SUCCEEDED)
    assert record.error == f"task task-1 has succeeded and names no {missing}"
    assert film.provider.received == ["spin"]


def test_a_last_frame_is_fetched_before_the_clip_is_noted_so_that_a_crash_loses_none(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.frames["spin"] = [PNG]
    noted: list[Artifact | None] = []

    def look(kind: str, name: str) -> None:
        if kind == "retrieve" and ".png" in name:
            noted.append(line(film).output)

    film.provider.before = look
    film.run()

    assert noted == [None]
    assert line(film).tasks[0].last_frame is not None
    assert output(film).sha256 == digest(clip_bytes())


@pytest.mark.parametrize(
    ("in_place", "kept_already", "kept"),
    [
        pytest.param(clip_bytes(), None, clip_bytes(), id="in place"),
        pytest.param(clip_bytes(2), None, clip_bytes(2), id="changed since"),
        pytest.param(None, clip_bytes(), clip_bytes(), id="set aside, and not noted"),
    ],
)
def test_the_clip_before_is_noted_where_it_went(
    tmp_path: Path, in_place: bytes | None, kept_already: bytes | None, kept: bytes
) -> None:
    film = rendered(tmp_path)
    film.jobs = [HARE]
    place = tmp_path / "renders/spin.mp4"
    place.unlink()
    if in_place is not None:
        place.write_bytes(in_place)
    if kept_already is not None:
        (tmp_path / aside(kept_already)).parent.mkdir()
        (tmp_path / aside(kept_already)).write_bytes(kept_already)

    code = film.run()

    assert (code, superseded(film)) == (Exit.DONE, [aside(kept), None])
    assert files(tmp_path) == {"renders/spin.mp4": clip_bytes(1), aside(kept): kept}


@pytest.mark.parametrize(
    "in_place", [pytest.param(None, id="on no disk"), pytest.param(clip_bytes(1), id="same bytes")]
)
def test_where_nothing_is_replaced_nothing_is_kept_aside(
    tmp_path: Path, in_place: bytes | None
) -> None:
    film = rendered(tmp_path)
    film.jobs = [HARE]
    (tmp_path / "renders/spin.mp4").unlink()
    if in_place is not None:
        (tmp_path / "renders/spin.mp4").write_bytes(in_place)

    film.run()

    assert files(tmp_path) == {"renders/spin.mp4": clip_bytes(1)}
    assert output(film).sha256 == digest(clip_bytes(1))
    assert [record.unread for record in line(film).tasks] == [{}, {}]


def test_a_file_that_was_put_in_a_clips_place_is_kept_where_the_clip_comes_again(
    tmp_path: Path,
) -> None:
    film = rendered(tmp_path)
    film.provider.finish_everything()
    (tmp_path / "renders/spin.mp4").write_bytes(b"changed")

    code = film.run()

    assert (code, film.provider.received, superseded(film)) == (Exit.DONE, ["spin"], [None])
    assert files(tmp_path) == {"renders/spin.mp4": clip_bytes(), aside(b"changed"): b"changed"}


def test_a_file_of_nobody_in_the_place_of_a_new_clip_is_kept_and_named(tmp_path: Path) -> None:
    film = Film(tmp_path, [FOX])
    (tmp_path / "renders").mkdir()
    (tmp_path / "renders/spin.mp4").write_bytes(b"my own")

    film.run()

    assert told(film, "kept") == [f"{aside(b'my own')}: the file that was at renders/spin.mp4"]
    assert files(tmp_path)[aside(b"my own")] == b"my own"


def test_a_clip_that_had_another_place_stays_there_and_comes_back_free(tmp_path: Path) -> None:
    film = rendered(tmp_path)
    film.jobs = [replace(HARE, output="renders/other.mp4")]
    film.run()
    there = files(tmp_path)
    film.jobs = [FOX]

    code = film.run()

    assert there == {"renders/spin.mp4": clip_bytes(), "renders/other.mp4": clip_bytes(1)}
    assert (code, film.provider.received) == (Exit.DONE, ["spin", "spin"])
    assert (tmp_path / "renders/spin.mp4").read_bytes() == clip_bytes()


def test_a_copy_of_another_jobs_clip_that_gives_way_is_kept_and_the_clip_stays_its_own(
    tmp_path: Path,
) -> None:
    other = job("other", duration_s=5)
    film = Film(tmp_path, [FOX, other])
    film.run()
    theirs = (tmp_path / "renders/other.mp4").read_bytes()
    (tmp_path / "renders/spin.mp4").write_bytes(theirs)
    film.jobs = [HARE, other]

    film.run()

    assert film.lock().entries[other.id].tasks[0].superseded is None
    assert superseded(film) == ["renders/spin.mp4", None]  # where it was known last
    assert files(tmp_path).keys() == {"renders/spin.mp4", "renders/other.mp4", aside(theirs)}
    assert files(tmp_path)["renders/other.mp4"] == theirs


@pytest.mark.parametrize("is_here", [True, False])
def test_after_a_merge_a_second_clip_of_one_definition_takes_no_place_and_makes_nothing_stale(
    tmp_path: Path, *, is_here: bool
) -> None:
    film = Film(tmp_path, chain(2))
    film.run()
    first = film.lock().entries[JobId("fly/01")]
    other = replace(first.tasks[0], correlation_id=CorrelationId("c9"), task_id=TaskId("task-9"))
    live = replace(other, state=JobState.SUBMITTED, finished_at=None, cost=None)
    film.provider._tasks[TaskId("task-9")] = film.provider._tasks[TaskId("task-1")]
    film.provider._seeds["task-9"] = 5
    known = fold.fold(film.lock(), [LockEntry(job=first.job, tasks=(live,))])
    film.lock_path.write_text(lockfile.dumps(known), "utf-8")
    if not is_here:
        (tmp_path / "renders/fly/01.mp4").unlink()
    bought = list(film.provider.received)

    codes = [film.run()]
    kept = [line for line in film.listener.lines if " kept " in line]
    codes.append(film.run())

    after = film.lock().entries[JobId("fly/01")]
    assert (codes, film.provider.received) == ([Exit.DONE, Exit.DONE], bought)
    assert after.output is not None
    assert first.output is not None
    assert after.output.sha256 == first.output.sha256
    assert [r.superseded is not None for r in after.tasks].count(True) == 1
    assert "its job has a clip of the same definition" in kept[0]


def test_after_a_merge_a_clip_set_aside_that_others_continue_comes_back_before_one_to_come(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, chain(2))
    film.run()
    first = film.lock().entries[JobId("fly/01")]
    assert first.output is not None
    made = first.tasks[0]
    segments = film.jobs
    film.jobs = [replace(FOX, id=first.job, output=first.output.path)]
    film.run()
    film.jobs = segments
    other = replace(made, correlation_id=CorrelationId("c9"), task_id=TaskId("task-9"))
    live = replace(other, state=JobState.SUBMITTED, finished_at=None, cost=None)
    film.provider._tasks[TaskId("task-9")] = film.provider._tasks[TaskId("task-1")]
    film.provider._seeds["task-9"] = 5
    known = fold.fold(film.lock(), [LockEntry(job=first.job, tasks=(live,))])
    film.lock_path.write_text(lockfile.dumps(known), "utf-8")
    bought = list(film.provider.received)

    codes = [film.run(), film.run()]

    after = film.lock().entries[JobId("fly/01")]
    assert (codes, film.provider.received) == ([Exit.DONE, Exit.DONE], bought)
    assert after.output is not None
    assert after.output.sha256 == first.output.sha256


@pytest.mark.parametrize("is_here", [True, False])
def test_after_a_merge_the_clip_that_others_continue_is_the_one_in_its_place(
    tmp_path: Path, *, is_here: bool
) -> None:
    film = Film(tmp_path, chain(2))
    film.run()
    first = film.lock().entries[JobId("fly/01")]
    assert first.output is not None
    film.provider.finish_everything()
    theirs = replace(
        first.output, sha256="ab" * 32, made_by="c9", made_at=T0 + timedelta(days=9), size_bytes=7
    )
    other = replace(first.tasks[0], correlation_id=CorrelationId("c9"), task_id=TaskId("task-9"))
    later = LockEntry(job=first.job, tasks=(other,), output=theirs)
    film.lock_path.write_text(lockfile.dumps(fold.fold(film.lock(), [later])), "utf-8")
    if not is_here:
        (tmp_path / "renders/fly/01.mp4").unlink()
    bought = list(film.provider.received)

    codes = [film.run(), film.run()]

    after = film.lock().entries[JobId("fly/01")]
    assert (codes, film.provider.received) == ([Exit.DONE, Exit.DONE], bought)
    assert after.output is not None
    assert after.output.sha256 == first.output.sha256


def merged(film: Film, job_id: str, *, minutes: int = 99) -> Artifact:
    """Let another clone's clip of one of the film's jobs have come later; return our own."""
    found = film.lock().entries[JobId(job_id)]
    assert found.output is not None
    film.provider.finish_everything()
    theirs = replace(
        found.output,
        sha256="ab" * 32,
        made_by="c9",
        made_at=found.output.made_at + timedelta(minutes=minutes),
        size_bytes=7,
    )
    other = replace(found.tasks[0], correlation_id=CorrelationId("c9"), task_id=TaskId("task-9"))
    later = LockEntry(job=found.job, tasks=(other,), output=theirs)
    film.lock_path.write_text(lockfile.dumps(fold.fold(film.lock(), [later])), "utf-8")
    return found.output


@pytest.mark.parametrize("is_named", [True, False])
def test_a_pin_holds_for_the_clip_of_which_it_was_said(tmp_path: Path, *, is_named: bool) -> None:
    film = Film(tmp_path, chain(2))
    film.run()
    ours = merged(film, "fly/01")
    word = Pin(
        is_on=True,
        at=ours.made_at + timedelta(days=1),
        made_by=CorrelationId(ours.made_by) if is_named else CorrelationId("c9"),
    )
    known = fold.fold(film.lock(), [LockEntry(job=JobId("fly/01"), pin=word)])
    film.lock_path.write_text(lockfile.dumps(known), "utf-8")
    bought = list(film.provider.received)

    codes = [film.run(), film.run()]

    after = film.lock().entries[JobId("fly/01")]
    assert after.output is not None
    if is_named:
        assert (codes, film.provider.received) == ([Exit.DONE, Exit.DONE], bought)
        assert after.output.sha256 == ours.sha256
    else:  # theirs: the second segment does not continue it
        assert after.output.made_by == "c9"


def test_that_a_clip_is_fetched_again_says_nothing_to_a_merge(tmp_path: Path) -> None:
    film = rendered(tmp_path)
    before = output(film)
    (tmp_path / "renders/spin.mp4").unlink()

    assert film.run() is Exit.DONE
    assert output(film) == before


def test_a_good_clip_comes_back_in_place_of_one_that_differs(tmp_path: Path) -> None:
    film = rendered(tmp_path)
    good = output(film)
    wrong = replace(
        good,
        sha256="cd" * 32,
        made_by="c9",
        made_at=good.made_at + timedelta(days=1),
        differs=("3 s, not 4 s",),
    )
    other = replace(line(film).tasks[0], correlation_id=CorrelationId("c9"), task_id=TaskId("t9"))
    later = LockEntry(job=JobId("spin"), tasks=(other,), output=wrong)
    film.lock_path.write_text(lockfile.dumps(fold.fold(film.lock(), [later])), "utf-8")

    assert film.run() is Exit.DONE
    assert (output(film).sha256, film.provider.received) == (good.sha256, ["spin"])


def test_giving_up_a_lost_submit_buys_nothing_where_another_clones_clip_can_be_had(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [job("spin")])
    film.run()
    (tmp_path / "renders/spin.mp4").unlink()  # it is in another clone
    unknown = replace(
        line(film).tasks[0],
        correlation_id=CorrelationId("c9"),
        task_id=None,
        state=JobState.UNKNOWN,
        finished_at=None,
        cost=None,
    )
    known = fold.fold(film.lock(), [LockEntry(job=JobId("spin"), tasks=(unknown,))])
    film.lock_path.write_text(lockfile.dumps(known), "utf-8")
    film.provider.finish_everything()
    film.resubmit = (JobId("spin"),)

    codes = [film.run(), film.run()]

    assert (codes, film.provider.received) == ([Exit.DONE, Exit.DONE], ["spin"])
    assert [r.state for r in line(film).tasks if r.task_id is None] == [JobState.CANCELLED]


def test_a_disk_that_is_full_is_no_reason_to_buy_a_clip_again(tmp_path: Path) -> None:
    film = rendered(tmp_path)
    (tmp_path / "renders/spin.mp4").unlink()
    film.provider.finish_everything()
    film.provider.retrieve_errors["spin"] += [StorageError("no room")]
    film.resubmit = (JobId("spin"),)

    film.run()

    assert isinstance(film.errors[JobId("spin")], StorageError)
    assert film.provider.received == ["spin"]


def test_a_lost_clip_that_a_person_gave_up_does_not_come_back_for_what_was_made_of_it(
    tmp_path: Path,
) -> None:
    film, seeds = Film(tmp_path, chain(2)), count()
    film.provider.before = lambda *_: setattr(film.provider, "clip_seed", next(seeds))
    film.run()
    (tmp_path / "renders/fly/01.mp4").unlink()
    first = film.lock().entries[JobId("fly/01")]
    lost = replace(first.tasks[0], error=f"{LOST}no such task")
    known = fold.fold(film.lock(), [LockEntry(job=first.job, tasks=(lost,))])
    film.lock_path.write_text(lockfile.dumps(known), "utf-8")
    film.resubmit = (JobId("fly/01"),)
    film.stop_after_s = 100.0  # the successor is there, and what continues it is not

    film.run()
    film.resubmit, film.stop_after_s = (), None
    codes = [film.run(), film.run()]

    first, second = film.lock().entries[JobId("fly/01")], film.lock().entries[JobId("fly/02")]
    assert [record.is_given_up for record in first.tasks] == [True, False]
    assert codes == [Exit.DONE, Exit.DONE]
    assert film.provider.received == ["fly/01", "fly/02", "fly/01", "fly/02"]
    assert first.output is not None
    assert second.output is not None
    assert first.output.made_by == first.tasks[1].correlation_id


def test_bytes_that_are_another_jobs_clip_too_are_copied_and_not_taken_away(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("b", prompt="Blue."), job("c", prompt="Green.")])  # equal bytes
    film.run()
    film.jobs = [job("c", prompt="Blue.")]
    film.run()
    film.jobs = [job("c", prompt="Blue."), job("q", prompt="Green.")]

    codes = [film.run(), film.run()]

    assert (codes, film.provider.received) == ([Exit.DONE, Exit.DONE], ["b", "c"])
    assert {"renders/c.mp4", "renders/q.mp4"} <= files(tmp_path).keys()
    assert film.errors == {}


def test_a_picture_of_another_format_is_set_aside_and_a_persons_own_file_is_not(
    tmp_path: Path,
) -> None:
    film = pictures(tmp_path, picture("PNG"))
    film.run()
    film.jobs = [replace(STILL, prompt="Another.")]
    jpeg = RemoteFile(url="jpeg", kind=MediaKind.IMAGE)
    film.provider.answers["spin"].append(ended(pictures=(jpeg,)))
    film.provider.files = {"jpeg": [picture("JPEG")]}

    film.run()

    assert superseded(film) == [aside(picture("PNG"), "png"), None]
    assert output(film).path == "renders/spin.jpeg"
    assert files(tmp_path) == {
        "renders/spin.jpeg": picture("JPEG"),
        aside(picture("PNG"), "png"): picture("PNG"),
    }


def test_what_is_not_the_picture_that_was_there_is_left_where_it_is(tmp_path: Path) -> None:
    film = pictures(tmp_path, picture("PNG"))
    film.run()
    (tmp_path / "renders/spin.png").write_bytes(b"a person's own")
    film.jobs = [replace(STILL, prompt="Another.")]
    jpeg = RemoteFile(url="jpeg", kind=MediaKind.IMAGE)
    film.provider.answers["spin"].append(ended(pictures=(jpeg,)))
    film.provider.files = {"jpeg": [picture("JPEG")]}

    film.run()

    assert output(film).path == "renders/spin.jpeg"
    assert (tmp_path / "renders/spin.png").read_bytes() == b"a person's own"


def test_pictures_that_came_unasked_are_numbered_from_two_and_each_is_told(tmp_path: Path) -> None:
    colours = [picture("PNG", colour) for colour in ("red", "green", "blue")]
    film = pictures(tmp_path, *colours)

    code = film.run()

    assert (code, output(film).path) == (Exit.DONE, "renders/spin.png")
    assert told(film, "kept") == [
        f"renders/spin+{n}.png: one more picture than was asked for" for n in (2, 3)
    ]
    names = [f"renders/spin{mark}.png" for mark in ("", "+2", "+3")]
    assert files(tmp_path) == dict(zip(names, colours, strict=True))


@pytest.mark.parametrize("trouble", TROUBLES)
def test_one_of_them_that_cannot_be_kept_is_told_and_stops_nothing(
    tmp_path: Path, trouble: type[Exception]
) -> None:
    film = pictures(tmp_path, picture("PNG"), trouble("no"), picture("PNG", "blue"))

    code = film.run()

    assert (code, told(film, "done")) == (Exit.DONE, ["renders/spin.png"])
    assert told(film, "kept") == [
        "one more picture than was asked for cannot be kept as renders/spin+2.png: no",
        "renders/spin+3.png: one more picture than was asked for",
    ]


def test_a_second_clip_of_one_task_is_kept_beside_the_first(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    one, two = (RemoteFile(url=url, kind=MediaKind.VIDEO) for url in ("one", "two"))
    film.provider.answers["spin"].append(ended(video=one, more_videos=(two,)))
    film.provider.files = {"one": [clip_bytes()], "two": [clip_bytes(1)]}

    code = film.run()

    assert (code, told(film, "done")) == (Exit.DONE, ["renders/spin.mp4"])
    assert files(tmp_path) == {
        "renders/spin.mp4": clip_bytes(),
        "renders/spin+2.mp4": clip_bytes(1),
    }


@pytest.mark.parametrize("in_place", [clip_bytes(1), b"changed"], ids=["as it was", "changed"])
def test_a_clip_that_was_set_aside_comes_back_as_that_of_its_task(
    tmp_path: Path, in_place: bytes
) -> None:
    film = rendered(tmp_path)
    first = output(film)
    film.jobs = [HARE]
    film.run()
    (tmp_path / "renders/spin.mp4").write_bytes(in_place)
    named_otherwise(film)
    film.jobs = [FOX]

    code = film.run()

    back = output(film)
    assert (code, film.provider.received) == (Exit.DONE, ["spin", "spin"])
    assert replace(back, placed_at=None) == first
    assert back.placed_at is not None
    assert superseded(film) == [None, aside(in_place)]
    assert files(tmp_path) == {"renders/spin.mp4": clip_bytes(), aside(in_place): in_place}


def named_otherwise(film: Film) -> None:
    """Let the lock name another maker of the clip that was set aside."""
    kept, newest = line(film).tasks
    assert kept.superseded is not None
    other = replace(kept, superseded=replace(kept.superseded, made_by="another"))
    save(film, replace(line(film), tasks=(other, newest)))


def test_a_clip_that_a_person_keeps_moves_though_nobody_knows_which_task_made_it(
    tmp_path: Path,
) -> None:
    film = rendered(tmp_path)
    keeps = Pin(is_on=True, at=output(film).made_at)
    save(film, replace(line(film), tasks=(), pin=keeps))
    film.jobs = [replace(FOX, output="renders/other.mp4")]

    code = film.run()

    assert (code, film.provider.received) == (Exit.DONE, ["spin"])
    assert files(tmp_path) == {"renders/other.mp4": clip_bytes()}


def test_a_picture_that_a_person_renamed_gets_the_suffix_of_what_it_is(tmp_path: Path) -> None:
    film = pictures(tmp_path, picture("WEBP"))
    film.jobs = [replace(STILL, output="renders/old.png")]
    film.run()
    (tmp_path / "renders/old.webp").rename(tmp_path / "renders/spin.png")
    film.jobs = [STILL]

    code = film.run()

    assert (code, film.provider.received) == (Exit.DONE, ["spin"])
    assert files(tmp_path) == {"renders/spin.webp": picture("WEBP")}


def test_the_link_of_a_fresh_clip_is_given_to_the_segment_that_continues(tmp_path: Path) -> None:
    film = Film(tmp_path, chain(2))
    film.provider.render_s = 0.0

    code = film.run()

    assert (code, film.provider.polls) == (Exit.DONE, ["fly/01", "fly/02"])


def test_a_link_that_has_lapsed_is_not_given_to_the_segment_that_continues(tmp_path: Path) -> None:
    film = Film(tmp_path, chain(2))
    first = clip_for(film.jobs[0])
    lapsed = RemoteFile(url="lapsed", kind=MediaKind.VIDEO, expires_at=T0 - timedelta(days=400))
    film.provider.answers["fly/01"].append(ended(video=lapsed))
    film.provider.files = {"lapsed": [first]}
    film.provider.render_s = 0.0

    code = film.run()

    fresh = "https://scripted.example/fly/01.mp4?task=task-1&sig=secret"
    assert code is Exit.DONE
    assert film.provider.bodies["fly/02"]["media"] == {"fly/01": fresh}


def test_a_trouble_without_words_is_noted_by_its_kind(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.retrieve_errors["spin"] += [UnavailableError("")] * 100

    film.run()

    (record,) = line(film).tasks
    assert (record.state, record.error) == (JobState.SUCCEEDED, "UnavailableError")


def test_a_picture_comes_back_under_the_suffix_that_it_has(tmp_path: Path) -> None:
    film = pictures(tmp_path, picture("WEBP"))
    film.run()
    film.jobs = [replace(STILL, prompt="Another.")]
    jpeg = RemoteFile(url="jpeg", kind=MediaKind.IMAGE)
    film.provider.answers["spin"].append(ended(pictures=(jpeg,)))
    film.provider.files = {"jpeg": [picture("JPEG")]}
    film.run()
    film.jobs = [STILL]

    code = film.run()

    assert (code, film.provider.received) == (Exit.DONE, ["spin", "spin"])
    assert (output(film).path, superseded(film)) == (
        "renders/spin.webp",
        [None, aside(picture("JPEG"), "jpeg")],
    )


def test_a_clip_of_another_route_does_not_come_back_where_the_route_matters(
    tmp_path: Path,
) -> None:
    film = rendered(tmp_path)
    film.provider.name = "other"
    film.asked = Asked(route="other", is_identity=True)
    film.run()
    kept = aside(clip_bytes())
    film.jobs = [HARE]
    film.run()
    film.asked = Asked(route="third", is_identity=True)
    film.provider.name, film.jobs = "third", [FOX]

    film.run()

    assert film.provider.received == ["spin"] * 4
    assert (tmp_path / kept).read_bytes() == clip_bytes()


def test_a_clip_moves_to_the_place_that_it_is_given_now_and_keeps_its_date(
    tmp_path: Path,
) -> None:
    film = rendered(tmp_path)
    first = output(film)
    film.jobs = [replace(FOX, output="renders/other.mp4")]

    code = film.run()

    moved = output(film)
    assert (code, film.provider.received) == (Exit.DONE, ["spin"])
    assert moved == replace(first, path="renders/other.mp4", placed_at=moved.placed_at)
    assert files(tmp_path) == {"renders/other.mp4": clip_bytes()}


def test_a_clip_that_is_missing_is_fetched_to_the_place_that_it_is_given_now(
    tmp_path: Path,
) -> None:
    film = rendered(tmp_path)
    film.provider.finish_everything()
    (tmp_path / "renders/spin.mp4").unlink()
    film.jobs = [replace(FOX, output="renders/other.mp4")]

    code = film.run()

    assert (code, film.provider.received) == (Exit.DONE, ["spin"])
    assert files(tmp_path) == {"renders/other.mp4": clip_bytes()}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param(
            {"provider": "other"},
            "renders/spin.mp4 is missing; its task is at other: run with --provider other, put "
            "the file back, or buy it again with --resubmit spin",
            id="of another route",
        ),
        pytest.param(
            {"task_id": None},
            "renders/spin.mp4 is missing, and no provider has it: put the file back, or buy it "
            "again with --resubmit spin",
            id="without a task",
        ),
    ],
)
def test_a_clip_that_is_missing_and_can_be_fetched_nowhere_is_said_to_be(
    tmp_path: Path, fields: dict[str, Any], words: str
) -> None:
    film = rendered(tmp_path)
    (tmp_path / "renders/spin.mp4").unlink()
    rewrite(film, **fields)
    film.asked = Asked(route="scripted")

    code = film.run()

    assert (code, film.provider.received) == (Exit.UNDECIDED, ["spin"])
    assert told(film, "lost") == [words]


def test_a_clip_that_nobody_has_any_more_is_a_persons_to_decide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = rendered(tmp_path)
    film.provider.forgets_everything()
    (tmp_path / "renders/spin.mp4").unlink()
    later = clock.wall() + timedelta(days=8)
    monkeypatch.setattr(watch, "wall", lambda: later)

    codes = [film.run(), film.run()]

    (record,) = line(film).tasks
    assert (codes, film.provider.received) == ([Exit.UNDECIDED] * 2, ["spin"])
    assert (record.state, record.error) == (JobState.SUCCEEDED, "lost: no such task")
    assert told(film, "lost")[0] == (
        "renders/spin.mp4 is missing, and lost: no such task; each run asks once more: put the "
        "file back, or buy it again with --resubmit spin"
    )


def test_a_clip_that_its_provider_had_forgotten_and_has_again_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = rendered(tmp_path)
    known = dict(film.provider._tasks)
    film.provider.forgets_everything()
    (tmp_path / "renders/spin.mp4").unlink()
    later = clock.wall() + timedelta(days=8)
    monkeypatch.setattr(watch, "wall", lambda: later)
    assert film.run() is Exit.UNDECIDED

    film.provider._tasks.update(known)

    assert (film.run(), film.provider.received) == (Exit.DONE, ["spin"])
    assert (tmp_path / "renders/spin.mp4").exists()


def test_a_clip_that_is_not_what_was_asked_for_is_kept_and_said_to_differ(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin", duration_s=5)])
    short = RemoteFile(url="short", kind=MediaKind.VIDEO)
    film.provider.answers["spin"].append(ended(video=short))
    film.provider.files = {"short": [clip_bytes()]}

    codes = [film.run(), film.run()]

    assert (codes, film.provider.received) == ([Exit.UNDECIDED] * 2, ["spin"])
    assert output(film).differs == ("asked for 5 s, got 4 s",)
    assert files(tmp_path) == {"renders/spin.mp4": clip_bytes()}


def test_all_in_which_a_clip_differs_is_told_as_it_arrives(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin", duration_s=5, ratio="16:9")])
    short = RemoteFile(url="short", kind=MediaKind.VIDEO)
    film.provider.answers["spin"].append(ended(video=short))
    film.provider.files = {"short": [clip_bytes()]}

    film.run()

    assert told(film, "differs")[0] == (f"renders/spin.mp4: {'; '.join(output(film).differs)}")
    assert len(output(film).differs) == 2


@pytest.mark.parametrize(
    ("state", "kept"), [(TaskState.SUCCEEDED, True), (TaskState.FAILED, False)]
)
def test_a_task_whose_job_left_is_kept_aside_where_it_ended_well(
    tmp_path: Path, state: TaskState, *, kept: bool
) -> None:
    film = Film(tmp_path, [FOX], stop_after_s=5)
    film.run()
    film.stop_after_s, film.jobs = None, [job("other", prompt="Else.")]
    film.provider.finish_everything()
    if state is TaskState.FAILED:
        film.provider.ends_with("spin", state)
    film.provider.retrieve_errors["spin"].append(UnavailableError("broken"))

    code = film.run()

    strays = [name for name in files(tmp_path) if name.startswith("renders/.superseded/spin.")]
    words = [f"{name}: no job asks for it any more" for name in strays]
    assert (code, len(strays)) == (Exit.DONE, int(kept))
    assert [told_.partition(";")[0] for told_ in told(film, "kept")] == words
    assert film.provider.polls.count("spin") == 1 + kept  # once more for a fresh link


def test_a_clip_whose_job_left_and_that_does_not_come_is_asked_for_once_by_each_run(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [FOX], stop_after_s=5)
    film.run()
    film.stop_after_s, film.jobs = None, []
    film.provider.finish_everything()
    film.provider.retrieve_errors["spin"] += [UnavailableError("broken")] * 300

    waits = film.run()
    asked = film.provider.retrieve_errors["spin"].copy()
    looks = film.run()
    once = len(asked) - len(film.provider.retrieve_errors["spin"])
    film.provider.retrieve_errors.clear()
    comes = film.run()

    assert (waits, looks, once, comes) == (Exit.UNDECIDED, Exit.UNDECIDED, 1, Exit.DONE)
    assert list(files(tmp_path).values()).count(clip_bytes()) == 1
    assert film.provider.received == ["spin"]


def test_a_clip_whose_job_left_before_it_was_fetched_is_fetched_without_another_look(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [FOX], stop_after_s=17)
    film.provider.render_s = 10.0
    film.provider.retrieve_errors["spin"] += [UnavailableError("broken")] * 9
    film.run()
    state = film.state("spin")
    film.stop_after_s, film.jobs = None, [job("other", prompt="Else.")]
    film.provider.finish_everything()
    film.provider.retrieve_errors.clear()

    code = film.run()

    assert (state, code) == (JobState.SUCCEEDED, Exit.DONE)
    assert list(files(tmp_path).values()).count(clip_bytes()) == 2
    assert film.provider.received == ["spin", "other"]


def rewrite(film: Film, **fields: Any) -> None:
    """Let the lock say something else of the only task."""
    found = line(film)
    tasks: tuple[TaskRecord, ...] = tuple(replace(task, **fields) for task in found.tasks)
    save(film, replace(found, tasks=tasks))


def save(film: Film, entry: LockEntry) -> None:
    changed = replace(film.lock(), entries={entry.job: entry})
    film.lock_path.write_text(lockfile.dumps(changed), "utf-8")


def test_a_clip_that_comes_again_with_other_bytes_makes_nothing_stale(tmp_path: Path) -> None:
    chain = [job("fly/01"), job("fly/02", needs=(JobId("fly/01"),), mode=Mode.V2V)]
    film = Film(tmp_path, chain)
    film.run()
    shutil.rmtree(tmp_path / "renders")
    film.provider._seeds = dict.fromkeys(film.provider._seeds, 7)

    codes = [film.run()]
    said = [line for line in film.listener.lines if " kept " in line]
    codes.append(film.run())

    first = film.lock().entries[JobId("fly/01")].output
    assert (codes, film.provider.received) == ([Exit.DONE] * 2, ["fly/01", "fly/02"])
    assert first is not None
    assert (first.known_as, first.identity == first.sha256) == (first.identity, False)
    assert len(said) == 2


def test_a_clip_is_compared_with_what_its_task_was_bought_for(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin", duration_s=8)], stop_after_s=17)
    film.run()
    film.stop_after_s, film.keep_stale = None, True
    film.jobs = [job("spin", duration_s=4)]
    film.provider.finish_everything()
    film.provider._asked["spin"] = film.jobs[0]  # it comes shorter than was paid for

    assert film.run() is Exit.UNDECIDED
    assert output(film).differs == ("asked for 8 s, got 4 s",)


def test_a_clip_that_gives_way_in_anothers_place_is_noted_where_it_went(tmp_path: Path) -> None:
    film = rendered(tmp_path)
    film.jobs = [replace(FOX, prompt="Another.")]
    film.run()
    old, new = line(film).tasks
    assert old.superseded is not None
    kept = output(film)
    (tmp_path / kept.path).rename(tmp_path / "renders/moved.mp4")  # by an exchange, say
    (tmp_path / old.superseded.path).rename(tmp_path / kept.path)
    stale = replace(old, superseded=replace(old.superseded, path=kept.path, placed_at=None))
    entries = {
        JobId("spin"): replace(
            line(film), tasks=(stale, new), output=replace(kept, path="renders/moved.mp4")
        )
    }
    film.lock_path.write_text(lockfile.dumps(Lock(manifest="film.yaml", entries=entries)), "utf-8")

    code = film.run()

    found = line(film).tasks[0].superseded
    assert (code, output(film).path) == (Exit.DONE, "renders/spin.mp4")
    assert found is not None
    assert digest((tmp_path / found.path).read_bytes()) == found.sha256
    assert len(film.provider.received) == 2


def test_a_clip_of_a_job_that_left_is_known_where_it_went_when_it_gives_way(tmp_path: Path) -> None:
    other = job("other", duration_s=5)
    film = Film(tmp_path, [FOX, other])
    film.run()
    theirs = film.lock().entries[other.id].output
    assert theirs is not None
    (tmp_path / theirs.path).rename(tmp_path / "renders/spin.mp4")  # by an exchange, say
    film.jobs = [HARE]

    film.run()

    after = film.lock().entries[other.id].output
    assert after is not None
    assert after.path != theirs.path
    assert digest((tmp_path / after.path).read_bytes()) == theirs.sha256
    film.jobs = [HARE, other]
    assert (film.run(), len(film.provider.received)) == (Exit.DONE, 3)
    assert digest((tmp_path / theirs.path).read_bytes()) == theirs.sha256


def test_a_store_that_asks_for_a_day_is_asked_once_more_all_the_same(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.retrieve_errors["spin"] += [RateLimitedError("later", retry_after_s=86_400.0)]

    assert (film.run(), film.provider.received) == (Exit.DONE, ["spin"])
