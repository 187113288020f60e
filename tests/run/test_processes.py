"""Real processes on a real simulator: killed, interrupted, started twice."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MANIFEST = """\
seedrender: 1
name: film
provider: {provider}
defaults: {{tier: mini, resolution: 480p, duration: 4, audio: false}}
run: {{poll: {{first: 1s, interval: 1s, max_interval: 1s}}}}
shots:
  spin:
    prompt: "A kite, number {{{{ n }}}}."
    matrix: {{n: [1, 2, 3, 4, 5, 6, 7, 8]}}
chains:
  fly: {{prompt: One shot., duration: 30}}
"""
KEY = "planted-key-8c1f"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "film.yaml").write_text(MANIFEST.format(provider="sim"))
    return tmp_path


@pytest.fixture
def simulator() -> Iterator[str]:
    command = [sys.executable, "-m", "seedrender", "sim", "--port", "0", "--speed", "60"]
    with subprocess.Popen([*command, "--key", KEY], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[2]
        process.terminate()
        process.stdout.read()


def hears_signals() -> None:
    """Undo what a shell does to jobs in its background."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def start(folder: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "seedrender", "run", "film.yaml", *options],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hears_signals,  # noqa: PLW1509 - it takes no lock
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def run(folder: Path, *options: str, **environment: str) -> tuple[int, str, str]:
    return ended(start(folder, *options, **environment))


def wait_for(folder: Path, word: str, count: int = 1) -> None:
    """Wait until the journal has noted a state so often."""
    journal = folder / "film.lock.journal"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        text = journal.read_text() if journal.exists() else ""
        if len(re.findall(word, text)) >= count:
            return
        time.sleep(0.005)
    pytest.fail(f"the journal never said {word}")


