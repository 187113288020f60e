"""Submits and waits that are interrupted, and providers that answer strangely."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from seedrender.errors import (
    NotFoundError,
    ProtocolError,
    ProviderError,
    QuotaError,
    RateLimitedError,
    RejectedError,
    StorageError,
    UnavailableError,
)
from seedrender.lock import lockfile
from seedrender.lock.fingerprint import fingerprint
from seedrender.lock.identity import Asked
from seedrender.plan.outcome import Exit
from seedrender.run import tasks
from seedrender.run.submit import advice
from seedrender.values.entry import GUESSED, JobState, Lock, LockEntry, TaskRecord
from seedrender.values.job import CorrelationId, JobId, MediaKind, Reference, ReferenceUse
from seedrender.values.money import Amount
from seedrender.values.provider import LocalFile, MediaUrl
from seedrender.values.task import Task, TaskId, TaskState
from tests.builders import T0, entry, job, record
from tests.run.test_executor import Film
from tests.run.test_purse import Budgeted, limits
from tests.scripted import Scripted

WANTED = fingerprint(job("spin"), {}, {})
NOTHING = Amount(Decimal(0), "USD")
DANCE = Reference(name="dance", kind=MediaKind.VIDEO, path="dance.mp4")
SPIN = job("spin", references=(ReferenceUse(reference=DANCE),))


class Busy(Scripted):
    """Takes a file only after some attempts."""

    def __init__(self, failures: list[Exception]) -> None:
        super().__init__()
        self.failures = list(failures)
        self.uploads = 0

    async def upload(self, file: LocalFile) -> MediaUrl:
        self.uploads += 1
        if self.failures:
            raise self.failures.pop(0)
        return await super().upload(file)


@pytest.mark.parametrize(
    ("failures", "code", "uploads"),
    [
        pytest.param([UnavailableError("refused")], Exit.DONE, 2, id="once"),
        pytest.param([RateLimitedError("later")] * 5, Exit.DONE, 6, id="five times"),
        pytest.param([UnavailableError("refused")] * 6, Exit.FAILED, 6, id="always"),
    ],
)
def test_a_reference_is_handed_over_before_anything_is_bought(
    tmp_path: Path, failures: list[Exception], code: Exit, uploads: int
) -> None:
    provider = Busy(failures)
    content = b"a clip"
    (tmp_path / "dance.mp4").write_bytes(content)
    digests = {"dance": hashlib.sha256(content).hexdigest()}
    film = Film(tmp_path, [SPIN], provider=provider, digests=digests)

    assert film.run() is code
    assert provider.uploads == uploads
    waits = [line.split(";")[0] for line in film.listener.lines if " waits " in line]
    assert waits == [f"spin waits {error}" for error in failures[: uploads - 1]]
    assert provider.received == (["spin"] if code is Exit.DONE else [])


def test_a_run_that_is_stopped_while_a_submit_backs_off_buys_nothing(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")], drain_after_s=100, grace_s=900)
    film.provider.submit_errors["spin"] += [RateLimitedError("later", retry_after_s=500)]

    code = film.run()

    assert (code, film.provider.received) == (Exit.UNFINISHED, [])


def test_a_run_that_is_stopped_while_a_job_waits_for_a_place_buys_no_more(tmp_path: Path) -> None:
    jobs = [job("a"), job("b")]
    film = Film(tmp_path, jobs, concurrency=1, drain_after_s=30, grace_s=900)

    code = film.run()

    assert (code, film.provider.received) == (Exit.UNFINISHED, ["a"])
    assert film.state("a") is JobState.DONE


def test_a_task_that_still_runs_where_nobody_waits_is_left_to_the_next_run(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")], waits=False)
    film.provider.render_s = 9000

    codes = [film.run() for _ in range(3)]

    assert codes == [Exit.UNFINISHED] * 3
    assert film.provider.received == ["spin"]
    assert film.state("spin") is JobState.SUBMITTED


def test_a_lost_submit_that_is_found_is_waited_for_and_bought_anew_only_if_it_failed(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [job("spin"), job("other")])
    film.provider.loses_answer_to("spin")
    film.run()
    film.provider.ends_with("other", TaskState.FAILED)
    film.provider.ends["other"] = replace(film.provider.ends["other"], cost=NOTHING)
    lost = film.lock().entries[JobId("spin")].tasks[0].correlation_id
    film.provider._tasks[TaskId("task-9")] = film.provider._tasks[TaskId("task-1")]  # it fails
    film.provider.found = {lost: [TaskId("task-9")]}

    film.run()

    lost_one, anew = film.lock().entries[JobId("spin")].tasks
    assert (lost_one.task_id, lost_one.state) == ("task-9", JobState.FAILED)
    assert (anew.state, film.provider.received) == (JobState.SUCCEEDED, ["other", "spin"])


class Strange(Scripted):
    """Its answers make no sense so many times, then a task is queued, then all is well."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times
        self.was_queued = False

    async def poll(self, task_id: TaskId, *, hold: bool = False) -> Task:
        if self.times:
            self.times -= 1
            raise ProtocolError("no JSON")
        if not self.was_queued:
            self.was_queued = True
            return Task(id=task_id, state=TaskState.QUEUED, provider_state="queued")
        return await super().poll(task_id, hold=hold)


