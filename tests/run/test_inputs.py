from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from seedrender.errors import ArtifactError, UnavailableError
from seedrender.run.files import Files
from seedrender.run.hosting import Link, PrefixHost, ProviderHost
from seedrender.run.inputs import Inputs
from seedrender.run.leftovers import Leftovers
from seedrender.run.store import Store, hold
from seedrender.values.entry import JobState
from seedrender.values.hosting import UrlPrefix
from seedrender.values.job import Job, JobId, MediaKind, Reference, ReferenceUse
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
        self.tidied = 0
        self._clock = clock

    async def lend(self, file: LocalFile) -> Link:
        self.lent.append(file.sha256)
        url = f"https://shop.example/{file.sha256}?n={len(self.lent)}"
        return Link(url=MediaUrl(url), lapses_at=self._clock() + timedelta(hours=2))

    async def take_back(self, link: Link) -> None:
        self.back.append(link.url)

    async def tidy(self) -> None:
        self.tidied += 1


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
        assert (room.shop.back, room.shop.tidied) == ([], 0)
        await store.append(entry("spin", record(state=JobState.FAILED)))
        await inputs.release(JobId("spin"))
        await inputs.tidy()

    room.run(work)

    assert len(room.shop.back) == 1
    assert room.shop.tidied == 1


def test_a_file_that_cannot_be_deleted_ends_nothing(room: Room) -> None:
    async def refused(_: Link) -> None:
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


class Kept(Scripted):
    """A provider that keeps files by name."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []

    async def upload(self, file: LocalFile) -> MediaUrl:
        del file
        self.kept.append(f"file-{len(self.kept) + 1}")
        return MediaUrl(f"https://kept.example/{self.kept[-1]}")

    def file_id(self, url: MediaUrl) -> str | None:
        return url.rpartition("/")[2]

    async def forget(self, file_id: str) -> None:
        self.kept.remove(file_id)


def test_the_run_after_a_crash_deletes_what_was_left(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    digest = hashlib.sha256(b"x").hexdigest()
    file = LocalFile(path=str(tmp_path / "a.mp4"), kind=MediaKind.VIDEO, sha256=digest)
    provider = Kept()
    notes = tmp_path / ".seedrender" / "uploads-scripted.json"

    asyncio.run(ProviderHost(provider, None, Leftovers(tmp_path, "scripted")).lend(file))
    left = list(provider.kept)
    text = notes.read_text()
    asyncio.run(ProviderHost(provider, None, Leftovers(tmp_path, "scripted")).tidy())

    assert (left, text) == (
        ["file-1"],
        '["file-1"]',
    )  # the address, which may be signed, is not noted
    assert provider.kept == []
    assert not notes.exists()


@pytest.mark.parametrize("text", ["", "{}", "[1]", "[" * 100_000, "\xff"])
def test_notes_that_are_not_ours_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / ".seedrender").mkdir()
    (tmp_path / ".seedrender" / "uploads-sim.json").write_bytes(text.encode("latin-1"))

    assert Leftovers(tmp_path, "sim").ids() == ()


def test_a_file_that_changed_since_it_was_hashed_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    file = LocalFile(path=str(tmp_path / "a.mp4"), kind=MediaKind.VIDEO, sha256="0" * 64)

    with pytest.raises(ArtifactError, match=r"a\.mp4 changed while the run went on"):
        asyncio.run(ProviderHost(Scripted()).lend(file))
