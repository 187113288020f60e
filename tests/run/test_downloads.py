"""Files that are on their way: their pace, their places, their bounds, and what is kept of them."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import io
import os
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from typing import Any, BinaryIO, TypeVar, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedrender.errors import ArtifactError, NotFoundError, StorageError, UnavailableError
from seedrender.run import downloads
from seedrender.run.downloads import CostlyError, Downloaded, DownloadPlaces, Fresh, download
from seedrender.values.job import MediaKind
from seedrender.values.provider import Block, Provider, Received, Version
from seedrender.values.task import MAX_BYTES, RemoteFile
from tests import virtual
from tests.scripted import clip_bytes

T = TypeVar("T")
Step = bytes | float | Exception  # a block, a wait, what goes wrong
HEAD = b"\0\0\0\x20ftypisom" + bytes(20)
VERSION = Version(validator='"v1"', total_bytes=100)


class Plain:
    """A provider whose downloads do in turn as they are told."""

    def __init__(self, *downloads: Iterable[Step]) -> None:
        self._downloads = list(downloads)
        self.asked: list[str] = []

    async def retrieve(self, file: RemoteFile) -> AsyncGenerator[bytes, None]:
        self.asked.append(file.url)
        for step in self._downloads.pop(0):
            if isinstance(step, Exception):
                raise step
            if isinstance(step, bytes):
                yield step
            else:
                await asyncio.sleep(step)


class Resuming:
    """A provider that continues a download as it is told."""

    def __init__(self, *downloads: Iterable[Block | Exception]) -> None:
        self._downloads = list(downloads)
        self.known: list[Received] = []

    async def retrieve_rest(self, file: RemoteFile, known: Received) -> AsyncGenerator[Block, None]:
        del file
        self.known.append(known)
        for step in self._downloads.pop(0):
            if isinstance(step, Exception):
                raise step
            yield step


def remote(size_bytes: int | None = None, kind: MediaKind = MediaKind.VIDEO) -> RemoteFile:
    return RemoteFile(url="first", kind=kind, size_bytes=size_bytes)


class Links:
    """Gives fresh links, so many times."""

    def __init__(self, most: int = 5) -> None:
        self._most = most
        self.errors: list[str] = []

    async def fresh(self, error: Exception) -> RemoteFile:
        self.errors.append(str(error))
        if len(self.errors) > self._most:
            raise error
        return RemoteFile(url=f"fresh {len(self.errors)}", kind=MediaKind.VIDEO)


async def arriving(
    provider: Plain | Resuming,
    file: RemoteFile | None = None,
    *,
    out: BinaryIO | None = None,
    fresh: Fresh | None = None,
    says: Callable[[str], None] = lambda _: None,
    places: DownloadPlaces | None = None,
) -> tuple[Downloaded, bytes]:
    out = out or io.BytesIO()
    async with (places or DownloadPlaces()).place(says) as place:
        route = cast("Provider", provider)
        found = await download(route, file or remote(), out, place=place, fresh=fresh)
    return found, cast("io.BytesIO", out).getvalue()


def run(work: Coroutine[Any, Any, T]) -> T:
    return virtual.run(work)[0]


def drip(data: bytes, each: int, every_s: float) -> Iterable[Step]:
    for start in range(0, len(data), each):
        yield data[start : start + each]
        yield every_s


def test_what_arrives_is_written_and_digested() -> None:
    found, kept = run(arriving(Plain([b"one", b"", b"two"])))

    digest = hashlib.sha256(b"onetwo").hexdigest()
    assert (found, kept) == (Downloaded(sha256=digest, size_bytes=6), b"onetwo")


def test_a_file_without_a_byte_is_no_file() -> None:
    with pytest.raises(ArtifactError, match="not a byte arrived"):
        run(arriving(Plain([b""])))


def test_large_blocks_are_written_in_few_hops(monkeypatch: pytest.MonkeyPatch) -> None:
    hops = []

    async def counted(work: Callable[[list[bytes]], None], blocks: list[bytes]) -> None:
        hops.append(sum(map(len, blocks)))
        work(blocks)

    monkeypatch.setattr(asyncio, "to_thread", counted)
    found, _ = run(arriving(Plain([HEAD, *[bytes(2**16)] * 40])))

    assert sum(hops) == found.size_bytes == len(HEAD) + 40 * 2**16
    assert min(hops[:-1]) >= 2**18
    assert len(hops) == 3


def test_nothing_is_written_where_nothing_is_left_to_write() -> None:
    size_bytes = downloads._WRITE_BYTES

    found, kept = run(arriving(Plain([bytes(size_bytes)])))

    assert found.size_bytes == len(kept) == size_bytes


# The pace.


def test_a_download_that_drips_ends_after_a_minute_and_says_how_little_came() -> None:
    with pytest.raises(CostlyError, match="only 600 bytes in 60 s"):
        run(arriving(Plain(drip(clip_bytes(), 10, 1.0))))


def test_one_that_stalls_after_a_burst_ends_a_minute_later() -> None:
    async def work() -> float:
        with pytest.raises(CostlyError, match="only 0 bytes in 60 s"):
            await arriving(Plain([HEAD, bytes(10**6), 3600.0]))
        return asyncio.get_running_loop().time()

    assert 60 <= run(work()) <= 62


def test_one_that_never_begins_ends_after_a_minute() -> None:
    with pytest.raises(CostlyError, match="only 0 bytes in 60 s"):
        run(arriving(Plain([3600.0])))


def test_a_server_that_holds_back_byte_by_byte_is_left_at_once() -> None:
    async def work() -> float:
        with pytest.raises(CostlyError, match="only 8 bytes in 4 s"):
            await arriving(Plain(drip(clip_bytes(), 1, 0.5)))
        return asyncio.get_running_loop().time()

    assert run(work()) <= 5


@settings(max_examples=20)
@given(st.integers(1, 9), st.integers(0, 59))
def test_whoever_keeps_up_a_kilobyte_a_second_is_waited_for(rate_kb: int, stall_s: int) -> None:
    data = bytes(rate_kb * 1000 * 200)
    steps = [*drip(HEAD + data, 2100 * rate_kb, 2.0)]
    steps.insert(80, float(stall_s) if rate_kb > 1 and stall_s * 2 < 60 else 0.0)

    found, _ = run(arriving(Plain(steps)))

    assert found.size_bytes == len(HEAD + data)


@settings(max_examples=20)
@given(st.integers(0, 9_000_000), st.integers(1, 900))
def test_whoever_falls_below_it_is_left_within_a_minute_and_little_more(
    burst: int, rate: int
) -> None:
    async def work() -> float:
        with pytest.raises(CostlyError, match=r"only \d+ bytes in (60|4) s"):
            await arriving(Plain([HEAD, bytes(burst), *drip(bytes(900 * 70), rate, 1.0), 999.0]))
        return asyncio.get_running_loop().time()

    assert run(work()) <= 63


def test_a_slow_download_gets_a_fresh_link() -> None:
    links = Links()
    provider = Plain(drip(clip_bytes(), 10, 1.0), [clip_bytes()])

    _, kept = run(arriving(provider, fresh=links.fresh))

    assert kept == clip_bytes()
    assert links.errors == ["only 600 bytes in 60 s"]
    assert provider.asked == ["first", "fresh 1"]


def test_a_provider_that_breaks_off_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match=r"broke off: the connection broke"):
        run(arriving(Plain([b"one", ConnectionResetError()])))
    with pytest.raises(UnavailableError, match=r"broke off: it took too long"):
        run(arriving(Plain([b"one", TimeoutError()])))


# The places.


def test_clips_that_crawl_hold_up_nobody_and_say_so_once() -> None:
    said: list[str] = []

    async def work() -> tuple[float, int]:
        places, loop = DownloadPlaces(2, without=10), asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                crawl = arriving(
                    Plain(drip(HEAD * 9000, 9000, 1.0)), places=places, says=said.append
                )
                group.create_task(crawl)
            await asyncio.sleep(0)
            _, kept = await arriving(Plain([clip_bytes()]), places=places, says=said.append)
            return loop.time(), len(kept)

    at_s, size = run(work())

    assert size == len(clip_bytes())
    assert 10 <= at_s <= 16  # two, two, and one of the five crawled before it
    assert said == ["45000 bytes in 5 s"] * 5


def test_one_place_is_held_by_one_that_is_fast_enough() -> None:
    async def work() -> float:
        places, loop = DownloadPlaces(1), asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            fast = arriving(Plain(drip(HEAD * 20_000, 20_000, 1.0)), places=places)
            group.create_task(fast)
            await asyncio.sleep(0)
            await arriving(Plain([clip_bytes()]), places=places)
            return loop.time()

    assert run(work()) == pytest.approx(32.0)


def test_so_many_go_on_without_a_place_and_no_more() -> None:
    async def work() -> float:
        places, loop = DownloadPlaces(1, without=1), asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            for ends_s in (18, 60):
                crawl = drip(bytes(4000 * ends_s), 4000, 1.0)
                group.create_task(arriving(Plain([HEAD, *crawl]), places=places))
            await asyncio.sleep(0)
            await arriving(Plain([clip_bytes()]), places=places)
            return loop.time()

    assert run(work()) == pytest.approx(
        20.0
    )  # once the first has ended, the second goes on without


def test_a_place_is_free_while_a_fresh_link_is_waited_for_and_after_every_end() -> None:
    async def work() -> None:
        places = DownloadPlaces(1, without=0)

        async def fresh(error: Exception) -> RemoteFile:
            del error
            await asyncio.wait_for(arriving(Plain([clip_bytes()]), places=places), 1)
            return remote()

        await arriving(Plain([ArtifactError("cut")], [clip_bytes()]), places=places, fresh=fresh)
        with pytest.raises(NotFoundError):
            await arriving(Plain([NotFoundError("lapsed")]), places=places)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(arriving(Plain([50.0]), places=places), 30)
        await asyncio.wait_for(arriving(Plain([clip_bytes()]), places=places), 1)

    run(work())


def test_whoever_gives_up_waiting_for_a_place_takes_none() -> None:
    async def work() -> None:
        places = DownloadPlaces(1, without=0)
        async with places.place(lambda _: None):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(arriving(Plain([clip_bytes()]), places=places), 2)
        await asyncio.wait_for(arriving(Plain([clip_bytes()]), places=places), 1)

    run(work())


# The bounds.


def endless(head: bytes = b"") -> Iterable[Step]:
    yield head
    while True:
        yield bytes(2**20)


class Nowhere(io.BytesIO):
    """A file that forgets what is written, and knows how much that was at most."""

    def __init__(self) -> None:
        super().__init__()
        self.most = self._now = 0

    def write(self, data: Any, /) -> int:
        self._now += len(data)
        self.most = max(self.most, self._now)
        return len(data)

    def truncate(self, size: int | None = None, /) -> int:
        self._now = size or 0
        return self._now


@pytest.mark.parametrize(
    ("head", "file", "most", "words"),
    [
        pytest.param(b"", remote(), 64 * 2**20, "they are no medium", id="zeros"),
        pytest.param(HEAD, remote(kind=MediaKind.IMAGE), 64 * 2**20, "64 MiB", id="a picture"),
    ],
)
def test_a_body_without_end_is_stopped(
    head: bytes, file: RemoteFile, most: int, words: str
) -> None:
    out = Nowhere()

    with pytest.raises(ArtifactError, match=words):
        run(arriving(Plain(endless(head)), file, out=out))

    assert out.most <= most


def test_a_clip_is_stopped_at_the_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = cast("dict[MediaKind, int]", MAX_BYTES)
    assert limits[MediaKind.VIDEO] == 4 * 2**30
    monkeypatch.setitem(limits, MediaKind.VIDEO, 10**7)
    out = Nowhere()

    with pytest.raises(CostlyError, match="larger than 9 MiB"):
        run(arriving(Plain(endless(HEAD)), out=out))

    assert out.most <= 10**7


def test_a_promise_beyond_it_is_refused_before_anything_is_asked_for() -> None:
    provider = Plain()

    with pytest.raises(CostlyError, match="more than 4096 MiB"):
        run(arriving(provider, remote(10**400)))

    assert provider.asked == []


def test_so_is_what_the_server_announces() -> None:
    version = Version(validator='"v1"', total_bytes=5 * 2**30)

    with pytest.raises(CostlyError, match="larger than 4096 MiB"):
        run(arriving(Resuming([Block(0, HEAD, version)])))


@pytest.mark.parametrize("head", [b"\x1aE\xdf\xa3", b"GIF89a", b"RIFF0000AVI ", b"\0\0\0\x08moov"])
def test_a_large_file_of_a_kind_that_we_know_is_taken(
    monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr(downloads, "_UNKNOWN_BYTES", 10_000)

    assert run(arriving(Plain([head[:3], head[3:], bytes(20_000)])))[0].size_bytes > 20_000


def test_a_small_file_of_an_unknown_kind_is_taken() -> None:
    assert run(arriving(Plain([b"\x47" * 10**6])))[0].size_bytes == 10**6


def test_what_is_shorter_than_promised_is_not_taken_and_what_is_longer_is() -> None:
    with pytest.raises(ArtifactError, match="6 of 7 bytes"):
        run(arriving(Plain([b"onetwo"]), remote(7)))

    assert run(arriving(Plain([b"onetwo"]), remote(5)))[0].size_bytes == 6


# What is kept.


def test_a_retry_goes_on_where_the_one_before_stopped() -> None:
    data = HEAD + bytes(100 - len(HEAD))
    provider = Resuming(
        [Block(0, data[:40], VERSION), Block(40, data[40:60], VERSION), ArtifactError("cut")],
        [UnavailableError("no")],
        [Block(60, data[60:], VERSION)],
    )

    _, kept = run(arriving(provider, fresh=Links().fresh))

    assert kept == data
    assert [known.size_bytes for known in provider.known] == [0, 60, 60]


@pytest.mark.parametrize(
    "first",
    [
        pytest.param([Block(0, b"x" * 200), ArtifactError("cut")], id="of no version"),
        pytest.param([Block(0, b"x" * 40, VERSION), Block(50, b"y", VERSION)], id="out of place"),
        pytest.param([Block(0, b"x" * 40, VERSION)], id="ended early"),
        pytest.param([Block(0, b"x" * 120, VERSION)], id="too long"),
        pytest.param([Block(10, b"x" * 40, VERSION)], id="without its start"),
    ],
)
def test_what_cannot_be_continued_begins_anew(first: list[Block | Exception]) -> None:
    provider = Resuming(first, [Block(0, HEAD)])

    _, kept = run(arriving(provider, fresh=Links().fresh))

    assert kept == HEAD
    assert provider.known == [Received(), Received()]


def test_a_server_that_begins_anew_in_between_is_followed() -> None:
    other = Version(validator='"v2"', total_bytes=len(HEAD))
    blocks = [Block(0, b"x" * 40, VERSION), Block(0, HEAD[:9], other), Block(9, HEAD[9:], other)]

    found, kept = run(arriving(Resuming(blocks)))

    assert kept == HEAD
    assert found.sha256 == hashlib.sha256(HEAD).hexdigest()


def test_nothing_of_a_longer_file_before_stays_behind_a_shorter_one() -> None:
    provider = Plain([HEAD, bytes(3 * 2**20), ArtifactError("cut")], [b"short"])

    assert run(arriving(provider, fresh=Links().fresh))[1] == b"short"


def test_a_retry_that_brings_nothing_keeps_nothing() -> None:
    provider = Plain([b"one", ArtifactError("cut")], [])

    with pytest.raises(ArtifactError, match="not a byte arrived"):
        run(arriving(provider, fresh=Links(most=1).fresh))


def test_no_room_is_held_while_a_link_is_waited_for() -> None:
    out, sizes = io.BytesIO(), []

    async def fresh(error: Exception) -> RemoteFile:
        sizes.append(len(out.getvalue()))
        raise error

    with pytest.raises(CostlyError):
        run(arriving(Plain(endless()), out=out, fresh=fresh))

    assert sizes == [0]


def test_what_a_provider_does_with_its_buffer_afterwards_changes_nothing() -> None:
    class Thrifty(Plain):
        async def retrieve(self, file: RemoteFile) -> AsyncGenerator[bytes, None]:
            del file
            buffer = bytearray(3)
            for word in (b"one", b"two"):
                buffer[:] = word
                yield cast("bytes", buffer)

    assert run(arriving(Thrifty()))[1] == b"onetwo"


class Full(io.BytesIO):
    def write(self, data: Any, /) -> int:
        del data
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_no_reason_to_download_again() -> None:
    provider, links = Plain([clip_bytes()]), Links()

    with pytest.raises(StorageError, match=r"No space left on device.*nothing is paid again") as e:
        run(arriving(provider, out=Full(), fresh=links.fresh))

    assert e.value.exit_code == 4
    assert (provider.asked, links.errors) == (["first"], [])


def test_the_last_trouble_is_told_where_no_link_is_left() -> None:
    links = Links(most=1)

    with pytest.raises(NotFoundError, match="two"):
        run(arriving(Plain([NotFoundError("one")], [NotFoundError("two")]), fresh=links.fresh))


# Whatever a server does.

STEPS = st.one_of(
    st.integers(1, 99).map(lambda size: ("cut", size)),
    st.integers(1, 99).map(lambda size: ("void", size)),
    st.integers(0, 99).map(lambda at: ("gap", at)),
    st.sampled_from([("stall", 0), ("whole", 0), ("refuse", 0), ("other", 0), ("early", 0)]),
)


class Whimsical:
    """A provider that keeps the protocol, on a server that does anything."""

    def __init__(self, clip: bytes, whims: list[tuple[str, int]]) -> None:
        self._clip, self._whims = clip, whims

    async def retrieve_rest(self, file: RemoteFile, known: Received) -> AsyncGenerator[Block, None]:
        del file
        whim, number = self._whims.pop(0) if self._whims else ("whole", 0)
        version = Version(validator='"v1"', total_bytes=len(self._clip))
        at = known.size_bytes if known.version == version else 0
        if whim == "refuse":
            raise UnavailableError("no")
        if whim == "other":
            other = Version(validator='"v2"', total_bytes=50)
            yield Block(0, b"z" * 30, other)
            raise ArtifactError("cut")
        if whim == "void":
            yield Block(0, self._clip[:number])
            raise ArtifactError("cut")
        if whim == "gap":
            yield Block(number, self._clip[number:], version)
            if number not in (0, at):
                return
        end = at + number if whim == "cut" else len(self._clip)
        if whim not in ("early", "gap"):
            for start in range(at, min(end, len(self._clip)), 7):
                yield Block(start, self._clip[start : min(start + 7, end)], version)
        if whim == "stall":
            yield Block(0, self._clip[:5], version)
            await asyncio.sleep(1000)
        if whim == "cut":
            raise ArtifactError("cut")


@given(st.binary(min_size=100, max_size=100), st.lists(STEPS, max_size=12))
def test_what_is_kept_is_the_clip_or_nothing(clip: bytes, whims: list[tuple[str, int]]) -> None:
    provider = cast("Resuming", Whimsical(clip, [*whims]))

    async def work() -> tuple[Downloaded, bytes] | None:
        try:
            return await arriving(provider, fresh=Links().fresh)
        except (ArtifactError, UnavailableError):
            return None

    found = run(work())

    if found is not None:
        assert found[1] == clip
        assert found[0] == Downloaded(sha256=hashlib.sha256(clip).hexdigest(), size_bytes=100)
    elif len(whims) <= 5:
        pytest.fail("the sixth answer was the whole clip")
