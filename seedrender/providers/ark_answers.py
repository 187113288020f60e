"""Turns what Ark says of a task into a Task."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from seedrender.catalog.models import Catalog
from seedrender.errors import ProtocolError
from seedrender.providers import ark_errors, ark_price
from seedrender.values.job import MediaKind
from seedrender.values.money import Amount
from seedrender.values.task import RemoteFile, Task, TaskId, TaskState

STATES: Mapping[str, TaskState] = {
    "queued": TaskState.QUEUED,
    "running": TaskState.RUNNING,
    "succeeded": TaskState.SUCCEEDED,
    "failed": TaskState.FAILED,
    "expired": TaskState.EXPIRED,
    "cancelled": TaskState.CANCELLED,
}
LINK_LIFE = timedelta(hours=24)
_MAX_RENDER_S = 30 * 86_400


def task(task_id: TaskId, answer: Mapping[str, Any], catalog: Catalog) -> Task:
    """Read a task. Raises: ProtocolError where the answer is of no task, or of another one."""
    word = answer.get("status")
    if not isinstance(word, str) or not word:
        raise ProtocolError(f"the answer about task {task_id} has no status")
    if answer.get("id") != task_id:
        raise ProtocolError(f"the answer about task {task_id} is about another one")
    state = STATES.get(word, TaskState.RUNNING)
    message = "it was cancelled at the provider" if state is TaskState.CANCELLED else None
    if state in (TaskState.FAILED, TaskState.EXPIRED):
        error = mapping(answer.get("error"))
        message = ark_errors.words(error) or _without_words(state)
        state = ark_errors.task_state(error) if state is TaskState.FAILED else state
    content = mapping(answer.get("content")) if state is TaskState.SUCCEEDED else {}
    ended_at = moment(answer.get("updated_at"))
    return Task(
        id=task_id,
        state=state,
        provider_state=word,
        video=_file(content.get("video_url"), MediaKind.VIDEO, ended_at),
        last_frame=_file(content.get("last_frame_url"), MediaKind.IMAGE, ended_at),
        cost=_cost(state, answer, catalog),
        cost_source="prices",
        message=message,
        render_s=_render_s(answer) if state.is_final else None,
    )


def mapping(value: object) -> Mapping[str, Any]:
    """Return a value that is a JSON object; empty: it is something else."""
    return value if isinstance(value, dict) else {}


def moment(value: object) -> datetime | None:
    """Read a time in seconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _without_words(state: TaskState) -> str:
    if state is TaskState.EXPIRED:
        return "it waited for its turn until its time was up; nothing was billed"
    return "the provider does not say why"


def _file(url: object, kind: MediaKind, ended_at: datetime | None) -> RemoteFile | None:
    if not isinstance(url, str) or not url:
        return None
    lapses_at = ended_at + LINK_LIFE if ended_at is not None else None
    return RemoteFile(url=url, kind=kind, expires_at=lapses_at)


def _cost(state: TaskState, answer: Mapping[str, Any], catalog: Catalog) -> Amount | None:
    """Price the tokens that the task reports, since it names no money; other ends cost nothing."""
    if state is not TaskState.SUCCEEDED:
        return Amount(Decimal(0), catalog.currency) if state.is_final else None
    count = mapping(answer.get("usage")).get("completion_tokens")
    variant = catalog.by_slug(str(answer.get("model")))
    if variant is None or isinstance(count, bool) or not isinstance(count, int) or count < 0:
        return None
    value = ark_price.paid(count, variant, answer)
    return None if value is None else Amount(value, catalog.currency)


def _render_s(answer: Mapping[str, Any]) -> float | None:
    """Read how long a task took, by the provider's clock."""
    started, ended = moment(answer.get("created_at")), moment(answer.get("updated_at"))
    if started is None or ended is None:
        return None
    seconds = (ended - started).total_seconds()
    return seconds if 0 <= seconds < _MAX_RENDER_S else None
