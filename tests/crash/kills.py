"""Kills real processes with -9 at random moments, runs them again, and compares the ledger."""

from __future__ import annotations

import asyncio
import faulthandler
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

# loaded before a process forks, so that each child starts at once
import seedrender.cli.run
import seedrender.media.join
import seedrender.run.render
import seedrender.run.simulated  # noqa: F401
from seedrender.cli.main import main
from seedrender.run import project
from seedrender.sim.app import SimSettings, serve
from tests.crash import oracle
from tests.crash.enumerated import Totals
from tests.crash.film import WORLD
from tests.crash.oracle import Broken

SPEED = 600
_HEAD = """\
seedrender: 1
name: film
provider: {route}
defaults: {{tier: mini, resolution: 480p, duration: 4, audio: false}}
run: {{concurrency: {places}, requests_per_minute: 100000, poll: {{first: 0.05s, interval: 0.02s, max_interval: 0.1s}}}}
"""
_MARKS = (
    *("lost-answer", "500-created", "late-answer", "no-task-id", "not-json", "lost-request"),
    *("500", "503", "rate-limited", "concurrent", "fail-once", "poll-500", "poll-lost", "slow"),
    *("truncated", "short", "garbage", "download-503", "no-size", "odd-status"),
)
_PARTS = {
    "compaction": ".film.lock.*.part",
    "join": ".fly.mp4.*.part",
    "download": ".s1.mp4.*.part",
}
_LONGEST_S = 60.0  # of one run
_MOST_RUNS = 12  # until a film is done, when nobody kills


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The simulator in a process of its own."""

    base_url: str
    world: Path


@contextmanager
def simulator(folder: Path) -> Iterator[Server]:
    """Serve a world for many films."""
    command = [sys.executable, "-m", "seedrender", "sim", "--port", "0", "--speed", str(SPEED)]
    limits = ["--concurrency", "1000", "--requests-per-minute", "1000000"]
    options = [*limits, "--footage", "patched", "--folder", str(folder)]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Server(base_url=process.stdout.readline().split()[2], world=folder)
        process.terminate()


def kill_for(seconds: float, folder: Path, seed: int, say: Callable[[str], None]) -> Totals:
    """Kill runs of film after film until the time is up; the folder of a broken one is kept."""
    totals, ends_at, number = Totals(), time.monotonic() + seconds, 0
    with simulator(folder / "world") as server:
        while time.monotonic() < ends_at:
            rounds = random.Random(f"{seed}:{number}")  # noqa: S311 - to be repeated
            place = folder / f"film-{number}"
            found = _Round(place, number, rounds, server, totals).play()
            totals.counts["films"] += 1
            totals.broken += [Broken(k, f"{place} (seed {seed}): {words}") for k, words in found]
            for row in found:
                say(f"{place} (seed {seed}): {row.kind}: {row.words}")
            if not found:
                shutil.rmtree(place)
            number += 1
    return totals


class _Round:
    """One film: killed, killed again, changed, and in the end done."""

    def __init__(
        self, folder: Path, number: int, rng: random.Random, server: Server, totals: Totals
    ) -> None:
        self._folder, self._rng, self._server, self._totals = folder, rng, server, totals
        self._name = f"Film{number}x"
        self._route = "sim" if rng.random() < 0.2 else "modellix"
        self._world = folder / WORLD if self._route == "sim" else server.world
        self._resubmitted: list[str] = []
        folder.mkdir(parents=True)

    def play(self) -> list[Broken]:
        """Return every promise that was broken."""
        count = self._rng.randint(2, 3 if self._route == "sim" else 10)
        marks = [self._mark() for _ in range(count + 2)]
        self._write(marks, "")
        for _ in range(self._rng.randint(2, 8)):
            self._killed_run()
        if self._rng.random() < 0.4:
            self._write(marks, " Red.")
            self._killed_run()
            self._killed_run()
        return self._finish()

    def _mark(self) -> str:
        return f" [sim:{self._rng.choice(_MARKS)}]" if self._rng.random() < 0.4 else ""

    def _write(self, marks: list[str], change: str) -> None:
        """Write the film; a change makes its first shot another one."""
        text = _HEAD.format(route=self._route, places=self._rng.randint(1, 8)) + "shots:\n"
        for number, mark in enumerate(marks[2:], 1):
            end = change if number == 1 else ""
            text += f'  s{number}: {{prompt: "{self._name}, shot {number}, très 雨.{end}{mark}"}}\n'
        text += "chains:\n  fly:\n    segments:\n"
        text += "".join(f'      - {{prompt: "{self._name}, on.{m}"}}\n' for m in marks[:2])
        (self._folder / "film.yaml").write_text(text)

    def _killed_run(self) -> None:
        """Start one run, or two, and kill what is alive at a moment that is drawn."""
        children = [self._start()]
        if self._rng.random() < 0.15:
            children.append(self._start())
            self._totals.counts["two at once"] += 1
        moment = self._rng.choice(["time", "time", "journal", *_PARTS])
        self._wait(moment, children)
        for child in children:
            if _ended(child) is None:
                os.kill(child, signal.SIGKILL)
                self._totals.counts["kills"] += 1
                self._totals.counts[f"at {moment}"] += 1
                _reap(child)

    def _wait(self, moment: str, children: list[int]) -> None:
        until = time.monotonic() + self._rng.uniform(0.02, 0.9)
        if moment in _PARTS:
            until += 3.0
        length = self._rng.randint(1, 20_000)
        journal = self._folder / "film.lock.journal"
        while time.monotonic() < until and any(_ended(child) is None for child in children):
            if moment == "journal" and journal.exists() and _size(journal) >= length:
                return
            if moment in _PARTS and any(self._folder.rglob(_PARTS[moment])):
                time.sleep(self._rng.uniform(0, 0.003))
                return
            time.sleep(0.0005)

    def _start(self, *options: str) -> int:
        """Fork a process that runs the film."""
        self._totals.counts["runs"] += 1
        child = os.fork()
        if child:
            return child
        try:
            self._be_a_run(options)
        finally:
            os._exit(99)
        return 0

    def _be_a_run(self, options: tuple[str, ...]) -> None:
        os.chdir(self._folder)
        os.environ |= {"MODELLIX_BASE_URL": self._server.base_url, "MODELLIX_API_KEY": "any"}
        out = os.open("../out.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        faulthandler.dump_traceback_later(_LONGEST_S / 2, file=2)
        try:
            main(["run", "film.yaml", "--sim-speed", str(SPEED), *options])
        except SystemExit as end:
            sys.stdout.flush()
            os._exit(end.code if isinstance(end.code, int) else 98)

    def _finish(self) -> list[Broken]:
        """Run undisturbed until all is done; a person allows what nobody can tell."""
        code = -1
        options: list[str] = []
        for _ in range(_MOST_RUNS):
            code = _reap(self._start(*options))
            self._totals.counts[f"exit {code}"] += 1
            lock = project.load(self._folder / "film.yaml").read_lock()
            unknown = [str(job) for job in oracle.unknown(lock)]
            options = [word for job in unknown for word in ("--resubmit", job)]
            if self._route == "sim":
                options = []
            elif unknown:
                self._resubmitted += unknown
                self._totals.counts["resubmitted"] += len(unknown)
            if code not in (4, 5, 6):
                break
        if code != 0:
            words = (self._folder / "../out.txt").read_text()[-4000:]
            return [Broken("stuck", f"exit code {code} when nobody kills: {words}")]
        return self._judge()

    def _judge(self) -> list[Broken]:
        lock = project.load(self._folder / "film.yaml").read_lock()
        tasks = [task for task in asyncio.run(self._ledger()) if self._name in task["prompt"]]
        self._totals.counts["tasks"] += len(tasks)
        self._totals.counts["clips"] += len(oracle.clips_of(self._folder))
        found = oracle.violations(tasks, lock, self._folder, self._resubmitted)
        found += oracle.lost(tasks, lock, self._folder, self._world)
        if (self._folder / "film.lock.journal").exists():
            found.append(Broken("left behind", "film.lock.journal"))
        return found

    async def _ledger(self) -> list[dict[str, Any]]:
        if self._route == "sim":
            async with serve(SimSettings(folder=self._world)) as base_url:
                return await _fetch(base_url)
        return await _fetch(self._server.base_url)


async def _fetch(base_url: str) -> list[dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.get(f"{base_url}/sim/ledger") as answer:
        tasks: list[dict[str, Any]] = (await answer.json())["tasks"]
        return tasks


_codes: dict[int, int] = {}  # of children that were waited for


def _ended(child: int) -> int | None:
    """Return a child's exit code; None: it runs."""
    if child not in _codes:
        found, status = os.waitpid(child, os.WNOHANG)
        if not found:
            return None
        _codes[child] = os.waitstatus_to_exitcode(status)
    return _codes[child]


def _reap(child: int) -> int:
    """Wait for a child's end; one that hangs is killed, and that shows in its code."""
    until = time.monotonic() + _LONGEST_S
    while (code := _ended(child)) is None:
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)
    return code


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
