"""Decides what is to be done about one job, once: a plan shows it, and a run does it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from seedrender.lock import fold
from seedrender.lock.fingerprint import made_of
from seedrender.lock.identity import FILE, SIMULATED, WHICHEVER, Asked
from seedrender.plan.decision import (
    NOTHING,
    Decision,
    Download,
    Note,
    Nothing,
    Place,
    Settle,
    Submit,
    Verdict,
)
from seedrender.plan.paid import is_free
from seedrender.plan.reasons import ASKED_AGAIN, changed, changes, how_it_ended, uncollected
from seedrender.plan.refusals import advice
from seedrender.values.entry import (
    Fingerprint,
    JobState,
    Lock,
    LockEntry,
    TaskRecord,
)
from seedrender.values.job import CorrelationId, Job, JobId
from seedrender.values.picture import place
from seedrender.values.task import Artifact

IsPresent = Callable[[Artifact], bool]  # is this file on disk, in its full size?
Find = Callable[[Artifact, Collection[str]], str | None]  # where are its bytes, by their sha256?

_ELSEWHERE = "its clip was simulated in another clone, and is made again for nothing"
_GIVEN_UP = "its clip is lost, and given up by --resubmit"
_NOT_AGAIN = ", so --resubmit buys nothing: for another clip change its `seed`, or raise `takes`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What decisions rest on beside the graph."""

    lock: Lock
    digests: Mapping[str, str]  # reference name → sha256 of its bytes
    is_present: IsPresent
    find: Find = lambda _artifact, _also: None
    is_unexplained: Callable[[str], bool] = lambda _path: False  # a file that no record explains
    resubmit: Collection[JobId] = ()  # a person said: buy these again, whatever became of them
    keep_stale: bool = False  # a person said: a clip stays though its definition changed
    asked: Asked = field(default=WHICHEVER)
    chosen: Mapping[JobId, CorrelationId] = field(default_factory=dict)  # of several clips
    named: Callable[[str], str] = str  # how a command names a file beside the manifest


def decide(job: Job, wanted: Fingerprint, entry: LockEntry | None, facts: Facts) -> Decision:
    """Decide about a job whose parents' clips are there; `plan` and `run` both ask this."""
    entry = entry or LockEntry(job=job.id)
    kept = decide_pinned(job, entry, facts)
    if kept is not None:
        return kept
    live = still_alive(job, entry, facts)
    record, clip = fold.made(wanted, entry, facts.asked, facts.chosen.get(job.id))
    if live:
        found = decide_live(job.id, live, facts)
        if found.verdict is not Verdict.UNKNOWN or clip is None:
            return found
        words = f"what is wanted is there: if no task exists, --resubmit {job.id} buys nothing"
        return replace(found, reason=f"{found.reason}; {words}")
    if record is not None and clip is not None:
        return _kept(job, record, clip, entry, facts)
    to_ask = _refused(job, wanted, entry, facts) or _lost(job, wanted, entry, facts)
    return to_ask or _bought(job, wanted, entry, facts)


def decide_pinned(job: Job, entry: LockEntry, facts: Facts) -> Decision | None:
    """Decide about a job whose clip a person keeps, whatever became of its parents; None: no."""
    kept = fold.pinned(entry)
    if kept is None or still_alive(job, entry, facts):
        return None
    to_do = _free_work(job, *kept, entry, facts)
    return to_do or Decision(Verdict.CURRENT, "pinned: its clip stays as it is")


def decide_live(job: JobId, live: list[TaskRecord], facts: Facts) -> Decision:
    """Decide about a job with tasks that are, or may be, at a provider."""
    record = _foremost(live, facts)
    act = Settle(record)
    is_here = facts.asked.reaches(record)
    there = "" if is_here else f" to {record.provider}"
    if fold.next_action(record.stage) is fold.Action.ASK:
        at = record.submitted_at
        when = f" of {at:%Y-%m-%d %H:%M:%S} UTC" if at is not None else ""
        reason = f"a submit{there}{when} has no known answer: a paid task may exist"
        return Decision(Verdict.UNKNOWN, reason, act)
    if not is_here:
        how = f"collected by a run with --provider {record.provider}"
        reason = f"task {record.task_id} is at {record.provider}, paid already: {how}"
        return Decision(Verdict.RESUME, reason, act)
    if record.is_uncollected:
        return Decision(
            Verdict.UNCOLLECTED, uncollected(job, record, facts.named(facts.lock.manifest)), act
        )
    if record.stage is JobState.SUBMITTED:
        is_back = "runs again after its end, perhaps paid" if record.goes_on else ""
        reason = f"task {record.task_id} {is_back or 'is at the provider, paid already'}"
        return Decision(Verdict.RESUME, reason, act)
    reason = f"task {record.task_id} has ended; its clip is to be downloaded"
    return Decision(Verdict.RESUME, reason, act)


