"""What one task is put through, step by step: who is asked, what is noted, what is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from seedrender.errors import ArtifactError, NotFoundError
from seedrender.lock.identity import SIMULATED, WHICHEVER
from seedrender.run.desk import Desk
from seedrender.run.files import Files
from seedrender.run.gate import Gate
from seedrender.run.pace import Pace
from seedrender.run.purse import Purse
from seedrender.run.slots import Slot, Slots
from seedrender.run.submit import advice
from seedrender.run.tasks import Tasks
from seedrender.values.entry import GUESSED, Fingerprint, JobState, Lock, LockEntry, TaskRecord
from seedrender.values.job import CorrelationId, Job, JobId
from seedrender.values.manifest import PollSchedule
from seedrender.values.task import Task, TaskId, TaskState
from tests import virtual
from tests.builders import T0, entry, job, record
from tests.run.test_executor import Quiet
from tests.scripted import Scripted

SPIN = job("spin")
WANTED = Fingerprint(digest="sha256:wanted")
NEW = record("c1", provider="scripted")
LOST = record("c1", JobState.SUBMITTING, provider="scripted", task_id=None)
ENDED = Task(id=TaskId("task-c1"), state=TaskState.SUCCEEDED, provider_state="success")


class Book:
    """Keeps facts in memory; its clock stands still."""

    def __init__(self) -> None:
        self.lock = Lock(manifest="film.yaml")
        self.clock = self
        self.at = T0
        self.kept: list[LockEntry] = []

    def now(self) -> datetime:
        return self.at

    async def keep(self, fact: LockEntry) -> None:
        self.kept.append(fact)


class Line(Slots):
    """Notes how much work is behind those who ask for a place."""

    def __init__(self, most: int, in_flight: Collection[TaskId] = ()) -> None:
        super().__init__(most, in_flight)
        self.behind: list[int] = []

    @asynccontextmanager
    async def place(self, behind_s: int) -> AsyncIterator[Slot]:
        self.behind.append(behind_s)
        async with super().place(behind_s) as slot:
            yield slot


class Door(Purse):
    """Notes who wants to buy; whether one may is as a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.is_in = True
        self.asked: list[str] = []

    async def admit(self, job: JobId) -> bool:
        self.asked.append(job)
        return self.is_in


class Route(Scripted):
    """Notes what is looked for."""

    def __init__(self) -> None:
        super().__init__()
        self.sought: list[tuple[str, datetime | None, frozenset[TaskId]]] = []

    async def find(
        self,
        correlation_id: CorrelationId,
        *,
        since: datetime | None = None,
        witnesses: Collection[TaskId] = (),
    ) -> Sequence[TaskId] | None:
        self.sought.append((correlation_id, since, frozenset(witnesses)))
        return await super().find(correlation_id, since=since, witnesses=witnesses)


