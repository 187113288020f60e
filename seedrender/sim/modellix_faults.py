"""Turns the faults of a task into the ways in which Modellix fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from seedrender.sim import faults, rules
from seedrender.sim.answers import ODD_TIMES, Refusal, cut, phrase
from seedrender.sim.ledger import TaskRecord
from seedrender.sim.world import World

RATE = "Rate limit exceeded"
CONCURRENCY = "Concurrent limit exceeded"
BALANCE = "Insufficient balance"

_LATE_S = 600.0
_INPUT_REVIEW = "InputTextSensitiveContentDetected"
_PLAIN: Mapping[str, tuple[int, str]] = {  # fault → its answer; no task is created
    "500": (500, "Internal server error"),
    "503": (503, "Service temporarily unavailable"),
    "no-credit": (402, f"{BALANCE}: the account is in arrears"),
    "rate-limited": (429, f"{RATE}: slow down"),
    "concurrent": (429, f"{CONCURRENCY}: too many tasks are running"),
}
_OTHER = "task-0000000000000another"


class Faults:
    """What goes wrong on this wire."""

    def __init__(self, world: World) -> None:
        self._world = world

    def of(self, prompt: str) -> tuple[str, ...]:
        """Return what befalls a submit. Raises: Refusal: it asks for what does not exist."""
        world = self._world
        present = world.faults_of(prompt, world.ledger.count_submit(), "modellix")
        unknown = faults.unknown(present, "modellix")
        if unknown is not None:
            raise Refusal(400, f"{rules.PARAMETERS}: the simulator knows no fault {unknown!r}")
        return present

    def before(self, present: tuple[str, ...], thing: str, request: web.Request) -> None:
        """Let happen what leaves no task behind."""

        def strikes(name: str) -> bool:
            return self._world.strikes(name, present, thing)

        if strikes("refuse"):
            review = faults.code("refuse", present) or _INPUT_REVIEW
            raise Refusal(400, f"{rules.PARAMETERS}: {review}: the prompt was refused by review")
        for name, (status, message) in _PLAIN.items():
            if strikes(name):
                raise Refusal(status, message)
        if strikes("status"):
            status = faults.status("status", present)
            raise Refusal(status, phrase(status))
        if strikes("refuse-200"):
            status = faults.status("refuse-200", present)
            raise Refusal(status, phrase(status), http_status=200)
        if strikes("odd-retry-after"):
            raise Refusal(429, f"{RATE}: slow down", headers=ODD_TIMES)
        if strikes("lost-request"):
            raise cut(request)

    async def after(
        self, task: TaskRecord, thing: str, request: web.Request
    ) -> web.StreamResponse | None:
        """Spoil the answer for a task that exists."""

        def strikes(name: str) -> bool:
            return self._world.strikes(name, task.faults, thing)

        if strikes("lost-answer"):
            raise cut(request)
        if strikes("500-created"):
            raise Refusal(500, "Internal server error")
        if strikes("late-answer"):
            await self._world.clock.sleep(_LATE_S)
        if strikes("no-task-id"):
            return web.json_response(_enveloped({"status": "pending"}))
        if strikes("not-json"):
            return web.Response(text="<html><body>OK</body></html>", content_type="text/html")
        failed = {"code": 500, "message": "Internal server error", "data": _named(task.task_id)}
        if strikes("id-in-500"):
            return web.json_response(failed, status=500)
        if strikes("id-in-code-500"):
            return web.json_response(failed)
        first = self._world.first_alike(task)
        if strikes("same-id") and first is not task:
            return web.json_response(_enveloped(_named(first.task_id)))
        return None

    def at_read(self, task: TaskRecord, request: web.Request) -> web.StreamResponse | None:
        """Let a read of a task fail."""
        statuses = {
            "poll-500": 500,
            "poll-status": faults.status("poll-status", task.faults),
            "poll-down": 503,
        }
        for name, status in statuses.items():
            if self._world.strikes(name, task.faults, task.task_id):
                raise Refusal(status, phrase(status))
        if self._world.strikes("poll-lost", task.faults, task.task_id):
            raise cut(request)
        if self._world.strikes("other-task", task.faults, task.task_id):
            return web.json_response(_enveloped(_named(_OTHER) | {"status": "failed"}))
        return None


def _named(task_id: str) -> dict[str, Any]:
    return {"status": "pending", "task_id": task_id}


def _enveloped(data: Mapping[str, Any]) -> dict[str, Any]:
    return {"code": 0, "message": "success", "data": data}
