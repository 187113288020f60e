"""Turns what is wrong with a request into Ark's error envelope: codes, statuses, request ids."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

INTERNAL = "InternalServiceError"
INVALID = "InvalidParameter"
MISSING = "MissingParameter"
UNSUPPORTED = "InvalidParameter.UnsupportedParameter"

_WAYS = ("Input", "Output")
_MODERATED = ("Text", "Image", "Video", "Audio")
_CODES: Mapping[int, tuple[str, ...]] = {  # what stands after a dot may be anything
    400: (
        *(MISSING, INVALID, "InvalidImageURL", "InvalidEndpoint"),
        *("SensitiveContentDetected", "ContentSecurityDetectionError"),
        *(f"{way}{kind}SensitiveContentDetected" for way in _WAYS for kind in _MODERATED),
        *(f"{way}{kind}RiskDetection" for way in _WAYS for kind in _MODERATED[:2]),
    ),
    401: ("AuthenticationError", "InvalidAccountStatus"),
    403: ("AccessDenied", "OperationDenied", "AccountOverdueError"),
    404: ("InvalidEndpointOrModel", "ModelNotOpen", "UnsupportedModel", "NotFound"),
    409: ("InvalidAction",),
    429: (
        "RateLimitExceeded",
        *(f"ModelAccount{kind}RateLimitExceeded" for kind in ("Rpm", "Tpm", "Ipm", "FlexTpm")),
        *("APIAccountRpmRateLimitExceeded", "AccountRateLimitExceeded", "RequestBurstTooFast"),
        *("ServerOverloaded", "InflightBatchsizeExceeded", "QuotaExceeded", "SetLimitExceeded"),
    ),
    500: (INTERNAL,),
}  # fmt: skip
_STATUS = {code: status for status, codes in _CODES.items() for code in codes}
_TYPES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    429: "TooManyRequests",
    500: "InternalServerError",
}


class ArkRefusal(Exception):  # noqa: N818 -- an answer to a client, no error of ours
    """The request is answered with an error: a code, words, and the one field it is about."""

    def __init__(
        self, code: str, message: str, param: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        self.code = code
        self.message = message
        self.param = param
        self.headers = dict(headers or {})
        super().__init__(message)


def status_of(code: str) -> int | None:
    """Return the HTTP status that a code comes with; None: there is no such code."""
    return _STATUS.get(code.partition(".")[0])


def envelope(refusal: ArkRefusal, request_id: str) -> web.Response:
    """Return the answer to a request that is refused."""
    status = status_of(refusal.code) or 500
    error: dict[str, Any] = {
        "code": refusal.code,
        "message": f"{refusal.message} Request id: {request_id}",
        "param": refusal.param,
        "type": _TYPES[status],
    }
    return web.json_response(
        {"error": error},
        status=status,
        headers=refusal.headers,
        dumps=lambda value: json.dumps(value, ensure_ascii=False),
    )
