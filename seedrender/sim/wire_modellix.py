"""Turns Modellix requests into tasks of a world, and the world's tasks into Modellix answers."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from seedrender.catalog.models import Variant
from seedrender.sim import modellix_media, rules
from seedrender.sim.answers import Refusal, shown_id
from seedrender.sim.ledger import TaskRecord
from seedrender.sim.modellix_faults import BALANCE, CONCURRENCY, RATE, Faults
from seedrender.sim.modellix_tasks import state
from seedrender.sim.neighbours import wishes
from seedrender.sim.world import World
from seedrender.values.job import Mode

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

AUTHENTICATION = "Authentication failed"
NOT_FOUND = "Resource not found"

_TOO_MANY = web.HTTPTooManyRequests.status_code
_TYPES: Mapping[Mode, str] = {
    Mode.T2V: "text-to-video",
    Mode.I2V: "image-to-video",
    Mode.V2V: "video-to-video",
    Mode.T2I: "text-to-image",
    Mode.I2I: "image-to-image",
}


class ModellixWire:
    """The routes of the Modellix API."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._faults = Faults(world)
        self._media = modellix_media.MediaFiles(world)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """Return what this wire serves."""
        api, guarded = "/api/v1", self._guarded
        return [
            web.get(f"{api}/apikey/validate", guarded("validate", self._validate, is_open=True)),
            web.get(f"{api}/team/balance", guarded("balance", self._balance)),
            web.get(f"{api}/models", guarded("models", self._models)),
            web.get(f"{api}/tasks/{{task_id}}", guarded("poll", self._poll)),
            web.post(f"{api}/media/files", guarded("upload", self._media.upload)),
            web.get(f"{api}/media/files", guarded("files", self._media.listed)),
            web.delete(f"{api}/media/files/{{file_id}}", guarded("delete", self._media.delete)),
            web.post(f"{api}/{{provider}}/{{model}}", guarded("submit", self._submit)),
            web.post(f"{api}/{{provider}}/{{model}}/async", guarded("submit", self._submit)),
            web.get("/models/{provider}/{model}/api_schema", self._enveloped(self._api_schema)),
            web.route("*", f"{api}/{{tail:.*}}", guarded("unknown", self._unknown)),
        ]  # fmt: skip

    def _enveloped(self, handler: Handler) -> Handler:
        """Answer refusals in the shape of this wire."""

        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except Refusal as refusal:
                return web.json_response(
                    {"code": refusal.status, "message": refusal.message},
                    status=refusal.http_status,
                    headers=refusal.headers,
                )
            except web.HTTPRequestEntityTooLarge:
                message = f"{rules.PARAMETERS}: the request is larger than 64 MB"
                return web.json_response({"code": 413, "message": message}, status=413)

        return answer

    def _guarded(self, kind: str, handler: Handler, *, is_open: bool = False) -> Handler:
        """Check key and rate before a handler, and show the rate on its answer."""
        world, settings = self._world, self._world.settings

        async def limited(request: web.Request) -> web.StreamResponse:
            world.ledger.requests[kind] += 1
            is_within, remaining, reset = world.take_request()

            async def checked(request: web.Request) -> web.StreamResponse:
                if not is_open and not self._is_key_valid(request):
                    raise Refusal(401, f"{AUTHENTICATION}: the API key is missing or wrong")
                if not is_within:
                    raise Refusal(429, f"{RATE}: {settings.requests_per_minute} a minute")
                return await handler(request)

            response = await self._enveloped(checked)(request)
            reset_at = world.clock.wall_at(reset)
            response.headers["X-RateLimit-Limit"] = str(settings.requests_per_minute)
            response.headers["X-RateLimit-Remaining"] = str(remaining)
            response.headers["X-RateLimit-Reset"] = str(math.ceil(reset_at))
            if settings.has_retry_after and response.status == _TOO_MANY:
                left_s = reset_at - world.clock.wall()
                response.headers["Retry-After"] = str(max(1, math.ceil(left_s)))
            return response

        return limited

    def _is_key_valid(self, request: web.Request) -> bool:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        wanted = self._world.settings.key
        if scheme.lower() != "bearer" or not key.strip():
            return False
        return wanted is None or key.strip() == wanted

    def _slug(self, request: web.Request) -> Variant:
        slug = f"{request.match_info['provider']}/{request.match_info['model']}"
        variant = self._world.catalog.by_slug(slug)
        if variant is None:
            raise Refusal(404, f"{NOT_FOUND}: there is no model {slug}")
        return variant

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        raise Refusal(404, f"{NOT_FOUND}: {request.method} {request.path}")

    async def _validate(self, request: web.Request) -> web.StreamResponse:
        return _success({"is_valid": self._is_key_valid(request)})

    async def _balance(self, request: web.Request) -> web.StreamResponse:
        del request
        left = self._world.balance()
        return _success({"balance": 1000.0 if left is None else round(float(left), 4)})

    async def _models(self, request: web.Request) -> web.StreamResponse:
        rows = [_model(variant) for variant in self._world.catalog.variants.values()]
        is_short = request.query.get("featured") == "true"
        return web.json_response({"models": rows[:3] if is_short else rows})

    async def _api_schema(self, request: web.Request) -> web.StreamResponse:
        variant = self._slug(request)
        example = _example(variant)
        body = {
            "schema": rules.schema(variant),
            "examples": {"minimal": {"summary": "The least that is accepted", "value": example}},
        }
        return web.json_response(
            {
                "servers": [{"url": f"{request.scheme}://{request.host}/api/v1/{variant.slug}"}],
                "post": {
                    "operationId": variant.slug.replace("/", "-"),
                    "description": f"{variant.family.name} {variant.tier} {_TYPES[variant.mode]}",
                    "requestBody": {"content": {"application/json": body}},
                    "responses": {},
                },
            },
            headers={"Cache-Control": "no-store"},
        )

    async def _submit(self, request: web.Request) -> web.StreamResponse:
        """Check a body in the order of the wire, then create its task."""
        world = self._world
        variant = self._slug(request)
        body = await _json(request)
        if wrong := rules.violation(variant, body) or self._unreadable(variant, body):
            raise Refusal(400, wrong)
        present = self._faults.of(str(body.get("prompt", "")))
        thing = world.sameness.digest(body) if present else ""
        self._faults.before(present, thing, request)
        self._check_account(variant, body)
        task = world.create(variant, body, request.headers.get("x-request-id"), present)
        spoilt = await self._faults.after(task, thing, request)
        return spoilt or _success(
            {
                "status": "pending",
                "task_id": shown_id(task),
                "model_id": variant.slug.rpartition("/")[2],
                "get_result": {"method": "GET", "url": _task_url(request, task)},
            }
        )

    def _unreadable(self, variant: Variant, body: Mapping[str, Any]) -> str | None:
        """Say that an address of ours leads nowhere, as it does once a result has expired."""
        footage = self._world.footage
        for index, url in enumerate(wishes(variant, body).get("video_urls", ())):
            if footage.own_name(url, "/files/"):
                parent = footage.task_behind(url)
                is_there = parent is not None and self._world.is_served(parent)
            elif footage.own_name(url, "/media/"):
                is_there = footage.media_behind(url) is not None
            else:
                continue
            if not is_there:
                return f"{rules.PARAMETERS}: video_urls[{index}] cannot be read"
        return None

    def _check_account(self, variant: Variant, body: Mapping[str, Any]) -> None:
        world = self._world
        left = world.balance()
        if left is not None and (left <= 0 or left < (world.price(variant, body) or 0)):
            raise Refusal(402, f"{BALANCE}: {left:.4f} USD are left")
        if world.in_flight() >= world.settings.concurrency:
            raise Refusal(429, f"{CONCURRENCY}: {world.settings.concurrency} tasks are running")

    async def _poll(self, request: web.Request) -> web.StreamResponse:
        world = self._world
        task = world.find(request.match_info["task_id"], "modellix")
        if task is None:
            raise Refusal(404, f"{NOT_FOUND}: there is no such task, or it is older than 7 days")
        world.ledger.reads[task.task_id] += 1
        spoilt = self._faults.at_read(task, request)
        if spoilt is not None:
            return spoilt
        if request.query.get("wait") == "true":
            await self._held(task)
        phase = await world.phase(task)
        if phase == "success" and "expired" in task.faults:
            raise Refusal(404, f"{NOT_FOUND}: there is no such task, or it is older than 7 days")
        return web.json_response(state(request, world, task, phase))

    async def _held(self, task: TaskRecord) -> None:
        """Wait for the end of a task, but not for long."""
        left = task.ends_at - self._world.clock.now()
        if left > 0:
            await self._world.clock.sleep(min(left, self._world.settings.long_poll_s))


