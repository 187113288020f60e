"""Turns the faults of a task into the ways in which Ark fails."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from seedrender.sim import faults
from seedrender.sim.answers import ODD_TIMES, cut, phrase
from seedrender.sim.ark_content import Scene
from seedrender.sim.ark_errors import INTERNAL, INVALID, ArkRefusal, status_of
from seedrender.sim.ark_orders import Order
from seedrender.sim.ledger import TaskRecord
from seedrender.sim.world import World
from seedrender.values.job import MediaKind

_LATE_S = 600.0
_OTHER = "cgt-20260101000000-other"
_BARE = {  # fault → an answer that is not in the wire's shape; no task is created
    "503": (503, "text/plain", "Service Unavailable"),
    "502-page": (502, "text/html", "<html><body>Bad Gateway</body></html>"),
    "flat-error": (500, "application/json", f'{{"code": "{INTERNAL}", "message": "flat"}}'),
}
_INPUT_REVIEW = "InputTextSensitiveContentDetected"
_FACE = "InputImageSensitiveContentDetected.PrivacyInformation"
_PLAIN = {  # fault → the code of its answer; no task is created
    "500": INTERNAL,
    "no-credit": "AccountOverdueError",
    "rate-limited": "RateLimitExceeded.EndpointRPMExceeded",
    "concurrent": "InflightBatchsizeExceeded",
    "queue-full": "QuotaExceeded",
}


class Faults:
    """What goes wrong on this wire."""

    def __init__(self, world: World) -> None:
        self._world = world

    def of(self, scene: Scene) -> tuple[str, ...]:
        """Return what befalls a submit.

        Raises:
            ArkRefusal: its prompt asks for what does not exist.
        """
        world = self._world
        present = world.faults_of(scene.text, world.ledger.count_submit(), "ark")
        unknown = faults.unknown(present, "ark")
        codes = (name.partition("=")[2] for name in present if _takes_code(name))
        unknown = unknown or next((c for c in codes if c and status_of(c) is None), None)
        if unknown is not None:
            words = f"the simulator knows no fault {unknown!r} on this wire."
            raise ArkRefusal(INVALID, words, scene.text_place)
        return present

    def before(self, order: Order, request: web.Request) -> web.Response | None:
        """Let happen what leaves no task behind."""
        present, thing = order.faults, self._thing(order)

        def strikes(name: str) -> bool:
            return self._world.strikes(name, present, thing)

        if strikes("odd-retry-after"):
            raise ArkRefusal(_PLAIN["rate-limited"], "Slow down.", headers=ODD_TIMES)
        for name, code in _PLAIN.items():
            if strikes(name):
                raise ArkRefusal(code, "The request was refused by the simulator.")
        defaults = {"refuse": _INPUT_REVIEW, "refuse-once": "ServerOverloaded"}
        for name, default in defaults.items():
            if strikes(name):
                raise ArkRefusal(
                    faults.code(name, present) or default,
                    "The request failed, as its prompt asks for.",
                    order.scene.text_place,
                )
        if strikes("face"):
            raise self._face(order.scene)
        if strikes("lost-request"):
            raise cut(request)
        return _shapeless(strikes, present)

    @staticmethod
    def _face(scene: Scene) -> ArkRefusal:
        images = [item for item in scene.items if item.kind is MediaKind.IMAGE]
        place = images[0].place.partition(".")[0] if images else scene.text_place
        return ArkRefusal(_FACE, f"{place} may contain a real person.", place)

    async def after(
        self, order: Order, task: TaskRecord, request: web.Request
    ) -> web.Response | None:
        """Spoil the answer for a task that exists."""
        present, thing = order.faults, self._thing(order)

        def strikes(name: str) -> bool:
            return self._world.strikes(name, present, thing)

        if strikes("lost-answer"):
            raise cut(request)
        if strikes("500-created"):
            raise ArkRefusal(INTERNAL, "The service encountered an internal error.")
        if strikes("late-answer"):
            await self._world.clock.sleep(_LATE_S)
        if strikes("no-task-id"):
            return web.json_response({})
        if strikes("not-json"):
            return web.Response(text="<html><body>OK</body></html>", content_type="text/html")
        words = "The service encountered an internal error."
        failed = {"id": task.task_id, "error": {"code": INTERNAL, "message": words}}
        if strikes("id-in-500"):
            return web.json_response(failed, status=500)
        if strikes("id-in-code-500"):
            return web.json_response({"code": 500, **failed})
        first = self._world.first_alike(task)
        if strikes("same-id") and first is not task:
            return web.json_response({"id": first.task_id})
        return None

    def at_read(self, task: TaskRecord, request: web.Request) -> web.Response | None:
        """Let a read of a task fail, or of a list that asks for it by its id."""

        def strikes(name: str) -> bool:
            return self._world.strikes(name, task.faults, task.task_id)

        if strikes("poll-500"):
            raise ArkRefusal(INTERNAL, "The service encountered an internal error.")
        if strikes("poll-429"):
            raise ArkRefusal("AccountRateLimitExceeded", "The request rate is above the limit.")
        if strikes("poll-lost"):
            raise cut(request)
        if strikes("poll-status"):
            return _plainly(faults.status("poll-status", task.faults))
        if strikes("other-task"):
            other = {"id": _OTHER, "status": "failed"}
            is_one = "task_id" in request.match_info
            return web.json_response(other if is_one else {"total": 1, "items": [other]})
        return _plainly(503) if strikes("poll-down") else None

    def _thing(self, order: Order) -> str:
        """Return what makes two submits the same to a fault that strikes once."""
        scene = order.scene
        values = [item.value for item in scene.items]
        wanted = {"model": order.model.slug, "text": scene.text, "media": values}
        return self._world.sameness.digest(wanted)


def _shapeless(strikes: Callable[[str], bool], present: tuple[str, ...]) -> web.Response | None:
    """Answer in a shape that is not the wire's."""
    if strikes("status"):
        return _plainly(faults.status("status", present))
    if strikes("refuse-200"):
        status = faults.status("refuse-200", present)
        return web.json_response({"code": status, "message": phrase(status)})
    bare = next(filter(strikes, _BARE), None)
    if bare is None:
        return None
    status, kind, text = _BARE[bare]
    return web.Response(status=status, content_type=kind, text=text)


def _takes_code(name: str) -> bool:
    fault = faults.FAULTS.get(faults.base(name))
    return fault is not None and fault.takes_code


def _plainly(status: int) -> web.Response:
    return web.Response(status=status, text=phrase(status))
