"""What an answer to a submit says of the task, by either wire's rules."""

from __future__ import annotations

from typing import Any

import pytest

from seedrender.errors import (
    NotFoundError,
    ProtocolError,
    ProviderError,
    QuotaError,
    RateLimitedError,
    RejectedError,
    SubmissionUnknownError,
    UnauthorizedError,
    UnavailableError,
)
from seedrender.providers import ark_answers, ark_errors, modellix_answers, task_ids
from seedrender.providers.answers import Answer, parse
from seedrender.providers.refusals import by_status
from seedrender.values.task import TaskId

ODD_IDS: list[Any] = [
    *(10**40, 10**400, 0, -5, 1.0, True, None, [], {}, "", "x" * 513),
    *(".", "..", "...", "a b", "t\n1", "t\n", "täsk", "a%2e", "a\u202eb", "\ud800"),
]
NOTHING: list[Any] = [None, "", 0, [], {}]
NO_PROOFS: list[Any] = [
    *(0, 200, 408, 409, 500, 503, 1001, "1", True, None, 402.5, -1, 10**400, "NoCredit", []),
]


def modellix(status: int, body: Any, **more: Any) -> TaskId:
    answer = Answer(status=status, body=body, **more)
    return task_ids.bought(answer, modellix_answers.SUBMITTED, by_status)


def ark(status: int, body: Any) -> TaskId:
    answer = Answer(status=status, body=body)
    return task_ids.bought(answer, ark_answers.SUBMITTED, ark_errors.judge)


@pytest.mark.parametrize("status", [200, 201, 202, 206, 302, 307, 400, 402, 409, 429, 500, 503])
def test_an_answer_that_names_a_task_is_a_task_whatever_its_status(status: int) -> None:
    assert modellix(status, {"code": 500, "message": "x", "data": {"task_id": "t1"}}) == "t1"
    assert ark(status, {"id": "cgt-1", "error": {"code": "InternalServiceError"}}) == "cgt-1"


@pytest.mark.parametrize(
    ("value", "task_id"),
    [
        ("task-0001", "task-0001"),
        ("cgt/2026/1", "cgt/2026/1"),
        ("x" * 512, "x" * 512),
        (12345, "12345"),
        (900_000_000_001, "900000000001"),
        (10**39, str(10**39)),
        *((odd, None) for odd in ODD_IDS),
    ],
)
def test_an_id_is_a_text_for_a_path_or_a_whole_number(value: Any, task_id: str | None) -> None:
    assert task_ids.read(value) == task_id


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"task_id": 12345}},
        {"data": [{"task_id": "12345"}]},
        {"task_id": "12345", "data": None},
        b'{"data": {"task_id": 12345}, "n": %s}' % (b"1" * 5000),
        b'{"data": {"task_id": "12345"}, "n": 1e400}',
        b'{"data": {"task_id": "12345"}, "word": "\xff"}',
        b'\xef\xbb\xbf{"data": {"task_id": "12345"}}',
        b'{"data": {"task_id": "12345"}, "deep": ' + b"[" * 10**5 + b"]" * 10**5 + b"}",
        b'{"data": {"task_id": "12345", "stat',
        b'{"data": {"task_id": 12345, "stat',
    ],
)
def test_an_id_is_made_out_where_the_rest_is_odd_or_torn(body: Any) -> None:
    assert modellix(200, parse(body) if isinstance(body, bytes) else body) == "12345"


@pytest.mark.parametrize(
    "body",
    [
        b'{"data": {"task_id": 1234',
        b'{"data": {"task_id": "1234',
        b'{"data": [{"task_id": "1"}, {"task_id": "2"}',
        b'<html><script>{"task_id": "1"}</script>',
        b"",
    ],
)
def test_half_an_id_or_one_of_two_is_none(body: bytes) -> None:
    with pytest.raises(SubmissionUnknownError):
        modellix(200, parse(body))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, RejectedError),
        (401, UnauthorizedError),
        (402, QuotaError),
        ("402", QuotaError),
        (403, UnauthorizedError),
        (404, NotFoundError),
        (422, RejectedError),
        (429, RateLimitedError),
        *((odd, SubmissionUnknownError) for odd in NO_PROOFS),
    ],
)
@pytest.mark.parametrize("status", [200, 202])
def test_a_refusal_inside_a_success_is_that_refusal(
    status: int, code: Any, kind: type[ProviderError]
) -> None:
    body = {"code": code, "message": "Insufficient balance, please top up", "data": None}

    with pytest.raises(kind, match="Insufficient balance, please top up") as caught:
        modellix(status, body)

    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccountOverdueError", QuotaError),
        ("InvalidParameter.duration", RejectedError),
        ("AuthenticationError", UnauthorizedError),
        ("ServerOverloaded", RateLimitedError),
        ("InvalidEndpoint.ClosedEndpoint", UnavailableError),
        (402, QuotaError),
        ("InternalServiceError", SubmissionUnknownError),
        ("InvalidAction.RunningTaskDeletion", SubmissionUnknownError),
        ("Newly.Invented", SubmissionUnknownError),
        (500, SubmissionUnknownError),
        (None, SubmissionUnknownError),
        ("." * 10**6, SubmissionUnknownError),
    ],
)
def test_a_refusal_of_ark_inside_a_success_is_judged_by_its_code(
    code: Any, kind: type[ProviderError]
) -> None:
    with pytest.raises(kind, match="No, says the cloud") as caught:
        ark(200, {"error": {"message": "No, says the cloud", "code": code}})

    assert type(caught.value) is kind


