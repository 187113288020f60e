"""Drives a plan to its end: every job when its turn comes and what it continues is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from seedrender.errors import (
    ArtifactError,
    LockError,
    ProviderError,
    SeedrenderError,
    UnavailableError,
)
from seedrender.lock import fold
from seedrender.lock.fingerprint import fingerprint
from seedrender.plan import make
from seedrender.plan.make import Facts, JoinStep, Plan, Step, Verdict
from seedrender.run.bugs import bug
from seedrender.run.desk import Desk
from seedrender.run.join import join
from seedrender.run.tasks import Tasks
from seedrender.values.entry import Fingerprint, LockEntry
from seedrender.values.job import Job, JobId
from seedrender.values.task import Artifact

_GRACE_S = 1.5  # for submits under way, when a run is stopped


class Executor:
    """One run over one plan."""

    def __init__(
        self, desk: Desk, plan: Plan, facts: Callable[[], Facts], *, is_exact: bool = False
    ) -> None:
        self._plan = plan
        self._is_exact = is_exact  # what the plan does not know yet is not bought
        self._facts = facts
        self._tasks = Tasks(desk)
        self._store, self._files = desk.store, desk.files
        self._gate, self._listener, self._inputs = desk.gate, desk.listener, desk.inputs
        self._purse = desk.purse
        self._ended = {step.job.id: asyncio.Event() for step in plan.steps}
        self._current: set[JobId] = set()
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
            if step.verdict is Verdict.CURRENT:
                self._finish(step.job)
            else:
                self._start(group, step.job.id, self._drive(step))
        for join_step in self._plan.joins:
            if join_step.verdict is not Verdict.CURRENT:
                self._start(group, join_step.take.id, self._join(join_step))

    @property
    def in_flight(self) -> tuple[JobId, ...]:
        """The jobs whose tasks are, or may be, at the provider."""
        entries = ((step.job.id, self._store.entry(step.job.id)) for step in self._plan.steps)
        return tuple(job for job, entry in entries if entry is not None and fold.alive(entry))

    def drain(self, reason: str, grace_s: float) -> None:
        """Submit no more, and collect for a while what is in flight."""
        self._gate.close(reason)
        asyncio.get_running_loop().call_later(grace_s, self.stop, reason)

    def stop(self, reason: str) -> None:
        """Submit no more and wait for nothing; submits under way get a moment for their answer."""
        self._gate.close(reason)
        for task in self._driving - self._gate.awaiting_answer:
            task.cancel()
        asyncio.get_running_loop().call_later(_GRACE_S, self._cancel_all)

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

    def _finish(self, job: Job) -> None:
        self._current.add(job.id)
        self._ended[job.id].set()

    async def _drive(self, step: Step) -> None:
        """Take one job as far as it goes: the one place where errors become words."""
        job = step.job
        try:
            await self._render(step)
        except ProviderError as error:
            if error.stops_run or isinstance(error, UnavailableError):
                self._gate.close(str(error), has_failed=True)
            self._fail(job.id, error, str(error))
        except LockError as error:
            self._gate.close(str(error), has_failed=True)
            self._fail(job.id, error, str(error))
        except ArtifactError as error:
            self._fail(job.id, error, str(error))
        finally:
            if self._gate.has_failed and job.id not in self._current:
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
        parents = {need: self._output(need).sha256 for need in job.parents}
        facts = self._facts()
        wanted = fingerprint(job, facts.digests, parents)
        verdict, reason = make.decide(job, wanted, self._store.entry(job.id), facts)
        if verdict is Verdict.RESUME:
            await self._tasks.restore(job, wanted, facts.asked)
        elif self._may_buy(step) and verdict in make.SPENDS:
            if job.id not in facts.resubmit:
                self._store.memory.check_one(job.id, wanted, facts.lock.manifest)
            await self._tasks.buy(job, wanted, reason, self._plan.graph.behind_s[job.id])
        elif verdict is not Verdict.CURRENT and self._gate.is_open:
            self._listener.note(job.id, verdict.value, reason)
        if self._is_current(job, wanted):
            self._current.add(job.id)

    def _may_buy(self, step: Step) -> bool:
        """Say whether the plan said so, or might have, and buying is still allowed."""
        is_allowed = step.will_submit or (step.verdict is Verdict.UNKNOWN and not self._is_exact)
        return is_allowed and self._gate.is_open

    async def _is_kept(self, job: Job) -> bool:
        """Say whether a person keeps the clip, having brought it back where it was not in place."""
        entry = self._store.entry(job.id)
        facts = self._facts()
        kept = make.decide_pinned(job, entry, facts) if entry is not None else None
        made_by = fold.output_record(entry) if entry is not None else None
        if kept is None or made_by is None:
            return False
        if kept[0] is Verdict.RESUME:
            await self._tasks.restore(job, made_by.fingerprint, facts.asked)
        self._current.add(job.id)
        return True

    async def _settle_earlier_tasks(self, job: Job) -> bool:
        entry = self._store.entry(job.id)
        is_given_up = job.id in self._facts().resubmit
        live = fold.alive(entry) if entry is not None else ()
        asked = self._facts().asked
        for record in sorted(live, key=lambda r: not asked.reaches(r)):  # first what can be settled
            if not await self._tasks.settle(job, record, is_given_up=is_given_up):
                return False
        await self._inputs.settled(job.id)
        return True

    async def _parents_are_there(self, job: Job) -> bool:
        for need in job.parents:
            await self._ended[need].wait()
            if need not in self._current:
                self._listener.note(job.id, "waits", f"for {need}")
                return False
        return True

    def _is_current(self, job: Job, wanted: Fingerprint) -> bool:
        facts = self._facts()
        return make.decide(job, wanted, self._store.entry(job.id), facts)[0] is Verdict.CURRENT

    def _output(self, job: JobId) -> Artifact:
        entry = self._store.entry(job)
        assert entry is not None, "asked for jobs only that are done"
        assert entry.output is not None, "asked for jobs only that are done"
        return entry.output

    async def _join(self, step: JoinStep) -> None:
        take = step.take
        for job in take.segments:
            await self._ended[job].wait()
            if job not in self._current:
                return
        clips = [self._output(job) for job in take.segments]
        wanted = make.join_fingerprint(take, tuple(clip.sha256 for clip in clips))
        try:
            artifact = await join(take, clips, self._files, made_by=wanted.digest)
        except ArtifactError as error:
            self.failed[take.id] = error
            self._listener.note(take.id, "error", f"{error}; joining costs nothing")
            return
        await self._store.keep(LockEntry(job=take.id, output=artifact))
        self._listener.note(take.id, "joined", artifact.path)
