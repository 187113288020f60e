"""Writes what becomes of a film on another route, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seedrender.cli.against import columns, sum_json
from seedrender.cli.console import table
from seedrender.errors import printable
from seedrender.lock.identity import SIMULATED
from seedrender.plan.routes import Carried

_SHOWN = 5  # jobs named in one line


def as_text(found: Carried) -> str:
    """Write for people."""
    return "\n".join([*_unfit(found), *_differing(found), *_figures(found)])


def _unfit(found: Carried) -> list[str]:
    if not found.unfit:
        return [f"Everything can be carried over from {found.here} to {found.there}."]
    count = len(found.left_out)
    left = f"; {count} job{'s are' if count > 1 else ' is'} left out" if count else ""
    head = f"Cannot be carried over from {found.here} to {found.there}{left}:"
    return [head, *(f"  {violation}" for violation in found.unfit)]


def _differing(found: Carried) -> list[str]:
    lines = [
        f"  {shift.origin}: {shift}: {_named(shift.jobs)}; write it down to keep it"
        for shift in found.shifts
    ]
    lines += [f"  {cut}" for cut in found.cuts]
    return [f"Filled in otherwise by {found.there}:", *map(printable, lines)] if lines else []


def _figures(found: Carried) -> list[str]:
    rows = [
        (_label(found.here), *columns(found.before)),
        (_label(found.there), *columns(found.now)),
        (f"difference of {found.priced}", *columns(found.difference, is_signed=True)[:3], ""),
    ]
    head = (
        f"At today's prices, all anew. Jobs that {found.there} renders: {found.compared}; with a "
        f"price on both routes: {found.priced}."
    )
    return ["", head, table(("route", "low", "expected", "high", "unknown"), rows)]


def _label(route: str) -> str:
    return f"{route} (nothing is charged)" if route == SIMULATED else route


def _named(jobs: Sequence[str]) -> str:
    more = len(jobs) - _SHOWN
    return ", ".join(jobs[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def as_json(found: Carried) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "from": found.here,
        "to": found.there,
        "cannot_be_carried_over": [violation.as_json() for violation in found.unfit],
        "left_out": list(found.left_out),
        "filled_in_otherwise": [
            {
                "setting": shift.setting,
                "before": shift.before,
                "now": shift.now,
                "jobs": list(shift.jobs),
                "line": str(shift.origin),
            }
            for shift in found.shifts
        ],
        "cut_otherwise": list(found.cuts),
        "compared_jobs": found.compared,
        "priced_on_both": found.priced,
        "cost": {
            "before": sum_json(found.before),
            "now": sum_json(found.now),
            "difference": sum_json(found.difference),
        },
    }
