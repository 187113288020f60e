"""Section 7 of the reference: every code is in a bucket, and what it says can be acted on."""

from __future__ import annotations

import re
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
from seedrender.providers import ark_errors
from seedrender.providers.answers import Answer
from seedrender.providers.refusals import of_submit
from seedrender.values.task import TaskState

MODERATED = [
    *("SensitiveContentDetected", "SensitiveContentDetected.SevereViolation"),
    "SensitiveContentDetected.Violence",
    *(
        f"{side}{kind}SensitiveContentDetected{suffix}"
        for side in ("Input", "Output")
        for kind in ("Text", "Image", "Video", "Audio")
        for suffix in ("", ".PolicyViolation")
    ),
    "InputImageSensitiveContentDetected.PrivacyInformation",
    "InputVideoSensitiveContentDetected.PrivacyInformation",
    *(f"{side}{kind}RiskDetection" for side in ("Input", "Output") for kind in ("Text", "Image")),
]
TABLE: list[tuple[int, type[ProviderError], list[str]]] = [
    (400, RejectedError, ["MissingParameter", "MissingParameter.model", "InvalidParameter"]),
    (400, RejectedError, ["InvalidParameter.duration", "InvalidParameter.UnsupportedParameter"]),
    (400, RejectedError, ["InvalidParameter.TaskTypeConstraint", "InvalidImageURL.EmptyURL"]),
    (400, RejectedError, ["InvalidParameter.TaskTypeMismatch", "InvalidImageURL.InvalidFormat"]),
    (400, UnavailableError, ["InvalidEndpoint.ClosedEndpoint", "ContentSecurityDetectionError"]),
    (400, RejectedError, MODERATED),
    (401, UnauthorizedError, ["AuthenticationError", "InvalidAccountStatus"]),
    (403, UnauthorizedError, ["AccessDenied", "OperationDenied.PermissionDenied"]),
    (403, UnauthorizedError, ["OperationDenied.ServiceNotOpen", "OperationDenied.InvalidState"]),
    (403, QuotaError, ["AccountOverdueError", "OperationDenied.ServiceOverdue"]),
    (404, UnauthorizedError, ["InvalidEndpointOrModel.NotFound", "ModelNotOpen"]),
    (404, UnauthorizedError, ["InvalidEndpointOrModel.ModelIDAccessDisabled", "UnsupportedModel"]),
    (404, NotFoundError, ["NotFound.Task", "NotFound"]),
    (409, RejectedError, ["InvalidAction.RunningTaskDeletion"]),
    (429, RateLimitedError, ["RateLimitExceeded.EndpointRPMExceeded", "RequestBurstTooFast"]),
    (429, RateLimitedError, ["RateLimitExceeded.EndpointTPMExceeded", "ServerOverloaded"]),
    (429, RateLimitedError, ["RateLimitExceeded.EndpointFlexTPMExceeded"]),
    (429, RateLimitedError, [f"ModelAccount{k}RateLimitExceeded" for k in ("Rpm", "Tpm", "Ipm")]),
    (429, RateLimitedError, ["ModelAccountFlexTpmRateLimitExceeded", "AccountRateLimitExceeded"]),
    (429, RateLimitedError, ["APIAccountRpmRateLimitExceeded", "InflightBatchsizeExceeded"]),
    (429, QuotaError, ["QuotaExceeded.AgentPlanQuotaExceeded", "SetLimitExceeded"]),
    (500, UnavailableError, ["InternalServiceError"]),
]
ROWS = [
    pytest.param(status, kind, code, id=code) for status, kind, codes in TABLE for code in codes
]


def body(code: str, message: str = "No. Request id: 02", **fields: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "type": "BadRequest", **fields}}


