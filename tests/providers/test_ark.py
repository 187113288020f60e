"""The Ark client against a small server of its own, over loopback."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiohttp import web

from seedrender.catalog.models import catalog
from seedrender.errors import (
    NotFoundError,
    ProtocolError,
    QuotaError,
    RateLimitedError,
    RejectedError,
    SubmissionUnknownError,
    UnauthorizedError,
    UnavailableError,
)
from seedrender.providers import ark_errors, ark_list, registry
from seedrender.providers.ark import Ark
from seedrender.providers.http import Http
from seedrender.values.job import CorrelationId, JobId, MediaKind, Mode, Submission, Tier
from seedrender.values.provider import LocalFile
from seedrender.values.task import RemoteFile, TaskId, TaskState
from tests.builders import job
from tests.providers.test_ark_answers import FAILED, RUNNING, SUCCEEDED
from tests.providers.test_http import served

KEY = "planted-key"
ID = CorrelationId("c1")
NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=1)
WITNESS = TaskId("cgt-witness")
C0 = CorrelationId("c0")
T = TypeVar("T")


class Cloud:
    """Answers by a table of method and path, and keeps what it was sent."""

    def __init__(self) -> None:
        self.tasks: list[dict[str, Any]] = []
        self.answers: dict[str, list[tuple[int, Any]]] = {}
        self.received: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.received.append((request.method, request.path_qs))
        self.headers.append(dict(request.headers))
        if request.method == "POST":
            self.bodies.append(await request.json())
        name = f"{request.method} {request.path.removeprefix('/api/v3/contents/generations/')}"
        if self.answers.get(name):
            status, body = self.answers[name].pop(0)
            return web.json_response(body, status=status)
        if name == "GET tasks":
            return web.json_response(self._page(request))
        return web.json_response({"error": {"code": "NotFound.Task"}}, status=404)

    def _page(self, request: web.Request) -> dict[str, Any]:
        wanted = request.query.getall("filter.task_ids", [])
        model = request.query.get("filter.model")
        rows = [
            row
            for row in self.tasks
            if (not wanted or row["id"] in wanted) and model in (None, row.get("model"))
        ]
        number, size = int(request.query["page_num"]), int(request.query["page_size"])
        return {"total": len(rows), "items": rows[(number - 1) * size : number * size]}


def against(cloud: Cloud, use: Callable[[Ark], Awaitable[T]]) -> T:
    async def run() -> T:
        async with served(cloud.handle) as base_url:
            http = Http(f"{base_url}/api/v3", KEY, key_name="ARK_API_KEY", judge=ark_errors.judge)
            limits = registry.account_limits("byteplus")
            async with Ark("byteplus", http, catalog("byteplus"), limits, clock=lambda: NOW) as ark:
                return await use(ark)

    return asyncio.run(run())


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    monkeypatch.setattr(ark_list, "_INTERVAL_S", 0.0)
    return Cloud()


def submission(**fields: Any) -> Submission:
    return registry.offline("byteplus").encode(job(**fields), {}, ID)


def error(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "No."}}


def listed(name: str, identifier: str | None = None, *, hours: float = 2) -> dict[str, Any]:
    row: dict[str, Any] = {**SUCCEEDED, "id": name}
    row["created_at"] = int((NOW - timedelta(hours=hours)).timestamp())
    return row if identifier is None else {**row, "safety_identifier": identifier}


def test_a_submit_posts_once_to_the_tasks_and_returns_the_id(cloud: Cloud) -> None:
    cloud.answers["POST tasks"] = [(200, {"id": "cgt-20261101093000-ab1cd"})]

    found = against(cloud, lambda ark: ark.submit(submission(duration_s=5)))

    assert found == "cgt-20261101093000-ab1cd"
    assert cloud.received == [("POST", "/api/v3/contents/generations/tasks")]
    assert cloud.bodies[0]["safety_identifier"] == ID
    assert cloud.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert cloud.headers[0]["X-Client-Request-Id"] == ID


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, error("InvalidParameter"), RejectedError),
        (400, error("InvalidEndpoint.ClosedEndpoint"), UnavailableError),
        (401, error("AuthenticationError"), UnauthorizedError),
        (403, error("AccountOverdueError"), QuotaError),
        (404, error("ModelNotOpen"), UnauthorizedError),
        (429, error("ServerOverloaded"), RateLimitedError),
        (429, error("SetLimitExceeded"), QuotaError),
        (409, error("Anything"), SubmissionUnknownError),
        (408, error("Anything"), SubmissionUnknownError),
        (500, error("InternalServiceError"), SubmissionUnknownError),
        (502, error("ModelNotOpen"), SubmissionUnknownError),
        (200, {}, SubmissionUnknownError),
        (200, {"id": None}, SubmissionUnknownError),
        (200, {"id": "../x y"}, SubmissionUnknownError),
    ],
)
def test_only_an_answer_that_proves_it_says_that_nothing_was_bought(
    cloud: Cloud, status: int, body: Any, kind: type[Exception]
) -> None:
    cloud.answers["POST tasks"] = [(status, body)]

    with pytest.raises(kind) as caught:
        against(cloud, lambda ark: ark.submit(submission()))

    assert type(caught.value) is kind
    assert len(cloud.received) == 1
    assert KEY not in str(caught.value)


def test_a_request_that_is_too_large_is_not_sent(cloud: Cloud) -> None:
    large = submission()
    large = replace(large, body={**large.body, "content": ["x" * 64_000_001]})

    with pytest.raises(RejectedError, match=r"has 64\.0 MB, and 64 MB are taken"):
        against(cloud, lambda ark: ark.submit(large))

    assert cloud.received == []


def test_a_poll_reads_one_task(cloud: Cloud) -> None:
    cloud.answers[f"GET tasks/{SUCCEEDED['id']}"] = [(200, SUCCEEDED)]

    task = against(cloud, lambda ark: ark.poll(TaskId(SUCCEEDED["id"]), hold=True))

    assert task.state is TaskState.SUCCEEDED


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, error("Whatever"), NotFoundError),
        (404, {}, NotFoundError),
        (429, error("AccountRateLimitExceeded"), RateLimitedError),
        (500, error("InternalServiceError"), UnavailableError),
        (503, {}, UnavailableError),
        (200, {"id": "x"}, ProtocolError),
    ],
)
def test_a_poll_that_fails_says_how(
    cloud: Cloud, status: int, body: Any, kind: type[Exception]
) -> None:
    cloud.answers["GET tasks/x"] = [(status, body)]

    with pytest.raises(kind):
        against(cloud, lambda ark: ark.poll(TaskId("x")))


def test_many_tasks_are_read_from_the_list_a_hundred_at_a_time(cloud: Cloud) -> None:
    names = [TaskId(f"cgt-{n:03}") for n in range(250)]
    cloud.tasks = [{**RUNNING, "id": name} for name in reversed(names[:-1])]

    found = against(cloud, lambda ark: ark.poll_many(names))

    assert list(found) == names[:-1]
    assert len(cloud.received) == 3
    assert all(len(path) < 8192 for _, path in cloud.received)
    assert cloud.received[2][1].startswith(
        "/api/v3/contents/generations/tasks?page_num=1&page_size=100"
        "&filter.task_ids=cgt-200&filter.task_ids=cgt-201"
    )


def test_a_lost_submit_is_found_again_by_its_identifier(cloud: Cloud) -> None:
    cloud.tasks = [listed(f"cgt-{n}", f"other-{n}") for n in range(600)]
    cloud.tasks.append(listed("cgt-ours", ID))

    found = against(cloud, lambda ark: ark.find(ID, since=SINCE, witnesses={WITNESS: C0}))

    assert found == ["cgt-ours"]
    assert "page_num=2&page_size=500" in cloud.received[1][1]


def test_a_lost_submit_is_found_by_its_digits_whatever_is_put_around_them(cloud: Cloud) -> None:
    ours = CorrelationId("0123456789abcdef" * 2)
    cloud.tasks = [listed(WITNESS, "c0"), listed("cgt-ours", f"user:{ours}/x")]

    found = against(cloud, lambda ark: ark.find(ours, since=SINCE, witnesses={WITNESS: C0}))

    assert found == ["cgt-ours"]


def test_a_submit_that_created_nothing_is_proved_so(cloud: Cloud) -> None:
    cloud.tasks = [listed(f"cgt-{n}", f"other-{n}") for n in range(1000)]
    cloud.tasks.append(listed(WITNESS, "c0"))

    found = against(cloud, lambda ark: ark.find(ID, since=SINCE, witnesses={WITNESS: C0}))

    assert found == []
    assert sum("filter.model" not in path for _, path in cloud.received) == 4
    assert any("filter.model" in path for _, path in cloud.received)


@pytest.mark.parametrize(
    ("tasks", "since", "witnesses"),
    [
        pytest.param([], SINCE, {WITNESS: C0}, id="nothing is listed"),
        pytest.param([listed(WITNESS)], SINCE, {WITNESS: C0}, id="no identifier is given back"),
        pytest.param([listed("cgt-1", "c0")], SINCE, {WITNESS: C0}, id="the list is not ours"),
        pytest.param([listed(WITNESS, "c0")], NOW + timedelta(minutes=1), {WITNESS: C0},
                     id="the clocks differ"),
        pytest.param([listed(WITNESS, "c0")], None, {WITNESS: C0}, id="nobody knows when"),
        pytest.param([listed(WITNESS, "c0"), listed("cgt-1", hours=1)], SINCE, {WITNESS: C0},
                     id="one of that time is unmarked"),
    ],
)  # fmt: skip
def test_less_than_a_proof_is_told_as_not_knowing(
    cloud: Cloud,
    tasks: list[dict[str, Any]],
    since: datetime | None,
    witnesses: dict[TaskId, CorrelationId],
) -> None:
    cloud.tasks = tasks

    assert against(cloud, lambda ark: ark.find(ID, since=since, witnesses=witnesses)) is None


def test_a_list_that_ends_before_its_total_proves_nothing(cloud: Cloud) -> None:
    page = {"total": 2, "items": [listed(WITNESS, "c0")]}
    cloud.answers["GET tasks"] = [(200, page)] * 6

    assert against(cloud, lambda ark: ark.find(ID, since=SINCE, witnesses={WITNESS: C0})) is None
    assert len(cloud.received) == 6


def test_a_key_of_limited_rights_lists_one_model_at_a_time(cloud: Cloud) -> None:
    slug = SUCCEEDED["model"]
    cloud.tasks = [listed("cgt-ours", ID)]
    cloud.answers["GET tasks"] = [(403, error("AccessDenied"))]

    assert against(cloud, lambda ark: ark.find(ID)) == ["cgt-ours"]
    assert any(f"filter.model={slug}" in path for _, path in cloud.received)


def test_a_list_of_all_that_leaves_a_model_out_is_no_proof(cloud: Cloud) -> None:
    first = {"total": 1, "items": [listed(WITNESS, "c0")]}
    cloud.tasks = [listed("cgt-ours", ID)]
    cloud.answers["GET tasks"] = [(200, first)]

    found = against(cloud, lambda ark: ark.find(ID, since=SINCE, witnesses={WITNESS: C0}))

    assert found == ["cgt-ours"]


def test_a_model_that_may_not_be_listed_leaves_the_proof_open(cloud: Cloud) -> None:
    cloud.tasks = [listed(WITNESS, "c0")]
    cloud.answers["GET tasks"] = [(403, error("AccessDenied"))] * 2

    assert against(cloud, lambda ark: ark.find(ID, since=SINCE, witnesses={WITNESS: C0})) is None


def test_a_key_that_may_list_nothing_is_an_error_and_no_proof(cloud: Cloud) -> None:
    cloud.answers["GET tasks"] = [(401, error("AuthenticationError"))] * 50

    with pytest.raises(UnauthorizedError):
        against(cloud, lambda ark: ark.find(ID, since=SINCE, witnesses={WITNESS: C0}))


@pytest.mark.parametrize("page", [{}, {"items": {}, "total": 1}, {"items": [], "total": "none"}])
def test_a_list_of_another_shape_is_no_proof(cloud: Cloud, page: dict[str, Any]) -> None:
    cloud.answers["GET tasks"] = [(200, page)]

    with pytest.raises(ProtocolError):
        against(cloud, lambda ark: ark.find(ID, since=SINCE, witnesses={WITNESS: C0}))


def test_only_a_queued_task_is_cancelled(cloud: Cloud) -> None:
    cloud.answers["GET tasks/x"] = [
        (200, {**RUNNING, "id": "x", "status": "queued"}),
        (200, {**RUNNING, "id": "x", "status": "cancelled"}),
    ]
    cloud.answers["DELETE tasks/x"] = [(200, {})]

    assert against(cloud, lambda ark: ark.cancel(TaskId("x")))
    assert [method for method, _ in cloud.received] == ["GET", "DELETE", "GET"]


@pytest.mark.parametrize(
    ("answer", "is_cancelled"),
    [
        ({**RUNNING, "id": "x"}, False),
        ({**SUCCEEDED, "id": "x"}, False),
        ({**FAILED, "id": "x"}, False),
        ({**RUNNING, "id": "x", "status": "expired"}, False),
        ({**RUNNING, "id": "x", "status": "cancelled"}, True),
        ({**RUNNING, "id": "x", "status": "cancelled", "usage": {"completion_tokens": 9}}, False),
        ({**RUNNING, "id": "x", "status": "cancelled", "usage": {"total_tokens": 9}}, False),
    ],
)
def test_the_record_of_any_other_task_is_never_deleted(
    cloud: Cloud, answer: dict[str, Any], *, is_cancelled: bool
) -> None:
    cloud.answers["GET tasks/x"] = [(200, answer)]

    assert against(cloud, lambda ark: ark.cancel(TaskId("x"))) is is_cancelled
    assert [method for method, _ in cloud.received] == ["GET"]


@pytest.mark.parametrize("code", ["InvalidAction.RunningTaskDeletion", "Anything"])
def test_a_task_that_began_meanwhile_runs_on(cloud: Cloud, code: str) -> None:
    cloud.answers["GET tasks/x"] = [(200, {**RUNNING, "id": "x", "status": "queued"})]
    cloud.answers["DELETE tasks/x"] = [(409, error(code))]

    assert not against(cloud, lambda ark: ark.cancel(TaskId("x")))


def test_an_unknown_state_is_warned_of_once(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    cloud.answers["GET tasks/x"] = [(200, {**RUNNING, "id": "x", "status": "dreaming"})] * 2

    async def twice(ark: Ark) -> list[TaskState]:
        return [(await ark.poll(TaskId("x"))).state for _ in range(2)]

    with caplog.at_level(logging.WARNING):
        assert against(cloud, twice) == [TaskState.RUNNING] * 2

    assert caplog.text.count("dreaming") == 1


def test_a_clip_is_fetched_without_the_key_and_a_lapsed_link_is_no_loss_of_rights(
    cloud: Cloud,
) -> None:
    async def fetch(ark: Ark) -> None:
        url = f"{ark._http.base_url}/clip.mp4?X-Tos-Signature=s3cret"
        async for _ in ark.retrieve(RemoteFile(url=url, kind=MediaKind.VIDEO)):
            pass

    cloud.answers["GET /api/v3/clip.mp4"] = [(403, {})]
    with pytest.raises(NotFoundError) as caught:
        against(cloud, fetch)

    assert "Authorization" not in cloud.headers[0]
    assert "s3cret" not in str(caught.value)


def test_a_local_picture_travels_in_the_body(cloud: Cloud, tmp_path: Path) -> None:
    picture = tmp_path / "hero.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    file = LocalFile(path=str(picture), kind=MediaKind.IMAGE, sha256="00")

    assert against(cloud, lambda ark: ark.upload(file)) == "data:image/png;base64,iVBORw0KGgo="
    assert cloud.received == []


@pytest.mark.parametrize("route", ["byteplus", "volcengine"])
def test_a_route_is_reached_where_the_reference_says(route: str) -> None:
    hosts = {
        "byteplus": "ark.ap-southeast.bytepluses.com",
        "volcengine": "ark.cn-beijing.volces.com",
    }
    limits = registry.account_limits(route)

    client = registry.online(route, {"ARK_API_KEY": KEY}, limits)
    moved = registry.online(route, {"ARK_BASE_URL": "http://127.0.0.1:8787/api/v3/"}, limits)

    assert isinstance(client, Ark)
    assert isinstance(moved, Ark)
    assert client._http.base_url == f"https://{hosts[route]}/api/v3"
    assert moved._http.base_url == "http://127.0.0.1:8787/api/v3"
    assert (limits.batch, limits.hold_s) == (100, 0.0)


def test_a_segment_asks_for_its_last_frame_and_a_shot_does_not() -> None:
    segment = submission(segment=1)

    assert segment.body["return_last_frame"] is True
    assert "return_last_frame" not in submission().body


def test_a_continued_clip_of_25_takes_its_own_ratio() -> None:
    new = {"model": "seedance-2.5", "mode": Mode.V2V, "needs": (JobId("fly/01"),)}
    provider = registry.offline("byteplus")
    wide = job("fly/02", **new, tier=Tier.STANDARD, ratio="16:9")

    assert "write `ratio: adaptive`" in "; ".join(map(str, provider.violations(wide)))
    assert provider.violations(replace(wide, ratio="adaptive")) == []
