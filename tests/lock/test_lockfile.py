from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.errors import LockCorruptError, LockError, LockVersionError
from seedrender.lock import fold, lockfile
from seedrender.values.entry import JobState, Lock, LockEntry
from seedrender.values.job import JobId
from seedrender.values.money import Amount, Quote
from tests.builders import clip, entry, record
from tests.strategies import entries

HEADER = '{"lock": 1, "manifest": "film.yaml"}\n'
JOURNAL = b'{"journal": 1, "manifest": "film.yaml"}\n'
OUTPUT = {
    "path": "a.mp4",
    "sha256": "ab" * 32,
    "size_bytes": 1,
    "duration_s": 1,
    "width": 1,
    "height": 1,
    "made_at": "2026-01-01T00:00:00Z",
    "made_by": "c",
}


def line(**fields: Any) -> str:
    task = {"correlation_id": "c", "fingerprint": "f", "state": "failed", **fields}
    return json.dumps({"job": "a", "provider": "sim", "tasks": [task]}) + "\n"


def output(**fields: Any) -> str:
    return json.dumps({"job": "a", "output": {**OUTPUT, **fields}}) + "\n"


def cost(amount: str) -> str:
    return line(cost={"amount": amount, "currency": "USD", "source": "x"})


def without_planned(found: LockEntry) -> LockEntry:
    return replace(found, tasks=tuple(r for r in found.tasks if r.state is not JobState.PLANNED))


def settled(found: LockEntry) -> LockEntry:
    """What is not written: submits that bought nothing, and trouble that is over."""
    made_by = found.output.made_by if found.output is not None else ""
    kept = [
        r if r.task_id is None else replace(r, account=None) for r in without_planned(found).tasks
    ]
    for at, r in enumerate(kept):
        if r.is_uncollected and (r.superseded is not None or r.correlation_id == made_by):
            kept[at] = replace(r, error=None)
    return replace(found, tasks=tuple(kept))


@given(st.lists(entries(), max_size=1), entries("opener"))
def test_what_is_written_is_read_again(some: list[LockEntry], other: LockEntry) -> None:
    lock = Lock(manifest="film.yaml", entries={e.job: e for e in (*some, other)})

    text = lockfile.dumps(lock)

    expected = {job: settled(e) for job, e in lock.entries.items()}
    assert lockfile.loads(text, "film.lock").entries == expected
    assert lockfile.dumps(lockfile.loads(text, "film.lock")) == text


@given(entries(), entries())
def test_two_lines_of_one_job_are_joined(one: LockEntry, other: LockEntry) -> None:
    lines = [lockfile.entry_line(e) for e in (one, other)]

    lock = lockfile.loads(HEADER + "".join(lines), "film.lock")

    joined = fold.join(without_planned(one), without_planned(other))
    assert lock.entries == {JobId("spin"): joined}


def test_the_file_is_sorted_json_lines_with_a_header_and_a_final_newline() -> None:
    lock = Lock(manifest="film.yaml", entries={})
    for name in ("spin@2", "spin", "opener"):
        lock = fold.fold(lock, [entry(name, record(f"c-{name}"))])

    lines = lockfile.dumps(lock).split("\n")

    assert lines[0] == '{"lock": 1, "manifest": "film.yaml"}'
    assert [json.loads(line)["job"] for line in lines[1:-1]] == ["opener", "spin", "spin@2"]
    assert lines[-1] == ""


def test_a_done_job_reads_as_the_contract_says() -> None:
    done = entry("spin", record(state=JobState.SUCCEEDED), output=clip())

    line = lockfile.entry_line(done)

    assert line == (
        '{"job": "spin", "state": "done", "provider": "sim", "tasks": [{"correlation_id": "c1", '
        '"task_id": "task-c1", "fingerprint": "sha256:aa", "state": "succeeded", '
        '"submitted_at": "2026-11-23T10:00:00Z"}], "output": {"path": "renders/spin.mp4", '
        f'"sha256": "{"ab" * 32}", "size_bytes": 1000, "duration_s": 5.0, "width": 864, '
        '"height": 496, "made_at": "2026-11-23T10:00:00Z", "made_by": "c1"}}\n'
    )


