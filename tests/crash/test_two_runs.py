"""Two runs on one lock, by whatever path; a holder that stops, and one that dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FILM = """\
seedrender: 1
name: film
provider: sim
defaults: {tier: mini, resolution: 480p, duration: 4, audio: false}
run: {poll: {first: 0.5s, interval: 0.2s, max_interval: 0.5s}}
shots:
  spin: {prompt: "A kite, number {{ n }}.", matrix: {n: [1, 2]}}
"""
HELD = 3


def start(folder: Path, manifest: str, speed: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "seedrender", "run", manifest, "--sim-speed", str(speed)]
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=folder, text=True, **streams)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out + err


@contextmanager
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A run whose tasks take long; it is killed at the end if it still runs."""
    process = start(folder, "film.yaml", 1)
    journal = folder / "film.lock.journal"
    deadline = time.monotonic() + 60
    while not (journal.exists() and journal.read_text().count('"task_id"') >= 2):
        assert time.monotonic() < deadline, "the journal never named two tasks"
        assert process.poll() is None, ended(process)
        time.sleep(0.01)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "film"
    folder.mkdir()
    (folder / "film.yaml").write_text(FILM)
    return folder


def bought(folder: Path) -> list[str]:
    """Return the prompt of every task in the embedded simulator's ledger."""
    lines = (folder / ".seedrender" / "sim" / "film" / "ledger.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return [record["task"]["body"]["prompt"] for record in records if "task" in record]


@pytest.mark.parametrize("way", ["relative", "absolute", "linked folder", "linked lockfile"])
def test_a_second_run_by_another_path_is_refused_and_names_the_holder(
    folder: Path, tmp_path: Path, way: str
) -> None:
    place, manifest = folder, "film.yaml"
    if way == "absolute":
        place, manifest = tmp_path, str(folder / "film.yaml")
    if way == "linked folder":
        place, manifest = tmp_path, "link/film.yaml"
        (tmp_path / "link").symlink_to(folder)
    if way == "linked lockfile":
        place = tmp_path / "other"
        place.mkdir()
        (tmp_path / ".git").mkdir()  # links stay inside a repository
        (place / "film.yaml").write_text(FILM)
        (place / "film.lock").symlink_to(Path("..") / "film" / "film.lock")

    with holder(folder) as first:
        code, words = ended(start(place, manifest, 600))
        count = len(bought(folder))

    assert code == HELD, words
    assert f"process {first.pid} " in words
    assert count == 2
    assert not (place / ".seedrender").exists() or place == folder


def test_a_linked_lockfile_stays_a_link(folder: Path) -> None:
    lock = folder / "shared" / "film.lock"
    lock.parent.mkdir()
    (folder / "film.lock").symlink_to(lock)

    code, words = ended(start(folder, "film.yaml", 600))
    again, told = ended(start(folder, "film.yaml", 600))

    assert (code, again) == (0, 0), words + told
    assert (folder / "film.lock").is_symlink()
    assert lock.read_text().count('"done"') == 2


def test_a_holder_that_is_stopped_still_holds_and_one_that_died_does_not(folder: Path) -> None:
    with holder(folder) as first:
        first.send_signal(signal.SIGSTOP)
        stopped, words = ended(start(folder, "film.yaml", 600))
        os.kill(first.pid, signal.SIGKILL)
        first.wait()

        code, told = ended(start(folder, "film.yaml", 600))

    assert stopped == HELD, words
    assert code == 0, told
    assert Counter(bought(folder)) == {"A kite, number 1.": 1, "A kite, number 2.": 1}


def test_of_many_runs_that_start_at_once_one_buys(folder: Path) -> None:
    processes = [start(folder, "film.yaml", 300) for _ in range(5)]

    ends = [ended(process) for process in processes]

    assert {code for code, _ in ends} <= {0, HELD}, ends
    assert 0 in {code for code, _ in ends}
    assert Counter(bought(folder)) == {"A kite, number 1.": 1, "A kite, number 2.": 1}
