from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from seedrender.cli.console import State
from seedrender.cli.main import cli

BEFORE = """seedrender: 1
name: film
shots:
  start: {prompt: A kite., output: kite.mp4}
  grid: {prompt: "A {{ c }} dog.", matrix: {c: [red, blue]}, takes: 2}
chains:
  fly: {prompt: One shot., duration: 20}
"""
RENAMES = """moved:
  - {from: start, to: opener}
  - {from: grid, to: dogs}
  - {from: fly, to: flight}
"""


def seedrender(*args: str) -> Result:
    return CliRunner().invoke(cli, args, obj=State(), standalone_mode=False)


def task_ids(folder: Path) -> set[str]:
    lines = (folder / "film.lock").read_text("utf-8").splitlines()[1:]
    return {task["task_id"] for line in lines for task in json.loads(line).get("tasks", ())}


def test_a_rename_buys_nothing_and_is_written_once(tmp_path: Path) -> None:
    manifest = tmp_path / "film.yaml"
    manifest.write_text(BEFORE, "utf-8")
    first = seedrender("run", str(manifest), "--sim-speed", "600")
    bought = task_ids(tmp_path)
    after = BEFORE.replace("start:", "opener:").replace("grid:", "dogs:").replace("fly:", "flight:")
    manifest.write_text(after + RENAMES, "utf-8")

    planned = seedrender("plan", str(manifest), "--json")
    second = seedrender("run", str(manifest), "--sim-speed", "600")
    third = seedrender("plan", str(manifest), "--check")

    assert (first.return_value, second.return_value, third.return_value) == (0, 0, 0)
    assert [job["will_submit"] for job in json.loads(planned.output)["jobs"]] == [False] * 7
    assert task_ids(tmp_path) == bought
    assert "start" not in (tmp_path / "film.lock").read_text("utf-8")
    manifest.write_text(after, "utf-8")  # the rename is in the lock: the key may go
    assert seedrender("plan", str(manifest), "--check").return_value == 0


def test_a_manifest_that_is_moved_without_its_lockfile_buys_nothing_again(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    for folder in ("old", "new", "copy"):
        (tmp_path / folder).mkdir()
    manifest = tmp_path / "old/film.yaml"
    manifest.write_text(BEFORE, "utf-8")
    assert seedrender("run", str(manifest), "--sim-speed", "600").return_value == 0
    (tmp_path / "copy/film.yaml").write_text(BEFORE, "utf-8")
    copied = seedrender("plan", str(tmp_path / "copy/film.yaml"), "--json")
    now = manifest.rename(tmp_path / "new/film.yaml")

    planned = seedrender("plan", str(now), "--json")
    ran = seedrender("run", str(now), "--sim-speed", "600")

    assert all(job["will_submit"] for job in json.loads(copied.output)["jobs"])
    assert not any(job["will_submit"] for job in json.loads(planned.output)["jobs"])
    assert (ran.return_value, "submitted" in ran.output) == (0, False)
    assert task_ids(tmp_path / "new") == task_ids(tmp_path / "old")
    for clip in (tmp_path / "old/renders").glob("*.mp4"):
        assert (tmp_path / "new/renders" / clip.name).read_bytes() == clip.read_bytes()


def test_a_renamed_manifest_has_a_lockfile_of_its_own_after_a_run_that_does_nothing(
    tmp_path: Path,
) -> None:
    (tmp_path / "film.yaml").write_text(BEFORE, "utf-8")
    assert seedrender("run", str(tmp_path / "film.yaml"), "--sim-speed", "600").return_value == 0
    bought = task_ids(tmp_path)
    now = (tmp_path / "film.yaml").rename(tmp_path / "movie.yaml")

    ran = seedrender("run", str(now))

    assert ran.return_value == 0
    (tmp_path / "movie.lock").rename(tmp_path / "film.lock")
    assert task_ids(tmp_path) == bought
