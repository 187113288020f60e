"""Both generations of Modellix's submit path: without `/async`, and with it where it is asked for."""

from __future__ import annotations

import asyncio

import pytest

from seedrender.errors import ConfigError
from seedrender.providers import registry
from seedrender.sim.app import SimSettings, serve
from seedrender.values.job import CorrelationId
from seedrender.values.provider import Limits
from seedrender.values.task import TaskState
from tests.builders import job

LIMITS = Limits(concurrency=1, requests_per_minute=100)


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({}, "/api/v1/bytedance/seedance-2.0-fast-t2v"),
        ({"MODELLIX_ASYNC": "0"}, "/api/v1/bytedance/seedance-2.0-fast-t2v"),
        ({"MODELLIX_ASYNC": "1"}, "/api/v1/bytedance/seedance-2.0-fast-t2v/async"),
    ],
)
def test_a_task_is_made_on_either_path(said: dict[str, str], path: str) -> None:
    async def made() -> tuple[str, TaskState]:
        async with serve(SimSettings(speed=60.0, footage="patched")) as address:
            environ = {"MODELLIX_API_KEY": "any", "MODELLIX_BASE_URL": address, **said}
            async with registry.online("modellix", environ, LIMITS) as provider:
                submission = provider.encode(job(resolution="480p"), {}, CorrelationId("c"))
                task = await provider.poll(await provider.submit(submission))
                return submission.path, task.state

    assert asyncio.run(made()) == (path, TaskState.QUEUED)


def test_a_word_that_is_neither_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ConfigError, match="MODELLIX_ASYNC is 'yes': write 1 or 0"):
        registry.online("modellix", {"MODELLIX_ASYNC": "yes"}, LIMITS)
