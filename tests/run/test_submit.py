"""The paid request: what is on disk before it leaves, and what its answer changes."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest

from seedrender.errors import (
    ForgottenError,
    ProtocolError,
    ProviderError,
    QuotaError,
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
)
from seedrender.lock.fingerprint import fingerprint
from seedrender.plan.outcome import Exit
from seedrender.run.hosting import Link, ProviderHost
from seedrender.run.inputs import Inputs
from seedrender.run.store import Store
from seedrender.run.submit import advice
from seedrender.values.entry import JobState, TaskRecord
from seedrender.values.job import CorrelationId, JobId, MediaKind, Reference, ReferenceUse
from seedrender.values.money import Amount, Price, Quote
from seedrender.values.provider import LocalFile, MediaUrl
from seedrender.values.task import TaskId, TaskState
from tests.builders import job
from tests.crash.disk import Disk
from tests.run.test_executor import Film
from tests.scripted import Scripted

SPIN = job("spin")
DANCE = Reference(name="dance", kind=MediaKind.VIDEO, path="dance.mp4")
PRICE = Price(expected=Amount(Decimal("1.50"), "USD"), source="a price list")
DOWN = UnavailableError("connection refused")
LATER = RateLimitedError("too many requests", retry_after_s=9.0)


class Uploading(Scripted):
    """Counts the files that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.uploads = 0

    async def upload(self, file: LocalFile) -> MediaUrl:
        self.uploads += 1
        return await super().upload(file)


class OnDisk:
    """What the lock on disk says of each job when a request about it leaves."""

    def __init__(self, film: Film) -> None:
        self._film = film
        self.seen: defaultdict[str, list[tuple[TaskRecord, ...]]] = defaultdict(list)
        film.provider.before = self._look

    def _look(self, kind: str, name: str) -> None:
        entry = self._film.lock().entries.get(JobId(name))
        self.seen[kind].append(entry.tasks if entry is not None else ())

    @property
    def intents(self) -> list[TaskRecord]:
        """The newest record that a job had as each submit left."""
        return [tasks[-1] for tasks in self.seen["submit"]]


def records(film: Film, name: str = "spin") -> tuple[TaskRecord, ...]:
    return film.lock().entries[JobId(name)].tasks


def dancing(folder: Path, *names: str) -> Film:
    """A film whose jobs name a file that must be uploaded."""
    content = b"a clip"
    (folder / "dance.mp4").write_bytes(content)
    digests = {"dance": hashlib.sha256(content).hexdigest()}
    jobs = [job(name, references=(ReferenceUse(reference=DANCE),)) for name in names]
    return Film(folder, jobs, provider=Uploading(), digests=digests)


def uploads(film: Film) -> int:
    assert isinstance(film.provider, Uploading)
    return film.provider.uploads


def test_an_intent_is_on_disk_before_its_request_leaves_and_the_task_before_the_first_poll(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [SPIN])
    disk = OnDisk(film)

    film.run()

    (before,), (intent,) = disk.seen["poll"][0], disk.intents
    assert (intent.state, intent.task_id) == (JobState.SUBMITTING, None)
    assert [found.correlation_id for found in film.provider.submits] == [intent.correlation_id]
    assert before == replace(intent, state=JobState.SUBMITTED, task_id=TaskId("task-1"))


def test_an_intent_says_what_is_bought_where_when_and_for_how_much(tmp_path: Path) -> None:
    spin = job("spin", duration_s=5)
    film = Film(tmp_path, [spin])
    film.provider.prices["spin"] = PRICE
    disk = OnDisk(film)

    film.run()

    (intent,) = disk.intents
    assert intent.fingerprint == fingerprint(spin, {}, {})
    assert intent.fingerprint.parts
    assert (intent.provider, intent.submitted_at is not None) == ("scripted", True)
    assert intent.estimate == Quote(
        expected=PRICE.expected, high=PRICE.expected, seconds=Decimal(5), source="a price list"
    )


def test_each_request_has_an_id_of_its_own_that_nobody_can_guess(tmp_path: Path) -> None:
    film = Film(tmp_path, [SPIN, job("other")])
    film.provider.submit_errors["spin"] += [DOWN, DOWN]
    disk = OnDisk(film)

    film.run()

    ids = {intent.correlation_id for intent in disk.intents}
    assert len(ids) == 4
    assert all(re.fullmatch("[0-9a-f]{32}", found) for found in ids)