def still_alive(job: Job, entry: LockEntry, facts: Facts) -> list[TaskRecord]:
    """Return the live tasks, less those that a person gave up."""
    given_up = job.id in facts.resubmit
    return [
        record
        for record in fold.alive(entry)
        if not (given_up and (record.task_id is None or record.is_uncollected))
        and not facts.asked.drops(record)
    ]


def _foremost(live: list[TaskRecord], facts: Facts) -> TaskRecord:
    """Return the task that is to be spoken of: one that this route cannot settle, else the last."""
    return next((record for record in live if not facts.asked.reaches(record)), live[-1])


def _kept(job: Job, record: TaskRecord, clip: Artifact, entry: LockEntry, facts: Facts) -> Decision:
    """Decide about a clip that shows what is wanted."""
    is_again = job.id in facts.resubmit
    if clip.differs and is_again:
        return Decision(Verdict.STALE, "its clip differs, and --resubmit buys it again", Submit())
    to_do = _free_work(job, record, clip, entry, facts)
    if to_do is not None:
        is_to_come = isinstance(to_do.act, Download)
        is_lost = isinstance(to_do.act, Nothing) or (is_to_come and record.is_lost)
        may_be_another = is_lost and (is_again or not _is_made_from(clip, facts.lock))
        twin = _twin(record, entry, facts) if may_be_another else None
        is_simulated = is_lost and record.provider == SIMULATED
        is_given_up = is_again and (is_lost or (is_to_come and record.is_uncollected))
        if twin is None and (is_simulated or is_given_up):
            return Decision(Verdict.MISSING, _ELSEWHERE if is_simulated else _GIVEN_UP, Submit())
        if is_again and is_to_come and not is_lost:
            words = f"{to_do.reason}; it is bought again only if it cannot be had"
            return replace(to_do, reason=words)
        return twin or to_do
    open_ones = fold.outstanding(entry) if is_again else ()
    if open_ones:  # which were left out, since a person gives them up
        words = "its clip is in its place; what --resubmit gives up beside it is noted"
        return Decision(Verdict.RESUME, words, Settle(open_ones[-1]))
    words = f"as in the lock{_NOT_AGAIN if is_again else ''}"
    return _differing(job, clip, facts) or Decision(Verdict.CURRENT, words)


def _twin(record: TaskRecord, entry: LockEntry, facts: Facts) -> Decision | None:
    """Bring the clip of another task of the same definition in place of one that nobody has.

    Not while its provider has it: others may have been made from it.
    """
    for other in reversed(entry.tasks):
        clip = other.superseded
        if clip is None or other is record or not facts.asked.is_made(other, record.fingerprint):
            continue
        found = facts.find(clip, ())
        if found is not None:
            reason = f"its clip is nowhere, and another of the same definition comes from {found}"
            return Decision(Verdict.RESUME, reason, Place(other, clip, found))
    return None


def _is_made_from(clip: Artifact, lock: Lock) -> bool:
    """Say whether another job's clip is made from this one: beside its like that would be stale."""
    outputs = filter(None, map(fold.output_record, lock.entries.values()))
    return any(clip.identity in made_of(record.fingerprint) for record in outputs)


def _differing(job: Job, clip: Artifact, facts: Facts) -> Decision | None:
    """Decide about a clip that is not what was asked for; None: it is."""
    if not clip.differs:
        return None
    keep = f"`seedrender pin {facts.named(facts.lock.manifest)} {job.id}` keeps it"
    size = f"{clip.width}x{clip.height}"
    if job.segment is not None and any(size in words for words in clip.differs):
        keep += f" (a long take is joined only where all segments are {size})"
    words = f"{'; '.join(clip.differs)}: {keep}, --resubmit {job.id} buys it again"
    return Decision(Verdict.DIFFERS, words)


def _free_work(
    job: Job, record: TaskRecord | None, clip: Artifact, entry: LockEntry, facts: Facts
) -> Decision | None:
    """Decide what is left to do for a clip that is as it should be; None: nothing."""
    target = place(job, clip)
    before = facts.lock.renamed.get(job.id)
    is_output = clip is entry.output
    if is_output and clip.path == target and facts.is_present(clip):
        if before is None:
            return None
        words = f"renamed from {before}" if before != job.id else "remembered in .seedrender"
        return Decision(Verdict.RESUME, f"{words}: only the lock changes", Note())
    found = facts.find(clip, (target, job.output))
    if found is None:
        return _gone(job, record, clip, facts)
    act = Place(record, clip, found)
    if not is_output:
        reason = f"as it was before: its clip comes back from {found}"
    elif found == target:
        reason = f"its clip is in its place, {target}: only the lock changes"
    else:
        reason = f"its clip is to be moved from {found} to {target}"
    return Decision(Verdict.RESUME, reason, act)


