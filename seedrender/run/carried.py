"""Reads a manifest on its own route, beside the other one that a person asks about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seedrender.catalog.models import catalog
from seedrender.plan import routes
from seedrender.plan.routes import Carried, OnRoute
from seedrender.run import project
from seedrender.run.choices import Choices
from seedrender.run.project import Project
from seedrender.values.entry import Lock


def carried(found: Project, lock: Lock, choices: Choices, selectors: Sequence[str]) -> Carried:
    """Compare a project with the same on its manifest's own route. Raises: ManifestError."""
    own = project.load(
        found.path,
        choices=replace(choices, provider=None),
        selectors=selectors,
        may_be_unfit=True,
    )
    return routes.carry(_on_route(own, lock), _on_route(found, lock))


def _on_route(found: Project, lock: Lock) -> OnRoute:
    route = found.manifest.provider
    return OnRoute(
        route=route,
        jobs=found.jobs,
        offered=catalog(route),
        price=found.pricing(lock),
        unfit=found.unfit,
    )
