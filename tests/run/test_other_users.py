"""Runs in a folder where another user has been at work: files of theirs are closed to us.

Root may open everything: as root, the program is started without that right, and the files are
given to somebody else. Everybody else closes their own files to themselves, which is the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.run.test_hold_processes import MANIFEST
from tests.run.test_processes import KEY, ledger, simulator
from tests.site import PNG

__all__ = ["simulator"]
SOMEBODY = 65_534
AS_ANYBODY = """\
import ctypes, os, sys
if os.geteuid() == 0:
    for right in (1, 2, 3):  # DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER: see capabilities(7)
        ctypes.CDLL(None).prctl(24, right, 0, 0, 0)  # PR_CAPBSET_DROP
os.execv(sys.executable, [sys.executable, "-m", "seedrender", *sys.argv[1:]])
"""
OURS = (
    ".seedrender",
    ".seedrender/film.lock",
    ".seedrender/film.lock.hold",
    "film.lock",
    "film.lock.journal",
    "renders/spin",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "film.yaml").write_text(MANIFEST)
    return tmp_path


def say(folder: Path, base_url: str, *words: str) -> tuple[int, str]:
    found = subprocess.run(
        [sys.executable, "-c", AS_ANYBODY, *words],
        cwd=folder,
        env={**os.environ, "MODELLIX_BASE_URL": base_url, "MODELLIX_API_KEY": KEY},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return found.returncode, found.stdout + found.stderr


def close(place: Path, mode: int) -> None:
    """Give a file to somebody else; `mode` is what others may do with it then."""
    if os.geteuid() == 0:
        os.chown(place, SOMEBODY, SOMEBODY)
        place.chmod(mode | mode << 6)
    else:
        place.chmod(mode << 6)


def give_back(place: Path) -> None:
    if os.geteuid() == 0:
        os.chown(place, 0, 0)
    place.chmod(0o755)


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("others", [0o0, 0o5], ids=["closed", "readable"])
def test_files_of_another_user_stop_a_run_in_words_and_lose_nothing(
    folder: Path, simulator: str, name: str, others: int
) -> None:
    assert say(folder, simulator, "run", "film.yaml", "spin/1")[0] == 0
    place = folder / name
    is_ours_to_take = not place.exists()  # the hold and the journal of a run that has ended
    if is_ours_to_take:
        place.touch()
    close(place, others)
    codes = {}
    for words in ("plan", "status", "doctor", "report", "run", "lock show"):
        codes[words], said = say(folder, simulator, *words.split(), "film.yaml")
        assert "Traceback" not in said, said
        if words == "run":
            refused = said

    bought = len(ledger(simulator)["tasks"])
    give_back(place)
    code, said = say(folder, simulator, "run", "film.yaml")

    can_be_replaced = place.suffix == ".lock" and others  # by a file of ours, as git does
    assert bought == (4 if can_be_replaced else 1)
    assert codes["run"] == 0 if can_be_replaced else codes["run"] in (2, 3), (codes, refused)
    if not can_be_replaced:
        assert place.name in refused
        assert "belongs to the user" in refused or os.geteuid() != 0
    assert code == 0, said
    tasks = ledger(simulator)["tasks"]
    assert len(tasks) == len({task["request_id"] for task in tasks}) == 4


@pytest.mark.parametrize("name", ["refs/lamp.png", "refs"])
def test_a_reference_that_may_not_be_read_is_named(folder: Path, name: str) -> None:
    (folder / "refs").mkdir()
    (folder / "refs/lamp.png").write_bytes(PNG)
    (folder / "film.yaml").write_text(
        "seedrender: 1\nname: film\nreferences: {lamp: {image: refs/lamp.png}}\n"
        'shots: {a: {prompt: "{{ ref.lamp }} shines."}}\n'
    )
    close(folder / name, 0)

    for words in ("check", "plan", "run"):
        code, said = say(folder, "http://127.0.0.1:9", words, "film.yaml")
        assert (code, "refs/lamp.png cannot be read (Permission denied" in said) == (2, True), said
    give_back(folder / name)


def test_a_clip_that_may_not_be_read_is_told_by_verify(folder: Path, simulator: str) -> None:
    assert say(folder, simulator, "run", "film.yaml", "spin/1")[0] == 0
    close(folder / "renders/spin/1.mp4", 0)

    code, said = say(folder, simulator, "verify", "film.yaml")

    assert (code, "cannot be read (Permission denied" in said) == (4, True), said


def test_a_folder_of_somebody_else_takes_no_first_film(tmp_path: Path) -> None:
    close(tmp_path, 0o555)
    try:
        code, told = say(tmp_path, "http://127.0.0.1:9", "init", "film")
    finally:
        give_back(tmp_path)

    assert code == 2
    assert "cannot be written (Permission denied" in told
