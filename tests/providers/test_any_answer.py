"""Whatever stands in an answer, it ends in a value or in an error of ours; and an id is an id."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedrender.catalog.models import catalog
from seedrender.errors import ProviderError, SubmissionUnknownError
from seedrender.lock import amounts, checks
from seedrender.providers import (
    answers,
    ark_answers,
    ark_errors,
    ark_list,
    modellix_answers,
    registry,
    task_ids,
)
from seedrender.providers.answers import Answer
from seedrender.providers.ark import Ark
from seedrender.providers.ark_account import ArkAccount
from seedrender.providers.ark_list import TaskList
from seedrender.providers.http import Http
from seedrender.providers.modellix import Modellix
from seedrender.providers.modellix_account import ModellixAccount
from seedrender.providers.refusals import Judge, by_status
from seedrender.values.job import CorrelationId
from seedrender.values.money import Cost
from seedrender.values.task import RemoteFile, Task, TaskId
from tests.providers.hostile import each_place_spoiled, json_values, spoiled
from tests.providers.test_ark_answers import FAILED, ID, RUNNING, SUCCEEDED

TASK = TaskId("task-0001")
MADE = {
    "code": 0,
    "message": "success",
    "data": {"status": "pending", "task_id": TASK, "model_id": "m", "get_result": {"url": "u"}},
}
REFUSED = {"code": 402, "message": "Insufficient balance", "data": None}
ARK_REFUSED = {"error": {"code": "AccountOverdueError", "message": "No.", "param": "x"}}
DONE = {
    "code": 0,
    "message": "success",
    "data": {
        "status": "success",
        "task_id": TASK,
        "duration": 93500,
        "result": {
            "resources": [
                {"url": "https://f.example/1.mp4", "type": "video", "role": "primary", "size": 42},
                {"url": "https://f.example/2.mp4", "type": "video", "role": "alternative"},
                {"url": "https://f.example/1.png", "type": "image", "role": "cover"},
            ]
        },
        "result_expires_at": 1786604800000,
        "billing": {"amount": 0.92},
    },
}
BROKEN = {"code": 0, "message": "success", "data": {"status": "failed", "task_id": TASK,
          "error": {"code": "X", "message": "No."}}}  # fmt: skip
SLOW = {"code": 0, "message": "success", "data": {"status": "processing", "task_id": TASK}}
WIRES: dict[str, tuple[tuple[tuple[str, ...], ...], Judge]] = {
    "modellix": (modellix_answers.SUBMITTED, by_status),
    "ark": (ark_answers.SUBMITTED, ark_errors.judge),
}
statuses = st.integers(200, 599) | st.sampled_from((200, 201, 302, 400, 402, 429, 500, 502))


def bought(wire: str, status: int, body: Any) -> TaskId | ProviderError:
    try:
        return task_ids.bought(Answer(status=status, body=body), *WIRES[wire])
    except ProviderError as error:
        return error


def polled(read: Callable[[], Task]) -> Task | str:
    try:
        return read()
    except ProviderError as error:
        return str(error)


def is_kept_by_a_lock(task: Task) -> bool:
    """Say whether everything that a record takes from a task can be read again."""
    if task.cost is not None:
        amounts.cost(amounts.cost_json(Cost(amount=task.cost, source=task.cost_source)))
    if task.render_s is not None:
        checks.seconds(task.render_s)
    texts = [task.message or "", task.provider_state, *task.unread.values()]
    files = [task.video, *task.more_videos, *task.pictures, task.last_frame]
    return (
        all(text.isprintable() and len(text) <= 640 for text in texts)
        and all(len(text) <= 80 for text in task.unread.values())
        and all(is_sound(file) for file in files if file is not None)
        and max(len(task.more_videos), len(task.pictures)) <= 64
    )


def is_sound(file: RemoteFile) -> bool:
    size, at = file.size_bytes, file.expires_at
    has_size = size is None or 0 < size < 2**63
    return bool(file.url.encode()) and has_size and (at is None or at.year >= 1970)


@given(wire=st.sampled_from(sorted(WIRES)), status=statuses,
       body=spoiled(MADE, {"id": TASK}, REFUSED, ARK_REFUSED) | json_values)  # fmt: skip
def test_any_answer_to_a_submit_is_a_task_or_an_error_of_ours(
    wire: str, status: int, body: Any
) -> None:
    found = bought(wire, status, body)

    assert isinstance(found, str | ProviderError)
    assert str(found).isprintable()
    assert len(str(found)) < 800


@given(status=statuses, body=spoiled(MADE, REFUSED))
def test_an_id_in_the_documented_place_is_the_task_whatever_else_stands_there(
    status: int, body: Any
) -> None:
    data = body.get("data") if isinstance(body, dict) else None
    task_id = task_ids.read(data.get("task_id")) if isinstance(data, dict) else None

    if task_id is not None:
        assert bought("modellix", status, body) == task_id


@given(status=statuses, body=st.dictionaries(st.text(max_size=5), json_values, max_size=4),
       task_id=st.from_regex(r"cgt-[a-z0-9]{1,20}", fullmatch=True) | st.integers(1, 10**24))  # fmt: skip
def test_an_id_of_ark_is_the_task_whatever_else_stands_there(
    status: int, body: dict[str, Any], task_id: str | int
) -> None:
    assert bought("ark", status, {**ARK_REFUSED, **body, "id": task_id}) == str(task_id)


@given(wire=st.sampled_from(sorted(WIRES)), status=statuses, body=spoiled(REFUSED, ARK_REFUSED))
def test_nothing_is_proved_but_by_the_table(wire: str, status: int, body: Any) -> None:
    """Of a status that is neither a success nor in the table, no envelope is a proof."""
    found = bought(wire, status, body)

    if status in (302, 500, 502) and isinstance(found, ProviderError):
        assert type(found) is SubmissionUnknownError


@given(st.binary(max_size=200) | json_values.map(lambda v: json.dumps(v, default=str).encode()))
def test_any_bytes_are_read(content: bytes) -> None:
    for wire in WIRES:
        assert isinstance(bought(wire, 200, answers.parse(content)), str | ProviderError)


@given(spoiled(DONE, BROKEN, SLOW))
def test_any_answer_to_a_poll_of_modellix_is_a_task_or_an_error_of_ours(answer: Any) -> None:
    found = (
        polled(lambda: modellix_answers.task(TASK, answer, "USD"))
        if isinstance(answer, dict)
        else ""
    )

    assert found.isprintable() if isinstance(found, str) else is_kept_by_a_lock(found)


@given(spoiled(SUCCEEDED, FAILED, RUNNING))
def test_any_answer_to_a_poll_of_ark_is_a_task_or_an_error_of_ours(answer: Any) -> None:
    found = (
        polled(lambda: ark_answers.task(ID, answer, catalog("byteplus")))
        if isinstance(answer, dict)
        else ""
    )

    assert found.isprintable() if isinstance(found, str) else is_kept_by_a_lock(found)


@given(place=st.sampled_from(["duration", "result", "result_expires_at", "billing"]),
       value=json_values)  # fmt: skip
def test_no_optional_value_costs_a_task_of_modellix(place: str, value: Any) -> None:
    answer = {**DONE, "data": {**cast("dict[str, Any]", DONE["data"]), place: value}}

    assert modellix_answers.task(TASK, answer, "USD").state.value == "succeeded"


OPTIONAL = sorted(SUCCEEDED.keys() - {"id", "status"})


@given(place=st.sampled_from(OPTIONAL), value=json_values)
def test_no_optional_value_costs_a_task_of_ark(place: str, value: Any) -> None:
    task = ark_answers.task(ID, {**SUCCEEDED, place: value}, catalog("byteplus"))

    assert task.state.value == "succeeded"
    assert is_kept_by_a_lock(task)


@pytest.mark.parametrize("answer", [DONE, BROKEN, SLOW])
def test_no_odd_value_in_any_place_is_too_odd_for_modellix(answer: Any) -> None:
    spoilt = [each for each in each_place_spoiled(answer) if isinstance(each, dict)]
    found = [polled(partial(modellix_answers.task, TASK, each, "USD")) for each in spoilt]

    assert [
        each
        for each, task in zip(spoilt, found, strict=True)
        if isinstance(task, Task) and not is_kept_by_a_lock(task)
    ] == []


@pytest.mark.parametrize("answer", [SUCCEEDED, FAILED, RUNNING])
def test_no_odd_value_in_any_place_is_too_odd_for_ark(answer: Any) -> None:
    spoilt = [each for each in each_place_spoiled(answer) if isinstance(each, dict)]
    known = catalog("byteplus")
    found = [polled(partial(ark_answers.task, ID, each, known)) for each in spoilt]

    assert [
        each
        for each, task in zip(spoilt, found, strict=True)
        if isinstance(task, Task) and not is_kept_by_a_lock(task)
    ] == []


@pytest.mark.parametrize("wire", sorted(WIRES))
@pytest.mark.parametrize("answer", [MADE, REFUSED, ARK_REFUSED, {"id": TASK}])
def test_no_odd_value_in_any_place_is_too_odd_for_a_submit(wire: str, answer: Any) -> None:
    for status in (200, 400, 429, 500):
        for each in each_place_spoiled(answer):
            assert str(bought(wire, status, each)).isprintable()


class Said:
    """A connection on which one answer comes to every request."""

    base_url = "http://127.0.0.1:9"
    window = None

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    async def read(self, *_args: Any, **_named: Any) -> Any:
        return self._answer

    async def upload(self, *_args: Any) -> Any:
        return self._answer


async def ending(use: Callable[[Http], Awaitable[Any]], answer: dict[str, Any]) -> Any:
    """Return the value or the error of ours that an answer comes to."""
    try:
        return await use(cast("Http", Said(answer)))
    except ProviderError as error:
        return str(error)


ROWS = {"total": 2, "items": [SUCCEEDED, {**RUNNING, "id": "cgt-2", "safety_identifier": "c1"}]}
MODELS = {"models": [{"slug": "a/b", "type": "text-to-video"}, {"slug": "c/d", "type": 7}]}
UPLOADED = {"code": 0, "data": {"url": "https://m.example/1.mp4", "file_id": "f1", "size": 4}}
SINCE = datetime(2026, 11, 1, tzinfo=UTC)


def modellix(http: Http) -> Modellix:
    limits = registry.account_limits("modellix")
    return Modellix("sim", http, catalog("modellix"), limits, has_ledger=True)


def ark(http: Http) -> Ark:
    return Ark("byteplus", http, catalog("byteplus"), registry.account_limits("byteplus"))


READS: dict[str, tuple[Callable[[Http], Awaitable[Any]], Any]] = {
    "balance": (lambda h: ModellixAccount(h, catalog("modellix")).balance(),
                {"code": 0, "data": {"balance": 12.3456}}),
    "key": (lambda h: ModellixAccount(h, catalog("modellix")).check_key(),
            {"code": 0, "data": {"is_valid": True}}),
    "models": (lambda h: ModellixAccount(h, catalog("modellix")).models(), MODELS),
    "ledger": (lambda h: modellix(h).find(CorrelationId("c1")), {"tasks": [{"task_id": TASK}]}),
    "poll": (lambda h: modellix(h).poll(TASK), DONE),
    "ark key": (lambda h: ArkAccount(h, catalog("byteplus")).check_key(), ROWS),
    "ark poll": (lambda h: ark(h).poll(ID), SUCCEEDED),
    "ark list": (lambda h: TaskList(h).read([ID, TaskId("cgt-2")]), ROWS),
    "ark tasks": (lambda h: ark(h).poll_many([ID, TaskId("cgt-2")]), ROWS),
    "ark find": (lambda h: ark(h).find(CorrelationId("c2"), since=SINCE, witnesses={ID: CorrelationId("c0")}), ROWS),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(READS))
def test_no_odd_value_in_any_place_is_too_odd_for_a_read(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ark_list, "_INTERVAL_S", 0.0)
    use, right = READS[name]

    async def all_of_them() -> list[Any]:
        return [
            await ending(use, each) for each in each_place_spoiled(right) if isinstance(each, dict)
        ]

    assert asyncio.run(all_of_them())


@settings(max_examples=100)
@given(st.data())
def test_any_answer_to_a_read_is_a_value_or_an_error_of_ours(data: st.DataObject) -> None:
    use, right = READS[data.draw(st.sampled_from(sorted(READS)))]
    answer = data.draw(spoiled(right))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ark_list, "_INTERVAL_S", 0.0)

        if isinstance(answer, dict):
            assert str(asyncio.run(ending(use, answer))).isprintable()
