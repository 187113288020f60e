from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from seedrender.errors import (
    ArtifactError,
    NotFoundError,
    ProtocolError,
    QuotaError,
    RateLimitedError,
    RejectedError,
    SeedrenderError,
    UnauthorizedError,
    UnavailableError,
)
from seedrender.lock import fold, lockfile
from seedrender.lock.identity import WHICHEVER, Asked
from seedrender.lock.moves import Moves
from seedrender.plan import graph, make
from seedrender.plan.decide import Facts
from seedrender.plan.decision import Verdict
from seedrender.plan.make import Plan
from seedrender.plan.outcome import Exit, outcome
from seedrender.plan.owners import Owners
from seedrender.run import clock
from seedrender.run.desk import Desk
from seedrender.run.executor import Executor
from seedrender.run.files import Files
from seedrender.run.gate import Gate
from seedrender.run.inputs import Inputs
from seedrender.run.journal import Journal
from seedrender.run.pace import Pace
from seedrender.run.purse import Purse
from seedrender.run.slots import Slots
from seedrender.run.store import Store, hold, read
from seedrender.values.entry import JobState, Lock, LockEntry, Pin
from seedrender.values.job import CorrelationId, Job, JobId, Mode
from seedrender.values.manifest import LongTake, PollSchedule
from seedrender.values.money import Amount
from seedrender.values.task import Task, TaskId, TaskState
from tests import virtual
from tests.builders import T0, job
from tests.scripted import Scripted, clip_bytes

SCHEDULE = PollSchedule(jitter=0.0)


class Quiet:
    def __init__(self) -> None:
        self.notes: list[tuple[str, str]] = []
        self.details: list[str] = []
        self.lines: list[str] = []

    def note(self, job: JobId, what: str, detail: str = "") -> None:
        self.details.append(detail)
        self.notes.append((job, what))
        self.lines.append(f"{job} {what} {detail}")

    def say(self, words: str) -> None:
        self.notes.append(("", words))


@dataclass
class Film:
    """A folder with a lock, and jobs to be rendered there."""

    folder: Path
    jobs: Sequence[Job]
    takes: tuple[LongTake, ...] = ()
    provider: Scripted = field(default_factory=Scripted)
    digests: Mapping[str, str] = field(default_factory=dict)
    concurrency: int = 4
    stop_after_s: float | None = None
    resubmit: tuple[JobId, ...] = ()
    keep_stale: bool = False
    asked: Asked = WHICHEVER
    waits: bool = True
    drain_after_s: float | None = None
    grace_s: float = 0.0
    seconds: float = 0.0
    errors: dict[JobId, SeedrenderError] = field(default_factory=dict)
    listener: Quiet = field(default_factory=Quiet)

    @property
    def lock_path(self) -> Path:
        return self.folder / "film.lock"

    def lock(self) -> Lock:
        return read(self.lock_path, "film.yaml")

    def state(self, name: str) -> JobState:
        return fold.job_state(self.lock().entries[JobId(name)])

    def facts(self, lock: Lock, owners: Owners | None = None) -> Facts:
        chosen = owners.chosen if owners is not None else self.owners(lock).choices()
        return Facts(
            lock=lock,
            digests=self.digests,
            is_present=self.files.is_present,
            find=self.files.find,
            resubmit=self.resubmit,
            keep_stale=self.keep_stale,
            asked=self.asked,
            chosen=chosen,
        )

    @property
    def files(self) -> Files:
        return Files(root=self.folder, output_dir="renders")

    def owners(self, lock: Lock) -> Owners:
        return Owners(
            lock=lock,
            jobs=self.jobs,
            digests=self.digests,
            asked=self.asked,
            keep_stale=self.keep_stale,
            selected=frozenset(job.id for job in self.jobs),
            is_present=self.files.is_present,
        )

    def moves(self, lock: Lock) -> Moves:
        return self.owners(lock).assign()

    def plan(self, lock: Lock | None = None) -> Plan:
        known = lock if lock is not None else self.moves(self.lock()).applied(self.lock())
        ids = frozenset([*(job.id for job in self.jobs), *(take.id for take in self.takes)])
        strays = make.strays(known, ids, self.asked)
        return make.plan(graph.build(self.jobs), self.takes, self.facts(known), strays)

    def run(self) -> Exit:
        code, self.seconds = virtual.run(self._run())
        return code

    async def _run(self) -> Exit:
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(hold(self.lock_path, "film.yaml", self.moves))
            executor = self._executor(store)
            if self.stop_after_s is not None:
                asyncio.get_running_loop().call_later(self.stop_after_s, executor.stop, "")
            if self.drain_after_s is not None:
                loop = asyncio.get_running_loop()
                loop.call_later(self.drain_after_s, executor.drain, "", self.grace_s)
            await executor.run()
            self.errors = dict(executor.failed)
            return outcome(self.plan(store.lock), store.lock, executor.failed)

    def purse(self, plan: Plan, lock: Lock) -> Purse:
        """Return a purse; without limits, unless a test of budgets says otherwise."""
        del plan, lock
        return Purse(self.provider.price)

    def inputs(self, store: Store) -> Inputs:
        return Inputs(self.provider, store, self.files, self.digests)

    def _executor(self, store: Store) -> Executor:
        self.listener = Quiet()
        plan = self.plan(store.lock)
        self.money = self.purse(plan, store.lock)
        desk = Desk(
            provider=self.provider,
            store=store,
            files=replace(self.files, clock=store.clock),
            inputs=self.inputs(store),
            slots=Slots(self.concurrency),
            pace=Pace(6000),
            gate=Gate(),
            poll=SCHEDULE,
            listener=self.listener,
            waits=self.waits,
            purse=self.money,
        )
        owners = self.owners(store.lock)
        owners.assign()
        return Executor(desk, plan, lambda: self.facts(store.lock, owners), owners)


