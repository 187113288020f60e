"""The wait for a task's end: when it is asked about, what is kept of the answers, what is told."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from seedrender.errors import (
    NotFoundError,
    ProtocolError,
    ProviderError,
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
)
from seedrender.lock import fold, lockfile
from seedrender.plan.outcome import Exit
from seedrender.plan.paid import charge, is_free
from seedrender.run import watch
from seedrender.values.entry import Fingerprint, JobState, Lock, LockEntry, TaskRecord
from seedrender.values.job import JobId, MediaKind
from seedrender.values.money import Amount, Cost
from seedrender.values.task import RemoteFile, Task, TaskId, TaskState
from tests.builders import T0, clip, entry, job, record
from tests.run.test_executor import Film
from tests.scripted import clip_bytes

SPIN = job("spin")
DOLLAR = Amount(Decimal(1), "USD")
WEEK = timedelta(days=7)


def seen(state: TaskState, **fields: Any) -> Task:
    return Task(id=TaskId("any"), state=state, provider_state=state.value, **fields)


RUNS, WAITS = seen(TaskState.RUNNING), seen(TaskState.QUEUED)
STRANGE, DOWN, GONE = ProtocolError("no JSON"), UnavailableError("refused"), NotFoundError("gone")
LATER = RateLimitedError("later")
FREE, BILLED = Amount(Decimal(0), "USD"), Amount(Decimal("0.3"), "USD")
DENIED = "gone"


def film(folder: Path, *answers: Task | Exception) -> Film:
    """A film whose task has ended, after some other answers to those who ask about it."""
    found = Film(folder, [SPIN])
    found.provider.render_s = 0.0
    found.provider.answers["spin"] += answers
    return found


def left(folder: Path, *answers: Task | Exception) -> Film:
    """A film whose task was left at the provider by an earlier run."""
    found = film(folder, *answers)
    found.stop_after_s = 5
    found.run()
    found.stop_after_s = None
    found.provider.finish_everything()
    return found


def submitted_at(found: Film, moment: datetime | None) -> None:
    """Let the lock say another time, or none, of the task."""
    lock = found.lock()
    spin = lock.entries[JobId("spin")]
    bought = replace(spin.tasks[0], submitted_at=moment)
    changed = replace(lock, entries={spin.job: replace(spin, tasks=(bought,))})
    found.lock_path.write_text(lockfile.dumps(changed), "utf-8")


def noted(found: Film) -> TaskRecord:
    (made,) = found.lock().entries[JobId("spin")].tasks
    return made


def told(found: Film, *kinds: str) -> list[str]:
    lines = [f"spin {kind} " for kind in kinds]
    told = (line for line in found.listener.lines if line.startswith(tuple(lines)))
    return [re.sub(r"again in \d+ s\Z", "again in N s", line) for line in told]


def waits_between(found: Film) -> list[float]:
    return [after - before for before, after in pairwise(found.provider.poll_times)]


@pytest.mark.parametrize("message", ["too dark", None])
@pytest.mark.parametrize(
    ("state", "kept"),
    [
        (TaskState.FAILED, JobState.FAILED),
        (TaskState.REFUSED, JobState.BLOCKED),
        (TaskState.EXPIRED, JobState.EXPIRED),
        (TaskState.CANCELLED, JobState.CANCELLED),
    ],
)
def test_a_bad_end_is_kept_with_its_reason_and_told(
    tmp_path: Path, state: TaskState, kept: JobState, message: str | None
) -> None:
    found = film(tmp_path, seen(state, message=message, render_s=33.0))

    found.run()

    ended = noted(found)
    assert (ended.state, ended.error, ended.render_s) == (kept, message, 33.0)
    assert ended.finished_at is not None
    assert told(found, kept.value) == [f"spin {kept.value} {message or ''}"]


def test_a_good_end_is_kept_without_words(tmp_path: Path) -> None:
    found = film(tmp_path)
    video = RemoteFile(url="video", kind=MediaKind.VIDEO)
    end = seen(TaskState.SUCCEEDED, message="all is well", render_s=41.5, video=video)
    found.provider.answers["spin"].append(end)
    found.provider.files = {"video": [clip_bytes()]}
    ends: list[TaskRecord] = []

    def look(kind: str, _name: str) -> None:
        if kind == "retrieve":
            ends.append(noted(found))

    found.provider.before = look
    found.run()

    (ended,) = ends  # on disk before the clip is asked for
    assert (ended.state, ended.error) == (JobState.SUCCEEDED, None)
    assert (ended.render_s, ended.retries) == (41.5, None)
    assert ended.finished_at is not None
    assert told(found, "succeeded") == []


@pytest.mark.parametrize(
    ("route", "source"), [("scripted", "prices"), ("sim", "simulated"), ("SIM", "prices")]
)
def test_what_a_task_cost_is_kept_with_who_says_so(tmp_path: Path, route: str, source: str) -> None:
    found = film(tmp_path, seen(TaskState.FAILED, cost=DOLLAR, cost_source="prices"))
    found.provider.name = route

    found.run()

    assert noted(found).cost == Cost(amount=DOLLAR, source=source)


def test_a_cost_that_nobody_says_is_not_known(tmp_path: Path) -> None:
    found = film(tmp_path)

    found.run()

    assert noted(found).cost is None


def test_what_a_provider_says_and_makes_no_sense_is_kept_as_text_and_told(tmp_path: Path) -> None:
    found = film(tmp_path, seen(TaskState.FAILED, unread={"cost": "-0.276"}))

    found.run()

    assert noted(found).unread == {"cost": "-0.276"}
    assert told(found, "rendering") == [
        "spin rendering cost: the provider said '-0.276', which is kept as unknown"
    ]


def test_a_task_of_this_run_is_looked_at_by_the_schedule(tmp_path: Path) -> None:
    found = film(tmp_path, RUNS, RUNS)

    found.run()

    assert [round(at) for at in found.provider.poll_times] == [15, 20, 30]


def test_a_task_of_an_earlier_run_is_looked_at_at_once(tmp_path: Path) -> None:
    found = left(tmp_path)

    code = found.run()

    assert code is Exit.DONE
    assert [round(at) for at in found.provider.poll_times] == [0]
    assert told(found, "resumed") == ["spin resumed task-1"]


@pytest.mark.parametrize(
    ("route", "first", "last"),
    [
        pytest.param("scripted", 50, 75, id="of this provider"),
        pytest.param("other", 15, 16, id="of another one"),
    ],
)
def test_what_tasks_of_the_lock_took_says_when_to_look(
    tmp_path: Path, route: str, first: float, last: float
) -> None:
    found = film(tmp_path)
    entries = [took(f"s{n}", 60.0 + n, route) for n in range(20)]
    lock = Lock(manifest="film.yaml", entries={e.job: e for e in entries})
    found.lock_path.write_text(lockfile.dumps(lock), "utf-8")

    found.run()

    assert first <= found.provider.poll_times[0] <= last


def took(name: str, render_s: float, route: str) -> LockEntry:
    """A job that is done, and how long its task took."""
    task = record(
        f"c-{name}",
        JobState.SUCCEEDED,
        provider=route,
        fingerprint=Fingerprint(digest="sha256:aa", parts={"model": SPIN.model}),
        finished_at=T0 + timedelta(seconds=render_s + 10),
        render_s=render_s,
    )
    return entry(name, task, output=clip(f"c-{name}", f"renders/{name}.mp4"))


def test_that_a_task_renders_is_told_and_that_it_waits_is_not(tmp_path: Path) -> None:
    found = film(tmp_path, WAITS, RUNS, RUNS, WAITS)

    found.run()

    assert told(found, "rendering", "waits") == ["spin rendering task-1"] * 2


def test_where_nobody_waits_one_look_is_had_at_once_and_the_task_stays_as_it_is(
    tmp_path: Path,
) -> None:
    found = left(tmp_path, RUNS)
    before, found.waits = noted(found), False

    code = found.run()

    assert (code, found.seconds < 1) == (Exit.UNFINISHED, True)
    assert found.provider.polls == ["spin"]
    assert told(found, "rendering") == ["spin rendering task-1"]
    assert noted(found) == before


def test_where_nobody_waits_a_task_that_has_ended_is_collected_all_the_same(
    tmp_path: Path,
) -> None:
    found = left(tmp_path)
    found.waits = False

    assert (found.run(), found.provider.received) == (Exit.DONE, ["spin"])


def test_each_read_that_fails_in_a_row_is_followed_by_a_longer_wait(tmp_path: Path) -> None:
    found = left(tmp_path, DOWN, DOWN, STRANGE, RUNS, DOWN)

    found.run()

    first, second, third, _, last = waits_between(found)
    assert 1 <= first <= 3.1
    assert 2 <= second <= 6.1
    assert 4 <= third <= 12.1
    assert 1 <= last <= 3.1  # an answer begins the row anew


def test_a_provider_that_says_how_long_is_waited_for(tmp_path: Path) -> None:
    found = left(tmp_path, RateLimitedError("later", retry_after_s=100.0))

    found.run()

    assert 100 <= waits_between(found)[0] <= 140


def test_all_reads_that_failed_are_counted_in_the_record(tmp_path: Path) -> None:
    found = film(tmp_path, DOWN, RUNS, STRANGE, LATER)

    found.run()

    assert noted(found).retries == 3


def test_a_person_is_told_once_of_a_silence_when_it_begins(tmp_path: Path) -> None:
    found = film(tmp_path, DOWN, DOWN, UnavailableError("HTTP 503"), DOWN, DOWN)

    found.run()

    assert told(found, "waits") == ["spin waits HTTP 503; asking again in N s"]


def test_two_reads_that_fail_are_no_silence_and_an_answer_ends_one(tmp_path: Path) -> None:
    found = film(tmp_path, DOWN, DOWN, WAITS, DOWN, DOWN, WAITS, DOWN, DOWN)

    found.run()

    assert told(found, "waits") == []


@pytest.mark.parametrize("between", [RUNS, DOWN, LATER], ids=["it runs", "no answer", "too many"])
def test_strange_answers_count_anew_after_anything_else(
    tmp_path: Path, between: Task | ProviderError
) -> None:
    found = film(tmp_path, *[STRANGE] * 5, between, *[STRANGE] * 5)

    assert found.run() is Exit.DONE
    assert noted(found).retries == 10 + isinstance(between, ProviderError)


def test_a_task_that_is_not_found_is_as_strange_as_an_answer_without_sense(
    tmp_path: Path,
) -> None:
    found = film(tmp_path, *[STRANGE, GONE] * 3)

    found.run()

    assert found.provider.polls == ["spin"] * 6
    assert (found.state("spin"), found.provider.received) == (JobState.SUBMITTED, ["spin"])


def test_a_provider_may_be_down_for_as_long_as_it_likes(tmp_path: Path) -> None:
    found = film(tmp_path, *[DOWN] * 50)

    assert found.run() is Exit.DONE
    assert noted(found).retries == 50


def test_what_no_repeat_would_help_ends_the_wait_at_once_and_the_task_stays_paid(
    tmp_path: Path,
) -> None:
    found = film(tmp_path, UnauthorizedError("wrong key"))

    code = found.run()

    assert (code, found.provider.polls) == (Exit.UNFINISHED, ["spin"])
    assert told(found, "error", "waits") == ["spin error wrong key"]
    assert found.state("spin") is JobState.SUBMITTED
    assert (found.run(), found.provider.received) == (Exit.DONE, ["spin"])


def test_a_young_task_that_is_not_found_is_asked_for_six_times_and_is_then_a_persons(
    tmp_path: Path,
) -> None:
    found = film(tmp_path, *[GONE] * 6)

    code = found.run()

    assert (code, found.provider.polls) == (Exit.UNDECIDED, ["spin"] * 6)
    assert told(found, "waits", "error") == [
        f"spin waits {DENIED}; asking again in N s",
        "spin error gone; its task, task-1, is not bought again",
    ]
    assert (found.state("spin"), found.provider.received) == (JobState.SUBMITTED, ["spin"])


@pytest.mark.parametrize(
    ("age", "is_lost"),
    [
        pytest.param(WEEK - timedelta(milliseconds=1), False, id="almost a week"),
        pytest.param(WEEK, True, id="a week"),
        pytest.param(2 * WEEK, True, id="older"),
        pytest.param(None, True, id="nobody knows how old"),
    ],
)
def test_a_task_that_is_not_found_is_lost_when_nobody_keeps_it_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: timedelta | None, *, is_lost: bool
) -> None:
    found = left(tmp_path, *[GONE] * 6)
    now = noted(found).submitted_at
    assert now is not None
    monkeypatch.setattr(watch, "wall", lambda: now)
    submitted_at(found, now - age if age is not None else None)

    code = found.run()

    kept = noted(found)
    assert (kept.is_lost, kept.state, kept.error) == (
        is_lost,
        JobState.SUBMITTED,
        "lost: gone" if is_lost else DENIED,
    )
    assert code is Exit.UNDECIDED
    why = (
        "spin lost task task-1 is paid, and lost: gone; each run asks once more: buy it again with "
        "--resubmit spin"
    )
    assert told(found, "lost") == ([why] if is_lost else [])
    assert found.provider.received == ["spin"]


@pytest.mark.parametrize("age", [timedelta(0), 2 * WEEK], ids=["young", "old"])
def test_a_task_that_was_not_found_is_asked_for_once_in_each_run_until_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: timedelta
) -> None:
    found = left(tmp_path, *[GONE] * 6)
    now = noted(found).submitted_at
    assert now is not None
    monkeypatch.setattr(watch, "wall", lambda: now)
    submitted_at(found, now - age)
    codes, polls = [found.run()], len(found.provider.polls)
    found.provider.answers["spin"] = [GONE]

    codes.append(found.run())

    assert (codes, len(found.provider.polls)) == ([Exit.UNDECIDED] * 2, polls + 1)
    assert (found.run(), found.provider.received) == (Exit.DONE, ["spin"])


def test_a_task_of_which_a_provider_speaks_nonsense_has_a_way_out(tmp_path: Path) -> None:
    found = film(tmp_path, *[STRANGE] * 12)
    codes = [found.run(), found.run()]
    found.provider.answers["spin"] = [STRANGE] * 6
    found.resubmit = (JobId("spin"),)

    codes.append(found.run())

    assert codes == [Exit.UNDECIDED, Exit.UNDECIDED, Exit.DONE]
    assert found.provider.received == ["spin", "spin"]


def test_a_simulated_task_that_is_not_found_is_simulated_again(tmp_path: Path) -> None:
    found = Film(tmp_path, [SPIN])
    found.provider.name = "sim"
    found.provider.answers["spin"] += [GONE] * 2

    found.run()

    assert (noted(found).state, noted(found).error) == (JobState.EXPIRED, "gone")
    assert told(found, "expired") == ["spin expired gone"]
    assert (found.run(), found.provider.received) == (Exit.DONE, ["spin", "spin"])


def test_a_simulator_that_is_broken_ends_the_run(tmp_path: Path) -> None:
    found = Film(tmp_path, [SPIN])
    found.provider.name = "sim"
    found.provider.answers["spin"] += [UnavailableError("HTTP 500")] * 1000

    assert found.run() is Exit.UNDECIDED
    assert len(found.provider.polls) == 20


def test_a_person_gives_up_a_young_task_that_is_not_found(tmp_path: Path) -> None:
    found = left(tmp_path, *[GONE] * 6)
    found.resubmit = (JobId("spin"),)

    code = found.run()

    given_up = found.lock().entries[JobId("spin")].tasks[0]
    assert (given_up.state, given_up.error) == (
        JobState.EXPIRED,
        f"given up by --resubmit: {DENIED}",
    )
    assert (code, found.provider.received) == (Exit.DONE, ["spin", "spin"])


def test_a_task_that_never_ends_has_a_way_out_when_nobody_would_keep_it_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = left(tmp_path, RUNS)
    now = noted(found).submitted_at
    assert now is not None
    monkeypatch.setattr(watch, "wall", lambda: now + WEEK)
    first, error = found.run(), noted(found).error
    found.provider.answers["spin"] = [RUNS]
    found.resubmit = (JobId("spin"),)

    assert first is Exit.UNDECIDED
    assert "still running more than seven days after it was bought" in str(error)
    found.run()
    assert found.provider.received == ["spin", "spin"]


@pytest.mark.parametrize("state", [TaskState.FAILED, TaskState.CANCELLED])
def test_a_task_that_succeeded_after_all_is_not_bought_again(
    tmp_path: Path, state: TaskState
) -> None:
    found = film(tmp_path, seen(state))
    codes = [found.run()]
    found.resubmit = (JobId("spin"),)
    found.provider.finish_everything()

    codes.append(found.run())

    assert codes == [Exit.FAILED, Exit.DONE]
    assert found.provider.received == ["spin"]


def test_a_task_that_failed_for_free_and_succeeded_after_all_is_not_bought_again(
    tmp_path: Path,
) -> None:
    free = replace(seen(TaskState.FAILED), cost=Amount(Decimal(0), "USD"))
    found = film(tmp_path, free)

    codes = [found.run()]
    found.provider.finish_everything()
    codes.append(found.run())

    assert codes == [Exit.FAILED, Exit.DONE]
    assert found.provider.received == ["spin"]


def test_a_task_that_failed_and_is_not_there_any_more_is_bought_as_a_person_says(
    tmp_path: Path,
) -> None:
    found = film(tmp_path, seen(TaskState.FAILED))
    found.run()
    found.provider.answers["spin"] = [GONE]
    found.resubmit = (JobId("spin"),)

    assert (found.run(), found.provider.received) == (Exit.DONE, ["spin", "spin"])


def test_a_long_wait_is_told_at_once(tmp_path: Path) -> None:
    found = film(tmp_path, RateLimitedError("later", retry_after_s=86_400.0))

    found.run()

    (line,) = told(found, "waits")
    assert line == "spin waits later; asking again in N s"


@pytest.mark.parametrize(
    ("answers", "code", "bought"),
    [
        pytest.param([seen(TaskState.FAILED, cost=BILLED)], Exit.FAILED, 1, id="it was billed"),
        pytest.param([seen(TaskState.FAILED, tokens=9)], Exit.UNDECIDED, 1, id="it used tokens"),
        pytest.param([seen(TaskState.FAILED)], Exit.DONE, 2, id="no cost is said, as before"),
        pytest.param([DOWN] * 3, Exit.FAILED, 1, id="nobody can say"),
        pytest.param([STRANGE], Exit.FAILED, 1, id="it makes no sense"),
        pytest.param([DOWN, seen(TaskState.FAILED, cost=FREE)], Exit.DONE, 2, id="in a moment"),
        pytest.param([GONE], Exit.DONE, 2, id="it is gone"),
    ],
)
def test_a_free_failure_is_bought_again_only_where_its_provider_says_so_once_more(
    tmp_path: Path, answers: list[Task | Exception], code: Exit, bought: int
) -> None:
    found = film(tmp_path, seen(TaskState.FAILED, cost=FREE))
    assert found.run() is Exit.FAILED
    found.provider.answers["spin"] = list(answers)
    found.provider.finish_everything()

    assert (found.run(), len(found.provider.received)) == (code, bought)


def test_where_nobody_can_say_a_person_can(tmp_path: Path) -> None:
    found = film(tmp_path, seen(TaskState.FAILED, cost=FREE))
    found.run()
    found.provider.answers["spin"] = [DOWN] * 3
    found.resubmit = (JobId("spin"),)

    assert (found.run(), len(found.provider.received)) == (Exit.DONE, 2)


def test_a_read_that_is_refused_has_a_way_out(tmp_path: Path) -> None:
    refused = RejectedError("HTTP 400: task_id")
    found = film(tmp_path, *[refused] * 12)
    codes = [found.run(), found.run()]
    found.provider.answers["spin"] = [refused] * 3
    found.resubmit = (JobId("spin"),)

    codes.append(found.run())

    assert codes == [Exit.UNDECIDED, Exit.UNDECIDED, Exit.DONE]
    assert found.provider.received == ["spin", "spin"]


def going_on(tmp_path: Path, **fields: Any) -> Film:
    """Let a task fail for nothing, and be seen to run again by the next run, which is stopped."""
    found = film(tmp_path, seen(TaskState.FAILED, cost=FREE))
    assert found.run() is Exit.FAILED
    found.provider.answers["spin"] = [RUNS] * 99
    found.stop_after_s = 5
    assert found.run() is Exit.UNFINISHED
    found.provider.answers["spin"], found.stop_after_s = [], None
    for name, value in fields.items():
        setattr(found, name, value)
    return found


def test_a_failed_task_that_goes_on_is_in_flight_again_and_collected(tmp_path: Path) -> None:
    found = going_on(tmp_path)
    on = noted(found)

    assert (on.state, on.stage, on.bill) == (JobState.FAILED, JobState.SUBMITTED, None)
    assert charge(on) is not None
    assert not is_free(on)
    assert fold.job_state(found.lock().entries[JobId("spin")]) is JobState.SUBMITTED
    assert (found.run(), found.provider.received) == (Exit.DONE, ["spin"])


def test_a_failed_task_that_went_on_and_failed_again_counts_as_that_end_says(
    tmp_path: Path,
) -> None:
    found = going_on(tmp_path)
    found.provider.answers["spin"] = [seen(TaskState.FAILED, cost=FREE)]

    code = found.run()

    assert (code, is_free(noted(found)), found.provider.received) == (Exit.FAILED, True, ["spin"])
    found.provider.answers["spin"] = [RUNS, RUNS, seen(TaskState.FAILED, cost=FREE)]  # once more
    assert (found.run(), found.provider.received) == (Exit.DONE, ["spin", "spin"])


@pytest.mark.parametrize("is_old", [False, True])
def test_a_failed_task_that_went_on_and_is_gone_is_a_persons_to_give_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_old: bool
) -> None:
    found = going_on(tmp_path)
    found.provider.answers["spin"] = [RUNS] if is_old else [NotFoundError("no such task")] * 3
    if is_old:
        bought = noted(found).submitted_at
        assert bought is not None
        monkeypatch.setattr(watch, "wall", lambda: bought + WEEK)
    codes = [found.run()]
    gone = noted(found)
    if is_old:
        found.provider.finish_everything()
    codes.append(found.run())

    assert codes[0] is Exit.UNDECIDED
    assert (gone.stage, gone.may_have_run_on, is_free(gone)) == (JobState.FAILED, True, False)
    if is_old:  # each run asks once more, and there it is
        assert (codes[1], found.provider.received) == (Exit.DONE, ["spin"])
        return
    found.provider.answers["spin"] = [NotFoundError("no such task")]
    found.resubmit = (JobId("spin"),)
    assert (codes[1], found.run()) == (Exit.UNDECIDED, Exit.DONE)
    assert found.provider.received == ["spin", "spin"]


def test_a_task_that_a_key_may_not_read_is_given_up_where_a_person_says(tmp_path: Path) -> None:
    found = film(tmp_path, *[UnauthorizedError("HTTP 403: not yours")] * 2)
    assert found.run() is Exit.UNFINISHED
    found.resubmit = (JobId("spin"),)

    assert (found.run(), found.provider.received) == (Exit.DONE, ["spin", "spin"])
