"""Prints what a run costs beside what it cannot cost less than."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import aiohttp

from tests.bench import polling, scale, submits
from tests.bench.measure import SEEDRENDER, measured, say

JOBS = 1000
CONCURRENCY = 64
SPEED = 600
SEGMENTS = 4

RENDER = f"""\
seedrender: 1
name: bench
provider: modellix
defaults: {{tier: mini, resolution: 480p, duration: 4, audio: false}}
run: {{concurrency: {CONCURRENCY}, requests_per_minute: 100000, poll: {{first: 0.1s, interval: 0.05s, max_interval: 0.1s}}}}
shots:
  spin: {{prompt: "A kite.", foreach: rows.csv}}
chains:
  fly: {{prompt: One shot., duration: {SEGMENTS * 15}}}
"""
STILL = """\
seedrender: 1
name: bench
provider: sim
defaults: {tier: mini, resolution: 480p, duration: 4, audio: false}
shots:
  spin: {prompt: "A kite in {{ weather }}.", foreach: rows.csv}
"""


def main() -> None:
    """Run every benchmark."""
    with TemporaryDirectory() as folder:
        bench_run(Path(folder))
    with TemporaryDirectory() as folder:
        bench_nothing_to_do(Path(folder))
    with TemporaryDirectory() as folder:
        scale.bench(Path(folder))
    submits.bench()
    polling.bench()


def rows(folder: Path, count: int) -> None:
    """Write a table with so many rows."""
    lines = ["id,weather", *(f"r{n:05},rain {n}" for n in range(count))]
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")


def bench_run(folder: Path) -> None:
    """Render on a simulator in another process; compare with its own times and a bare client."""
    rows(folder, JOBS - SEGMENTS)
    (folder / "film.yaml").write_text(RENDER)
    with ExitStack() as stack:
        server = stack.enter_context(Simulator())
        base_url = server.base_url
        environment = {"MODELLIX_BASE_URL": base_url, "MODELLIX_API_KEY": "any"}
        started = time.perf_counter()
        used, peak = measured([*SEEDRENDER, "run", "film.yaml", "--json"], folder, environment)
        makespan = time.perf_counter() - started
        ledger = fetch(f"{base_url}/sim/ledger")
        requests = ledger["requests"]
        bare = measured(
            [sys.executable, "-m", "tests.bench.bare", base_url, json.dumps(requests)],
            Path.cwd(),
            {},
        )[0]
    tasks = ledger["tasks"]
    lengths = [(t["ends_at"] - t["created_at"]) / SPEED for t in tasks]
    longest = sum(lengths[n] for n, t in enumerate(tasks) if "v2v" in t["slug"])
    bound = max(sum(lengths) / CONCURRENCY, longest)
    say(f"run, {JOBS} jobs, concurrency {CONCURRENCY}, simulator at speed {SPEED}")
    say(
        f"  makespan             {makespan:7.2f} s   {makespan / bound:5.2f} x lower bound of {bound:.2f} s"
    )
    say(
        f"  client's processor   {used / JOBS * 1000:7.2f} ms/job {used / bare:5.2f} x a bare aiohttp loop ({bare / JOBS * 1000:.2f} ms/job)"
    )
    say(f"  peak memory          {peak / 2**20:7.0f} MiB")
    say(f"  requests             {requests}")


def bench_nothing_to_do(folder: Path) -> None:
    """Check 10,000 jobs, and run where all of them are done."""
    rows(folder, 10_000)
    (folder / "film.yaml").write_text(STILL)
    subprocess.run(
        [sys.executable, "-m", "tests.bench.done", str(folder / "film.yaml")], check=True
    )
    click = best([sys.executable, "-c", "import click"], folder)
    check = best([*SEEDRENDER, "check", "film.yaml"], folder)
    still = best([*SEEDRENDER, "run", "film.yaml"], folder)
    say("10,000 jobs")
    say(f"  import click         {click:7.3f} s")
    say(f"  check                {check:7.3f} s   {check / click:5.1f} x import click")
    say(f"  run, nothing to do   {still:7.3f} s   {still / click:5.1f} x import click")


class Simulator:
    """`seedrender sim` in a process of its own."""

    def __enter__(self) -> Self:
        command = [*SEEDRENDER, "sim", "--port", "0", "--speed", str(SPEED)]
        limits = ["--concurrency", str(CONCURRENCY), "--requests-per-minute", "1000000"]
        self._process = subprocess.Popen(
            [*command, *limits, "--footage", "patched"], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.base_url = self._process.stdout.readline().split()[2]
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.terminate()
        self._process.wait()


def best(command: Sequence[str], folder: Path, *, times: int = 5) -> float:
    """Return the shortest of some times."""
    found = []
    for _ in range(times):
        started = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        found.append(time.perf_counter() - started)
    return min(found)


def fetch(url: str) -> dict[str, Any]:
    """Read a JSON object."""

    async def read() -> dict[str, Any]:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            found: dict[str, Any] = await answer.json()
            return found

    return asyncio.run(read())


if __name__ == "__main__":
    main()
