"""Answers of the shapes that section 3 of the reference records."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from seedrender.catalog.models import catalog
from seedrender.errors import ProtocolError
from seedrender.providers import ark_answers
from seedrender.values.task import Task, TaskId, TaskState

ID = TaskId("cgt-20261101093000-ab1cd")
RUNNING: dict[str, Any] = {
    "id": ID,
    "model": "dreamina-seedance-2-0-260128",
    "status": "running",
    "created_at": 1793496600,
    "updated_at": 1793496604,
    "service_tier": "default",
    "execution_expires_after": 172800,
}
SUCCEEDED: dict[str, Any] = {
    **RUNNING,
    "status": "succeeded",
    "content": {
        "video_url": "https://store.example/clip.mp4?X-Tos-Signature=s",
        "last_frame_url": "https://store.example/last.png?X-Tos-Signature=s",
    },
    "usage": {"completion_tokens": 108900, "total_tokens": 108900},
    "updated_at": 1793496780,
    "seed": 48201,
    "resolution": "720p",
    "ratio": "16:9",
    "duration": 5,
    "framespersecond": 24,
    "generate_audio": True,
    "draft": False,
    "priority": 0,
}
FAILED: dict[str, Any] = {
    **RUNNING,
    "status": "failed",
    "error": {"code": "OutputVideoSensitiveContentDetected", "message": "Not shown."},
    "updated_at": 1793496700,
}


def read(answer: dict[str, Any]) -> Task:
    return ark_answers.task(ID, answer, catalog("byteplus"))


def test_a_task_that_is_under_way_has_no_end() -> None:
    task = read(RUNNING)

    assert (task.state, task.video, task.cost, task.render_s) == (
        TaskState.RUNNING,
        None,
        None,
        None,
    )


def test_a_task_that_succeeded_has_its_files_their_life_its_time_and_its_cost() -> None:
    task = read(SUCCEEDED)

    assert task.state is TaskState.SUCCEEDED
    assert task.video is not None
    assert task.last_frame is not None
    assert task.video.url == SUCCEEDED["content"]["video_url"]
    assert task.video.expires_at == datetime.fromtimestamp(1793496780 + 86_400, UTC)
    assert task.last_frame.url == SUCCEEDED["content"]["last_frame_url"]
    assert task.render_s == 180
    assert task.cost is not None
    assert (task.cost.value, task.cost.currency) == (Decimal("0.7623"), "USD")
    assert task.cost_source == "prices"


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("queued", TaskState.QUEUED),
        ("running", TaskState.RUNNING),
        ("succeeded", TaskState.SUCCEEDED),
        ("expired", TaskState.EXPIRED),
        ("cancelled", TaskState.CANCELLED),
        ("dreaming", TaskState.RUNNING),
    ],
)
def test_states_are_read_and_an_unknown_one_is_still_going(word: str, state: TaskState) -> None:
    assert read({**RUNNING, "status": word}).state is state


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (FAILED["error"], TaskState.REFUSED, "OutputVideoSensitiveContentDetected: Not shown."),
        (
            {"code": "InternalServiceError", "message": "Oh."},
            TaskState.FAILED,
            "InternalServiceError",
        ),
        ({"message": "Oh."}, TaskState.FAILED, "Oh."),
        (None, TaskState.FAILED, "does not say why"),
        ("broke", TaskState.FAILED, "broke"),
    ],
)
def test_a_failed_task_says_why(error: Any, state: TaskState, words: str) -> None:
    task = read({**FAILED, "error": error})

    assert (task.state, words in str(task.message)) == (state, True)


def test_an_expired_task_says_so_in_its_own_words_or_ours() -> None:
    assert "time was up" in str(read({**RUNNING, "status": "expired"}).message)
    error = {"code": "X", "message": "Late."}
    assert read({**RUNNING, "status": "expired", "error": error}).message == "X: Late."


@pytest.mark.parametrize("word", ["failed", "expired", "cancelled"])
def test_only_successful_tasks_are_billed(word: str) -> None:
    cost = read({**FAILED, "status": word}).cost

    assert cost is not None
    assert cost.value == 0


@pytest.mark.parametrize("word", ["failed", "expired", "cancelled"])
@pytest.mark.parametrize("content", [None, SUCCEEDED["content"]])
def test_what_reports_tokens_is_billed_and_fetched_whatever_it_is_called(
    word: str, content: Any
) -> None:
    task = read({**SUCCEEDED, "status": word, "content": content})

    assert task.cost == read(SUCCEEDED).cost
    assert (task.state is TaskState.SUCCEEDED) == (task.video is not None) == bool(content)


@pytest.mark.parametrize(
    "more",
    [
        {"usage": [{"completion_tokens": 40000}]},
        {"usage": [40000]},
        {"usage": "40000"},
        {"usage": {"completion_tokens": 0, "total_tokens": 40000}},
        {"usage": {"total_tokens": 40000}},
        {"usage": {"completion_tokens": 0}, "billing": {"amount": 0.3}},
        {"cost": "0.3"},
    ],
)
def test_a_failure_beside_which_a_sum_stands_is_not_free(more: dict[str, Any]) -> None:
    assert read({**FAILED, **more}).cost is None


@pytest.mark.parametrize(
    "usage",
    [
        {"completion_tokens": 0, "total_tokens": 40000},
        {"completion_tokens": 40000, "total_tokens": 40001},
        {"completion_tokens": 40000, "total_tokens": "many"},
        {"completion_tokens": 0, "prompt_tokens": 7},
        {"completion_tokens": 0},
        {"completion_tokens": 0, "total_tokens": 0},
        {"total_tokens": 40000},
    ],
)
def test_counts_that_do_not_agree_are_no_cost_and_are_told(usage: dict[str, Any]) -> None:
    task = read({**SUCCEEDED, "usage": usage})

    assert task.cost is None
    assert "tokens" in task.unread
    assert task.state is TaskState.SUCCEEDED


def test_one_count_is_enough() -> None:
    alone = {**SUCCEEDED, "usage": {"completion_tokens": 108900}}

    assert read(alone).cost == read(SUCCEEDED).cost


def test_a_failure_that_names_a_clip_is_fetched() -> None:
    task = read({**FAILED, "content": SUCCEEDED["content"]})

    assert (task.state, task.video is not None) == (TaskState.SUCCEEDED, True)


@pytest.mark.parametrize("tokens", ["many", -5, [], 10**30])
def test_a_failure_whose_tokens_cannot_be_read_is_not_free(tokens: Any) -> None:
    usage = {"completion_tokens": tokens}
    task = read({**FAILED, "usage": usage})
    fetched = read({**FAILED, "usage": usage, "content": SUCCEEDED["content"]})

    assert (task.state, task.cost) == (TaskState.REFUSED, None)
    assert (fetched.state, fetched.cost) == (TaskState.SUCCEEDED, None)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"usage": None}, id="no usage"),
        pytest.param({"usage": {"completion_tokens": "many"}}, id="no number"),
        pytest.param({"usage": {"completion_tokens": True}}, id="a boolean"),
        pytest.param({"usage": {"completion_tokens": -1}}, id="a negative number"),
        pytest.param({"model": "ep-20260101-abcde"}, id="an endpoint of unknown model"),
        pytest.param({"model": None}, id="no model"),
        pytest.param({"resolution": "8k"}, id="an unknown resolution"),
        pytest.param({"resolution": ["720p"]}, id="no text"),
        pytest.param({"duration": None}, id="no length"),
    ],
)
def test_a_cost_that_cannot_be_told_is_unknown(fields: dict[str, Any]) -> None:
    assert read({**SUCCEEDED, **fields}).cost is None


@pytest.mark.parametrize(
    "content", [None, [], {}, {"video_url": None}, {"video_url": 7}, {"video_url": ""}]
)
def test_a_video_that_is_not_named_is_none(content: Any) -> None:
    assert read({**SUCCEEDED, "content": content}).video is None


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ({"video_url": ["https://s.example/1", "https://s.example/2"]}, ["1", "2"]),
        ([{"video_url": "https://s.example/1"}, {"video_url": "https://s.example/2"}], ["1", "2"]),
        ([{"video_url": {"url": "https://s.example/1"}}, 7], ["1"]),
        ({"video_url": ["https://s.example/1"] * 2}, ["1"]),
        ({"video_url": "https://s.example/\ud800"}, []),
        ({"video_url": [f"https://s.example/{n}" for n in range(99)]}, list(map(str, range(65)))),
    ],
)
def test_every_clip_is_found_in_its_order(content: Any, names: list[str]) -> None:
    task = read({**SUCCEEDED, "content": content})

    found = [file.url for file in (task.video, *task.more_videos) if file is not None]
    assert found == [f"https://s.example/{name}" for name in names]


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        (10**23, str(10**23)),
        (10**400, str(10**400)[:80]),
        (2**63 - 1, str(2**63 - 1)),  # a count, and more money than a lock takes
        (-5, "-5"),
        (1e300, "1e+300"),
        (float("nan"), "NaN"),
        ("x", "x"),
    ],
)
def test_tokens_that_make_no_sum_of_money_are_named(tokens: Any, words: str) -> None:
    # without a clip among the input no rate is in doubt, so that the sum alone is
    model = "seedance-1-0-pro-250528"
    task = read({**SUCCEEDED, "model": model, "usage": {"completion_tokens": tokens}})

    assert task.state is TaskState.SUCCEEDED
    assert task.cost is None
    assert task.unread == {"tokens": words}


def test_a_link_that_would_last_beyond_all_years_has_no_known_end() -> None:
    task = read({**SUCCEEDED, "updated_at": 253_402_300_000})

    assert task.video is not None
    assert task.video.expires_at is None


@pytest.mark.parametrize("word", ["SUCCEEDED", "Completed", "done"])
def test_other_letters_are_the_same_word(word: str) -> None:
    assert read({**SUCCEEDED, "status": word}).video is not None


@pytest.mark.parametrize("moment", [None, "today", True, 1e300, float("nan"), -1e18])
def test_times_that_are_none_leave_the_rest(moment: Any) -> None:
    task = read({**SUCCEEDED, "updated_at": moment})

    assert task.video is not None
    assert (task.video.expires_at, task.render_s) == (None, None)


def test_a_task_that_ended_before_it_began_took_no_known_time() -> None:
    assert read({**SUCCEEDED, "created_at": 1793499999}).render_s is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param({"id": ID}, "no status", id="no status"),
        pytest.param({"id": ID, "status": ""}, "no status", id="an empty one"),
        pytest.param({"id": ID, "status": 7}, "no status", id="a number"),
        pytest.param({**SUCCEEDED, "id": "cgt-other"}, "another one", id="another task"),
        pytest.param({**SUCCEEDED, "id": 12345}, "another one, 12345", id="a number"),
        pytest.param({"status": "running"}, "does not name it", id="no id"),
    ],
)
def test_an_answer_that_is_of_no_task_is_an_error(answer: dict[str, Any], words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        read(answer)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("0a" * 16, "0a" * 16),
        (f"user:{'0a' * 16}", "0a" * 16),
        ("0a" * 32, "0a" * 32),  # a digest of it, perhaps
        (f"{'0a' * 16} {'0b' * 16}", f"{'0a' * 16} {'0b' * 16}"),
        ("masked", "masked"),
        ("", None),
        (None, None),
        ([1], None),
    ],
)
def test_our_id_is_taken_out_of_what_stands_around_it(said: object, expected: str | None) -> None:
    assert read({**RUNNING, "safety_identifier": said}).sent_as == expected
