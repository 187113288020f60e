"""What is remembered of purchases, and what happens where that cannot be read."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from seedrender.errors import LockCorruptError, LockError, LockVersionError
from seedrender.lock import fold, lockfile
from seedrender.lock.fingerprint import fingerprint
from seedrender.project.files import write_atomically
from seedrender.project.purchases import PurchaseLog
from seedrender.run.upkeep import merge_files
from seedrender.values.entry import JobState, Lock, LockEntry, Pin, TaskRecord
from seedrender.values.job import JobId
from tests.builders import T0, clip, entry, job, record

NAME = "film.yaml"
SPIN = job("spin")
WANTED = fingerprint(SPIN, {}, {})


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Type commands in the film's folder."""
    monkeypatch.chdir(tmp_path)


def write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")


def bought(name: str, state: JobState = JobState.SUCCEEDED, provider: str = "ark") -> TaskRecord:
    return record(name, state, provider=provider, fingerprint=WANTED)


def lock(*entries: LockEntry) -> Lock:
    return fold.fold(Lock(manifest=NAME), entries)


@pytest.fixture
def log(tmp_path: Path) -> PurchaseLog:
    return PurchaseLog(tmp_path / "film.lock")


def test_what_was_bought_is_remembered_with_its_clip_and_free_work_is_not(log: PurchaseLog) -> None:
    paid = entry("spin", bought("c1"), output=clip("c1"))

    said = log.keep(lock(paid, entry("free", bought("c2", provider="sim"))), write)

    assert said == ""
    assert log.read(NAME) == lock(paid)
    assert (log.path.parent / ".gitignore").read_text() == "*\n"


def test_what_a_lock_does_not_know_is_told_with_its_clip(log: PurchaseLog) -> None:
    known, unknown = bought("c1", JobState.SUBMITTED), bought("c2")
    failed, clips = bought("c3", JobState.FAILED), clip("c2")
    log.keep(lock(entry("spin", known, unknown, failed, output=clips)), write)

    here = entry("spin", known)
    assert log.unknown_to(lock(here)) == lock(entry("spin", unknown, failed, output=clips))
    assert log.unknown_to(lock(entry("spin", unknown))) == lock(entry("spin", known, failed))
    assert log.unknown_to(lock(entry("spin", known, unknown, failed))) == lock()


Harm = Callable[[Path], object]
HARMS = [
    pytest.param(lambda p: p.write_bytes(b"\xff{"), "byte 0 is not UTF-8", id="no text"),
    pytest.param(lambda p: p.write_bytes(b""), "is empty", id="empty"),
    pytest.param(lambda p: p.write_bytes(p.read_bytes()[:-9]), "film.lock:2: ", id="torn"),
    pytest.param(
        lambda p: p.write_text(p.read_text().replace("film.yaml", "x.yaml")),
        "belongs to x.yaml, not to film.yaml",
        id="another's",
    ),
]


@pytest.mark.parametrize(("harm", "words"), HARMS)
def test_a_memory_that_cannot_be_read_stops_buying_and_nothing_else(
    log: PurchaseLog, harm: Harm, words: str
) -> None:
    known = lock(entry("spin", bought("c1"), output=clip("c1")))
    log.keep(known, write)
    harm(log.path)
    (log.path.parents[1] / "x.yaml").touch()  # it is there: this is no rename
    harmed = log.path.read_bytes()

    with pytest.raises(LockCorruptError) as caught:
        log.check(lock())

    told = str(caught.value)
    assert words in told
    assert told.startswith(".seedrender/film.lock")
    assert "nothing was sent. `seedrender lock repair film.yaml` keeps every line" in told
    assert "delete" not in told
    assert "in the lockfile only" in log.keep(lock(entry("spin", bought("c9"))), write)
    assert log.path.read_bytes() == harmed


def test_a_memory_of_a_newer_program_asks_for_that_program(log: PurchaseLog) -> None:
    log.keep(lock(entry("spin", bought("c1"))), write)
    write(log.path, log.path.read_text().replace('"lock": 1', '"lock": 3'))

    with pytest.raises(LockError, match=r"\.seedrender/film\.lock has version 3 .* upgrade"):
        log.check(lock())


