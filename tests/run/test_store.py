from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from seedrender.errors import LockCorruptError, LockError, LockHeldError
from seedrender.lock import lockfile
from seedrender.project.hold import journal_path
from seedrender.run.journal import Journal
from seedrender.run.store import Store, hold, read
from seedrender.values.entry import JobState, Lock
from seedrender.values.job import JobId
from tests.builders import entry, record

SPIN, FLY, OLD = JobId("spin"), JobId("fly"), JobId("old")


def lock_path(folder: Path) -> Path:
    return folder / "film.lock"


def test_what_was_noted_is_in_the_lock_after_the_run(tmp_path: Path) -> None:
    async def run() -> None:
        async with hold(lock_path(tmp_path), "film.yaml") as store:
            await store.append(entry("spin", record()))

    asyncio.run(run())

    assert read(lock_path(tmp_path), "film.yaml").entries == {"spin": entry("spin", record())}
    assert not journal_path(lock_path(tmp_path)).exists()


def test_what_was_noted_is_on_disk_at_once_and_many_share_a_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", synced.append)

    async def run() -> tuple[bytes, int]:
        async with hold(lock_path(tmp_path), "film.yaml") as store:
            events = [entry(f"shot{n}", record(f"c{n}")) for n in range(100)]
            synced.clear()
            async with asyncio.TaskGroup() as group:
                for event in events:
                    group.create_task(store.append(event))
            return journal_path(lock_path(tmp_path)).read_bytes(), len(synced)

    journal, syncs = asyncio.run(run())

    assert len(lockfile.loads_journal(journal, "j")) == 100
    assert syncs <= 2


def test_a_journal_left_by_a_crash_is_folded_in_even_with_a_torn_tail(tmp_path: Path) -> None:
    line = lockfile.journal_line(entry("spin", record(error="ö" * 40)))
    torn = line[: line.index("ö".encode()) + 1]  # within a character
    journal_path(lock_path(tmp_path)).write_bytes(b'{"journal": 1}\n' + line + torn)

    async def run() -> None:
        async with hold(lock_path(tmp_path), "film.yaml"):
            pass

    before = read(lock_path(tmp_path), "film.yaml")
    asyncio.run(run())

    assert before == read(lock_path(tmp_path), "film.yaml")
    assert [e.tasks[0].state for e in before.entries.values()] == [JobState.SUBMITTED]


def test_what_came_into_the_lockfile_during_a_run_is_kept(tmp_path: Path) -> None:
    async def run() -> None:
        async with hold(lock_path(tmp_path), "film.yaml") as store:
            await store.append(entry("spin", record("ours")))
            pulled = lockfile.entry_line(entry("spin", record("theirs")))
            lock_path(tmp_path).write_text('{"lock": 1, "manifest": "film.yaml"}\n' + pulled)

    asyncio.run(run())

    tasks = read(lock_path(tmp_path), "film.yaml").entries[entry("spin").job].tasks
    assert {task.correlation_id for task in tasks} == {"ours", "theirs"}


def test_a_lock_is_held_by_one_only(tmp_path: Path) -> None:
    async def run() -> None:
        path = lock_path(tmp_path)
        async with hold(path, "film.yaml"), hold(path, "film.yaml"):
            pass

    with pytest.raises(LockHeldError, match="held by another run: process"):
        asyncio.run(run())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(
            b'{"lock": 1, "manifest": "other.yaml"}\n', "belongs to other.yaml", id="other"
        ),
        pytest.param(b"\xff\xfe", "byte 0 is not UTF-8", id="no text"),
    ],
)
def test_a_lockfile_that_is_not_ours_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "other.yaml").touch()
    lock_path(tmp_path).write_bytes(content)

    with pytest.raises(LockCorruptError, match=words):
        read(lock_path(tmp_path), "film.yaml")


def test_a_lockfile_of_a_manifest_that_was_renamed_is_its_own(tmp_path: Path) -> None:
    lock_path(tmp_path).write_text('{"lock": 1, "manifest": "before.yaml"}\n')

    assert read(lock_path(tmp_path), "film.yaml").manifest == "film.yaml"


