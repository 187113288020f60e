from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from seedrender.errors import (
    ArtifactError,
    ConfigError,
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
from seedrender.providers import task_ids
from seedrender.providers.http import Http, _read_timeout, checked_base_url
from seedrender.providers.modellix_answers import SUBMITTED
from seedrender.providers.refusals import by_status
from seedrender.values.task import TaskId
from tests.providers.test_rate import NAMES, texts

KEY = "planted-key"
T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(handler))  # type: ignore[arg-type]
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def against(handler: Handler, use: Callable[[Http], Awaitable[T]]) -> T:
    async def run() -> T:
        async with served(handler) as base_url, Http(base_url, KEY, key_name="KEY") as http:
            return await use(http)

    return asyncio.run(run())


def answering(status: int, body: Any = None, **headers: str) -> Handler:
    async def handle(_request: web.Request) -> web.StreamResponse:
        return web.json_response(body or {"message": "words"}, status=status, headers=headers)

    return handle


async def submit(http: Http) -> TaskId:
    answer = await http.post_once("/x", {"prompt": "A kite."}, {"x-request-id": "c1"})
    return task_ids.bought(answer, SUBMITTED, by_status)


async def collected(http: Http, url: str) -> bytes:
    return b"".join([block async for block in http.retrieve(url)])


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, RejectedError) for status in (400, 405, 413, 415, 422)),
        (401, UnauthorizedError),
        (403, UnauthorizedError),
        (402, QuotaError),
        (404, NotFoundError),
        (429, RateLimitedError),
        *((status, SubmissionUnknownError) for status in (301, 302, 307, 308, 408, 409, 425)),
        *((status, SubmissionUnknownError) for status in (500, 502, 503, 504, 599)),
    ],
)
def test_what_an_answer_to_a_submit_says_of_the_task(
    status: int, kind: type[ProviderError]
) -> None:
    with pytest.raises(kind) as caught:
        against(answering(status), submit)

    assert type(caught.value) is kind


def test_an_answer_that_never_comes_leaves_the_task_unknown() -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        await request.read()
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    with pytest.raises(SubmissionUnknownError):
        against(hang_up, submit)


def test_a_delete_whose_answer_is_lost_is_not_sent_again_by_itself() -> None:
    seen = []

    async def hang_up(request: web.Request) -> web.StreamResponse:
        seen.append(request.method)
        if request.method == "DELETE":
            assert request.transport is not None
            request.transport.close()
        return web.json_response({"status": "queued"})

    async def read_and_delete(http: Http) -> None:
        await http.read("/x")
        await http.delete("/x")

    with pytest.raises(UnavailableError, match="no answer from"):
        against(hang_up, read_and_delete)
    assert seen == ["GET", "DELETE"]


def test_a_delete_that_finds_no_server_says_so() -> None:
    async def run() -> None:
        async with Http("http://127.0.0.1:9", KEY, key_name="KEY") as http:
            await http.delete("/x")

    with pytest.raises(UnavailableError, match="connection refused"):
        asyncio.run(run())


def test_an_answer_that_is_not_json_leaves_the_task_unknown() -> None:
    async def page(_request: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>")

    with pytest.raises(SubmissionUnknownError):
        against(page, submit)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (402, {"message": "words"}, QuotaError),
        (429, {"message": "words"}, RateLimitedError),
        (500, {"message": "words"}, SubmissionUnknownError),
        (200, ["words"], SubmissionUnknownError),
    ],
)
def test_a_wire_that_reads_successes_only_is_told_of_every_other_answer(
    status: int, body: Any, kind: type[ProviderError]
) -> None:
    def plain(http: Http) -> Awaitable[dict[str, Any]]:
        return http.submit("/x", {}, {})

    assert against(answering(201, {"id": "t"}), plain) == {"id": "t"}
    with pytest.raises(kind, match="words"):
        against(answering(status, body), plain)


