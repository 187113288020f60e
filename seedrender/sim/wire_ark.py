"""Turns Ark requests into tasks of a world, and the world's tasks into Ark answers."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from seedrender.sim import ark_content, ark_drafts, ark_flags, ark_list, ark_media, ark_models
from seedrender.sim.answers import origin, shown_id
from seedrender.sim.ark_callbacks import Courier
from seedrender.sim.ark_errors import INVALID, ArkRefusal, envelope
from seedrender.sim.ark_faults import Faults
from seedrender.sim.ark_fields import Fields
from seedrender.sim.ark_orders import Order
from seedrender.sim.ark_orders import task as task_of
from seedrender.sim.ark_tasks import view
from seedrender.sim.ledger import TaskRecord
from seedrender.sim.windows import Windows
from seedrender.sim.world import MINUTE_S, World

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_API = "/api/v3{slashes:/+}contents/generations/tasks"
_PER_SECOND: Mapping[str, int] = {"poll": 20, "list": 1, "delete-task": 20}
_LARGEST, _LARGEST_A_MINUTE = "4k", 15


class ArkWire:
    """The routes of the Ark API of both clouds."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._faults = Faults(world)
        self._windows = Windows()
        self._requests = 0
        self.courier = Courier(world)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """Return what this wire serves; a POST below a task is a creation, as on the real one."""
        one, guarded = f"{_API}/{{task_id}}", self._guarded
        return [
            web.post(f"{_API}{{tail:(/.*)?}}", guarded("submit", self._create)),
            web.get(f"{_API}{{tail:/?}}", guarded("list", self._list)),
            web.get(one, guarded("poll", self._read)),
            web.delete(one, guarded("delete-task", self._delete)),
            web.route("*", "/api/v3{tail:.*}", guarded("unknown", self._unknown)),
        ]

    def _guarded(self, kind: str, handler: Handler) -> Handler:
        """Check key and rate before a handler, and give its answer a request id."""
        world = self._world

        async def checked(request: web.Request) -> web.StreamResponse:
            world.ledger.requests[kind] += 1
            self._check_key(request)
            if kind in _PER_SECOND and world.settings.has_ark_rates:
                limit = _PER_SECOND[kind]
                self._check_rate("AccountRateLimitExceeded", limit, 1.0, _account(request), kind)
            return await handler(request)

        async def answered(request: web.Request) -> web.StreamResponse:
            request_id = self._request_id()
            try:
                response = await checked(request)
            except ArkRefusal as refusal:
                if self._world.settings.has_retry_after and _is_limit(refusal):
                    refusal.headers.setdefault("Retry-After", "1")
                response = envelope(refusal, request_id)
            except web.HTTPRequestEntityTooLarge:
                words = "the request body is larger than 64 MB."
                response = envelope(ArkRefusal(INVALID, words), request_id)
            response.headers["x-request-id"] = request_id
            return response

        return answered

    def _request_id(self) -> str:
        self._requests += 1
        moment = round(self._world.clock.wall() * 1000)
        word = hashlib.sha256(f"{self._world.settings.seed}:{self._requests}".encode()).hexdigest()
        return f"02{moment}{word[:24]}"

    def _check_key(self, request: web.Request) -> None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        wanted = self._world.settings.key
        if scheme.lower() != "bearer" or not key.strip():
            word, reason = "MissOrInvalidAuthorizationHeader", "is missing or malformed"
        elif wanted is not None and key.strip() != wanted:
            word, reason = "AuthenticationError", "does not exist"
        else:
            return
        headers = {"x-error-code": f"AuthN_{word}"}
        raise ArkRefusal(
            "AuthenticationError", f"The API key in the request {reason}.", headers=headers
        )

    def _check_rate(self, code: str, limit: int, seconds: float, *key: str) -> None:
        clock = self._world.clock
        wait_s = self._windows.take((code, *key), clock, limit=limit, seconds=seconds)
        if wait_s is None:
            return
        headers = {}
        if self._world.settings.has_retry_after:
            headers["Retry-After"] = str(max(1, math.ceil(wait_s / clock.speed)))
        words = f"The request rate is above the limit of {limit} in {seconds:.0f} s."
        raise ArkRefusal(code, words, headers=headers)

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        raise ArkRefusal("NotFound.Route", f"there is no {request.method} {request.path[:200]}.")

    async def _create(self, request: web.Request) -> web.StreamResponse:
        """Check a body in the order of the wire, then create its task."""
        world = self._world
        order = self._order(request, await _json(request))
        spoilt = self._faults.before(order, request)
        if spoilt is not None:
            return spoilt
        self._check_limits(order)
        new = task_of(world, order)
        if world.lanes.waiting(new) >= world.settings.ark_queue:
            raise ArkRefusal("QuotaExceeded", "Too many tasks are queued for this model.")
        new = world.ledger.create(new)
        world.lanes.add(new)
        self.courier.watch(new.task_id, origin(request))
        spoilt = await self._faults.after(order, new, request)
        return spoilt or web.json_response({"id": shown_id(new)})

    def _order(self, request: web.Request, body: Mapping[str, Any]) -> Order:
        """Read a body, or that of the draft which it names."""
        world = self._world
        flags: dict[str, object] = {}
        draft_id = ark_content.draft_id(body.get("content"))
        if draft_id is None:
            model = ark_models.of(body.get("model"), world.clock.wall())
            scene = ark_content.scene(model, body.get("content"))
            text, flags = ark_flags.split(scene.text)
            scene = ark_content.with_text(scene, text)
            ark_media.check(world, model, scene)
        else:
            parent = ark_drafts.draft(world, draft_id)
            model, scene = ark_drafts.model(parent), ark_drafts.scene(world, parent)
            body = {"model": model.slug, **ark_drafts.body(parent, body)}
        headers = request.headers
        return Order(
            model=model,
            given_model=str(body["model"]),
            scene=scene,
            settings=Fields(model, body, flags, scene).settings(),
            faults=self._faults.of(scene),
            account=_account(request),
            request_id=headers.get("X-Client-Request-Id") or headers.get("x-request-id"),
            draft_id=draft_id,
        )

    def _check_limits(self, order: Order) -> None:
        settings, slug = self._world.settings, order.model.slug
        code, limit = "ModelAccountRpmRateLimitExceeded", settings.ark_creates_per_minute
        if order.settings.resolution == _LARGEST:
            limit = min(limit, _LARGEST_A_MINUTE)
        self._check_rate(code, limit, MINUTE_S, order.account, slug, str(limit))

    async def _read(self, request: web.Request) -> web.StreamResponse:
        world, task = self._world, self._found(request)
        world.ledger.reads[task.task_id] += 1
        spoilt = self._faults.at_read(task, request)
        if spoilt is not None:
            return spoilt
        phase = task.phase(world.clock.now())
        if _is_lost(task, phase):
            raise _unknown_task(task.task_id)
        return web.json_response(view(origin(request), world, task, phase))

    async def _list(self, request: web.Request) -> web.StreamResponse:
        """List tasks, the newest first."""
        world, query = self._world, ark_list.query(request)
        tasks = [
            task
            for task in reversed(world.ledger.tasks.values())
            if task.wire == "ark" and not world.is_forgotten(task)
        ]
        now = world.clock.now()
        found = [
            task
            for task in tasks
            if query.takes(task, task.phase(now)) and not _is_lost(task, task.phase(now))
        ]
        for task in found if query.task_ids is not None else ():
            spoilt = self._faults.at_read(task, request)
            if spoilt is not None:
                return spoilt
        items = [view(origin(request), world, t, t.phase(now)) for t in query.page(found)]
        return web.json_response({"total": len(found), "items": items})

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        """Cancel a task that waits, or forget one that has ended."""
        world, task = self._world, self._found(request)
        phase = task.phase(world.clock.now())
        if phase in ("processing", "canceled"):
            state = "Running" if phase == "processing" else "Cancelled"
            words = f"the task {task.task_id} is {state.lower()} and cannot be deleted."
            raise ArkRefusal(f"InvalidAction.{state}TaskDeletion", words, "id")
        if phase == "pending":
            world.lanes.leave(task)
            world.ledger.change(task.task_id, canceled_at=world.clock.now())
        else:
            world.ledger.change(task.task_id, is_deleted=True)
        return web.json_response({})

    def _found(self, request: web.Request) -> TaskRecord:
        task_id = request.match_info["task_id"]
        task = self._world.find(task_id, "ark")
        if task is None:
            raise _unknown_task(task_id)
        return task


def _is_lost(task: TaskRecord, phase: str) -> bool:
    """Whether a task is forgotten before its time, as its prompt asks for."""
    return phase == "success" and "expired" in task.faults


def _unknown_task(task_id: str) -> ArkRefusal:
    return ArkRefusal("NotFound.Task", f"the task {task_id[:80]} is not found.", "id")


def _account(request: web.Request) -> str:
    """Return a word for a key, which is kept nowhere."""
    key = request.headers.get("Authorization", "").partition(" ")[2].strip()
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _is_limit(refusal: ArkRefusal) -> bool:
    return envelope(refusal, "").status == web.HTTPTooManyRequests.status_code


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or nested without end
        raise ArkRefusal(INVALID, "the request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise ArkRefusal(INVALID, "the request body must be a JSON object.")
    return body
