"""Turns Ark's error codes into our errors, with what a person can do about each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from seedrender.errors import (
    NotFoundError,
    ProviderError,
    QuotaError,
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
)
from seedrender.providers import messages
from seedrender.providers.refusals import (
    Refusal,
    by_status,
    fails_behind_the_door,
    is_success,
)
from seedrender.values.task import TaskState

_ACTIVATE = "activate the model in the cloud's console; it asks for a balance or a pack"
_PAY = "settle the balance in the cloud's console"
_KEY = "compare ARK_API_KEY with the cloud, the region and the project it was made for"
_REWRITE = "the cloud's content check refuses it: change the prompt or the media"
_AGAIN = "the cloud's content check refused the clip: another rendering may pass"

# A code is looked up whole, then without what follows its last dot, and so on.
_BUCKETS: Mapping[str, tuple[type[ProviderError], str]] = {
    "MissingParameter": (RejectedError, ""),
    "InvalidParameter": (RejectedError, ""),
    "InvalidImageURL": (RejectedError, "the address of an image is empty or malformed"),
    "InvalidEndpoint.ClosedEndpoint": (UnavailableError, "the endpoint is closed for the moment"),
    "SensitiveContentDetected": (RejectedError, _REWRITE),
    **{
        f"Input{kind}SensitiveContentDetected": (RejectedError, _REWRITE)
        for kind in ("Text", "Image", "Video", "Audio")
    },
    **{
        f"Output{kind}SensitiveContentDetected": (RejectedError, _AGAIN)
        for kind in ("Text", "Image", "Video", "Audio")
    },
    **{f"Input{kind}RiskDetection": (RejectedError, _REWRITE) for kind in ("Text", "Image")},
    **{f"Output{kind}RiskDetection": (RejectedError, _AGAIN) for kind in ("Text", "Image")},
    "ContentSecurityDetectionError": (UnavailableError, "the cloud's content check is down"),
    "AuthenticationError": (UnauthorizedError, _KEY),
    "InvalidAccountStatus": (UnauthorizedError, "look at the account in the cloud's console"),
    "AccessDenied": (UnauthorizedError, _KEY),
    "OperationDenied": (UnauthorizedError, _KEY),
    "OperationDenied.ServiceNotOpen": (UnauthorizedError, _ACTIVATE),
    "OperationDenied.ServiceOverdue": (QuotaError, _PAY),
    "AccountOverdueError": (QuotaError, _PAY),
    "InvalidEndpointOrModel": (UnauthorizedError, _ACTIVATE),
    "ModelNotOpen": (UnauthorizedError, _ACTIVATE),
    "UnsupportedModel": (UnauthorizedError, _ACTIVATE),
    "NotFound": (NotFoundError, ""),
    "InvalidAction": (RejectedError, ""),
    "RateLimitExceeded": (RateLimitedError, ""),
    **{
        f"ModelAccount{kind}RateLimitExceeded": (RateLimitedError, "")
        for kind in ("Rpm", "Tpm", "Ipm", "FlexTpm")
    },
    "APIAccountRpmRateLimitExceeded": (RateLimitedError, ""),
    "AccountRateLimitExceeded": (RateLimitedError, ""),
    "RequestBurstTooFast": (RateLimitedError, ""),
    "ServerOverloaded": (RateLimitedError, ""),
    "InflightBatchsizeExceeded": (RateLimitedError, "too many tasks in flight"),
    "QuotaExceeded": (RateLimitedError, "too many tasks are queued"),
    "QuotaExceeded.AgentPlanQuotaExceeded": (QuotaError, "the plan's quota is used up"),
    "SetLimitExceeded": (QuotaError, "raise the spending limit that is set in the console"),
    "InternalServiceError": (UnavailableError, ""),
}
# One code has three meanings, which only its message tells apart: a full queue, a trial or a plan.
_USED_UP = re.compile(r"(?i)\b(free|trial|plan|package|reset)\b")
_TOO_MANY_TASKS = {"InflightBatchsizeExceeded", "QuotaExceeded"}  # in flight, or queued
# Codes that go with an HTTP status which proves nothing; every other one proves that a submit
# created nothing, also where it comes inside a success.
PROVES_NOTHING = {"InternalServiceError", "InvalidAction"}
_FLAT = {"code", "message", "param"}
_MAX_CODE_CHARS = 200


def judge(status: int, body: Mapping[str, Any]) -> Refusal:
    """Judge an answer by its code, and by its HTTP status where the code is not known."""
    error = _error(body)
    code = error.get("code")
    said = words(error) or messages.message(body)
    kind = _bucket(code, error.get("message"))[0]
    if kind is None:
        return by_status(status, body, said)
    is_open = str(code).partition(".")[0] in PROVES_NOTHING
    proves_nothing = is_open or fails_behind_the_door(body)
    return Refusal(
        kind=kind,
        words=f"HTTP {status}: {said}",
        is_concurrency=kind is RateLimitedError and str(code) in _TOO_MANY_TASKS,
        is_proof=is_success(status) and not proves_nothing,
        proves_nothing=proves_nothing,
    )


def _error(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the object that says what is wrong; a gateway's own answer is flat."""
    inner = body.get("error")
    return inner if isinstance(inner, dict) else {k: v for k, v in body.items() if k in _FLAT}


def task_state(error: Mapping[str, Any]) -> TaskState:
    """Say whether a failed task may succeed when it is asked for again."""
    kind = _bucket(error.get("code"), error.get("message"))[0]
    is_final = kind is not None and issubclass(kind, RejectedError)
    return TaskState.REFUSED if is_final else TaskState.FAILED


def words(error: Mapping[str, Any]) -> str:
    """Return an error's code, message, field and what to do about it; no signature of a URL."""
    code, message, field = (error.get(key) for key in ("code", "message", "param"))
    name = code[: messages.CODE_CHARS] if isinstance(code, str) else ""
    said = ": ".join(part for part in (name, message) if isinstance(part, str) and part)
    where = f" (field {field})" if isinstance(field, str) and field else ""
    advice = _bucket(code, message)[1]
    return messages.excerpt(said + where) + (f"; {advice}" if advice else "")


def _bucket(code: object, message: object) -> tuple[type[ProviderError] | None, str]:
    if not isinstance(code, str) or len(code) > _MAX_CODE_CHARS:
        return None, ""
    if code == "QuotaExceeded" and isinstance(message, str) and _USED_UP.search(message):
        return QuotaError, "the account's quota is used up"
    name = code
    while name not in _BUCKETS:
        name, dot, _ = name.rpartition(".")
        if not dot:
            return None, ""
    return _BUCKETS[name]