def test_an_estimate_keeps_its_high_end_where_it_is_another() -> None:
    one, two = (Amount(Decimal(value), "USD") for value in ("1", "2"))

    known = lockfile.entry_line(entry("a", record(estimate=Quote(expected=one, high=one))))
    open_ended = lockfile.entry_line(entry("a", record(estimate=Quote(expected=one, high=two))))
    unknown = lockfile.entry_line(entry("a", record(estimate=Quote(seconds=Decimal(5)))))

    assert '"estimate": {"amount": "1", "currency": "USD"}' in known
    assert '"estimate": {"amount": "1", "currency": "USD", "high": "2"}' in open_ended
    assert '"estimate": {"seconds": "5"}' in unknown


def test_a_submit_that_was_not_accepted_leaves_no_trace() -> None:
    refused = entry("spin", record(state=JobState.PLANNED, task_id=None))

    text = lockfile.dumps(Lock(manifest="film.yaml", entries={refused.job: refused}))

    assert "c1" not in text


@given(st.data())
def test_a_journal_cut_at_any_byte_loads_what_was_whole(data: st.DataObject) -> None:
    events = [entry("spin", record(f"c{n}")) for n in range(3)]
    text = JOURNAL + b"".join(map(lockfile.journal_line, events))
    cut = data.draw(st.integers(0, len(text)))

    found = lockfile.loads_journal(text[:cut], "film.lock.journal")

    whole = text[: cut + 1].count(b"\n") - 1  # a line that lacks nothing but its end is whole
    assert list(found) == events[: max(whole, 0)]


@given(st.text() | st.lists(st.sampled_from(["{", "}", '"job"', ":", "1", "\n", "["])).map("".join))
def test_no_text_makes_anything_but_a_lock_error(text: str) -> None:
    with suppress(LockError):
        lockfile.loads(HEADER + text, "film.lock")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "film.lock is empty", id="empty"),
        pytest.param("[]\n", "not a JSON object", id="no object"),
        pytest.param('{"journal": 1}\n', "the first line is not", id="no header"),
        pytest.param(HEADER + "<<<<<<< ours\n", "conflict markers", id="a conflict"),
        pytest.param(HEADER + '{"job": "a", "new": 1}\n', "unknown key 'new'", id="a new key"),
        pytest.param(HEADER + '{"job": 7}\n', "7 is not a text", id="a wrong type"),
        pytest.param(HEADER + output(size_bytes=True), "True is not a whole", id="a boolean"),
        pytest.param(HEADER + '{"job": "a", "tasks": [{}]}\n', "correlation_id", id="no id"),
        pytest.param(HEADER + '{"job": "a", "tasks": 7}\n', "7 is not a list", id="no list"),
        pytest.param(HEADER + '{"job": "a", "tasks": [7]}\n', "7 is not an object", id="no task"),
        pytest.param(HEADER + '{"job": "a", "job": "b"}\n', "a key stands in it twice", id="twice"),
        pytest.param(HEADER + '{"job": "a", "state": "dome"}\n', "'dome'", id="no state"),
        pytest.param(HEADER + line(tesk_id="x"), "unknown key 'tesk_id'", id="a key of a task"),
        pytest.param(HEADER + line(state="done"), "never 'done'", id="a task that is done"),
        pytest.param(HEADER + line(error="\ud800"), "half a character", id="half a character"),
        pytest.param(HEADER + output(sha256="ab"), "no sha256", id="a short sha256"),
        pytest.param(HEADER + output(duration_s=10**400), "too large", id="huge"),
        pytest.param(HEADER + output(path="a\0b"), "is no path", id="NUL"),
        pytest.param(HEADER + output(path="../a"), "leads out", id="outside"),
        pytest.param(
            HEADER + '{"job": "a", "output": {"size_bytes": 1e400}}\n', "too large", id="1e400"
        ),
        pytest.param(HEADER + '{"job": "a", "output": NaN}\n', "NaN is not a number", id="no NaN"),
        pytest.param(HEADER + "[" * 100_000 + "\n", "not JSON", id="deep"),
        pytest.param(
            HEADER
            + '{"job": "a", "fingerprint": {"version": 1, "digest": "d", "parts": {"a": '
            + "[" * 50
            + "]" * 50
            + "}}}\n",
            "lie too deep",
            id="deep parts",
        ),
        pytest.param(
            HEADER + HEADER.replace("film", "other"), "of two manifests", id="two manifests"
        ),
        pytest.param('{"lock": true}\n', "the first line is not", id="no version"),
    ],
)
def test_a_damaged_file_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(LockCorruptError, match=r"film\.lock") as caught:
        lockfile.loads(text, "film.lock")

    assert words in str(caught.value)


