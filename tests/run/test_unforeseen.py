"""An exception that nobody foresaw, in one job: it ends that job and the buying, nothing else."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import pytest

from seedrender.errors import BugError
from seedrender.plan.outcome import Exit
from seedrender.run import executor
from seedrender.run.announcer import guarded
from seedrender.run.bugs import with_bugs
from seedrender.run.executor import Executor
from seedrender.run.store import Store
from seedrender.values.entry import JobState
from seedrender.values.job import CorrelationId, Job, JobId, Submission
from seedrender.values.manifest import LongTake
from seedrender.values.provider import MediaUrl
from seedrender.values.task import RemoteFile, Task, TaskId
from tests.builders import job
from tests.run.test_executor import Film, Quiet, chain
from tests.scripted import Scripted


class Odd(Scripted):
    """A plugin's route that raises what no route may raise, for the job `odd`."""

    def __init__(self, where: str, error: Exception) -> None:
        super().__init__()
        self._where, self._error = where, error
        self._odd: set[TaskId] = set()

    def _raise(self, where: str, name: str) -> None:
        if where == self._where and name == "odd":
            raise self._error

    def encode(
        self, job: Job, media: Mapping[str, MediaUrl], correlation_id: CorrelationId
    ) -> Submission:
        self._raise("encode", job.id)
        return super().encode(job, media, correlation_id)

    async def submit(self, submission: Submission) -> TaskId:
        task = await super().submit(submission)
        self._raise("submit", str(submission.job))
        if submission.job == "odd":
            self._odd.add(task)
        return task

    async def poll(self, task_id: TaskId, *, hold: bool = False) -> Task:
        if task_id in self._odd:
            self._raise("poll", "odd")
        return await super().poll(task_id, hold=hold)

    async def retrieve(self, file: RemoteFile) -> AsyncGenerator[bytes, None]:
        if "/odd.mp4" in file.url:
            self._raise("retrieve", "odd")
        async for block in super().retrieve(file):
            yield block


class Watched(Film):
    """A film that keeps its executor."""

    def _executor(self, store: Store) -> Executor:
        self.executor = super()._executor(store)
        return self.executor


def film(folder: Path, where: str, error: Exception) -> Watched:
    jobs = [job(name) for name in ("one", "odd", "two", "three", "four", "five")]
    return Watched(folder, jobs, provider=Odd(where, error))


@pytest.mark.parametrize(
    "error",
    [ValueError("a bad header"), RecursionError(), OverflowError("year 99999"), KeyError("x")],
)
@pytest.mark.parametrize(
    ("where", "state", "code"),
    [
        ("encode", None, 1),
        ("submit", JobState.SUBMITTING, 6),
        ("poll", JobState.SUBMITTED, 1),
        ("retrieve", JobState.SUCCEEDED, 1),
    ],
)
def test_it_closes_the_buying_and_what_is_in_flight_is_kept(
    tmp_path: Path, where: str, error: Exception, state: JobState | None, code: int
) -> None:
    found = film(tmp_path, where, error)

    ended = with_bugs(found.run(), found.executor.failed.values())

    lock = found.lock()
    bought = set(found.provider.received) - {"odd"}
    assert ended == code
    assert isinstance(found.executor.failed[JobId("odd")], BugError)
    assert {str(n) for n, e in lock.entries.items() if e.output is not None} == bought
    assert bought
    assert (found.state("odd") if "odd" in lock.entries else None) is state
    (line,) = [line for line in found.listener.lines if line.startswith("odd error")]
    assert type(error).__name__ in line
    assert len(list((tmp_path / ".seedrender").glob("bug-*.txt"))) == 1


def test_the_next_run_pays_nothing_twice(tmp_path: Path) -> None:
    found = film(tmp_path, "poll", ValueError("odd"))
    found.run()
    assert isinstance(found.provider, Odd)
    found.provider._where = "nowhere"
    found.provider.finish_everything()

    again = found.run()

    assert again == Exit.DONE
    assert sorted(found.provider.received) == sorted(set(found.provider.received))


def test_a_bug_in_a_join_ends_that_join(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def odd(*_args: object, **_more: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(executor, "join", odd)
    segments = chain(2)
    take = LongTake(id=JobId("fly"), segments=tuple(j.id for j in segments), output="fly.mp4")
    found = Watched(tmp_path, [*segments, job("spin")], takes=(take,))

    found.run()

    assert isinstance(found.executor.failed[JobId("fly")], BugError)
    assert sorted(found.provider.received) == ["fly/01", "fly/02", "spin"]


def test_a_listener_that_raises_changes_nothing(tmp_path: Path) -> None:
    class Dead(Quiet):
        def note(self, job: JobId, what: str, detail: str = "") -> None:
            del job, what, detail
            raise OSError(5, "Input/output error")

        def say(self, words: str) -> None:
            del words
            raise ValueError("I/O operation on closed file")

    class Told(Watched):
        def _executor(self, store: Store) -> Executor:
            made = super()._executor(store)
            made._listener = guarded(Dead())
            return made

    found = Told(tmp_path, [job("spin"), *chain(2)])

    assert found.run() == Exit.DONE
