from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.errors import LockCorruptError, LockError, LockVersionError
from seedrender.lock import fold, lockfile
from seedrender.values.entry import JobState, Lock, LockEntry
from seedrender.values.job import JobId
from tests.builders import clip, entry, record
from tests.strategies import entries

HEADER = '{"lock": 1, "manifest": "film.yaml"}\n'


def line(**fields: Any) -> str:
    task = {"correlation_id": "c", "fingerprint": "f", "state": "failed", **fields}
    return json.dumps({"job": "a", "provider": "sim", "tasks": [task]}) + "\n"


def settled(found: LockEntry) -> LockEntry:
    kept = tuple(r for r in found.tasks if r.state is not JobState.PLANNED)
    return replace(found, tasks=kept)


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

    assert lock.entries == {JobId("spin"): fold.join(one, other)}


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


def test_a_submit_that_was_not_accepted_leaves_no_trace() -> None:
    refused = entry("spin", record(state=JobState.PLANNED, task_id=None))

    text = lockfile.dumps(Lock(manifest="film.yaml", entries={refused.job: refused}))

    assert "c1" not in text


@given(st.data())
def test_a_journal_cut_at_any_byte_loads_what_was_whole(data: st.DataObject) -> None:
    events = [entry("spin", record(f"c{n}")) for n in range(3)]
    text = '{"journal": 1, "manifest": "film.yaml"}\n' + "".join(map(lockfile.entry_line, events))
    cut = data.draw(st.integers(0, len(text)))

    found = lockfile.loads_journal(text[:cut], "film.lock.journal")

    assert list(found) == events[: max(text[:cut].count("\n") - 1, 0)]


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
        pytest.param(
            HEADER + '{"job": "a", "output": {"path": "a", "sha256": "b", "size_bytes": true}}\n',
            "True is not a whole number",
            id="a boolean",
        ),
        pytest.param(HEADER + line(error=7), "7 is not a text", id="an error"),
        pytest.param(HEADER + line(submitted_at="2026-01-01T00:00:00"), "no time zone", id="zone"),
        pytest.param(
            HEADER + line(estimate={"amount": "NaN", "currency": "USD"}),
            "NaN is not an amount",
            id="NaN",
        ),
        pytest.param(HEADER + '{"job": "a", "tasks": [{}]}\n', "fingerprint", id="no id"),
    ],
)
def test_a_damaged_file_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(LockCorruptError, match=r"film\.lock") as caught:
        lockfile.loads(text, "film.lock")

    assert words in str(caught.value)


def test_a_newer_version_is_refused_by_name() -> None:
    with pytest.raises(LockVersionError, match=r"version 2.*upgrade seedrender"):
        lockfile.loads('{"lock": 2}\n', "film.lock")
