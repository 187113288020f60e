"""Real runs whose files are taken away while they go on, and a second run beside them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.run.git import IDENTITY
from tests.run.test_processes import KEY, ended, ledger, run, simulator, start, wait_for

__all__ = ["simulator"]
MANIFEST = """\
seedrender: 1
name: film
provider: modellix
defaults: {tier: mini, resolution: 480p, duration: 4, audio: false}
run: {concurrency: 2, poll: {first: 1s, interval: 0.3s, max_interval: 0.3s}}
shots:
  spin: {prompt: "A kite, number {{ n }}.", matrix: {n: [1, 2, 3, 4]}}
"""
HELD = 3
SHIM = """\
#include <errno.h>
int flock(int file, int operation) { errno = ENOLCK; return -1; }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "film"
    folder.mkdir()
    (folder / "film.yaml").write_text(MANIFEST)
    return folder


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, env=IDENTITY, check=True)  # noqa: S607


def commit(folder: Path) -> None:
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "x")


def remove(folder: Path) -> None:
    (folder / "film.lock.journal").unlink()


def clean(folder: Path) -> None:
    git(folder, "clean", "-fdxq")


def stash(folder: Path) -> None:
    git(folder, "stash", "-uq")


def save_and_clean(folder: Path) -> None:
    (folder / "new").write_text(MANIFEST + "# saved by an editor\n")
    (folder / "new").rename(folder / "film.yaml")
    clean(folder)


@pytest.mark.parametrize("meddle", [remove, clean, stash, save_and_clean])
def test_a_run_whose_files_are_removed_stops_buying_and_a_second_one_buys_nothing(
    folder: Path, simulator: str, meddle: Callable[[Path], None]
) -> None:
    route = {"MODELLIX_BASE_URL": simulator, "MODELLIX_API_KEY": KEY}
    commit(folder)
    (folder / "film.yaml").write_text(MANIFEST + "# changed\n")
    first = start(folder, **route)
    wait_for(folder, '"submitted"', count=2)

    meddle(folder)
    first.send_signal(signal.SIGSTOP)  # it can look at nothing before the second one begins
    second, _, refusal = run(folder, **route)
    first.send_signal(signal.SIGCONT)
    code, out, err = ended(first)
    bought = len(ledger(simulator)["tasks"])
    again = run(folder, **route)

    assert (code, second) == (3, 3), out + err + refusal
    # where the manifest was exchanged too, only the mark on the folder is left: it has no name
    named = f"process {first.pid}" in refusal
    assert named or (meddle is save_and_clean or meddle is stash)
    assert named or "whose hold file was removed" in refusal
    assert refusal.endswith("nothing was sent\n")
    assert "film.lock.journal" in err
    assert "removed or replaced during the run" in err
    assert "has everything that happened, and nothing is lost: run again to go on" in err
    assert "Traceback" not in err
    assert again[0] == 0, again
    tasks = ledger(simulator)["tasks"]
    assert 1 <= bought <= len(tasks)
    assert len(tasks) == len({task["request_id"] for task in tasks}) == 4
    assert (folder / "film.lock").read_text().count('"done"') == 4


def test_an_editor_that_saves_the_manifest_ends_no_run(folder: Path, simulator: str) -> None:
    route = {"MODELLIX_BASE_URL": simulator, "MODELLIX_API_KEY": KEY}
    first = start(folder, **route)
    wait_for(folder, '"submitted"', count=2)

    (folder / "new").write_text(MANIFEST)
    (folder / "new").rename(folder / "film.yaml")
    first.send_signal(signal.SIGSTOP)
    second, _, refusal = run(folder, **route)
    first.send_signal(signal.SIGCONT)
    code, out, err = ended(first)

    assert (code, second) == (0, 3), out + err + refusal
    assert f"process {first.pid}" in refusal
    assert len(ledger(simulator)["tasks"]) == 4


def test_two_manifests_of_one_folder_run_at_once(folder: Path, simulator: str) -> None:
    route = {"MODELLIX_BASE_URL": simulator, "MODELLIX_API_KEY": KEY}
    other_film = MANIFEST.replace("kite", "boat") + "output: {dir: others}\n"
    (folder / "other.yaml").write_text(other_film)
    first = start(folder, **route)
    wait_for(folder, '"submitted"')

    other = subprocess.run(
        [*first.args[:-1], "other.yaml"],  # type: ignore[index]  # it is a list
        cwd=folder,
        env={**os.environ, **route},
        capture_output=True,
        text=True,
        check=False,
    )
    code, out, err = ended(first)

    assert (code, other.returncode) == (0, 0), out + err + other.stderr
    assert len(ledger(simulator)["tasks"]) == 8