BEHIND = [
    {"error": {"code": "InternalServiceError", "message": "words"}},
    {"code": 504, "message": "upstream request timeout"},
    {"error": {"type": "upstream_error", "code": "502"}},
    {"status_code": "500"},
    {"type": "gateway_timeout"},
    {"ResponseMetadata": {"Error": {"Code": "InternalServiceTimeout", "CodeN": 100023}}},
    {"error": {"code": "BadRequest", "message": "upstream request timeout", "type": "x"}},
    {"type": "about:blank", "title": "Bad Gateway", "status": 502},
    {"status": 500, "error": "Internal Server Error", "path": "/api"},
    {"error": {"code": "server_error", "type": "server_error"}},
    {"message": "The server had an error while processing your request"},
    {"details": [{"deep": [{"message": "Internal Server Error"}]}]},
    json.loads('{"a":' * 30 + "{}" + "}" * 30),
]
ORDINARY = [
    {"code": 400, "message": "Invalid parameters: duration must be 4 to 15"},
    {"error": {"code": "InvalidParameter", "message": "image download timeout", "type": "x"}},
    {"message": "Rate limit exceeded: the service is busy, try again later"},
    {"error": {"code": "RateLimitExceeded", "message": "slow down", "type": "TooManyRequests"}},
    {"code": 429, "message": "Rate limit", "trace_id": "500"},
    "<html><title>403 Forbidden</title></html>",
]


@pytest.mark.parametrize("status", [400, 402, 403, 404, 422, 429])
@pytest.mark.parametrize("body", BEHIND)
def test_a_refusal_that_tells_of_a_failure_behind_the_door_proves_nothing(
    status: int, body: Any
) -> None:
    with pytest.raises(SubmissionUnknownError):
        against(answering(status, body), submit)


@pytest.mark.parametrize("body", ORDINARY)
def test_an_ordinary_refusal_is_one(body: Any) -> None:
    with pytest.raises(ProviderError) as caught:
        against(answering(400, body), submit)

    assert type(caught.value) is RejectedError


def test_whose_answers_these_are_depends_on_key_and_host() -> None:
    hosts = ("https://a.example", "https://b.example", "http://127.0.0.1:8", "http://127.0.0.1:9")
    made = ("planted-1", "planted-2")
    found = {Http(host, key, key_name="KEY").account for host in hosts for key in made}

    assert len(found) == 6  # this machine is one host
    assert not any("planted" in account for account in found)


@pytest.mark.parametrize("status", [201, 300, 301, 308, 400, 402, 409, 429, 500, 503])
def test_a_task_that_is_named_is_bought_whatever_the_status(status: int) -> None:
    body = {"code": status, "message": "busy", "data": {"task_id": "task-1"}}

    assert against(answering(status, body, Location="/elsewhere"), submit) == "task-1"


def test_a_task_is_bought_though_its_answer_breaks_off() -> None:
    async def torn(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "1000"})
        await answer.prepare(request)
        await answer.write(b'{"code": 0, "data": {"task_id": "task-1", "status": "pen')
        await asyncio.sleep(0.05)
        assert request.transport is not None
        request.transport.close()
        return answer

    assert against(torn, submit) == "task-1"


def test_an_answer_that_cannot_be_unpacked_leaves_the_task_unknown() -> None:
    async def packed(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"no gzip at all", headers={"Content-Encoding": "gzip"})

    with pytest.raises(SubmissionUnknownError):
        against(packed, submit)


BOUGHT = json.dumps({"code": 429, "message": "slow down", "data": {"task_id": "task-1"}}).encode()
PACKED = {
    "gzip": gzip.compress(BOUGHT, mtime=0),
    "deflate": zlib.compress(BOUGHT),
}


@pytest.mark.parametrize("status", [200, 400, 402, 429, 503])
@pytest.mark.parametrize("encoding", PACKED)
def test_a_packed_answer_says_all_or_nothing_that_may_be_relied_on(
    encoding: str, status: int
) -> None:
    """Wherever it is torn: what was bought is known, or nobody says that nothing was."""
    packed = PACKED[encoding]
    sizes = iter(range(1, len(packed) + 1))

    async def handle(_request: web.Request) -> web.StreamResponse:
        body = packed[: next(sizes)]
        return web.Response(status=status, body=body, headers={"Content-Encoding": encoding})

    async def use(http: Http) -> set[object]:
        found: set[object] = set()
        for _ in packed:
            try:
                found.add(await submit(http))
            except SubmissionUnknownError:
                found.add("unknown")
        return found

    assert against(handle, use) == {"task-1", "unknown"}


