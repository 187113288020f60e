"""Looks at every reference before money is spent: is it there, is it what the model takes?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from seedrender.catalog.models import ROUTES, Catalog, Family, catalog
from seedrender.errors import ArtifactError, Origin, Violation
from seedrender.media.medium import Medium, inspect, size
from seedrender.run.fits import SLACK_S, problems
from seedrender.run.foreseen import Foreseen
from seedrender.run.remote import Found, Remote, RemoteError
from seedrender.values.hosting import Hosting, ProviderFiles, UrlPrefix
from seedrender.values.job import Job, JobId, MediaKind, Reference
from seedrender.values.manifest import Path as Place
from seedrender.values.redaction import without_openers
from seedrender.values.signed_url import expires_at, unsigned

_PARALLEL_FILES = 4
_BASE64 = 4 / 3
_A = {MediaKind.IMAGE: "an image", MediaKind.VIDEO: "a clip", MediaKind.AUDIO: "a sound"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a look at one reference found."""

    reference: str
    kind: MediaKind
    place: str  # without signature
    found: str
    problems: tuple[str, ...]
    medium: Medium | None = None  # what is known of it
    jobs: tuple[JobId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What was found, one row a reference, and what is wrong with the jobs."""

    rows: tuple[Row, ...]
    violations: tuple[Violation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """What a look needs to know of a project."""

    root: Path
    route: str
    hosting: Hosting
    place: Callable[[Place], Origin]
    wait_s: float  # how long a job is expected to take


async def look(
    film: Film, jobs: Sequence[Job], remote: Remote | None, whole: Sequence[Job]
) -> Looks:
    """Look at the references of some jobs; `whole` are all, for what those jobs continue.

    `remote` None: at files and clips to be made only, and nothing is sent.
    """
    used: dict[str, list[Job]] = {}
    for job in jobs:
        for use in job.references:
            used.setdefault(use.reference.name, []).append(job)
    looker = _Looker(film, remote, {job.id: job for job in whole})
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(looker.look(_reference(found[0], name), found))
            for name, found in used.items()
        ]
    rows = tuple(task.result() for task in tasks)
    wrong = [violation for row in rows for violation in _wrong(film, row)]
    media = {row.reference: row.medium for row in rows if row.medium is not None}
    wrong += _sums(catalog(film.route), jobs, whole, media)
    return Looks(rows=rows, violations=tuple(wrong))


def _reference(job: Job, name: str) -> Reference:
    return next(use.reference for use in job.references if use.reference.name == name)


class _Looker:
    def __init__(self, film: Film, remote: Remote | None, whole: Mapping[JobId, Job]) -> None:
        self._film, self._remote = film, remote
        self._catalog = catalog(film.route)
        self._foreseen = Foreseen(self._catalog, whole)
        self._files = asyncio.Semaphore(_PARALLEL_FILES)

    async def look(self, reference: Reference, jobs: Sequence[Job]) -> Row:
        """Look at one reference."""
        row = Row(
            reference=reference.name,
            kind=reference.kind,
            place=_shown(reference),
            found="",
            problems=(),
            jobs=tuple(job.id for job in jobs),
        )
        if reference.asset is not None:
            return self._asset(row, reference)
        if reference.shot is not None:
            return self._made(row, reference, reference.shot, jobs)
        try:
            if reference.url is not None and self._remote is None:
                return replace(row, found="not looked at")
            if reference.url is not None and self._remote is not None:
                medium = _medium(reference, await self._remote.look(reference.url))
                notes = _lapsing(reference.url, self._film.wait_s)
            else:
                medium, notes = await self._local(reference)
        except (ArtifactError, RemoteError) as error:
            words = str(error).removeprefix(f"{Path(row.place).name}: ")
            return replace(row, found="not usable", problems=(words,))
        misfits = _misfits(reference, medium, self._families(jobs))
        return replace(row, found=str(medium), medium=medium, problems=(*misfits, *notes))

    def _families(self, jobs: Sequence[Job]) -> list[Family]:
        models = dict.fromkeys(job.model for job in jobs)
        return [self._catalog.families[m] for m in models if m in self._catalog.families]

    def _made(self, row: Row, reference: Reference, by: JobId, jobs: Sequence[Job]) -> Row:
        """Look at what is still to be made: it would be bought for nothing if it did not fit."""
        medium = self._foreseen.medium(by)
        if medium is None:
            return replace(row, found=f"made by {by}")
        problems = tuple(_misfits(reference, medium, self._families(jobs)))
        found = f"made by {by}: {medium}".removesuffix(", size not said")
        return replace(row, found=found, medium=medium, problems=problems)

    def _asset(self, row: Row, reference: Reference) -> Row:
        rights = reference.authorised_by
        found = f"asset, {f'use allowed by {rights}' if rights else 'no note of rights'}"
        if "asset" in self._catalog.sends[reference.kind]:
            return replace(row, found=found)
        able = [r for r in ROUTES if "asset" in catalog(r).sends[reference.kind]]
        problem = f"the route {self._film.route} takes no assets: use {' or '.join(able)}"
        return replace(row, found=found, problems=(problem,))

    async def _local(self, reference: Reference) -> tuple[Medium, list[str]]:
        assert reference.path is not None, "neither a URL nor an asset"
        async with self._files:
            medium = await asyncio.to_thread(inspect, self._film.root / reference.path)
        if "data" in self._catalog.sends[reference.kind]:
            return medium, []
        return medium, await self._hosted(reference.path, medium)

    async def _hosted(self, path: str, medium: Medium) -> list[str]:
        """Say why a provider will not be able to read a file."""
        hosting, uploads = self._film.hosting, self._catalog.uploads
        if isinstance(hosting, UrlPrefix):
            remote = self._remote
            return [] if remote is None else await _served(remote, hosting, path, medium)
        if not isinstance(hosting, ProviderFiles):
            return []
        if uploads is None:
            return [f"the route {self._film.route} keeps no files: set `hosting`"]
        size_bytes = medium.size_bytes or 0
        if size_bytes > uploads.max_bytes:
            most = size(uploads.max_bytes)
            return [f"{size(size_bytes)}: the route keeps {most} at most; set `hosting`"]
        return []


async def _served(remote: Remote, hosting: UrlPrefix, path: str, medium: Medium) -> list[str]:
    """Compare a file with what its address serves."""
    try:
        there = await remote.look(hosting.address(path))
    except (ArtifactError, RemoteError) as error:
        return [f"hosting.prefix: {error}"]
    if there.size_bytes in (None, medium.size_bytes):
        return []
    return [f"hosting.prefix: {there.size_bytes} bytes there, {medium.size_bytes} here"]


def _shown(reference: Reference) -> str:
    if reference.url is not None:
        return without_openers(unsigned(reference.url))
    if reference.shot is not None:
        return f"of {reference.shot}"
    return reference.path or f"asset://{reference.asset}"


def _medium(reference: Reference, found: Found) -> Medium:
    """Return what a server says, as what a file is."""
    kind = found.kind or reference.kind
    return Medium(kind=kind, format=found.format, size_bytes=found.size_bytes)


def _misfits(reference: Reference, medium: Medium, families: Sequence[Family]) -> list[str]:
    if medium.kind is not reference.kind:
        return [f"it is {_A[medium.kind]}, and the reference says {reference.kind.value}"]
    found: list[str] = []
    for family in families:
        found += problems(medium, family.media[reference.kind], family.name)
    return list(dict.fromkeys(found))


def _lapsing(url: str, wait_s: float) -> list[str]:
    """Say that a link of the author's will not hold: it cannot be renewed here."""
    end = expires_at(url)
    if end is None:
        return []
    left_s = (end - datetime.now(UTC)).total_seconds()
    if left_s <= 0:
        return [f"its link lapsed on {end:%Y-%m-%d %H:%M} UTC"]
    if left_s < wait_s:
        return [f"its link lapses in {left_s / 60:.0f} min, and jobs take up to {wait_s / 60:.0f}"]
    return []


def _wrong(film: Film, row: Row) -> Iterator[Violation]:
    for problem in row.problems:
        path = ("references", row.reference)
        yield Violation(
            origin=film.place(path),
            message=f"reference '{row.reference}' ({row.place}): {problem}",
            code="preflight",
            jobs=row.jobs,
            path=path,
        )


def _sums(
    offered: Catalog, jobs: Sequence[Job], whole: Sequence[Job], media: Mapping[str, Medium]
) -> Iterator[Violation]:
    """Find jobs whose media are too long, or too large, in all."""
    seconds_of = {job.id: _seconds(job, offered) for job in whole}
    for job in jobs:
        family = offered.families.get(job.model)
        if family is None:
            continue
        used = [media[u.reference.name] for u in job.references if u.reference.name in media]
        for kind in (MediaKind.VIDEO, MediaKind.AUDIO):
            most_s = family.media[kind].max_seconds_in_all
            total_s = sum(m.seconds or 0.0 for m in used if m.kind is kind)
            if kind is MediaKind.VIDEO:
                total_s += sum(seconds_of.get(need) or 0.0 for need in job.needs)
            if most_s is not None and total_s > most_s + SLACK_S:
                message = f"{total_s:.1f} s of {kind.value} in all"
                yield _in_all(job, message, f"{family.name} takes {most_s:g} s")
        inline = sum(m.size_bytes or 0 for m in _inline(job, media))
        if inline * _BASE64 > offered.max_request_bytes:
            message = f"{size(inline)} of local images travel in one request"
            most = size(int(offered.max_request_bytes / _BASE64))
            yield _in_all(job, message, f"{most} at most: make them smaller, or give URLs")


def _inline(job: Job, media: Mapping[str, Medium]) -> Iterator[Medium]:
    for use in job.references:
        is_local_image = use.reference.path is not None and use.reference.kind is MediaKind.IMAGE
        if is_local_image and use.reference.name in media:
            yield media[use.reference.name]


def _seconds(job: Job, offered: Catalog) -> float | None:
    family = offered.families.get(job.model)
    return job.duration_s or (family.default_duration_s if family is not None else None)


def _in_all(job: Job, message: str, hint: str) -> Violation:
    return Violation(
        origin=job.origin_of("references"),
        message=message,
        hint=hint,
        code="preflight",
        jobs=(job.id,),
        path=job.path_of("references"),
    )
