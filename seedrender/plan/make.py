"""Turns the graph and the lock into a plan: one step a job, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from seedrender.lock import fold
from seedrender.lock.fingerprint import fingerprint, of_parts
from seedrender.lock.identity import SIMULATED, WHICHEVER, Asked
from seedrender.plan.graph import JobGraph, bond
from seedrender.plan.refusals import advice
from seedrender.values.entry import Fingerprint, JobState, Lock, LockEntry, TaskRecord
from seedrender.values.job import Job, JobId
from seedrender.values.manifest import LongTake
from seedrender.values.picture import place
from seedrender.values.task import Artifact

IsPresent = Callable[[Artifact], bool]  # is this file on disk, in its full size?


class Verdict(StrEnum):
    """What a plan says of a job."""

    CURRENT = "current"
    MISSING = "missing"
    STALE = "stale"
    RESUME = "resume"  # paid already: poll or download, buy nothing
    WAITS = "waits"  # for the clip of another job
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


SPENDS = frozenset({Verdict.MISSING, Verdict.STALE})
_MAY_BECOME_CURRENT = frozenset({Verdict.RESUME, Verdict.UNKNOWN})  # and what waits is bought then


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is to be done about a job, and why."""

    job: Job
    verdict: Verdict
    reason: str
    fingerprint: Fingerprint | None  # None: it needs a clip that is not there yet
    will_submit: bool  # now, or once what it waits for is there
    clip: str | None = None  # sha256 of the clip that it has, or will have after work that is free
    elsewhere: str | None = None  # the route that has its task, where another one is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinStep:
    """What is to be done about a long take; joining is free."""

    take: LongTake
    verdict: Verdict  # CURRENT, MISSING, STALE or WAITS
    reason: str
    fingerprint: Fingerprint | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every selected job and long take, in manifest order."""

    steps: tuple[Step, ...]
    joins: tuple[JoinStep, ...]
    graph: JobGraph

    @property
    def is_done(self) -> bool:
        """Whether a run would have nothing to do."""
        verdicts = {s.verdict for s in self.steps} | {j.verdict for j in self.joins}
        return verdicts <= {Verdict.CURRENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a plan rests on beside the graph."""

    lock: Lock
    digests: Mapping[str, str]  # reference name → sha256 of its bytes
    is_present: IsPresent
    resubmit: Collection[JobId] = ()  # a person said: buy these again, whatever became of them
    keep_stale: bool = False  # a person said: a clip stays though its definition changed
    asked: Asked = WHICHEVER


def plan(graph: JobGraph, takes: tuple[LongTake, ...], facts: Facts) -> Plan:
    """Decide about every job of the graph."""
    steps: dict[JobId, Step] = {}
    for job in graph.jobs.values():
        steps[job.id] = _step(job, steps, facts)
    joins = tuple(_join_step(take, steps, facts) for take in takes)
    return Plan(steps=tuple(steps.values()), joins=joins, graph=graph)


def decide(
    job: Job, wanted: Fingerprint, entry: LockEntry | None, facts: Facts
) -> tuple[Verdict, str]:
    """Decide about a job whose parents' clips are there; `plan` and `run` both ask this."""
    if entry is None:
        return Verdict.MISSING, "never rendered"
    kept = decide_pinned(job, entry, facts)
    if kept is not None:
        return kept
    live = _still_alive(job, entry, facts)
    if live:
        return _live(_foremost(live, facts), facts)
    return _settled(job, wanted, entry, facts)


def decide_pinned(job: Job, entry: LockEntry, facts: Facts) -> tuple[Verdict, str] | None:
    """Decide about a job whose clip a person keeps, whatever became of its parents; None: no."""
    if not entry.is_pinned or entry.output is None or _still_alive(job, entry, facts):
        return None
    to_do = _free_work(job, entry.output, facts)
    if to_do:
        return Verdict.RESUME, to_do
    return Verdict.CURRENT, "pinned: its clip stays as it is"


def join_fingerprint(take: LongTake, clips: tuple[str, ...]) -> Fingerprint:
    """Fingerprint a long take by its segments' clips (sha256) and how they are joined."""
    return of_parts({"segments": [f"sha256:{clip}" for clip in clips], "audio": take.audio})


