"""Measures what durability costs: submits a second with every intent on disk, and without a sync."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from seedrender.lock.fingerprint import fingerprint
from seedrender.run.desk import Desk
from seedrender.run.files import Files
from seedrender.run.gate import Gate
from seedrender.run.inputs import Inputs
from seedrender.run.journal import Journal
from seedrender.run.pace import Pace
from seedrender.run.slots import Slots
from seedrender.run.store import hold
from seedrender.run.submit import Submits
from seedrender.values.job import Job, JobId, Submission
from seedrender.values.manifest import PollSchedule
from seedrender.values.provider import Limits
from seedrender.values.task import TaskId
from tests.bench.measure import say
from tests.builders import job

SECONDS = 1.5  # for each figure
CONCURRENCIES = (1, 8, 64, 512)
_LINES = 2  # of one submit: its intent, and its task
LATENCIES_S = (0.0, 0.05)  # until the provider answers


@dataclass
class Provider:
    """Accepts every submit after a while."""

    latency_s: float
    name: str = "bench"
    limits: Limits = field(
        default_factory=lambda: Limits(concurrency=1000, requests_per_minute=10**9)
    )
    window: None = None
    tasks: int = 0

    def encode(self, wanted: Job, media: object, correlation_id: Any) -> Submission:
        del media
        return Submission(job=wanted.id, correlation_id=correlation_id, path="/", body={})

    async def submit(self, submission: Submission) -> TaskId:
        del submission
        await asyncio.sleep(self.latency_s)
        self.tasks += 1
        return TaskId(f"task-{self.tasks}")


@dataclass
class Seen:
    """What came of a while of submitting."""

    per_s: float
    per_sync: float  # lines


def bench() -> None:
    """Submit as fast as it goes, in each way; the folder is beside us: `/tmp` may be in memory."""
    say("submits a second, each intent on disk before its request leaves; on the checkout's disk")
    say("  in flight, answer after    as it is  lines a sync   a sync a line        no sync")
    for latency_s in LATENCIES_S:
        for count in CONCURRENCIES:
            found = asyncio.run(_submitted(count, latency_s))
            with patch.object(Journal, "append", _alone):
                single = asyncio.run(_submitted(count, latency_s))
            with patch.object(os, "fdatasync", lambda _: None):
                loose = asyncio.run(_submitted(count, latency_s))
            say(
                f"  {count:9} {latency_s * 1000:9.0f} ms {found.per_s:9.0f}/s {found.per_sync:11.1f}"
                f" {single.per_s:8.0f}/s {single.per_s / found.per_s:4.2f} x"
                f" {loose.per_s:6.0f}/s {loose.per_s / found.per_s:4.2f} x"
            )


async def _alone(journal: Journal, line: bytes) -> None:
    """Write and sync one line, as a journal without group commit does."""
    async with journal._turn:
        journal._waiting.append(line)
        await asyncio.to_thread(journal._commit)


async def _submitted(count: int, latency_s: float) -> Seen:
    provider = Provider(latency_s)
    with TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        async with _desk(Path(folder), provider, count) as desk:
            with _counted() as syncs:
                submits, started = Submits(desk), time.perf_counter()

                async def one(number: int) -> None:
                    turn = 0
                    while time.perf_counter() - started < SECONDS:
                        wanted = job(JobId(f"spin/{number}-{turn}"))
                        assert await submits.submit(wanted, fingerprint(wanted, {}, {}))
                        turn += 1

                async with asyncio.TaskGroup() as group:
                    for number in range(count):
                        group.create_task(one(number))
                took_s = time.perf_counter() - started
    lines = _LINES * provider.tasks
    return Seen(per_s=provider.tasks / took_s, per_sync=lines / max(1, syncs.count))


@contextmanager
def _counted() -> Iterator[SimpleNamespace]:
    """Count the syncs."""
    found, sync = SimpleNamespace(count=0), os.fdatasync

    def counted(descriptor: int) -> None:
        found.count += 1
        sync(descriptor)

    with patch.object(os, "fdatasync", counted):
        yield found


@asynccontextmanager
async def _desk(folder: Path, provider: Any, count: int) -> AsyncIterator[Desk]:
    files = Files(root=folder, output_dir="renders")
    async with hold(folder / "film.lock", "film.yaml") as store:
        yield Desk(
            provider=provider,
            store=store,
            files=files,
            inputs=Inputs(provider, store, files, {}),
            slots=Slots(count),
            pace=Pace(10**9),
            gate=Gate(),
            poll=PollSchedule(),
            listener=SimpleNamespace(note=lambda *_: None, say=lambda _: None),
        )


if __name__ == "__main__":
    bench()
