from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from seedrender.errors import LockCorruptError, LockError, LockHeldError
from seedrender.lock import lockfile
from seedrender.run.store import hold, journal_path, read
from seedrender.values.entry import JobState
from tests.builders import entry, record


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
    monkeypatch.setattr("seedrender.run.store.os.fsync", synced.append)

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
    lock_path(tmp_path).write_bytes(content)

    with pytest.raises(LockCorruptError, match=words):
        read(lock_path(tmp_path), "film.yaml")


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    async def run() -> None:
        async with hold(tmp_path / "missing" / "film.lock", "film.yaml"):
            pass

    with pytest.raises(LockError, match="nothing was sent"):
        asyncio.run(run())
