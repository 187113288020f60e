"""seedrender/docs/faults.md: every fault that a provider is known for, tried again and compared."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from seedrender.sim.faults import FAULTS, WIRES
from tests.faults import page, seen
from tests.faults.cases import AMOUNTS, Case, cases

# modellix.md 13.13: the fault switches of a faithful simulator, and the marks that throw them
SWITCHES = {
    "answer lost after the task was created": ["lost-answer", "late-answer", "not-json"],
    "500 on submit without a task": ["500"],
    "503 on submit without a task": ["503"],
    "500 on submit with a task": ["500-created"],
    "2xx without task_id": ["no-task-id"],
    "failed task, with an error object": ["fail", "refuse-output"],
    "failed task, with a text": ["fail-plain"],
    "output URL 404": ["404-output", "403-output"],
    "truncated download": ["truncated", "short", "garbage"],
    "result without billing": ["no-billing", "billing-beside"],
    "status canceled": ["canceled"],
    "status never seen before": ["odd-status"],
    "very slow task": ["slow", "stuck"],
    "limit 2 concurrent": ["two-places", "concurrent"],
}
# what was seen in the field, beside what the references list
FIELD = {
    "words of other vendors": ["done-word=COMPLETED", "fail-word=error", "run-word=IN_PROGRESS"],
    "ids": ["id-number", "same-id", "id-in-500", "id-in-code-500"],
    "a refusal inside a success": [f"refuse-200={status}" for status in (400, 402, 429, 500)],
    "texts that are none": ["odd-retry-after", "fail-half"],
    "a success without its clip": ["no-url", "relative-url", "picture"],
    "answers of another task": ["other-task"],
    "more or other clips": ["two-clips", "other-container", "other-size"],
    "downloads": ["encoded=gzip", "encoded=zstd", "crawling", "endless", "410-output"],
    "hands and disks": ["file-in-the-way", "stderr-full", "hold-removed", "forgotten"],
}
# modellix.md 7.2, its last two rows: what a submit may meet beside a status
BEFORE_SENDING = ["refused", "no-host", "no-tls"]
AFTER_SENDING = ["lost-request", "lost-answer", "late-answer", "not-json", "no-task-id"]


@pytest.fixture(scope="module")
def shared() -> Iterator[seen.World]:
    with seen.world() as found:
        yield found


@pytest.fixture(scope="module")
def rows() -> list[str]:
    lines = page.PAGE.read_text("utf-8").partition("| when |")[2].split("\n")
    return [line for line in lines[2:] if line]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_a_fault_comes_to_what_the_page_says(
    case: Case, shared: seen.World, rows: list[str]
) -> None:
    assert seen.row(case, shared) in rows, "look at it, then run `make faults`"


def test_the_page_speaks_of_nothing_else(rows: list[str]) -> None:
    assert len(rows) == len(cases())


def test_every_fault_of_the_simulator_is_tried_on_each_of_its_wires() -> None:
    tried = {(case.wire, case.name.partition("=")[0]) for case in cases()}

    assert {(wire, name) for name, fault in FAULTS.items() for wire in fault.wires} <= tried


@pytest.mark.parametrize("names", [*SWITCHES.values(), BEFORE_SENDING, AFTER_SENDING])
def test_every_fault_that_the_wire_is_known_for_is_tried(names: list[str]) -> None:
    assert {f"modellix {name}" for name in names} <= {case.id for case in cases()}


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("kind", FIELD)
def test_what_was_seen_in_the_field_is_tried_on_both_wires(wire: str, kind: str) -> None:
    amounts = [f"amount={value}" for value in AMOUNTS[wire]]

    assert {f"{wire} {name}" for name in [*FIELD[kind], *amounts]} <= {case.id for case in cases()}