@pytest.mark.parametrize("amount", ["0" * 40, "1e-40", "999999999999"])
def test_any_amount_within_reason_is_read(amount: str) -> None:
    (task,) = lockfile.loads(HEADER + cost(amount), "film.lock").entries[JobId("a")].tasks

    assert task.cost is not None
    assert task.cost.amount.value == Decimal(amount)


ADVICE = (
    "; nothing was sent and nothing changed. `seedrender lock repair` with the manifest's name "
    "keeps every line that can be read, and says what it keeps"
)


def test_a_damaged_line_is_told_with_its_place_and_a_way_out() -> None:
    with pytest.raises(LockCorruptError) as caught:
        lockfile.loads(HEADER + '{"job": "a", "x": 1}\n', "film.lock")

    assert str(caught.value) == f"film.lock:2: unknown key 'x'{ADVICE}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(
            "",
            f"film.lock is empty{ADVICE}",
            id="empty",
        ),
        pytest.param(
            HEADER + "\n=======\n",
            "film.lock:3: a merge left its conflict markers here; `seedrender lock merge` with the "
            "manifest's name joins the two sides: every task id is kept",
            id="a conflict",
        ),
        pytest.param(
            HEADER + HEADER + HEADER.replace("film", "other"),
            f"film.lock:3: it is the lock of two manifests: ['film.yaml', 'other.yaml']{ADVICE}",
            id="two manifests",
        ),
        pytest.param(
            HEADER + "\n[]\n", f"film.lock:3: this line is not a JSON object{ADVICE}", id="a list"
        ),
        pytest.param(
            '{"job": "a"}\n',
            f'film.lock:1: the first line is not {{"lock": 1, …}}{ADVICE}',
            id="no header",
        ),
    ],
)
def test_a_lockfile_that_cannot_be_trusted_says_where_and_what_to_do(text: str, words: str) -> None:
    with pytest.raises(LockCorruptError) as caught:
        lockfile.loads(text, "film.lock")

    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[]\n", "^film.lock.journal:1: this line is not a JSON object; "),
        (bytes(500), "^film.lock.journal:1: "),
        (b"\xffgarbage", "^film.lock.journal:1: "),
        (JOURNAL + bytes(500), "^film.lock.journal:2: "),
        (JOURNAL + b'{"job": "a"' + bytes(50), "^film.lock.journal:2: "),
        (JOURNAL + b'{"journal": 1', "^film.lock.journal:2: "),
        (b'{"journal": 0}\n', '^film.lock.journal:1: the first line is not {"journal": 1, …}; '),
        (JOURNAL + b"\n{}\n", "^film.lock.journal:3: this line is not as it was written"),
    ],
)
def test_a_journal_that_cannot_be_trusted_says_where(data: bytes, words: str) -> None:
    with pytest.raises(LockCorruptError, match=words):
        lockfile.loads_journal(data, "film.lock.journal")


def test_a_header_may_be_without_a_manifest_as_old_ones_are() -> None:
    assert lockfile.loads('{"lock": 1}\n', "film.lock").manifest == ""


def test_lines_of_a_journal_are_numbered_as_an_editor_does() -> None:
    line = lockfile.journal_line(entry("a"))[:-1]

    assert list(lockfile.journal_lines(b"x\n\ny\n" + line)) == [(1, b"x"), (3, b"y"), (4, line)]
    assert list(lockfile.journal_lines(b"x\n" + line[:-1])) == [(1, b"x")]


@pytest.mark.parametrize("damage", [(b'"a"', b'"b"'), (b"crc32", b"crc_3"), (b"}", b"")])
def test_a_journals_line_that_is_not_as_it_was_written_is_refused(
    damage: tuple[bytes, bytes],
) -> None:
    line = lockfile.journal_line(entry("a")).replace(*damage)

    with pytest.raises(LockCorruptError) as caught:
        lockfile.loads_journal(JOURNAL + line, "film.lock.journal")

    assert str(caught.value) == (
        "film.lock.journal:2: this line is not as it was written (its checksum differs)" + ADVICE
    )