@settings(max_examples=30)
@given(headers=st.dictionaries(st.sampled_from(NAMES), texts.filter(str.isprintable)))
def test_no_header_costs_a_task_that_is_bought(headers: dict[str, str]) -> None:
    sent = {name: value.encode().decode("latin-1") for name, value in headers.items()}

    async def handle(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"data": {"task_id": "task-1"}}, headers=sent)

    async def use(http: Http) -> tuple[TaskId, object]:
        return await submit(http), (http.window, http.ahead_s)

    assert against(handle, use)[0] == "task-1"


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
def test_a_key_that_an_answer_repeats_is_in_no_message(status: int) -> None:
    body = {"error": {"message": f"bad header 'Authorization: {KEY}'", "more": [KEY]}}

    with pytest.raises(ProviderError, match="Authorization: …") as caught:
        against(answering(status, body), submit)

    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        {"message": f"https://gateway.example/denied/{KEY}/x"},
        {"error": {"code": "Bad", "message": f"http://gateway.example/?k={KEY}"}},
        json.loads('{"a":' * 30 + f'["{KEY}"]' + "}" * 30),
        [f"https://{KEY}.example/"],
    ],
)
@pytest.mark.parametrize("status", [400, 500])
def test_a_key_within_an_address_or_deep_down_is_in_no_message(status: int, body: Any) -> None:
    with pytest.raises(ProviderError) as caught:
        against(answering(status, body), lambda http: http.read("/x"))

    assert KEY not in str(caught.value)


def test_a_result_whose_address_has_the_key_is_fetched_and_named_without_it() -> None:
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path == "/x":
            return web.json_response({"url": f"http://{request.host}/clips/{KEY}/a.mp4"})
        if KEY not in request.path:
            return web.Response(status=404)
        return web.Response(body=b"clip")

    async def use(http: Http) -> tuple[str, bytes]:
        url = (await http.read("/x"))["url"]
        return url, await collected(http, url)

    url, data = against(handle, use)

    assert KEY not in url
    assert data == b"clip"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, NotFoundError) for status in (400, 401, 402, 403, 404, 405, 410, 413, 422)),
        *((status, UnavailableError) for status in (408, 425, 500, 503)),
        (429, RateLimitedError),
        *((status, ProtocolError) for status in (204, 206, 300)),
    ],
)
def test_a_store_knows_no_account_and_its_words_are_repeated_nowhere(
    status: int, kind: type[ProviderError]
) -> None:
    """Stores give back the signature of a link that they refuse."""
    words = {"message": f"ExpiredToken <Token-0>planted-in-the-link</Token-0> {KEY}"}

    with pytest.raises(kind) as caught:
        against(answering(status, words), lambda http: collected(http, f"{http.base_url}/x"))

    assert type(caught.value) is kind
    assert "planted" not in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503, 302])
@pytest.mark.parametrize(
    "body",
    [{"error": {"detail": "upstream busy"}}, ["upstream busy"], "<p>upstream <b>busy</b></p>"],
)
def test_a_read_that_fails_has_the_services_words(status: int, body: Any) -> None:
    async def handle(_request: web.Request) -> web.StreamResponse:
        if isinstance(body, str):
            return web.Response(text=body, status=status)
        return web.json_response(body, status=status)

    with pytest.raises(ProviderError, match=f"HTTP {status}.*upstream busy"):
        against(handle, lambda http: http.read("/x"))


def test_an_answer_that_is_too_long_is_not_read_to_its_end() -> None:
    async def long(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=b'{"data": {"task_id": "task-1"}, "x": "' + b"x" * 17 * 2**20)

    assert against(long, submit) == "task-1"
    with pytest.raises(ProtocolError, match="longer than 16 MiB"):
        against(long, lambda http: http.read("/x"))


def test_a_read_that_breaks_off_may_be_asked_again() -> None:
    async def torn(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "1000"})
        await answer.prepare(request)
        await answer.write(b'{"code": 0}')
        assert request.transport is not None
        request.transport.close()
        return answer

    with pytest.raises(UnavailableError):
        against(torn, lambda http: http.read("/x"))


def test_a_refused_connection_proves_that_nothing_was_created() -> None:
    async def run() -> None:
        async with Http("http://127.0.0.1:9", KEY, key_name="KEY") as http:
            await submit(http)

    with pytest.raises(UnavailableError, match="cannot connect"):
        asyncio.run(run())


