"""A task that had ended without a clip, and is seen again."""

from __future__ import annotations

from itertools import permutations

import pytest

from seedrender.lock import fold
from seedrender.values.entry import JobState, LockEntry, Sighting, TaskRecord
from tests.builders import entry, record


def seen(*sightings: Sighting) -> TaskRecord:
    found = record("c1", JobState.FAILED, error="it failed")
    for what in sightings:
        found = found.sighted(what)
    return found


@pytest.mark.parametrize(
    ("sightings", "stage", "may_have_run_on"),
    [
        ([], JobState.FAILED, False),
        ([Sighting.RUNS], JobState.SUBMITTED, True),
        ([Sighting.RUNS, Sighting.ENDED], JobState.FAILED, False),
        ([Sighting.RUNS, Sighting.GONE], JobState.FAILED, True),
        ([Sighting.RUNS, Sighting.ENDED, Sighting.RUNS], JobState.SUBMITTED, True),
    ],
)
def test_the_last_sighting_holds_in_whatever_order_the_facts_arrive(
    sightings: list[Sighting], stage: JobState, *, may_have_run_on: bool
) -> None:
    facts = [entry("a", seen(*sightings[:count])) for count in range(len(sightings) + 1)]

    for order in permutations(facts):
        joined = LockEntry(job=facts[0].job)
        for fact in order:
            joined = fold.join(joined, fact)
        (found,) = joined.tasks
        assert (found.stage, found.may_have_run_on) == (stage, may_have_run_on)
        assert found.has_ended_in_vain is (stage is JobState.FAILED)


@pytest.mark.parametrize("said", ["running", "9" * 5000 + " runs", "٣ runs", " ", "runs"])
def test_what_a_strange_lockfile_says_there_is_taken_as_it_stands(said: str) -> None:
    found = record("c1", JobState.FAILED, unread={"state": said})

    assert found.stage is (JobState.SUBMITTED if said.endswith("runs") else JobState.FAILED)
    assert found.sighted(Sighting.ENDED).stage is JobState.FAILED
