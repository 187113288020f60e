from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from seedrender.errors import ArtifactError, UnavailableError
from seedrender.run.files import Files
from seedrender.run.hosting import Link, PrefixHost, ProviderHost
from seedrender.run.inputs import Inputs
from seedrender.run.store import Store, hold
from seedrender.values.entry import JobState
from seedrender.values.hosting import UrlPrefix
from seedrender.values.job import CorrelationId, Job, JobId, MediaKind, Reference, ReferenceUse
from seedrender.values.provider import LocalFile, MediaUrl
from tests.builders import T0, clip, entry, job, record
from tests.scripted import Scripted

T = TypeVar("T")


class Shop:
    """A host whose links live for two hours."""

    def __init__(self, clock: Callable[[], datetime], places: int | None = None) -> None:
        self.places = places
        self.lent: list[str] = []
        self.back: list[str] = []
        self.tidied: list[tuple[set[str], bool]] = []
        self.left: dict[str, list[CorrelationId]] = {}
        self._clock = clock

    async def lend(self, file: LocalFile) -> Link:
        self.lent.append(file.sha256)
        url = f"https://shop.example/{file.sha256}?n={len(self.lent)}"
        return Link(url=MediaUrl(url), lapses_at=self._clock() + timedelta(hours=2))

    async def take_back(self, link: Link, alive: Collection[CorrelationId] = ()) -> None:
        del alive
        self.back.append(link.url)

    def use(self, links: Collection[Link], submit: CorrelationId) -> None:
        pass

    async def tidy(self, alive: Collection[CorrelationId], *, is_over: bool) -> None:
        self.tidied.append((set(alive), is_over))


class Room:
    """A folder with one clip in it, and a clock that a test sets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = T0
        self.shop = Shop(lambda: self.now)
        self.content = b"a clip"
        (folder / "dance.mp4").write_bytes(self.content)
        self.sha256 = hashlib.sha256(self.content).hexdigest()

    def run(self, work: Callable[[Inputs, Store], Awaitable[T]]) -> T:
        async def held() -> T:
            async with hold(self.folder / "film.lock", "film.yaml") as store:
                files = Files(root=self.folder, output_dir="renders")
                digests = {"dance": self.sha256, "score": self.sha256}
                inputs = Inputs(
                    Scripted(), store, files, digests, host=self.shop, clock=lambda: self.now
                )
                return await work(inputs, store)

        return asyncio.run(held())


def dancing(name: str = "spin", *others: str) -> Job:
    uses = [
        ReferenceUse(reference=Reference(name=n, kind=MediaKind.VIDEO, path="dance.mp4"))
        for n in ("dance", *others)
    ]
    return job(name, references=tuple(uses))


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_a_content_goes_up_once_and_back_after_its_last_user(room: Room) -> None:
    async def work(inputs: Inputs, _: Store) -> None:
        first = await inputs.media(dancing("spin", "score"))
        second = await inputs.media(dancing("opener"))
        assert {*first.values()} == {*second.values()}
        await inputs.release(JobId("spin"))
        assert room.shop.back == []
        await inputs.release(JobId("opener"))
        await inputs.release(JobId("opener"))

    room.run(work)

    assert room.shop.lent == [room.sha256]
    assert room.shop.back == [f"https://shop.example/{room.sha256}?n=1"]


def test_a_link_that_would_lapse_before_the_job_ends_is_renewed(room: Room) -> None:
    async def work(inputs: Inputs, _: Store) -> list[str]:
        found = []
        for _hour in range(4):
            found.append((await inputs.media(dancing()))["dance"][-1])
            room.now += timedelta(minutes=50)  # an hour must be left
        return found

    assert room.run(work) == ["1", "1", "2", "2"]


def test_what_a_live_task_may_still_read_is_kept(room: Room) -> None:
    async def work(inputs: Inputs, store: Store) -> None:
        await inputs.media(dancing())
        await store.append(entry("spin", record(state=JobState.SUBMITTED)))
        await inputs.release(JobId("spin"))
        await inputs.tidy()
        assert room.shop.back == []
        await store.append(entry("spin", record(state=JobState.FAILED)))
        await inputs.release(JobId("spin"))
        await inputs.tidy(is_over=True)

    room.run(work)

    assert len(room.shop.back) == 1
    assert room.shop.tidied == [({"c1"}, False), (set(), True)]


def test_a_file_that_cannot_be_deleted_ends_nothing(room: Room) -> None:
    async def refused(*_: object) -> None:
        raise UnavailableError("down")

    room.shop.take_back = refused  # type: ignore[method-assign, assignment]

    async def work(inputs: Inputs, _: Store) -> None:
        await inputs.media(dancing())
        await inputs.release(JobId("spin"))

    room.run(work)


def test_a_clip_is_named_by_its_own_url_until_that_lapses(room: Room) -> None:
    (room.folder / "renders").mkdir()
    (room.folder / "renders" / "one.mp4").write_bytes(b"one")
    segment = job("fly/02", needs=(JobId("fly/01"),))
    url = "https://result.example/one.mp4?X-Amz-Date=20261123T100000Z&X-Amz-Expires=7200"

    async def work(inputs: Inputs, store: Store) -> list[str]:
        made = record(state=JobState.SUCCEEDED, provider="another route")
        await store.append(entry("fly/01", made, output=clip(path="renders/one.mp4")))
        inputs.remember(JobId("fly/01"), url)
        early = await inputs.media(segment)
        room.now += timedelta(minutes=90)
        return [early[JobId("fly/01")], (await inputs.media(segment))[JobId("fly/01")]]

    early, late = room.run(work)

    assert early == url
    assert late.startswith("https://shop.example/abab")


def test_an_address_of_the_user_is_that_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "a b.mp4").write_bytes(b"x")
    host = PrefixHost(UrlPrefix(url="https://media.example.org/film/"), tmp_path)
    digest = hashlib.sha256(b"x").hexdigest()
    file = LocalFile(path=str(tmp_path / "a b.mp4"), kind=MediaKind.VIDEO, sha256=digest)
    outside = LocalFile(path=str(tmp_path / ".." / "a.mp4"), kind=MediaKind.VIDEO, sha256=digest)

    link = asyncio.run(host.lend(file))

    assert link.url == "https://media.example.org/film/a%20b.mp4"
    with pytest.raises(ArtifactError):
        asyncio.run(host.lend(outside))


def test_a_file_that_changed_since_it_was_hashed_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    file = LocalFile(path=str(tmp_path / "a.mp4"), kind=MediaKind.VIDEO, sha256="0" * 64)

    with pytest.raises(ArtifactError, match=r"a\.mp4 changed while the run went on"):
        asyncio.run(ProviderHost(Scripted()).lend(file))