def _success(data: Mapping[str, Any]) -> web.Response:
    return web.json_response({"code": 0, "message": "success", "data": data})


async def _json(request: web.Request) -> Any:
    try:
        return await request.json()
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or nested without end
        raise Refusal(400, f"{rules.FORMAT}: the body is not JSON") from None


def _task_url(request: web.Request, task: TaskRecord) -> str:
    return f"{request.scheme}://{request.host}/api/v1/tasks/{task.task_id}"


def _example(variant: Variant) -> dict[str, Any]:
    """Return the least that an endpoint accepts."""
    picture, clip = "https://cdn.example.org/a.png", "https://cdn.example.org/earlier.mp4"
    example: dict[str, Any] = {"prompt": "a paper boat drifts down a gutter in the rain"}
    if variant.mode is Mode.V2V:
        example["video_urls"] = [clip]
    for name in (*variant.required, *variant.needs_one_of[:1]):
        is_list = variant.body[name]["type"] == "array"
        example.setdefault(name, [picture] if is_list else picture)
    return example


def _model(variant: Variant) -> dict[str, Any]:
    """Return an endpoint's row in the list of models."""
    maker, _, name = variant.slug.rpartition("/")
    row: dict[str, Any] = {
        "slug": variant.slug,
        "type": _TYPES[variant.mode],
        "docs_url": f"https://docs.modellix.ai/{maker}/{name.replace('.', '-')}.md",
        "description": f"Simulated {variant.family.name}, {variant.tier} tier",
    }
    if variant.price_per_image is not None:
        row["price"] = {"fixed": float(variant.price_per_image), "unit": "$/img"}
    elif variant.price_range_per_second is not None:
        low, high = map(float, variant.price_range_per_second)
        row["price"] = {"min": low, "max": high, "unit": "$/sec"}
    elif variant.price_per_second:
        rates = [float(rate) for rate in variant.price_per_second.values()]
        row["price"] = {"min": min(rates), "max": max(rates), "unit": "$/sec"}
    return row
