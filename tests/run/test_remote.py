from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence

import pytest
from aiohttp import web

from seedrender.providers.addresses import Rules
from seedrender.run.remote import PARALLEL, Found, Remote, RemoteError
from seedrender.values.job import MediaKind
from tests.site import LOOPBACK, PNG, Handler, Site


def look(site: Site, path: str = "/a.png", *, rules: Rules = LOOPBACK) -> Found:
    async def work() -> Found:
        async with site.served() as base, Remote(rules, pauses_s=(0.0,)) as remote:
            return await remote.look(base + path)

    return asyncio.run(work())


def refusing(*methods: str, status: int) -> Handler:
    site = Site()

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.method in methods:
            return web.Response(status=status)
        return await site.picture(request)

    return answer


def redirecting(to: str) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        del request
        return web.Response(status=302, headers={"Location": to})

    return answer


def test_a_head_tells_type_and_size() -> None:
    site = Site()

    found = look(site)

    assert found == Found(kind=MediaKind.IMAGE, format="png", size_bytes=len(PNG), etag='"a"')
    assert site.asked == {"HEAD": 1}


@pytest.mark.parametrize("status", [403, 404, 405, 501])
def test_where_head_is_refused_the_first_bytes_are_asked_for(status: int) -> None:
    site = Site()
    site.answer = refusing("HEAD", status=status)

    assert look(site).size_bytes == len(PNG)
    assert site.asked == {"HEAD": 1, "GET": 1}


def test_of_a_file_that_can_be_read_in_parts_the_size_is_that_of_the_whole() -> None:
    async def parts(request: web.Request) -> web.StreamResponse:
        if request.method == "HEAD":
            return web.Response(status=405)
        assert request.headers["Range"] == "bytes=0-31"
        said = {
            "Content-Range": f"bytes 0-31/{len(PNG)}",
            "Content-Type": "application/octet-stream",
        }
        return web.Response(status=206, body=PNG[:32], headers=said)

    site = Site()
    site.answer = parts

    assert look(site) == Found(kind=MediaKind.IMAGE, format="png", size_bytes=len(PNG))


def test_the_bytes_tell_what_a_vague_type_does_not() -> None:
    async def vague(request: web.Request) -> web.StreamResponse:
        del request
        return web.Response(body=PNG, content_type="application/octet-stream")

    site = Site()
    site.answer = vague

    assert look(site).format == "png"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, r"there is nothing \(HTTP 404\)"),
        (403, "closed to us"),
        (503, "the server has trouble"),
        (418, "HTTP 418"),
    ],
)
def test_what_is_wrong_there_is_said(status: int, words: str) -> None:
    site = Site()
    site.answer = refusing("HEAD", "GET", status=status)

    with pytest.raises(RemoteError, match=words):
        look(site)


def test_trouble_is_looked_at_again() -> None:
    site = Site()

    async def once(request: web.Request) -> web.StreamResponse:
        if site.asked.total() <= 2:
            return web.Response(status=503)
        return await site.picture(request)

    site.answer = once

    assert look(site).format == "png"


def test_a_page_is_no_medium() -> None:
    async def page(request: web.Request) -> web.StreamResponse:
        del request
        return web.Response(text="<html>please log in</html>", content_type="text/html")

    site = Site()
    site.answer = page

    with pytest.raises(RemoteError, match="it is a page"):
        look(site)


