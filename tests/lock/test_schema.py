"""The lockfile's own JSON Schema, beside what is written and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.errors import LockError
from seedrender.lock import amounts, line, lockfile
from seedrender.values.entry import Lock, LockEntry
from seedrender.values.task import Frame
from tests.builders import T0, clip, record
from tests.builders import entry as entry_of
from tests.lock.test_lockfile import HEADER, output
from tests.lock.test_lockfile import line as row_of
from tests.strategies import entries

PATH = Path(__file__).parents[2] / "schemas/lock.v1.schema.json"
SCHEMA: dict[str, Any] = json.loads(PATH.read_text("utf-8"))
VALIDATOR = jsonschema_rs.validator_for(SCHEMA, validate_formats=True)


@given(st.lists(entries() | entries("opener/02@3"), max_size=3))
def test_every_line_that_is_written_fits_the_schema(some: list[LockEntry]) -> None:
    lock = Lock(manifest="film.yaml", entries={e.job: e for e in some})

    for text in lockfile.dumps(lock).removesuffix("\n").split("\n"):
        VALIDATOR.validate(json.loads(text))


def test_the_schema_names_every_key_that_is_read_and_no_other() -> None:
    keys = {name: frozenset(kind.get("properties", ())) for name, kind in SCHEMA["$defs"].items()}

    assert keys["entry"] == line.ENTRY_KEYS
    assert keys["task"] == line.TASK_KEYS
    assert keys["clip"] == line.ARTIFACT_KEYS
    assert keys["frame"] == line.FRAME_KEYS
    assert keys["fingerprint"] == line.FINGERPRINT_KEYS
    assert (keys["amount"], keys["cost"]) == (amounts.AMOUNT_KEYS, amounts.COST_KEYS)
    assert keys["estimate"] == amounts.QUOTE_KEYS
    assert keys["pin"] == line.PIN_KEYS


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
        row_of(retries=-1),
        row_of(submitted_at="2026-01-01T00:00:00"),
        row_of(estimate={"amount": "NaN", "currency": "USD"}),
        row_of(estimate={"amount": "1"}),
        row_of(estimate={"high": "1"}),
        row_of(estimate={"seconds": 5}),
        row_of(last_frame={"path": "a.png", "sha256": "x", "size_bytes": 1}),
        row_of(last_frame={"path": "/a.png", "sha256": "ab" * 32, "size_bytes": 1}),
        row_of(last_frame={"path": "a.png", "sha256": "ab" * 32}),
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