def _gone(job: Job, record: TaskRecord | None, clip: Artifact, facts: Facts) -> Decision:
    """Decide about a clip of which no byte is on disk."""
    target = place(job, clip)
    again = f"put the file back, or buy it again with --resubmit {job.id}"
    if record is None or record.task_id is None or record.provider == FILE:
        return Decision(Verdict.LOST, f"{target} is missing, and no provider has it: {again}")
    if not facts.asked.reaches(record):
        how = f"run with --provider {record.provider}, {again}"
        return Decision(
            Verdict.LOST, f"{target} is missing; its task is at {record.provider}: {how}"
        )
    if record.is_lost:
        reason = f"{target} is missing, and {record.error}; {ASKED_AGAIN}: {again}"
        return Decision(Verdict.LOST, reason, Download(record, clip))
    reason = f"{target} is missing or changed on disk; to be downloaded again"
    return Decision(Verdict.RESUME, reason, Download(record, clip))


def _refused(job: Job, wanted: Fingerprint, entry: LockEntry, facts: Facts) -> Decision | None:
    """Decide about a job of which just this was refused, or ended at a cost; None: it was not."""
    just_this = [r for r in entry.tasks if wanted.is_of(r.fingerprint)]
    last = just_this[-1] if just_this else None
    if last is None or job.id in facts.resubmit or not last.has_ended_in_vain:
        return None
    if last.may_have_run_on:
        words = f"task {last.task_id} did more after its end, and nobody says what that cost"
        return _asked_again(last, words, job.id, facts)
    if last.state is JobState.BLOCKED:
        if not facts.asked.reaches(last):
            return None
        reason = f"refused by the provider: {advice(last.error or 'no reason given')}"
        return Decision(Verdict.BLOCKED, reason)
    if facts.asked.takes(last) and not is_free(last):
        paid = last.bill.amount if last.bill is not None and last.bill.amount.value else None
        cost = f"it cost {paid}" if paid is not None else "whether it was charged is not known"
        reason = f"{how_it_ended(last)}; {cost}: --resubmit {job.id} buys it again"
        return Decision(Verdict.BLOCKED, reason)
    return None


def ended_without_a_clip(entry: LockEntry, facts: Facts) -> Iterator[TaskRecord]:
    """Yield the tasks that are asked for again before another is bought in their place.

    The newest always is: its provider may know better by now. With `--resubmit` so is every one
    that may have been paid.
    """
    for record in entry.tasks:
        is_over = record.has_ended_in_vain and record.state is not JobState.BLOCKED
        is_asked = record.task_id is not None and facts.asked.reaches(record)
        may_be_paid = not is_free(record) and entry.job in facts.resubmit
        if is_over and is_asked and (may_be_paid or record is entry.tasks[-1]):
            yield record


def _lost(job: Job, wanted: Fingerprint, entry: LockEntry, facts: Facts) -> Decision | None:
    """Decide about a paid task that was never collected and that nobody has any more."""
    made = (r for r in entry.tasks if facts.asked.is_made(r, wanted))
    lost = [r for r in made if r.is_lost and r.provider != SIMULATED]
    if not lost or job.id in facts.resubmit:
        return None
    return _asked_again(
        lost[-1], f"task {lost[-1].task_id} is paid, and {lost[-1].error}", job.id, facts
    )


def _asked_again(record: TaskRecord, words: str, job: JobId, facts: Facts) -> Decision:
    """Leave to a person a task that its provider tells nothing of; each run asks once more."""
    act = Settle(record) if facts.asked.reaches(record) else NOTHING
    reason = f"{words}; {ASKED_AGAIN}: buy it again with --resubmit {job}"
    return Decision(Verdict.LOST, reason, act)


def _bought(job: Job, wanted: Fingerprint, entry: LockEntry, facts: Facts) -> Decision:
    """Decide about a job of which nothing that is known shows what is wanted."""
    made_by = fold.output_record(entry)
    last = entry.tasks[-1] if entry.tasks else None
    if entry.output is None or made_by is None:
        verdict, why = Verdict.MISSING, how_it_ended(last)
        if last is not None and last.fingerprint.parts and not wanted.is_of(last.fingerprint):
            why += f"; its definition changed since: {changes(last.fingerprint, wanted)}"
    else:
        verdict, why = Verdict.STALE, changed(made_by, wanted, facts.asked)
        if facts.keep_stale:
            kept = Decision(Verdict.CURRENT, f"kept by --keep-stale, though {why}")
            return _differing(job, entry.output, facts) or kept
    if job.id not in facts.resubmit and facts.is_unexplained(job.output):
        manifest, clip = facts.named(facts.lock.manifest), facts.named(job.output)
        reason = (
            f"{job.output} is there, and no record explains it: take it over with `seedrender "
            f"adopt {manifest} {job.id} --file {clip}`, move it away, or buy over it with "
            f"--resubmit {job.id}, which keeps it in .superseded"
        )
        return Decision(Verdict.AWAITING, reason)
    return Decision(verdict, why, Submit())
