"""Turns the query of an Ark list into a page of tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from seedrender.sim.ark_errors import INVALID, ArkRefusal
from seedrender.sim.ark_tasks import STATUS
from seedrender.sim.ledger import TaskRecord

_STATUSES = ("queued", "running", "cancelled", "succeeded", "failed")
_TIERS = ("default", "flex")
_MOST = 500
_PAGE_SIZE = 20
_MOST_DIGITS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which tasks are wanted, and which page of them."""

    page_num: int
    page_size: int
    status: str | None
    task_ids: frozenset[str] | None
    model: str | None
    service_tier: str

    def takes(self, task: TaskRecord, phase: str) -> bool:
        """Whether a task is among those that are wanted."""
        return (
            (self.status is None or STATUS[phase] == self.status)
            and (self.task_ids is None or task.task_id in self.task_ids)
            and (self.model is None or self.model in (task.slug, task.echo["given_model"]))
            and task.echo["service_tier"] == self.service_tier
        )

    def page(self, found: Sequence[Any]) -> Sequence[Any]:
        """Return one page of what was found."""
        start = (self.page_num - 1) * self.page_size
        return found[start : start + self.page_size]


def query(request: web.Request) -> Query:
    """Read a query; keys that are not there, or empty, are not asked for.

    Raises:
        ArkRefusal: a value is outside its range.
    """
    values = request.query
    ids = frozenset(filter(None, values.getall("filter.task_ids", [])))
    return Query(
        page_num=_number(request, "page_num", 1),
        page_size=_number(request, "page_size", _PAGE_SIZE),
        status=_choice(request, "filter.status", _STATUSES),
        task_ids=ids or None,
        model=values.get("filter.model") or None,
        service_tier=_choice(request, "filter.service_tier", _TIERS) or _TIERS[0],
    )


def _number(request: web.Request, name: str, default: int) -> int:
    text = (request.query.get(name) or str(default))[:_MOST_DIGITS]
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST):
        raise ArkRefusal(INVALID, f"the parameter `{name}` must be between 1 and {_MOST}.", name)
    return int(text)


def _choice(request: web.Request, name: str, wanted: tuple[str, ...]) -> str | None:
    value = request.query.get(name) or None
    if value is not None and value not in wanted:
        words = f"the parameter `{name}` must be one of {', '.join(wanted)}."
        raise ArkRefusal(INVALID, words, name)
    return value
