from __future__ import annotations

from seedrender.values.task import TaskState


def test_only_a_task_that_is_queued_or_running_may_still_change() -> None:
    assert {state for state in TaskState if not state.is_final} == {
        TaskState.QUEUED,
        TaskState.RUNNING,
    }
