"""Finds the task in an answer to a submit, and tells an answer about one task from another's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard
from urllib.parse import quote

from seedrender.errors import NotFoundError, ProtocolError
from seedrender.providers.answers import Answer
from seedrender.providers.messages import shown
from seedrender.providers.refusals import Judge, of_submit
from seedrender.values.task import TaskId

Place = Sequence[str]  # the keys that lead from an answer to where an id stands

_TEXT = re.compile(r"(?!\.+$)[A-Za-z0-9._~:/+@=-]{1,512}")  # it stands in paths, and in the lock
_MAX_DIGITS = 40


def bought(answer: Answer, places: Sequence[Place], judge: Judge) -> TaskId:
    """Return the task that an answer to a submit names: it exists, whatever else is said.

    Raises: ProviderError: the answer proves that nothing was created. SubmissionUnknownError:
        it names no task, and proves nothing; or one whose id cannot be read.
    """
    for value in _candidates(answer.body, places):
        task_id = read(value)
        if task_id is not None:
            return task_id
    is_told = any(_candidates(answer.body, places)) or _mentions_one(answer.body, places)
    raise of_submit(answer, judge, names_a_task=is_told)


def read(value: object) -> TaskId | None:
    """Read an id: a text, or a whole number; None: it is neither, or leads out of its path."""
    if isinstance(value, int) and not isinstance(value, bool):
        return TaskId(str(value)) if 0 < value < 10**_MAX_DIGITS else None
    return TaskId(value) if isinstance(value, str) and _TEXT.fullmatch(value) else None


def in_path(task_id: TaskId) -> str:
    """Write an id as a part of a path. Raises: NotFoundError: it would lead to another place."""
    if not task_id.strip("."):
        raise NotFoundError(f"'{task_id}' is no id of a task")
    return quote(task_id, safe="")


def check(asked: TaskId, said: object) -> None:
    """Compare the id in an answer with the one asked for. Raises: ProtocolError: it is another."""
    is_named = isinstance(said, int | str) and not isinstance(said, bool) and said != ""
    if is_named and read(said) != asked and said != asked:
        raise ProtocolError(f"the answer about task {asked} is about another one, {shown(said)}")


def record(value: object, asked: TaskId | None = None) -> Mapping[str, Any]:
    """Return the object that an envelope holds, also where it is wrapped in a list; else none."""
    if isinstance(value, dict):
        return value
    rows = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
    ours = [row for row in rows if asked is not None and read(row.get("task_id")) == asked]
    return next(iter([*ours, *rows]), {})


def _candidates(body: object, places: Sequence[Place]) -> Iterator[object]:
    for place in places:
        value = body
        for key in place:
            value = record(value).get(key)
        yield value
    if _is_in_pieces(body):
        yield from _in_pieces(body, places)


def _is_in_pieces(body: object) -> TypeGuard[str]:
    """Say whether a body is an object that is torn, or that no reader takes."""
    return isinstance(body, str) and body.lstrip("\ufeff \t\r\n").startswith("{")


def _in_pieces(text: str, places: Sequence[Place]) -> Iterator[str]:
    """Yield the id in an object in pieces, where it names just one."""
    value = r'(?:"([^"\\]{1,512})"|([1-9][0-9]{0,39})(?=[\s,}\]]))'
    found = {match[1] or match[2] for match in re.finditer(_keys(places) + value, text)}
    if len(found) == 1:
        yield from found


def _mentions_one(body: object, places: Sequence[Place]) -> bool:
    """Say whether an object in pieces has a value where the id of a task would stand."""
    value = r'(?!null\b|""|0\b)\S'
    return _is_in_pieces(body) and re.search(_keys(places) + value, body) is not None


def _keys(places: Sequence[Place]) -> str:
    """Return a pattern of the keys whose values are ids, up to such a value."""
    names = "|".join(map(re.escape, sorted({place[-1] for place in places})))
    return rf'"(?:{names})"\s*:\s*'
