"""Says which job each task belongs to: by what it was bought for, before by what it is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from seedrender.lock import fold
from seedrender.lock.fingerprint import fingerprint
from seedrender.lock.identity import FILE, WHICHEVER, Asked
from seedrender.lock.moves import Moves
from seedrender.plan.assignment import Assignment, Clips, Option
from seedrender.plan.spare import SHOWS, Spare, Worth, sources, with_clip
from seedrender.values.entry import Fingerprint, JobState, Lock, LockEntry, TaskRecord
from seedrender.values.job import CorrelationId, Job, JobId
from seedrender.values.task import Artifact


@dataclass(slots=True, kw_only=True)
class Owners:
    """What is known of all tasks, and which job has a use for which of them.

    A job without a task that shows what it wants takes over one that no job uses: of a job that
    has left the manifest, or whose definition is another now, or one that only the purchase log
    remembers. Each task is taken over once, by the first job in the order of the manifest.
    """

    lock: Lock
    jobs: Sequence[Job]  # all of the manifest; none needs a later one
    digests: Mapping[str, str]
    remembered: Callable[[], Lock] = lambda: Lock(manifest="")  # asked where the lock has nothing
    remembers_live: Callable[[], bool] = lambda: False  # may tasks that run be among them?
    left_behind: Callable[[], Lock] = lambda: Lock(manifest="")  # by manifests that are gone
    asked: Asked = WHICHEVER
    keep_stale: bool = False
    selected: frozenset[JobId] = frozenset()  # that are to be rendered now
    is_present: Callable[[Artifact], bool] = lambda _clip: True
    chosen: dict[JobId, CorrelationId] = field(default_factory=dict)  # where there was a choice
    taken: dict[CorrelationId, JobId] = field(default_factory=dict)
    _clips: dict[JobId, str] = field(default_factory=dict)  # sha256 that each job has, or will have
    _doubled: frozenset[CorrelationId] = frozenset()  # on several lines, as after a merge
    _by_id: dict[JobId, Job] = field(default_factory=dict)
    _spares: dict[str, list[Spare]] | None = None  # by digest; None: nobody has asked yet
    _known: Lock | None = None
    _ours: frozenset[CorrelationId] = frozenset()  # that the purchase log remembers

    def assign(self) -> Moves:
        """Return how the lines of the lock change, so that each task is on its owner's."""
        self._by_id.update((job.id, job) for job in self.jobs)
        lines = Counter(r.correlation_id for e in self.lock.entries.values() for r in e.tasks)
        self._doubled = frozenset(submit for submit, count in lines.items() if count > 1)
        lacking = sum(not self._assign(job) for job in self.jobs)
        if lacking and self._is_choice():
            self._choose()
        if not self.lock.entries or self.remembers_live():
            self._recall()
        return self.moves()

    def choices(self) -> Mapping[JobId, CorrelationId]:
        """Return the chosen task of each job of which there are several clips of one definition."""
        if not fold.has_doubles(self.lock):
            return {}
        self.assign()
        return self.chosen

    def unused(self) -> Iterator[LockEntry]:
        """Yield what no job has a use for, once they are assigned, each task with its clip.

        What that is made of comes with it, though a job has a use for it: bought anew it would be
        another clip, and nothing that was made of this one would show what is wanted.
        """
        unused: list[TaskRecord] = []
        for job, entry in self.lock.entries.items():
            told = [(r, self._worth(r, entry)) for r in entry.tasks]
            spares = [Spare(job, record, worth) for record, worth in told if worth is not None]
            tasks = tuple(
                spare.record
                for spare in spares
                if spare.record.correlation_id not in self.taken and not self._uses(spare)
            )
            unused += tasks
            if tasks:
                yield with_clip(entry, tasks)
        yield from sources(self.lock, unused)

    def _is_choice(self) -> bool:
        """Say whether there are two clips of one definition."""
        for spares in self._all_spares().values():
            if len(spares) > 1 and len({self._identity(spare) for spare in spares}) > 1:
                return True
        return False

    def _choose(self) -> None:
        """Choose among clips of one definition so that the least is to be bought."""
        self.chosen.clear()
        found = Assignment(self.jobs, self._options, self.selected).best()
        taken = {s: job for s, job in self.taken.items() if s in self._doubled}
        self.chosen.update(
            (job, option.record.correlation_id)
            for job, option in found.items()
            if option.record is not None
        )
        self.taken, self._clips = taken, {}
        for job in self.jobs:
            self._assign(job)

    def _options(self, job: Job, given: Clips) -> Sequence[Option]:
        """Return the tasks that show what a job wants, the one that it has in its place first."""
        entry = self.lock.entries.get(job.id)
        if (clip := self._kept(entry)) is not None:
            return [Option(None, clip.identity)]
        parents = {need: made for need in job.parents if (made := given.get(need)) is not None}
        if len(parents) < len(job.parents):
            return ()
        wanted = fingerprint(job, self.digests, parents)
        tasks = [(record, entry) for record in self._all_own(entry, wanted)]
        if tasks and tasks[0][0].provider == FILE:  # a person put it there
            tasks = tasks[:1]
        else:
            spares = [s for digest in wanted.digests for s in self._all_spares().get(digest, ())]
            spares = [s for s in spares if s.worth in SHOWS and self._may_take(s, job.id)]
            spares.sort(key=lambda spare: spare.worth)
            tasks += [(spare.record, self._line(spare)) for spare in spares]
        options = (self._option(record, line, entry) for record, line in tasks)
        return [option for option in options if option is not None]

    def _option(
        self, record: TaskRecord, line: LockEntry | None, entry: LockEntry | None
    ) -> Option | None:
        """Return a task as an option; None: its clip is nowhere, or not what was asked for."""
        clip = fold.clip_of(record, line) if line is not None else None
        if clip is None:
            return Option(record, None)
        is_in_place = entry is not None and clip is entry.output
        if (record.is_lost and not self.is_present(clip)) or (clip.differs and not is_in_place):
            return None
        return Option(record, clip.identity)

    def _may_take(self, spare: Spare, job: JobId) -> bool:
        is_own = spare.job == job and not spare.is_remembered
        return not is_own and (spare.job == job or not self._uses(spare))

    def _identity(self, spare: Spare) -> str | None:
        line = self._line(spare)
        clip = fold.clip_of(spare.record, line) if line is not None else None
        return clip.identity if clip is not None else None

    def _recall(self) -> None:
        """Bring back what is remembered beside the lockfile: nobody wants that lost.

        Where the lockfile is gone that is all; else it is what still runs, and will be paid.
        """
        for spare in (spare for spares in self._all_spares().values() for spare in spares):
            is_live = spare.record.stage is JobState.SUBMITTED
            if spare.record.correlation_id in self._ours and (is_live or not self.lock.entries):
                self.taken.setdefault(spare.record.correlation_id, spare.job)

    def moves(self) -> Moves:
        """Return all that was taken over until now."""
        owners = {**self.taken, **self._followers()}
        return Moves(owners=owners, known=self._known or Lock(manifest=""))

    def take(
        self, job: Job, wanted: Fingerprint, *, only: CorrelationId | None = None
    ) -> Spare | None:
        """Take over a task that shows what a job wants, before it is bought; None: none does.

        `only`: no other one.
        """
        spares, limit = self._all_spares(), Worth.IN_VAIN
        if (own := self.lock.entries.get(job.id)) is not None:  # which may say something already
            told = [r for r in own.tasks if wanted.is_of(r.fingerprint)]
            limit = Worth.LIVE if any(self._worth(r, own) is not None for r in told) else limit
        for digest in wanted.digests:
            found = sorted(
                spares.get(digest, ()),
                key=lambda one: (
                    one.record.correlation_id != self.chosen.get(job.id),
                    one.worth,
                    one.job != job.id,
                ),
            )
            for spare in found:
                is_meant = only in (None, spare.record.correlation_id)
                if is_meant and spare.worth <= limit and self._is_free(spare, job.id):
                    for one in filter(spare.brings, found):
                        self.taken.setdefault(one.record.correlation_id, job.id)
                    return spare
        return None

    def _is_free(self, spare: Spare, job: JobId) -> bool:
        if spare.record.correlation_id in self.taken:
            return False
        if spare.job == job:
            return spare.is_remembered
        return not self._uses(spare)

    def _assign(self, job: Job) -> bool:
        """Find what shows a job, or will; False: nothing does."""
        entry = self.lock.entries.get(job.id)
        if (kept := self._kept(entry)) is not None:
            self._clips[job.id] = kept.identity
            return True
        wanted = self._wants(job)
        if wanted is None:
            return False
        own = self._all_own(entry, wanted)
        record, line = next(iter(own), None), entry
        chosen = self.chosen.get(job.id) if record is not None else None
        is_here = record is not None and chosen in (None, record.correlation_id)
        if not is_here and (spare := self.take(job, wanted, only=chosen)) is not None:
            record, line = spare.record, self._line(spare)
        if record is None or line is None:
            return False
        if record.correlation_id in self._doubled:  # this line is the one that keeps it
            self.taken[record.correlation_id] = job.id
        if len(own) > 1:  # so it stays, whichever of them comes into its place
            self.chosen.setdefault(job.id, record.correlation_id)
        if (clip := fold.clip_of(record, line)) is not None:
            self._clips[job.id] = clip.identity
        return True

    def _kept(self, entry: LockEntry | None) -> Artifact | None:
        """Return the clip that stays with a job whatever it shows."""
        if entry is None:
            return None
        if (kept := fold.pinned(entry)) is not None:
            return kept[1]
        return entry.output if self.keep_stale else None

    def _own(self, entry: LockEntry | None, wanted: Fingerprint) -> TaskRecord | None:
        """Return the record of a job's own line that shows, or will show, what it wants."""
        return next(iter(self._all_own(entry, wanted)), None)

    def _all_own(self, entry: LockEntry | None, wanted: Fingerprint) -> list[TaskRecord]:
        """Return these records: the chosen one, what is good, in its place and newest first."""
        if entry is None:
            return []
        made = [r for r in reversed(entry.tasks) if self._worth(r, entry) in SHOWS]
        made = [r for r in made if wanted.is_of(r.fingerprint) and self._is_ours(r, entry.job)]
        chosen, in_place = self.chosen.get(entry.job), fold.output_record(entry)
        return sorted(
            made,
            key=lambda r: (
                r.correlation_id != chosen,
                self._is_doubtful(r, entry),
                r is not in_place,
                fold.clip_of(r, entry) is None,
            ),
        )

    def _is_doubtful(self, record: TaskRecord, entry: LockEntry) -> bool:
        clip = fold.clip_of(record, entry)
        return clip is not None and fold.is_doubtful(record, clip, entry)

    def _is_ours(self, record: TaskRecord, job: JobId) -> bool:
        return self.taken.get(record.correlation_id, job) == job

    def _wants(self, job: Job) -> Fingerprint | None:
        """Return what a job wants; None: it is made of a clip that is still to come."""
        parents = {need: self._clips[need] for need in job.parents if need in self._clips}
        if len(parents) < len(job.parents):
            return None
        return fingerprint(job, self.digests, parents)

    def _uses(self, spare: Spare) -> bool:
        """Say whether the job on whose line a task stands has a use for it."""
        if spare.job not in self._by_id:
            return False
        entry = self.lock.entries.get(spare.job)
        kept = self._kept(entry)
        if entry is not None and kept is not None and kept == fold.clip_of(spare.record, entry):
            return True
        wanted = self._wants(self._by_id[spare.job])
        if wanted is None or not wanted.is_of(spare.record.fingerprint):
            return False
        has_one = self._own(entry, wanted) is not None or spare.job in self.taken.values()
        return not (spare.is_remembered and has_one)

    def _line(self, spare: Spare) -> LockEntry | None:
        lock = self._known if spare.is_remembered else self.lock
        return lock.entries.get(spare.job) if lock is not None else None

    def _all_spares(self) -> dict[str, list[Spare]]:
        """Return what could be taken over, by what it was bought for."""
        if self._spares is None:
            ours = self.remembered()
            self._ours = frozenset(r.correlation_id for e in ours.entries.values() for r in e.tasks)
            self._known = fold.fold(ours, self._left())
            self._spares = {}
            found = [*self._of(self.lock), *self._of(self._known, is_remembered=True)]
            for spare in found:
                self._spares.setdefault(spare.record.fingerprint.digest, []).append(spare)
        return self._spares

    def _left(self) -> Iterator[LockEntry]:
        """Yield what other manifests left behind, less what is known here."""
        here = {r.correlation_id for e in self.lock.entries.values() for r in e.tasks} | self._ours
        for entry in self.left_behind().entries.values():
            tasks = tuple(r for r in entry.tasks if r.correlation_id not in here)
            if tasks:
                yield replace(with_clip(entry, tasks), pin=entry.pin)

    def _of(self, lock: Lock, *, is_remembered: bool = False) -> Iterator[Spare]:
        """Yield the tasks of a lock that say something to a job that wants the same."""
        for job, entry in sorted(lock.entries.items()):
            for record in entry.tasks:
                if (worth := self._worth(record, entry)) is not None:
                    yield Spare(job, record, worth, is_remembered)

    def _worth(self, record: TaskRecord, entry: LockEntry) -> Worth | None:
        if record.is_given_up or not self.asked.takes(record) or self.asked.drops(record):
            return None
        if (clip := fold.clip_of(record, entry)) is not None:
            return Worth.DIFFERS if clip.differs else Worth.CLIP
        if record.has_ended_in_vain or record.is_lost:
            return Worth.IN_VAIN
        is_live = fold.next_action(record.stage) in (fold.Action.ASK, fold.Action.RESUME)
        return Worth.LIVE if is_live else None

    def _followers(self) -> dict[CorrelationId, JobId]:
        """Let what else is known of a job that has left go with its clip, or its last task."""
        followers: dict[CorrelationId, JobId] = {}
        for job, entry in self.lock.entries.items():
            owners = {r.correlation_id: self.taken.get(r.correlation_id) for r in entry.tasks}
            taken = [owner for owner in owners.values() if owner is not None]
            if job not in self._by_id and taken:
                made_by = CorrelationId(entry.output.made_by) if entry.output is not None else None
                heir = (owners.get(made_by) if made_by is not None else None) or taken[-1]
                followers.update((s, heir) for s, owner in owners.items() if owner is None)
        return followers
