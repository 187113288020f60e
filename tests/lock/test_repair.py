"""Each cut and each flipped bit of a small lockfile and journal, one after the other."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.errors import LockCorruptError, LockError, LockVersionError
from seedrender.lock import fold, lockfile
from seedrender.lock.repair import Damage, Outcome, Repaired, repair
from seedrender.values.entry import Fingerprint, JobState, Lock, LockEntry, TaskRecord
from seedrender.values.job import JobId
from seedrender.values.task import TaskId
from tests.builders import clip, entry, record
from tests.strategies import entries

JOBS = ("opener", "spin")
NAME = "film.lock"
WRONG_CHECKSUM = "this line is not as it was written (its checksum differs)"
JOURNAL_HEADER = b'{"journal": 1, "manifest": "film.yaml", "pid": 7, "host": "h"}\n'


def bought(name: str, state: JobState, **fields: object) -> TaskRecord:
    whole = Fingerprint(version=1, digest="sha256:aa", parts={"prompt": "A kite ö."})
    return record(name, state, fingerprint=whole, **fields)


LOCK = fold.fold(
    Lock(manifest="film.yaml"),
    [
        entry("opener", bought("c1", JobState.SUCCEEDED), output=clip("c1", "renders/opener.mp4")),
        entry("spin", record("c2", JobState.FAILED), bought("c3", JobState.SUBMITTED)),
    ],
)
LOCK_TEXT = lockfile.dumps(LOCK).encode()
EVENTS = [
    entry("spin", bought("c4", JobState.SUBMITTING, task_id=None)),
    entry("spin", bought("c4", JobState.SUBMITTED)),
    entry("opener", bought("c5", JobState.SUBMITTED)),
]
JOURNAL_TEXT = JOURNAL_HEADER + b"".join(map(lockfile.journal_line, EVENTS))


def repaired(lock: bytes | None = LOCK_TEXT, journal: bytes = b"") -> Repaired:
    return repair(lock, journal, manifest="film.yaml", name=NAME, jobs=JOBS)


def flips(text: bytes) -> Iterator[bytes]:
    for place in range(len(text)):
        for bit in range(8):
            changed = bytearray(text)
            changed[place] ^= 1 << bit
            yield bytes(changed)


def loads(text: bytes) -> Lock:
    try:
        return lockfile.loads(text.decode("utf-8"), NAME)
    except UnicodeDecodeError:
        raise LockCorruptError(NAME) from None  # as run.store says it


def is_never_bought_again(job: str, lock: Lock) -> bool:
    """Whether a task that may run is known, or at least that there may be one."""
    found = lock.entries.get(JobId(job))
    return found is not None and any(
        r.task_id or r.state is not JobState.FAILED for r in found.tasks
    )


def number_of_task_ids(lock: Lock) -> list[int]:
    return sorted(sum(1 for r in e.tasks if r.task_id) for e in lock.entries.values())


@pytest.mark.exhaustive
def test_no_flipped_bit_of_a_lockfile_makes_it_smaller() -> None:
    refused = 0
    for text in flips(LOCK_TEXT):
        try:
            found = loads(text)
        except LockError:
            refused += 1
            continue
        assert number_of_task_ids(found) == number_of_task_ids(LOCK), text

    assert refused > len(LOCK_TEXT)  # the rest are bits of texts, which git shows


def test_a_lockfile_that_was_cut_is_refused_but_for_ends_of_lines() -> None:
    for cut in range(1, len(LOCK_TEXT)):
        is_end = b"\n" in (LOCK_TEXT[cut - 1 : cut], LOCK_TEXT[cut : cut + 1])
        if is_end:
            loads(LOCK_TEXT[:cut])  # whole lines: git shows those that are missing
            continue
        with pytest.raises(LockError):
            loads(LOCK_TEXT[:cut])


@pytest.mark.exhaustive
def test_every_flipped_bit_of_a_journal_is_seen() -> None:
    whole = lockfile.loads_journal(JOURNAL_TEXT, "j")
    for text in flips(JOURNAL_TEXT):
        try:
            assert lockfile.loads_journal(text, "j") == whole, text
        except LockError:
            continue


@pytest.mark.exhaustive
def test_every_flipped_bit_of_a_journal_is_mended() -> None:
    whole = fold.fold(LOCK, EVENTS)
    for text in flips(JOURNAL_TEXT):
        try:
            found = repaired(journal=text)
        except LockVersionError:
            continue
        assert (found.lock, found.is_loss) == (whole, False), (text, found.damages)


@pytest.mark.exhaustive
def test_a_lockfile_with_a_flipped_bit_is_repaired_without_buying_again() -> None:
    for text in flips(LOCK_TEXT):
        try:
            loads(text)
        except LockError:
            pass
        else:
            continue
        try:
            found = repaired(text)
        except LockVersionError:
            continue
        except LockCorruptError as error:
            assert "belongs to" in str(error)  # noqa: PT017 - any other message is a failure
            continue
        lost = [d for d in found.damages if d.outcome is Outcome.LOST]
        assert found.damages, text
        if not lost:
            assert all(is_never_bought_again(job, found.lock) for job in JOBS), text
        kept = [r for e in found.lock.entries.values() for r in e.tasks]
        assert not any("\ufffd" in (r.task_id or "") for r in kept), text


def test_a_lockfile_that_was_cut_is_a_loss_or_whole_lines() -> None:
    for cut in range(len(LOCK_TEXT)):
        text = LOCK_TEXT[:cut]
        if cut and b"\n" in (LOCK_TEXT[cut - 1 : cut], LOCK_TEXT[cut : cut + 1]):
            continue
        found = repaired(text)
        assert found.is_loss, text
        done = max(text.count(b"\n") - 1, 0)
        assert all(is_never_bought_again(job, found.lock) for job in JOBS[:done])


def test_nothing_is_found_where_nothing_is_damaged() -> None:
    found = repaired(journal=JOURNAL_TEXT)

    assert found == Repaired(lock=fold.fold(LOCK, EVENTS), read=5, damages=())


def overwritten(line: bytes, at: bytes, length: int) -> bytes:
    place = line.index(at)
    return line[:place] + b"\x00" * length + line[place + length :]


def journal(*lines: bytes) -> bytes:
    return JOURNAL_HEADER + b"".join(lines)


def test_a_journal_line_that_is_told_by_another_one_is_not_missed() -> None:
    first, second, third = map(lockfile.journal_line, EVENTS)
    damaged = overwritten(second, b'"submitted_at"', 6)

    found = repaired(journal=journal(first, damaged, third))

    assert found.damages == (
        Damage(
            file=f"{NAME}.journal",
            line=3,
            wrong=WRONG_CHECKSUM,
            outcome=Outcome.KEPT,
            job=JobId("spin"),
            task_ids=("task-c4",),
        ),
    )
    state = fold.alive(found.lock.entries[JobId("spin")])
    assert JobState.SUBMITTING in {record.state for record in state}


def test_a_job_whose_line_cannot_be_read_is_unknown_and_its_task_id_is_kept_in_words() -> None:
    first, _, third = map(lockfile.journal_line, EVENTS)
    damaged = overwritten(third, b'"submitted_at"', 6)

    found = repaired(journal=journal(first, damaged))

    (damage,) = found.damages
    assert (damage.outcome, damage.job, damage.task_ids) == (
        Outcome.UNKNOWN,
        "opener",
        ("task-c5",),
    )
    (guess,) = fold.alive(found.lock.entries[JobId("opener")])
    assert (guess.is_guess, guess.task_id, guess.state) == (True, None, JobState.UNKNOWN)
    assert "its task may be task-c5" in str(guess.error)
    assert fold.alive(lockfile.loads(lockfile.dumps(found.lock), NAME).entries[JobId("opener")])


@pytest.mark.parametrize("at", [b"opener", b'{"job'])
def test_a_line_whose_job_cannot_be_read_is_a_loss(at: bytes) -> None:
    damaged = overwritten(lockfile.journal_line(EVENTS[2]), at, 8 if at == b'{"job' else 3)

    found = repaired(journal=journal(damaged))

    assert found.is_loss


def test_what_is_whole_in_a_line_of_the_lockfile_is_kept() -> None:
    text = LOCK_TEXT.replace(b'"task-c2", "fingerprint"', b'"task-c2", "fngerprnt"')

    found = repaired(text)

    (damage,) = found.damages
    assert (damage.outcome, damage.job) == (Outcome.UNKNOWN, "spin")
    assert damage.task_ids == ("task-c2", "task-c3")
    states = {r.task_id: r.state for r in found.lock.entries[JobId("spin")].tasks}
    assert states == {"task-c3": JobState.SUBMITTED, None: JobState.UNKNOWN}


def test_a_clip_survives_the_loss_of_its_fingerprint() -> None:
    text = LOCK_TEXT.replace(b'"version": 1', b'"version": ?', 1)

    found = repaired(text).lock.entries[JobId("opener")]

    assert TaskId("task-c1") in {r.task_id for r in found.tasks}
    assert fold.alive(found)


def test_a_lock_of_another_manifest_is_not_touched() -> None:
    with pytest.raises(LockCorruptError) as caught:
        repaired(b'{"lock": 1, "manifest": "other.yaml"}\n')

    assert str(caught.value) == (
        "film.lock belongs to 'other.yaml', not to film.yaml; nothing was changed. If the manifest "
        "was renamed, put its name in the first line"
    )


@pytest.mark.parametrize(
    ("lock", "journal", "name"),
    [
        pytest.param(b'{"lock": 3}\n', b"", "film.lock", id="a lock"),
        pytest.param(b'{"lock": 3, ?}\n{"job": "new"}\n', b"", "film.lock", id="a damaged header"),
        pytest.param(None, b'{"journal": 3}\n', "film.lock.journal", id="a journal"),
    ],
)
def test_what_a_newer_version_wrote_is_not_touched(
    lock: bytes | None, journal: bytes, name: str
) -> None:
    with pytest.raises(LockVersionError, match=f"^{name} has version 3 "):
        repaired(lock, journal)


def mended(line: int, wrong: str, *task_ids: str) -> Damage:
    outcome = Outcome.MENDED
    return Damage(file=NAME, line=line, wrong=wrong, outcome=outcome, task_ids=task_ids)


def test_ends_of_lines_that_were_flipped_are_ends_again() -> None:
    header, first, second, _ = LOCK_TEXT.split(b"\n")
    wrong = "the end of a line was flipped"

    inner = repaired(header + b"\n" + first + b"\x0b" + second + b"\n")
    last = repaired(header + b"\n" + first + b"\n" + second + b"\x8a")
    every = repaired(b"\x0b".join([header, first, second, b""]))

    assert inner.lock == last.lock == every.lock == LOCK
    assert inner.damages == (mended(2, wrong, "task-c1", "task-c2", "task-c3"),)
    assert last.damages == (mended(3, wrong, "task-c2", "task-c3"),)
    assert every.damages == (mended(1, wrong, "task-c1", "task-c2", "task-c3"),)


def test_a_header_that_does_not_say_its_version_is_written_anew() -> None:
    found = repaired(LOCK_TEXT.replace(b'{"lock": 1,', b'{"lock": "1",'))
    broken = repaired(LOCK_TEXT.replace(b'{"lock": 1,', b'{"lock": ?,'))

    assert found.lock == broken.lock == LOCK
    assert found.damages == (mended(1, "it does not say the lock's version"),)
    assert [(d.line, d.outcome) for d in broken.damages] == [(1, Outcome.MENDED)]


def test_a_lock_that_is_empty_is_a_loss_of_the_whole_file() -> None:
    assert repaired(b"").damages[-1] == Damage(
        file=NAME, line=1, wrong="the file is empty", outcome=Outcome.LOST
    )


def test_without_a_lockfile_the_journal_is_all_there_is() -> None:
    found = repaired(None, JOURNAL_TEXT)

    assert found == Repaired(lock=fold.fold(Lock(manifest="film.yaml"), EVENTS), read=3, damages=())


def test_a_lockfile_that_ends_within_a_line_says_what_is_wrong_and_what_is_missing() -> None:
    found = repaired(LOCK_TEXT[:-9])

    assert [(d.line, d.outcome, d.wrong.partition(" (")[0]) for d in found.damages] == [
        (3, Outcome.LOST, "it ends here, within a line: the rest is missing"),
        (3, Outcome.UNKNOWN, "this line is not JSON"),
    ]
    assert found.damages[0].task_ids == ()


@pytest.mark.parametrize("between", [b"<<<<<<< ours\n", b"\n", b'{"job": "other", "x": 1}\n'])
def test_what_stands_behind_a_strange_line_is_read(between: bytes) -> None:
    header, first, second, _ = LOCK_TEXT.split(b"\n")

    found = repaired(header + b"\n" + first + b"\n" + between + second + b"\n")

    assert found.lock == LOCK


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        (b'{"job": "x", "y": 1}', "unknown key 'y'"),
        (b'{"job": "\xff"}', "it is not UTF-8"),
        (b"[]", "this line is not a JSON object"),
    ],
)
def test_a_damaged_line_says_what_is_wrong_with_it(row: bytes, wrong: str) -> None:
    found = repaired(LOCK_TEXT + row + b"\n")

    assert [(d.line, d.wrong) for d in found.damages] == [(4, wrong)]


def test_a_line_of_the_lockfile_that_a_flipped_bit_parted_is_one_line() -> None:
    found = repaired(LOCK_TEXT.replace(b'"task-c2", "fin', b'"task-c2",\n"fin'))

    (damage,) = found.damages
    assert (damage.line, damage.job, damage.task_ids) == (3, "spin", ("task-c2", "task-c3"))


def test_damaged_lines_that_are_no_rest_of_another_are_each_told() -> None:
    header, first, second, _ = LOCK_TEXT.split(b"\n")
    lines = [first.replace(b'"job"', b'"jab"'), second.replace(b'"job"', b'"jab"')]

    found = repaired(b"\n".join([header, *lines, b""]), b"no line\n")

    assert [(d.file, d.line) for d in found.damages] == [
        (NAME, 2),
        (NAME, 3),
        (f"{NAME}.journal", 1),
    ]


def test_a_journals_first_line_that_is_no_header_is_not_taken_for_one() -> None:
    found = repaired(journal=b"{}\n" + lockfile.journal_line(EVENTS[0]))

    assert found.lock == fold.fold(LOCK, EVENTS[:1])
    assert [(d.line, d.wrong) for d in found.damages] == [(1, WRONG_CHECKSUM)]


def test_a_journal_without_a_header_is_mended_from_its_first_line() -> None:
    text = b"".join(map(lockfile.journal_line, EVENTS))

    found = repaired(journal=b"z" + text[1:])

    assert found.lock == fold.fold(LOCK, EVENTS)
    assert [(d.file, d.line, d.wrong, d.outcome) for d in found.damages] == [
        (f"{NAME}.journal", 1, "a bit of it was flipped", Outcome.MENDED)
    ]


@pytest.mark.parametrize("text", [b"", b"\n\n", b"\x00" * 4096, b"\xff\xfe", b"{", b"[]\n"])
def test_a_lockfile_of_which_nothing_is_left_is_a_loss(text: bytes) -> None:
    assert repaired(text).is_loss


@given(st.lists(st.just("spin").flatmap(entries), max_size=3), st.binary(max_size=60), st.data())
def test_no_bytes_make_anything_but_a_lock_error(
    some: list[LockEntry], noise: bytes, data: st.DataObject
) -> None:
    whole = JOURNAL_HEADER + b"".join(map(lockfile.journal_line, some))
    at = data.draw(st.integers(0, len(whole)))
    text = whole[:at] + noise + whole[at + data.draw(st.integers(0, len(noise))) :]
    try:
        found = repaired(text, text)
    except LockError:
        return

    assert lockfile.loads(lockfile.dumps(found.lock), NAME).manifest == "film.yaml"


POISONED = {"amount": "-0.5", "currency": "USD", "source": "provider"}


@pytest.mark.parametrize("job", ["spin", "gone-from-the-manifest"])
@pytest.mark.parametrize("file", ["lock", "journal"])
def test_an_odd_amount_costs_no_task_wherever_it_stands(file: str, job: str) -> None:
    whole = entry(job, bought("c7", JobState.SUCCEEDED))
    row = json.loads(lockfile.entry_line(whole))
    row["tasks"][0]["cost"] = POISONED
    line = json.dumps(row).encode()
    checked = b'%b, "crc32": "%08x"}' % (line[:-1], zlib.crc32(line))
    is_journal = file == "journal"

    found = repaired(
        LOCK_TEXT if is_journal else LOCK_TEXT + line + b"\n",
        journal(checked + b"\n") if is_journal else b"",
    )

    assert found.damages == ()  # the reader leaves the amount out by itself
    (task,) = whole.tasks
    left_out = replace(whole, tasks=(replace(task, unread={"cost": json.dumps(POISONED)}),))
    assert found.lock == fold.fold(LOCK, [left_out])
