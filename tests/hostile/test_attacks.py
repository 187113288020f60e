"""Each attack ends in exit 2 within five seconds, under 500 MiB, and nothing is written."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hostile.attacks import FILES, HEAD, TEXTS

SECONDS, MIB = 5.0, 500.0
# a process inherits its parent's peak of memory: one that is small itself starts and measures it
MEASURE = """\
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=2)
_, status, usage = os.wait4(process.pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    exit_code: int
    seconds: float
    peak_mib: float
    said: str


def run(folder: Path, words: Sequence[str]) -> Ended:
    said = folder.parent / "said"
    started = time.perf_counter()
    with said.open("wb") as out:
        measured = subprocess.run(
            [sys.executable, "-I", "-S", "-c", MEASURE, sys.executable, "-m", "seedrender", *words],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=out,
            check=True,
        )
    code, seconds, peak_kib = measured.stdout.split()
    return (
        Ended(
            exit_code=int(code),
            seconds=float(seconds),  # of its own processor time: other tests run beside it
            peak_mib=int(peak_kib) / 1024,
            said=said.read_text("utf-8"),
        )
        if time.perf_counter() - started < 60
        else pytest.fail("it took a minute")
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with links, pipes and devices in it, beside a file that is none of its."""
    found = tmp_path / "repository"
    (found / ".git").mkdir(parents=True)
    (tmp_path / "outside.yaml").write_text("vars: {secret: hidden}\n")
    (found / "link.csv").symlink_to("/etc/passwd")
    (found / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    (found / "folder").symlink_to("/etc")
    (found / "zero.csv").symlink_to("/dev/zero")
    os.mkfifo(found / "pipe.csv")
    return found


def check_ended(ended: Ended, folder: Path, before: set[Path]) -> None:
    assert ended.exit_code == 2, ended.said[-2000:]
    assert ended.seconds < SECONDS
    assert ended.peak_mib < MIB
    assert set(folder.parent.rglob("*")) == before, "something was written"
    assert "Traceback" not in ended.said
    assert len(ended.said) < 200_000
    assert not [c for c in ended.said if c < " " and c != "\n"], "a terminal would obey this"
    assert "hidden" not in ended.said
    assert "root:" not in ended.said


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_text_is_refused(name: str, folder: Path) -> None:
    (folder / "film.yaml").write_text(TEXTS[name], "utf-8")
    (folder.parent / "said").touch()
    before = set(folder.parent.rglob("*"))

    ended = run(folder, ["check", "film.yaml"])

    check_ended(ended, folder, before)
    assert ".yaml:" in ended.said or ".csv:" in ended.said, "it says where"


@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_is_refused(name: str, folder: Path) -> None:
    FILES[name](folder / "film.yaml")
    (folder.parent / "said").touch()
    before = set(folder.parent.rglob("*"))

    check_ended(run(folder, ["check", "film.yaml"]), folder, before)


@pytest.mark.parametrize("command", ["plan", "run", "expand", "report"])
def test_every_command_refuses_alike(command: str, folder: Path) -> None:
    (folder / "film.yaml").write_text(TEXTS["billion laughs"], "utf-8")
    (folder.parent / "said").touch()
    before = set(folder.parent.rglob("*"))

    check_ended(run(folder, [command, "film.yaml"]), folder, before)


def test_what_is_large_and_right_is_not_refused(folder: Path) -> None:
    shots = "".join(f"  s{n}: {{prompt: Kite number {n}.}}\n" for n in range(10_000))
    (folder / "film.yaml").write_text(f"{HEAD}shots:\n{shots}")

    ended = run(folder, ["check", "film.yaml"])

    assert (ended.exit_code, ended.peak_mib < MIB) == (0, True), ended.said