class Hands:
    """Stands for those who submit, watch and collect: notes what each one is handed."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self.work: list[tuple[object, ...]] = []
        self.places: list[int] = []  # that were taken while a task was waited for
        self.bought: TaskRecord | None = NEW
        self.end = JobState.SUCCEEDED
        self.trouble: NotFoundError | None = None

    async def submit(self, job: Job, wanted: Fingerprint) -> TaskRecord | None:
        self.work.append(("submit", job, wanted))
        return self.bought

    async def submitted(self, job: JobId, found: TaskRecord, task_id: TaskId) -> TaskRecord:
        self.work.append(("submitted", job, found, task_id))
        return replace(found, state=JobState.SUBMITTED, task_id=task_id)

    async def wait(
        self, job: Job, found: TaskRecord, *, is_fresh: bool, is_given_up: bool = False
    ) -> tuple[TaskRecord, Task | None]:
        self.work.append(("wait", job, found, is_fresh, is_given_up))
        self.places.append(self._slots.tasks)
        return replace(found, state=self.end), ENDED

    async def collect(self, job: Job, found: TaskRecord, task: Task | None) -> None:
        self.work.append(("collect", job, found, task))
        if self.trouble is not None:
            raise self.trouble

    async def restore(self, *given: object) -> None:
        self.work.append(("restore", *given))


class Table:
    """The tasks of a run in memory."""

    def __init__(self, *in_flight: str, most: int = 4, waits: bool = True) -> None:
        self.book, self.route, self.purse, self.listener = Book(), Route(), Door(), Quiet()
        self.slots, self.gate = Line(most, [TaskId(name) for name in in_flight]), Gate()
        self.hands = Hands(self.slots)
        self.tasks = Tasks(
            Desk(
                provider=self.route,
                store=cast(Any, self.book),
                files=Files(root=Path("film"), output_dir="renders"),
                inputs=cast(Any, None),
                slots=self.slots,
                pace=Pace(6000),
                gate=self.gate,
                poll=PollSchedule(),
                listener=self.listener,
                purse=self.purse,
                waits=waits,
            )
        )
        self.tasks._submits = self.tasks._watch = self.tasks._collect = cast(Any, self.hands)

    @property
    def said(self) -> list[str]:
        return self.listener.lines

    @property
    def work(self) -> list[tuple[object, ...]]:
        return self.hands.work

    @property
    def places(self) -> tuple[int, int]:
        """The tasks at the provider, and the places that are taken."""
        return self.slots.tasks, self.slots.in_flight

    def buy(self, wanted: Job = SPIN) -> None:
        virtual.run(self.tasks.buy(wanted, WANTED, "new", 30))

    def settle(self, found: TaskRecord, *, is_given_up: bool = False) -> bool:
        return virtual.run(self.tasks.settle(SPIN, found, is_given_up=is_given_up))[0]

    def find(self, found: TaskRecord) -> TaskRecord | None:
        return virtual.run(self.tasks.find(JobId("spin"), found))[0]

    def finds(self, *task_ids: str) -> None:
        self.route.found = {"c1": [TaskId(task_id) for task_id in task_ids]}


def kept(found: TaskRecord, **fields: Any) -> list[LockEntry]:
    return [entry("spin", replace(found, **fields))]


def test_what_is_bought_is_watched_and_collected_in_one_place() -> None:
    table = Table()

    table.buy()

    paid = replace(NEW, state=JobState.SUCCEEDED)
    assert table.work == [
        ("submit", SPIN, WANTED),
        ("wait", SPIN, NEW, True, False),
        ("collect", SPIN, paid, ENDED),
    ]
    assert table.said == ["spin submitted task-c1 (new)"]
    assert (table.purse.asked, table.slots.behind) == (["spin"], [30])
    assert (table.hands.places, table.places) == ([1], (0, 0))


def test_a_clip_that_would_lie_outside_the_folder_is_refused_before_the_budget_is_asked() -> None:
    table = Table()

    with pytest.raises(ArtifactError, match="leads outside, to "):
        table.buy(job("spin", output=f"{'../' * 20}spin.mp4"))

    assert (table.purse.asked, table.work) == ([], [])


def test_who_waits_for_nothing_does_not_wait_for_a_place() -> None:
    table = Table("elsewhere", most=1, waits=False)

    table.buy()

    assert table.said == ["spin waits for a free place at the provider"]
    assert (table.purse.asked, table.work, table.slots.behind) == ([], [], [])


def test_who_waits_for_nothing_buys_where_a_place_is_free_and_leaves_the_task_in_it() -> None:
    table = Table(waits=False)

    table.buy()

    assert table.work == [("submit", SPIN, WANTED)]
    assert table.said == ["spin submitted task-c1 (new)"]
    assert table.places == (1, 1)


def test_who_waits_buys_when_a_place_comes_free() -> None:
    table = Table(most=1)
    before: list[object] = []

    async def work() -> None:
        async with asyncio.TaskGroup() as group, table.slots.place(0):
            group.create_task(table.tasks.buy(SPIN, WANTED, "new", 30))
            await asyncio.sleep(60)
            before.extend([*table.work, *table.said])

    virtual.run(work())

    assert before == []
    assert [step[0] for step in table.work] == ["submit", "wait", "collect"]
    assert table.said == ["spin submitted task-c1 (new)"]


def test_what_the_budget_does_not_reach_for_is_not_sent() -> None:
    table = Table()
    table.purse.is_in = False

    table.buy()

    assert table.said == ["spin waits for a larger budget"]
    assert (table.purse.asked, table.work, table.slots.behind) == (["spin"], [], [])


def test_behind_a_closed_gate_nothing_is_sent_and_the_place_is_given_back() -> None:
    table = Table()
    table.gate.close("a person said so")

    table.buy()

    assert (table.work, table.said, table.places) == ([], [], (0, 0))
    assert table.slots.behind == [30]


def test_a_submit_that_makes_no_task_gives_its_place_back() -> None:
    table = Table()
    table.hands.bought = None

    table.buy()

    assert table.work == [("submit", SPIN, WANTED)]
    assert (table.said, table.places) == ([], (0, 0))


@pytest.mark.parametrize(
    ("end", "places"),
    [
        pytest.param(JobState.FAILED, (0, 0), id="ended badly"),
        pytest.param(JobState.SUBMITTED, (1, 1), id="still runs"),
    ],
)
def test_what_has_not_ended_well_is_not_collected_and_keeps_its_place_while_it_runs(
    end: JobState, places: tuple[int, int]
) -> None:
    table = Table()
    table.hands.end = end

    table.buy()

    assert [step[0] for step in table.work] == ["submit", "wait"]
    assert table.places == places


def test_a_fresh_clip_that_is_not_found_is_given_up_by_a_person_only() -> None:
    table = Table()
    table.hands.trouble = NotFoundError("HTTP 404")

    with pytest.raises(NotFoundError) as found:
        table.buy()

    assert str(found.value) == (
        "HTTP 404; if the clip is lost, give it up with --resubmit spin, then run once more"
    )
    assert table.book.kept == []


@pytest.mark.parametrize("is_given_up", [False, True])
def test_an_earlier_task_is_watched_in_its_own_place_and_collected(*, is_given_up: bool) -> None:
    table = Table("task-c1")

    is_settled = table.settle(NEW, is_given_up=is_given_up)

    paid = replace(NEW, state=JobState.SUCCEEDED)
    assert is_settled is True
    assert table.work == [
        ("wait", SPIN, NEW, False, is_given_up),
        ("collect", SPIN, paid, ENDED),
    ]
    assert table.said == ["spin resumed task-c1"]
    assert (table.hands.places, table.places) == ([1], (0, 0))
    assert (table.route.sought, table.book.kept) == ([], [])


@pytest.mark.parametrize(
    ("end", "is_settled", "places"),
    [
        pytest.param(JobState.EXPIRED, True, (0, 0), id="ended badly"),
        pytest.param(JobState.SUBMITTED, False, (1, 1), id="still runs"),
    ],
)
def test_an_earlier_task_is_settled_when_it_has_ended(
    end: JobState, places: tuple[int, int], *, is_settled: bool
) -> None:
    table = Table("task-c1")
    table.hands.end = end

    found = table.settle(NEW)

    assert found is is_settled
    assert ([step[0] for step in table.work], table.places) == (["wait"], places)


def test_what_is_paid_already_is_collected_without_waiting() -> None:
    paid = replace(NEW, state=JobState.SUCCEEDED)
    table = Table()

    is_settled = table.settle(paid)

    assert is_settled is True
    assert table.work == [("collect", SPIN, paid, None)]
    assert (table.said, table.places) == ([], (0, 0))


def test_an_earlier_clip_that_is_not_found_is_given_up_by_a_person_only() -> None:
    table = Table()
    table.hands.trouble = NotFoundError("HTTP 404")

    with pytest.raises(NotFoundError, match=r"^HTTP 404; if .* with --resubmit spin, then"):
        table.settle(NEW)

    assert table.book.kept == []


def test_a_clip_that_a_person_gives_up_stays_paid_and_says_why() -> None:
    table = Table()
    table.hands.trouble = NotFoundError("HTTP 404")

    is_settled = table.settle(NEW, is_given_up=True)

    assert is_settled is True
    assert table.book.kept == kept(
        NEW, state=JobState.SUCCEEDED, error="given up by --resubmit: HTTP 404"
    )


@pytest.mark.parametrize(
    ("task_id", "is_given_up"),
    [
        pytest.param("task-c1", False, id="a task"),
        pytest.param("task-c1", True, id="a task that a person gives up"),
        pytest.param(None, False, id="a lost submit"),
    ],
)
def test_what_another_route_has_is_left_to_it(task_id: TaskId | None, *, is_given_up: bool) -> None:
    table = Table()
    table.finds("task-c1")

    is_settled = table.settle(
        record("c1", provider="another", task_id=task_id), is_given_up=is_given_up
    )

    assert is_settled is False
    assert table.said == ["spin waits for its task at another: run with --provider another"]
    assert (table.work, table.route.sought, table.book.kept) == ([], [], [])


def test_a_lost_submit_at_another_route_is_given_up_without_asking_this_one() -> None:
    elsewhere = replace(LOST, provider="another")
    table = Table()
    table.finds("task-c1")

    is_settled = table.settle(elsewhere, is_given_up=True)

    assert is_settled is True
    assert table.book.kept == kept(
        elsewhere, state=JobState.CANCELLED, error="given up by --resubmit"
    )
    assert (table.route.sought, table.work, table.said) == ([], [], [])


def test_what_is_simulated_is_forgotten_where_a_paid_route_renders() -> None:
    simulated = replace(NEW, provider=SIMULATED)
    table = Table()

    is_settled = table.settle(simulated)

    assert is_settled is True
    assert table.book.kept == kept(
        simulated, state=JobState.CANCELLED, error="simulated, and scripted renders it"
    )
    assert (table.work, table.said) == ([], [])


@pytest.mark.parametrize("is_given_up", [False, True])
def test_the_task_of_a_lost_submit_is_watched_and_collected(*, is_given_up: bool) -> None:
    table = Table()
    table.finds("task-7", "task-8")

    is_settled = table.settle(LOST, is_given_up=is_given_up)

    found = replace(LOST, state=JobState.SUBMITTED, task_id=TaskId("task-7"))
    paid = replace(found, state=JobState.SUCCEEDED)
    assert is_settled is True
    assert table.work == [
        ("submitted", "spin", LOST, "task-7"),
        ("wait", SPIN, found, False, is_given_up),
        ("collect", SPIN, paid, ENDED),
    ]
    assert (table.said, table.places) == (["spin resumed task-7"], (0, 0))


def test_a_lost_submit_that_nobody_can_tell_of_is_not_settled() -> None:
    table = Table()

    is_settled = table.settle(LOST)

    assert is_settled is False
    assert table.work == []
    assert table.said == [f"spin unknown {advice(JobId('spin'))}"]


def test_a_lost_submit_that_made_no_task_is_settled() -> None:
    table = Table()
    table.finds()

    is_settled = table.settle(LOST)

    assert is_settled is True
    assert (table.work, table.said) == ([], [])
    assert table.book.kept == kept(LOST, state=JobState.PLANNED)


def test_a_lost_submit_that_a_person_gives_up_is_settled_where_none_is_found() -> None:
    table = Table()
    table.finds()

    is_settled = table.settle(LOST, is_given_up=True)

    assert is_settled is True
    assert (table.work, table.said) == ([], [])
    assert table.book.kept == kept(LOST, state=JobState.CANCELLED, error="given up by --resubmit")


def test_a_lost_submit_that_nobody_can_tell_of_is_unknown_and_a_person_is_told() -> None:
    table = Table()

    found = table.find(LOST)

    assert found is None
    assert table.book.kept == kept(LOST, state=JobState.UNKNOWN)
    assert table.said == [f"spin unknown {advice(JobId('spin'))}"]


@pytest.mark.parametrize(
    ("submitted_at", "after_s", "is_young"),
    [
        pytest.param(T0, 899.999, True, id="just before its time to be listed is over"),
        pytest.param(T0, 900.0, False, id="when it is over"),
        pytest.param(None, 9e9, True, id="submitted nobody knows when"),
    ],
)
def test_an_empty_list_proves_that_there_is_no_task_when_it_had_the_time_to_be_listed(
    submitted_at: datetime | None, after_s: float, *, is_young: bool
) -> None:
    lost = replace(LOST, submitted_at=submitted_at)
    table = Table()
    table.route.limits = replace(table.route.limits, settle_s=900.0)
    table.book.at = T0 + timedelta(seconds=after_s)
    table.finds()

    found = table.find(lost)

    nothing = replace(lost, state=JobState.PLANNED)
    still = "spin unknown it may still be listed: ask again later"
    assert found == (None if is_young else nothing)
    assert table.book.kept == kept(lost, state=JobState.UNKNOWN if is_young else JobState.PLANNED)
    assert table.said == ([still] if is_young else [])


def test_a_lost_submit_is_sought_since_it_left_with_the_routes_other_tasks_as_witnesses() -> None:
    table = Table()
    known = entry(
        "spin",
        LOST,
        record("c2", provider="scripted"),
        record("c3", provider="another"),
    )
    other = entry("opener", record("c4", provider="scripted"))
    table.book.lock = Lock(manifest="film.yaml", entries={e.job: e for e in (known, other)})
    table.finds("task-7")

    found = table.find(LOST)

    assert found == replace(LOST, state=JobState.SUBMITTED, task_id=TaskId("task-7"))
    assert table.route.sought == [("c1", T0, frozenset({"task-c2", "task-c4"}))]
    assert table.book.kept == []


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(record(f"{GUESSED}c1", task_id=None, provider="scripted"), id="a guess"),
        pytest.param(record("c1", task_id=None, provider="another"), id="another route's"),
    ],
)
def test_this_route_is_not_asked_for_what_it_cannot_know(lost: TaskRecord) -> None:
    table = Table()
    table.route.found = {}

    found = table.find(lost)

    assert (found, table.route.sought) == (None, [])
    assert table.book.kept == kept(lost, state=JobState.UNKNOWN)


def test_to_ask_for_a_lost_submit_takes_a_turn_of_the_requests() -> None:
    table = Table()

    _, seconds = virtual.run(table.tasks.find(JobId("spin"), LOST))

    assert seconds > 0


def test_a_clip_that_is_paid_for_is_brought_back_for_what_is_wanted_by_whom_it_is_asked() -> None:
    table = Table()

    virtual.run(table.tasks.restore(SPIN, WANTED, WHICHEVER))

    assert table.work == [("restore", SPIN, WANTED, WHICHEVER)]
