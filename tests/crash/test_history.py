"""A lockfile that is stashed, restored or deleted: what it knew was paid for."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.lock import fold, lockfile
from seedrender.run import upkeep
from seedrender.run.project import Project
from seedrender.values.entry import JobState, Lock
from seedrender.values.job import JobId
from tests.crash import oracle
from tests.crash.film import FIRST, STALE, Film, started

MEMORY = Path(".seedrender") / "film.lock"
HELD = 3
UNKNOWN = 6


@pytest.fixture
def film(tmp_path: Path) -> tuple[Film, Project, bytes]:
    """Render two versions of a film; return it with the first one's lockfile."""
    film, loaded = started(tmp_path, "modellix", STALE)
    first = loaded.lock_path.read_bytes()
    ended = film.run(loaded)
    assert (ended.code, len(ended.tasks)) == (0, 3), ended.words
    return film, loaded, first


@pytest.mark.parametrize("way", ["stashed", "deleted"])
def test_what_the_lockfile_has_forgotten_is_taken_over_and_not_bought_again(
    film: tuple[Film, Project, bytes], way: str
) -> None:
    rendering, loaded, first = film
    whole = submits(loaded)
    loaded.lock_path.unlink()
    if way == "stashed":
        loaded.lock_path.write_bytes(first)

    ended = rendering.run(loaded)
    again = rendering.run(loaded)

    assert (ended.code, len(ended.tasks)) == (0, 3), ended.words
    assert (again.code, len(again.tasks)) == (0, 3), again.words
    assert submits(loaded) == whole
    assert oracle.violations(ended.tasks, remembered(loaded), rendering.folder) == []


def submits(loaded: Project) -> set[str]:
    entries = lockfile.loads(loaded.lock_path.read_text(), "film.lock").entries.values()
    return {str(record.correlation_id) for entry in entries for record in entry.tasks}


def remembered(loaded: Project) -> Lock:
    """Return everything that is known, with what is in the lockfile no more."""
    memory = lockfile.loads((loaded.path.parent / MEMORY).read_text(), "film.lock")
    return fold.fold(loaded.read_lock(), memory.entries.values())


def test_a_plan_says_beforehand_what_is_remembered(film: tuple[Film, Project, bytes]) -> None:
    rendering, loaded, _ = film
    loaded.lock_path.unlink()

    status = CliRunner().invoke(cli, ["status", str(loaded.path)], obj=State()).output
    said = call("plan", loaded.path, "--json")
    text = CliRunner().invoke(cli, ["plan", str(loaded.path)], obj=State()).output

    assert said["refusal"] is None
    assert {job["plan"] for job in said["jobs"]} == {"resume"}, said
    assert "remembered in .seedrender: only the lock changes" in text
    assert "3 paid tasks are remembered in .seedrender/film.lock and not in film.lock" in status
    assert (rendering.run(loaded).code, rendering.run(loaded).code) == (0, 0)


def call(command: str, *words: object) -> dict[str, Any]:
    done = CliRunner().invoke(cli, [command, *map(str, words)], obj=State())
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_what_a_segment_would_be_is_known_late_and_taken_over_then(tmp_path: Path) -> None:
    rendering = Film(tmp_path, "modellix")
    rendering.write('chains: {fly: {segments: [{prompt: "It flies."}, {prompt: "On."}]}}\n')
    loaded = rendering.load()
    rendering.run(loaded)
    lock = loaded.read_lock()
    parent = lock.entries[JobId("fly/01")]
    (task,) = parent.tasks
    early = replace(parent, tasks=(replace(task, state=JobState.SUBMITTED),), output=None)
    older = Lock(manifest=lock.manifest, entries={parent.job: early})
    loaded.lock_path.write_text(lockfile.dumps(older))

    ended = rendering.run(loaded)

    assert (ended.code, len(ended.tasks)) == (0, 2), ended.words
    assert JobId("fly/02") in loaded.read_lock().entries


