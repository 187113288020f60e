"""What came is not what was asked for: it is kept as what it is, and the lock and people know."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from seedrender.plan.decision import Verdict
from seedrender.plan.outcome import Exit
from seedrender.run.verify import verify
from seedrender.values.job import Job, JobId
from seedrender.values.task import Artifact, RemoteFile, Task, TaskId
from tests.builders import job
from tests.containers import contained
from tests.run.test_executor import Film
from tests.scripted import Scripted, clip_bytes

SPIN = job("spin")


class Sends(Scripted):
    """Sends what a test says."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.content = content

    async def poll(self, task_id: TaskId, *, hold: bool = False) -> Task:
        task = await super().poll(task_id, hold=hold)
        if task.video is None:
            return task
        return replace(task, video=replace(task.video, size_bytes=len(self.content)))

    async def retrieve(self, file: RemoteFile) -> AsyncGenerator[bytes, None]:
        del file
        yield self.content


def film(folder: Path, form: str, *jobs: Job) -> tuple[Film, Sends]:
    provider = Sends(contained(form))
    return Film(folder, jobs or (SPIN,), provider=provider), provider


def output(found: Film, name: str = "spin") -> Artifact:
    kept = found.lock().entries[JobId(name)].output
    assert kept is not None
    return kept


def names(folder: Path) -> set[str]:
    files = (path for path in (folder / "renders").rglob("*") if path.is_file())
    return {path.relative_to(folder / "renders").as_posix() for path in files}


@pytest.mark.parametrize("form", ["webm", "gif", "mov", "mkv"])
def test_a_clip_is_named_after_its_container_and_is_current(tmp_path: Path, form: str) -> None:
    found, _ = film(tmp_path, form)

    codes = [found.run()]
    lines = found.listener.lines
    before = found.lock_path.read_bytes()
    codes.append(found.run())

    assert codes == [Exit.UNDECIDED, Exit.UNDECIDED]
    assert names(tmp_path) == {f"spin.{form}"}
    assert output(found).differs == (f"asked for mp4, got {form}",)
    assert f"spin differs renders/spin.{form}: asked for mp4, got {form}" in lines
    assert found.lock_path.read_bytes() == before
    assert [step.verdict for step in found.plan().steps] == [Verdict.DIFFERS]
    assert [finding.wrong for finding in verify(found.lock(), tmp_path)] == [""]


def test_all_that_differs_is_said_and_kept(tmp_path: Path) -> None:
    asked = job("spin", duration_s=5, resolution="480p", ratio="16:9", audio=True)
    found, _ = film(tmp_path, "mp4", asked)

    assert found.run() is Exit.UNDECIDED
    assert output(found).differs == (
        "asked for 480p, got 64x64",
        "asked for 16:9, got 64x64",
        "asked for 5 s, got 2 s",
        "asked for sound, got none",
    )


def test_what_is_as_it_was_asked_for_leaves_no_trace(tmp_path: Path) -> None:
    found = Film(tmp_path, [job("spin", duration_s=4, ratio="1:1", audio=False)])

    found.run()

    assert output(found).differs == ()
    assert "differs" not in found.lock_path.read_text()


def test_a_clip_that_is_lost_comes_again_under_its_own_name(tmp_path: Path) -> None:
    found, provider = film(tmp_path, "webm")
    found.run()
    (tmp_path / "renders/spin.webm").unlink()
    provider.finish_everything()

    found.run()

    assert names(tmp_path) == {"spin.webm"}
    assert provider.received == ["spin"]
    assert output(found).differs == ("asked for mp4, got webm",)


def test_a_clip_of_another_container_is_set_aside_and_comes_back(tmp_path: Path) -> None:
    found, provider = film(tmp_path, "webm")
    found.run()
    first = output(found)
    found.jobs = [replace(SPIN, prompt="A fox.")]
    provider.content = clip_bytes()
    found.run()
    replaced = names(tmp_path)
    found.jobs = [SPIN]
    found.run()

    assert replaced == {"spin.mp4", f".superseded/spin.{first.sha256[:12]}.webm"}
    assert names(tmp_path) == {"spin.webm", f".superseded/spin.{_sha(tmp_path)}.mp4"}
    assert (output(found).path, output(found).differs) == (first.path, first.differs)
    assert provider.received == ["spin", "spin"]
    assert found.run() is Exit.UNDECIDED


def _sha(folder: Path) -> str:
    (kept,) = (folder / "renders/.superseded").glob("*.mp4")
    return kept.name.split(".")[1]


def test_a_clip_moves_with_its_job_and_keeps_its_suffix(tmp_path: Path) -> None:
    found, provider = film(tmp_path, "gif")
    found.run()
    found.jobs = [replace(SPIN, output="renders/film/spin.mp4")]

    found.run()

    assert names(tmp_path) == {"film/spin.gif"}
    assert provider.received == ["spin"]