@pytest.mark.parametrize("has_its_own", [False, True])
def test_a_manifest_without_a_lockfile_begins_with_what_it_knew_under_its_name_before(
    tmp_path: Path, *, has_its_own: bool
) -> None:
    task = record("c1", JobState.FAILED, error="x")
    before = Lock(manifest="old.yaml", entries={JobId("a"): entry("a", task)})
    (tmp_path / "old.lock").write_text(lockfile.dumps(before))
    if has_its_own:
        lock_path(tmp_path).write_text('{"lock": 1, "manifest": "film.yaml"}\n')

    found = read(lock_path(tmp_path), "film.yaml")

    assert found.manifest == "film.yaml"
    assert [*found.entries] == ([] if has_its_own else ["a"])


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    async def run() -> None:
        async with hold(tmp_path / "missing" / "film.lock", "film.yaml"):
            pass

    with pytest.raises(LockError, match="nothing was sent"):
        asyncio.run(run())


def remove_journal(folder: Path) -> None:
    journal_path(lock_path(folder)).unlink()


def test_a_hold_that_is_lost_lets_no_request_leave_and_writes_the_lockfile_at_once(
    tmp_path: Path,
) -> None:
    async def run() -> tuple[Store, str]:
        async with hold(lock_path(tmp_path), "film.yaml") as store:
            await store.intend(SPIN, record("c1", JobState.SUBMITTING, task_id=None))
            remove_journal(tmp_path)
            await store.keep(entry("spin", record("c1")))
            at_once = lock_path(tmp_path).read_text()
            with pytest.raises(LockError, match="no further request is sent"):
                await store.intend(FLY, record("c2", JobState.SUBMITTING, task_id=None))
            await store.keep(entry("spin", record("c1", JobState.SUCCEEDED)))
            return store, at_once

    store, at_once = asyncio.run(run())

    assert '"task-c1"' in at_once
    assert read(lock_path(tmp_path), "film.yaml").entries == {
        "spin": entry("spin", record("c1", JobState.SUCCEEDED))
    }
    assert str(store.ending) == (
        "film.lock.journal was removed or replaced during the run: from then on nothing was "
        "bought, since another run could not see this one. film.lock has everything that happened, "
        "and nothing is lost: run again to go on"
    )


def test_an_intent_whose_hold_is_lost_while_it_is_written_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = Journal._put

    def and_remove(journal: Journal, data: bytes) -> None:
        put(journal, data)
        if b'"submitting"' in data:
            remove_journal(tmp_path)

    monkeypatch.setattr(Journal, "_put", and_remove)

    async def run() -> None:
        async with hold(lock_path(tmp_path), "film.yaml") as store:
            with pytest.raises(LockError, match=r"film\.lock\.journal was removed"):
                await store.intend(SPIN, record("c1", JobState.SUBMITTING, task_id=None))

    asyncio.run(run())

    assert read(lock_path(tmp_path), "film.yaml").entries[SPIN].tasks == ()


def test_a_run_that_ends_removes_no_journal_of_another(tmp_path: Path) -> None:
    async def run() -> None:
        async with hold(lock_path(tmp_path), "film.yaml"):
            remove_journal(tmp_path)
            journal_path(lock_path(tmp_path)).write_bytes(b"another's\n")

    asyncio.run(run())

    assert journal_path(lock_path(tmp_path)).read_bytes() == b"another's\n"


def garbage(path: Path) -> None:
    path.write_bytes(b"\x00\xff")


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def marked(path: Path) -> None:
    theirs = lockfile.entry_line(entry("fly", record("theirs")))
    path.write_text(f"<<<<<<< x\n{path.read_text()}=======\n{theirs}>>>>>>> y\n")


def newer(path: Path) -> None:
    path.write_text('{"lock": 2}\n')