def test_a_memory_that_the_system_does_not_let_us_read_is_not_an_empty_one(
    log: PurchaseLog,
) -> None:
    log.path.mkdir(parents=True)

    with pytest.raises(LockError, match=r"cannot be read .* make it readable, nothing was sent"):
        log.check(lock())


def test_that_it_cannot_be_written_is_said_in_one_line(log: PurchaseLog) -> None:
    def full(_path: Path, _text: str) -> NoReturn:
        raise OSError(28, os.strerror(28))

    words = log.keep(lock(entry("spin", bought("c1"))), full)

    assert words == (
        "What was bought is in the lockfile only: .seedrender/film.lock cannot be written (No "
        "space left on device)"
    )


def test_what_a_person_took_out_is_forgotten_and_what_is_known_is_not_written_again(
    log: PurchaseLog,
) -> None:
    log.keep(lock(entry("spin", bought("c1")), entry("fly", bought("c2"))), write)
    before = log.path.stat()

    log.keep(lock(entry("spin", bought("c1"))), write)
    same = log.path.stat()
    log.keep(lock(), write, forgotten=["c2"])

    assert same == before
    assert log.read(NAME) == lock(entry("spin", bought("c1")))


def test_two_manifests_of_one_folder_remember_apart(tmp_path: Path) -> None:
    one, other = PurchaseLog(tmp_path / "a.lock"), PurchaseLog(tmp_path / "b.lock")
    one.keep(lock(entry("spin", bought("c1"))), write)
    other.keep(Lock(manifest="b.yaml"), write)

    assert other.read("b.yaml") == Lock(manifest="b.yaml")
    assert one.read(NAME) == lock(entry("spin", bought("c1")))


def test_a_later_word_about_a_clip_is_told_beside_it(log: PurchaseLog) -> None:
    here = entry("spin", bought("c1"), output=clip("c1"))
    pinned = replace(here, pin=Pin(is_on=True, at=T0))
    log.keep(lock(pinned), write)

    assert log.unknown_to(lock(here)) == lock(replace(pinned, tasks=()))
    assert log.unknown_to(lock(pinned)) == lock()


def test_where_a_clip_was_last_is_remembered_though_its_task_stands_on_another_line_again(
    log: PurchaseLog,
) -> None:
    """A lockfile that was taken back says where it was before."""
    before = clip("c1", "renders/s4.mp4")
    moved = replace(before, path="renders/s13.mp4", placed_at=T0 + timedelta(hours=1))
    log.keep(lock(entry("s13", bought("c1"), output=moved)), write)

    log.keep(lock(entry("s4", bought("c1"), output=before)), write)

    (now,) = log.read(NAME).entries.values()
    assert (now.job, now.output) == ("s4", moved)
    free = entry("b", record("c2"))
    placed = log.placed(lock(entry("s4", bought("c1"), output=before), free))
    assert placed == lock(entry("s4", bought("c1"), output=moved), free)


def test_a_lockfile_that_calls_a_paid_task_simulated_stops_buying(log: PurchaseLog) -> None:
    log.keep(lock(entry("spin", bought("c1"))), write)
    forged = replace(bought("c1"), provider="sim")

    path = log.path.parents[1] / "film.lock"
    path.write_text(lockfile.dumps(lock(entry("spin", forged))))
    with pytest.raises(LockError, match=r"spin that it was simulated, .* `seedrender lock merge"):
        log.check(lock(entry("spin", forged)))
    merge_files(path, NAME, [log.path])  # as it advises
    assert lockfile.loads(path.read_text(), NAME).entries["spin"].tasks == (bought("c1"),)  # type: ignore[index]
    log.check(lock(entry("spin", bought("c1")), entry("free", record("c2"))))
    assert fold.join(entry("spin", forged), entry("spin", bought("c1"))).tasks == (bought("c1"),)


def journal_of(path: Path, *events: LockEntry) -> None:
    header = b'{"journal": 1, "manifest": "film.yaml"}\n'
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(header + b"".join(map(lockfile.journal_line, events)))