def test_make_renders_several_manifests_of_one_folder_at_once(folder: Path) -> None:
    names = [f"film{n}" for n in range(6)]
    for name in names:
        text = MANIFEST.replace("modellix", "sim").replace("kite", name)
        (folder / f"{name}.yaml").write_text(text + f"output: {{dir: {name}}}\n")
    seedrender = Path(sys.executable).with_name("seedrender")
    (folder / "Makefile").write_text(
        f".PHONY: {' '.join(names)}\nall: {' '.join(names)}\n{' '.join(names)}:\n\t@{seedrender} run $@.yaml --sim-speed 600\n"
    )

    made = [
        subprocess.run(
            ["make", "-j4"],  # noqa: S607
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        for _ in range(2)
    ]

    assert [done.returncode for done in made] == [0, 0], made[0].stderr
    assert made[1].stdout.count("Everything is done: 4 current") == 6
    assert len([*folder.glob("film*/spin/*.mp4"), *folder.glob("film*/spin-*.mp4")]) == 24


@pytest.fixture
def no_locks(tmp_path: Path) -> dict[str, str]:
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no gcc; tests/project/test_hold.py has it without one")
    library = tmp_path / "no_locks.so"
    (tmp_path / "no_locks.c").write_text(SHIM)
    command = [compiler, "-shared", "-fPIC", "-o", str(library), str(tmp_path / "no_locks.c")]
    subprocess.run(command, check=True)
    return {"LD_PRELOAD": str(library)}


def test_a_folder_without_locks_is_held_all_the_same(
    folder: Path, simulator: str, no_locks: dict[str, str]
) -> None:
    route = {"MODELLIX_BASE_URL": simulator, "MODELLIX_API_KEY": KEY, **no_locks}
    first = start(folder, **route)
    wait_for(folder, '"submitted"', count=2)

    first.send_signal(signal.SIGSTOP)
    second, _, refusal = run(folder, **route)
    first.send_signal(signal.SIGCONT)
    code, out, err = ended(first)

    assert (code, second) == (0, HELD), out + err + refusal
    assert f"process {first.pid}" in refusal
    assert not (folder / ".seedrender" / "film.lock.hold").exists()
    assert len(ledger(simulator)["tasks"]) == 4


def test_without_locks_a_run_that_was_killed_is_named_with_what_to_do(
    folder: Path, simulator: str, no_locks: dict[str, str]
) -> None:
    route = {"MODELLIX_BASE_URL": simulator, "MODELLIX_API_KEY": KEY, **no_locks}
    first = start(folder, **route)
    wait_for(folder, '"submitted"', count=2)
    first.kill()
    ended(first)

    refused = run(folder, **route)
    (folder / ".seedrender" / "film.lock.hold").unlink()
    code, out, err = run(folder, **route)

    assert refused[0] == HELD
    assert f"was left by process {first.pid} on " in refused[2]
    assert "rm .seedrender/film.lock.hold; nothing was sent" in refused[2]
    assert code == 0, out + err
    assert len(ledger(simulator)["tasks"]) == 4


@pytest.mark.parametrize(
    ("text", "word"),
    [("", "is empty"), ("<<<<<<< x\n", "conflict markers"), ("\x00\xff", "film.lock")],
)
def test_a_lockfile_that_becomes_garbage_during_a_run_costs_nothing(
    folder: Path, simulator: str, text: str, word: str
) -> None:
    route = {"MODELLIX_BASE_URL": simulator, "MODELLIX_API_KEY": KEY}
    run(folder, "spin/1", **route)
    first = start(folder, **route)
    wait_for(folder, '"submitted"', count=2)

    (folder / "film.lock").write_bytes(text.encode("latin-1"))
    code, out, err = ended(first)
    again = run(folder, **route)

    assert (code, again[0]) == (0, 0), out + err
    assert word in err
    assert "the file is kept as film.lock.aside-1" in err
    assert (folder / "film.lock.aside-1").read_bytes() == text.encode("latin-1")
    assert len(ledger(simulator)["tasks"]) == 4
    assert (folder / "film.lock").read_text().count('"done"') == 4


@pytest.mark.parametrize("moved", ["", "lock", "lock journal", "lock journal memory"])
def test_a_film_that_is_renamed_in_flight_buys_nothing_again(
    folder: Path, simulator: str, moved: str
) -> None:
    route = {"MODELLIX_BASE_URL": simulator, "MODELLIX_API_KEY": KEY}
    first = start(folder, **route)
    wait_for(folder, '"submitted"')
    first.kill()
    first.communicate()
    (folder / "film.yaml").rename(folder / "movie.yaml")
    names = {"lock": "{}.lock", "journal": "{}.lock.journal", "memory": ".seedrender/{}.lock"}
    for what in moved.split():
        before = folder / names[what].format("film")
        if before.exists():
            before.rename(folder / names[what].format("movie"))

    codes = [
        subprocess.run(
            [*first.args[:-1], "movie.yaml"],  # type: ignore[index]  # it is a list
            cwd=folder,
            env={**os.environ, **route},
            capture_output=True,
            check=False,
        ).returncode
        for _ in range(2)
    ]

    prompts = [task["prompt"] for task in ledger(simulator)["tasks"]]
    assert (codes[1] in (0, 6), len(prompts), len(set(prompts))) == (True, 4, 4)


def without_journal(folder: Path) -> Path:
    remove(folder)
    return folder


def stashed(folder: Path) -> Path:
    (folder / "film.yaml").write_text(MANIFEST + "# changed\n")
    stash(folder)
    return folder


def folder_renamed_by_git(folder: Path) -> Path:
    """Leave what git leaves of a folder that a colleague has renamed: all that it ignores."""
    renamed = folder.parent / "movie"
    renamed.mkdir()
    (folder / "film.yaml").rename(renamed / "film.yaml")
    return renamed


@pytest.mark.parametrize("meddle", [without_journal, stashed, folder_renamed_by_git])
def test_what_a_killed_run_had_in_flight_is_bought_once_though_its_files_are_away(
    folder: Path, simulator: str, meddle: Callable[[Path], Path]
) -> None:
    route = {"MODELLIX_BASE_URL": simulator, "MODELLIX_API_KEY": KEY}
    git(folder.parent, "init", "-q")
    git(folder.parent, "add", "-A")
    git(folder.parent, "commit", "-qm", "x")
    first = start(folder, **route)
    wait_for(folder, '"submitted"')
    first.kill()
    first.communicate()

    there = meddle(folder)
    code, _, _ = run(there, **route)

    prompts = [task["prompt"] for task in ledger(simulator)["tasks"]]
    assert (code in (0, 6), len(prompts), len(set(prompts))) == (True, 4, 4)
    assert not list(there.rglob("*.journal"))
