"""Finds out about references that another shot makes: what they are, and who waits for whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from seedrender.errors import Violation
from seedrender.source import settings, template
from seedrender.source.document import Document
from seedrender.source.params import Template
from seedrender.source.parse import did_you_mean, violation
from seedrender.source.pictures import makes
from seedrender.source.settings import DEFAULT_MODEL, Written
from seedrender.source.template import TemplateFailure
from seedrender.values.job import Job, JobId, MediaKind, Reference
from seedrender.values.manifest import Manifest, Path

_SHOWN = 12  # links of a circle


def references(
    tree: Document, manifest: Manifest, problems: list[Violation], profile: str | None
) -> Mapping[str, Reference]:
    """Return the references, those that a shot makes with their kind: it follows from its model."""
    found = dict(manifest.references)
    for name, reference in manifest.references.items():
        if reference.shot is not None:
            kind = _kind(tree, manifest, name, reference.shot, problems, profile)
            found[name] = replace(reference, kind=kind)
    return found


def _kind(
    tree: Document,
    manifest: Manifest,
    name: str,
    wanted: JobId,
    problems: list[Violation],
    profile: str | None,
) -> MediaKind:
    path: Path = ("references", name, "shot")
    shot = wanted.partition("/")[0].partition("@")[0]
    if shot in manifest.chains:
        if wanted == shot:
            message = f"reference {name} is the long take {shot}, and a task takes one clip"
            problems.append(violation(tree, path, message, f"name a segment, such as {shot}/01"))
        return MediaKind.VIDEO
    if shot not in manifest.shots:
        known = {**manifest.shots, **manifest.chains}
        message = f"reference {name} is made by shot '{shot}', which is not defined"
        problems.append(violation(tree, path, message, did_you_mean(shot, known)))
        return MediaKind.IMAGE
    return makes(manifest.provider, _model(tree, manifest, shot, problems, profile))


def _model(
    tree: Document, manifest: Manifest, shot: str, problems: list[Violation], profile: str | None
) -> str:
    """Return a shot's model as far as the whole shot has one."""
    row = manifest.shots[shot]
    used = Template.of(manifest.templates, row.get("template"))
    chosen = manifest.profiles.get(profile or "", {})
    layers = settings.layers(
        (("defaults",), manifest.defaults),
        (("profiles", profile or ""), chosen),
        *used.layers,
        (("shots", shot), row),
    )
    written = layers.get("model", Written(DEFAULT_MODEL, ()))
    try:
        return str(template.render(written.value, {"vars": manifest.vars, "name": manifest.name}))
    except TemplateFailure:
        message = f"shot {shot} is a reference, and its model is not one for all of its jobs"
        hint = "write the model out, or use one shot for each"
        problems.append(violation(tree, written.path, message, hint))
        return DEFAULT_MODEL


def unmade(
    tree: Document, manifest: Manifest, jobs: Sequence[Job], *, is_whole: bool
) -> Iterator[Violation]:
    """Find references to jobs that are not there, though their shot is."""
    made = {name: ref.shot for name, ref in manifest.references.items() if ref.shot is not None}
    if not made:
        return
    by_shot: dict[str, list[JobId]] = {}
    for job in jobs:
        by_shot.setdefault(job.shot, []).append(job.id)
    for name, wanted in made.items():
        own = by_shot.get(wanted.partition("/")[0].partition("@")[0], [])
        if wanted in own or (not own and not is_whole):
            continue
        if own and wanted != own[0].partition("/")[0]:
            message = f"reference {name} is made by job '{wanted}', which is not there"
            hint = did_you_mean(wanted, dict.fromkeys(own))
        elif own:
            message = f"reference {name} is made by shot '{wanted}', which has {len(own)} jobs"
            hint = f"name one of them, such as {own[0]}"
        else:
            continue  # of a chain as a whole, or undefined: that is said
        yield violation(tree, ("references", name, "shot"), message, hint)


def arranged(jobs: Sequence[Job], problems: list[Violation]) -> tuple[Job, ...]:
    """Return the jobs so that none comes before one that it is made from, else as they are."""
    if not any(use.reference.shot for job in jobs for use in job.references):
        return tuple(jobs)
    by_id = {job.id: job for job in jobs}
    done: dict[JobId, Job] = {}
    for job in jobs:
        way = [job]  # from a job to one that it waits for, and on
        while way:
            last = way[-1]
            missing = (p for p in last.parents if p in by_id and p not in done)
            following = next(missing, None)
            if following is None:
                done[way.pop().id] = last
            elif any(other.id == following for other in way):
                problems.append(_circle(way, following))
                return tuple(jobs)
            else:
                way.append(by_id[following])
    return tuple(done.values())


def _circle(way: Sequence[Job], start: JobId) -> Violation:
    ids = [job.id for job in way]
    links = [*ids[ids.index(start) :], start]
    shown = links if len(links) <= _SHOWN else [*links[:_SHOWN], JobId("…"), start]
    first = way[ids.index(start)]
    said = "references" if "references" in first.places else "prompt"
    return Violation(
        origin=first.origin_of(said),
        message=f"jobs wait for each other: {' → '.join(shown)}",
        hint="take one of these references out",
        jobs=(start,),
        path=first.path_of(said),
        code="name",
    )
