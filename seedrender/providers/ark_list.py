"""Reads Ark's list of tasks, page by page, and judges whether a lost submit left a task there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from seedrender.errors import ProtocolError
from seedrender.providers import ark_errors, task_ids
from seedrender.providers.ark_answers import mapping, moment, sent_as
from seedrender.providers.http import Http
from seedrender.providers.refusals import envelope_code, strange
from seedrender.values.job import CorrelationId
from seedrender.values.task import TaskId

TASKS = "/contents/generations/tasks"
BATCH = 100  # ids in one query: more would make too long an address
_PAGE = 500
_MAX_PAGES = 500
_INTERVAL_S = 1.05  # lists are held to one a second
_PASSES = 3  # over a list that changes while it is read
_PARTIAL = ("error", "has_more", "hasMore", "next_page_token", "next_cursor")  # no documented one

FORGOTTEN = timedelta(days=6)  # well before the service forgets a task, after seven
_NEAR = timedelta(minutes=15)  # of the submit: clocks differ
_BEFORE_IT = datetime(2023, 1, 1, tzinfo=UTC)  # when there was no such service


@dataclass(frozen=True, slots=True)
class Row:
    """What a list says of a task that matters to whom it belongs."""

    id: TaskId
    identifier: str | None
    created_at: datetime | None


@dataclass(slots=True)
class Reading:
    """The rows of a list, and whether they are all there are."""

    rows: dict[TaskId, Row] = field(default_factory=dict)
    total: int | None = None
    has_moved: bool = False  # while it was read
    is_partial: bool = False  # as its own words say

    @property
    def is_whole(self) -> bool:
        """Whether every task that the list counts was read."""
        is_still = not self.has_moved and not self.is_partial
        return is_still and self.total == len(self.rows)


class TaskList:
    """The list of an account's tasks, asked no faster than the service allows."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._turn = asyncio.Lock()
        self._next_at = 0.0

    async def read(self, task_ids: Sequence[TaskId]) -> Mapping[TaskId, Mapping[str, Any]]:
        """Read tasks by their ids; those that it does not know are left out."""
        found: dict[TaskId, Mapping[str, Any]] = {}
        for start in range(0, len(task_ids), BATCH):
            wanted = task_ids[start : start + BATCH]
            params = [("page_num", "1"), ("page_size", str(BATCH))]
            params += [("filter.task_ids", task_id) for task_id in wanted]
            items, _, _ = await self._ask(params)
            found |= wanted_rows(items, wanted)
        return found

    async def search(self, correlation_id: CorrelationId, model: str | None = None) -> Reading:
        """Read until a task under this id turns up, else all there are."""
        reading = Reading()
        for _ in range(_PASSES):
            reading = Reading()
            for page in range(1, _MAX_PAGES + 1):
                before = len(reading.rows)
                await self._page(reading, page, model)
                if belonging(reading, correlation_id) or len(reading.rows) == before:
                    break  # a page may be short, and its total wrong, and another one follow
            if reading.is_whole or belonging(reading, correlation_id):
                break
        return reading

    async def _page(self, reading: Reading, page: int, model: str | None) -> None:
        params = [("page_num", str(page)), ("page_size", str(_PAGE))]
        params += [("filter.model", model)] if model is not None else []
        items, total, is_partial = await self._ask(params)
        reading.is_partial |= is_partial
        if items or reading.total is None:  # behind the last one nothing is counted
            reading.has_moved |= reading.total not in (None, total)
            reading.total = total
        for item in map(mapping, items):
            task_id, created_at = task_ids.read(item.get("id")), moment(item.get("created_at"))
            if task_id is not None:
                reading.rows[task_id] = Row(
                    id=task_id, identifier=sent_as(item), created_at=created_at
                )

    async def _ask(self, params: Sequence[tuple[str, str]]) -> tuple[list[Any], int, bool]:
        """Read one page: its rows, how many there are in all, and whether some are held back."""
        async with self._turn:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(max(self._next_at - loop.time(), 0.0))
            try:
                answer = await self._http.read(TASKS, params)
            finally:
                self._next_at = loop.time() + _INTERVAL_S
        items, total = answer.get("items"), answer.get("total")
        if items is None and total == 0:
            items = []
        if not isinstance(items, list) or isinstance(total, bool) or not isinstance(total, int):
            raise strange("the list of tasks is of no known shape", answer, ark_errors.judge)
        is_partial = any(map(answer.get, _PARTIAL)) or envelope_code(answer) is not None
        return items, total, is_partial


def wanted_rows(
    items: Sequence[object], wanted: Sequence[TaskId]
) -> Mapping[TaskId, Mapping[str, Any]]:
    """Return the rows of the tasks that were asked for; those that are not listed are left out.

    So is one of which two rows say unlike things: it is asked for by itself.

    Raises: ProtocolError where other tasks are listed in their place.
    """
    rows: dict[TaskId | None, Mapping[str, Any]] = {}
    unlike: set[TaskId | None] = set()
    for item in map(mapping, items):
        name = task_ids.read(item.get("id"))
        if rows.setdefault(name, item) != item:
            unlike.add(name)
    found = {name: rows[name] for name in wanted if name in rows and name not in unlike}
    others = [task_id for task_id in rows if task_id is not None and task_id not in wanted]
    if others and len(found) < len(wanted):
        missing = next(task_id for task_id in wanted if task_id not in found)
        raise ProtocolError(f"the answer about task {missing} is about another one, {others[0]}")
    return found


def belonging(reading: Reading, correlation_id: CorrelationId) -> list[TaskId]:
    """Return the tasks that carry a correlation id."""
    return [row.id for row in reading.rows.values() if row.identifier == correlation_id]


def among(readings: Sequence[Reading], correlation_id: CorrelationId) -> list[TaskId]:
    """Return the tasks that carry a correlation id, of the first list that has any."""
    return next(filter(None, (belonging(one, correlation_id) for one in readings)), [])


def is_proof(
    readings: Sequence[Reading],
    since: datetime | None,
    now: datetime,
    witnesses: Mapping[TaskId, CorrelationId],
) -> bool:
    """Say whether lists without our task prove that a submit created nothing.

    All of this must hold, since a wrong yes buys a job twice:

    - each list was read to its end, does not say that it holds some back, and did not change;
    - the submit is not so old as to be forgotten (the caller sees to it that it is not too young);
    - a witness, another task of ours, is listed with its own identifier: the list shows this
      account, and gives identifiers back as they were sent;
    - no task from around that time is listed without an identifier: it might be ours.
    """
    if since is None or not timedelta(0) <= now - since <= FORGOTTEN:
        return False
    if not all(reading.is_whole for reading in readings):
        return False
    rows = {row.id: row for reading in readings for row in reading.rows.values()}
    if not any(rows[name].identifier == own for name, own in witnesses.items() if name in rows):
        return False
    return all(
        row.identifier is not None or _is_from_another_time(row.created_at, since, now)
        for row in rows.values()
    )


def _is_from_another_time(created_at: datetime | None, since: datetime, now: datetime) -> bool:
    """Say whether a task was surely made at another time; one that cannot be says nothing."""
    if created_at is None or not _BEFORE_IT <= created_at <= now + _NEAR:
        return False
    return abs(created_at - since) > _NEAR
