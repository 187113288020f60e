"""What every shot and chain of a manifest is expanded with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from seedrender.errors import Origin, Violation
from seedrender.source import outputs, settings, trace
from seedrender.source.document import Document
from seedrender.source.pictures import format_of, makes, without_field
from seedrender.source.settings import Evaluator, Values, Written
from seedrender.source.template import References
from seedrender.values.job import Job, JobId, MediaKind, Mode, Place, Role
from seedrender.values.manifest import Manifest, Path

Read = Callable[[str], str]
Layer = tuple[Path, Mapping[str, Any]]


class Scope:
    """A manifest, the layers below its entries, and the list of what is wrong with it."""

    def __init__(
        self,
        tree: Document,
        manifest: Manifest,
        problems: list[Violation],
        *,
        read: Read,
        profile: str | None = None,
    ) -> None:
        self.tree, self.manifest, self.problems, self.read = tree, manifest, problems, read
        self.evaluator = Evaluator(tree, manifest, problems)
        self.base: list[Layer] = [(("defaults",), manifest.defaults)]
        if profile is not None and profile in manifest.profiles:
            self.base.append((("profiles", profile), manifest.profiles[profile]))
        self.variables: Mapping[str, Any] = {
            "vars": manifest.vars,
            "name": manifest.name,
            "ref": References(manifest.references),
        }
        self.clip_name = Written(manifest.output_name, ("output", "name"))
        self.incomplete: frozenset[Path] = frozenset()  # entries that lost a part of a wrong shape
        self.unbound: frozenset[Path] = frozenset()  # those of which variables were lost
        self.tracer = trace.Tracer(tree, manifest)

    def wrong(self, origin: Origin, message: str, hint: str, *, path: Path = ()) -> None:
        """Note that an entry is wrong as a whole."""
        self.problems.append(Violation(origin=origin, message=message, hint=hint, path=path))

    def output(
        self, written: Written, variables: Mapping[str, Any], at: Origin, model: str = ""
    ) -> str | None:
        """Evaluate a clip's path, or that of a model's picture; None: it is wrong."""
        directory, form = self.manifest.output_dir, format_of(self.manifest.provider, model)
        return outputs.clip_path(self.evaluator, written, directory, variables, at, form)

    def job(
        self,
        job_id: JobId,
        shot: str,
        values: Values,
        written: Mapping[str, Written],
        *,
        output: str,
        at: Origin,
        places: Mapping[str, Place],
        row: Origin | None = None,
        take: int = 1,
        segment: int | None = None,
        needs: tuple[JobId, ...] = (),
    ) -> Job:
        """Build a job of its settings."""
        route = self.manifest.provider
        mode, reason = _mode(values, needs, makes(route, values.model))
        layer_of = {name: item.path[0] for name, item in written.items() if item.path}
        unused = without_field(route, values.model, values.tier, mode, layer_of)
        left_out: dict[str, Any] = dict.fromkeys(unused)
        values = replace(values, **left_out)
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
            negative_prompt=values.negative_prompt,
            references=values.references,
            needs=needs,
            output=output,
            tags=tuple(written["tags"].value) if "tags" in written else (),
            origin=at,
            row=row,
            places=places,
        )

    def places(self, written: Mapping[str, Written]) -> Mapping[str, Place]:
        """Return where each setting was written."""
        return settings.Places(self.tree, written)


def _mode(values: Values, needs: tuple[JobId, ...], made: MediaKind) -> tuple[Mode, str]:
    """Choose the endpoint variant by what a job carries, and what its model makes."""
    if values.mode is not None:
        return Mode(values.mode), f"{values.mode}: the manifest says so"
    if needs:
        return Mode.V2V, f"v2v: continues {needs[0]}"
    is_still = made is MediaKind.IMAGE
    of_image = Mode.I2I if is_still else Mode.I2V
    for kind, mode in ((MediaKind.VIDEO, Mode.V2V), (MediaKind.IMAGE, of_image)):
        for use in values.references if mode.makes is made else ():
            if use.reference.kind is kind:
                what = "reference" if use.role is Role.REFERENCE else use.role.value
                return mode, f"{mode.value}: {kind.value} {what} {use.reference.name}"
    if is_still:
        return Mode.T2I, "t2i: no image is given"
    return Mode.T2V, "t2v: no image and no video is given"