@pytest.mark.parametrize(("times", "state"), [(5, JobState.DONE), (6, JobState.SUBMITTED)])
def test_answers_that_make_no_sense_leave_a_task_to_the_next_run_after_six(
    tmp_path: Path, times: int, state: JobState
) -> None:
    film = Film(tmp_path, [job("spin")], provider=Strange(times))

    film.run()

    assert (film.state("spin"), film.provider.received) == (state, ["spin"])


@pytest.mark.parametrize(("failures", "code"), [(5, Exit.DONE), (6, Exit.FAILED)])
def test_a_host_that_refuses_connections_is_tried_six_times(
    tmp_path: Path, failures: int, code: Exit
) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.submit_errors["spin"] += [UnavailableError("refused")] * failures

    assert film.run() is code
    assert len(film.provider.attempts) == 6


def test_a_run_that_is_stopped_while_a_reference_is_handed_over_buys_nothing(
    tmp_path: Path,
) -> None:
    provider = Busy([RateLimitedError("later", retry_after_s=500)])
    content = b"a clip"
    (tmp_path / "dance.mp4").write_bytes(content)
    digests = {"dance": hashlib.sha256(content).hexdigest()}
    film = Film(tmp_path, [SPIN], provider=provider, digests=digests)
    film.drain_after_s, film.grace_s = 100, 900

    code = film.run()

    assert (code, provider.uploads, provider.received) == (Exit.UNFINISHED, 1, [])


def test_nobody_is_asked_for_the_task_of_a_line_that_was_damaged(tmp_path: Path) -> None:
    guess = record(f"{GUESSED}c1", JobState.UNKNOWN, task_id=None, provider="scripted")
    lock = Lock(manifest="film.yaml", entries={JobId("spin"): entry("spin", guess)})
    film = Film(tmp_path, [job("spin")])
    film.lock_path.write_text(lockfile.dumps(lock), "utf-8")
    film.provider.found = {}

    code = film.run()

    assert (code, film.provider.attempts) == (Exit.UNDECIDED, [])
    assert film.provider.sought == []


LOST = record("c1", JobState.SUBMITTING, provider="scripted", task_id=None)


def lost(folder: Path, *tasks: TaskRecord, **fields: Any) -> Film:
    """A film whose lock has these records of its only job."""
    found = Film(folder, [job("spin")], **fields)
    write(found, entry("spin", *(replace(task, fingerprint=WANTED) for task in tasks)))
    return found


def write(film: Film, *entries: LockEntry) -> None:
    lock = Lock(manifest="film.yaml", entries={one.job: one for one in entries})
    film.lock_path.write_text(lockfile.dumps(lock), "utf-8")


def records(film: Film) -> tuple[TaskRecord, ...]:
    return film.lock().entries[JobId("spin")].tasks


