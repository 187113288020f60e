"""Turns a manifest into its jobs: no template, axis, take or segment is left to evaluate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from seedrender.catalog.models import catalog
from seedrender.errors import ManifestError, Origin, Violation
from seedrender.source import axes, chains, document, outputs, params, parse, schema, settings
from seedrender.source.document import Document
from seedrender.source.params import Template
from seedrender.source.parse import did_you_mean, violation
from seedrender.source.settings import Evaluator, Values, Written
from seedrender.source.template import PREVIOUS, References
from seedrender.values.job import Job, JobId, MediaKind, Mode, Role
from seedrender.values.manifest import LongTake, Manifest, Path

MAX_JOBS = 200_000
_MAX_CHAIN_S = 24 * 3600
_CONTINUATION = Written(f"Continue {PREVIOUS} without a cut. ", ())
_TAKE_NAME = Written("{{ job.id }}.mp4", ("output", "name"))

Read = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """A manifest and everything that follows from it."""

    manifest: Manifest
    jobs: tuple[Job, ...]
    takes: tuple[LongTake, ...]


def load(text: str, file: str, *, read: Read, profile: str | None = None) -> Expansion:
    """Parse, check and expand a manifest.

    `read` returns the text of a file by its path relative to the manifest.

    Raises: ManifestError with every violation that was found.
    """
    tree = document.parse(text, file)
    misshapen = schema.check(tree)
    problems = [problem for _, problem in misshapen]
    if not isinstance(tree.root, dict):
        raise ManifestError(problems)
    manifest = parse.manifest(tree, problems)
    if profile is not None and profile not in manifest.profiles:
        hint = did_you_mean(profile, manifest.profiles)
        problems.append(violation(tree, ("profiles",), f"there is no profile '{profile}'", hint))
    expander = _Expander(tree, manifest, profile, read, problems)
    expander.incomplete = {path[:2] for path, _ in misshapen}
    jobs = tuple(expander.jobs())
    problems += outputs.collisions(jobs, expander.takes)
    if not jobs and not problems:
        hint = "add an entry under `shots` or `chains`"
        problems.append(violation(tree, (), "the manifest asks for no footage", hint))
    if problems:
        raise ManifestError(problems)
    return Expansion(manifest=manifest, jobs=jobs, takes=tuple(expander.takes))


class _Expander:
    def __init__(
        self,
        tree: Document,
        manifest: Manifest,
        profile: str | None,
        read: Read,
        problems: list[Violation],
    ) -> None:
        self._tree, self._manifest, self._read, self._problems = tree, manifest, read, problems
        self._evaluator = Evaluator(tree, manifest, problems)
        self._base: list[tuple[Path, Mapping[str, Any]]] = [(("defaults",), manifest.defaults)]
        if profile in manifest.profiles:
            assert profile is not None, "None is no profile's name"
            self._base.append((("profiles", profile), manifest.profiles[profile]))
        self._variables = {
            "vars": manifest.vars,
            "name": manifest.name,
            "ref": References(manifest.references),
        }
        self._clip_name = Written(manifest.output_name, ("output", "name"))
        self._count = 0
        self.takes: list[LongTake] = []
        self.incomplete: set[Path] = set()  # entries that lost a part which was of a wrong shape

    def jobs(self) -> Iterator[Job]:
        """Yield the jobs in manifest order; no job needs a later one."""
        for name in self._manifest.shots:
            yield from self._bounded(self._shot(name), ("shots", name))
        for name in self._manifest.chains:
            yield from self._bounded(self._chain(name), ("chains", name))

    def _bounded(self, jobs: Iterator[Job], path: Path) -> Iterator[Job]:
        for job in jobs:
            self._count += 1
            if self._count > MAX_JOBS:
                message = f"the manifest makes more than {MAX_JOBS} jobs here"
                found = violation(self._tree, path, message, "split it into several manifests")
                raise ManifestError([*self._problems, found])
            yield job

    def _shot(self, name: str) -> Iterator[Job]:
        path: Path = ("shots", name)
        shot = self._manifest.shots[name]
        written = settings.layers(*self._base, self._template(shot).layer, (path, shot))
        if "prompt" not in written:
            if path not in self.incomplete and "template" not in shot:
                message = f"shot {name} has no prompt"
                hint = "write `prompt:` or `template:`"
                origin = self._tree.key_origin(path)
                self._problems.append(Violation(origin=origin, message=message, hint=hint))
            return
        at = self._tree.key_origin(path)
        origins = settings.origins(self._tree, written)
        template = self._template(shot)
        own = params.given(self._evaluator, template, path, shot, self._variables)
        given = {**self._variables, **own}
        for binding in axes.bindings(self._tree, path, shot, given, self._read, self._problems):
            variables = {**given, **binding.variables}
            row = (binding.row,) if binding.row is not None else ()
            if not params.fit(self._evaluator, template, path, variables, row):
                continue
            related = (at, *row)
            values = self._evaluator.values(written, variables, related)
            if values is None:
                continue
            yield from self._takes_of(name, binding.suffix, values, written, variables, origins, at)

    def _takes_of(
        self,
        name: str,
        suffix: str,
        values: Values,
        written: Mapping[str, Written],
        variables: Mapping[str, Any],
        origins: Mapping[str, Origin],
        at: Origin,
    ) -> Iterator[Job]:
        stem = f"{name}/{suffix}" if suffix else name
        takes = written["takes"].value if "takes" in written else 1
        for take in range(1, takes + 1):
            job_id = JobId(stem if take == 1 else f"{stem}@{take}")
            known = {**variables, **outputs.job_variables(job_id, name, take)}
            output = self._output(written.get("output", self._clip_name), known, at)
            if output is None:
                return
            yield _job(job_id, name, values, output, at, origins, take=take, tags=_tags(written))

    def _chain(self, name: str) -> Iterator[Job]:
        path: Path = ("chains", name)
        chain = self._manifest.chains[name]
        common = settings.layers(*self._base, (path, chain))
        at = self._tree.key_origin(path)
        segments = self._segments(path, common)
        made: list[Job] = []
        for number, (segment_path, segment) in enumerate(segments, 1):
            job = self._segment(name, number, common, segment_path, segment, made)
            if job is None:
                return
            made.append(job)
        if made:
            yield from made
            known = {**self._variables, **outputs.job_variables(JobId(name), name, 1)}
            output = self._output(common.get("output", _TAKE_NAME), known, at)
            if output is not None:
                audio = chain.get("join", {}).get("audio", "keep")
                ids = tuple(job.id for job in made)
                self.takes.append(
                    LongTake(id=JobId(name), segments=ids, output=output, audio=audio)
                )

    def _segment(
        self,
        name: str,
        number: int,
        common: Mapping[str, Written],
        path: Path,
        segment: Mapping[str, Any],
        before: list[Job],
    ) -> Job | None:
        written = {**common, **settings.layers((path, segment))}
        at = self._tree.origin(path) if path[-1] != "duration" else self._tree.key_origin(path[:2])
        if "prompt" not in written:
            message = f"segment {number} of chain {name} has no prompt"
            hint = "write `prompt:` for the chain or for each segment"
            self._problems.append(Violation(origin=at, message=message, hint=hint))
            return None
        variables = {**self._variables, "segment": number}
        if before:
            variables["previous"] = PREVIOUS
        values = self._evaluator.values(written, variables, (at,))
        if values is None:
            return None
        if before and PREVIOUS not in values.prompt:
            start = self._evaluator.text(
                common.get("continuation", _CONTINUATION), variables, (at,)
            )
            if start is None:
                return None
            values = replace(values, prompt=f"{start}{values.prompt}")
        job_id = JobId(f"{name}/{number:02}")
        known = {**variables, **outputs.job_variables(job_id, name, 1)}
        output = self._output(self._clip_name, known, at)
        if output is None:
            return None
        origins = settings.origins(self._tree, written)
        needs = (before[-1].id,) if before else ()
        return _job(
            job_id,
            name,
            values,
            output,
            at,
            origins,
            segment=number,
            needs=needs,
            tags=_tags(written),
        )

    def _segments(
        self, path: Path, common: Mapping[str, Written]
    ) -> list[tuple[Path, Mapping[str, Any]]]:
        """Return each segment's path and own settings."""
        if "segments" in common:
            rows = common["segments"].value
            return [((*path, "segments", number), row) for number, row in enumerate(rows)]
        if "duration" not in common and path in self.incomplete:
            return []
        if "duration" not in common:
            message = f"chain {path[-1]} has no length"
            hint = "write `duration:` for the whole take, or `segments:`"
            at = self._tree.key_origin(path)
            self._problems.append(Violation(origin=at, message=message, hint=hint))
            return []
        values = self._evaluator.values(
            {k: v for k, v in common.items() if k in ("model", "duration")}
            | {"prompt": Written("", path)},
            self._variables,
            (),
        )
        if values is None or values.duration is None:
            return []
        lengths = self._split(values.model, values.duration, common["duration"])
        return [((*path, "duration"), {"duration": length}) for length in lengths]

    def _split(self, model: str, duration_s: int, written: Written) -> tuple[int, ...]:
        family = catalog(self._manifest.provider).families.get(model)
        if family is None:
            known = catalog(self._manifest.provider).families
            hint = did_you_mean(model, known)
            message = f"model '{model}' is not on the route {self._manifest.provider}"
            self._problems.append(violation(self._tree, written.path, message, hint))
            return ()
        low, high = family.min_duration_s, family.max_duration_s
        if duration_s > _MAX_CHAIN_S:
            hint = f"{_MAX_CHAIN_S} s at most"
            message = f"a take of {duration_s} s is too long"
            self._problems.append(violation(self._tree, written.path, message, hint))
            return ()
        lengths = chains.split(duration_s, shortest_s=low, longest_s=high)
        if lengths is None:
            message = f"{duration_s} s cannot be split into segments of {low} to {high} s"
            hint = f"give {low} s or more"
            self._problems.append(violation(self._tree, written.path, message, hint))
        return lengths or ()

    def _output(self, written: Written, variables: Mapping[str, Any], at: Origin) -> str | None:
        directory = self._manifest.output_dir
        return outputs.clip_path(self._evaluator, written, directory, variables, at)

    def _template(self, shot: Mapping[str, Any]) -> Template:
        name = shot.get("template", "")
        return Template(name, self._manifest.templates.get(name, {}))


