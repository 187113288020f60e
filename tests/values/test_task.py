from __future__ import annotations

from dataclasses import replace

from seedrender.values.task import TaskState
from tests.builders import clip


def test_only_a_task_that_is_queued_or_running_may_still_change() -> None:
    assert {state for state in TaskState if not state.is_final} == {
        TaskState.QUEUED,
        TaskState.RUNNING,
    }


def test_a_shape_is_a_size_and_a_length_where_there_is_one() -> None:
    video, picture = clip(), replace(clip(), duration_s=None)

    assert (video.shape, picture.shape) == ("864x496, 5 s", "864x496")
    assert (video.is_picture, picture.is_picture) == (False, True)