def told(film: Film, what: str) -> list[str]:
    return [line for line in film.listener.lines if line.split(" ")[1] == what]


def test_that_a_task_exists_is_told_with_its_id_and_why_it_was_bought(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])

    film.run()

    assert list(dict.fromkeys(film.listener.lines)) == [
        "spin submitted task-1 (never rendered)",
        "spin rendering task-1",
        "spin done renders/spin.mp4",
    ]


def test_a_clip_that_would_lie_outside_the_folder_is_not_bought(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin", output=f"{'../' * 20}spin.mp4")])

    code = film.run()

    assert (code, film.provider.attempts) == (Exit.FAILED, [])


def test_where_nobody_waits_nobody_waits_for_a_free_place_either(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("a"), job("b")], waits=False, concurrency=1)

    film.run()

    assert (film.provider.attempts, film.seconds < 1) == (["a"], True)
    assert told(film, "waits") == ["b waits for a free place at the provider"]


def test_what_the_budget_does_not_reach_for_is_not_sent_and_says_so(tmp_path: Path) -> None:
    film = Budgeted(tmp_path, [job("a"), job("b")], film=limits("1 clip"))

    film.run()

    assert film.provider.attempts == ["a"]
    assert told(film, "waits") == ["b waits for a larger budget"]


def test_an_earlier_task_that_expired_for_free_is_bought_anew_once_a_plan_says_so(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [job("spin")], stop_after_s=5)
    film.run()
    film.stop_after_s = None
    expired = Task(
        id=TaskId("any"), state=TaskState.EXPIRED, provider_state="expired", cost=NOTHING
    )
    film.provider.answers["spin"] += [expired] * 2  # when it is waited for, and once more

    learns, sent = film.run(), list(film.provider.received)

    assert (learns, sent) == (Exit.FAILED, ["spin"])
    assert (film.run(), film.provider.received) == (Exit.DONE, ["spin", "spin"])
    assert [r.state for r in records(film)] == [JobState.EXPIRED, JobState.SUCCEEDED]


def test_what_has_ended_already_is_collected_without_waiting(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")], stop_after_s=62)  # while its clip does not come
    film.provider.render_s = 10.0
    film.provider.retrieve_errors["spin"] += [UnavailableError("broken")] * 9
    film.run()
    state = film.state("spin")
    film.stop_after_s = None
    film.provider.finish_everything()
    film.provider.retrieve_errors.clear()

    code = film.run()

    assert (state, code, film.provider.received) == (JobState.SUCCEEDED, Exit.DONE, ["spin"])
    assert (film.seconds < 1, told(film, "resumed")) == (True, [])


def test_tasks_of_an_earlier_run_keep_their_places_until_they_have_ended(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("a"), job("b")], stop_after_s=5)
    film.run()
    film.stop_after_s, film.concurrency = None, 2
    film.jobs = [*film.jobs, job("c")]
    bought_at: list[float] = []

    def look(kind: str, _name: str) -> None:
        if kind == "submit":
            bought_at.append(asyncio.get_running_loop().time())

    film.provider.before = look

    assert (film.run(), film.provider.received) == (Exit.DONE, ["a", "b", "c"])
    assert [at > film.provider.render_s for at in bought_at] == [True]


