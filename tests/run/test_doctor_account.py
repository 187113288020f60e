"""What the doctor says of an account, against servers on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web

from seedrender.catalog.models import catalog
from seedrender.providers.rate import ahead_s
from seedrender.run.doctor import Check, Grade
from seedrender.run.doctor_account import account
from seedrender.sim.app import SimSettings, serve
from tests.builders import T0
from tests.site import Site

KEY = "planted-key-8c1f"


async def looked(route: str, environ: Mapping[str, str]) -> dict[str, Check]:
    found = [check async for check in account(route, environ, None)]
    assert KEY not in str(found)
    return {check.name: check for check in found}


def simulated(route: str, settings: SimSettings, key: str = KEY) -> dict[str, Check]:
    async def work() -> dict[str, Check]:
        async with serve(settings) as base:
            ark = {"ARK_BASE_URL": f"{base}/api/v3", "ARK_API_KEY": key}
            return await looked(route, {"MODELLIX_BASE_URL": base, "MODELLIX_API_KEY": key, **ark})

    return asyncio.run(work())


def answered(
    answers: Mapping[str, Any], route: str = "modellix", **headers: str
) -> dict[str, Check]:
    """Look at a server that answers each path as told, and 404 elsewhere."""
    site = Site()

    async def answer(request: web.Request) -> web.StreamResponse:
        body: Any = answers.get(request.path)
        status = 404 if body is None else 200
        if isinstance(body, int):
            body, status = {"message": "no"}, body
        return web.json_response(body or {"message": "none"}, status=status, headers=headers)

    site.answer = answer

    async def work() -> dict[str, Check]:
        async with site.served() as base:
            ark = {"ARK_BASE_URL": base, "ARK_API_KEY": KEY}
            return await looked(route, {"MODELLIX_BASE_URL": base, "MODELLIX_API_KEY": KEY, **ark})

    return asyncio.run(work())


def modellix(**more: Any) -> dict[str, Any]:
    slugs = {v.slug for v in catalog("modellix").variants.values()}
    return {
        "/api/v1/apikey/validate": {"data": {"is_valid": True}},
        "/api/v1/team/balance": {"data": {"balance": 12.5}},
        "/api/v1/models": {"models": [{"slug": s, "type": "text-to-video"} for s in slugs]},
        **more,
    }


def test_an_account_that_is_right_is_said_to_be() -> None:
    found = simulated("modellix", SimSettings(speed=600))

    assert {check.grade for check in found.values()} == {Grade.OK}
    assert found["address"].found.endswith("(by MODELLIX_BASE_URL)")
    assert found["key"].found == "valid"
    assert found["credit"].found == "1000.00 USD"
    assert found["clock"].found == "as the server's"
    count = sum(v.ended is None for v in catalog("modellix").variants.values())
    assert found["models"].found == f"{count} of {count} known ones are offered"


def test_ark_answers_for_the_key_alone_and_that_is_said() -> None:
    found = simulated("byteplus", SimSettings(speed=600))

    assert found["key"].found == "valid: it lists tasks"
    assert found["credit"].found == "this route does not say: look at the provider's console"
    assert found["models"].found.startswith("this route lists none; the package's data are of ")


@pytest.mark.parametrize("route", ["modellix", "byteplus", "volcengine"])
def test_a_wrong_key_must_be_mended_and_nothing_more_is_asked(route: str) -> None:
    found = simulated(route, SimSettings(speed=600, key="another"))

    assert found["key"].grade is Grade.FAIL
    assert list(found) == ["address", "key"]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "MODELLIX_API_KEY is not set: the account was not asked"),
        (f"{KEY}\n", "ends with a line break"),
        (f"{KEY} {KEY}", "holds characters that no key has"),
        (f"{KEY}é", "holds characters that no key has"),
    ],
)
def test_a_key_that_cannot_be_one_is_told_without_a_request(key: str, words: str) -> None:
    environ = {"MODELLIX_API_KEY": key, "MODELLIX_BASE_URL": "http://127.0.0.1:9"}

    found = asyncio.run(looked("modellix", environ))

    assert found["key"].grade is Grade.FAIL
    assert words in found["key"].found


def test_a_host_that_is_not_safe_must_be_mended() -> None:
    found = asyncio.run(looked("modellix", {"MODELLIX_BASE_URL": "http://api.example.org"}))

    assert (found["host"].grade, found["host"].advice) == (
        Grade.FAIL,
        "correct MODELLIX_BASE_URL",
    )


def test_a_host_that_does_not_answer_is_said() -> None:
    environ = {"MODELLIX_API_KEY": KEY, "MODELLIX_BASE_URL": "http://127.0.0.1:9"}

    found = asyncio.run(looked("modellix", environ))

    assert found["host"].grade is Grade.FAIL
    assert "no answer from http://127.0.0.1:9" in found["host"].found
    assert "key" not in found


def test_a_proxy_that_is_not_understood_is_named_and_the_address_is_not_blamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")

    found = asyncio.run(looked("modellix", {"MODELLIX_API_KEY": KEY}))

    assert found["host"].found.startswith("ALL_PROXY names no proxy of the kind http://host:port")
    assert found["host"].advice == "mend the proxy first"


@pytest.mark.parametrize(
    ("off", "grade"),
    [
        (timedelta(minutes=-2), Grade.WARN),
        (timedelta(minutes=2), Grade.WARN),
        (timedelta(hours=1), Grade.FAIL),
        (timedelta(seconds=5), Grade.OK),
    ],
)
def test_a_clock_that_is_off_is_noticed(off: timedelta, grade: Grade) -> None:
    date = format_datetime(datetime.now(UTC) + off, usegmt=True)

    assert answered(modellix(), Date=date)["clock"].grade is grade


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Mon, 23 Nov 2026 10:00:00 GMT", -0.5),
        ("Mon, 23 Nov 2026 09:59:00 GMT", 59.5),
        ("", None),
        ("soon", None),
        ("Mon, 23 Nov 2026 10:00:00", None),
        ("Mon, 99 Nov 2026 10:00:00 GMT", None),
    ],
)
def test_how_far_a_clock_is_off_is_read_from_a_date(date: str, expected: float | None) -> None:
    assert ahead_s(date, T0) == expected


@pytest.mark.parametrize(
    ("balance", "grade", "words"),
    [
        ({"data": {"balance": 0}}, Grade.FAIL, "0.00 USD"),
        ({"data": {"balance": "12.3456"}}, Grade.OK, "12.3456 USD"),
        ({"data": {"balance": "NaN"}}, Grade.WARN, "no number"),
        ({"data": {"balance": "much"}}, Grade.WARN, "no number"),
        ({"data": {"balance": True}}, Grade.WARN, "names none"),
        ({"data": []}, Grade.WARN, "names none"),
        (503, Grade.WARN, "HTTP 503"),
    ],
)
def test_what_is_left_is_said_or_why_it_is_not_known(
    balance: Any, grade: Grade, words: str
) -> None:
    found = answered(modellix(**{"/api/v1/team/balance": balance}))

    assert found["credit"].grade is grade
    assert words in found["credit"].found


def test_models_that_came_and_went_are_named() -> None:
    slugs = sorted(v.slug for v in catalog("modellix").variants.values() if v.ended is None)
    rows = [{"slug": slug, "type": "image-to-video"} for slug in slugs[1:]]
    strange = [
        7,
        {"slug": 7, "type": "text-to-video"},
        {"slug": "x" * 999, "type": "text-to-video"},
    ]
    rows += [
        {"slug": "bytedance/seedance-9\x1b[2J", "type": "text-to-video"},
        {"slug": "a/voice", "type": "text-to-speech"},
    ]

    answers = modellix(**{"/api/v1/models": {"models": [*rows, *strange]}})
    site = answered(answers)

    assert "bytedance/seedance-9\\x1b[2J" in site["models"].found
    assert "voice" not in site["models"].found
    assert site["models"].grade is Grade.OK
    assert f"{len(slugs) - 1} of {len(slugs)} known ones are offered" in site["models"].found


@pytest.mark.parametrize("models", [{"models": 7}, {"data": {}}, 500])
def test_a_list_of_models_that_cannot_be_read_is_said(models: Any) -> None:
    assert answered(modellix(**{"/api/v1/models": models}))["models"].grade is Grade.WARN


def test_a_key_of_limited_rights_is_valid_for_the_models_that_it_names() -> None:
    site = Site()
    slug = next(iter(catalog("byteplus").variants.values())).slug

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.query.get("filter.model") == slug:
            return web.json_response({"items": [], "total": 0})
        body = {"error": {"code": "AccessDenied", "message": "not for this key"}}
        return web.json_response(body, status=403)

    site.answer = answer

    async def work() -> dict[str, Check]:
        async with site.served() as base:
            return await looked("byteplus", {"ARK_BASE_URL": base, "ARK_API_KEY": KEY})

    found = asyncio.run(work())

    assert found["key"].found == f"valid, of limited rights: {slug}"


def test_the_simulator_needs_no_account_and_no_network() -> None:
    assert list(asyncio.run(looked("sim", {}))) == ["account"]
