"""Turns the jobs of a plan into what they will cost; an unknown price stays unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from seedrender.plan.make import Plan
from seedrender.values.job import Job
from seedrender.values.money import Amount, Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A sum of prices; jobs whose price no source names are counted, never taken as free."""

    low: Amount | None
    expected: Amount | None
    high: Amount | None
    known: int
    unknown: int
    oldest: date | None  # of the prices used

    def __str__(self) -> str:
        if self.known + self.unknown == 0:
            return "nothing to buy"
        parts = [f"{self.expected}"] if self.expected is not None else []
        if self.low != self.high:
            parts.append(f"({self.low} to {self.high})")
        if self.unknown:
            parts.append(f"+ {self.unknown} of unknown price")
        return " ".join(parts).removeprefix("+ ")


def estimate(plan: Plan, price: Callable[[Job], Price]) -> Estimate:
    """Estimate what a run of this plan would buy."""
    prices = [price(step.job) for step in plan.steps if step.will_submit]
    known = [p for p in prices if p.is_known]
    return Estimate(
        low=total(p.low for p in known),
        expected=total(p.expected for p in known),
        high=total(p.high for p in known),
        known=len(known),
        unknown=len(prices) - len(known),
        oldest=min((p.as_of for p in known if p.as_of is not None), default=None),
    )


def total(amounts: Iterable[Amount | None]) -> Amount | None:
    """Add amounts of one currency; None: there were none."""
    known = [amount for amount in amounts if amount is not None]
    if not known:
        return None
    return Amount(sum((a.value for a in known), Decimal(0)), known[0].currency)
