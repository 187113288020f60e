"""Runs a film of one job into a fault, and says what is seen of it: lock, exit code, words, money."""

from __future__ import annotations

import io
import json
import os
import re
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TextIO
from unittest import mock
from urllib.request import urlopen

import aiohttp

from seedrender.cli.main import main
from seedrender.lock import fold
from seedrender.providers import ark_list, http, registry
from seedrender.run import downloads, retry, store, watch
from seedrender.run.clock import wall
from seedrender.run.submit import Submits
from seedrender.sim.app import SimSettings
from seedrender.values.entry import JobState, Lock
from tests.faults.cases import TAKES, Case
from tests.served import simulator

SPEED = 600.0
EIGHT_DAYS = timedelta(days=8)
ROUTES = {"modellix": "modellix", "ark": "byteplus"}
FILM = """\
seedrender: 1
name: film
provider: {route}
defaults: {{tier: fast, resolution: 480p, ratio: "16:9", duration: 4}}
shots:
  spin: {{prompt: "{prompt}", takes: {takes}}}
"""
_LONGEST = 300  # characters of what a person reads
_MARKED = {"retry-after": "rate-limited", "forgotten": "expired"}  # worlds in which a mark strikes
_OPTIONS = {
    "used-up": ["--no-preflight"],
    "hold-removed": ["--concurrency", "1"],
    "same-id": ["--concurrency", "1"],
    "done-word=in_orbit": ["--deadline", "1.5s"],
    "refuse=ServerOverloaded": ["--deadline", "1.5s"],
    "stuck": ["--deadline", "1.5s"],
    "poll-down": ["--deadline", "1.5s"],
}
_PLANNED = ("submitted", "resumed", "rendering", "done")  # words of a run in which nothing is amiss
_PARTICULARS = (  # what differs from run to run
    (re.compile(r"\b(task-|cgt-)[0-9a-z-]+"), r"\1…"),
    (re.compile(r"127\.0\.0\.1:[0-9]+"), "127.0.0.1:…"),
    (re.compile(r"Request id: [0-9a-f]+"), "Request id: …"),
    (re.compile(r"\d+ of (at least )?\d+ bytes"), r"… of \1… bytes"),
    (re.compile(r"\d+ bytes"), "… bytes"),
    (re.compile(r"\.spin\.mp4\.[0-9a-f]{6}-[0-9a-f]+-[0-9a-f]{8}\.part"), ".spin.mp4.….part"),
    (re.compile(r" in \d+ s\b"), ""),
    (re.compile(r"within [\d.]+ s"), "within … s"),
    (re.compile(r"of \d{4}-\d\d-\d\d [\d:]{8} UTC"), "of … UTC"),
    (re.compile(r"(cannot connect to \S+): [^;]+"), r"\1: …"),  # each system has its own words
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How one command ended, and what the provider's own ledger says then."""

    exit: int
    said: str
    lock: Lock
    tasks: Mapping[str, str]  # of this film, ever: id → state

    @property
    def created(self) -> int:
        return len(self.tasks)


@dataclass(slots=True)
class World:
    """A simulator for every fault that asks for no other one."""

    base_url: str


@contextmanager
def world() -> Iterator[World]:
    """Serve it, fast and without limits; a clip is drawn once."""
    with simulator(_settings()) as base_url:
        yield World(base_url)


def _settings(**more: Any) -> SimSettings:
    given: dict[str, Any] = {
        "speed": SPEED,
        "footage": "patched",
        "requests_per_minute": 100_000,
        "ark_creates_per_minute": 100_000,
        "has_ark_rates": False,
    }
    return SimSettings(**{**given, **more})


_WORLDS: Mapping[str, Mapping[str, Any]] = {
    "wrong-key": {"key": "the right one"},
    "used-up": {"balance": Decimal("0.1")},
    "short-credit": {"balance": Decimal("0.1")},
    "two-places": {"concurrency": 2, "speed": SPEED / 10},
    "retry-after": {"has_retry_after": True},
    "overdue": {"speed": 100_000.0},
}


class Film:
    """One manifest in a folder of its own, under an account at a simulator."""

    def __init__(self, case: Case, folder: Path, addresses: tuple[str, str]) -> None:
        self._case = case
        self._manifest = folder / "film.yaml"
        self._address, self._ledger = addresses
        self._commands = 0
        mark = case.name if case.is_marked else _MARKED.get(case.name)
        self._clip = folder / "renders" / "spin.mp4"
        if case.name == "file-in-the-way":
            self._clip.parent.mkdir()
            self._clip.write_bytes(b"a file of somebody")
        self._prompt = f"A kite, as in {case.id}." + (f" [sim:{mark}]" if mark else "")
        self._manifest.write_text(
            FILM.format(
                route=ROUTES[case.wire],
                prompt=self._prompt,
                takes=TAKES.get(case.name, 1),
            )
        )

    def command(self, *words: str) -> Ended:
        """Run a command of the real command line."""
        name, *options = words
        said = io.StringIO()
        environ = {"PATH": os.environ["PATH"], **self._account()}
        with (
            mock.patch.dict(os.environ, environ, clear=True),
            redirect_stdout(said),
            _stderr(self._case, said) as told,
            redirect_stderr(told),
            _hurried(),
            self._hands(),
        ):
            try:
                main([name, str(self._manifest), *options])
            except SystemExit as end:
                code = end.code
        assert isinstance(code, int)
        assert "Traceback" not in said.getvalue()
        return self._ended(code, said.getvalue())

    @contextmanager
    def _hands(self) -> Iterator[None]:
        """Let happen, while a command runs, what no provider does."""
        hold, submitted = (
            self._manifest.parent / ".seedrender" / "film.lock.hold",
            Submits.submitted,
        )

        async def and_removed(*args: Any) -> Any:
            hold.unlink(missing_ok=True)
            return await submitted(*args)

        self._commands += 1
        match self._case.name:
            case "hold-removed" if self._commands == 1:
                with mock.patch.object(Submits, "submitted", and_removed):
                    yield
            case "forgotten":
                with mock.patch.object(watch, "wall", return_value=wall() + EIGHT_DAYS):
                    yield
            case _:
                yield

    def _account(self) -> Mapping[str, str]:
        if self._case.wire == "ark":
            return {"ARK_BASE_URL": f"{self._address}/api/v3", "ARK_API_KEY": "any"}
        return {"MODELLIX_BASE_URL": self._address, "MODELLIX_API_KEY": "any"}

    def _ended(self, code: int, said: str) -> Ended:
        with urlopen(f"{self._ledger}/sim/ledger") as answer:
            rows = json.load(answer)["tasks"]
        return Ended(
            exit=code,
            said=said,
            lock=store.read(self._manifest.with_suffix(".lock"), "film.yaml"),
            tasks={r["task_id"]: r["state"] for r in rows if r["prompt"] == self._prompt},
        )


@contextmanager
def _stderr(case: Case, said: TextIO) -> Iterator[TextIO]:
    """Yield what a command's words go to."""
    if case.name != "stderr-full":
        yield said
        return
    full = Path("/dev/full").open("w", buffering=1, encoding="utf-8")  # noqa: SIM115 - its end fails
    try:
        yield full
    finally:
        with suppress(OSError):
            full.close()


def row(case: Case, shared: World) -> str:
    """Return the row of a fault, as it is seen."""
    with (
        tempfile.TemporaryDirectory() as folder,
        _elsewhere(case, shared) as addresses,
        chdir(folder),
    ):
        film = Film(case, Path(folder), addresses)
        options = _OPTIONS.get(case.name, [])
        with _patience(case):
            first = film.command("run", *options)
        again = film.command("run", *options)
        cells = [
            case.stage.value,
            case.wire,
            case.shown,
            case.text,
            _state(first.lock),
            str(first.exit),
            _words(first),
            _money(case, first, again),
            _next(first, again) + _decided(film, again),
        ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


@contextmanager
def _hurried() -> Iterator[None]:
    """Let the client's waits pass as fast as the simulator's time."""
    limits = registry.account_limits

    def hurried(name: str) -> Any:
        return replace(limits(name), speed=SPEED)

    with (
        mock.patch.object(registry, "account_limits", hurried),
        mock.patch.object(ark_list, "_INTERVAL_S", 0.0),
        mock.patch.object(downloads, "_TRICKLE_S", 1),
        mock.patch.object(retry, "_COSTLY_AGAIN", 1),
    ):
        yield


@contextmanager
def _patience(case: Case) -> Iterator[None]:
    """Wait for an answer no longer than half of what a late one takes."""
    if case.name != "late-answer":
        yield
        return
    with mock.patch.object(http, "_SUBMIT_TIMEOUT", aiohttp.ClientTimeout(total=300 / SPEED)):
        yield


@contextmanager
def _elsewhere(case: Case, shared: World) -> Iterator[tuple[str, str]]:
    """Yield the provider's address, and that of a ledger to look into."""
    if case.name in _WORLDS:
        with simulator(_settings(**_WORLDS[case.name])) as base_url:
            yield base_url, base_url
        return
    address = shared.base_url
    match case.name:
        case "refused":
            with socket.socket() as taken:  # bound, and nobody listens
                taken.bind(("127.0.0.1", 0))
                yield f"http://127.0.0.1:{taken.getsockname()[1]}", shared.base_url
            return
        case "no-tls":
            address = address.replace("http:", "https:")
        case "no-host":
            address = "https://provider.invalid"
    with mock.patch.object(socket, "getaddrinfo", _resolver(socket.getaddrinfo)):
        yield address, shared.base_url


def _resolver(known: Any) -> Any:
    def getaddrinfo(host: Any, *more: Any, **others: Any) -> Any:
        if host == "provider.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return known(host, *more, **others)

    return getaddrinfo


def _state(lock: Lock) -> str:
    states = dict.fromkeys(fold.job_state(entry).value for entry in lock.entries.values())
    return ", ".join(states) or "none"


def _words(ended: Ended) -> str:
    """Return what was said of the job last that was not to be expected; else how the run ended."""
    lines = ended.said.strip().split("\n")
    notes = [line.split("  ", 3) for line in lines if re.match(r"\d\d:\d\d:\d\d  spin", line)]
    amiss = [note for note in notes if note[2] not in _PLANNED]
    if amiss:
        return _shortened(": ".join(amiss[-1][2:]))
    if ended.exit == 0:
        return "done"
    return _shortened(next((line for line in lines[1:] if "Still" in line), lines[-1]))


def _shortened(text: str) -> str:
    """Leave out what differs from run to run, and what is too long."""
    for pattern, words in _PARTICULARS:
        text = pattern.sub(words, text)
    return text if len(text) <= _LONGEST else text[:_LONGEST].rpartition(" ")[0] + " …"


def _money(case: Case, ended: Ended, later: Ended) -> str:
    """Say what became of the money; how a task ends may be known at the provider's later only."""
    states = {fold.job_state(entry) for entry in ended.lock.entries.values()}
    made = {0: "no task was made", 1: "one task was made"}.get(
        ended.created, f"{ended.created} tasks were made"
    )
    if states & {JobState.UNKNOWN, JobState.SUBMITTING}:
        return f"may have been spent (here {made})"
    if ended.created == 0:
        return f"not spent: {made}"
    if states & {JobState.SUBMITTED}:  # whether it has ended by now is a matter of moments
        return f"spent once it succeeds: {made}, and its end is not seen yet"
    if any(later.tasks[task] == "success" for task in ended.tasks):
        is_there = states <= {JobState.DONE, JobState.SUCCEEDED}
        return f"spent: {made}" + (_cost(ended.lock) if is_there else "; its end is not seen yet")
    if case.wire == "ark":
        return "not spent: only a task that succeeds is billed"
    return "may have been spent: whether a task that fails is billed is not published"


def _cost(lock: Lock) -> str:
    records = [record for entry in lock.entries.values() for record in entry.tasks]
    costs = [record.cost for record in records if record.cost is not None]
    if not costs:
        return "; its cost is not known"
    source = {"provider": "as billed", "prices": "by the price table"}
    return f"; {costs[0].amount} {source.get(costs[0].source, costs[0].source)}"


def _next(first: Ended, again: Ended) -> str:
    what = _buys(again.created - first.created)
    return f"exit {again.exit}, {_state(again.lock)}, {what}"


def _decided(film: Film, ended: Ended) -> str:
    """Do what a person is told to: ask, keep what differs, or buy again."""
    steps = []
    if JobState.UNKNOWN.value in _state(ended.lock):
        steps.append(f"`reconcile`: exit {film.command('reconcile').exit}")
    elif "seedrender pin" in ended.said:
        pinned = film.command("pin", "spin")
        steps.append(f"`pin spin`: exit {pinned.exit}, then `run`: exit {film.command('run').exit}")
        film.command("unpin", "spin")
    elif "--resubmit" not in ended.said:
        return ""
    bought = film.command("run", "--resubmit", "spin")
    count = bought.created - ended.created
    steps.append(f"`run --resubmit spin`: exit {bought.exit}, {_buys(count)}")
    again = film.command("run") if not count and bought.exit else None
    if again is not None:
        steps.append(f"`run`: exit {again.exit}, {_buys(again.created - bought.created)}")
    return "".join(f"; {step}" for step in steps)


def _buys(count: int) -> str:
    return f"buys {count}" if count else "buys nothing"


def rows(found: Sequence[Case]) -> Iterator[str]:
    """Return the row of each."""
    with world() as shared:
        for case in found:
            yield row(case, shared)
