"""Turns the graph and the lock into a plan: one step a job, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from seedrender.lock import fold
from seedrender.lock.fingerprint import fingerprint, of_parts
from seedrender.lock.identity import SIMULATED, Asked
from seedrender.plan.asked import Got, mismatches
from seedrender.plan.decide import Facts, decide, decide_live, decide_pinned, still_alive
from seedrender.plan.decision import (
    HAS_CLIP,
    NOTHING,
    SPENDS,
    Act,
    Download,
    Nothing,
    Place,
    Submit,
    Verdict,
)
from seedrender.plan.graph import JobGraph, bond
from seedrender.values.entry import Fingerprint, Lock, LockEntry, TaskRecord
from seedrender.values.job import Job, JobId
from seedrender.values.manifest import LongTake
from seedrender.values.task import Artifact

_AS_A_PARENT = {
    Verdict.RESUME: "whose clip is on its way",
    Verdict.WAITS: "which waits itself",
    Verdict.UNKNOWN: "which may have been bought, or not",
    Verdict.UNCOLLECTED: "whose clip could not be had",
    Verdict.LOST: "whose clip is lost",
    Verdict.DIFFERS: "whose clip is not what was asked for",
    Verdict.AWAITING: "which awaits a person's word",
}
_MAY_BECOME_CURRENT = frozenset({Verdict.RESUME, Verdict.UNKNOWN})  # and what waits is bought then


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is to be done about a job, and why."""

    job: Job
    verdict: Verdict
    reason: str
    fingerprint: Fingerprint | None  # None: it needs a clip that is not there yet
    will_submit: bool  # now, or once what it waits for is there
    act: Act = NOTHING
    clip: str | None = None  # identity of the clip that it has, or will have after free work
    elsewhere: str | None = None  # the route that has its task, where another one is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinStep:
    """What is to be done about a long take; joining is free."""

    take: LongTake
    verdict: Verdict  # CURRENT, MISSING, STALE or WAITS
    reason: str
    fingerprint: Fingerprint | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """A task that is, or may be, at the provider, and whose job has left the manifest."""

    job: JobId  # as it was
    record: TaskRecord

    @property
    def verdict(self) -> Verdict:
        """UNCOLLECTED where an earlier run could not fetch its clip, else RESUME."""
        return Verdict.UNCOLLECTED if self.record.is_uncollected else Verdict.RESUME

    @property
    def reason(self) -> str:
        """Say what is to be done about it."""
        paid = f"task {self.record.task_id} is paid, and its job has left the manifest"
        if self.record.is_uncollected:
            way = "asked for once in each run, until it comes or its provider has forgotten it"
            return f"{paid}; its clip could not be fetched ({self.record.error}): {way}"
        return f"{paid}: its clip is collected and kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every selected job and long take, in manifest order."""

    steps: tuple[Step, ...]
    joins: tuple[JoinStep, ...]
    graph: JobGraph
    strays: tuple[Stray, ...] = ()  # to be collected too

    @property
    def is_done(self) -> bool:
        """Whether everything is as the manifest asks."""
        verdicts = {s.verdict for s in self.steps} | {j.verdict for j in self.joins}
        return verdicts <= {Verdict.CURRENT} and not self.strays

    @property
    def is_pending(self) -> bool:
        """Whether a run has work that needs no person: to buy, to collect, to move, to join."""
        is_theirs = any(s.will_submit or s.verdict is Verdict.RESUME for s in self.steps)
        return is_theirs or self.has_joins or bool(self.strays)

    @property
    def is_idle(self) -> bool:
        """Whether a run would find nothing to do: all is done, refused, or a person's to decide."""
        return not (any(s.will_submit for s in self.steps) or self.has_free_work or self.strays)

    @property
    def has_free_work(self) -> bool:
        """Whether something is to be asked, collected, moved or joined, which costs nothing."""
        to_do = any(not isinstance(step.act, Nothing | Submit) for step in self.steps)
        return to_do or self.has_joins

    @property
    def has_joins(self) -> bool:
        """Whether long takes are to be joined."""
        return bool({j.verdict for j in self.joins} - {Verdict.CURRENT, Verdict.WAITS})


def plan(
    graph: JobGraph, takes: tuple[LongTake, ...], facts: Facts, strays: tuple[Stray, ...] = ()
) -> Plan:
    """Decide about every job of the graph."""
    steps: dict[JobId, Step] = {}
    for job in graph.jobs.values():
        steps[job.id] = _step(job, steps, facts)
    joins = tuple(_join_step(take, steps, facts) for take in takes)
    return Plan(steps=tuple(steps.values()), joins=joins, graph=graph, strays=strays)


def join_fingerprint(take: LongTake, clips: tuple[str, ...]) -> Fingerprint:
    """Fingerprint a long take by its segments' clips (sha256) and how they are joined."""
    return of_parts({"segments": [f"sha256:{clip}" for clip in clips], "audio": take.audio})