def test_a_request_whose_intent_cannot_be_written_does_not_leave(tmp_path: Path) -> None:
    film = Film(tmp_path, [SPIN])
    syncs = []

    def full(kind: str, path: Path) -> None:
        if kind == "fsync" and path.name.endswith(".journal"):
            syncs.append(path)
            if len(syncs) > 1:  # the first one is of its header
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Disk(tmp_path, before=full):
        code = film.run()

    assert len(syncs) > 1
    assert (code, film.provider.attempts) == (Exit.FAILED, [])


def test_a_lost_answer_is_written_down_and_told_with_both_ways_out_and_nothing_is_sent_again(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [SPIN, job("other")], concurrency=1)
    film.provider.loses_answer_to("spin")

    code = film.run()

    (lost,) = records(film)
    assert (code, film.provider.attempts) == (Exit.UNDECIDED, ["spin", "other"])
    assert (lost.state, lost.task_id, lost.error) == (JobState.UNKNOWN, None, "the answer was lost")
    assert (
        f"spin unknown the answer was lost: {advice(JobId('spin'), str(tmp_path / 'film.yaml'))}"
        in film.listener.lines
    )
    assert film.state("other") is JobState.DONE  # the place was given back


def test_the_advice_for_a_lost_answer_names_both_ways_out() -> None:
    assert advice(JobId("spin@2"), "film.yaml") == (
        "a paid task may exist. Look at the provider's console; if there is one, take it over "
        "with `seedrender adopt film.yaml spin@2 --task ID`; if there is none, run again with "
        "--resubmit spin@2"
    )


def test_five_lost_answers_alike_stop_what_would_be_lost_next(tmp_path: Path) -> None:
    film = Film(tmp_path, [job(f"s{n}") for n in range(9)], concurrency=1)
    for n in range(9):
        film.provider.loses_answer_to(f"s{n}")

    film.run()

    words = "5 submits in a row have an unknown outcome: the answer was lost"
    assert len(film.provider.attempts) == 5
    assert {str(error) for error in film.errors.values()} == {words}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(7, id="a number"),
        pytest.param(None, id="nothing"),
        pytest.param("", id="an empty text"),
        pytest.param("task 1", id="two words"),
        pytest.param("task\x1b[1m", id="a command for terminals"),
        pytest.param("tâche", id="other letters"),
        pytest.param("x" * 513, id="too long"),
    ],
)
def test_an_answer_whose_task_id_is_none_is_a_lost_one(tmp_path: Path, name: object) -> None:
    film = Film(tmp_path, [SPIN])
    film.provider.names["spin"].append(name)

    codes = [film.run(), film.run()]

    (lost,) = records(film)
    assert (codes, film.provider.attempts) == ([Exit.UNDECIDED] * 2, ["spin"])
    assert (lost.state, lost.task_id) == (JobState.UNKNOWN, None)
    assert (lost.error or "").endswith(f"names a task {name!r:.80}, which is no id")


def test_an_answer_that_names_the_task_of_another_job_is_a_lost_one(tmp_path: Path) -> None:
    film = Film(tmp_path, [job("first"), job("second")], concurrency=1)
    film.provider.names["second"].append("task-1")

    codes = [film.run(), film.run()]

    (lost,) = records(film, "second")
    assert (codes, film.provider.attempts) == ([Exit.UNDECIDED] * 2, ["first", "second"])
    assert (lost.state, lost.task_id) == (JobState.UNKNOWN, None)
    assert lost.error == (
        "the answer to a submit names task task-1, which is the same as that of first"
    )


def test_refusals_that_differ_stop_nothing(tmp_path: Path) -> None:
    film = Film(tmp_path, [job(f"s{n}") for n in range(7)], concurrency=1)
    for n, word in enumerate(("red", "green", "blue", "black", "white", "grey", "pink")):
        film.provider.submit_errors[f"s{n}"].append(RejectedError(f"no {word} is allowed"))

    film.run()

    assert len(film.provider.attempts) == 7


