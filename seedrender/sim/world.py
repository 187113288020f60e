"""Turns submits into tasks that run by the simulator's clock: what all wires have in common."""

from __future__ import annotations

import asyncio
import heapq
import random
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from seedrender.catalog.models import Catalog, Variant, catalog
from seedrender.sim import faults
from seedrender.sim.clock import Clock
from seedrender.sim.footage import Footage, order
from seedrender.sim.lanes import Lanes
from seedrender.sim.ledger import Ledger, TaskRecord, Upload
from seedrender.sim.sameness import Sameness, digest_of
from seedrender.sim.settings import SimSettings

MINUTE_S = 60.0
_SPREAD = 0.35  # of the logarithm of render times
_FASTEST, _SLOWEST = 0.5, 3.0  # of the median
_FOREVER_S = 10 * 365 * 86_400.0
_PATIENCE_S = 5.0  # our own seconds that a poll waits for a clip to be drawn
_FAILURES = frozenset(["fail", "fail-plain", "fail-half", "fail-word", "refuse-output"])


class World:
    """One account at one simulated provider."""

    def __init__(self, settings: SimSettings) -> None:
        faults.check(settings.faults)
        self.settings = settings
        self.catalog: Catalog = catalog("sim")
        self._arks = [catalog("byteplus"), catalog("volcengine")]
        self._exit = ExitStack()
        self._running: list[float] = []  # ends of the tasks in flight, a heap
        self._window, self._used = 0, 0
        self._occurrences: Counter[str] = Counter()  # of bodies, by digest

    def __enter__(self) -> Self:
        settings = self.settings
        folder = settings.folder
        if folder is None:
            folder = Path(self._exit.enter_context(tempfile.TemporaryDirectory(prefix="sim-")))
        self.ledger = Ledger.open(folder)
        self._exit.callback(self.ledger.close)
        start = self.ledger.resumed_at(settings.wall(), settings.speed)
        self.clock = Clock(settings.speed, start, settings.wall)
        self.footage = Footage(settings, self.ledger, self.variant)
        self.sameness = Sameness(self.footage)
        self.lanes = Lanes(self.ledger, settings)
        self._exit.callback(self.footage.close)
        for task in self.ledger.tasks.values():
            if task.wire == "modellix":
                heapq.heappush(self._running, task.ends_at)
        self.beat()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.beat(at_once=True)
        self._exit.close()

    def beat(self, *, at_once: bool = False) -> None:
        """Let waiting tasks have their turn, and write the time down now and then."""
        self.lanes.settle(self.clock.now())
        self.ledger.beat(self.clock.now(), self.clock.wall(), at_once=at_once)

    def variant(self, slug: str) -> Variant:
        """Return the endpoint of a task that was accepted, on whichever wire."""
        found = (offer.by_slug(slug) for offer in (self.catalog, *self._arks))
        variant = next(filter(None, found), None)
        assert variant is not None, "tasks are only made for endpoints of the catalogues"
        return variant

    def take_request(self) -> tuple[bool, int, float]:
        """Count a request: is it within the limit, how many are left, when a new window opens."""
        now = self.clock.now()
        window = int(now // MINUTE_S)
        if window != self._window:
            self._window, self._used = window, 0
        limit = self.settings.requests_per_minute
        is_within = self._used < limit
        self._used += is_within
        return is_within, limit - self._used, (window + 1) * MINUTE_S

    def in_flight(self) -> int:
        """Return how many tasks are pending or processing."""
        now = self.clock.now()
        while self._running and self._running[0] <= now:
            heapq.heappop(self._running)
        return len(self._running)

    def balance(self) -> Decimal | None:
        """Return what is left of the account's credit; None: it is never used up."""
        if self.settings.balance is None:
            return None
        now = self.clock.now()
        spent = (
            task.amount or 0
            for task in self.ledger.tasks.values()
            if task.phase(now) in ("pending", "processing", "success")
        )
        return self.settings.balance - sum((Decimal(str(amount)) for amount in spent), Decimal(0))

    def faults_of(self, prompt: str, number: int, wire: str) -> tuple[str, ...]:
        """Return what befalls this submit: what its prompt asks for, and what chance adds."""
        by_chance = faults.drawn(self.settings.faults, self.settings.seed, number, wire)
        return tuple(dict.fromkeys([*faults.marked(prompt), *by_chance]))

    def strikes(self, name: str, present: tuple[str, ...], thing: str) -> bool:
        """Return whether a fault happens to this thing now: a body's digest or a task's id."""
        if name not in map(faults.base, present):
            return False
        return not faults.FAULTS[name].is_once or self.ledger.strike(f"{name} {thing}")

    def price(self, variant: Variant, body: Mapping[str, Any]) -> Decimal | None:
        """Return what a task costs if it succeeds; None: no source says."""
        wanted = order(variant, body)
        if variant.price_per_image is not None:
            return variant.price_per_image
        rate = variant.price_per_second.get(wanted.resolution)
        return None if rate is None else (rate * wanted.duration_s).quantize(Decimal("0.0001"))

    def create(
        self,
        variant: Variant,
        body: Mapping[str, Any],
        request_id: str | None,
        present: tuple[str, ...],
    ) -> TaskRecord:
        """Create a task; its id, times and pictures follow from the seed and the body alone.

        So the order in which requests happen to arrive changes nothing. Equal bodies differ by how
        many there were before.
        """
        number = len(self.ledger.tasks)
        task_id = self._new_id(variant.slug, body, is_number="id-number" in present)
        waiting, rendering = self.durations(task_id, present)
        now = self.clock.now()
        amount = self.price(variant, body)
        task = TaskRecord(
            task_id=task_id,
            number=number,
            slug=variant.slug,
            body=body,
            request_id=request_id,
            created_at=now,
            starts_at=now + waiting,
            ends_at=now + waiting + rendering,
            outcome=self.outcome(body, present),
            faults=present,
            amount=None if amount is None else float(amount),
        )
        heapq.heappush(self._running, task.ends_at)
        return self.ledger.create(task)

    def durations(self, identity: str, present: tuple[str, ...]) -> tuple[float, float]:
        """Return how long a task waits and renders, as drawn from what identifies it."""
        rng = random.Random(identity)  # noqa: S311 -- a simulation
        median = self.settings.median_s
        waiting = median * rng.uniform(0.03, 0.15)
        share = min(_SLOWEST, max(_FASTEST, rng.lognormvariate(0.0, _SPREAD)))
        rendering = median * share * faults.delay_factor(present)
        return waiting, _FOREVER_S if "stuck" in present else rendering

    def _new_id(self, slug: str, body: Mapping[str, Any], *, is_number: bool) -> str:
        while True:
            word = self.identity(slug, body)
            task_id = number_of(word) if is_number else f"task-{word[:20]}"
            if task_id not in self.ledger.tasks:  # after a restart the count begins anew
                return task_id

    def identity(self, slug: str, body: Mapping[str, Any]) -> str:
        """Return a word for this body, drawn from the seed: another one each time it comes."""
        identity = digest_of(self.settings.seed, slug, self.sameness.text(body))
        self._occurrences[identity] += 1
        return digest_of(identity, self._occurrences[identity] - 1)

    def outcome(self, body: Mapping[str, Any], present: tuple[str, ...]) -> str:
        """Return how a task will end."""
        if "canceled" in present:
            return "canceled"
        if _FAILURES & set(map(faults.base, present)):
            return "failed"
        if "fail-once" not in present:
            return "success"
        thing = self.sameness.digest(body)
        return "failed" if self.strikes("fail-once", present, thing) else "success"

    def first_alike(self, task: TaskRecord) -> TaskRecord:
        """Return the first task of the same prompt on the same wire."""
        prompt, wire = task.body.get("prompt"), task.wire
        found = (t for t in self.ledger.tasks.values() if t.wire == wire)
        return next((t for t in found if t.body.get("prompt") == prompt), task)

    def find(self, task_id: str, wire: str) -> TaskRecord | None:
        """Return a task of a wire that is known, not deleted and not yet forgotten."""
        task = self.ledger.tasks.get(task_id)
        return None if task is None or task.wire != wire or self.is_forgotten(task) else task

    def is_forgotten(self, task: TaskRecord) -> bool:
        """Whether a task's record is gone."""
        settings = self.settings
        if task.wire == "modellix":
            return self.clock.now() >= task.ends_at + settings.retention_s
        if task.canceled_at is not None:
            return task.is_deleted or self.clock.now() >= task.canceled_at + settings.canceled_s
        return task.is_deleted or self.clock.now() >= task.created_at + settings.retention_s

    def is_served(self, task: TaskRecord) -> bool:
        """Whether the files of a task can still be fetched."""
        settings = self.settings
        kept_s = settings.retention_s if task.wire == "modellix" else settings.link_s
        return self.clock.now() < task.ended_at + kept_s

    async def phase(self, task: TaskRecord) -> str:
        """Return a task's state; success only once its clip is there to be downloaded."""
        phase = task.phase(self.clock.now())
        if phase != "success":
            return phase
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self.footage.clip(task)
        except TimeoutError:
            return "processing"
        return phase

    def uploads(self) -> dict[str, Upload]:
        """Return the uploaded files that are still kept."""
        oldest = self.clock.now() - self.settings.retention_s
        for upload in list(self.ledger.uploads.values()):
            if upload.created_at <= oldest:
                self.ledger.forget_upload(upload.file_id)
        return self.ledger.uploads

    def signature(self, name: str) -> str:
        """Return what must stand behind a file's address for it to be served."""
        return digest_of("signature", self.settings.seed, name)[:32]


def number_of(word: str) -> str:
    """Return the digits that stand for a word of hexadecimal ones."""
    return str(int(f"1{word[:12]}", 16))
