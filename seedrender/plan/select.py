"""Turns selectors (ids, globs, tags) into the jobs that they name and those that these need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from seedrender.errors import ConfigError
from seedrender.values.job import Job, JobId
from seedrender.values.manifest import LongTake


def select(jobs: Sequence[Job], selectors: Sequence[str]) -> tuple[Job, ...]:
    """Return the selected jobs in manifest order; no selector selects all.

    A job brings those that it is made from.

    Raises: ConfigError where a selector names nothing.
    """
    if not selectors:
        return tuple(jobs)
    chosen = _all_named(jobs, selectors, _named)
    for job in reversed(jobs):
        if job.id in chosen:
            chosen |= set(job.parents)
    return tuple(job for job in jobs if job.id in chosen)


def named(jobs: Sequence[Job], selectors: Sequence[str]) -> tuple[JobId, ...]:
    """Return the jobs of which a person says something, without those that they continue.

    The id of a job is this job alone, though it is the name of a shot with further takes, too.

    Raises: ConfigError where a selector names nothing.
    """
    ids = {job.id for job in jobs}

    def narrow(jobs: Sequence[Job], selector: str) -> set[JobId]:
        return {JobId(selector)} if selector in ids else _named(jobs, selector)

    chosen = _all_named(jobs, selectors, narrow)
    return tuple(job.id for job in jobs if job.id in chosen)


def whole_takes(takes: Sequence[LongTake], jobs: Sequence[Job]) -> tuple[LongTake, ...]:
    """Return the long takes all of whose segments are selected."""
    ids = {job.id for job in jobs}
    return tuple(take for take in takes if ids.issuperset(take.segments))


def _all_named(
    jobs: Sequence[Job],
    selectors: Sequence[str],
    name: Callable[[Sequence[Job], str], set[JobId]],
) -> set[JobId]:
    chosen: set[JobId] = set()
    for selector in selectors:
        found = name(jobs, selector)
        if not found:
            raise ConfigError(_nothing(jobs, selector))
        chosen |= found
    return chosen


def _named(jobs: Sequence[Job], selector: str) -> set[JobId]:
    kind, _, tag = selector.partition(":")
    if kind == "tag" and tag:
        return {job.id for job in jobs if tag in job.tags}
    if selector.endswith(".."):
        return _onwards(jobs, selector.removesuffix(".."))
    return {
        job.id for job in jobs if selector in (job.id, job.shot) or fnmatchcase(job.id, selector)
    }


def _onwards(jobs: Sequence[Job], first: str) -> set[JobId]:
    """Return a segment and those behind it."""
    chosen: set[JobId] = set()
    for job in jobs:
        if job.id == first or chosen.intersection(job.needs):
            chosen.add(job.id)
    return chosen


def _nothing(jobs: Sequence[Job], selector: str) -> str:
    if selector.endswith((".yaml", ".yml", ".yaml.j2", ".yml.j2")):
        way = (
            "one manifest at a time: run the command once for each, or several at once by `make -j`"
        )
        return f"'{selector}' stands where a job's name would; {way}"
    names = sorted({job.id for job in jobs} | {job.shot for job in jobs})
    close = get_close_matches(selector, names)
    hint = f"did you mean '{close[0]}'?" if close else "`expand` lists the ids there are"
    return f"no job, shot or chain matches '{selector}'; {hint}"