def chain(length: int = 3) -> list[Job]:
    made: list[Job] = []
    for number in range(1, length + 1):
        needs = (made[-1].id,) if made else ()
        mode = Mode.V2V if made else Mode.T2V
        made.append(job(f"fly/{number:02}", needs=needs, mode=mode, duration_s=15, segment=number))
    return made


def test_a_run_renders_everything_and_a_second_one_does_nothing(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin"), job("opener")])

    first = film.run()
    text = film.lock_path.read_bytes()
    second = film.run()

    assert (first, second) == (Exit.DONE, Exit.DONE)
    assert sorted(film.provider.received) == ["opener", "spin"]
    assert film.lock_path.read_bytes() == text
    assert (tmp_path / "renders/spin.mp4").read_bytes() == clip_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == [".seedrender", "film.lock", "renders"]


def test_a_lost_answer_is_not_sent_again(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin"), job("opener")])
    film.provider.loses_answer_to("spin")

    first = film.run()
    second = film.run()

    assert (first, second) == (Exit.UNDECIDED, Exit.UNDECIDED)
    assert film.provider.attempts.count("spin") == 1
    assert film.state("spin") is JobState.UNKNOWN
    assert film.state("opener") is JobState.DONE


def test_a_person_may_buy_a_lost_submit_again(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.loses_answer_to("spin")
    film.run()
    film.resubmit = (JobId("spin"),)

    code = film.run()

    assert code is Exit.DONE
    assert film.provider.attempts == ["spin", "spin"]
    assert [r.state for r in film.lock().entries[JobId("spin")].tasks] == [
        JobState.CANCELLED,
        JobState.SUCCEEDED,
    ]


def test_a_provider_that_can_tell_settles_a_lost_answer(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.loses_answer_to("spin")
    film.run()
    film.provider.found = {}

    code = film.run()

    assert code is Exit.DONE
    assert film.provider.received == ["spin"]


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(RateLimitedError("too many", retry_after_s=90.0), id="429"),
        pytest.param(UnavailableError("refused"), id="connection refused"),
    ],
)
def test_an_answer_that_proves_that_nothing_was_created_is_followed_by_another_submit(
    tmp_path: Path, error: Exception
) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.submit_errors["spin"] += [error, error]

    code = film.run()

    assert code is Exit.DONE
    assert film.provider.attempts == ["spin"] * 3
    assert film.provider.received == ["spin"]
    assert len(film.lock().entries[JobId("spin")].tasks) == 1


def test_a_submit_waits_as_long_as_the_provider_says(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.submit_errors["spin"] += [RateLimitedError("later", retry_after_s=500.0)]

    film.run()

    assert film.seconds > 500


def test_a_refused_job_is_not_sent_again_as_it_is(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin"), job("opener")])
    film.provider.submit_errors["spin"] += [RejectedError("Invalid parameters: prompt")]

    first = film.run()
    second = film.run()

    assert (first, second) == (Exit.FAILED, Exit.FAILED)
    assert film.provider.attempts.count("spin") == 1
    assert film.state("spin") is JobState.BLOCKED


def test_a_refused_job_is_sent_once_its_definition_changed(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.submit_errors["spin"] += [RejectedError("Invalid parameters: prompt")]
    film.run()
    film.jobs = [job("spin", prompt="Something else.")]

    code = film.run()

    assert code is Exit.DONE
    assert film.provider.received == ["spin"]


@pytest.mark.parametrize("error", [UnauthorizedError("wrong key"), QuotaError("no credit")])
def test_a_wrong_key_and_an_empty_account_stop_all_submits(
    tmp_path: Path, error: Exception
) -> None:
    film = Film(tmp_path, [job(f"shot{n}") for n in range(9)], concurrency=1)
    film.provider.submit_errors["shot1"] += [error]

    code = film.run()

    assert code is Exit.FAILED
    assert film.provider.attempts == ["shot0", "shot1"]
    assert film.state("shot0") is JobState.DONE


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        pytest.param(TaskState.FAILED, JobState.FAILED, id="failed"),
        pytest.param(TaskState.REFUSED, JobState.BLOCKED, id="content policy"),
        pytest.param(TaskState.CANCELLED, JobState.CANCELLED, id="cancelled"),
        pytest.param(TaskState.EXPIRED, JobState.EXPIRED, id="expired"),
    ],
)
def test_every_bad_end_is_reported_and_not_bought_again_while_its_cost_is_not_known(
    tmp_path: Path, state: TaskState, expected: JobState
) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.ends_with("spin", state)

    first = film.run()
    recorded = film.state("spin")
    film.run()

    assert first is Exit.FAILED
    assert recorded is expected
    assert film.provider.received == ["spin"]


@pytest.mark.parametrize(
    ("cost", "again"),
    [
        pytest.param(None, 1, id="nobody knows what it cost"),
        pytest.param(Amount(Decimal("0.1"), "USD"), 1, id="it was charged"),
        pytest.param(Amount(Decimal(0), "USD"), 2, id="it was free"),
    ],
)
def test_a_task_that_failed_is_bought_again_by_itself_only_where_it_was_free(
    tmp_path: Path, cost: Amount | None, again: int
) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.ends_with("spin", TaskState.FAILED)
    film.provider.ends["spin"] = replace(film.provider.ends["spin"], cost=cost)

    codes = [film.run(), film.run()]
    sent = len(film.provider.received)
    film.provider.finish_everything()
    film.resubmit = (JobId("spin"),)
    film.run()

    assert (codes, sent) == ([Exit.FAILED] * 2, again)
    assert len(film.provider.received) == again + 1


def test_polls_that_fail_do_not_fail_the_job(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.poll_errors["spin"] += [
        UnavailableError("502"),
        RateLimitedError("429", retry_after_s=1.0),
        ProtocolError("not JSON"),
    ]

    code = film.run()

    assert code is Exit.DONE
    assert film.lock().entries[JobId("spin")].tasks[0].retries == 3


@pytest.fixture
def forgotten(tmp_path: Path) -> Film:
    """A film whose task the provider does not know."""
    film = Film(tmp_path, [job("spin")])
    film.stop_after_s = 5
    film.run()
    film.stop_after_s = None
    film.provider._tasks.clear()
    return film


def test_a_task_that_is_older_than_tasks_are_kept_is_lost_and_a_person_decides(
    forgotten: Film,
) -> None:
    text = forgotten.lock_path.read_text()
    forgotten.lock_path.write_text(re.sub(r"20\d\d(-\d\d-\d\dT)", r"2020\1", text))

    codes = [forgotten.run(), forgotten.run()]
    planned = forgotten.plan().steps[0]
    bought = list(forgotten.provider.received)
    forgotten.resubmit = (JobId("spin"),)

    assert (codes, bought) == ([Exit.UNDECIDED] * 2, ["spin"])
    assert planned.verdict is Verdict.LOST
    assert planned.reason.endswith(
        "lost: no such task; each run asks once more: buy it again with --resubmit spin"
    )
    assert (forgotten.run(), len(forgotten.provider.received)) == (Exit.DONE, 2)


def test_a_young_task_that_is_not_found_is_neither_given_up_nor_bought_again(
    forgotten: Film,
) -> None:
    codes = [forgotten.run(), forgotten.run()]

    assert codes == [Exit.UNDECIDED, Exit.UNDECIDED]
    assert forgotten.state("spin") is JobState.SUBMITTED
    assert forgotten.provider.received == ["spin"]
    assert "--resubmit spin buys it again" in forgotten.plan().steps[0].reason


def test_a_person_gives_a_task_up_that_is_not_found(forgotten: Film) -> None:
    forgotten.resubmit = (JobId("spin"),)

    assert forgotten.run() is Exit.DONE
    assert forgotten.provider.received == ["spin", "spin"]


def test_a_task_that_is_there_is_collected_though_a_person_gives_it_up(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")], resubmit=(JobId("spin"),))
    film.stop_after_s = 5
    film.run()
    film.stop_after_s = None
    film.provider.finish_everything()

    assert film.run() is Exit.DONE
    assert film.provider.received == ["spin"]


def test_a_failed_task_that_goes_on_after_all_is_waited_for_before_it_is_bought_again(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [job("spin")])
    failed = Task(id=TaskId("task-1"), state=TaskState.FAILED, provider_state="failed")
    film.provider.answers["spin"] += [failed]
    codes = [film.run()]
    film.resubmit = (JobId("spin"),)

    codes.append(film.run())  # by the provider, it runs

    assert codes == [Exit.FAILED, Exit.DONE]
    assert film.provider.received == ["spin"]


def test_a_paid_clip_that_is_gone_is_given_up_by_a_person_only(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.retrieve_errors["spin"] += [NotFoundError("HTTP 404")] * 100
    left = [film.run()]
    film.provider.finish_everything()
    left.append(film.run())
    said = film.listener.lines[-1]
    del film.provider.retrieve_errors["spin"][1:]

    film.resubmit = (JobId("spin"),)
    bought = film.run()

    assert (left, bought) == ([Exit.UNDECIDED] * 2, Exit.DONE)
    assert film.provider.received == ["spin", "spin"]
    assert "buy it again with --resubmit spin" in said
    assert film.run() is Exit.DONE
    assert [record.is_given_up for record in film.lock().entries[JobId("spin")].tasks] == [
        True,
        False,
    ]


def test_reads_that_fail_again_and_again_are_told_to_a_person(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.poll_errors["spin"] += [UnavailableError("HTTP 503")] * 4

    film.run()

    (line,) = (line for line in film.listener.lines if "waits" in line)
    assert re.fullmatch(r"spin waits HTTP 503; asking again in \d+ s", line)


def test_a_task_that_a_server_does_not_know_yet_is_asked_for_again(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.poll_errors["spin"] += [NotFoundError("no such task")] * 3

    assert film.run() is Exit.DONE
    assert film.provider.attempts == ["spin"]


def test_what_the_provider_finds_is_not_bought_again_whatever_a_person_says(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.answers_late("spin")
    film.run()
    (lost,) = film.lock().entries[JobId("spin")].tasks
    film.provider.found = {lost.correlation_id: [TaskId("task-1")]}
    film.resubmit = (JobId("spin"),)

    code = film.run()

    assert code is Exit.DONE
    assert film.provider.received == ["spin"]


def test_the_schedule_is_15_then_5_doubling_to_30(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.render_s = 130.0

    film.run()

    assert len(film.provider.polls) == 7  # 15, 20, 30, 50, 80, 110, 140
    assert 139 < film.seconds < 142


def test_seven_hours_of_rendering_are_waited_for(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.render_s = 7 * 3600.0

    code = film.run()

    assert code is Exit.DONE


def test_a_broken_download_is_repeated_from_a_fresh_address(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.retrieve_errors["spin"] += [ArtifactError("short"), UnavailableError("gone")]

    code = film.run()

    assert code is Exit.DONE
    assert film.provider.received == ["spin"]


def test_a_clip_that_cannot_be_downloaded_stays_paid_and_is_collected_later(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.retrieve_errors["spin"] += [ArtifactError("short")] * 100

    first, took_s = film.run(), film.seconds
    film.provider.finish_everything()
    planned = film.plan().steps[0]
    state = film.state("spin")
    again = film.run()
    asked_again = 100 - len(film.provider.retrieve_errors["spin"])
    film.provider.retrieve_errors["spin"].clear()

    assert (first, again, state) == (Exit.UNDECIDED, Exit.UNDECIDED, JobState.SUCCEEDED)
    assert planned.verdict is Verdict.UNCOLLECTED
    assert planned.reason.startswith("task task-1 is paid and has ended; short: each run asks once")
    assert "--file CLIP` takes a clip that you fetched yourself; --resubmit" in planned.reason
    assert 600 < took_s < 800  # ten minutes, once it had ended
    assert asked_again > 10
    assert (film.run(), film.provider.received) == (Exit.DONE, ["spin"])


def test_stopping_leaves_tasks_at_the_provider_and_the_next_run_collects_them(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [job("spin"), job("opener")])
    film.stop_after_s = 20

    first = film.run()
    took = film.seconds
    film.stop_after_s = None
    film.provider.render_s = 0
    film.provider._tasks = {k: (v[0], 0.0) for k, v in film.provider._tasks.items()}
    second = film.run()

    assert (first, second) == (Exit.UNFINISHED, Exit.DONE)
    assert took < 22
    assert sorted(film.provider.received) == ["opener", "spin"]


def test_stopping_waits_for_the_answer_to_a_submit_under_way(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.stop_after_s = 0.05  # the answer comes after 0.1

    film.run()

    assert film.state("spin") is JobState.SUBMITTED


def test_no_more_tasks_are_in_flight_than_there_are_slots(tmp_path: Path) -> None:
    film = Film(tmp_path, [job(f"shot{n}") for n in range(10)], concurrency=3)

    code = film.run()

    assert code is Exit.DONE
    assert film.provider.most_in_flight == 3


def test_the_longest_remaining_chain_goes_first(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("a"), job("b"), *chain()], concurrency=1)

    film.run()

    # a slot is free as soon as a task has ended, while its clip is still on its way
    assert film.provider.received == ["fly/01", "a", "fly/02", "b", "fly/03"]


def test_a_segment_is_given_the_clip_before_it(tmp_path: Path) -> None:
    film = Film(tmp_path, chain(2))

    film.run()

    media = film.provider.bodies["fly/02"]["media"]
    assert media == {"fly/01": "https://scripted.example/fly/01.mp4?task=task-1&sig=secret"}
    assert "sig=secret" not in film.lock_path.read_text()


def test_what_follows_a_failed_segment_is_not_bought(tmp_path: Path) -> None:
    film = Film(tmp_path, chain())
    film.provider.ends_with("fly/01", TaskState.FAILED)

    code = film.run()

    assert code is Exit.FAILED
    assert film.provider.received == ["fly/01"]


def test_changing_a_segment_renders_it_and_what_follows(tmp_path: Path) -> None:
    film = Film(tmp_path, chain())
    film.run()
    film.provider.received.clear()
    jobs = chain()
    jobs[1] = replace(jobs[1], prompt="Another way.")
    film.jobs = jobs

    before = [step.verdict for step in film.plan().steps]
    code = film.run()

    assert before == [Verdict.CURRENT, Verdict.STALE, Verdict.WAITS]
    assert code is Exit.DONE
    assert film.provider.received == ["fly/02"]  # its clip is the same bytes: fly/03 stays


def test_a_clip_that_is_replaced_is_kept_with_its_record(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.run()
    old = film.lock().entries[JobId("spin")].output
    (tmp_path / "renders/spin.mp4").write_bytes(clip_bytes(1))  # so that the bytes differ
    film.jobs = [job("spin", prompt="Another.")]

    film.run()

    entry = film.lock().entries[JobId("spin")]
    kept = entry.tasks[0].superseded
    assert old is not None
    assert kept is not None
    assert kept.path.startswith("renders/.superseded/spin.")
    assert (tmp_path / kept.path).read_bytes() == clip_bytes(1)
    assert film.state("spin") is JobState.DONE


def test_a_clip_that_vanished_is_downloaded_again_and_not_bought(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.run()
    (tmp_path / "renders/spin.mp4").unlink()

    film.provider._tasks = {k: (v[0], 0.0) for k, v in film.provider._tasks.items()}
    code = film.run()

    assert code is Exit.DONE
    assert film.provider.received == ["spin"]
    assert (tmp_path / "renders/spin.mp4").exists()


def test_another_output_name_moves_the_clip(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.run()
    film.jobs = [job("spin", output="renders/new/spin.mp4")]

    code = film.run()

    assert code is Exit.DONE
    assert film.provider.received == ["spin"]
    assert (tmp_path / "renders/new/spin.mp4").read_bytes() == clip_bytes()
    assert not (tmp_path / "renders/spin.mp4").exists()


def test_what_a_task_cost_is_recorded(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.cost = Amount(Decimal("0.69"), "USD")

    film.run()

    cost = film.lock().entries[JobId("spin")].tasks[0].cost
    assert cost is not None
    assert (str(cost.amount), cost.source) == ("0.69 USD", "provider")


@pytest.mark.parametrize("last", range(1, 17))
def test_when_facts_cannot_be_noted_nothing_more_is_bought_and_what_runs_is_collected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    film = Film(tmp_path, [job(f"shot{n}") for n in range(4)], concurrency=2)
    put, written = Journal._put, []

    def full(journal: Journal, data: bytes) -> None:
        written.append(data)
        if len(written) > last:
            raise OSError(28, "No space left on device")
        put(journal, data)

    monkeypatch.setattr(Journal, "_put", full)
    code = film.run()
    received = list(film.provider.received)
    done = [name for name in received if film.state(name) is JobState.DONE]
    monkeypatch.setattr(Journal, "_put", put)

    is_intent_lost = len(received) < 4
    assert code == (Exit.FAILED if is_intent_lost else Exit.DONE)
    assert done == received, "what was paid is collected, and the lockfile says so"
    assert film.run() == Exit.DONE
    assert sorted(film.provider.received) == ["shot0", "shot1", "shot2", "shot3"]


def pin(film: Film, name: str, *, is_on: bool = True) -> None:
    async def note() -> None:
        async with hold(film.lock_path, "film.yaml") as store:
            word = Pin(is_on=is_on, at=store.clock.now())
            await store.append(LockEntry(job=JobId(name), pin=word))

    virtual.run(note())


def test_a_definition_that_comes_back_brings_its_clip_back_without_paying(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin", prompt="A fox.")])
    film.run()
    film.provider.clip_seed = 1
    film.jobs = [job("spin", prompt="A hare.")]
    film.run()
    newer = (tmp_path / "renders/spin.mp4").read_bytes()
    film.jobs = [job("spin", prompt="A fox.")]
    planned = film.plan().steps[0]

    code = film.run()

    assert planned.verdict is Verdict.RESUME
    assert "comes back from renders/.superseded/" in planned.reason
    assert (code, film.provider.received) == (Exit.DONE, ["spin", "spin"])
    assert (tmp_path / "renders/spin.mp4").read_bytes() == clip_bytes(0) != newer
    film.jobs = [job("spin", prompt="A hare.")]
    assert film.run() == Exit.DONE
    assert (tmp_path / "renders/spin.mp4").read_bytes() == newer
    assert film.provider.received == ["spin", "spin"]


def test_what_continues_a_clip_that_comes_back_comes_back_too(tmp_path: Path) -> None:
    film = Film(tmp_path, chain(2))
    film.run()
    film.provider.clip_seed = 1
    first, second = film.jobs
    film.jobs = [replace(first, prompt="Another."), second]
    film.run()
    film.jobs = [first, second]

    planned = [step.verdict for step in film.plan().steps]
    code = film.run()

    assert planned == [Verdict.RESUME, Verdict.RESUME]
    assert (code, film.provider.received) == (Exit.DONE, ["fly/01", "fly/02"] * 2)


def test_a_set_aside_clip_that_is_gone_is_downloaded_again_and_not_bought(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin", prompt="A fox.")])
    film.run()
    film.provider.clip_seed = 1
    film.jobs = [job("spin", prompt="A hare.")]
    film.run()
    for kept in (tmp_path / "renders/.superseded").iterdir():
        kept.unlink()
    film.jobs = [job("spin", prompt="A fox.")]

    planned = film.plan().steps[0].verdict
    code = film.run()

    assert (planned, code) == (Verdict.RESUME, Exit.DONE)
    assert film.provider.received == ["spin", "spin"]
    assert (tmp_path / "renders/spin.mp4").read_bytes() == clip_bytes()


@pytest.mark.parametrize("name", ["spin", "turn"])
def test_a_clip_that_was_put_aside_is_found_by_its_bytes_whatever_it_is_called(
    tmp_path: Path, name: str
) -> None:
    film = Film(tmp_path, [job("spin", prompt="A fox.")])
    film.run()
    film.provider.clip_seed = 1
    film.jobs = [job("spin", prompt="A hare.")]
    film.run()
    (kept,) = (tmp_path / "renders/.superseded").iterdir()
    kept.rename(kept.with_name(f"other.{kept.name.split('.')[-2]}.mp4"))
    film.provider.forgets_everything()
    film.jobs = [job(name, prompt="A fox.")]

    code = film.run()

    assert (code, film.provider.received) == (Exit.DONE, ["spin", "spin"])
    assert (tmp_path / f"renders/{name}.mp4").read_bytes() == clip_bytes()


def test_exchanged_ids_exchange_their_clips(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("a", prompt="A fox.")])
    film.run()
    film.provider.clip_seed = 1
    film.jobs = [job("a", prompt="A fox."), job("b", prompt="A hare.")]
    film.run()
    dates = {e.output.made_at for e in film.lock().entries.values() if e.output}
    film.jobs = [job("a", prompt="A hare."), job("b", prompt="A fox.")]

    codes = [film.run(), film.run()]

    assert (codes, film.provider.received) == ([Exit.DONE] * 2, ["a", "b"])
    assert (tmp_path / "renders/b.mp4").read_bytes() == clip_bytes(0)
    assert (tmp_path / "renders/a.mp4").read_bytes() == clip_bytes(1)
    assert {e.output.made_at for e in film.lock().entries.values() if e.output} == dates


def test_a_task_that_runs_under_its_old_name_is_waited_for_under_the_new_one(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [job("spin")])
    film.stop_after_s = 5
    film.run()
    film.stop_after_s = None
    film.provider.finish_everything()
    film.jobs = [job("turn")]

    assert (film.run(), film.provider.received) == (Exit.DONE, ["spin"])
    assert (tmp_path / "renders/turn.mp4").read_bytes() == clip_bytes()
    assert list(film.lock().entries) == ["turn"]


def test_a_task_whose_job_left_is_collected_kept_and_free_when_it_is_asked_for_again(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [job("spin")])
    film.stop_after_s = 5
    film.run()
    film.stop_after_s = None
    film.provider.finish_everything()
    film.jobs = [job("other", prompt="A hare.")]

    gone = film.run()
    said = [line for line in film.listener.lines if line.startswith("spin kept")]
    film.provider.forgets_everything()
    film.jobs = [*film.jobs, job("again")]
    back = film.run()

    assert (gone, back, film.provider.received) == (Exit.DONE, Exit.DONE, ["spin", "other"])
    assert len(said) == 1
    assert "renders/.superseded/spin." in said[0]
    assert (tmp_path / "renders/again.mp4").read_bytes() == clip_bytes()


def test_a_task_that_another_job_may_still_want_is_not_bought_beside_it(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("first"), job("spin", prompt="A hare.")])
    film.stop_after_s = 5
    film.run()
    film.stop_after_s = None
    film.provider.finish_everything()
    late = job("late", prompt="A hare.")
    film.jobs = [job("spin", prompt="A dog."), late, job("first")]

    assert (film.run(), sorted(film.provider.received)) == (Exit.DONE, ["first", "spin", "spin"])


def test_a_pinned_clip_stays_whatever_the_manifest_says_until_it_is_unpinned(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, chain(2))
    film.run()
    pin(film, "fly/02")
    first, second = film.jobs
    film.jobs = [replace(first, prompt="Another."), replace(second, prompt="Other too.")]

    pinned = film.run()
    bought = list(film.provider.received)
    pin(film, "fly/02", is_on=False)
    after = film.plan().steps[1]

    assert (pinned, bought) == (Exit.DONE, ["fly/01", "fly/02", "fly/01"])
    assert after.verdict is Verdict.STALE


def test_a_pinned_clip_that_was_lost_is_downloaded_again(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.run()
    pin(film, "spin")
    film.jobs = [job("spin", prompt="Another.")]
    (tmp_path / "renders/spin.mp4").unlink()
    film.provider.finish_everything()

    assert film.run() == Exit.DONE
    assert film.provider.received == ["spin"]
    assert (tmp_path / "renders/spin.mp4").exists()


def test_stale_clips_are_kept_on_request(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.run()
    film.jobs = [job("spin", prompt="Another.")]
    film.keep_stale = True

    assert film.run() == Exit.DONE
    assert film.provider.received == ["spin"]


def test_a_lost_clip_that_the_provider_forgot_is_bought_again_only_on_request(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [job("spin")])
    film.run()
    film.provider.forgets_everything()
    (tmp_path / "renders/spin.mp4").unlink()

    first = film.run()
    film.resubmit = (JobId("spin"),)
    second = film.run()

    assert (first, second) == (Exit.UNDECIDED, Exit.DONE)
    assert film.provider.received == ["spin", "spin"]


def test_a_clock_that_was_set_back_buys_nothing_and_loses_no_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = Film(tmp_path, [job("spin")])
    film.run()
    film.provider.clip_seed = 1
    film.jobs = [job("spin", prompt="Another.")]
    earlier = clock.wall() - timedelta(days=400)
    monkeypatch.setattr(clock, "wall", lambda: earlier)

    codes = (film.run(), film.run())

    assert codes == (Exit.DONE, Exit.DONE)
    assert film.provider.received == ["spin", "spin"]
    assert (tmp_path / "renders/spin.mp4").read_bytes() == clip_bytes(1)


def test_submit_and_leave_then_collect(tmp_path: Path) -> None:
    film = Film(tmp_path, [job(f"s{n}") for n in range(3)], concurrency=2)
    film.waits = False

    first = film.run()
    left = (list(film.provider.received), film.seconds, dict(film.listener.notes))
    film.provider.render_s = 0
    film.provider.finish_everything()
    codes = [film.run() for _ in range(2)]
    film.waits = True

    assert (first, left[0]) == (Exit.UNFINISHED, ["s0", "s1"])
    assert left[1] < 5
    assert left[2]["s2"] == "waits"
    assert film.provider.received == ["s0", "s1", "s2"]
    assert codes == [Exit.UNFINISHED, Exit.UNFINISHED] or codes[-1] is Exit.DONE
    assert film.run() == Exit.DONE


def test_a_refusal_of_the_account_lets_running_tasks_be_collected(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("first"), job("second"), job("third")], concurrency=2)
    film.provider.submit_errors["second"].append(QuotaError("no credit"))

    code = film.run()

    assert code == Exit.FAILED
    assert film.state("first") is JobState.DONE
    assert film.provider.received == ["first"]


def test_five_refusals_alike_stop_what_would_be_refused_next(tmp_path: Path) -> None:
    film = Film(tmp_path, [job(f"s{n}") for n in range(12)], concurrency=1)
    for n in range(12):
        film.provider.submit_errors[f"s{n}"].append(RejectedError("HTTP 404: no such model"))

    code = film.run()

    assert code == Exit.FAILED
    assert len(film.provider.attempts) == 5


def test_too_many_tasks_shrink_concurrency_and_nothing_is_lost(tmp_path: Path) -> None:
    film = Film(tmp_path, [job(f"s{n}") for n in range(9)], concurrency=8)
    film.provider.takes_at_once = 3

    code = film.run()

    assert code == Exit.DONE
    assert film.provider.most_in_flight == 3
    assert sorted(film.provider.received) == sorted(f"s{n}" for n in range(9))


def test_an_empty_list_soon_after_a_lost_submit_proves_nothing(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.limits = replace(film.provider.limits, settle_s=900)
    film.provider.loses_answer_to("spin")
    film.run()
    film.provider.found = {}

    code = film.run()

    assert (code, film.provider.received) == (Exit.UNDECIDED, [])


def test_a_first_interrupt_collects_for_a_while_and_submits_no_more(tmp_path: Path) -> None:
    film = Film(tmp_path, [job(f"s{n}") for n in range(3)], concurrency=1)
    film.drain_after_s, film.grace_s = 10, 100

    code = film.run()

    assert code == Exit.UNFINISHED
    assert film.state("s0") is JobState.DONE
    assert film.provider.received == ["s0"]


def test_after_the_grace_the_rest_is_left_for_the_next_run(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("s0")])
    film.drain_after_s, film.grace_s = 10, 20

    first, waited = film.run(), film.seconds
    film.drain_after_s = None
    second = film.run()

    assert (first, second) == (Exit.UNFINISHED, Exit.DONE)
    assert waited <= 35
    assert film.provider.received == ["s0"]


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_task_of_another_route_is_neither_asked_for_here_nor_bought_again(
    tmp_path: Path, *, is_lost: bool
) -> None:
    film = Film(tmp_path, [job("spin")], waits=False)
    film.run()
    if is_lost:
        film = Film(tmp_path / "lost", [job("spin")])
        film.folder.mkdir()
        film.provider.loses_answer_to("spin")
        film.run()
    film.waits = True
    before = film.lock()
    film.asked = Asked(route="other")
    film.provider = Scripted()
    film.provider.name = "other"
    film.provider.found = {}

    code = film.run()

    assert code is (Exit.UNDECIDED if is_lost else Exit.UNFINISHED)
    assert (film.provider.attempts, film.provider.polls) == ([], [])
    assert film.lock() == before


def test_a_task_of_the_simulator_is_given_up_for_a_clip_of_a_paid_route(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")], waits=False)
    film.provider.name = "sim"
    film.run()
    film.waits = True
    film.asked = Asked(route="other")
    film.provider = Scripted()
    film.provider.name = "other"

    code = film.run()

    tasks = film.lock().entries[JobId("spin")].tasks
    assert code is Exit.DONE
    assert [(r.provider, r.state) for r in tasks] == [
        ("sim", JobState.CANCELLED),
        ("other", JobState.SUCCEEDED),
    ]
    assert tasks[0].error == "simulated, and other renders it"


def test_a_simulated_clip_is_replaced_by_a_paid_one_and_kept_aside(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.name = "sim"
    film.run()
    film.asked = Asked(route="other")
    film.provider = Scripted()
    film.provider.name = "other"
    film.provider.clip_seed = 1

    codes = [film.run(), film.run()]

    simulated, real = film.lock().entries[JobId("spin")].tasks
    assert codes == [Exit.DONE, Exit.DONE]
    assert film.provider.received == ["spin"]
    assert simulated.superseded is not None
    assert (real.provider, real.superseded) == ("other", None)


def test_a_task_of_this_route_is_collected_beside_one_of_another(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")], waits=False)
    film.run()
    entry = film.lock().entries[JobId("spin")]
    (own,) = entry.tasks
    before = timedelta(hours=1)
    other = replace(
        own,
        correlation_id=CorrelationId("other"),
        provider="other",
        submitted_at=T0 - before,
        task_id=TaskId("elsewhere"),
    )
    both = Lock(manifest="film.yaml", entries={entry.job: replace(entry, tasks=(other, own))})
    film.lock_path.write_text(lockfile.dumps(both), "utf-8")
    film.waits, film.asked = True, Asked(route=film.provider.name)
    film.provider.finish_everything()

    code = film.run()

    assert code is Exit.UNFINISHED  # the other one is paid, too
    assert film.lock().entries[JobId("spin")].output is not None
    assert film.provider.received == ["spin"]