def test_a_refusal_is_written_down_and_told_with_its_time_and_that_nothing_was_bought(
    tmp_path: Path,
) -> None:
    film = Film(tmp_path, [SPIN])
    film.provider.submit_errors["spin"].append(RejectedError("HTTP 400: the prompt is refused"))

    code = film.run()

    words = "HTTP 400: the prompt is refused; nothing was bought"
    (refused,) = records(film)
    assert code is Exit.FAILED
    assert (refused.state, refused.error) == (JobState.BLOCKED, words)
    assert refused.submitted_at is not None
    assert refused.finished_at is not None
    assert refused.finished_at > refused.submitted_at
    assert f"spin blocked {words}" in film.listener.lines


@pytest.mark.parametrize("error", [UnauthorizedError("wrong key"), QuotaError("no credit")])
def test_an_answer_that_proves_that_nothing_was_bought_leaves_nothing_behind(
    tmp_path: Path, error: ProviderError
) -> None:
    film = Film(tmp_path, [SPIN])
    film.provider.submit_errors["spin"].append(error)

    first, told, left = film.run(), film.listener.lines[-1], film.lock()
    second = film.run()

    assert (first, told) == (Exit.FAILED, f"spin error {error}")
    assert [entry.tasks for entry in left.entries.values()] in ([], [()])
    assert (second, film.provider.received) == (Exit.DONE, ["spin"])


@pytest.mark.parametrize(
    "error", [ProtocolError("not JSON"), ForgottenError("gone"), ProviderError("odd")]
)
def test_an_answer_that_proves_nothing_may_have_made_a_task(
    tmp_path: Path, error: ProviderError
) -> None:
    film = Film(tmp_path, [SPIN])
    film.provider.submit_errors["spin"].append(error)

    codes = [film.run(), film.run()]

    (left,) = film.lock().entries[SPIN.id].tasks
    assert (codes, left.state, film.provider.received) == (
        [Exit.UNDECIDED] * 2,
        JobState.UNKNOWN,
        [],
    )
    assert left.error == str(error)


def test_a_request_is_sent_again_with_the_files_that_are_there_and_an_intent_of_its_own(
    tmp_path: Path,
) -> None:
    film = dancing(tmp_path, "spin")
    film.provider.submit_errors["spin"].append(DOWN)
    disk = OnDisk(film)

    code = film.run()

    first, second = disk.intents
    assert (code, uploads(film)) == (Exit.DONE, 1)
    assert film.listener.lines[0].startswith("spin waits connection refused; asking again in ")
    assert first.submitted_at is not None
    assert second.submitted_at is not None
    assert second.submitted_at > first.submitted_at
    assert [r.correlation_id for r in records(film)] == [second.correlation_id]


class Lending(ProviderHost):
    """A host with so many places, which notes what each request names before it leaves."""

    def __init__(self, provider: Scripted, places: int | None = None) -> None:
        super().__init__(provider)
        self.places = places
        self.used: list[tuple[list[str], str]] = []

    def use(self, links: Collection[Link], submit: CorrelationId) -> None:
        self.used.append(([link.url for link in links], submit))


@dataclass
class Lent(Film):
    """A film whose files go to a host."""

    places: int | None = None
    host: Lending | None = None

    def inputs(self, store: Store) -> Inputs:
        self.host = Lending(self.provider, self.places)
        return Inputs(self.provider, store, self.files, self.digests, host=self.host)


def lent(folder: Path, *names: str, places: int | None = None) -> Lent:
    """A film whose jobs name a file each."""
    jobs, digests = [], {}
    for name in names:
        content = name.encode()
        (folder / f"{name}.mp4").write_bytes(content)
        digests[name] = hashlib.sha256(content).hexdigest()
        given = Reference(name=name, kind=MediaKind.VIDEO, path=f"{name}.mp4")
        jobs.append(job(name, references=(ReferenceUse(reference=given),)))
    return Lent(folder, jobs, digests=digests, places=places)


def test_the_files_that_a_request_names_are_noted_with_its_id_before_it_leaves(
    tmp_path: Path,
) -> None:
    film = lent(tmp_path, "spin")
    noted: list[list[tuple[list[str], str]]] = []

    def look(kind: str, _name: str) -> None:
        if kind == "submit" and film.host is not None:
            noted.append(list(film.host.used))

    film.provider.before = look
    film.run()

    (submission,) = film.provider.submits
    assert noted == [
        [([f"https://scripted.example/{film.digests['spin']}"], submission.correlation_id)]
    ]