def _step(job: Job, steps: Mapping[JobId, Step], facts: Facts) -> Step:
    entry = facts.lock.entries.get(job.id)
    kept = decide_pinned(job, entry, facts) if entry is not None else None
    if kept is not None and entry is not None and entry.output is not None:
        verdict, reason = kept
        return Step(
            job=job,
            verdict=verdict,
            reason=reason,
            fingerprint=None,
            will_submit=False,
            clip=entry.output.sha256,
        )
    parents = {need: clip for need in job.parents if (clip := steps[need].clip) is not None}
    pending = [need for need in job.parents if need not in parents]
    if pending:
        return _pending(job, entry, steps[pending[0]], facts)
    wanted = fingerprint(job, facts.digests, parents)
    verdict, reason = decide(job, wanted, entry, facts)
    is_outdated = entry is not None and _collects_another(job, wanted, entry, facts)
    if is_outdated:
        reason += "; then rendered anew, since its definition changed"
    return Step(
        job=job,
        verdict=verdict,
        reason=reason,
        fingerprint=wanted,
        will_submit=verdict in SPENDS or is_outdated,
        clip=_clip_to_be(verdict, job, wanted, entry, facts),
        elsewhere=_elsewhere(job, entry, facts),
    )


def _clip_to_be(
    verdict: Verdict, job: Job, wanted: Fingerprint, entry: LockEntry | None, facts: Facts
) -> str | None:
    """Return the clip that is known already, and at most moved, renamed or downloaded again."""
    if entry is None or verdict not in (Verdict.CURRENT, Verdict.RESUME):
        return None
    if entry.output is None or _still_alive(job, entry, facts):
        return None
    aside = fold.set_aside(entry, wanted, facts.asked)
    if verdict is Verdict.RESUME and aside is not None and aside.superseded is not None:
        return aside.superseded.sha256
    return entry.output.sha256


def _collects_another(job: Job, wanted: Fingerprint, entry: LockEntry, facts: Facts) -> bool:
    """Say whether the tasks to be collected are for something that is not wanted any more."""
    live = _still_alive(job, entry, facts)
    return bool(live) and all(
        r.task_id and not wanted.is_of(r.fingerprint) and facts.asked.reaches(r) for r in live
    )


def _pending(job: Job, entry: LockEntry | None, need: Step, facts: Facts) -> Step:
    """Decide about a job whose parent has no clip yet: what is paid already is resumed first."""
    live = _still_alive(job, entry, facts) if entry is not None else []
    if live:
        verdict, reason = _live(_foremost(live, facts), facts)
        return Step(
            job=job,
            verdict=verdict,
            reason=reason,
            fingerprint=None,
            will_submit=False,
            elsewhere=_elsewhere(job, entry, facts),
        )
    return Step(
        job=job,
        verdict=Verdict.WAITS,
        reason=f"{bond(job, need.job)}, which is {need.verdict.value}",
        fingerprint=None,
        will_submit=need.will_submit or _may_become_current(need),
    )


def _may_become_current(need: Step) -> bool:
    return need.verdict in _MAY_BECOME_CURRENT and need.elsewhere is None


def _still_alive(job: Job, entry: LockEntry, facts: Facts) -> list[TaskRecord]:
    """Return the live tasks, less the lost submits that a person gave up."""
    given_up = job.id in facts.resubmit
    return [
        record
        for record in fold.alive(entry)
        if (record.task_id or not given_up) and not facts.asked.drops(record)
    ]


def _foremost(live: list[TaskRecord], facts: Facts) -> TaskRecord:
    """Return the task that is to be spoken of: one that this route cannot settle, else the last."""
    return next((record for record in live if not facts.asked.reaches(record)), live[-1])


def _elsewhere(job: Job, entry: LockEntry | None, facts: Facts) -> str | None:
    live = _still_alive(job, entry, facts) if entry is not None else []
    return next((record.provider for record in live if not facts.asked.reaches(record)), None)


def _live(record: TaskRecord, facts: Facts) -> tuple[Verdict, str]:
    is_here = facts.asked.reaches(record)
    there = "" if is_here else f" to {record.provider}"
    if fold.next_action(record.state) is fold.Action.ASK:
        at = record.submitted_at
        when = f" of {at:%Y-%m-%d %H:%M:%S} UTC" if at is not None else ""
        return Verdict.UNKNOWN, f"a submit{there}{when} has no known answer: a paid task may exist"
    if not is_here:
        how = f"collected by a run with --provider {record.provider}"
        return Verdict.RESUME, f"task {record.task_id} is at {record.provider}, paid already: {how}"
    if record.state is JobState.SUBMITTED:
        return Verdict.RESUME, f"task {record.task_id} is at the provider, paid already"
    return Verdict.RESUME, f"task {record.task_id} has ended; its clip is to be downloaded"


