"""What a plan will cost, in words and as JSON; and the options that bound it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from seedrender.errors import printable
from seedrender.lock.identity import SIMULATED
from seedrender.plan.cost import Basis, Estimate, Pricing, estimate
from seedrender.plan.make import Plan, Step
from seedrender.plan.paid import retakes
from seedrender.run.project import Project
from seedrender.run.purse import Allowance, Purse
from seedrender.values.entry import Lock
from seedrender.values.money import Limit, limit

_SHOWN = 10  # jobs named in one sentence

F = TypeVar("F", bound=Callable[..., Any])


class _LimitType(click.ParamType):  # type: ignore[type-arg] # its stubs differ by version
    name = "LIMIT"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Limit:
        """Read a limit as the manifest's `run.budget` is written."""
        found = limit(value)
        if found is None:
            self.fail(f"'{value}' is no limit: 25.00 USD, 40 clips or 300 seconds", param, ctx)
        return found


def budget_options(command: F) -> F:
    """Take `--budget` and `--allow-unknown-price`."""
    for option in (
        click.option(
            "--allow-unknown-price",
            "is_unknown_price_allowed",
            is_flag=True,
            help="With a budget: buy also what has no known price, and count it as nothing.",
        ),
        click.option(
            "--budget",
            type=_LimitType(),
            multiple=True,
            help="What this run may buy: '25.00 USD', '40 clips', '300 seconds'. Each one holds.",
        ),
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a plan will cost, and whether the film's budget reaches for it."""

    estimate: Estimate
    pricing: Pricing
    budget: Purse
    listed: Estimate | None  # by published prices, where the film has a table of its own
    is_simulated: bool

    def __str__(self) -> str:
        found = self.estimate
        free = " (simulated: nothing is charged)" if self.is_simulated else ""
        is_some = found.known + found.unknown > 0
        lines = [f"To buy: {found}{free}" if is_some else f"Nothing to buy{free}"]
        if found.why:
            reasons = (f"{reason} ({_jobs(count)})" for reason, count in found.why.items())
            lines.append(f"A range, since {'; '.join(reasons)}.")
        if found.retakes.share:
            share = f"{found.retakes.share:.0%}"
            counts = f"of {found.retakes.paid} paid tasks {found.retakes.kept} are in use"
            lines.append(f"Expected and high hold {share} for retakes: {counts}.")
        lines += [f"Prices: {printable(str(basis))}." for basis in found.bases]
        if self.listed is not None and self.listed.exceeds(found):
            lines.append(
                f"By published prices it would be {self.listed}: --budget counts the higher ones."
            )
        if found.unpriced:
            lines.append(f"Unknown price: {_named(found.unpriced)}.")
        if self.budget.left_out:
            lines.append(f"A run would end with exit code 7: {self.budget.words()}.")
        return "\n".join(lines)

    def job(self, step: Step) -> dict[str, Any]:
        """Return one job's price for programs."""
        price = self.pricing(step.job)
        return {
            "low": _text(price.low),
            "expected": _text(price.expected),
            "high": _text(price.high),
            "source": price.source or None,
            "as_of": _text(price.as_of),
            "why": list(price.why),
        }

    def as_json(self) -> dict[str, Any]:
        """Return the sums for programs."""
        found = self.estimate
        return {
            "low": _text(found.low),
            "expected": _text(found.expected),
            "high": _text(found.high),
            "unknown_jobs": found.unknown,
            "prices_of": _text(found.oldest),
            "prices": [_basis(basis) for basis in found.bases],
            "why": dict(found.why),
            "retakes": {
                "paid": found.retakes.paid,
                "kept": found.retakes.kept,
                "share": f"{found.retakes.share:.4f}",
            },
            "budget": self.budget.as_json(),
        }


def costs(found: Project, made: Plan, lock: Lock) -> Costs:
    """Work out what a plan will cost today."""
    route, pricing = found.manifest.provider, found.pricing(lock)
    allowance = Allowance(film=found.manifest.run.budget)
    budget = found.purse(made, lock, allowance)
    budget.refuse_all()
    lost = retakes(lock, route)
    return Costs(
        estimate=estimate(made, pricing, today=datetime.now(UTC).date(), retakes=lost),
        pricing=pricing,
        budget=budget,
        listed=estimate(made, pricing.listed) if pricing.rates else None,
        is_simulated=route == SIMULATED,
    )


def _basis(basis: Basis) -> dict[str, Any]:
    return {
        "source": basis.source or None,
        "as_of": _text(basis.as_of),
        "jobs": basis.jobs,
        "age_days": basis.age_days,
        "is_old": basis.is_old,
    }


def _jobs(count: int) -> str:
    return f"{count} job{'s' if count > 1 else ''}"


def _named(jobs: tuple[str, ...]) -> str:
    return ", ".join(jobs[:_SHOWN]) + (" …" if len(jobs) > _SHOWN else "")


def _text(value: object) -> str | None:
    return None if value is None else str(value)
