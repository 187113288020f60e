"""Turns what Modellix says of a task into a Task."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from seedrender.providers import messages, refusals, remote_files, states, task_ids
from seedrender.providers.figures import Figures, decimal, speaks_of_money
from seedrender.values.job import MediaKind
from seedrender.values.money import Amount
from seedrender.values.task import RemoteFile, Task, TaskId, TaskState

SUBMITTED = (("data", "task_id"), ("task_id",))  # where the answer to a submit names its task

_MAX_RENDER_S = 30 * 86_400
_MS = 1000
# Words of the upstream model's refusals (inferred that they are passed through): never retried.
_REFUSALS = re.compile(r"(?i)sensitive ?content|policy|moderation|content review|copyright")
_READ_CHARS = 4000


def task(task_id: TaskId, answer: Mapping[str, Any], currency: str) -> Task:
    """Read a task. Raises: ProviderError where the answer is of no task, or of another one."""
    data = task_ids.record(answer.get("data"), task_id)
    word = data.get("status")
    if not isinstance(word, str) or not word:
        what = f"the answer about task {task_id} has no status"
        raise refusals.strange(what, answer, refusals.by_status)
    task_ids.check(task_id, data.get("task_id"))
    figures = Figures()
    videos, pictures = (_files(k, data, figures) for k in (MediaKind.VIDEO, MediaKind.IMAGE))
    has_result = bool(videos or pictures)
    cost = _billed(answer, data, currency, figures, has_result=has_result)
    state, message = _end(states.state(word, has_result=has_result), answer, data)
    if state.is_final and has_result:
        state, message = TaskState.SUCCEEDED, None  # what is there is fetched
    if state is not TaskState.SUCCEEDED:
        videos = pictures = ()
    took_s = figures.seconds("render_s", data.get("duration"), most=_MAX_RENDER_S, unit=_MS)
    return Task(
        id=task_id,
        state=state,
        provider_state=messages.shown(word),
        video=videos[0] if videos else None,
        more_videos=videos[1:],
        pictures=pictures[: remote_files.MOST],
        cost=None if cost is None else Amount(cost, currency),
        message=message,
        render_s=took_s if state.is_final else None,
        unread=figures.unread,
    )


def _end(
    state: TaskState, answer: Mapping[str, Any], data: Mapping[str, Any]
) -> tuple[TaskState, str | None]:
    """Return a state, and why a task ended so; what its input is at fault for is refused."""
    if state is TaskState.CANCELLED:
        return state, "it was cancelled at the provider"
    if state not in (TaskState.FAILED, TaskState.EXPIRED):
        return state, None
    said = _failure(answer, data)
    if state is TaskState.EXPIRED:
        return state, messages.excerpt(said) or "its time was up at the provider"
    is_refused = _REFUSALS.search(said) is not None
    words = messages.excerpt(said) or "the provider does not say why"
    return TaskState.REFUSED if is_refused else state, words


def _failure(answer: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Read why a task failed; the shape is not documented, so every place is tried."""
    places: tuple[object, ...] = (
        {"error": data.get("error")},
        {key: value for key, value in data.items() if key not in ("error", "result", "status")},
        answer.get("error"),
        {key: value for key, value in answer.items() if key != "data"},
    )
    return next(filter(None, (messages.said(place, _READ_CHARS) for place in places)), "")


def _billed(
    answer: Mapping[str, Any],
    data: Mapping[str, Any],
    currency: str,
    figures: Figures,
    *,
    has_result: bool,
) -> Decimal | None:
    """Read the amount charged, which sources place in `data` or beside it.

    Two must be one, in the route's currency; nothing is nothing only where no other sum is told,
    and no clip came: that one is not billed yet.
    """
    told = []
    for holder in (data, answer):
        billing = holder.get("billing")
        if isinstance(billing, dict) and _is_in(currency, billing):
            told.append(billing.get("amount"))
        elif billing is not None:
            figures.note("cost", billing)
            return None
    amounts = [amount for amount in told if amount is not None]
    is_nothing = bool(amounts) and decimal(amounts[0]) == 0
    is_open = is_nothing and (has_result or speaks_of_money(answer))
    if len(set(map(decimal, amounts))) > 1 or is_open:
        figures.note("cost", amounts)
        return None
    return figures.amount("cost", amounts[0]) if amounts else None


def _is_in(currency: str, billing: Mapping[str, Any]) -> bool:
    """Say whether a sum is of a currency; a `unit` that is no word is a price."""
    unit = billing.get("unit")
    is_other = isinstance(unit, str) and unit != currency
    return billing.get("currency") in (None, currency) and not is_other


def _files(kind: MediaKind, data: Mapping[str, Any], figures: Figures) -> tuple[RemoteFile, ...]:
    """List the files of a kind; the list may sit in `data`."""
    listed = task_ids.record(data.get("result")).get("resources") or data.get("resources")
    rows = remote_files.resources(listed, kind)
    lapses_at = figures.moment_ms("expires_at", data.get("result_expires_at")) if rows else None
    return tuple(
        RemoteFile(
            url=row["url"],
            kind=kind,
            size_bytes=figures.whole("size_bytes", row.get("size")) or None,
            expires_at=lapses_at,
        )
        for row in rows
    )