def test_a_journal_has_a_second_name_until_all_that_it_has_is_kept(
    log: PurchaseLog, tmp_path: Path
) -> None:
    first = tmp_path / "film.lock.journal"
    journal_of(first, entry("spin", bought("c1")))

    said = log.follow(NAME, write), log.follow(NAME, write)
    with_both = log.read(NAME)
    (tmp_path / "renamed").write_bytes(first.read_bytes())
    first.unlink()
    alone = log.read(NAME)

    with (tmp_path / "renamed").open("rb") as another:
        log.forget_journal(another.fileno())
    assert (said, with_both, alone) == (("", ""), lock(), lock(entry("spin", bought("c1"))))
    with log.journal.open("rb") as same:
        log.forget_journal(same.fileno())
    assert not log.journal.exists()


def test_what_a_killed_run_left_is_kept_before_its_journal_gives_way(
    log: PurchaseLog, tmp_path: Path
) -> None:
    free, paid = entry("free", bought("c0", provider="sim")), entry("spin", bought("c1"))
    journal_of(log.journal, free, paid)
    journal_of(tmp_path / "film.lock.journal")

    said = log.follow(NAME, write)

    assert (said, log.read(NAME)) == ("", lock(paid))
    assert log.journal.samefile(tmp_path / "film.lock.journal")


def test_a_journal_that_cannot_be_taken_over_stays(log: PurchaseLog, tmp_path: Path) -> None:
    def full(_path: Path, _text: str) -> NoReturn:
        raise OSError(28, os.strerror(28))

    journal_of(log.journal, entry("spin", bought("c1")))
    journal_of(tmp_path / "film.lock.journal")

    words = log.follow(NAME, full)
    with log.journal.open("rb") as file:
        log.forget_journal(file.fileno())

    assert words.startswith("What was bought is in the lockfile only")
    assert log.read(NAME) == lock(entry("spin", bought("c1")))


def test_a_journal_that_was_left_and_is_damaged_stops_buying(log: PurchaseLog) -> None:
    journal_of(log.journal, entry("spin", bought("c1")))
    log.journal.write_bytes(log.journal.read_bytes().replace(b"task-c1", b"task-c2"))

    with pytest.raises(LockCorruptError, match=r"lock repair film\.yaml"):
        log.check(lock())


def test_a_journal_of_a_newer_program_asks_for_that_program(log: PurchaseLog) -> None:
    journal_of(log.journal, entry("spin", bought("c1")))
    log.journal.write_bytes(log.journal.read_bytes().replace(b'"journal": 1', b'"journal": 9'))

    with pytest.raises(LockVersionError, match="upgrade"):
        log.check(lock())


@pytest.mark.parametrize("state", [JobState.SUBMITTED, JobState.SUCCEEDED])
def test_a_quick_look_tells_whether_something_may_run(tmp_path: Path, state: JobState) -> None:
    log = PurchaseLog(tmp_path / "film.lock")
    assert not log.may_have_live()

    known = Lock(manifest=NAME, entries={JobId("a"): entry("a", bought("c1", state))})
    assert log.keep(known, write_atomically) == ""

    assert log.may_have_live() is (state is JobState.SUBMITTED)


@pytest.mark.parametrize("name", ["film.lock", "film.lock.journal"])
def test_what_another_project_remembers_is_not_read(tmp_path: Path, name: str) -> None:
    other = PurchaseLog(tmp_path / "other/film.lock")
    other.path.parent.mkdir(parents=True)
    assert other.keep(lock(entry("top", bought("c9"), output=clip("c9"))), write_atomically) == ""
    (tmp_path / "ours/.seedrender").mkdir(parents=True)
    (tmp_path / "ours/.seedrender" / name).symlink_to(other.path)
    log = PurchaseLog(tmp_path / "ours/film.lock")

    for reads in (lambda: log.read(NAME), log.may_have_live):
        with pytest.raises(LockError, match=f"{name} is a link that leads outside"):
            reads()
    assert "is a link that leads outside" in log.keep(lock(entry("a", bought("c1"))), write)


def test_a_folder_of_notes_that_leads_to_another_project_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/film.lock").write_text("{}")
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/.seedrender").symlink_to(tmp_path / "other")

    with pytest.raises(LockError, match="is a link that leads outside"):
        PurchaseLog(tmp_path / "ours/film.lock").read(NAME)
