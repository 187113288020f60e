"""Results that come in pieces, encoded, without an end, or from a server that changes its mind."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from seedrender.errors import ArtifactError, NotFoundError, SeedrenderError, UnavailableError
from seedrender.providers import results as module
from seedrender.providers.results import Results
from seedrender.values.provider import Received, Version
from tests.providers.cdn import DATE, LATER, Answer, Store
from tests.site import Handler, Site

CLIP = bytes(range(256)) * 40
OTHER = bytes(reversed(CLIP))
WHOLE = Answer(content=CLIP)


def retrieved(*answers: Answer) -> tuple[bytes | SeedrenderError, Store]:
    """Return what one call of `retrieve` gives."""
    store, site = Store(list(answers)), Site()
    site.answer = store.answer

    async def work() -> bytes | SeedrenderError:
        async with site.served() as base, Results(base) as results:
            try:
                return b"".join([block async for block in results.retrieve(f"{base}/a.mp4")])
            except SeedrenderError as error:
                return error

    return asyncio.run(work()), store


def rest(known: Received, *answers: Answer) -> tuple[list[tuple[int, bytes]], Received, Store]:
    """Return the blocks of `retrieve_rest`, and what is known after them."""
    store, site = Store(list(answers)), Site()
    site.answer = store.answer

    async def work() -> tuple[list[tuple[int, bytes]], Received]:
        found, newest = [], known
        async with site.served() as base, Results(base) as results:
            async for at, data, version in results.retrieve_rest(f"{base}/a.mp4", known):
                found.append((at, data))
                newest = Received(size_bytes=at + len(data), version=version)
        return found, newest

    return *asyncio.run(work()), store


def fails(handler: Handler, match: str) -> Site:
    site = Site()
    site.answer = handler

    async def work() -> None:
        async with site.served() as base, Results(base) as results:
            with pytest.raises(ArtifactError, match=match):
                async for _ in results.retrieve(f"{base}/a.mp4"):
                    pass

    asyncio.run(work())
    return site


def test_a_clip_is_asked_for_as_it_is() -> None:
    found, store = retrieved(WHOLE)

    assert (found, store.encodings, store.ranges) == (CLIP, ["identity"], [""])


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_clip_that_comes_encoded_all_the_same_is_taken(encoding: str, *, chunked: bool) -> None:
    found, _ = retrieved(replace(WHOLE, encoding=encoding, chunked=chunked))

    assert found == CLIP


@pytest.mark.parametrize("chunked", [False, True])
def test_an_encoded_clip_that_is_cut_is_no_clip(*, chunked: bool) -> None:
    found, store = retrieved(replace(WHOLE, encoding="gzip", cut=100, chunked=chunked))

    assert isinstance(found, ArtifactError)
    assert store.ranges == [""]


def test_a_bomb_is_stopped_at_the_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CLIP_BYTES", 2**20)

    found, _ = retrieved(Answer(content=bytes(2**22), encoding="gzip"))

    assert isinstance(found, ArtifactError)
    assert "does not end" in str(found)


def test_a_length_beyond_the_largest_size_is_refused_before_a_byte_is_read() -> None:
    async def huge(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": str(4 * 2**30 + 1)})
        await answer.prepare(request)
        await asyncio.sleep(3600)
        return answer

    fails(huge, "the server announces 4294967297 bytes: more than 4 GiB are not downloaded")


@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_a_body_without_end_is_stopped(
    monkeypatch: pytest.MonkeyPatch, encoding: str | None
) -> None:
    monkeypatch.setattr(module, "MAX_CLIP_BYTES", 2**20)
    member = zlib.compressobj(wbits=31)
    block = member.compress(b"") + member.flush() if encoding else bytes(2**16)

    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Encoding": encoding} if encoding else {})
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        while True:
            await answer.write(block * 100)

    fails(endless, "does not end|more than 1000 gzip members")


@pytest.mark.parametrize(
    "named",
    [
        pytest.param({"tag": '"v1"'}, id="ETag"),
        pytest.param({"tag": None, "changed": DATE}, id="Last-Modified"),
    ],
)
def test_a_download_that_is_cut_goes_on_where_it_stopped(named: dict[str, str | None]) -> None:
    whole = replace(WHOLE, **named)  # type: ignore[arg-type]

    found, store = retrieved(replace(whole, cut=4000), replace(whole, cut=1000), whole)

    assert found == CLIP
    assert store.ranges == ["", "bytes=4000-", "bytes=5000-"]


def test_it_does_so_three_times_under_one_link() -> None:
    found, store = retrieved(replace(WHOLE, cut=100))

    assert str(found) == f"the download ended after 400 of {len(CLIP)} bytes"
    assert len(store.ranges) == 4


def test_it_does_not_where_nothing_arrives() -> None:
    found, store = retrieved(replace(WHOLE, cut=100), replace(WHOLE, cut=0))

    assert isinstance(found, ArtifactError)
    assert store.ranges == ["", "bytes=100-"]


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(replace(WHOLE, heeds_range=False), id="the whole again"),
        pytest.param(replace(WHOLE, shift=1), id="a part too late"),
        pytest.param(replace(WHOLE, shift=-1), id="a part too early"),
        pytest.param(replace(WHOLE, lie=1), id="another total"),
        pytest.param(replace(WHOLE, encoding="gzip"), id="encoded"),
        pytest.param(Answer(content=OTHER, tag='"v2"'), id="another file"),
        pytest.param(replace(WHOLE, heeds_range=False, status=416), id="no such range"),
    ],
)
def test_what_does_not_prove_that_it_is_the_rest_is_not_taken_for_it(second: Answer) -> None:
    plain, _ = retrieved(replace(WHOLE, cut=4000), second, WHOLE)
    blocks, _, store = rest(Received(), replace(WHOLE, cut=4000), second, WHOLE)

    wanted = OTHER if second.content == OTHER else CLIP
    begin = max(number for number, (at, _) in enumerate(blocks) if at == 0)
    assert str(plain) == "the download ended after 4000 bytes"
    assert b"".join(data for _, data in blocks[begin:]) == wanted
    assert store.ranges[:2] == ["", "bytes=4000-"]


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(replace(WHOLE, tag='W/"v1"'), id="weak tag"),
        pytest.param(replace(WHOLE, tag=None), id="no tag"),
        pytest.param(replace(WHOLE, tag=None, changed=LATER), id="changed just now"),
        pytest.param(replace(WHOLE, chunked=True), id="no length"),
        pytest.param(replace(WHOLE, encoding="gzip"), id="encoded"),
    ],
)
def test_a_file_that_nothing_names_is_not_continued(first: Answer) -> None:
    found, store = retrieved(replace(first, cut=100), WHOLE)

    assert isinstance(found, ArtifactError)
    assert store.ranges == [""]


def test_a_fresh_link_continues_what_another_one_began() -> None:
    known = Received(size_bytes=4000, version=Version(validator='"v1"', total_bytes=len(CLIP)))

    blocks, newest, store = rest(known, WHOLE)

    assert blocks[0][0] == 4000
    assert b"".join(data for _, data in blocks) == CLIP[4000:]
    assert newest == replace(known, size_bytes=len(CLIP))
    assert store.ranges == ["bytes=4000-"]


def test_a_part_that_is_longer_than_it_says_is_no_part_of_the_clip() -> None:
    async def long(request: web.Request) -> web.StreamResponse:
        asked = "Range" in request.headers
        answer = web.StreamResponse(status=206 if asked else 200, headers={"ETag": '"v1"'})
        if asked:
            answer.headers["Content-Range"] = "bytes 40-99/100"
            answer.enable_chunked_encoding()
        else:
            answer.content_length = 100
        await answer.prepare(request)
        await answer.write(bytes(70 if asked else 40))
        if not asked:
            assert request.transport is not None
            request.transport.close()
        return answer

    fails(long, "sends more than the 100 bytes")


def test_a_server_that_falls_silent_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TIMEOUT", aiohttp.ClientTimeout(sock_read=0.2))
    site = Site()

    async def silent(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"ETag": '"v1"', "Content-Length": "100"})
        await answer.prepare(request)
        await answer.write(bytes(40))
        await asyncio.sleep(3600)
        return answer

    site.answer = silent

    async def work() -> None:
        async with site.served() as base, Results(base) as results:
            with pytest.raises(UnavailableError, match="no answer from where a result is kept"):
                async for _ in results.retrieve(f"{base}/a.mp4"):
                    pass

    asyncio.run(work())

    assert site.asked == {"GET": 1}


def test_a_connection_that_breaks_where_no_length_was_said_is_a_cut() -> None:
    found, _ = retrieved(replace(WHOLE, chunked=True, cut=100))

    assert str(found) == "the download ended after 100 bytes"


def test_a_link_that_has_lapsed_meanwhile_is_said() -> None:
    found, _ = retrieved(replace(WHOLE, cut=100), Answer(content=b"", status=403))

    assert isinstance(found, NotFoundError)


def test_a_part_that_nobody_asked_for_is_no_clip() -> None:
    found, _ = retrieved(Answer(content=CLIP, status=206))

    assert isinstance(found, SeedrenderError)
