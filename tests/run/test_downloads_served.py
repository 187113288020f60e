"""Downloads from a real server on loopback, through the whole stack."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedrender.errors import SeedrenderError
from seedrender.providers.results import Results
from seedrender.run.downloads import FLEETING, DownloadPlaces, download
from seedrender.values.job import MediaKind
from seedrender.values.provider import Block, Provider, Received, Resumable
from seedrender.values.task import RemoteFile
from tests.providers.cdn import DATE, Answer, Store
from tests.site import Site

CLIP = b"\0\0\0\x20ftypisom" + bytes(range(256)) * 40
OTHER = bytes(reversed(CLIP))


class Bare:
    """A route that offers no more than the protocol asks for."""

    def __init__(self, results: Results) -> None:
        self._results = results

    def retrieve(self, file: RemoteFile) -> AsyncGenerator[bytes, None]:
        return self._results.retrieve(file.url)


class Full(Bare):
    """A route that continues a download, too."""

    def retrieve_rest(self, file: RemoteFile, known: Received) -> AsyncGenerator[Block, None]:
        return self._results.retrieve_rest(file.url, known)


async def kept(store: Store, route: type[Bare], promised: int | None) -> bytes | None:
    """Return what is kept of a download that gets five fresh links; None: nothing."""
    site, out, links = Site(), io.BytesIO(), iter(range(5))
    site.answer = store.answer
    async with site.served() as base, Results(base) as results:
        file = RemoteFile(url=f"{base}/a.mp4", kind=MediaKind.VIDEO, size_bytes=promised)

        async def fresh(error: Exception) -> RemoteFile:
            if next(links, None) is None:
                raise error
            return file

        provider = cast("Provider", route(results))
        assert isinstance(provider, Resumable) is (route is Full)
        async with DownloadPlaces().place(lambda _: None) as place:
            try:
                found = await download(provider, file, out, place=place, fresh=fresh)
            except FLEETING:
                return None
    assert found.size_bytes == len(out.getvalue())
    return out.getvalue()


ANSWERS = st.builds(
    Answer,
    content=st.just(CLIP),
    tag=st.sampled_from(['"v1"', '"v1"', 'W/"v1"', None]),
    changed=st.sampled_from([None, DATE]),
    cut=st.one_of(st.none(), st.integers(0, len(CLIP) - 1)),
    heeds_range=st.booleans(),
    shift=st.sampled_from([0, 0, 1, -1, 500]),
    lie=st.sampled_from([0, 0, 1, -1]),
    encoding=st.sampled_from(["", "", "gzip", "deflate"]),
    status=st.sampled_from([200, 200, 200, 403, 404, 416, 503]),
)
OTHERS = st.builds(
    Answer,
    content=st.just(OTHER),
    tag=st.just('"v2"'),
    cut=st.one_of(st.none(), st.integers(0, len(OTHER) - 1)),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(ANSWERS, ANSWERS, OTHERS), min_size=1, max_size=8),
    st.sampled_from([Bare, Full]),
    st.sampled_from([None, len(CLIP)]),
)
def test_whatever_a_server_does_a_whole_file_is_kept_or_none(
    answers: list[Answer], route: type[Bare], promised: int | None
) -> None:
    try:
        found = asyncio.run(kept(Store(answers), route, promised))
    except SeedrenderError:  # one that no fresh link would help
        return

    assert found in (None, CLIP, OTHER)


@pytest.mark.parametrize("route", [Bare, Full])
def test_a_server_that_recovers_is_asked_until_the_clip_is_there(route: type[Bare]) -> None:
    cuts = [Answer(content=CLIP, cut=cut) for cut in (500, 0, 0, 0)]
    store = Store([*cuts, Answer(content=CLIP)])

    assert asyncio.run(kept(store, route, len(CLIP))) == CLIP
    assert ("bytes=500-" in store.ranges[-1]) is (route is Full)
