"""Asks the network about a project before money is spent: its references, and the credit left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from seedrender.errors import ConfigError, ManifestError, ProviderError
from seedrender.lock.identity import SIMULATED
from seedrender.plan.cost import Estimate, estimate
from seedrender.plan.decision import Verdict
from seedrender.plan.make import Plan
from seedrender.providers import registry
from seedrender.providers.addresses import Lookup, Network, Rules
from seedrender.run import preflight
from seedrender.run.lifetimes import expected_wait_s
from seedrender.run.preflight import Film, Looks
from seedrender.run.project import Project
from seedrender.run.remote import Remote
from seedrender.values.entry import Lock
from seedrender.values.job import Job
from seedrender.values.money import Amount


@runtime_checkable
class Account(Protocol):
    """A provider that says what credit is left."""

    async def balance(self) -> Amount:
        """Read it; free."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """What is left, and what a run of the plan would cost."""

    words: str
    left: Amount | None = None
    needed: Amount | None = None  # expected; None: nothing, or of unknown price

    @property
    def is_short(self) -> bool:
        """Whether a run would stop for want of money."""
        if self.left is None or self.needed is None:
            return False
        return self.left.currency == self.needed.currency and self.left.value < self.needed.value


async def references(
    project: Project,
    jobs: Sequence[Job],
    lock: Lock,
    *,
    allowed: tuple[Network, ...] = (),
    lookup: Lookup | None = None,
) -> Looks:
    """Look at the references of some of a project's jobs."""
    async with Remote(Rules(allowed=allowed), lookup) as remote:
        return await preflight.look(_film(project, lock), jobs, remote, project.jobs)


async def local_references(project: Project, jobs: Sequence[Job], lock: Lock) -> Looks:
    """Look at what can be looked at without sending anything."""
    return await preflight.look(_film(project, lock), jobs, None, project.jobs)


def _film(project: Project, lock: Lock) -> Film:
    route = project.manifest.provider
    return Film(
        root=project.path.parent,
        route=route,
        hosting=project.manifest.hosting,
        place=project.place,
        wait_s=expected_wait_s(lock.entries.values(), route),
    )


async def wrong_references(
    project: Project, plan: Plan, lock: Lock, *, allowed: tuple[Network, ...] = ()
) -> ManifestError | None:
    """Return every problem with what would, or might, be bought; the provider is not asked."""
    jobs = [s.job for s in plan.steps if s.will_submit or s.verdict is Verdict.UNKNOWN]
    if not jobs:
        return None
    if project.manifest.provider == SIMULATED:  # which sends nothing
        looks = await local_references(project, jobs, lock)
    else:
        looks = await references(project, jobs, lock, allowed=allowed)
    return ManifestError(looks.violations) if looks.violations else None


async def short_credit(provider: object, project: Project, plan: Plan) -> ConfigError | None:
    """Say that the credit does not last for a plan."""
    cost = estimate(plan, project.pricing(project.read_lock()))
    if project.manifest.provider == SIMULATED or cost.expected is None:
        return None
    try:
        found = await compare(provider, cost)
    except ProviderError:  # what cannot be read stops nothing: the submits will tell
        return None
    if not found.is_short:
        return None
    return ConfigError(
        f"the credit does not last: {found.words}. Top up, narrow the selection, or say "
        "--no-preflight; nothing was bought"
    )


async def credit(project: Project, plan: Plan, environ: Mapping[str, str]) -> Credit:
    """Compare what is left with what the plan would cost."""
    route = project.manifest.provider
    if route == SIMULATED:
        return Credit(words="the simulator is free")
    cost = estimate(plan, project.pricing(project.read_lock()))
    try:
        async with registry.online(route, environ, registry.account_limits(route)) as provider:
            return await compare(provider, cost)
    except (ConfigError, ProviderError) as error:
        return Credit(words=f"the balance could not be read: {error}")


async def compare(provider: object, cost: Estimate) -> Credit:
    """Read the balance of an account. Raises: ProviderError."""
    if not isinstance(provider, Account):
        return Credit(words="this route does not say what credit is left")
    left = await provider.balance()
    words = f"{left} left, and the plan costs {cost}"
    return Credit(words=words, left=left, needed=cost.expected)
