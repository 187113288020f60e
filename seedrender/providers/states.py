"""Turns a provider's word for the state of a task into a state: one table for every wire."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping

from seedrender.providers.messages import shown
from seedrender.values.task import TaskState

_log = logging.getLogger(__name__)

# Both references' words, and those of other vendors: a gateway may pass them through. A word that
# stands here ends a task, or says that it goes on; one that could mean either must not stand here.
STATES: Mapping[str, TaskState] = {
    **dict.fromkeys(
        ("queued", "pending", "created", "submitted", "waiting", "accepted", "in_queue"),
        TaskState.QUEUED,
    ),
    **dict.fromkeys(
        ("running", "processing", "in_progress", "generating", "rendering", "executing", "started"),
        TaskState.RUNNING,
    ),
    **dict.fromkeys(
        ("success", "succeeded", "succeed", "successful", "completed", "complete", "done"),
        TaskState.SUCCEEDED,
    ),
    "finished": TaskState.SUCCEEDED,
    **dict.fromkeys(("failed", "failure", "fail", "error", "errored"), TaskState.FAILED),
    **dict.fromkeys(("expired", "timeout", "timed_out", "timedout"), TaskState.EXPIRED),
    **dict.fromkeys(("cancelled", "canceled"), TaskState.CANCELLED),
}
_GAP = re.compile(r"[\s_-]+")
_MAX_CHARS = 64
_MAX_WARNINGS = 20  # of one route: a service that invents words must not fill a log


class States:
    """Reads the words of one route; one that nobody knows is "still going", with one warning."""

    def __init__(self, route: str, own: Mapping[str, TaskState] | None = None) -> None:
        self._route, self._own = route, own or {}  # `own`: words that only this wire has
        self._strange: set[str] = set()

    def note(self, word: str) -> None:
        """Warn of a word that is in no table, once."""
        word = shown(word)
        is_new = known(word, self._own) is None and word not in self._strange
        if is_new and len(self._strange) < _MAX_WARNINGS:
            self._strange.add(word)
            _log.warning(
                "%s answers with the unknown state %r: with a result beside it a task has ended, "
                "else it goes on",
                self._route,
                word,
            )


def state(
    word: str, own: Mapping[str, TaskState] | None = None, *, has_result: bool = False
) -> TaskState:
    """Read a word; one that is in no table is "still going", and a success beside a result."""
    unknown = TaskState.SUCCEEDED if has_result else TaskState.RUNNING
    return known(word, own or {}) or unknown


def known(word: str, own: Mapping[str, TaskState]) -> TaskState | None:
    """Look a word up, whatever its letters' case and the sign between its parts."""
    name = _GAP.sub("_", word[:_MAX_CHARS].strip().lower())
    return own.get(name) or STATES.get(name)
