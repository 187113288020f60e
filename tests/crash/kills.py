"""Disturbs real processes at random moments, runs them again, and compares the ledger."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from seedrender.errors import SeedrenderError
from seedrender.lock import fold
from seedrender.plan.decision import Verdict
from seedrender.plan.make import Step
from seedrender.project.purchases import PurchaseLog
from seedrender.run import project
from seedrender.sim.app import SimSettings, serve
from seedrender.values.entry import Lock
from tests.crash import disturb, oracle
from tests.crash.enumerated import Totals
from tests.crash.film import WORLD
from tests.crash.oracle import Broken
from tests.crash.runs import SPEED, Run
from tests.crash.scene import CHANGES, Scene

_PARTS = {
    "compaction": ".film.lock.*.part",
    "join": ".fly.mp4.*.part",
    "download": ".s1.mp4.*.part",
}
_MOST_RUNS = 12  # until a film is done, when nobody kills
_LEAST_FILMS = 3  # however slow a machine is
_BUGS = (1, 98, 99)
_GIVEN_UP = frozenset({Verdict.UNKNOWN, Verdict.BLOCKED})  # what a person may buy again


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The simulator in a process of its own."""

    base_url: str
    world: Path

    @property
    def account(self) -> Mapping[str, str]:
        """What a run needs to use it."""
        return {"MODELLIX_BASE_URL": self.base_url, "MODELLIX_API_KEY": "any"}


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
    """Disturb runs of film after film until the time is up; the folder of a broken one is kept."""
    totals, ends_at, number = Totals(), time.monotonic() + seconds, 0
    with simulator(folder / "world") as server:
        while time.monotonic() < ends_at or number < _LEAST_FILMS:
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
    """One film: disturbed, disturbed again, changed, and in the end done."""

    def __init__(
        self, folder: Path, number: int, rng: random.Random, server: Server, totals: Totals
    ) -> None:
        self._folder, self._rng, self._server = folder, rng, server
        self._counts = totals.counts
        self._found: list[Broken] = []
        self._happened: list[str] = []
        self._name = f"Film{number}x"
        self._route = "sim" if rng.random() < 0.15 else "modellix"
        self._world = folder / WORLD / "film" if self._route == "sim" else server.world
        self._scene = Scene.drawn(self._name, self._route, rng)
        self._goes = rng.choice(["the lock", "the notes"])  # of what is known: never both
        self._saved: list[bytes] = []  # versions of the lockfile
        self._allowed: Counter[str] = Counter()  # fingerprint → how often it was resubmitted
        self._was_removed = False  # clips, by `git clean` and its like
        self._longest_s = 0.9  # of a run until it is disturbed; more on a slow machine
        folder.mkdir(parents=True)

    def play(self) -> list[Broken]:
        """Return every promise that was broken."""
        self._scene.write(self._folder)
        for _ in range(self._rng.randint(3, 9)):
            self._disturbed_run()
            self._look()
            if self._rng.random() < 0.6:
                self._change()
            if self._found:
                break
        self._finish()
        told = f" (so far: {', '.join(self._happened)})"
        return [Broken(kind, words + told) for kind, words in self._found]

    def _count(self, what: str) -> None:
        self._counts[what] += 1
        self._happened.append(what)

    def _change(self) -> None:
        """Let an author, or git, change the film's files between two runs."""
        kinds = list(CHANGES)
        if self._route != "sim" and self._goes == "the lock":
            kinds += ["lock deleted", "old lock back"]
        kind = self._rng.choice(kinds)
        lock = self._folder / "film.lock"
        if kind in CHANGES:
            if not self._scene.change(kind):
                return
            self._scene.write(self._folder)
        elif kind == "lock deleted":
            lock.unlink(missing_ok=True)
        elif self._saved:
            lock.write_bytes(self._rng.choice(self._saved))
        else:
            return
        self._count(kind)

    def _disturbed_run(self) -> None:
        """Start a run, or two, and disturb it at a moment that is drawn."""
        kind = self._rng.choices(
            ["kill", "signal", "streams", "removal"], weights=[5, 1.5, 1, 2.5]
        )[0]
        if kind == "removal":
            self._robbed_run(self._rng.choice(self._removals()))
            return
        streams, told = "kept", ""
        if kind == "streams":
            told = self._rng.choice(list(disturb.STREAMS))
            streams = disturb.STREAMS[told]
            self._count(told)
        runs = [self._start(streams=streams)]
        if self._rng.random() < 0.2:
            runs.append(self._second())
        moment = self._rng.choice(["time", "time", "journal", "task", *_PARTS])
        self._wait(moment, runs)
        name = "SIGKILL"
        if kind == "signal":
            name = self._rng.choice(list(disturb.SIGNALS))
        number = disturb.SIGNALS.get(name, signal.SIGKILL)
        for run in runs:
            if run.send(number):
                self._count("kills" if name == "SIGKILL" else name)
                self._counts[f"at {moment}"] += name == "SIGKILL"
                if name != "SIGKILL" and self._rng.random() < 0.3:
                    time.sleep(self._rng.uniform(0, 0.3))
                    self._counts["kills"] += run.send(signal.SIGKILL)
            self._ended(run, is_disturbed=True)
        if moment == "task" and kind == "kill":
            self._change_in_flight()

    def _change_in_flight(self) -> None:
        """Change a film whose tasks are at the provider."""
        kind = self._rng.choice(["renamed", "left", "old id reused"])
        if self._scene.change(kind):
            self._scene.write(self._folder)
            self._count(f"{kind} in flight")

    def _removals(self) -> list[str]:
        kinds = ["journal removed", "hold removed"]
        if self._route != "sim":
            kinds += disturb.OF_NOTES if self._goes == "the notes" else disturb.OF_THE_LOCK
        return kinds

    def _robbed_run(self, kind: str) -> None:
        """Take files away from a run, try another one at once, and let both come to their end."""
        if kind in disturb.WITH_GIT:
            disturb.commit(self._folder)
        runs = [self._start()]
        journal = self._folder / disturb.JOURNAL
        self._wait("under way", runs)
        if not (runs[0].is_alive and runs[0].is_under_way(journal)):
            self._ended(runs[0], is_disturbed=False)
            return
        self._wait(self._rng.choice(["time", "journal", "task"]), runs)
        if runs[0].is_alive:
            disturb.REMOVALS[kind](self._folder)  # some of it, where the run is faster
            self._count(kind)
            self._was_removed |= kind in disturb.WITH_GIT
            if self._rng.random() < 0.7:
                runs.append(self._second())
        for run in runs:
            self._ended(run, is_disturbed=True)

    def _start(self, *options: str, manifest: str = "film.yaml", streams: str = "kept") -> Run:
        self._counts["runs"] += 1
        return Run(self._folder, self._server.account, *options, manifest=manifest, streams=streams)

    def _second(self) -> Run:
        """Start one more run of the same film, by another path."""
        link = self._folder.with_suffix(".link")
        if not link.is_symlink():
            link.symlink_to(self._folder)
        paths = ["film.yaml", str(self._folder / "film.yaml"), str(link / "film.yaml")]
        self._count("two at once")
        return self._start(manifest=self._rng.choice(paths))

    def _wait(self, moment: str, runs: list[Run]) -> None:
        patience_s = 10.0 if moment in ("under way", "task", "journal", *_PARTS) else 0.0
        until = time.monotonic() + self._rng.uniform(0.02, self._longest_s) + patience_s
        length, tasks = self._rng.randint(1, 20_000), self._rng.randint(1, 4)
        journal = self._folder / disturb.JOURNAL
        while time.monotonic() < until and any(run.is_alive for run in runs):
            if moment == "under way" and runs[0].is_under_way(journal):
                return
            if moment == "journal" and _size(journal) >= length:
                return
            if moment == "task" and _content(journal).count(b'"task_id"') >= tasks:
                return
            if moment in _PARTS and any(self._folder.rglob(_PARTS[moment])):
                time.sleep(self._rng.uniform(0, 0.003))
                return
            time.sleep(0.0005)

    def _ended(self, run: Run, *, is_disturbed: bool) -> int:
        began = time.monotonic()
        code = run.wait()
        if code in _BUGS:
            self._found.append(Broken("bug", f"exit code {code}: {run.said}"))
        if not is_disturbed:
            self._longest_s = max(self._longest_s, min(5.0, time.monotonic() - began))
        return code

    def _look(self) -> None:
        """Look at what is left: it loads, and is kept for later."""
        try:
            project.load(self._folder / "film.yaml").read_lock()
        except SeedrenderError as error:
            self._found.append(Broken("unreadable", str(error)))
        lock = self._folder / "film.lock"
        if lock.exists():
            self._saved.append(lock.read_bytes())

    def _finish(self) -> None:
        """Run undisturbed until all is done; a person allows what nobody can tell."""
        code, options = -1, list[str]()
        for _ in range(_MOST_RUNS):
            run = self._start(*options)
            code = self._ended(run, is_disturbed=False)
            self._counts[f"exit {code}"] += 1
            if code not in (4, 5, 6):
                break
            options = self._decided()
        if code != 0:
            self._found.append(Broken("stuck", f"exit code {code} when nobody kills: {run.said}"))
        else:
            self._judge()

    def _decided(self) -> list[str]:
        """Give up, as a person would, what is unknown, and what failed at a cost."""
        if self._route == "sim":
            return []
        loaded = project.load(self._folder / "film.yaml")
        lock = loaded.read_lock()
        given_up = [s for s in loaded.plan(lock).steps if s.verdict in _GIVEN_UP]
        for step in given_up:
            self._count(f"resubmitted {step.verdict.value}")
            self._allowed.update(_unknown(step, lock))
        return [word for step in given_up for word in ("--resubmit", step.job.id)]

    def _judge(self) -> None:
        loaded = project.load(self._folder / "film.yaml")
        lock = loaded.read_lock()
        memory = PurchaseLog(loaded.lock_path).read(loaded.path.name)
        known = oracle.all_known(lock, memory)
        tasks = [task for task in asyncio.run(self._ledger()) if self._name in task["prompt"]]
        self._counts["tasks"] += len(tasks)
        self._counts["clips"] += len(oracle.clips_of(self._folder))
        copies = self._scene.copies
        self._found += oracle.bought_twice(tasks, known, allowed=self._allowed, copies=copies)
        self._found += oracle.unrecorded(tasks, known)
        self._found += oracle.written_off(tasks, known)
        only = loaded.ids if self._was_removed else None
        self._found += oracle.wrong_clips(lock, self._folder, only=only)
        if not self._was_removed:
            self._found += oracle.nowhere(tasks, known, self._folder, self._world)
        if (self._folder / disturb.JOURNAL).exists():
            self._found.append(Broken("left behind", disturb.JOURNAL))

    async def _ledger(self) -> list[dict[str, Any]]:
        if self._route == "sim":
            async with serve(SimSettings(folder=self._world)) as base_url:
                return await _fetch(base_url)
        return await _fetch(self._server.base_url)


def _unknown(step: Step, lock: Lock) -> Iterator[str]:
    """Yield what the tasks were bought for that a person gives up."""
    entry = lock.entries.get(step.job.id)
    for record in fold.alive(entry) if entry is not None else ():
        if record.task_id is None:
            yield record.fingerprint.digest


async def _fetch(base_url: str) -> list[dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.get(f"{base_url}/sim/ledger") as answer:
        tasks: list[dict[str, Any]] = (await answer.json())["tasks"]
        return tasks


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