def test_a_lockfile_that_comes_back_is_all_that_is_needed(
    film: tuple[Film, Project, bytes],
) -> None:
    rendering, loaded, first = film
    whole = loaded.lock_path.read_bytes()
    loaded.lock_path.write_bytes(first)
    rendering.run(loaded)
    loaded.lock_path.write_bytes(whole)

    again = rendering.run(loaded)

    assert (again.code, len(again.tasks)) == (0, 3)


def test_what_is_remembered_is_paid_again_only_where_a_person_forgets_it(
    film: tuple[Film, Project, bytes],
) -> None:
    rendering, loaded, first = film
    loaded.lock_path.write_bytes(first)
    by_name = rendering.run(loaded, resubmit=["again"])
    loaded.lock_path.write_bytes(first)
    (rendering.folder / MEMORY).unlink()
    unexplained = rendering.run(loaded)
    (rendering.folder / "renders" / "again.mp4").unlink()
    forgotten = rendering.run(loaded)

    assert [by_name.code, unexplained.code, forgotten.code] == [0, UNKNOWN, 0]
    assert [len(ended.tasks) for ended in (by_name, unexplained, forgotten)] == [3, 3, 4]


def test_another_branch_with_other_shots_buys_what_it_lacks(
    film: tuple[Film, Project, bytes],
) -> None:
    rendering, loaded, first = film
    loaded.lock_path.write_bytes(first)
    rendering.write(FIRST.replace("A boat.", "A ship."))

    other = rendering.run(rendering.load())

    assert (other.code, len(other.tasks)) == (0, 4), other.words


def test_what_a_person_prunes_is_forgotten(film: tuple[Film, Project, bytes]) -> None:
    rendering, _, _ = film
    remembered = (rendering.folder / MEMORY).read_text()
    rendering.write('shots: {again: {prompt: "A kite."}}\n')

    asyncio.run(upkeep.prune_lock(rendering.load(), is_done=True, with_clips=False))

    assert '"job": "moves"' in remembered
    assert '"job": "moves"' not in (rendering.folder / MEMORY).read_text()


def test_a_memory_that_cannot_be_read_stops_buying_until_it_is_repaired(
    film: tuple[Film, Project, bytes],
) -> None:
    rendering, loaded, first = film
    memory = rendering.folder / MEMORY
    loaded.lock_path.write_bytes(first)
    memory.write_bytes(memory.read_bytes().replace(b'"state": "succeeded"', b'"state": "?"', 1))
    harmed = memory.read_bytes()
    (rendering.folder / "renders" / "again.mp4").unlink()

    planned = call("plan", loaded.path, "--json")
    refused = rendering.run(loaded)
    mended = call("lock", "repair", loaded.path, "--json")
    again = rendering.run(loaded)
    upkeep.merge_files(loaded.lock_path, loaded.path.name, [memory])
    last = rendering.run(loaded)

    assert (refused.code, len(refused.tasks)) == (HELD, 3)
    assert refused.words == planned["refusal"]
    assert "`seedrender lock repair " in refused.words
    assert mended["kept"] == [".seedrender/film.lock.damaged-1"]
    assert memory.with_name("film.lock.damaged-1").read_bytes() == harmed
    assert (again.code, len(again.tasks)) == (UNKNOWN, 3)  # its task may be the one of that line
    assert len(last.tasks) == 3, last.words


def test_a_memory_that_cannot_be_read_stops_no_run_that_buys_nothing(
    film: tuple[Film, Project, bytes],
) -> None:
    rendering, loaded, _ = film
    (rendering.folder / MEMORY).write_bytes(b"\xff{")
    (rendering.folder / "renders" / "again.mp4").unlink()

    ended = rendering.run(loaded)

    assert (ended.code, len(ended.tasks)) == (0, 3), ended.words
    assert (rendering.folder / MEMORY).read_bytes() == b"\xff{"


def test_a_rehearsal_leaves_no_memory(tmp_path: Path) -> None:
    rendering, loaded = started(tmp_path, "sim", STALE)

    assert rendering.run(loaded).code == 0
    assert not (tmp_path / MEMORY).exists()