def _job(
    job_id: JobId,
    shot: str,
    values: Values,
    output: str,
    at: Origin,
    origins: Mapping[str, Origin],
    *,
    tags: tuple[str, ...],
    take: int = 1,
    segment: int | None = None,
    needs: tuple[JobId, ...] = (),
) -> Job:
    mode, reason = _mode(values, needs)
    return Job(
        id=job_id,
        shot=shot,
        model=values.model,
        tier=values.tier,
        mode=mode,
        mode_reason=reason,
        prompt=values.prompt,
        take=take,
        segment=segment,
        duration_s=values.duration,
        resolution=values.resolution,
        ratio=values.ratio,
        audio=values.audio,
        seed=values.seed,
        camera_fixed=values.camera_fixed,
        references=values.references,
        needs=needs,
        output=output,
        tags=tags,
        origin=at,
        origins=origins,
    )


def _mode(values: Values, needs: tuple[JobId, ...]) -> tuple[Mode, str]:
    """Choose the endpoint variant by what a job carries."""
    if values.mode is not None:
        return Mode(values.mode), f"{values.mode}: the manifest says so"
    if needs:
        return Mode.V2V, f"v2v: continues {needs[0]}"
    for kind, mode in ((MediaKind.VIDEO, Mode.V2V), (MediaKind.IMAGE, Mode.I2V)):
        for use in values.references:
            if use.reference.kind is kind:
                what = "reference" if use.role is Role.REFERENCE else use.role.value
                return mode, f"{mode.value}: {kind.value} {what} {use.reference.name}"
    return Mode.T2V, "t2v: no image and no video is given"


def _tags(written: Mapping[str, Written]) -> tuple[str, ...]:
    return tuple(written["tags"].value) if "tags" in written else ()