def test_a_clip_that_cannot_be_had_is_said_to_be_paid_and_how_to_buy_it_again(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.retrieve_errors["spin"] += [NotFoundError("HTTP 404")] * 100

    film.run()

    (words,) = told(film, "error")
    assert words == (
        "spin error HTTP 404; it is paid, and asked for again by the next run; if the clip is "
        "lost, buy it again with --resubmit spin"
    )
    assert isinstance(film.errors[JobId("spin")], NotFoundError)


def unfetched(tmp_path: Path) -> Film:
    """A film whose task has ended and whose clip is at its address no more."""
    film = Film(tmp_path, [job("spin")], stop_after_s=17)
    film.provider.render_s = 10.0
    film.provider.retrieve_errors["spin"] += [NotFoundError("HTTP 404")] * 1000
    film.run()
    film.stop_after_s, film.resubmit = None, (JobId("spin"),)
    film.provider.finish_everything()
    return film


def test_a_clip_that_a_person_gives_up_stays_paid_and_says_why_and_is_bought_at_once(
    tmp_path: Path,
) -> None:
    film = unfetched(tmp_path)
    film.provider.before = lambda kind, _: (
        film.provider.retrieve_errors.clear() if kind == "submit" else None
    )

    code = film.run()

    given_up, _ = records(film)
    assert (code, film.provider.received) == (Exit.DONE, ["spin", "spin"])
    assert (given_up.state, given_up.error) == (
        JobState.SUCCEEDED,
        "given up by --resubmit: HTTP 404",
    )


def test_what_a_person_gave_up_is_noted_where_nothing_has_to_be_bought(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin")])
    film.run()
    done = film.lock().entries[JobId("spin")]
    beside = record("c9", provider="scripted", task_id="gone", fingerprint=WANTED)
    write(film, replace(done, tasks=(*done.tasks, beside)))
    film.resubmit = (JobId("spin"),)

    codes = [film.run()]
    film.resubmit = ()

    given_up = next(r for r in records(film) if r.correlation_id == "c9")
    assert (codes, film.run(), film.provider.received) == ([Exit.DONE], Exit.DONE, ["spin"])
    assert (given_up.state, given_up.error) == (
        JobState.EXPIRED,
        "given up by --resubmit: lost: no such task",
    )


def test_a_disk_that_takes_no_clip_is_no_reason_to_give_a_task_up(tmp_path: Path) -> None:
    film = unfetched(tmp_path)
    film.provider.retrieve_errors.clear()
    film.provider.retrieve_errors["spin"] += [StorageError("no room")]

    film.run()

    assert isinstance(film.errors[JobId("spin")], StorageError)
    assert film.provider.received == ["spin"]


@pytest.mark.parametrize(
    "trouble", [UnavailableError("HTTP 503"), RejectedError("no"), QuotaError("no credit")]
)
def test_a_paid_clip_is_given_up_only_once_its_successor_is_there(
    tmp_path: Path, trouble: ProviderError
) -> None:
    film = unfetched(tmp_path)
    film.provider.submit_errors["spin"] += [trouble] * 20
    film.run()
    film.provider.submit_errors.clear()
    film.provider.retrieve_errors.clear()
    film.resubmit = ()

    assert (film.run(), film.provider.received) == (Exit.DONE, ["spin"])


@pytest.mark.parametrize("is_given_up", [False, True])
def test_a_task_of_another_route_is_left_to_it_whatever_a_person_says(
    tmp_path: Path, *, is_given_up: bool
) -> None:
    film = lost(tmp_path, record("c1", provider="other"), asked=Asked(route="scripted"))
    film.resubmit = (JobId("spin"),) if is_given_up else ()
    before = film.lock()

    code = film.run()

    assert (code, film.provider.attempts, film.provider.polls) == (Exit.UNFINISHED, [], [])
    assert film.listener.lines == ["spin waits for its task at other: run with --provider other"]
    assert (film.provider.sought, film.lock()) == ([], before)


def test_a_lost_submit_at_another_route_is_given_up_without_asking_this_one(
    tmp_path: Path,
) -> None:
    elsewhere = replace(LOST, provider="other")
    film = lost(tmp_path, elsewhere, asked=Asked(route="scripted"))
    film.provider.found = {"c1": [TaskId("task-1")]}
    film.resubmit = (JobId("spin"),)

    code = film.run()

    given_up, bought = records(film)
    assert (code, film.provider.sought, film.provider.received) == (Exit.DONE, [], ["spin"])
    assert (given_up.state, given_up.error) == (JobState.CANCELLED, "given up by --resubmit")
    assert bought.provider == "scripted"


@pytest.mark.parametrize("is_given_up", [False, True])
def test_the_task_of_a_lost_submit_is_waited_for_and_collected(
    tmp_path: Path, *, is_given_up: bool
) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.answers_late("spin")
    film.run()
    (known,) = records(film)
    film.provider.found = {known.correlation_id: [TaskId("task-1")]}
    film.resubmit = (JobId("spin"),) if is_given_up else ()

    code = film.run()

    assert (code, film.provider.received) == (Exit.DONE, ["spin"])
    assert told(film, "resumed") == ["spin resumed task-1"]


def test_a_task_that_another_job_has_is_not_taken_for_that_of_a_lost_submit(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("fox"), job("spin", prompt="A hare.")])
    film.provider.answers_late("spin")
    film.run()
    (known,) = records(film)
    film.provider.found = {known.correlation_id: [TaskId("task-1")]}  # that of the fox

    first = film.run()
    film.provider.found = {known.correlation_id: [TaskId("task-1"), TaskId("task-2")]}
    second = film.run()

    assert (first, second, film.provider.received) == (
        Exit.UNDECIDED,
        Exit.DONE,
        ["fox", "spin"],
    )
    assert [record.task_id for record in records(film)] == ["task-2"]


@pytest.mark.parametrize("seed", [0, 1], ids=["equal bytes", "other bytes"])
def test_all_tasks_of_a_request_that_arrived_more_than_once_are_collected_and_named(
    tmp_path: Path, seed: int
) -> None:
    film = Film(tmp_path, [job("spin")])
    film.provider.answers_late("spin")
    film.run()
    (known,) = records(film)
    film.provider._tasks[TaskId("task-2")] = film.provider._tasks[TaskId("task-1")]
    film.provider._seeds["task-2"] = seed
    film.provider.found = {known.correlation_id: [TaskId("task-1"), TaskId("task-2")]}

    code = film.run()

    assert (code, film.provider.received) == (Exit.DONE, ["spin"])
    assert told(film, "kept")[0] == (
        "spin kept task task-2 was made by the same request; it is paid, and collected too"
    )
    assert sorted(str(r.task_id) for r in records(film)) == ["task-1", "task-2"]
    assert [r.superseded is not None for r in records(film)].count(True) == 1


def test_a_lost_submit_that_nobody_can_tell_of_is_a_persons_to_decide(tmp_path: Path) -> None:
    film = lost(tmp_path, LOST)

    code = film.run()

    assert (code, film.provider.attempts) == (Exit.UNDECIDED, [])
    assert told(film, "unknown") == [
        f"spin unknown {advice(JobId('spin'), str(tmp_path / 'film.yaml'))}"
    ]
    assert [r.state for r in records(film)] == [JobState.UNKNOWN]


def test_a_lost_submit_that_made_no_task_is_given_up_as_a_person_said(tmp_path: Path) -> None:
    film = lost(tmp_path, LOST, resubmit=(JobId("spin"),))
    film.provider.found = {}

    code = film.run()

    assert (code, film.provider.received) == (Exit.DONE, ["spin"])
    given_up, _ = records(film)
    assert (given_up.state, given_up.error) == (JobState.CANCELLED, "given up by --resubmit")


@pytest.mark.parametrize(
    ("after_s", "is_proof"),
    [
        pytest.param(0.0, False, id="the first time"),
        pytest.param(899.998, False, id="just before its time to be listed is over"),
        pytest.param(900.0, True, id="when it is over"),
    ],
)
@pytest.mark.parametrize("submitted_at", [T0 - timedelta(days=3), T0 + timedelta(days=3), None])
@pytest.mark.parametrize("ahead_s", [0.0, 1200.0, -1200.0])
def test_a_list_that_lacks_a_task_for_as_long_as_it_may_is_a_proof_by_both_clocks(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    submitted_at: datetime | None,
    after_s: float,
    ahead_s: float,
    *,
    is_proof: bool,
) -> None:
    film = lost(tmp_path, replace(LOST, submitted_at=submitted_at))
    film.provider.limits = replace(film.provider.limits, settle_s=900.0)
    film.provider.found = {}
    film.provider.ahead_s = 0.0
    first = film.run()  # our clock may be set right after this
    skew = max(timedelta(seconds=ahead_s), timedelta(0))  # of the slower clock
    noted = records(film)[0].unlisted_at
    assert noted is not None
    monkeypatch.setattr(tasks, "wall", lambda: noted + skew + timedelta(seconds=after_s))
    film.provider.ahead_s = ahead_s
    film.listener.lines.clear()

    code = film.run()

    when = f"{noted + timedelta(seconds=900):%H:%M:%S} UTC"
    still = (
        f"spin unknown its task may not be listed yet: ask again after {when}, and do not buy it "
        "before"
    )
    assert first is Exit.UNDECIDED
    assert code is (Exit.DONE if is_proof else Exit.UNDECIDED)
    assert film.provider.received == (["spin"] if is_proof else [])
    assert told(film, "unknown") == ([] if is_proof else [still])


@pytest.mark.parametrize("ahead_s", [None, 90_000.0, -9e10])
def test_without_the_providers_clock_a_list_is_no_proof_however_late_it_is_by_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead_s: float | None
) -> None:
    film = lost(tmp_path, LOST)
    film.provider.limits = replace(film.provider.limits, settle_s=900.0)
    film.provider.found, film.provider.ahead_s = {}, 0.0
    film.run()
    film.provider.ahead_s = ahead_s
    monkeypatch.setattr(tasks, "wall", lambda: T0 + timedelta(days=5))
    film.listener.lines.clear()

    code = film.run()

    assert (code, film.provider.attempts) == (Exit.UNDECIDED, [])
    assert "answers tell no time, so that its list proves nothing" in told(film, "unknown")[0]