def _step(job: Job, steps: Mapping[JobId, Step], facts: Facts) -> Step:
    entry = facts.lock.entries.get(job.id)
    kept = decide_pinned(job, entry, facts) if entry is not None else None
    if kept is not None and entry is not None and entry.output is not None:
        return Step(
            job=job,
            verdict=kept.verdict,
            reason=kept.reason,
            act=kept.act,
            fingerprint=None,
            will_submit=False,
            clip=entry.output.identity,
        )
    parents = {need: clip for need in job.parents if (clip := steps[need].clip) is not None}
    pending = [need for need in job.parents if need not in parents]
    if pending:
        return _pending(job, entry, steps[pending[0]], facts)
    wanted = fingerprint(job, facts.digests, parents)
    found = decide(job, wanted, entry, facts)
    reason = found.reason
    is_outdated = entry is not None and _collects_another(job, wanted, entry, facts)
    if is_outdated:
        reason += "; then rendered anew, since its definition changed"
    return Step(
        job=job,
        verdict=found.verdict,
        reason=reason,
        act=found.act,
        fingerprint=wanted,
        will_submit=found.verdict in SPENDS or is_outdated,
        clip=_clip_to_be(found.verdict, found.act, entry, facts, job),
        elsewhere=_elsewhere(job, entry, facts),
    )


def _clip_to_be(
    verdict: Verdict, act: Act, entry: LockEntry | None, facts: Facts, job: Job
) -> str | None:
    """Return the clip that is known already, and at most moved, renamed or downloaded again."""
    if entry is None or verdict not in (Verdict.CURRENT, Verdict.RESUME):
        return None
    if isinstance(act, Place | Download):
        return act.clip.identity
    if entry.output is None or still_alive(job, entry, facts):
        return None
    return entry.output.identity


def _elsewhere(job: Job, entry: LockEntry | None, facts: Facts) -> str | None:
    """Return the route of a live task that this route cannot settle."""
    live = still_alive(job, entry, facts) if entry is not None else []
    return next((record.provider for record in live if not facts.asked.reaches(record)), None)


def _collects_another(job: Job, wanted: Fingerprint, entry: LockEntry, facts: Facts) -> bool:
    """Say whether the tasks to be collected are for something that is not wanted any more."""
    live = still_alive(job, entry, facts)
    has_none = fold.made(wanted, entry, facts.asked, facts.chosen.get(job.id))[0] is None
    return (
        bool(live)
        and has_none
        and all(
            r.task_id and not wanted.is_of(r.fingerprint) and facts.asked.reaches(r) for r in live
        )
    )


def _pending(job: Job, entry: LockEntry | None, need: Step, facts: Facts) -> Step:
    """Decide about a job whose parent has no clip yet: what is paid already is resumed first."""
    live = still_alive(job, entry, facts) if entry is not None else []
    if live:
        found = decide_live(job.id, live, facts)
        return Step(
            job=job,
            verdict=found.verdict,
            reason=found.reason,
            act=found.act,
            fingerprint=None,
            will_submit=False,
            elsewhere=_elsewhere(job, entry, facts),
        )
    which = f"which is {need.verdict.value}"
    return Step(
        job=job,
        verdict=Verdict.WAITS,
        reason=f"{bond(job, need.job)}, {_AS_A_PARENT.get(need.verdict, which)}",
        fingerprint=None,
        will_submit=need.will_submit or _may_become_current(need),
    )


def _may_become_current(need: Step) -> bool:
    return need.verdict in _MAY_BECOME_CURRENT and need.elsewhere is None


def _join_step(take: LongTake, steps: Mapping[JobId, Step], facts: Facts) -> JoinStep:
    waiting = [job for job in take.segments if steps[job].verdict not in HAS_CLIP]
    if waiting:
        reason = f"waits for {waiting[0]}{_of_another_size(take, steps, facts)}"
        return JoinStep(take=take, verdict=Verdict.WAITS, reason=reason, fingerprint=None)
    clips = tuple(_clip(facts.lock, job).sha256 for job in take.segments)
    wanted = join_fingerprint(take, clips)
    verdict, reason = _join_verdict(take, wanted, facts)
    return JoinStep(take=take, verdict=verdict, reason=reason, fingerprint=wanted)


def _of_another_size(take: LongTake, steps: Mapping[JobId, Step], facts: Facts) -> str:
    """Say, before the rest is bought, that a clip that stays will not join with it."""
    for name in take.segments:
        if steps[name].verdict not in HAS_CLIP:
            continue
        job, clip = steps[name].job, _clip(facts.lock, name)
        got = Got(width=clip.width, height=clip.height, container="")
        for found in mismatches(job, got, facts.asked.route or SIMULATED):
            if found.what in ("resolution", "ratio"):
                return (
                    f"; it cannot be joined then: {name} stays at {found.got}, and the rest is "
                    f"asked for in {found.asked}"
                )
    return ""


def _join_verdict(take: LongTake, wanted: Fingerprint, facts: Facts) -> tuple[Verdict, str]:
    entry = facts.lock.entries.get(take.id)
    output = entry.output if entry is not None else None
    if output is None:
        return Verdict.MISSING, f"{len(take.segments)} segments to be joined"
    if output.made_by != wanted.digest:
        return Verdict.STALE, "its segments or the way they are joined changed"
    if output.path != take.output or not facts.is_present(output):
        return Verdict.MISSING, f"{take.output} is missing or changed on disk"
    return Verdict.CURRENT, "as in the lock"


def _clip(lock: Lock, job: JobId) -> Artifact:
    output = lock.entries[job].output
    assert output is not None, "a current job has a clip"
    return output


def strays(lock: Lock, known: frozenset[JobId], asked: Asked) -> tuple[Stray, ...]:
    """Return the tasks of jobs that left the manifest, and that this route can collect."""
    return tuple(
        Stray(job=job, record=record)
        for job, entry in sorted(lock.entries.items())
        if job not in known
        for record in fold.alive(entry)
        if record.task_id is not None and asked.reaches(record)
    )
