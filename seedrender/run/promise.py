"""Keeps a plan as a file, and holds a run to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seedrender.errors import ConfigError, Origin, printable
from seedrender.plan import breach, saved
from seedrender.plan.cost import estimate
from seedrender.plan.make import Plan
from seedrender.plan.saved import Chosen, Promise, Rates
from seedrender.project.files import write_atomically
from seedrender.project.text_files import read_text
from seedrender.run.choices import Choices
from seedrender.run.project import Project
from seedrender.source.given import Given


def of(project: Project, plan: Plan, chosen: Chosen) -> Promise:
    """Make the promise of a project's plan. Raises: ConfigError."""
    price = project.pricing(project.read_lock())
    rates = Rates(price=price, digests=project.digests)
    manifest, provider = project.path.name, project.manifest.provider
    return saved.promise(plan, manifest, provider, chosen, rates, estimate(plan, price))


def save(made: Promise, path: Path) -> None:
    """Write a promise, in place of an earlier one only. Raises: ConfigError."""
    if path.exists() and not _is_promise(path):
        raise ConfigError(f"{path} is there and is no plan: give --out another name")
    try:
        write_atomically(path, saved.dumps(made))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from None


def _is_promise(path: Path) -> bool:
    try:
        saved.loads(read_text(path), path.name)
    except ConfigError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Agreed:
    """A promise that was read, and the file's name."""

    made: Promise
    name: str

    @property
    def choices(self) -> Choices:
        """What was chosen when it was made."""
        place = (f"--plan {self.name}", Origin(self.name, 1, 1))
        values = self.made.chosen.vars
        given = Given(values=values, places=dict.fromkeys(values, place))
        chosen = self.made.chosen
        return Choices(profile=chosen.profile, kept=given, provider=chosen.provider)

    def hold(self, project: Project, plan: Plan) -> None:
        """Hold a run to it. Raises: ConfigError with what moved."""
        breach.keep(self.made, of(project, plan, self.made.chosen), self.name)


def load(path: Path, manifest: Path) -> Agreed:
    """Read the promise of a manifest. Raises: ConfigError."""
    made = saved.loads(read_text(path), path.name)
    if made.manifest != manifest.name:
        other = printable(made.manifest)
        raise ConfigError(
            f"{path.name} is a plan of {other}, not of {manifest.name}; nothing was sent"
        )
    return Agreed(made, path.name)
