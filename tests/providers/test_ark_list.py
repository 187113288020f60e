"""When the account's list proves that a lost submit created nothing: a wrong yes buys twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from seedrender.errors import ProtocolError, UnavailableError
from seedrender.providers.ark_list import Reading, Row, TaskList, belonging, is_proof, wanted_rows
from seedrender.providers.http import Http
from seedrender.values.job import CorrelationId
from seedrender.values.task import TaskId
from tests import virtual

SINCE = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)
NOW = SINCE + timedelta(hours=1)
OURS = CorrelationId("c1")
WITNESS = Row(id=TaskId("cgt-w"), identifier="c0", created_at=SINCE - timedelta(hours=2))
SEEN = {WITNESS.id: CorrelationId("c0")}
FOREIGN = Row(id=TaskId("cgt-f"), identifier=None, created_at=SINCE - timedelta(days=1))


def reading(*rows: Row, **fields: Any) -> Reading:
    return Reading(**{"rows": {row.id: row for row in rows}, "total": len(rows), **fields})


def test_a_whole_list_with_a_witness_and_without_our_task_is_a_proof() -> None:
    assert is_proof([reading(WITNESS, FOREIGN)], SINCE, NOW, SEEN)


@pytest.mark.parametrize(
    ("readings", "since", "now", "witnesses"),
    [
        pytest.param([reading()], SINCE, NOW, SEEN, id="an empty list shows nothing"),
        pytest.param([reading(WITNESS)], SINCE, NOW, {}, id="no witness is known"),
        pytest.param([reading(FOREIGN)], SINCE, NOW, SEEN, id="the witness is not listed"),
        pytest.param([reading(replace(WITNESS, identifier=None))], SINCE, NOW, SEEN,
                     id="identifiers are not given back"),
        *(
            pytest.param([reading(replace(WITNESS, identifier=other))], SINCE, NOW, SEEN,
                         id=f"identifiers are given back as {other}")
            for other in ("C0", "c****0", "c")
        ),
        pytest.param([reading(WITNESS, total=2)], SINCE, NOW, SEEN, id="a page is missing"),
        pytest.param([reading(WITNESS, total=None)], SINCE, NOW, SEEN, id="never read"),
        pytest.param([reading(WITNESS, has_moved=True)], SINCE, NOW, SEEN, id="it changed"),
        pytest.param([reading(WITNESS), Reading()], SINCE, NOW, SEEN, id="a list is missing"),
        pytest.param([reading(WITNESS, is_partial=True)], SINCE, NOW, SEEN, id="a part"),
        pytest.param([reading(WITNESS)], None, NOW, SEEN, id="nobody knows when"),
        pytest.param([reading(WITNESS)], SINCE, SINCE - timedelta(hours=1), SEEN,
                     id="the clocks differ"),
        pytest.param([reading(WITNESS)], SINCE, SINCE + timedelta(days=7), SEEN,
                     id="it may be forgotten"),
        pytest.param([reading(WITNESS, replace(FOREIGN, created_at=SINCE + timedelta(seconds=5)))],
                     SINCE, NOW, SEEN, id="a task of that time without an identifier"),
        pytest.param([reading(WITNESS, replace(FOREIGN, created_at=None))], SINCE, NOW,
                     SEEN, id="a task of no known time without an identifier"),
        pytest.param([reading(WITNESS, replace(FOREIGN, created_at=datetime(1970, 1, 1, tzinfo=UTC)))],
                     SINCE, NOW, SEEN, id="a task of a time before the service"),
        pytest.param([reading(WITNESS, replace(FOREIGN, created_at=NOW + timedelta(days=1)))],
                     SINCE, NOW, SEEN, id="a task of a time to come"),
    ],
)  # fmt: skip
def test_anything_less_is_no_proof(
    readings: list[Reading],
    since: datetime | None,
    now: datetime,
    witnesses: dict[TaskId, CorrelationId],
) -> None:
    assert not is_proof(readings, since, now, witnesses)


def test_a_task_belongs_to_the_one_id_that_it_carries() -> None:
    ours = Row(id=TaskId("cgt-1"), identifier="c1", created_at=SINCE)

    assert belonging(reading(WITNESS, ours, FOREIGN), OURS) == ["cgt-1"]
    assert belonging(reading(WITNESS, FOREIGN), OURS) == []


class Pages(Http):
    """A list that answers at once with what a test says, and keeps when it was asked."""

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        super().__init__("http://127.0.0.1:9", None, key_name="KEY")
        self.answers = list(answers)
        self.asked_at: list[float] = []

    async def read(self, path: str, params: Any = None, *, held_s: float = 0.0) -> dict[str, Any]:
        del path, params, held_s
        self.asked_at.append(asyncio.get_running_loop().time())
        answer = self.answers.pop(0) if self.answers else {"items": [], "total": 0}
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_lists_are_asked_for_no_faster_than_one_a_second() -> None:
    pages = Pages({"items": [], "total": 0}, UnavailableError("down"))

    async def ask() -> Any:
        tasks = TaskList(pages)
        return await asyncio.gather(
            *(tasks.read([TaskId(f"cgt-{n}")]) for n in range(4)), return_exceptions=True
        )

    virtual.run(ask())

    waits = [
        after - before for before, after in zip(pages.asked_at, pages.asked_at[1:], strict=False)
    ]
    assert len(waits) == 3
    assert min(waits) >= 1.0
    assert max(waits) < 1.2


def rows(*names: Any) -> list[Any]:
    return [{"id": name, "status": "running"} for name in names]


def test_the_rows_of_a_list_are_found_by_their_ids_as_texts() -> None:
    items = [*rows(7, "cgt-2", [], None), 5]

    assert list(wanted_rows(items, [TaskId("cgt-2"), TaskId("7")])) == ["cgt-2", "7"]
    assert list(wanted_rows(rows("a", "b"), [TaskId("a")])) == ["a"]
    assert wanted_rows([], [TaskId("a")]) == {}


def test_a_task_of_which_a_list_says_unlike_things_is_not_taken_from_it() -> None:
    failed, done = ({"id": "a", "status": word} for word in ("failed", "succeeded"))

    assert wanted_rows([failed, done], [TaskId("a")]) == {}
    assert wanted_rows([done, failed], [TaskId("a")]) == {}
    assert wanted_rows([done, dict(done)], [TaskId("a")]) == {"a": done}


def test_a_list_of_other_tasks_is_no_answer_about_ours() -> None:
    with pytest.raises(ProtocolError, match="about task b is about another one, c"):
        wanted_rows(rows("a", "c"), [TaskId("a"), TaskId("b")])


def page(names: range, total: int) -> dict[str, Any]:
    return {"items": [{"id": f"cgt-{n}", "safety_identifier": "x"} for n in names], "total": total}


END: dict[str, Any] = {"items": [], "total": 0}


def test_a_page_that_is_short_is_not_the_last_one_whatever_its_total_says() -> None:
    pages = Pages(*[page(range(100), 100), page(range(100, 150), 50), END] * 3)

    found, _ = virtual.run(TaskList(pages).search(OURS))

    assert (found.is_whole, len(found.rows)) == (False, 150)


def test_a_list_that_changes_while_it_is_read_is_read_again() -> None:
    pages = Pages(page(range(500), 501), page(range(500, 502), 502), END, page(range(500), 502),
                  page(range(500, 502), 502), END)  # fmt: skip

    found, _ = virtual.run(TaskList(pages).search(OURS))

    assert (found.is_whole, len(found.rows)) == (True, 502)


def test_a_task_that_slips_from_page_to_page_leaves_the_list_incomplete() -> None:
    slipping = [page(range(500), 501), page(range(499, 500), 501)]  # which brings nothing new
    pages = Pages(*slipping * 3)

    found, _ = virtual.run(TaskList(pages).search(OURS))

    assert not found.is_whole
    assert len(pages.asked_at) == 6


def test_a_list_of_nothing_may_say_null() -> None:
    found, _ = virtual.run(TaskList(Pages({"items": None, "total": 0})).search(OURS))

    assert found.is_whole


@pytest.mark.parametrize(
    "more",
    [
        {"error": {"code": "InternalServiceError", "message": "partial result"}},
        {"has_more": True},
        {"next_page_token": "2"},
        {"code": 500},
    ],
)
def test_a_list_that_says_that_it_is_not_whole_is_a_part(more: dict[str, Any]) -> None:
    pages = Pages(*[{**page(range(2), 2), **more}] * 6)

    found, _ = virtual.run(TaskList(pages).search(OURS))

    assert (found.is_whole, len(found.rows)) == (False, 2)
