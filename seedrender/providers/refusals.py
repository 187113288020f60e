"""Turns refusals of a service into errors: by HTTP status, or by the code in their envelope."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

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
from seedrender.providers import messages, rate
from seedrender.providers.answers import Answer
from seedrender.providers.task_signs import has_sign

# words of a 429 that counts tasks in flight, not requests: Modellix's and the maker's (inferred)
_CONCURRENCY = re.compile(r"(?i)concurren|running tasks|in flight|QuotaExceeded\.?Task")

# Answers to a submit that prove that nothing was created; every other one leaves it unknown. The
# number is the HTTP status, or the code in the envelope of a success.
NOTHING_CREATED: Mapping[int, type[ProviderError]] = {
    400: RejectedError,
    401: UnauthorizedError,
    402: QuotaError,
    403: UnauthorizedError,
    404: NotFoundError,
    405: RejectedError,
    413: RejectedError,
    415: RejectedError,
    422: RejectedError,
    429: RateLimitedError,
}


_ADVICE: Mapping[int, str] = {  # where the words of a service may not be enough
    401: "compare the API key with the service's console",
    402: "top up the account",
    403: "see in the service's console what the key may do",
}
_PASSING = (408, 425)  # beside 5xx: a read may be asked again
_CODES = ("code", "status_code", "statusCode")
_BEHIND = re.compile(r"(?i)internal|server.?err|time.?out|timed.?out|gateway|unavailable|upstream")
_SAID_BEHIND = re.compile(
    r"(?i)internal (server |service )?(error|time)|server (had an )?error|bad gateway"
    r"|(upstream|gateway|request) (request )?time(d )?.?out"
)
_CODE_LIKE = re.compile(r"(?i)code|status|type|title|^error$|reason")
_MAX_DEPTH = 20
_STATUS = re.compile(r"[1-5][0-9]{2}")
_STATUSES = range(100, 600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What an answer without a result means, and its words."""

    kind: type[ProviderError]
    words: str
    is_concurrency: bool = False  # too many tasks in flight, not too many requests
    is_proof: bool = False  # that a submit, answered with a success and this, created nothing
    proves_nothing: bool = False  # it speaks of a failure behind the door, whatever its status


Judge = Callable[[int, Mapping[str, Any]], Refusal]  # of an HTTP status and a body, each per wire


def by_status(status: int, body: Mapping[str, Any], said: str | None = None) -> Refusal:
    """Judge an answer by its HTTP status, or a success by the code in its envelope.

    `said`: its words, where the wire knows better where they stand.
    """
    code = envelope_code(body) if is_success(status) else None
    number = status if code is None else code
    words = f"HTTP {status}" if code is None else f"HTTP {status} with code {code}"
    text = messages.message(body) if said is None else said
    text = text.removeprefix(f"{status}: ")  # as the pages of some servers begin
    words += f": {text}" if text else ""
    words += f"; {_ADVICE[number]}" if number in _ADVICE else ""
    other = UnavailableError if code is not None and _is_passing(code) else ProtocolError
    return Refusal(
        kind=NOTHING_CREATED.get(number, other),
        words=words,
        is_concurrency=_CONCURRENCY.search(words) is not None,
        is_proof=code in NOTHING_CREATED,
        proves_nothing=fails_behind_the_door(body),
    )


def fails_behind_the_door(body: object, depth: int = 0) -> bool:
    """Say whether a body tells of a server's own failure: a gateway may have renamed its status.

    A code or a title says so in one word, a sentence in more.
    """
    if depth > _MAX_DEPTH:
        return True
    if isinstance(body, str):
        return _SAID_BEHIND.search(body) is not None
    if isinstance(body, list):
        return any(fails_behind_the_door(item, depth + 1) for item in body)
    return isinstance(body, dict) and any(
        _is_of_a_server(key, value) or fails_behind_the_door(value, depth + 1)
        for key, value in body.items()
    )


def _is_of_a_server(key: str, value: object) -> bool:
    """Say whether a member is the code, or the title, of a server's own failure."""
    if not _CODE_LIKE.search(key):
        return False
    number = _status_of(value)
    is_named = isinstance(value, str) and _BEHIND.search(value) is not None
    return is_named or (number is not None and _is_passing(number))


