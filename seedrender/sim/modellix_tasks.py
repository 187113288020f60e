"""Turns a task of the world into the answer to a Modellix task query."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from seedrender.sim import faults
from seedrender.sim.answers import HALF, files_url, origin, origin_of, shown_id, word
from seedrender.sim.ledger import TaskRecord
from seedrender.sim.world import World

_CONTENT_REVIEW = "OutputAudioSensitiveContentDetected"


def state(request: web.Request, world: World, task: TaskRecord, phase: str) -> dict[str, Any]:
    """Return a task as it is."""
    data: dict[str, Any] = {
        "status": word(task, phase, phase),
        "task_id": shown_id(task),
        "model_id": task.slug.rpartition("/")[2],
    }
    answer: dict[str, Any] = {"code": 0, "message": "success", "data": data}
    if phase in ("success", "failed", "canceled"):
        data["duration"] = round((task.ends_at - task.created_at) * 1000)
    if phase == "failed":
        _explain(task, answer)
    if phase == "success":
        _add_result(request, world, task, answer)
    return answer


def _explain(task: TaskRecord, answer: dict[str, Any]) -> None:
    """Add why a task failed, in one of the two shapes that are in use."""
    message = "The model failed to render this task"
    if "fail-plain" in task.faults:
        answer["message"] = message
    elif "fail-half" in task.faults:
        answer["data"]["error"] = {"code": "InternalServiceError", "message": f"{message} {HALF}"}
    elif "refuse-output" in task.faults:
        review = "The generated audio was refused by content review"
        answer["data"]["error"] = {"code": _CONTENT_REVIEW, "message": review}
    else:
        code = faults.code("fail", task.faults) or "InternalServiceError"
        answer["data"]["error"] = {"code": code, "message": message}


def _add_result(
    request: web.Request, world: World, task: TaskRecord, answer: dict[str, Any]
) -> None:
    """Add the files of a task that succeeded, and what it cost."""
    data = answer["data"]
    data["result"] = {
        "resources": _resources(request, world, task),
        "metadata": {"request_id": f"up-{task.number}"},
        "extensions": {"submit_time": round(world.clock.wall_at(task.created_at) * 1000)},
    }
    expires_at = world.clock.wall_at(task.ends_at + world.settings.retention_s)
    data["result_expires_at"] = round(expires_at * 1000)
    if task.amount is not None and "no-billing" not in task.faults:
        place = answer if "billing-beside" in task.faults else data
        amount = faults.number("amount", task.faults)
        place["billing"] = {"amount": task.amount if amount is None else amount}


def _resources(request: web.Request, world: World, task: TaskRecord) -> list[dict[str, Any]]:
    """Return the files of a task: clip or picture, and its last picture where that was wanted."""
    wanted = world.footage.order(task)
    path = world.footage.path(task)
    if "no-url" in task.faults:
        return []
    made: dict[str, Any] = {
        "url": files_url(origin_of(task, request), world, path.name),
        "type": "image" if wanted.is_picture else "video",
        "format": path.suffix.removeprefix("."),
        "width": wanted.width,
        "height": wanted.height,
        "duration": wanted.duration_s,
        "size": path.stat().st_size,
        "role": "primary",
    }
    if wanted.is_picture:
        del made["duration"]
    if {"no-size", "picture"} & set(task.faults):
        made = {name: value for name, value in made.items() if name not in ("size", "duration")}
    if ("two-pictures" if wanted.is_picture else "two-clips") in task.faults:
        second = world.footage.second_path(task)
        url = files_url(origin(request), world, second.name)
        more = {**made, "url": url, "size": second.stat().st_size, "role": "alternative"}
        return [more, made]
    if not task.body.get("return_last_frame"):
        return [made]
    still = world.footage.last_frame_path(task)
    image = {"url": files_url(origin(request), world, still.name), "type": "image", "format": "png"}
    return [made, {**image, "role": "alternative"}]
