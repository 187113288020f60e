"""Turns a task of the world into the object that Ark's reads and lists show."""

from __future__ import annotations

from typing import Any

from seedrender.media.make import FPS
from seedrender.sim import faults
from seedrender.sim.answers import HALF, files_url, shown_id, word
from seedrender.sim.ledger import TaskRecord
from seedrender.sim.world import World

STATUS = {
    "pending": "queued",
    "processing": "running",
    "success": "succeeded",
    "failed": "failed",
    "canceled": "cancelled",
    "expired": "expired",
}
_OUTPUT_REVIEW = "OutputAudioSensitiveContentDetected"
_WHEN_USED = ("safety_identifier", "draft_task_id", "tools", "output_format")


def view(origin: str, world: World, task: TaskRecord, phase: str) -> dict[str, Any]:
    """Return a task as it is."""
    shown: dict[str, Any] = {
        "id": shown_id(task),
        "model": task.slug,
        "status": word(task, phase, STATUS[phase]),
        "created_at": _told(world, task.created_at),
        "updated_at": _told(world, _changed_at(task, phase)),
        "service_tier": task.echo["service_tier"],
        "execution_expires_after": task.echo["execution_expires_after"],
        **{key: task.echo[key] for key in _WHEN_USED if key in task.echo},
    }
    if phase == "failed" and "fail-plain" not in task.faults:
        shown["error"] = _error(task)
    if phase == "success":
        shown |= _result(origin, world, task)
    return shown


def _told(world: World, moment: float) -> int:
    return int(world.clock.wall_at(moment))


def _changed_at(task: TaskRecord, phase: str) -> float:
    """Return when a task came into its state."""
    if phase == "pending":
        return task.created_at
    return task.starts_at if phase == "processing" else task.ended_at


def _error(task: TaskRecord) -> dict[str, str]:
    if "refuse-output" in task.faults:
        words = "The request failed because the output audio may contain sensitive information."
        return {"code": _OUTPUT_REVIEW, "message": words}
    if "fail-half" in task.faults:
        return {"code": "InternalServiceError", "message": f"The task failed: {HALF}."}
    code = faults.code("fail", task.faults) or "InternalServiceError"
    return {"code": code, "message": f"The task failed: {code}."}


def _result(origin: str, world: World, task: TaskRecord) -> dict[str, Any]:
    """Return what only a task that succeeded has."""
    wanted, body, echo = world.footage.order(task), task.body, task.echo
    life = f"&X-Tos-Expires={world.settings.link_s:.0f}"
    path = world.footage.path(task)
    place = "" if "relative-url" in task.faults else origin
    clip = files_url(place, world, path.name) + life
    second = files_url(place, world, world.footage.second_path(task).name) + life
    content: dict[str, Any] = {"video_url": [clip, second] if "two-clips" in task.faults else clip}
    if "no-url" in task.faults:
        content = {}
    if body["return_last_frame"]:
        still = world.footage.last_frame_path(task)
        content["last_frame_url"] = files_url(origin, world, still.name) + life
    shown: dict[str, Any] = {
        "content": content,
        "seed": body["seed"],
        "framespersecond": FPS,
        "generate_audio": echo["generate_audio"],
        "draft": echo["draft"],
        "priority": echo["priority"],
    }
    if "no-size" not in task.faults:
        length = {"frames": wanted.frames} if "frames" in body else {"duration": wanted.duration_s}
        shown |= {"resolution": wanted.resolution, "ratio": wanted.ratio, **length}
    if "no-billing" not in task.faults:
        said = faults.number("amount", task.faults)
        tokens = echo["tokens"] if said is None else said
        shown["usage"] = {"completion_tokens": tokens, "total_tokens": tokens}
        if "tools" in echo:
            shown["usage"]["tool_usage"] = {"web_search": len(echo["tools"])}
    return shown
