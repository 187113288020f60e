"""Turns a manifest on disk into its jobs, its lock and its plan."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from seedrender.errors import ConfigError, ManifestError, Origin, Violation
from seedrender.plan import graph, make, select
from seedrender.plan.make import Facts, Plan
from seedrender.providers import registry
from seedrender.providers.modellix import Modellix
from seedrender.run import store
from seedrender.run.files import Files, sha256
from seedrender.source import expand
from seedrender.values.entry import Lock
from seedrender.values.job import Job, JobId
from seedrender.values.manifest import LongTake, Manifest

_MAX_MANIFEST_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A manifest that is right, and what is selected of it."""

    path: Path
    manifest: Manifest
    jobs: tuple[Job, ...]
    takes: tuple[LongTake, ...]
    digests: dict[str, str]  # of the local references in use
    provider: Modellix  # offline

    @property
    def lock_path(self) -> Path:
        """Where the lockfile is: `launch.yaml` → `launch.lock`."""
        return self.path.with_suffix(".lock")

    @property
    def files(self) -> Files:
        """The files beside the manifest."""
        return Files(root=self.path.parent, output_dir=self.manifest.output_dir)

    def read_lock(self) -> Lock:
        """Read what is known, without holding it. Raises: LockError."""
        return store.read(self.lock_path, self.path.name)

    def facts(self, lock: Lock, resubmit: Collection[JobId] = ()) -> Facts:
        """Gather what a plan rests on."""
        return Facts(
            lock=lock,
            digests=self.digests,
            is_present=self.files.is_present,
            resubmit=resubmit,
        )

    def plan(self, lock: Lock, resubmit: Collection[JobId] = ()) -> Plan:
        """Decide about every selected job."""
        return make.plan(graph.build(self.jobs), self.takes, self.facts(lock, resubmit))


def load(path: Path, *, profile: str | None = None, selectors: Sequence[str] = ()) -> Project:
    """Read, check and expand a manifest; nothing is sent.

    Raises: ManifestError with every violation found; ConfigError.
    """
    text = _read(path)
    root = path.parent
    expansion = expand.load(
        text, path.name, read=lambda name: _read_inside(root, name), profile=profile
    )
    provider = registry.offline(expansion.manifest.provider)
    violations = [v for job in expansion.jobs for v in provider.violations(job)]
    digests, missing = _digest(root, expansion.jobs)
    if violations or missing:
        raise ManifestError([*violations, *missing])
    jobs = select.select(expansion.jobs, selectors)
    return Project(
        path=path,
        manifest=expansion.manifest,
        jobs=jobs,
        takes=select.whole_takes(expansion.takes, jobs),
        digests=digests,
        provider=provider,
    )


def _read_inside(root: Path, name: str) -> str:
    """Read a file of data: inside the repository, as references are."""
    path = root / name
    if not path.resolve().is_relative_to(_repository(root)) or not path.is_file():
        raise ConfigError(f"{name} is no file in this repository")
    return _read(path)


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_MANIFEST_BYTES:
            raise ConfigError(f"{path} is larger than {_MAX_MANIFEST_BYTES // 2**20} MiB")
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}; nothing was sent") from None


def _digest(root: Path, jobs: Sequence[Job]) -> tuple[dict[str, str], list[Violation]]:
    """Digest every local reference in use once; report those that are not there."""
    digests: dict[str, str] = {}
    violations: list[Violation] = []
    seen: set[str] = set()
    boundary = _repository(root)
    for job in jobs:
        for use in job.references:
            reference = use.reference
            if reference.path is None or reference.name in seen:
                continue
            seen.add(reference.name)
            path = root / reference.path
            if not path.resolve().is_relative_to(boundary):
                violations.append(_wrong(job, reference.name, "leads out of the repository"))
            elif not path.is_file():
                violations.append(_wrong(job, reference.name, f"{reference.path} is not there"))
            else:
                digests[reference.name] = sha256(path)
    return digests, violations


def _repository(folder: Path) -> Path:
    """Return the git repository around a folder, or the folder: references stay inside."""
    resolved = folder.resolve()
    return next((p for p in (resolved, *resolved.parents) if (p / ".git").exists()), resolved)


def _wrong(job: Job, reference: str, what: str) -> Violation:
    origin: Origin = job.origin_of("references")
    return Violation(
        origin=origin,
        message=f"{job.id}: reference '{reference}': {what}",
        hint="paths are relative to the manifest",
        code="reference",
    )