def _settled(job: Job, wanted: Fingerprint, entry: LockEntry, facts: Facts) -> tuple[Verdict, str]:
    made_by = fold.output_record(entry)
    last = entry.tasks[-1] if entry.tasks else None
    if _is_refused(last, wanted, facts) and job.id not in facts.resubmit:
        assert last is not None, "something was refused"
        reason = advice(last.error or "no reason given")
        return Verdict.BLOCKED, f"refused by the provider: {reason}"
    if entry.output is None or made_by is None:
        return Verdict.MISSING, _how_it_ended(last)
    if not facts.asked.is_made(made_by, wanted):
        return _changed(wanted, entry, made_by, facts)
    to_do = _free_work(job, entry.output, facts)
    is_in_place = entry.output.path == place(job, entry.output)
    is_lost = is_in_place and not facts.is_present(entry.output)
    if is_lost and job.id in facts.resubmit:
        return Verdict.MISSING, "its clip is lost, and given up by --resubmit"
    return (Verdict.RESUME, to_do) if to_do else (Verdict.CURRENT, "as in the lock")


def _changed(
    wanted: Fingerprint, entry: LockEntry, made_by: TaskRecord, facts: Facts
) -> tuple[Verdict, str]:
    aside = fold.set_aside(entry, wanted, facts.asked)
    if aside is not None and aside.superseded is not None and facts.is_present(aside.superseded):
        return Verdict.RESUME, f"as it was before: its clip comes back from {aside.superseded.path}"
    why = f"its definition changed: {changes(made_by.fingerprint, wanted)}"
    if wanted.is_of(made_by.fingerprint):
        why = _another_route(made_by, facts.asked)
    if facts.keep_stale:
        return Verdict.CURRENT, f"kept by --keep-stale, though {why}"
    return Verdict.STALE, why


def _another_route(made_by: TaskRecord, asked: Asked) -> str:
    if made_by.provider == SIMULATED and not asked.is_identity:
        return f"it is simulated footage, and {asked.route} is to render it"
    return f"it was rendered on {made_by.provider}, and route_in_identity asks for {asked.route}"


def _free_work(job: Job, output: Artifact, facts: Facts) -> str:
    """Say what is left to do for a clip that is as it should be; empty: nothing."""
    target = place(job, output)
    if output.path != target:
        return f"its clip is to be moved from {output.path} to {target}"
    if not facts.is_present(output):
        return f"{target} is missing or changed on disk; to be downloaded again"
    if job.id in facts.lock.renamed:
        return f"renamed from {facts.lock.renamed[job.id]}: only the lock changes"
    return ""


def _is_refused(last: TaskRecord | None, wanted: Fingerprint, facts: Facts) -> bool:
    """Say whether this route has refused just this; another one is yet to be asked."""
    if last is None or last.state is not JobState.BLOCKED:
        return False
    return wanted.is_of(last.fingerprint) and facts.asked.reaches(last)


def _how_it_ended(last: TaskRecord | None) -> str:
    if last is None or last.state is JobState.PLANNED:
        return "never rendered"
    return f"its last task {last.state.value}: {last.error or 'no reason given'}"


def changes(old: Fingerprint | None, new: Fingerprint) -> str:
    """Name the parts that differ."""
    if old is None or not old.parts:
        return "the old one is not kept"
    names = [n for n in {**old.parts, **new.parts} if old.parts.get(n) != new.parts.get(n)]
    return ", ".join(names) or "nothing but the version of the fingerprint"


def _join_step(take: LongTake, steps: Mapping[JobId, Step], facts: Facts) -> JoinStep:
    waiting = [job for job in take.segments if steps[job].verdict is not Verdict.CURRENT]
    if waiting:
        reason = f"waits for {waiting[0]}"
        return JoinStep(take=take, verdict=Verdict.WAITS, reason=reason, fingerprint=None)
    clips = tuple(_clip(facts.lock, job).sha256 for job in take.segments)
    wanted = join_fingerprint(take, clips)
    verdict, reason = _join_verdict(take, wanted, facts)
    return JoinStep(take=take, verdict=verdict, reason=reason, fingerprint=wanted)


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