def test_a_submit_is_sent_once_on_a_connection_of_its_own_with_its_id() -> None:
    seen: list[tuple[Any, ...]] = []

    async def record(request: web.Request) -> web.StreamResponse:
        peer = request.transport.get_extra_info("peername") if request.transport else None
        headers = request.headers
        seen.append((peer, headers["x-request-id"], headers["Authorization"], await request.json()))
        return web.json_response({"data": {"task_id": "t"}})

    async def twice(http: Http) -> None:
        await submit(http)
        await submit(http)

    against(record, twice)

    assert [row[1:] for row in seen] == [("c1", f"Bearer {KEY}", {"prompt": "A kite."})] * 2
    assert seen[0][0] != seen[1][0]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        pytest.param({"Retry-After": "7"}, 7.0, id="seconds"),
        pytest.param({"Retry-After": "soon"}, None, id="words"),
        pytest.param({"Retry-After": "nan"}, None, id="no number"),
        pytest.param({"Retry-After": "99999999"}, 604_800.0, id="far away"),
        pytest.param({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, 0.0, id="window"),
        pytest.param({"X-RateLimit-Remaining": "0"}, None, id="no window"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_how_long_to_wait_is_read_from_the_answer(
    headers: dict[str, str], wait: float | None
) -> None:
    with pytest.raises(RateLimitedError) as caught:
        against(answering(429, **headers), submit)

    assert caught.value.retry_after_s == wait


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, NotFoundError),
        (410, NotFoundError),
        (401, UnauthorizedError),
        (429, RateLimitedError),
        (408, UnavailableError),
        (500, UnavailableError),
        (503, UnavailableError),
        (302, ProtocolError),
        (418, ProtocolError),
    ],
)
def test_a_read_that_fails_says_whether_to_ask_again(
    status: int, kind: type[ProviderError]
) -> None:
    with pytest.raises(kind):
        against(answering(status), lambda http: http.read("/x"))


def test_a_read_that_is_held_may_take_longer_by_that() -> None:
    plain, held = _read_timeout(0.0), _read_timeout(30.0)

    assert (plain.total, held.total) == (60, 90)


@pytest.mark.parametrize("body", [b"[1]", b"<html>", b"\xff", b"[" * 100_000])
def test_a_read_that_is_no_object_breaks_the_wires_rules(body: bytes) -> None:
    async def page(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body)

    with pytest.raises(ProtocolError):
        against(page, lambda http: http.read("/x"))


def test_the_key_goes_to_no_result_and_over_no_redirect() -> None:
    seen: list[tuple[str, bool]] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        seen.append((request.path, "Authorization" in request.headers))
        if request.path == "/first":
            return web.Response(status=302, headers={"Location": "/second"})
        return web.Response(body=b"clip")

    data = against(handle, lambda http: collected(http, f"{http.base_url}/first"))

    assert data == b"clip"
    assert seen == [("/first", False), ("/second", False)]


def test_a_download_that_ends_early_is_said() -> None:
    async def short(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "100"})
        await answer.prepare(request)
        await answer.write(b"x" * 40)
        assert request.transport is not None
        request.transport.close()
        return answer

    with pytest.raises(ArtifactError):
        against(short, lambda http: collected(http, f"{http.base_url}/x"))


def test_redirects_in_a_circle_end() -> None:
    async def circle(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": "/again"})

    with pytest.raises(ProtocolError, match="too often"):
        against(circle, lambda http: collected(http, f"{http.base_url}/x"))


@pytest.mark.parametrize(
    "url", ["http://example.org/a.mp4", "file:///etc/passwd", "/a.mp4", "ftp://h/a.mp4"]
)
def test_a_result_elsewhere_than_at_https_is_not_fetched(url: str) -> None:
    with pytest.raises(ProtocolError, match="is not fetched"):
        against(answering(200), lambda http: collected(http, url))


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://api.example.org/", True),
        ("http://127.0.0.1:8787", True),
        ("http://localhost:8787", True),
        ("http://[::1]:8787", True),
        ("http://api.example.org", False),
        ("http://10.0.0.1", False),
        ("https://me:secret@api.example.org", False),
        ("https://api.example.org?x=1", False),
        ("ftp://api.example.org", False),
        ("https://[x", False),
        ("https://me:secret@[x", False),
        ("https://api.example.org:99999", False),
        ("https://api.example.org\r", False),
        ("", False),
    ],
)
def test_base_urls_are_https_or_loopback(url: str, is_safe: bool) -> None:  # noqa: FBT001
    if is_safe:
        assert checked_base_url(url) == url.rstrip("/")
    else:
        with pytest.raises(ConfigError) as caught:
            checked_base_url(url)
        assert "secret" not in str(caught.value)
