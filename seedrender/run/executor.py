"""Drives a plan to its end: every job when its turn comes and what it continues is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterator
from contextlib import contextmanager, suppress

from seedrender.errors import (
    ArtifactError,
    ForgottenError,
    LockError,
    ProviderError,
    RateLimitedError,
    SeedrenderError,
    StorageError,
    UnavailableError,
)
from seedrender.lock import fold
from seedrender.lock.fingerprint import fingerprint
from seedrender.lock.identity import SIMULATED
from seedrender.plan import make
from seedrender.plan.decide import Facts, decide, decide_pinned, ended_without_a_clip
from seedrender.plan.decision import (
    HAS_CLIP,
    Decision,
    Download,
    Note,
    Place,
    Settle,
    Submit,
    Verdict,
)
from seedrender.plan.make import JoinStep, Plan, Step, Stray
from seedrender.plan.owners import Owners
from seedrender.run import strays
from seedrender.run.bugs import bug
from seedrender.run.desk import Desk
from seedrender.run.join import join
from seedrender.run.tasks import Tasks
from seedrender.values.entry import Fingerprint, LockEntry, TaskRecord
from seedrender.values.job import CorrelationId, Job, JobId
from seedrender.values.task import Artifact

_GRACE_S = 1.5  # for submits under way, when a run is stopped


class Executor:
    """One run over one plan."""

    def __init__(
        self,
        desk: Desk,
        plan: Plan,
        facts: Callable[[], Facts],
        owners: Owners,
        *,
        is_exact: bool = False,
    ) -> None:
        self._plan = plan
        self._is_exact = is_exact  # what the plan does not know yet is not bought
        self._facts, self._owners = facts, owners
        self._tasks = Tasks(desk)
        self._store, self._files, self._purse = desk.store, desk.files, desk.purse
        self._gate, self._listener, self._inputs = desk.gate, desk.listener, desk.inputs
        self._ended = {step.job.id: asyncio.Event() for step in plan.steps}
        self._current: set[JobId] = set()  # whose clips may be continued and used
        self._present: set[JobId] = set()  # whose clips are there: free work may use them
        self._settling: dict[CorrelationId, asyncio.Event] = {}
        self._placing = asyncio.Lock()
        self._is_paid = desk.provider.name != SIMULATED
        self._driving: set[asyncio.Task[None]] = set()
        self.failed: dict[JobId, SeedrenderError] = {}

    async def run(self) -> None:
        """Do what the plan says; what became of it is in the store."""
        async with asyncio.TaskGroup() as group:
            self._start_all(group)

    def _start_all(self, group: asyncio.TaskGroup) -> None:
        behind_s = self._plan.graph.behind_s
        undone = [step.job.id for step in self._plan.steps if step.verdict is not Verdict.CURRENT]
        self._inputs.expect(undone)
        for step in sorted(self._plan.steps, key=lambda s: -behind_s[s.job.id]):
            if step.verdict in HAS_CLIP:
                self._take_note(step.job, step.verdict)
                self._ended[step.job.id].set()
            else:
                self._start(group, step.job.id, self._drive(step))
        for join_step in self._plan.joins:
            if join_step.verdict is not Verdict.CURRENT:
                self._start(group, join_step.take.id, self._join(join_step))
        for stray in self._plan.strays:
            self._start(group, stray.job, self._collect_stray(stray))

    @property
    def in_flight(self) -> tuple[JobId, ...]:
        """The jobs whose tasks are, or may be, at the provider."""
        entries = ((step.job.id, self._store.entry(step.job.id)) for step in self._plan.steps)
        return tuple(job for job, entry in entries if entry is not None and fold.alive(entry))

    def drain(self, reason: str, grace_s: float) -> None:
        """Submit no more, and collect for a while what is in flight."""
        self._gate.close(reason)
        asyncio.get_running_loop().call_later(grace_s, self.stop, reason)

    def stop(self, reason: str, answers_s: float = _GRACE_S) -> None:
        """Submit no more and wait for nothing, but so long for answers to submits under way."""
        self._gate.close(reason)
        for task in self._driving - self._gate.awaiting_answer:
            task.cancel()
        asyncio.get_running_loop().call_later(answers_s, self._cancel_all)

    def _cancel_all(self) -> None:
        for task in self._driving:
            task.cancel()

    def _start(
        self, group: asyncio.TaskGroup, name: JobId, work: Coroutine[None, None, None]
    ) -> None:
        task = group.create_task(self._guarded(name, work))
        self._driving.add(task)
        task.add_done_callback(self._driving.discard)

    async def _guarded(self, name: JobId, work: Coroutine[None, None, None]) -> None:
        """Let an exception that nobody foresaw end this work, and the buying, but no other work."""
        try:
            await work
        except Exception as error:  # noqa: BLE001 - what is paid for is collected all the same
            found = bug(error, self._files.root, where=name)
            self._gate.close(str(found), has_failed=True)
            self._fail(name, found, str(found))

    async def _drive(self, step: Step) -> None:
        """Take one job as far as it goes: the one place where errors become words."""
        job = step.job
        try:
            await self._render(step)
        except ProviderError as error:
            if error.stops_run or isinstance(error, UnavailableError | RateLimitedError):
                self._gate.close(str(error), has_failed=True)
            self._fail(job.id, error, str(error))
        except LockError as error:
            self._gate.close(str(error), has_failed=True)
            self._fail(job.id, error, str(error))
        except StorageError as error:
            self._gate.close(str(error), has_failed=True)  # what is bought now could not be kept
            self._fail(job.id, error, str(error))
        except ArtifactError as error:
            self._fail(job.id, error, str(error))
        finally:
            if self._gate.has_failed and job.id not in self._present:
                self.failed.setdefault(job.id, ProviderError(self._gate.closed_by))
            self._purse.leave(job.id)
            self._ended[job.id].set()
        await self._inputs.release(job.id)

    def _fail(self, job: JobId, error: SeedrenderError, words: str) -> None:
        self.failed[job] = error
        self._listener.note(job, "error", words)

    async def _render(self, step: Step) -> None:
        job = step.job
        if not await self._settle_earlier_tasks(job) or await self._is_kept(job):
            return
        if not await self._parents_are_there(job):
            return
        parents = {need: self._output(need).identity for need in job.parents}
        wanted = fingerprint(job, self._facts().digests, parents)
        found = await self._brought(job, wanted, await self._asked_once_more(job, wanted))
        while isinstance(found.act, Submit) and self._may_buy(step):
            if not await self._takes_over(job, wanted):
                if self._is_paid:
                    self._store.purchases.check(self._store.lock)
                self._store.settled(job.id)
                behind_s = self._plan.graph.behind_s[job.id]
                is_again = job.id in self._facts().resubmit
                await self._tasks.buy(job, wanted, found.reason, behind_s, is_again=is_again)
                break
            if not await self._settle_earlier_tasks(job):
                return
            found = await self._brought(job, wanted, self._decided(job, wanted))
        if found.verdict not in HAS_CLIP and self._gate.is_open and not self._buys(found, step):
            self._listener.note(job.id, found.verdict.value, found.reason)
        if isinstance(found.act, Settle) or found.verdict in HAS_CLIP:
            await self._tasks.release(job.id)
        self._take_note(job, self._decided(job, wanted).verdict)

    async def _asked_once_more(self, job: Job, wanted: Fingerprint) -> Decision:
        """Decide, having tried for a clip that a person gives up: it is paid, and may be there."""
        found = self._decided(job, wanted)
        if job.id in self._facts().resubmit and isinstance(found.act, Download):
            await self._tasks.ask_once_more(job, found.act)
            found = self._decided(job, wanted)
        return found

    def _decided(self, job: Job, wanted: Fingerprint) -> Decision:
        return decide(job, wanted, self._store.entry(job.id), self._facts())

    def _buys(self, found: Decision, step: Step) -> bool:
        return isinstance(found.act, Submit) and self._may_buy(step)

    def _take_note(self, job: Job, verdict: Verdict) -> None:
        """Remember whose clips purchases may rest on, and which are there for free work."""
        if verdict in HAS_CLIP:
            self._present.add(job.id)
        if verdict is Verdict.CURRENT:
            self._current.add(job.id)

    async def _takes_over(self, job: Job, wanted: Fingerprint) -> bool:
        """Take over a task that shows what is wanted, in place of buying one; False: none does."""
        spare = self._owners.take(job, wanted)
        if spare is None:
            return False
        under_way = self._settling.get(spare.record.correlation_id)
        if under_way is not None:
            await under_way.wait()
        await self._store.take_over(self._owners.moves(), job.id)
        where = "the purchases that are remembered" if spare.is_remembered else spare.job
        what = spare.record.task_id or "a submit"
        self._listener.note(job.id, "resumed", f"{what}, taken over from {where}")
        return True

    async def _brought(self, job: Job, wanted: Fingerprint, found: Decision) -> Decision:
        """Bring a clip where one is to be brought, and decide what is left to do then."""
        if not isinstance(found.act, Place | Download | Note):
            return found
        await self._bring(job, wanted)
        return self._decided(job, wanted)

    async def _bring(self, job: Job, wanted: Fingerprint) -> None:
        """Put a clip in its place that is somewhere already: one at a time, for places change."""
        async with self._placing:
            found = self._decided(job, wanted)
            if isinstance(found.act, Place):
                await self._tasks.place(job, found.act)
        if isinstance(found.act, Download):
            with suppress(ForgottenError):  # it is lost, and what is decided then says so
                await self._tasks.download(job, found.act)
        self._store.settled(job.id)

    def _may_buy(self, step: Step) -> bool:
        """Say whether the plan said so, or might have, and buying is still allowed."""
        is_asked = step.verdict is Verdict.UNKNOWN or step.job.id in self._facts().resubmit
        might = is_asked or not self._is_paid
        is_allowed = step.will_submit or (might and not self._is_exact)
        return is_allowed and self._gate.is_open

    async def _is_kept(self, job: Job) -> bool:
        """Say whether a person keeps the clip, having brought it back where it was not in place."""
        async with self._placing:
            entry = self._store.entry(job.id)
            kept = decide_pinned(job, entry, self._facts()) if entry is not None else None
            if kept is not None and isinstance(kept.act, Place):
                await self._tasks.place(job, kept.act)
        if kept is None:
            return False
        if isinstance(kept.act, Download):
            await self._tasks.download(job, kept.act)
        self._store.settled(job.id)
        if kept.verdict in (Verdict.CURRENT, Verdict.RESUME):
            self._take_note(job, Verdict.CURRENT)
        return True

    async def _settle_earlier_tasks(self, job: Job) -> bool:
        facts, settled = self._facts(), set[CorrelationId]()
        while (record := self._unsettled(job, facts, settled)) is not None:
            settled.add(record.correlation_id)
            is_given_up = job.id in facts.resubmit
            with self._settles(record):
                if not await self._tasks.settle(job, record, is_given_up=is_given_up):
                    return False
        await self._inputs.settled(job.id)
        return True

    def _unsettled(
        self, job: Job, facts: Facts, settled: Collection[CorrelationId]
    ) -> TaskRecord | None:
        """Return a task that is yet to be asked about, first what this route can settle."""
        entry = self._store.entry(job.id)
        live = fold.outstanding(entry) if entry is not None else ()
        if entry is not None:
            live += tuple(ended_without_a_clip(entry, facts))
        left = (r for r in live if r.correlation_id not in settled)
        to_ask = [r for r in left if not r.is_lost or facts.asked.reaches(r)]
        return min(to_ask, key=lambda r: not facts.asked.reaches(r), default=None)

    @contextmanager
    def _settles(self, record: TaskRecord) -> Iterator[None]:
        """Mark a task that is being asked about: who would take it over waits for its end."""
        ended = self._settling[record.correlation_id] = asyncio.Event()
        try:
            yield
        finally:
            ended.set()
            del self._settling[record.correlation_id]

    async def _collect_stray(self, stray: Stray) -> None:
        """Collect what a job left at the provider, once nobody can take it over any more."""
        for ended in self._ended.values():
            await ended.wait()
        entry = self._store.entry(stray.job)
        live = fold.alive(entry) if entry is not None else ()
        if not any(r.correlation_id == stray.record.correlation_id for r in live):
            return  # a job has taken it over
        job = strays.as_job(stray, self._files.output_dir)
        try:
            await self._tasks.keep_stray(job, stray.record)
        except (ProviderError, ArtifactError) as error:
            self._fail(job.id, error, str(error))

    async def _parents_are_there(self, job: Job) -> bool:
        for need in job.parents:
            await self._ended[need].wait()
            if need not in self._current:
                self._listener.note(job.id, "waits", f"for {need}")
                return False
        return True

    def _replaced(self, take: JobId) -> str | None:
        """Return the sha256 of the join before: it is made again at no cost."""
        entry = self._store.entry(take)
        return entry.output.sha256 if entry is not None and entry.output is not None else None

    def _output(self, job: JobId) -> Artifact:
        entry = self._store.entry(job)
        assert entry is not None, "asked for jobs only that are done"
        assert entry.output is not None, "asked for jobs only that are done"
        return entry.output

    async def _join(self, step: JoinStep) -> None:
        take = step.take
        for job in take.segments:
            await self._ended[job].wait()
            if job not in self._present:
                return
        clips = [self._output(job) for job in take.segments]
        wanted = make.join_fingerprint(take, tuple(clip.sha256 for clip in clips))
        try:
            artifact = await join(
                take, clips, self._files, made_by=wanted.digest, replaces=self._replaced(take.id)
            )
        except ArtifactError as error:
            self.failed[take.id] = error
            self._listener.note(take.id, "error", f"{error}; joining costs nothing")
            return
        await self._store.keep(LockEntry(job=take.id, output=artifact))
        self._listener.note(take.id, "joined", artifact.path)