def test_a_journal_of_a_manifest_whose_name_nobody_can_read_is_read() -> None:
    header = JOURNAL.replace(b"film", b"\xff")

    assert lockfile.loads_journal(header + lockfile.journal_line(entry("a")), "j") == (entry("a"),)


def test_empty_lines_of_a_journal_are_no_lines() -> None:
    found = lockfile.loads_journal(JOURNAL + b"\n \n" + lockfile.journal_line(entry("a")), "j")

    assert found == (entry("a"),)


@given(st.lists(entries() | entries("opener"), max_size=4), st.data())
def test_reading_is_a_join_lines_may_be_reordered_and_repeated(
    some: list[LockEntry], data: st.DataObject
) -> None:
    lines = [HEADER, *(lockfile.entry_line(e) for e in some)]
    again = data.draw(st.lists(st.sampled_from(lines), max_size=3))
    shuffled = data.draw(st.permutations([*lines, *again]))

    found = lockfile.loads("".join(shuffled), "film.lock")

    assert found == lockfile.loads("".join(lines), "film.lock")


@given(st.lists(entries(), max_size=3), st.data())
def test_a_journal_may_be_reordered_and_repeated(
    some: list[LockEntry], data: st.DataObject
) -> None:
    lines = [lockfile.journal_line(e) for e in some]
    again = data.draw(st.permutations([*lines, *lines]))

    found = lockfile.loads_journal(JOURNAL + b"".join(again), "film.lock.journal")

    lock = Lock(manifest="film.yaml")
    assert fold.fold(lock, found) == fold.fold(lock, some)


@given(st.text(st.characters()))
def test_any_words_of_a_provider_are_written_and_read(words: str) -> None:
    told = entry("spin", record(error=words))

    (found,) = lockfile.loads_journal(JOURNAL + lockfile.journal_line(told), "j")

    halves = [c for c in words if "\ud800" <= c <= "\udfff"]
    assert (found == told) == (not halves)


def test_a_newer_version_is_refused_by_name() -> None:
    with pytest.raises(LockVersionError) as caught:
        lockfile.loads('{"lock": 3}\n', "film.lock")
    with pytest.raises(LockVersionError, match=r"^j has version 3 "):
        lockfile.loads_journal(b'{"journal": 3}\n', "j")

    assert str(caught.value) == (
        "film.lock has version 3 and this seedrender reads up to 2; upgrade seedrender, nothing "
        "was changed"
    )


SOFT = [
    pytest.param({"error": 7}, id="an error"),
    pytest.param({"submitted_at": "2026-01-01T00:00:00"}, id="no time zone"),
    pytest.param({"submitted_at": "0001-01-01T00:00:00+23:59"}, id="year 0"),
    pytest.param({"finished_at": 7}, id="no time"),
    pytest.param({"estimate": {"amount": "NaN", "currency": "USD"}}, id="NaN"),
    pytest.param({"estimate": {"amount": 5, "currency": "USD"}}, id="a number"),
    pytest.param({"estimate": {"as_of": "soon"}}, id="no day"),
    pytest.param({"render_s": -1}, id="negative"),
    pytest.param({"retries": True}, id="a boolean"),
    pytest.param({"last_frame": {"path": "/etc/passwd"}}, id="a picture outside"),
    *(
        pytest.param({"cost": {"amount": amount, "currency": "USD", "source": "x"}}, id=amount[:9])
        for amount in ("1e999999", "0e-999999", "-1", "1" * 50, "0" * 41, "1e-41", "-0.276")
    ),
]


@pytest.mark.parametrize("fields", SOFT)
def test_an_odd_fact_of_a_task_costs_nothing_but_itself(fields: dict[str, Any]) -> None:
    ((name, said),) = fields.items()

    found = lockfile.loads(HEADER + line(task_id="task-1", **fields), "film.lock")

    (task,) = found.entries[JobId("a")].tasks
    kept = (task.task_id, task.state, task.fingerprint.digest)
    assert kept == ("task-1", JobState.FAILED, "f")
    assert (getattr(task, name), list(task.unread)) == (None, [name])
    assert task.unread[name] in (said, json.dumps(said))
    assert lockfile.loads(lockfile.dumps(found), "film.lock").entries == found.entries
