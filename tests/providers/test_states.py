from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.providers import states
from seedrender.providers.states import STATES, States
from seedrender.values.task import TaskState

WORDS = {
    TaskState.QUEUED: ("queued", "pending", "Pending", "in queue", "in_queue"),
    TaskState.RUNNING: ("running", "processing", "IN_PROGRESS", "in-progress", "In Progress"),
    TaskState.SUCCEEDED: ("success", "SUCCESS", "Succeeded", "COMPLETED", "done", " finished "),
    TaskState.FAILED: ("failed", "FAILED", "Error"),
    TaskState.EXPIRED: ("expired", "timeout", "TIMED_OUT"),
    TaskState.CANCELLED: ("cancelled", "Canceled"),
}


@pytest.mark.parametrize(
    ("word", "state"), [(word, state) for state, words in WORDS.items() for word in words]
)
def test_one_table_reads_the_words_of_every_wire(word: str, state: TaskState) -> None:
    assert states.state(word) is state


@given(st.sampled_from(sorted(STATES)), st.data())
def test_letters_and_gaps_make_no_other_word(word: str, data: st.DataObject) -> None:
    letters = [data.draw(st.sampled_from((c, c.upper()))) for c in word]
    gap = data.draw(st.sampled_from(("_", "-", " ")))

    assert states.state("".join(letters).replace("_", gap)) is STATES[word]


@given(st.text(max_size=30))
def test_a_word_that_nobody_knows_is_still_going(word: str) -> None:
    if states.known(word, {}) is None:
        assert states.state(word) is TaskState.RUNNING


def test_a_wire_may_have_words_of_its_own_and_they_hold() -> None:
    own = {"done": TaskState.RUNNING, "dreaming": TaskState.QUEUED}

    assert states.state("Dreaming", own) is TaskState.QUEUED
    assert states.state("done", own) is TaskState.RUNNING
    assert states.state("failed", own) is TaskState.FAILED


def test_an_unknown_word_is_warned_of_once_and_a_flood_of_them_not_at_all(
    caplog: pytest.LogCaptureFixture,
) -> None:
    words = States("byteplus", {"waking": TaskState.RUNNING})

    with caplog.at_level(logging.WARNING):
        for number in (1, 1, *range(1000)):
            words.note(f"dream {number}")
        words.note("Running")
        words.note("waking")

    assert len(caplog.records) == 20
    assert caplog.text.count("'dream 1'") == 1
