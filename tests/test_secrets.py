"""Keys and signed addresses, in a run that goes wrong in every way and logs all it can."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_promise import LAMP

KEY = "planted-key-8c1f"
FILM = """\
seedrender: 1
name: film
provider: {route}
defaults: {{tier: fast, resolution: 480p, duration: 4, ratio: "16:9"}}
run: {{poll: {{first: 1s, interval: 1s, max_interval: 1s}}}}
references: {{lamp: {{image: lamp.jpg}}}}
shots:
  plain: {{prompt: A kite.}}
  lamp: {{prompt: "{{{{ ref.lamp }}}} burns."}}
  lost: {{prompt: "A fox. [sim:lost-answer]"}}
  fails: {{prompt: "A hen. [sim:fail]"}}
  refused: {{prompt: "A cat. [sim:500]"}}
chains:
  fly: {{prompt: One flight., segments: [{{duration: 4}}, {{duration: 4}}]}}
"""
# the program with its loggers and asyncio's own at their most talkative
LOUD = """\
import logging, sys
logging.basicConfig(level=1)
from seedrender.cli.main import main
main(sys.argv[1:])
"""
SIGNED = (b"sig=", b"X-Tos-")


@pytest.fixture
def simulator() -> Iterator[str]:
    command = [sys.executable, "-m", "seedrender", "sim", "--port", "0", "--speed", "60"]
    options = ["--key", KEY, "--footage", "patched"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[2]
        process.terminate()
        process.stdout.read()


def start(folder: Path, environ: dict[str, str], *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", LOUD, *words],
        cwd=folder,
        env={**os.environ, **environ, "PYTHONASYNCIODEBUG": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def called(folder: Path, environ: dict[str, str], *words: str) -> bytes:
    return start(folder, environ, *words).communicate(timeout=120)[0]


def seen_while_it_runs(folder: Path, process: subprocess.Popen[bytes]) -> bytes:
    """Kill a run in the middle; return its journal and what the list of processes shows of it."""
    journal, line = folder / "film.lock.journal", b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        line = line or Path(f"/proc/{process.pid}/cmdline").read_bytes()
        said_there = journal.read_bytes() if journal.exists() else b""
        if b'"succeeded"' in said_there and b'"failed"' in said_there:
            break
        time.sleep(0.01)
    process.kill()
    said = process.communicate()[0]
    assert b'"task_id"' in journal.read_bytes()
    return line + said + journal.read_bytes()


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize(
    ("route", "prefix", "path"),
    [("modellix", "MODELLIX", ""), ("byteplus", "ARK", "/api/v3")],
    ids=["modellix", "byteplus"],
)
def test_no_key_and_no_signed_address_in_logs_lock_journal_report_errors_or_process_list(
    tmp_path: Path, simulator: str, route: str, prefix: str, path: str
) -> None:
    (tmp_path / "film.yaml").write_text(FILM.format(route=route))
    (tmp_path / "lamp.jpg").write_bytes(LAMP.read_bytes())
    environ = {f"{prefix}_API_KEY": KEY, f"{prefix}_BASE_URL": f"{simulator}{path}"}

    seen = seen_while_it_runs(tmp_path, start(tmp_path, environ, "run", "film.yaml"))
    for words in (
        ("run", "film.yaml"),
        ("reconcile", "film.yaml"),
        ("check", "film.yaml", "--online"),
        ("plan", "film.yaml", "--json"),
        ("status", "film.yaml", "--json"),
        ("expand", "film.yaml"),
        ("lock", "show", "film.yaml"),
        ("report", "film.yaml"),
    ):
        seen += called(tmp_path, environ, *words)
    environ[f"{prefix}_BASE_URL"] = "http://127.0.0.1:1"
    seen += called(tmp_path, environ, "check", "film.yaml", "--online")
    written = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]

    everything = seen + b"".join(written)
    assert b"DEBUG:asyncio" in seen, "the loggers were heard"
    assert b'"failed"' in seen, "a provider's own words were noted before the run was killed"
    assert (tmp_path / "renders" / "plain.mp4").exists()
    assert KEY.encode() not in everything
    assert [mark for mark in SIGNED if mark in everything] == []
    assert str(tmp_path).encode() not in (tmp_path / "film.lock").read_bytes()