def of_another(path: Path) -> None:
    path.with_name("other.yaml").touch()
    path.write_text('{"lock": 1, "manifest": "other.yaml"}\n')


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [garbage, emptied, marked, newer, of_another, a_folder])
def test_a_lockfile_that_becomes_unreadable_during_a_run_is_put_aside_and_costs_nothing(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    path = lock_path(tmp_path)
    path.write_text(
        lockfile.dumps(Lock(manifest="film.yaml", entries={OLD: entry("old", record("c0"))}))
    )

    async def run() -> list[str]:
        async with hold(path, "film.yaml") as store:
            await store.append(entry("spin", record("c1")))
            harm(path)
            harmed.append(path.read_bytes() if path.is_file() else b"")
        return store.notes

    harmed: list[bytes] = []
    (note,) = asyncio.run(run())

    found = read(path, "film.yaml").entries
    assert {"old", "spin"} <= found.keys()
    assert ("fly" in found) == (harm is marked)
    aside = tmp_path / "film.lock.aside-1"
    assert aside.is_dir() or aside.read_bytes() == harmed[0]
    assert "the file is kept as film.lock.aside-1, and film.lock has everything" in note
    assert not journal_path(path).exists()


def test_what_is_put_aside_never_takes_the_place_of_what_was_put_aside_before(
    tmp_path: Path,
) -> None:
    path = lock_path(tmp_path)

    async def run() -> None:
        async with hold(path, "film.yaml") as store:
            for text in (b"one", b"one", b"two"):
                await store.append(entry("spin", record(text.decode())))
                path.write_bytes(text)
                store.compact()

    asyncio.run(run())

    kept = sorted(tmp_path.glob("film.lock.aside-*"))
    assert [aside.read_bytes() for aside in kept] == [b"one", b"one", b"two"]


def test_what_can_neither_be_read_nor_put_aside_is_said_with_where_the_facts_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async def run() -> None:
        async with hold(lock_path(tmp_path), "film.yaml") as store:
            await store.append(entry("spin", record("c1")))
            garbage(lock_path(tmp_path))
            monkeypatch.setattr("os.rename", refused)
            monkeypatch.setattr("os.link", refused)

    with pytest.raises(LockError, match=r"what this run did is in film\.lock\.journal\.$"):
        asyncio.run(run())

    assert b"task-c1" in journal_path(lock_path(tmp_path)).read_bytes()


def test_that_purchases_cannot_be_remembered_is_said_once(tmp_path: Path) -> None:
    (tmp_path / ".seedrender" / "film.lock").mkdir(parents=True)

    async def run() -> list[str]:
        async with hold(lock_path(tmp_path), "film.yaml") as store:
            for name in ("c1", "c2"):
                await store.append(entry("spin", record(name, provider="ark")))
                store.compact()
        return store.notes

    (note,) = asyncio.run(run())

    assert note.startswith("What was bought is in the lockfile only: .seedrender/film.lock, which")


@pytest.mark.parametrize("is_news", [True, False])
def test_what_a_pull_brings_during_a_run_stops_the_buying(tmp_path: Path, *, is_news: bool) -> None:
    """Somebody else's task may be the one that is to be bought next; what we know is no news."""
    path = lock_path(tmp_path)

    async def run() -> None:
        async with hold(path, "film.yaml") as store:
            await store.append(entry("fly", record("c1")))
            pulled = entry("spin", record("theirs")) if is_news else entry("fly", record("c1"))
            lock = Lock(manifest="film.yaml", entries={pulled.job: pulled})
            path.write_text(lockfile.dumps(lock), "utf-8")
            await store.intend(SPIN, record("c2", JobState.SUBMITTING, task_id=None))

    if is_news:
        with pytest.raises(LockError, match=r"written by somebody else.*Run again"):
            asyncio.run(run())
    else:
        asyncio.run(run())

    known = {r.correlation_id for e in read(path, "film.yaml").entries.values() for r in e.tasks}
    assert known == ({"c1", "theirs"} if is_news else {"c1", "c2"})


def test_a_lockfile_that_is_gone_in_a_run_brings_no_news(tmp_path: Path) -> None:
    path = lock_path(tmp_path)

    async def run() -> None:
        async with hold(path, "film.yaml") as store:
            await store.append(entry("fly", record("c1")))
            path.unlink(missing_ok=True)
            await store.intend(SPIN, record("c2", JobState.SUBMITTING, task_id=None))

    asyncio.run(run())

    assert set(read(path, "film.yaml").entries) == {"fly", "spin"}
