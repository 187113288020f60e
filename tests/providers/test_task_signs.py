"""What in an answer speaks of a task that is there, and what is only a refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from seedrender.providers.answers import parse
from seedrender.providers.task_signs import has_sign

SPEAKING: list[Any] = [
    {"code": 0, "message": "success", "data": None},
    {"code": "200"},
    {"code": 429, "data": {"status": "pending", "model_id": "x"}},
    {"code": 429, "message": "task task-0004 was created but the queue is full"},
    {"code": 429, "message": "queued as cgt-1"},
    {"code": 429, "data": {"taskId": "t"}},
    {"code": 429, "data": {"Task-ID": "t"}},
    {"code": 429, "data": {"job_id": "t"}},
    {"code": 429, "data": {"prediction_id": "t"}},
    {"code": 429, "tasks": [{"id": "t"}]},
    {"error": {"code": "RateLimitExceeded", "task": {"id": "t"}}},
    {"code": 429, "result": {"id": "t"}},
    {"code": 429, "data": {"id": "t"}},
    {"code": 429, "data": json.dumps({"task_id": "t"})},
    {"code": 429, "data": {"get_result": {"url": "https://x/y"}}},
    {"code": 429, "message": "see /api/v1/tasks/t-1"},
    "<html>429 rate limited; task_id=cgt-1</html>",
    "{'code': 429, 'data': {'task_id': 't'}}",
    "\x1f\x8b\x08packed",
    [[[{"a": [{"b": {"jobId": 5}}]}]]],
    [{}] * 30_000,
]
REFUSING: list[Any] = [
    None,
    "",
    "Too Many Requests",
    "<html><h1>429 Too Many Requests</h1><p>nginx</p></html>",
    {},
    [],
    {"code": 429, "message": "Too many concurrent tasks (limit 3)", "data": None},
    {"code": 429, "message": "the limit of 5 running tasks is reached", "data": {}},
    {"code": True},
    {"error": {"code": "RateLimitExceeded.EndpointRPMExceeded", "message": "m", "id": "e-1"}},
    {"error": {"code": "QuotaExceeded", "message": "Request id: 0217abc", "status": "429"}},
    {"code": 429, "request_id": "r-1", "trace_id": "x", "data": {"task_id": None, "status": "failed"}},
    {"code": 402, "message": "insufficient balance", "data": {"task_id": "", "tasks": []}},
]  # fmt: skip


@pytest.mark.parametrize("body", SPEAKING)
def test_an_answer_that_speaks_of_a_task_has_a_sign(body: Any) -> None:
    assert has_sign(body)


@pytest.mark.parametrize("body", REFUSING)
def test_a_refusal_has_none(body: Any) -> None:
    assert not has_sign(body)


def test_a_body_that_is_too_deep_to_be_read_has_one() -> None:
    nested = b'{"code": 429, "data": ' + b"[" * 5000 + b'{"task_id": "t"}' + b"]" * 5000 + b"}"

    assert has_sign(parse(nested))
    assert has_sign(parse(b'{"code": 429, "data": ' + b"[" * 50 + b"]" * 50 + b"}"))