def test_a_lost_submit_is_sought_since_it_left_with_the_routes_other_tasks_as_witnesses(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [job("spin")])
    others = [
        record("c2", JobState.FAILED, provider="scripted"),
        record("c3", JobState.FAILED, provider="another"),
    ]
    later = T0 + timedelta(seconds=61)  # perhaps another account's
    opener = record("c4", JobState.FAILED, provider="scripted")
    others.append(record("c5", JobState.FAILED, provider="scripted", submitted_at=later))
    others.append(record("c6", JobState.FAILED, provider="scripted", submitted_at=None))
    write(film, entry("spin", replace(LOST, fingerprint=WANTED), *others), entry("opener", opener))

    film.run()

    assert film.provider.sought == [("c1", T0, frozenset({"task-c2", "task-c4"}))]


@pytest.mark.parametrize(
    ("then", "now", "is_asked"),
    [("one", "one", True), ("one", "two", False), (None, "two", True), ("one", None, False)],
)
def test_another_accounts_list_tells_nothing_of_a_lost_submit(
    tmp_path: Path, then: str | None, now: str | None, *, is_asked: bool
) -> None:
    film = lost(tmp_path, replace(LOST, account=then))
    film.provider.account = now

    code = film.run()

    assert (code, film.provider.attempts) == (Exit.UNDECIDED, [])
    assert bool(film.provider.sought) is is_asked
    (said,) = told(film, "unknown")
    assert ("another key or host: ask there" in said) is not is_asked


def test_the_account_of_a_submit_is_kept_until_its_task_is_known(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("spin"), job("other")])
    film.provider.account = "one"
    film.provider.answers_late("spin")

    film.run()

    kept = {name: e.tasks[0].account for name, e in film.lock().entries.items()}
    assert kept == {"spin": "one", "other": None}


def test_to_ask_for_lost_submits_takes_turns_of_the_requests(tmp_path: Path) -> None:
    jobs = [job(f"s{n}") for n in range(40)]
    film = Film(tmp_path, jobs)
    write(
        film,
        *(
            entry(one.id, replace(LOST, correlation_id=CorrelationId(f"c-{one.id}")))
            for one in jobs
        ),
    )

    film.run()

    assert len(film.provider.sought) == 40
    assert film.seconds >= 0.3  # ten milliseconds each, less what an idle while saves up
