"""The lockfile's own JSON Schema, beside what is written and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.errors import LockError
from seedrender.lock import amounts, codec, lockfile
from seedrender.values.entry import Lock, LockEntry
from seedrender.values.job import JobId
from seedrender.values.task import Frame
from tests.builders import T0, clip, record
from tests.builders import entry as entry_of
from tests.lock.test_lockfile import HEADER, output
from tests.lock.test_lockfile import line as row_of
from tests.strategies import entries

PATHS = {n: Path(__file__).parents[2] / f"schemas/lock.v{n}.schema.json" for n in (1, 2)}
VALIDATORS = {
    version: jsonschema_rs.validator_for(json.loads(path.read_text("utf-8")), validate_formats=True)
    for version, path in PATHS.items()
}
VALIDATOR = VALIDATORS[2]


@given(st.lists(entries() | entries("opener/02@3"), max_size=3))
def test_every_line_that_is_written_fits_the_schema(some: list[LockEntry]) -> None:
    lock = Lock(manifest="film.yaml", entries={e.job: e for e in some})

    header, *lines = lockfile.dumps(lock).removesuffix("\n").split("\n")
    version = json.loads(header)["lock"]
    for text in (header, *lines):
        VALIDATORS[version].validate(json.loads(text))


def keys_of(fields: codec.Fields, version: int) -> set[str]:
    return {field.key for field in fields if field.since <= version}


@pytest.mark.parametrize("version", [1, 2])
def test_a_schema_names_every_key_of_its_format_and_no_other(version: int) -> None:
    schema = json.loads(PATHS[version].read_text("utf-8"))
    keys = {name: set(kind.get("properties", ())) for name, kind in schema["$defs"].items()}

    assert keys["entry"] == keys_of(codec.ENTRY, version)
    assert keys["task"] == keys_of(codec.TASK, version)
    assert keys["clip"] == keys_of(codec.ARTIFACT, version)
    assert keys["frame"] == keys_of(codec.FRAME, version)
    assert keys["fingerprint"] == keys_of(codec.FINGERPRINT, version)
    assert keys["amount"] == set(amounts.AMOUNT_KEYS)
    assert keys["cost"] == set(amounts.COST_KEYS)
    assert keys["estimate"] == set(amounts.QUOTE_KEYS)
    assert keys["pin"] == keys_of(codec.PIN, version)


def test_a_task_with_all_that_can_be_known_fits_the_schema() -> None:
    whole = entry_of(
        "spin",
        record(
            "c1",
            superseded=clip("c1"),
            finished_at=T0,
            error="",
            retries=2,
            render_s=1.5,
            last_frame=Frame(path="renders/.last-frames/a.png", sha256="ab" * 32, size_bytes=9),
        ),
        output=clip("c2"),
    )

    VALIDATOR.validate(json.loads(lockfile.entry_line(whole)))


@pytest.mark.parametrize(
    "row",
    [
        '{"job": ""}',
        '{"job": "a", "new": 1}',
        '{"job": "a", "tasks": [7]}',
        '{"job": "a", "tasks": [{"state": "failed"}]}',
        row_of(state="done"),
        output(sha256="x"),
        output(size_bytes=-1),
        output(path="/etc/passwd"),
        '{"job": "a", "pin": {"is_on": 1, "at": "2026-01-01T00:00:00Z"}}',
    ],
)
def test_what_the_schema_refuses_is_not_read(row: str) -> None:
    assert not VALIDATOR.is_valid(json.loads(row))
    with pytest.raises(LockError):
        lockfile.loads(HEADER + row + "\n", "film.lock")


@pytest.mark.parametrize(
    "row",
    [
        row_of(retries=-1),
        row_of(submitted_at="2026-01-01T00:00:00"),
        row_of(estimate={"amount": "NaN", "currency": "USD"}),
        row_of(estimate={"amount": "1"}),
        row_of(estimate={"high": "1"}),
        row_of(estimate={"seconds": 5}),
        row_of(last_frame={"path": "a.png", "sha256": "x", "size_bytes": 1}),
        row_of(last_frame={"path": "/a.png", "sha256": "ab" * 32, "size_bytes": 1}),
        row_of(last_frame={"path": "a.png", "sha256": "ab" * 32}),
    ],
)
def test_an_odd_fact_that_the_schema_refuses_is_left_out_and_named(row: str) -> None:
    assert not VALIDATOR.is_valid(json.loads(row))

    found = lockfile.loads(HEADER + row + "\n", "film.lock")

    assert len(found.entries[JobId("a")].tasks[0].unread) == 1
