"""Brings clips and pictures that are paid for to their place, and keeps what they replace."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

from seedrender.errors import (
    ArtifactError,
    ForgottenError,
    NotFoundError,
    RateLimitedError,
    StorageError,
    UnavailableError,
)
from seedrender.lock import fold
from seedrender.lock.identity import SIMULATED
from seedrender.lock.prune import clips_of
from seedrender.plan.asked import Got, as_bought, mismatches
from seedrender.plan.decision import Place
from seedrender.project.kept import is_of
from seedrender.run import last_frame
from seedrender.run.desk import Desk
from seedrender.run.downloads import Fresh, download
from seedrender.run.links import Links, what
from seedrender.run.retry import ANY_TROUBLE_WITH_A_FILE, CLIPS, ONCE, Patience
from seedrender.run.strays import aside
from seedrender.values.entry import JobState, LockEntry, TaskRecord
from seedrender.values.job import Job
from seedrender.values.picture import another, form_of, is_replaced, place
from seedrender.values.task import Artifact, RemoteFile, Task


class Collect:
    """The downloads and moves of one run."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def collect(
        self, job: Job, record: TaskRecord, task: Task | None, *, is_once: bool = False
    ) -> None:
        """Download the clip of a task, and keep the one that it replaces.

        `is_once`: it is tried for once, and not for ten minutes.

        Raises: ProviderError, ArtifactError: what is paid is asked for again by the next run.
        """
        before = self._desk.store.entry(job.id)
        patience = _patience(record, waits=self._desk.waits and not is_once)
        task, (artifact, kept) = await self._fetched(job, record, task, job.output, patience)
        await last_frame.keep(self._desk, job, record, task)
        artifact = self._as_known(job, self._now(artifact), record, before)
        await self._replace_output(job, artifact, kept, before)

    async def collect_late(self, job: Job, record: TaskRecord, task: Task | None) -> None:
        """Download the clip of a task of an earlier run.

        A job that has a clip of the same definition, as after a merge, in its place or set aside,
        keeps that one: others may have been made from it.

        Raises: as `collect`.
        """
        entry = self._desk.store.entry(job.id)
        if entry is None or not _has_its_like(entry, record):
            await self.collect(job, record, task)
            return
        beside = replace(job, output=aside(job.id, record, self._desk.files.output_dir))
        await self.keep_aside(beside, record, task, "its job has a clip of the same definition")

    async def keep_aside(
        self,
        job: Job,
        record: TaskRecord,
        task: Task | None,
        why: str = "no job asks for it any more",
    ) -> None:
        """Download the clip of a task that nothing is to be made of now, and keep it.

        Raises: as `collect`.
        """
        _, (artifact, _) = await self._fetched(
            job, record, task, job.output, _patience(record, waits=self._desk.waits)
        )
        kept = replace(record, superseded=self._now(artifact))
        await self._desk.store.keep(LockEntry(job=job.id, tasks=(kept,)))
        words = f"{artifact.path}: {why}; it is free where one asks for it again"
        self._desk.listener.note(job.id, "kept", words)

    async def place(self, job: Job, act: Place) -> None:
        """Put a clip that is paid for where the manifest wants it.

        Raises: ArtifactError.
        """
        entry = self._desk.store.entry(job.id)
        target, files = place(job, act.clip), self._desk.files
        found, kept = replace(act.clip, path=act.found), None
        if act.found != target:
            clips = chain(*map(clips_of, self._desk.store.lock.entries.values()))
            is_shared = any(c.path == act.found and c.made_by != act.clip.made_by for c in clips)
            bring = partial(files.bring_back, found, target, is_shared=is_shared)
            _, kept = await asyncio.to_thread(bring)
        made_by = act.record.correlation_id if act.record is not None else act.clip.made_by
        now = self._desk.store.clock.now()
        artifact = replace(act.clip, path=target, made_by=made_by, placed_at=now)
        if act.record is not None:
            artifact = await self._compared(job, job, act.record, artifact)
        await self._replace_output(job, artifact, kept, entry)

    def _as_known(
        self, job: Job, artifact: Artifact, record: TaskRecord, before: LockEntry | None
    ) -> Artifact:
        """Let a clip that comes again with other bytes be known as before to what rests on it.

        One with the same bytes is in its place since it was there first: that it is fetched here
        is no word about another one, which a merge would hear.
        """
        entry = before or LockEntry(job=job.id)
        known = fold.clip_of(record, entry)
        same = known is not None and (known.sha256, known.path) == (artifact.sha256, artifact.path)
        if known is not None and known is entry.output and same:
            return replace(artifact, made_at=known.made_at, placed_at=known.placed_at)
        if known is None or known.identity == artifact.sha256:
            return artifact
        words = f"{artifact.path}: its provider serves other bytes than before for the same task"
        self._desk.listener.note(job.id, "kept", words)
        return replace(artifact, known_as=known.identity)

    def _now(self, artifact: Artifact) -> Artifact:
        return replace(artifact, made_at=self._desk.store.clock.now())

    async def _fetched(
        self, job: Job, record: TaskRecord, task: Task | None, target: str, patience: Patience
    ) -> tuple[Task, tuple[Artifact, str | None]]:
        """Ask for a clip until it comes; that it does not is noted. Raises: as `collect`."""
        links = Links(self._desk, job, record, task, patience)
        try:
            while True:
                found = await links.files()
                try:
                    saved = await self._download(job, record, links, found, target)
                except ANY_TROUBLE_WITH_A_FILE as error:  # also what arrived, and is no clip
                    await links.failed(error)
                else:
                    return links.task, saved
        except StorageError:
            raise
        except (ForgottenError, *ANY_TROUBLE_WITH_A_FILE) as error:
            words = str(error) or type(error).__name__
            await self._desk.keep(job.id, replace(record, state=JobState.SUCCEEDED, error=words))
            raise

    async def _download(
        self,
        job: Job,
        record: TaskRecord,
        links: Links,
        files: Sequence[RemoteFile],
        target: str,
    ) -> tuple[Artifact, str | None]:
        first, *others = files
        saved = await self._save(job, record, first, target, links.fresh)
        for number, file in enumerate(others, 2):
            await self._save_another(job, record, file, another(saved[0].path, number))
        self._desk.inputs.remember(job.id, links.first.url, links.first.expires_at)
        bought = as_bought(job, record.fingerprint)
        return await self._compared(job, bought, record, saved[0]), saved[1]

    async def _compared(
        self, job: Job, bought: Job | None, record: TaskRecord, artifact: Artifact
    ) -> Artifact:
        """Mark a clip that is not what was asked for, and say so: it is paid, and kept."""
        from seedrender.media.probe import has_sound  # PyAV is loaded where a clip is

        path = self._desk.files.path(artifact.path)
        got = Got(
            width=artifact.width,
            height=artifact.height,
            container=form_of(artifact.path),
            duration_s=artifact.duration_s,
            has_sound=None if artifact.is_picture else await asyncio.to_thread(has_sound, path),
        )
        found = mismatches(bought, got, record.provider) if bought is not None else ()
        differs = tuple(map(str, found))
        if differs:
            self._desk.listener.note(job.id, "differs", f"{artifact.path}: {'; '.join(differs)}")
        return replace(artifact, differs=differs)

    async def _save(
        self,
        job: Job,
        record: TaskRecord,
        file: RemoteFile,
        target: str,
        fresh: Fresh | None = None,
    ) -> tuple[Artifact, str | None]:
        desk = self._desk
        async with desk.downloads.place(partial(desk.listener.note, job.id, "slow")) as held:
            fill = partial(download, desk.provider, file, place=held, fresh=fresh)
            return await desk.files.receive(
                fill, target, made_by=record.correlation_id, kind=job.makes
            )

    async def _save_another(
        self, job: Job, record: TaskRecord, file: RemoteFile, target: str
    ) -> None:
        """Keep a file that came unasked: it is paid for. That it is lost stops nothing."""
        try:
            extra, _ = await self._save(job, record, file, target)
        except (UnavailableError, RateLimitedError, ArtifactError, NotFoundError) as error:
            words = f"one more {what(job)} than was asked for cannot be kept as {target}: {error}"
        else:
            words = f"{extra.path}: one more {what(job)} than was asked for"
        self._desk.listener.note(job.id, "kept", words)

    async def _replace_output(
        self, job: Job, artifact: Artifact, kept: str | None, before: LockEntry | None
    ) -> None:
        desk, entry = self._desk, before or LockEntry(job=job.id)
        old, clip = fold.output_record(entry), entry.output
        superseded: tuple[TaskRecord, ...] = ()
        if clip is not None:
            kept = kept or await self._replaced(clip, artifact)
        is_strange = kept is not None and (clip is None or not is_of(kept, clip.sha256))
        is_anothers = is_strange and kept is not None and await self._is_anothers(kept, artifact)
        if clip is not None:
            where = kept if kept is not None and not is_anothers else desk.files.find(clip)
            if old is not None and where is not None and old.correlation_id != artifact.made_by:
                superseded = (replace(old, superseded=replace(clip, path=where)),)
        elif kept is not None and not is_anothers:
            desk.listener.note(job.id, "kept", f"{kept}: the file that was at {artifact.path}")
        await desk.store.keep(LockEntry(job=job.id, tasks=superseded, output=artifact))
        desk.listener.note(job.id, "done", artifact.path)

    async def _is_anothers(self, kept: str, successor: Artifact) -> bool:
        """Say whether a file that gave way is a task's clip; where it is the only one, note it."""
        files = self._desk.files
        for entry in self._desk.store.lock.entries.values():
            for record in entry.tasks:
                clip = fold.clip_of(record, entry)
                if clip is None or not is_of(kept, clip.sha256):
                    continue
                is_here = clip.path != successor.path and files.is_present(clip)
                moved = replace(clip, path=kept)
                if clip is not entry.output:
                    aside = replace(record, superseded=moved)
                    await self._desk.store.keep(LockEntry(job=entry.job, tasks=(aside,)))
                elif not is_here:
                    moved = replace(moved, placed_at=self._desk.store.clock.now())
                    await self._desk.store.keep(LockEntry(job=entry.job, output=moved))
                return True
        return False

    async def _replaced(self, old: Artifact, new: Artifact) -> str | None:
        """Set a file aside whose successor has another suffix; None: there is none."""
        if not is_replaced(old.path, new.path) or not self._desk.files.is_present(old):
            return None
        return await asyncio.to_thread(self._desk.files.set_aside, old.path)


def _has_its_like(entry: LockEntry, record: TaskRecord) -> bool:
    """Say whether a job has a good clip that another task made for the same definition."""
    for other in entry.tasks:
        clip = fold.clip_of(other, entry)
        is_had = clip is not None and not (clip.differs or other.is_lost or other.is_given_up)
        is_another = is_had and other.correlation_id != record.correlation_id
        are_both_real = SIMULATED not in (other.provider, record.provider)
        if is_another and are_both_real and other.fingerprint.is_of(record.fingerprint):
            return True
    return False


def _patience(record: TaskRecord, *, waits: bool) -> Patience:
    """Return how long a clip is asked for: once, where nobody waits, or has waited in vain."""
    return ONCE if record.is_uncollected or not waits else CLIPS
