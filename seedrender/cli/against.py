"""Writes what a change means for the footage and its price, as Markdown or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

from seedrender.errors import printable
from seedrender.plan.against import Changed, Comparison, Removed, Sum
from seedrender.plan.decision import Verdict
from seedrender.plan.explain import shown
from seedrender.plan.make import Step

_MAX_CHARS = 60_000  # GitHub takes 65,536 in a comment
_MAX_VALUE = 1000
_MAX_NOTES = 20


def as_markdown(found: Comparison, manifest: str, ref: str, *, is_simulated: bool) -> str:
    """Write for a pull request: figures first, the jobs folded, all of it within a comment."""
    counts = (
        f"**{len(found.added)} added, {len(found.changed)} changed, "
        f"{len(found.removed)} removed**, {len(found.renamed)} renamed, {found.unchanged} unchanged"
    )
    head = [f"### {_code(manifest)} against {_code(ref)}", "", counts, ""]
    head += [*_figures(found), ""]
    if is_simulated:
        head += ["The route is the simulator: nothing is charged.", ""]
    head += [f"> {_code(note)}\n" for note in found.notes[:_MAX_NOTES]]
    sections = chain(
        _section("Added", [_added(step) for step in found.added]),
        _section("Changed", [_changed(one) for one in found.changed]),
        _section("Removed", [_removed(one) for one in found.removed]),
        _section("Renamed", [f"- {_code(a)} → {_code(b)}" for a, b in found.renamed]),
    )
    return _within("\n".join(head), list(sections))


def _figures(found: Comparison) -> list[str]:
    rows = [
        ("the whole film before", columns(found.before)),
        ("the whole film now", columns(found.now)),
        ("difference", columns(found.difference, is_signed=True)),
        ("**to buy for this change**", columns(found.to_buy)),
    ]
    return [
        "| at today's prices | low | expected | high | jobs of unknown price |",
        "|---|---:|---:|---:|---:|",
        *(f"| {name} | {' | '.join(columns)} |" for name, columns in rows),
    ]


def columns(figures: Sum | None, *, is_signed: bool = False) -> list[str]:
    """Write low, expected, high, and how many prices are unknown."""
    if figures is None:
        return ["in two currencies", "", "", ""]
    amounts = [figures.low, figures.expected, figures.high]
    plus = ["+" if is_signed and a is not None and a.value > 0 else "" for a in amounts]
    said = [f"{p}{a}" if a is not None else "-" for p, a in zip(plus, amounts, strict=True)]
    return [*said, f"{figures.unknown:+d}" if is_signed else str(figures.unknown)]


def _section(title: str, entries: Sequence[str]) -> list[str]:
    """Return the parts of a folded list, each of which can be left out; empty: no list."""
    if not entries:
        return []
    start = f"<details><summary>{title} ({len(entries)})</summary>\n"
    return [start, *entries, "\n</details>\n"]


def _within(head: str, parts: list[str]) -> str:
    """Put as many parts behind the head as fit, and say how many do not."""
    used, left_out, lines = len(head), 0, [head]
    for part in parts:
        is_frame = part.startswith(("<details>", "\n</details>"))
        if is_frame or used + len(part) < _MAX_CHARS:
            lines.append(part)
            used += len(part) + 1
        else:
            left_out += 1
    if left_out:
        lines.append(f"{left_out} more jobs are left out here: `plan --against … --json` has all.")
    return "\n".join(lines).rstrip("\n")


def _added(step: Step) -> str:
    return (
        f"- {_code(step.job.id)} {step.job.tier.value} {step.job.mode.value}{_paid_already(step)}"
    )


def _changed(found: Changed) -> str:
    why = ", ".join(_code(d.part) for d in found.parts) or "continues another clip"
    if found.follows is not None:
        why = f"continues {_code(found.follows)}"
    line = f"- {_code(found.step.job.id)} {why}{_paid_already(found.step)}"
    rows = [
        row
        for d in found.parts
        for row in (f"{d.part}:", f"- {_short(d.old)}", f"+ {_short(d.new)}")
    ]
    return "\n".join([line, *(_fenced(rows) if rows else [])])


def _paid_already(step: Step) -> str:
    return " (rendered already)" if step.verdict is Verdict.CURRENT else ""


def _removed(found: Removed) -> str:
    paid = " and ".join(map(str, found.paid))
    if paid:
        return f"- {_code(found.job)} {paid} was paid for it"
    return (
        f"- {_code(found.job)} {'nothing is known to be paid' if found.tasks else 'never rendered'}"
    )


def _fenced(rows: Sequence[str]) -> list[str]:
    """Put rows into a block that none of them can end, whatever an author wrote."""
    longest = max((len(run) for row in rows for run in _runs(row)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"  {fence}diff", *(f"  {row}" for row in rows), f"  {fence}"]


def _runs(text: str) -> list[str]:
    return "".join(c if c == "`" else " " for c in text).split()


def _short(value: Any) -> str:
    text = shown(value)
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}…"


def _code(text: object) -> str:
    """Write an id, a file or a ref so that Markdown takes nothing in it for its own."""
    plain = printable(str(text))
    fence = "`" * (max((len(run) for run in _runs(plain)), default=0) + 1)
    space = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{space}{plain}{space}{fence}"


def as_json(found: Comparison, ref: str) -> dict[str, Any]:
    """Return the same as a document."""
    return {
        "exit_code": 0,
        "against": ref,
        "added": [_step_json(step) for step in found.added],
        "changed": [
            {
                **_step_json(one.step),
                "parts": [{"part": d.part, "old": d.old, "new": d.new} for d in one.parts],
                "follows": one.follows,
            }
            for one in found.changed
        ],
        "renamed": [{"from": old, "to": new} for old, new in found.renamed],
        "removed": [
            {"job": one.job, "tasks": one.tasks, "paid": [str(paid) for paid in one.paid]}
            for one in found.removed
        ],
        "unchanged": found.unchanged,
        "cost": {
            "before": sum_json(found.before),
            "now": sum_json(found.now),
            "difference": sum_json(found.difference),
            "to_buy": sum_json(found.to_buy),
        },
        "notes": list(found.notes),
    }


def _step_json(step: Step) -> dict[str, Any]:
    return {"job": step.job.id, "plan": step.verdict.value, "will_submit": step.will_submit}


def sum_json(figures: Sum | None) -> dict[str, Any] | None:
    """Return sums for programs; null: they are paid in two currencies."""
    if figures is None:
        return None
    return {
        "low": str(figures.low) if figures.low is not None else None,
        "expected": str(figures.expected) if figures.expected is not None else None,
        "high": str(figures.high) if figures.high is not None else None,
        "unknown_jobs": figures.unknown,
    }