@pytest.mark.parametrize("read", [modellix, ark])
@pytest.mark.parametrize("status", [200, 302, 408, 409, 418, 425, 451, 500, 502, 503, 599])
@pytest.mark.parametrize(
    "body",
    [
        {"message": "upstream said no"},
        {"error": {"message": "upstream said no"}},
        {"data": {"detail": "upstream said no"}},
        "upstream said no",
        "<html><body>upstream <b>said</b> no</body></html>",
        ["upstream said no"],
    ],
)
def test_an_unknown_outcome_keeps_the_providers_words(read: Any, status: int, body: Any) -> None:
    with pytest.raises(SubmissionUnknownError, match="upstream said no"):
        read(status, body)


def test_an_answer_that_broke_off_says_so() -> None:
    with pytest.raises(SubmissionUnknownError, match=r"names no task: HTTP 200.*broke off"):
        modellix(
            200, None, fault=UnavailableError("an answer broke off: it ended before it was whole")
        )


def test_an_account_without_credit_is_told_that_nothing_was_bought() -> None:
    with pytest.raises(QuotaError) as caught:
        modellix(200, {"code": 402, "message": "Insufficient balance", "data": None})

    assert str(caught.value) == (
        "HTTP 200 with code 402: Insufficient balance; top up the account; nothing was bought"
    )


@pytest.mark.parametrize("said", ["t1", None, "", True, [], 1.5, {}])
def test_an_answer_that_names_no_other_task_is_about_this_one(said: Any) -> None:
    task_ids.check(TaskId("t1"), said)


@pytest.mark.parametrize(("asked", "said"), [("t1", "t2"), ("12345", 12346), ("12345", "012345"),
                                             ("t1", "t1 "), ("1", 10**400)])  # fmt: skip
def test_an_answer_about_another_task_says_so(asked: str, said: Any) -> None:
    with pytest.raises(ProtocolError, match=f"the answer about task {asked} is about another one"):
        task_ids.check(TaskId(asked), said)


def test_ids_are_compared_as_texts() -> None:
    task_ids.check(TaskId("12345"), 12345)


@pytest.mark.parametrize("status", [200, 400, 402, 429])
@pytest.mark.parametrize("value", [odd for odd in ODD_IDS if odd])
def test_a_refusal_that_names_a_task_in_any_form_is_no_proof(status: int, value: Any) -> None:
    body = {"code": 429, "message": "slow down", "data": {"task_id": value}}

    for read, said in ((modellix, body), (ark, {"id": value, "code": 429})):
        with pytest.raises(SubmissionUnknownError, match="speaks of a task"):
            read(status, said)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"data": {"get_result": {"url": "https://x/tasks/1"}}}, id="its address"),
        pytest.param('{"data": {"task_id": "task-00', id="torn within the id"),
        pytest.param('{"task_id": 12.0, "code": NaN_}', id="odd, in no JSON"),
    ],
)
def test_a_refusal_that_speaks_of_a_task_is_no_proof(body: Any) -> None:
    with pytest.raises(SubmissionUnknownError, match="speaks of a task"):
        modellix(429, body)


@pytest.mark.parametrize(
    "body",
    [{"code": 429, "data": {"task_id": value}} for value in NOTHING],
)
def test_a_refusal_whose_place_for_an_id_is_empty_is_one(body: Any) -> None:
    with pytest.raises(RateLimitedError):
        modellix(429, body)


@pytest.mark.parametrize(
    "body",
    [
        *("{", '{"i', "[", ' \ufeff{"code": 429,', '{"task_id": null, "data": '),
        '{"code":0,"message":"success","data":{"status":"pending","task',
    ],
)
def test_a_refusal_that_is_torn_is_no_proof(body: str) -> None:
    with pytest.raises(SubmissionUnknownError, match="not whole"):
        modellix(429, body)


@pytest.mark.parametrize("status", [400, 401, 429])
def test_a_refusal_of_which_a_part_is_missing_is_no_proof(status: int) -> None:
    with pytest.raises(SubmissionUnknownError, match="broke off"):
        modellix(
            status,
            None,
            fault=UnavailableError("an answer broke off: it ended before it was whole"),
        )


@pytest.mark.parametrize("name", [".", "..", "..."])
def test_an_id_that_leads_to_another_place_is_no_part_of_a_path(name: str) -> None:
    with pytest.raises(NotFoundError):
        task_ids.in_path(TaskId(name))
    assert task_ids.in_path(TaskId(f"a{name}/b")) == f"a{name}%2Fb"