def ledger(base_url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{base_url}/sim/ledger") as answer:
        found: dict[str, Any] = json.load(answer)
        return found


@pytest.mark.parametrize("moment", ["submitting", "submitted", "succeeded", '"output"'])
def test_a_killed_run_is_resumed_and_buys_nothing_twice(folder: Path, moment: str) -> None:
    process = start(folder, "--sim-speed", "120")
    wait_for(folder, moment, count=3)
    process.send_signal(signal.SIGKILL)
    ended(process)

    code, out, _ = run(folder, "--sim-speed", "120")
    status = json.loads(
        subprocess.check_output(
            [sys.executable, "-m", "seedrender", "status", "film.yaml", "--json"], cwd=folder
        )
    )

    assert code == 0, out
    bought = [task["task_id"] for job in status["jobs"] for task in job["tasks"]]
    assert len(bought) == len(set(bought)) == 10
    assert {job["state"] for job in status["jobs"]} == {"done"}
    assert not (folder / "film.lock.journal").exists()


def test_the_simulators_ledger_has_one_task_a_job_after_a_kill(
    folder: Path, simulator: str
) -> None:
    (folder / "film.yaml").write_text(MANIFEST.format(provider="modellix"))
    route = {"MODELLIX_BASE_URL": simulator, "MODELLIX_API_KEY": KEY}
    process = start(folder, **route)
    wait_for(folder, '"submitted"', count=8)
    process.send_signal(signal.SIGKILL)
    ended(process)

    code, out, err = run(folder, **route)

    assert code == 0, out + err
    tasks = ledger(simulator)["tasks"]
    assert len(tasks) == len({task["request_id"] for task in tasks}) == 10


def test_a_wrong_key_buys_nothing_and_says_so(folder: Path, simulator: str) -> None:
    (folder / "film.yaml").write_text(MANIFEST.format(provider="modellix"))

    code, out, _ = run(folder, MODELLIX_BASE_URL=simulator, MODELLIX_API_KEY="wrong")

    assert code == 4
    assert "Authentication failed" in out
    assert ledger(simulator)["tasks"] == []


def test_a_missing_key_is_said_before_anything_is_sent(folder: Path) -> None:
    (folder / "film.yaml").write_text(MANIFEST.format(provider="modellix"))

    code, _, err = run(folder, MODELLIX_API_KEY="")

    assert code == 2
    assert "MODELLIX_API_KEY is not set; nothing was sent" in err


def test_a_second_run_on_the_same_lock_is_refused_and_names_the_holder(folder: Path) -> None:
    first = start(folder, "--sim-speed", "5")
    wait_for(folder, '"submitted"')

    code, _, err = run(folder)
    first.send_signal(signal.SIGINT)
    ended(first)

    assert code == 3
    assert f"process {first.pid}" in err


@pytest.mark.parametrize(
    ("number", "ends"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_an_interrupted_run_ends_politely_and_says_what_goes_on(
    folder: Path, number: signal.Signals, ends: int
) -> None:
    process = start(folder, "--sim-speed", "5", "--grace", "0.2s")
    wait_for(folder, '"submitted"', count=4)
    asked = time.monotonic()
    process.send_signal(number)

    code, out, err = ended(process)
    took = time.monotonic() - asked

    assert code == ends
    assert took < 2.5
    assert "Stopping: no further submits. In flight: spin/1" in err
    assert "Paid and not collected yet: spin/1" in out
    assert "nothing of this is paid again" in out


def test_a_signal_that_was_ignored_at_the_start_stays_ignored(folder: Path) -> None:
    words = f"trap '' HUP INT; exec {sys.executable} -m seedrender run film.yaml --sim-speed 60"
    process = subprocess.Popen(
        ["/bin/sh", "-c", words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for(folder, '"submitted"', count=2)
    for number in (signal.SIGHUP, signal.SIGINT):
        process.send_signal(number)

    code, out, err = ended(process)

    assert code == 0, out + err
    assert "Stopping" not in err


def test_a_run_whose_terminal_is_closed_collects_what_it_bought(folder: Path) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [
            "/bin/sh",
            "-c",
            f"trap '' HUP; exec {sys.executable} -m seedrender run film.yaml --sim-speed 30",
        ],
        cwd=folder,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    wait_for(folder, '"submitted"', count=4)
    os.close(master)

    code = process.wait(60)

    assert code == 0
    assert (folder / "film.lock").read_text().count('"done"') == 11


def ctl(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "seedrender", "ctl", "film.yaml", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_run_is_paused_resized_and_resumed_from_another_terminal(folder: Path) -> None:
    process = start(folder, "--sim-speed", "20", "--concurrency", "2")
    wait_for(folder, '"submitted"', count=2)

    paused = ctl(folder, "pause")
    before = (folder / "film.lock.journal").read_text().count('"submitting"')
    while json.loads(ctl(folder, "status", "--json").stdout)["in_flight"]:
        assert process.poll() is None
    bought = (folder / "film.lock.journal").read_text().count('"submitting"')
    ctl(folder, "concurrency", "16")
    resumed = ctl(folder, "resume")
    code, _, err = ended(process)

    assert paused.stdout.startswith("paused: ")
    assert bought == before < 10
    assert resumed.stdout.endswith("16 at most\n")
    assert code == 0
    assert "Paused: no further submits" in err


def test_without_a_run_there_is_nothing_to_steer(folder: Path) -> None:
    done = ctl(folder, "pause")

    assert done.returncode == 2
    assert "no run of film.lock is going on" in done.stderr


def test_a_run_with_nothing_to_do_writes_no_byte(folder: Path) -> None:
    run(folder, "--sim-speed", "600")
    before = {p: p.stat().st_mtime_ns for p in sorted(folder.rglob("*"))}

    code, out, err = run(folder)

    assert (code, err) == (0, "")
    assert "Everything is done: 10 current" in out
    assert {p: p.stat().st_mtime_ns for p in sorted(folder.rglob("*"))} == before


def test_json_is_one_document_on_standard_output(folder: Path) -> None:
    code, out, _ = run(folder, "spin/1", "--json", "--sim-speed", "600")

    found = json.loads(out)

    assert (code, found["exit_code"]) == (0, 0)
    assert [(job["job"], job["plan"]) for job in found["jobs"]] == [("spin/1", "current")]


def test_another_terminal_gives_the_same_clips_as_the_embedded_simulator(
    tmp_path: Path, simulator: str
) -> None:
    folders = {name: tmp_path / name for name in ("sim", "modellix")}
    for provider, folder in folders.items():
        folder.mkdir()
        (folder / "film.yaml").write_text(MANIFEST.format(provider=provider))

    codes = [
        run(folders["sim"], "--sim-speed", "300")[0],
        run(folders["modellix"], MODELLIX_BASE_URL=simulator, MODELLIX_API_KEY=KEY)[0],
    ]

    clips = [
        {p.name: p.read_bytes() for p in sorted((folder / "renders").rglob("*.mp4"))}
        for folder in folders.values()
    ]
    assert codes == [0, 0]
    assert len(clips[0]) == 11
    assert clips[0] == clips[1]