@pytest.mark.parametrize(
    "to",
    [
        pytest.param("http://169.254.169.254/latest/meta-data/", id="metadata"),
        pytest.param("https://169.254.169.254/latest/meta-data/", id="metadata-over-https"),
        pytest.param("https://[::ffff:169.254.169.254]/", id="mapped"),
        pytest.param("https://2852039166/", id="decimal"),
        pytest.param("https://10.0.0.1/", id="private"),
        pytest.param("http://example.org/", id="not-https"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("//10.0.0.1/x", id="without-scheme"),
    ],
)
def test_a_redirect_leads_to_no_place_that_a_reference_could_not_name(to: str) -> None:
    site = Site()
    site.answer = redirecting(to)

    with pytest.raises(RemoteError):
        look(site)

    assert site.asked == {"HEAD": 1}


def test_redirects_end() -> None:
    site = Site()
    site.answer = redirecting("/again")

    with pytest.raises(RemoteError, match="more than 5 times"):
        look(site)

    assert site.asked == {"HEAD": 6, "GET": 6}


def test_an_allowed_redirect_is_followed() -> None:
    site = Site()

    async def moved(request: web.Request) -> web.StreamResponse:
        if request.path == "/old.png":
            return web.Response(status=301, headers={"Location": "/new%2Ba.png?sig=a%2Bb"})
        assert request.raw_path == "/new%2Ba.png?sig=a%2Bb"  # as it was written
        return await site.picture(request)

    site.answer = moved

    assert look(site, "/old.png").format == "png"


def test_a_name_that_leads_to_this_machine_is_not_connected_to() -> None:
    async def lookup(host: str) -> Sequence[str]:
        assert host == "rebound.example"
        return ["127.0.0.1"]

    async def work() -> None:
        site = Site()
        async with site.served() as base, Remote(Rules(), lookup, pauses_s=()) as remote:
            port = base.rpartition(":")[2]
            with pytest.raises(RemoteError, match=r"127\.0\.0\.1 is not a public address"):
                await remote.look(f"https://rebound.example:{port}/a.png")
        assert site.asked == {}

    asyncio.run(work())


def test_loopback_is_refused_unless_it_is_allowed() -> None:
    site = Site()

    with pytest.raises(RemoteError):
        look(site, rules=Rules())

    assert site.asked == {}


def test_so_many_looks_are_taken_at_once_and_no_more() -> None:
    async def work() -> int:
        site = Site()

        async def slow(request: web.Request) -> web.StreamResponse:
            await asyncio.sleep(0.01)
            return await site.picture(request)

        site.answer = slow
        async with site.served() as base, Remote(LOOPBACK) as remote, asyncio.TaskGroup() as group:
            for number in range(4 * PARALLEL):
                group.create_task(remote.look(f"{base}/{number}.png"))
        return site.most

    assert asyncio.run(work()) == PARALLEL


def test_a_url_is_looked_at_once_whatever_was_found() -> None:
    site = Site()
    site.answer = refusing("HEAD", "GET", status=404)

    async def work() -> list[BaseException | Found]:
        async with site.served() as base, Remote(LOOPBACK) as remote:
            looks = [remote.look(f"{base}/a.png") for _ in range(3)]
            return [await _caught(one) for one in looks]

    found = asyncio.run(work())

    assert [type(one) for one in found] == [RemoteError] * 3
    assert site.asked == {"HEAD": 1, "GET": 1}


async def _caught(work: Coroutine[None, None, Found]) -> BaseException | Found:
    try:
        return await work
    except RemoteError as error:
        return error


def test_no_key_and_no_cookie_goes_along() -> None:
    async def bare(request: web.Request) -> web.StreamResponse:
        assert not {"Authorization", "Cookie", "Referer"} & request.headers.keys()
        response = await Site().picture(request)
        response.headers["Set-Cookie"] = "a=b"
        return response

    site = Site()
    site.answer = bare

    assert look(site).format == "png"


@pytest.mark.parametrize("is_broken", [False, True], ids=["it lies", "it breaks off"])
def test_a_head_that_is_wrong_is_followed_by_a_look_at_the_bytes(*, is_broken: bool) -> None:
    site = Site()

    async def wrong(request: web.Request) -> web.StreamResponse:
        if request.method == "HEAD":
            if is_broken and request.transport is not None:
                request.transport.abort()
            return web.Response(content_type="text/html")
        return await site.picture(request)

    site.answer = wrong

    assert (look(site).format, site.asked["GET"]) == ("png", 1)