def envelope_code(body: Mapping[str, Any]) -> int | None:
    """Return the status of HTTP that a body repeats as its code; None: it has none, or success."""
    inner = body.get("error")
    for place in (body, inner if isinstance(inner, dict) else {}):
        for number in (_status_of(place.get(key)) for key in _CODES):
            if number is not None and not is_success(number):
                return number
    return None


def _status_of(code: object) -> int | None:
    if isinstance(code, str) and _STATUS.fullmatch(code):
        return int(code)
    return code if isinstance(code, int) and code in _STATUSES else None


def is_success(status: int) -> bool:
    """Say whether an HTTP status is one of success."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def json_object(answer: Answer) -> dict[str, Any]:
    """Return the JSON object of a success. Raises: ProviderError where it is none, or not whole."""
    if answer.fault is not None:
        raise answer.fault
    if isinstance(answer.body, dict):
        return answer.body
    text = messages.message(answer.body)
    raise ProtocolError(f"an answer is not a JSON object{f': {text}' if text else ''}")


def strange(what: str, body: object, judge: Judge) -> ProviderError:
    """Turn the success of a read that lacks what was asked for into the error that it tells of.

    `what` says what is lacking.
    """
    refusal = _judged(judge, int(HTTPStatus.OK), body)
    if refusal.kind in (ProtocolError, RejectedError):  # the input is not at fault: it was a read
        return ProtocolError(f"{what}: {refusal.words}")
    return _error(refusal)


def of_submit(answer: Answer, judge: Judge, *, names_a_task: bool = False) -> ProviderError:
    """Turn an answer to a submit without a readable id into its error: a refusal, if that is proof.

    One that is not whole proves nothing, and neither does one that `names_a_task`, in whatever
    form. One that may end the run says what was paid.
    """
    refusal = _judged(judge, answer.status, answer.body)
    is_refused = answer.status in NOTHING_CREATED or refusal.is_proof
    is_refused = is_refused and not refusal.proves_nothing
    names_a_task = names_a_task or answer.names_a_task or has_sign(answer.body)
    if is_refused and answer.fault is None and not names_a_task:
        error = _error(refusal, answer.retry_after_s)
        may_end_it = error.stops_run or isinstance(error, UnavailableError)
        return type(error)(f"{error}; nothing was bought") if may_end_it else error
    is_good = is_success(answer.status)
    what = "the answer to a submit names no task:" if is_good else "a submit was answered with"
    broken = f" ({answer.fault})" if answer.fault is not None else ""
    if is_refused and names_a_task:
        what = "the answer to a submit is not whole, or speaks of a task without a readable id:"
    return SubmissionUnknownError(f"{what} {refusal.words}{broken}")


def of_read(answer: Answer, judge: Judge) -> ProviderError:
    """Turn an answer to a read into its error: a GET may always be asked again later."""
    refusal = _judged(judge, answer.status, answer.body)
    if _is_passing(answer.status):
        return UnavailableError(refusal.words)
    if answer.status == HTTPStatus.GONE:
        return NotFoundError(refusal.words)
    return _error(refusal, answer.retry_after_s)


def of_store(status: int, headers: Mapping[str, str]) -> ProviderError:
    """Turn a store's answer into its error: it knows no account, so a refused link has lapsed.

    Its words are not repeated: stores give back what a link was signed with.
    """
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        words = f"HTTP {status}: the store of the clip is asked too often"
        return RateLimitedError(words, retry_after_s=rate.retry_after_s(headers))
    if _is_passing(status):
        return UnavailableError(f"HTTP {status}: the store of the clip is down")
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return NotFoundError(f"HTTP {status}: there is no clip at its address")
    if status >= HTTPStatus.BAD_REQUEST:
        return NotFoundError(f"HTTP {status}: the link to the clip is no longer good")
    return ProtocolError(f"HTTP {status}: the store gives no clip")


def _judged(judge: Judge, status: int, body: object) -> Refusal:
    """Judge an answer; what is no JSON object has words all the same."""
    words = messages.message(body)
    return judge(status, body if isinstance(body, dict) else {"message": words} if words else {})


def _error(refusal: Refusal, retry_after_s: float | None = None) -> ProviderError:
    if refusal.kind is RateLimitedError:
        return RateLimitedError(
            refusal.words,
            retry_after_s=retry_after_s,
            is_concurrency=refusal.is_concurrency,
        )
    return refusal.kind(refusal.words)


def _is_passing(number: int) -> bool:
    return number in _PASSING or number >= HTTPStatus.INTERNAL_SERVER_ERROR