def test_a_job_whose_files_wait_for_a_place_at_the_host_says_so(tmp_path: Path) -> None:
    film = lent(tmp_path, "a", "b", places=1)

    code = film.run()

    assert (code, film.provider.attempts) == (Exit.DONE, ["a", "b"])
    assert "b waits for a place among the 1 files that the provider keeps" in film.listener.lines


def test_a_provider_that_asks_for_patience_gets_it_for_as_long_as_it_asks(tmp_path: Path) -> None:
    film = Film(tmp_path, [SPIN])
    film.provider.submit_errors["spin"] += [LATER] * 9

    assert film.run() is Exit.DONE
    waits = [line for line in film.listener.lines if "waits too many requests" in line]
    assert len(waits) == 9
    assert all(re.search(r"; asking again in \d+ s\Z", line) for line in waits)
    assert film.seconds > 9 * 9


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        pytest.param(RateLimitedError("too many requests"), 40, id="too many requests"),
        pytest.param(RateLimitedError("too many tasks", is_concurrency=True), 240, id="tasks"),
    ],
)
def test_a_provider_that_is_busy_for_ever_ends_the_buying(
    tmp_path: Path, error: RateLimitedError, attempts: int
) -> None:
    film = Film(tmp_path, [SPIN])
    film.provider.submit_errors["spin"] += [error] * 1000

    assert film.run() is Exit.FAILED
    assert film.provider.attempts == ["spin"] * attempts
    assert film.provider.received == []


def test_a_quota_of_the_day_is_not_waited_for_and_said_with_its_end(tmp_path: Path) -> None:
    film = Film(tmp_path, [SPIN, replace(SPIN, id=JobId("other"))], concurrency=1)
    full = RateLimitedError("HTTP 429: Daily quota exceeded", retry_after_s=86_400.0)
    film.provider.submit_errors["spin"] += [full]

    code = film.run()

    said = str(film.errors[JobId("spin")])
    assert (code, film.provider.attempts) == (Exit.FAILED, ["spin"])
    assert re.search(
        r"nothing is taken until \d{4}-\d\d-\d\d \d\d:\d\d UTC; nothing was bought", said
    )


def test_no_file_is_handed_over_for_what_is_not_bought_any_more(tmp_path: Path) -> None:
    film = dancing(tmp_path, "a", "b")
    film.concurrency, film.drain_after_s, film.grace_s = 1, 30, 900
    film.provider.takes_at_once = 1

    film.run()

    assert (film.provider.attempts, uploads(film)) == (["a"], 1)


def test_a_stop_while_a_request_waits_for_its_turn_lets_none_leave(tmp_path: Path) -> None:
    film = Film(tmp_path, [SPIN], drain_after_s=0.005, grace_s=900)  # a turn comes after 0.01

    code = film.run()

    assert (code, film.provider.attempts) == (Exit.UNFINISHED, [])


def test_a_stop_while_a_host_is_down_lets_no_second_request_leave(tmp_path: Path) -> None:
    film = Film(tmp_path, [SPIN], drain_after_s=0.5, grace_s=900)
    film.provider.submit_errors["spin"].append(DOWN)

    code = film.run()

    assert (code, film.provider.attempts) == (Exit.UNFINISHED, ["spin"])


@pytest.mark.parametrize("odd", [False, {}, "", 0, set(), None, [None], [5]])
def test_only_an_empty_list_proves_that_nothing_was_created(tmp_path: Path, odd: object) -> None:
    film = Film(tmp_path, [SPIN])
    film.provider.answers_late("spin")
    film.run()
    (lost,) = records(film)
    film.provider.found = {lost.correlation_id: odd}  # type: ignore[dict-item]

    codes = {film.run(), film.run()}

    assert (codes, records(film)[0].state) == ({Exit.UNDECIDED}, JobState.UNKNOWN)
    assert film.provider.attempts == ["spin"]


def test_a_task_that_is_found_after_a_lost_answer_is_no_longer_in_error(tmp_path: Path) -> None:
    film = Film(tmp_path, [SPIN])
    film.provider.answers_late("spin")
    film.run()
    (lost,) = records(film)
    film.provider.found = {lost.correlation_id: [TaskId("task-1")]}
    film.provider.ends_with("spin", TaskState.SUCCEEDED)
    film.provider.finish_everything()
    disk = OnDisk(film)

    film.run()

    ((found,), *_) = disk.seen["poll"]
    assert (found.state, found.task_id, found.error) == (JobState.SUBMITTED, "task-1", None)
