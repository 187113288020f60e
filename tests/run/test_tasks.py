"""Submits and waits that are interrupted, and providers that answer strangely."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from seedrender.errors import ProtocolError, RateLimitedError, UnavailableError
from seedrender.lock import lockfile
from seedrender.plan.outcome import Exit
from seedrender.values.entry import GUESSED, JobState, Lock
from seedrender.values.job import JobId, MediaKind, Reference, ReferenceUse
from seedrender.values.money import Amount
from seedrender.values.provider import LocalFile, MediaUrl
from seedrender.values.task import Task, TaskId, TaskState
from tests.builders import entry, job, record
from tests.run.test_executor import Film
from tests.scripted import Scripted

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
    film.provider.found = {lost: [TaskId("task-1")]}

    film.run()

    lost_one, anew = film.lock().entries[JobId("spin")].tasks
    assert (lost_one.task_id, lost_one.state) == ("task-1", JobState.FAILED)
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
