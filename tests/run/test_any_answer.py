"""Whatever a provider answers: the lockfile loads, and no task that may be alive is bought beside."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.catalog.models import catalog
from seedrender.errors import BugError, ProtocolError
from seedrender.lock import fold
from seedrender.plan.outcome import Exit
from seedrender.providers import ark_answers, ark_errors, modellix_answers, task_ids
from seedrender.providers.answers import Answer, parse
from seedrender.providers.refusals import by_status
from seedrender.values.job import JobId, Submission
from seedrender.values.task import RemoteFile, Task, TaskId
from tests.builders import job
from tests.providers.hostile import spoiled
from tests.run.test_executor import Film
from tests.scripted import Scripted, clip_bytes

MADE = {"code": 0, "message": "success", "data": {"status": "pending", "task_id": "task-1"}}
DONE: dict[str, Any] = {
    "code": 0,
    "message": "success",
    "data": {
        "task_id": "task-1",
        "status": "success",
        "duration": 42_000,
        "result": {"resources": [{"url": "https://c.example/1.mp4", "type": "video"}]},
        "result_expires_at": 1_796_000_000_000,
        "billing": {"amount": 0.276},
    },
}
FAILED = {"code": 0, "data": {"status": "failed", "error": {"code": "X", "message": "no"}}}
ARK_MADE = {"id": "task-1"}
ARK_DONE: dict[str, Any] = {
    "id": "task-1",
    "model": "dreamina-seedance-2-0-fast-260128",
    "status": "succeeded",
    "created_at": 1_796_040_000,
    "updated_at": 1_796_040_009,
    "content": {"video_url": "https://c.example/1.mp4"},
    "usage": {"completion_tokens": 40_594},
    "resolution": "480p",
    "ratio": "16:9",
    "duration": 4,
}


class Odd(Scripted):
    """Reads what a service answers, as a wire does; its tasks end at once."""

    def __init__(self, wire: str, submitted: Any, polled: Any) -> None:
        super().__init__()
        self.name, self.render_s = wire, 0.0
        self.submitted, self.polled = submitted, polled

    async def submit(self, submission: Submission) -> TaskId:
        await super().submit(submission)
        body = parse(json.dumps(self.submitted).encode("utf-8", "replace"))
        answer = Answer(status=200, body=body)
        if self.name == "modellix":
            return task_ids.bought(answer, modellix_answers.SUBMITTED, by_status)
        return task_ids.bought(answer, ark_answers.SUBMITTED, ark_errors.judge)

    async def poll(self, task_id: TaskId, *, hold: bool = False) -> Task:
        del hold
        answer = parse(json.dumps(self.polled).encode("utf-8", "replace"))
        if not isinstance(answer, Mapping):
            raise ProtocolError("an answer is not a JSON object")
        if self.name == "modellix":
            return modellix_answers.task(task_id, answer, "USD")
        return ark_answers.task(task_id, answer, catalog("byteplus"))

    async def retrieve(self, file: RemoteFile) -> AsyncGenerator[bytes, None]:
        del file
        yield clip_bytes()


def _is_settled(found: fold.Action) -> bool:
    return found in (fold.Action.SUBMIT, fold.Action.WAIT)


@pytest.mark.parametrize(
    ("wire", "made", "ends"),
    [
        pytest.param("modellix", MADE, (DONE, FAILED), id="modellix"),
        pytest.param("byteplus", ARK_MADE, (ARK_DONE,), id="ark"),
    ],
)
@given(data=st.data())
def test_any_answer_leaves_a_lock_that_loads_and_buys_nothing_beside_a_task_that_may_be_alive(
    wire: str, made: Any, ends: tuple[Any, ...], data: st.DataObject
) -> None:
    submitted = data.draw(st.just(made) | spoiled(made))
    polled = data.draw(st.just(ends[0]) | spoiled(*ends))
    with TemporaryDirectory() as folder:
        film = Film(Path(folder), [job("spin")], provider=Odd(wire, submitted, polled))
        film.stop_after_s = 900.0

        codes = [film.run(), film.run()]

        known = film.lock().entries.get(JobId("spin"))
        records = known.tasks if known is not None else ()
        actions = [fold.next_action(r.state) for r in records]
        assert not any(isinstance(error, BugError) for error in film.errors.values())
        assert set(codes) <= {Exit.DONE, Exit.FAILED, Exit.UNFINISHED, Exit.UNDECIDED}
        assert all(map(_is_settled, actions[:-1])), records
        assert len(film.provider.received) <= max(1, len(records))
