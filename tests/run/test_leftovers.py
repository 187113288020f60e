"""Files that a provider keeps for us, few as they are: what a lost answer and a crash leave there."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from seedrender.catalog.models import Uploads
from seedrender.errors import RateLimitedError
from seedrender.plan.outcome import Exit
from seedrender.run.hosting import ProviderHost
from seedrender.run.inputs import Inputs
from seedrender.run.leftovers import Leftovers
from seedrender.run.store import Store
from seedrender.values.entry import JobState
from seedrender.values.job import CorrelationId, Job, JobId, MediaKind, Reference, ReferenceUse
from seedrender.values.provider import LocalFile, MediaUrl
from tests.builders import job
from tests.run.test_executor import Film
from tests.scripted import Scripted

C1, C2 = CorrelationId("c1"), CorrelationId("c2")


def sealed(text: str) -> str:
    return hashlib.sha256(f"key {text}".encode()).hexdigest()


class Kept(Scripted):
    """A provider that keeps files by name, and no more than so many."""

    def __init__(self, places: int = 10) -> None:
        super().__init__()
        self.places = places
        self.kept: list[str] = []
        self.uploads = 0

    async def upload(self, file: LocalFile) -> MediaUrl:
        del file
        if len(self.kept) >= self.places:
            raise RateLimitedError("Rate limit exceeded: so many files are kept already")
        self.uploads += 1
        self.kept.append(f"file-{self.uploads}")
        return MediaUrl(f"https://kept.example/{self.kept[-1]}")

    def file_id(self, url: MediaUrl) -> str | None:
        return url.rpartition("/")[2]

    async def forget(self, file_id: str) -> None:
        self.kept.remove(file_id)

    def seal(self, text: str) -> str:
        return sealed(text)


@dataclass
class Hosted(Film):
    """Shots that each move like a clip of their own, which the provider is to keep."""

    kept: Kept = field(default_factory=Kept)

    def __post_init__(self) -> None:
        self.provider = self.kept
        for shot in self.jobs:
            (self.folder / f"{shot.id}.mp4").write_bytes(shot.id.encode())
        self.digests = {j.id: hashlib.sha256(j.id.encode()).hexdigest() for j in self.jobs}

    def inputs(self, store: Store) -> Inputs:
        notes = Leftovers(self.folder, "scripted-film", sealed)
        kept = Uploads(files=self.kept.places, max_bytes=10**6, parallel=2, keep_days=7)
        host = ProviderHost(self.kept, kept, notes)
        return Inputs(self.kept, store, self.files, self.digests, host=host)


def moves_like(name: str) -> Job:
    dance = Reference(name=name, kind=MediaKind.VIDEO, path=f"{name}.mp4")
    return job(name, references=(ReferenceUse(reference=dance),))


def local(folder: Path) -> LocalFile:
    (folder / "a.mp4").write_bytes(b"x")
    digest = hashlib.sha256(b"x").hexdigest()
    return LocalFile(path=str(folder / "a.mp4"), kind=MediaKind.VIDEO, sha256=digest)


def host(folder: Path, provider: Kept) -> ProviderHost:
    return ProviderHost(provider, None, Leftovers(folder, "scripted-film", sealed))


def test_an_answer_that_is_lost_again_and_again_takes_one_place(tmp_path: Path) -> None:
    film = Hosted(tmp_path, [moves_like("spin")], resubmit=(JobId("spin"),))
    runs = 12

    for _ in range(runs):
        film.provider.loses_answer_to("spin")
        film.run()
        assert film.state("spin") is JobState.UNKNOWN
        assert film.seconds < 2  # no waiting for places that are ours to give

    assert film.provider.attempts == ["spin"] * runs
    assert film.kept.kept == [f"file-{runs}"]  # which a task may read


def test_a_run_that_buys_nothing_sends_no_file(tmp_path: Path) -> None:
    film = Hosted(tmp_path, [moves_like("spin")])
    film.provider.loses_answer_to("spin")
    film.run()

    codes = [film.run() for _ in range(12)]

    assert set(codes) == {Exit.UNDECIDED}
    assert film.kept.uploads == 1


def test_files_of_unknown_tasks_leave_their_places_to_nobody_and_that_is_said_at_once(
    tmp_path: Path,
) -> None:
    film = Hosted(tmp_path, [moves_like("spin"), moves_like("opener")], kept=Kept(places=1))
    film.jobs, both = film.jobs[:1], film.jobs
    film.provider.loses_answer_to("spin")
    film.run()
    film.jobs = both

    code = film.run()

    assert (code, film.seconds < 1) == (Exit.UNDECIDED, True)
    assert any("all 1 files that the provider keeps are needed" in d for d in film.listener.details)
    assert film.provider.attempts == ["spin"]


def test_who_waits_for_the_place_of_an_earlier_task_gets_it_when_that_has_ended(
    tmp_path: Path,
) -> None:
    film = Hosted(tmp_path, [moves_like("spin"), moves_like("opener")], kept=Kept(places=1))
    film.jobs, both = film.jobs[:1], film.jobs
    film.stop_after_s = 5
    film.run()
    film.jobs, film.stop_after_s = both[::-1], None

    code = film.run()

    assert code is Exit.DONE
    assert "for a place among the 1 files that the provider keeps" in film.listener.details
    assert (film.provider.attempts, film.kept.kept) == (["spin", "opener"], [])
    assert film.seconds < 200


def test_a_provider_that_takes_no_file_is_heard_at_each_attempt(tmp_path: Path) -> None:
    film = Hosted(tmp_path, [moves_like("spin")], kept=Kept())
    film.kept.kept = [f"of another film {n}" for n in range(10)]

    code = film.run()

    assert code is Exit.FAILED
    assert sum("files are kept already" in detail for detail in film.listener.details) == 6
    assert film.provider.attempts == []


def test_the_run_after_a_crash_deletes_what_was_left(tmp_path: Path) -> None:
    provider = Kept()
    notes = tmp_path / ".seedrender" / "uploads-scripted-film.json"

    asyncio.run(host(tmp_path, provider).lend(local(tmp_path)))
    left, text = list(provider.kept), notes.read_text()
    asyncio.run(host(tmp_path, provider).tidy([C1], is_over=False))

    rows = '{"file-1": []}'  # not the address, which may be signed
    assert (left, json.loads(text)) == (
        ["file-1"],
        {"files": json.loads(rows), "seal": sealed(rows)},
    )
    assert provider.kept == []
    assert not notes.exists()


def test_what_a_live_task_was_given_stays_for_it_alone(tmp_path: Path) -> None:
    provider, file = Kept(), local(tmp_path)

    async def crashed() -> None:
        first = host(tmp_path, provider)
        first.use([await first.lend(file)], C1)
        first.use([await first.lend(file)], C2)

    asyncio.run(crashed())
    asyncio.run(host(tmp_path, provider).tidy([C2], is_over=False))

    assert provider.kept == ["file-2"]


class ByContent(Kept):
    """Names a file by its content: the same one for all who bring it."""

    async def upload(self, file: LocalFile) -> MediaUrl:
        self.kept = [f"file-{file.sha256[:4]}"]
        return MediaUrl(f"https://kept.example/{self.kept[0]}")


@pytest.mark.parametrize("name", ["film", "act2", "other/film"])  # whose task still needs it
def test_a_file_that_another_task_was_given_too_is_not_taken_back_from_it(
    tmp_path: Path, name: str
) -> None:
    provider, file = ByContent(), local(tmp_path)
    for folder in (".git", "other"):
        (tmp_path / folder).mkdir()

    def lender(of: str) -> ProviderHost:
        folder = tmp_path / Path(of).parent
        return ProviderHost(provider, None, Leftovers(folder, f"scripted-{Path(of).name}", sealed))

    async def run() -> list[list[str]]:
        earlier = lender(name)
        earlier.use([await earlier.lend(file)], C1)
        now = lender("film")
        link = await now.lend(file)
        now.use([link], C2)
        await now.take_back(link, {C1})
        kept = [list(provider.kept)]
        if name != "film":
            await lender(name).tidy([], is_over=False)  # once its own task has ended
        else:
            await now.take_back(link, set())
        return [*kept, list(provider.kept)]

    before, after = asyncio.run(run())

    assert (len(before), after) == (1, [])


def test_a_run_that_goes_on_keeps_what_it_has_not_sent_yet(tmp_path: Path) -> None:
    provider = Kept()

    async def run() -> list[str]:
        own = host(tmp_path, provider)
        await own.lend(local(tmp_path))
        await own.tidy([], is_over=False)
        meanwhile = list(provider.kept)
        await own.tidy([], is_over=True)
        return meanwhile

    assert asyncio.run(run()) == ["file-1"]
    assert provider.kept == []


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "[1]", '{"file-1": 1}', "[" * 100_000, "\xff", '{"file-1": []}'),
        '{"files": {"file-1": []}, "seal": "00"}',  # from who has not the key
        '{"files": {"file-1": []}, "seal": null}',
        '{"files": {"file-1": []}}',
        json.dumps({"files": ["file-1"], "seal": sealed('["file-1"]')}),
    ],
)
def test_notes_that_are_not_ours_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / ".seedrender").mkdir()
    (tmp_path / ".seedrender" / "uploads-sim.json").write_bytes(text.encode("latin-1"))

    assert Leftovers(tmp_path, "sim", sealed).earlier == {}
