"""Turns what Ark says of a task into a Task."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from seedrender.catalog.models import Catalog
from seedrender.errors import ProtocolError
from seedrender.providers import (
    ark_errors,
    ark_price,
    messages,
    refusals,
    remote_files,
    states,
    task_ids,
)
from seedrender.providers.figures import Figures, is_amount, speaks_of_money
from seedrender.values.job import MediaKind
from seedrender.values.money import Amount
from seedrender.values.task import RemoteFile, Task, TaskId, TaskState

SUBMITTED = (("id",), ("task_id",), ("data", "id"), ("data", "task_id"))  # first what is documented

LINK_LIFE = timedelta(hours=24)
_OUR_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")  # of a submit, as we draw it
_MAX_RENDER_S = 30 * 86_400


def task(task_id: TaskId, answer: Mapping[str, Any], catalog: Catalog) -> Task:
    """Read a task. Raises: ProviderError where the answer is of no task, or of another one."""
    word = answer.get("status")
    if not isinstance(word, str) or not word:
        what = f"the answer about task {task_id} has no status"
        raise refusals.strange(what, answer, ark_errors.judge)
    task_ids.check(task_id, answer.get("id"))
    if task_ids.read(answer.get("id")) is None:
        raise ProtocolError(f"the answer about task {task_id} does not name it")
    figures = Figures()
    started = figures.moment("created_at", answer.get("created_at"))
    ended = figures.moment("updated_at", answer.get("updated_at"))
    videos, last_frames = _files(answer, ended)
    state, message = _end(states.state(word, has_result=bool(videos)), answer)
    cost = _cost(state, answer, catalog, figures)
    if state.is_final and videos:
        state, message = TaskState.SUCCEEDED, None  # what is there is fetched
    if state is not TaskState.SUCCEEDED:
        videos, last_frames = (), ()
    return Task(
        id=task_id,
        state=state,
        provider_state=messages.shown(word),
        video=videos[0] if videos else None,
        more_videos=videos[1:],
        last_frame=last_frames[0] if last_frames else None,
        cost=cost,
        cost_source="prices",
        tokens=_tokens(answer),
        message=message,
        render_s=_render_s(started, ended) if state.is_final else None,
        unread=figures.unread,
        sent_as=sent_as(answer),
    )


def sent_as(answer: Mapping[str, Any]) -> str | None:
    """Return by which of our ids a task was sent; None: that is not given back.

    Our own digits are taken out of what somebody on the way has put around them.
    """
    text = answer.get("safety_identifier")
    if not isinstance(text, str) or not text:
        return None
    ours = _OUR_ID.findall(text)
    return ours[0] if len(ours) == 1 else text


def mapping(value: object) -> Mapping[str, Any]:
    """Return a value that is a JSON object; empty: it is something else."""
    return value if isinstance(value, dict) else {}


def moment(value: object) -> datetime | None:
    """Read a time in seconds since 1970."""
    return Figures().moment("", value)


def _end(state: TaskState, answer: Mapping[str, Any]) -> tuple[TaskState, str | None]:
    """Return a state, and why a task ended so; what its input is at fault for is refused."""
    if state is TaskState.CANCELLED:
        return state, "it was cancelled at the provider"
    if state not in (TaskState.FAILED, TaskState.EXPIRED):
        return state, None
    error = mapping(answer.get("error"))
    said = ark_errors.words(error) or messages.said(answer) or _without_words(state)
    return ark_errors.task_state(error) if state is TaskState.FAILED else state, said


def _without_words(state: TaskState) -> str:
    if state is TaskState.EXPIRED:
        return "it waited for its turn until its time was up"
    return "the provider does not say why"


def _files(
    answer: Mapping[str, Any], ended: datetime | None
) -> tuple[tuple[RemoteFile, ...], tuple[RemoteFile, ...]]:
    """Return the clips of a task, and its last frames; a series may come as a list."""
    listed = answer.get("content")
    rows = [mapping(row) for row in (listed if isinstance(listed, list) else [listed])]
    found = {}
    for kind, name in ((MediaKind.VIDEO, "video_url"), (MediaKind.IMAGE, "last_frame_url")):
        urls = [url for row in rows for url in remote_files.urls(row.get(name))]
        found[kind] = tuple(
            RemoteFile(url=url, kind=kind, expires_at=_lapses_at(ended))
            for url in list(dict.fromkeys(urls))[: remote_files.MOST + 1]
        )
    return found[MediaKind.VIDEO], found[MediaKind.IMAGE]


def _lapses_at(ended: datetime | None) -> datetime | None:
    try:
        return None if ended is None else ended + LINK_LIFE
    except OverflowError:  # on the last day that there is
        return None


def _tokens(answer: Mapping[str, Any]) -> int | None:
    """Return the tokens that are billed; None: the answer names none, or does not agree."""
    usage = mapping(answer.get("usage"))
    count, total = usage.get("completion_tokens"), usage.get("total_tokens")
    return Figures().whole("", count) or None if total in (None, count) else None


def _cost(
    state: TaskState, answer: Mapping[str, Any], catalog: Catalog, figures: Figures
) -> Amount | None:
    """Price the tokens that the task reports, since it names no money.

    Other ends than success cost nothing where they report none; a success always costs something.
    """
    if not state.is_final:
        return None
    usage = mapping(answer.get("usage"))
    tokens = usage.get("completion_tokens")
    is_nothing = tokens == 0 or (tokens is None and state is not TaskState.SUCCEEDED)
    is_no_mapping = not usage and bool(answer.get("usage"))
    is_odd = is_no_mapping or usage.get("total_tokens") not in (None, tokens)
    if is_odd or (is_nothing and (state is TaskState.SUCCEEDED or speaks_of_money(answer))):
        figures.note("tokens", answer.get("usage"))
        return None
    if is_nothing:
        return Amount(Decimal(0), catalog.currency)
    count = figures.whole("tokens", tokens)
    slug = answer.get("model")
    variant = catalog.by_slug(slug) if isinstance(slug, str) else None
    if variant is None or count is None:
        return None
    value = ark_price.paid(count, variant, answer)
    if value is not None and not is_amount(value):
        figures.note("tokens", tokens)
        return None
    return None if value is None else Amount(value, catalog.currency)


def _render_s(started: datetime | None, ended: datetime | None) -> float | None:
    """Return how long a task took, by the provider's clock."""
    if started is None or ended is None:
        return None
    seconds = (ended - started).total_seconds()
    return seconds if 0 <= seconds < _MAX_RENDER_S else None
