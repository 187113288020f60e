"""Finds what an answer says only of a task that is there, in whatever form: it is no proof then."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from seedrender.providers import states
from seedrender.values.task import TaskState

_MAX_DEPTH = 20
_MAX_VALUES = 20_000  # what is larger is no refusal
# keys, without what parts their words, that stand beside a task or hold one
_KEYS = frozenset(
    (
        "taskid",
        "jobid",
        "predictionid",
        "generationid",
        "videoid",
        "getresult",
        "task",
        "tasks",
        "job",
        "prediction",
        "generation",
    )
)
_ALIVE = (TaskState.QUEUED, TaskState.RUNNING, TaskState.SUCCEEDED)
_GOOD_CODES = (0, 200, 201, 202, "0", "200", "ok", "success")
_TOLD = re.compile(
    r"""(?ix) \b task [ _-]? id \b ["']? \s* [=:]? \s* ["']? (?! null\b | none\b | 0\b ) \w
    | /tasks?/[\w.~-] | \b task [ :\#-]+ [\w-]* \d [\w-]* | \b queued [ ] as [ ] \w"""
)
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\ufffd]")  # packed, or of another encoding


def has_sign(body: Any) -> bool:
    """Say whether a body, JSON or text, speaks of a task that is there."""
    if isinstance(body, str):
        is_torn = body.lstrip("\ufeff \t\r\n").startswith(("{", "["))  # it would be JSON
        return is_torn or bool(_NO_TEXT.search(body) or _TOLD.search(body))
    code = body.get("code") if isinstance(body, dict) else None
    is_good = isinstance(code, int | str) and not isinstance(code, bool) and code in _GOOD_CODES
    return is_good or _speaks(body)


def _speaks(body: Any) -> bool:
    left, seen = [("", body, 0)], 0
    while left:
        parent, value, depth = left.pop()
        seen += 1
        if seen > _MAX_VALUES or depth > _MAX_DEPTH:
            return True
        if isinstance(value, str) and _TOLD.search(value):
            return True
        if isinstance(value, list):
            left += [(parent, item, depth + 1) for item in value]
        elif isinstance(value, dict):
            if _names_one(value, parent):
                return True
            left += [(str(key), inner, depth + 1) for key, inner in value.items()]
    return False


def _names_one(value: Mapping[str, Any], parent: str) -> bool:
    for key, inner in value.items():
        name = re.sub("[^a-z]", "", key.lower())
        is_own_id = name == "id" and parent.lower() not in ("error", "errors")
        if (name in _KEYS or is_own_id) and inner:
            return True
        if name == "status" and isinstance(inner, str) and states.known(inner, {}) in _ALIVE:
            return True
    return False
