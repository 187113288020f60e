from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from ipaddress import ip_network

import pytest
from aiohttp import web

from seedrender.errors import ArtifactError, ProtocolError, UnavailableError
from seedrender.providers.addresses import Network
from seedrender.providers.results import Results
from tests.site import Handler, Site

ROUTE = "https://api.route.example"


def redirecting(to: str) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        del request
        return web.Response(status=302, headers={"Location": to})

    return answer


async def fetched(
    url: str,
    base_url: str = ROUTE,
    *,
    allowed: Sequence[Network] = (),
    known: Mapping[str, Sequence[str]] | None = None,
) -> bytes:
    async def lookup(host: str) -> Sequence[str]:
        return (known or {})[host]

    async with Results(base_url, allowed=allowed, lookup=lookup) as results:
        return b"".join([block async for block in results.retrieve(url)])


@pytest.mark.parametrize(
    "to",
    [
        pytest.param("http://169.254.169.254/latest/meta-data/", id="metadata"),
        pytest.param("https://169.254.169.254/latest/meta-data/", id="metadata-over-https"),
        pytest.param("https://[::ffff:169.254.169.254]/", id="mapped"),
        pytest.param("https://[::ffff:a9fe:a9fe]/", id="mapped-in-hex"),
        pytest.param("https://[64:ff9b::169.254.169.254]/", id="nat64"),
        pytest.param("https://[fe80::1]/", id="link-local"),
        pytest.param("https://2852039166/", id="decimal"),
        pytest.param("https://0xa9fea9fe/", id="hexadecimal"),
        pytest.param("https://10.0.0.1/", id="private"),
        pytest.param("https://100.64.0.1/", id="carrier-nat"),
        pytest.param("http://example.org/a.mp4", id="not-https"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("//10.0.0.1/x", id="without-scheme"),
        pytest.param("https://user:secret@example.org/a.mp4", id="password"),
        pytest.param("https://example.org\\@10.0.0.1/a.mp4", id="backslash"),
        pytest.param("http://[::1/x.mp4?sig=a", id="open-bracket"),
        pytest.param("//[/x", id="open-bracket-without-scheme"),
    ],
)
def test_a_redirect_of_a_result_leads_into_no_private_network(to: str) -> None:
    site = Site()
    site.answer = redirecting(to)

    async def work() -> None:
        async with site.served() as base:
            with pytest.raises(ProtocolError, match="a result is not fetched") as caught:
                await fetched(f"{base}/a.mp4", base)
            assert "secret" not in str(caught.value)

    asyncio.run(work())

    assert site.asked == {"GET": 1}


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://127.0.0.1:{port}/a.mp4", id="loopback"),
        pytest.param("https://127.0.0.1:{port}/a.mp4", id="loopback-over-https"),
        pytest.param("https://localhost:{port}/a.mp4", id="its-name"),
        pytest.param("https://[::ffff:127.0.0.1]:{port}/a.mp4", id="mapped"),
        pytest.param("https://2130706433:{port}/a.mp4", id="decimal"),
        pytest.param("https://127.1:{port}/a.mp4", id="short"),
        pytest.param("https://rebound.example:{port}/a.mp4", id="a-name-that-leads-here"),
        pytest.param("https://mixed.example:{port}/a.mp4", id="a-name-that-leads-here-too"),
        pytest.param("https://api.route.example.:{port}/a.mp4", id="almost-the-routes-name"),
    ],
)
def test_a_paid_route_is_not_believed_that_its_results_are_on_this_machine(url: str) -> None:
    site = Site()
    known = {
        "localhost": ["127.0.0.1"],
        "rebound.example": ["127.0.0.1"],
        "mixed.example": ["93.184.216.34", "127.0.0.1"],
        "api.route.example.": ["127.0.0.1"],
    }

    async def work() -> None:
        async with site.served() as base:
            port = base.rpartition(":")[2]
            with pytest.raises(ProtocolError, match=r"not a public address|in disguise|not https"):
                await fetched(url.format(port=port), known=known)

    asyncio.run(work())

    assert site.asked == {}


def test_the_routes_own_host_may_be_in_a_private_network_and_serve_results() -> None:
    async def work() -> None:
        with pytest.raises(UnavailableError):  # it is connected to, and nobody is there
            await fetched(
                "https://gateway.example:9/a.mp4",
                "https://gateway.example:9",
                known={"gateway.example": ["127.0.0.1"]},
            )

    asyncio.run(work())


def test_a_person_may_allow_a_network() -> None:
    site = Site()

    async def work() -> bytes:
        async with site.served() as base:
            return await fetched(f"{base}/a.mp4", allowed=[ip_network("127.0.0.0/8")])

    assert asyncio.run(work())
    assert site.asked == {"GET": 1}


def test_a_simulator_on_this_machine_serves_its_results_and_its_redirects() -> None:
    site = Site()

    async def moved(request: web.Request) -> web.StreamResponse:
        if request.path == "/first.mp4":
            return web.Response(status=307, headers={"Location": "/second%2Ba.mp4?sig=a%2Bb c"})
        assert request.raw_path == "/second%2Ba.mp4?sig=a%2Bb%20c"
        return web.Response(body=b"clip")

    site.answer = moved

    async def work() -> bytes:
        async with site.served() as base:
            return await fetched(f"{base}/first.mp4", base)

    assert asyncio.run(work()) == b"clip"


def test_a_download_that_ends_early_is_said() -> None:
    site = Site()

    async def short(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "100"})
        await answer.prepare(request)
        await answer.write(b"x" * 40)
        assert request.transport is not None
        request.transport.close()
        return answer

    site.answer = short

    async def work() -> None:
        async with site.served() as base:
            await fetched(f"{base}/a.mp4", base)

    with pytest.raises(ArtifactError, match="ended after 40 of 100 bytes"):
        asyncio.run(work())