@pytest.mark.parametrize(("status", "kind", "code"), ROWS)
def test_every_code_of_the_reference_is_in_its_bucket(
    status: int, kind: type[ProviderError], code: str
) -> None:
    refusal = ark_errors.judge(status, body(code))

    assert refusal.kind is kind
    assert refusal.words.startswith(f"HTTP {status}: {code}: No.")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("The queue of tasks is full, try later", RateLimitedError),
        ("Your free trial quota has been used up", QuotaError),
        ("The plan's quota is exhausted until its reset time", QuotaError),
        ("", RateLimitedError),
    ],
)
def test_one_code_has_three_meanings_by_its_message(
    message: str, kind: type[ProviderError]
) -> None:
    assert ark_errors.judge(429, body("QuotaExceeded", message)).kind is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RejectedError),
        (401, UnauthorizedError),
        (402, QuotaError),
        (403, UnauthorizedError),
        (404, NotFoundError),
        (409, ProtocolError),
        (413, RejectedError),
        (429, RateLimitedError),
    ],
)
@pytest.mark.parametrize("code", ["Newly.Invented", "", 7, None])
def test_an_unknown_code_is_judged_by_its_status(
    status: int, kind: type[ProviderError], code: Any
) -> None:
    assert ark_errors.judge(status, body(code)).kind is kind


@pytest.mark.parametrize(
    "answer",
    [
        {"code": "ModelNotOpen", "message": "No."},
        body("ModelNotOpen", "No."),
    ],
    ids=["flat", "envelope"],
)
def test_both_envelopes_are_read(answer: dict[str, Any]) -> None:
    refusal = ark_errors.judge(404, answer)

    assert refusal.kind is UnauthorizedError
    assert refusal.words.startswith("HTTP 404: ModelNotOpen: No.; activate the model")


@pytest.mark.parametrize("answer", [{}, {"error": None}, {"error": {}}])
def test_an_answer_without_words_has_its_status(answer: dict[str, Any]) -> None:
    assert ark_errors.judge(400, answer).words == "HTTP 400"


def test_the_field_that_is_wrong_is_named() -> None:
    assert "(field duration)" in ark_errors.judge(400, body("X", param="duration")).words


def test_no_signature_and_no_control_character_of_an_answer_is_shown() -> None:
    message = "cannot read https://store.example/a.png?X-Tos-Signature=s3cret&x=1 \x1b[31m"

    words = ark_errors.judge(400, body("InvalidParameter", message)).words

    assert "s3cret" not in words
    assert "https://store.example/a.png?…" in words
    assert words.isprintable()
    assert len(ark_errors.judge(400, body("X", "y" * 10_000)).words) < 600


@pytest.mark.parametrize(
    ("code", "state"),
    [
        *((code, TaskState.REFUSED) for code in MODERATED),
        ("InvalidParameter.TaskTypeConstraint", TaskState.REFUSED),
        ("InternalServiceError", TaskState.FAILED),
        ("ContentSecurityDetectionError", TaskState.FAILED),
        ("AccountOverdueError", TaskState.FAILED),
        ("Newly.Invented", TaskState.FAILED),
        (None, TaskState.FAILED),
    ],
)
def test_a_failed_task_is_asked_for_again_unless_its_input_is_at_fault(
    code: str | None, state: TaskState
) -> None:
    assert ark_errors.task_state({"code": code, "message": "No."}) is state


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("InputTextSensitiveContentDetected", "change the prompt or the media"),
        ("OutputAudioSensitiveContentDetected", "another rendering may pass"),
        ("ModelNotOpen", "activate the model"),
        ("AccountOverdueError", "settle the balance"),
        ("AuthenticationError", "ARK_API_KEY"),
        ("SetLimitExceeded", "raise the spending limit"),
    ],
)
def test_an_error_says_what_to_do(code: str, advice: str) -> None:
    assert re.search(advice, ark_errors.words({"code": code, "message": "No."}))


@pytest.mark.parametrize(
    ("code", "message", "is_concurrency"),
    [
        ("InflightBatchsizeExceeded", "No.", True),
        ("QuotaExceeded", "The queue of tasks is full", True),
        ("QuotaExceeded", "The free trial is used up", False),
        ("ModelAccountRpmRateLimitExceeded", "No.", False),
        ("ServerOverloaded", "No.", False),
        (["QuotaExceeded"], "No.", False),
    ],
)
def test_too_many_tasks_are_told_from_too_many_requests(
    code: Any, message: str, *, is_concurrency: bool
) -> None:
    assert ark_errors.judge(429, body(code, message)).is_concurrency is is_concurrency


@pytest.mark.parametrize("status", [400, 403, 404, 422, 429])
def test_an_error_of_the_service_proves_nothing_under_any_status(status: int) -> None:
    body = {"error": {"code": "InternalServiceError", "message": "words"}}

    error = of_submit(Answer(status=status, body=body), ark_errors.judge)

    assert isinstance(error, SubmissionUnknownError)
