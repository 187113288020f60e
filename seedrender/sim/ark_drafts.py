"""Turns a request that names a draft into the request that the draft was made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seedrender.sim.ark_content import Item, Scene
from seedrender.sim.ark_errors import INVALID, ArkRefusal
from seedrender.sim.ark_models import ArkModel, models
from seedrender.sim.ledger import TaskRecord
from seedrender.sim.world import World
from seedrender.values.job import MediaKind

_PLACE = "content[0].draft_task.id"
_FINAL = "1080p"  # of 2.5, the only one
_TAKEN_OVER = ("duration", "frames", "seed", "generate_audio")
_NEWEST_REFUSES = (*_TAKEN_OVER, "ratio", "camera_fixed", "draft", "tools")


def draft(world: World, task_id: str) -> TaskRecord:
    """Return the finished draft of this id.

    Raises:
        ArkRefusal: there is none.
    """
    task = world.find(task_id, "ark")
    if task is None or not task.echo["draft"]:
        raise ArkRefusal("NotFound.Task", f"the draft task {task_id[:80]} is not found.", _PLACE)
    if task.phase(world.clock.now()) != "success":
        raise ArkRefusal(INVALID, f"the draft task {task_id} has not succeeded.", _PLACE)
    return task


def model(task: TaskRecord) -> ArkModel:
    """Return the model that a draft was made with."""
    return models()[task.slug]


def body(task: TaskRecord, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of the second step: the draft's, and those that may be new.

    Raises:
        ArkRefusal: what the draft decides is said again, or 2.5 is asked for another size.
    """
    is_newest = model(task).is_newest
    said = {key: value for key, value in given.items() if value is not None}
    if is_newest and (again := [key for key in _NEWEST_REFUSES if key in said]):
        words = f"the parameter `{again[0]}` comes from the draft and cannot be repeated."
        raise ArkRefusal(INVALID, words, again[0])
    if is_newest and said.setdefault("resolution", _FINAL) != _FINAL:
        words = f"the parameter `resolution` must be {_FINAL} for the result of a draft."
        raise ArkRefusal(INVALID, words, "resolution")
    ratio = {} if "first_frame_image" in task.body else {"ratio": task.body["ratio"]}
    own = {key: task.body[key] for key in _TAKEN_OVER if key in task.body}
    for key in (*_NEWEST_REFUSES, "omni_reference_task_type"):
        said.pop(key, None)
    return {**said, **own, **ratio}


def scene(world: World, task: TaskRecord) -> Scene:
    """Return what the model was given for the draft."""
    text_of, made = world.ledger.text_of, task.body

    def item(kind: MediaKind, value: str) -> Item:
        return Item(kind=kind, value=text_of(value), role=None, place=_PLACE)

    lists = {
        "reference_images": MediaKind.IMAGE,
        "video_urls": MediaKind.VIDEO,
        "audio_urls": MediaKind.AUDIO,
    }
    frames = [
        item(MediaKind.IMAGE, made[name]) if name in made else None
        for name in ("first_frame_image", "last_frame_image")
    ]
    return Scene(
        text=made["prompt"],
        text_place=_PLACE,
        first_frame=frames[0],
        last_frame=frames[1],
        references=tuple(item(kind, v) for name, kind in lists.items() for v in made.get(name, ())),
    )
