"""Turns a valid Ark request into a task of the world: everything that was left open is decided."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from seedrender.catalog.models import ADAPTIVE
from seedrender.media.make import FPS
from seedrender.sim import ark_media
from seedrender.sim.ark_content import Scene
from seedrender.sim.ark_fields import Settings
from seedrender.sim.ark_models import ArkModel
from seedrender.sim.footage import nearest
from seedrender.sim.ledger import NEVER, TaskRecord
from seedrender.sim.world import World, number_of
from seedrender.values.job import MediaKind

_ID_ZONE = timezone(timedelta(hours=8))
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID_LETTERS = 5
_MINIMUM = 5 / 3  # billed seconds by output seconds, where input video is billed too
_START = 0.05  # of a median render: from the creation to the start, if nothing else runs
_FLEX = 4.0  # times as slow
_DRAFT_SHARE = {True: 0.6, False: 0.7}  # of the tokens of 1.5, with and without sound
_MOST_SEED = 2**31 - 1
_TOKENS_PER_PIXEL = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request that was accepted."""

    model: ArkModel
    given_model: str  # the id or endpoint as it was sent
    scene: Scene
    settings: Settings
    faults: tuple[str, ...]
    account: str
    request_id: str | None
    draft_id: str | None = None


def task(world: World, order: Order) -> TaskRecord:
    """Return the task of an order; its times, pictures and length follow from seed and body."""
    settings = order.settings
    identity = world.identity(order.model.slug, _said(order))
    body = _decided(world, order, identity)
    _, rendering = world.durations(identity, order.faults)
    if settings.service_tier == "flex":
        rendering *= _FLEX
    if "overdue" in order.faults:
        rendering = NEVER
    now = world.clock.now()
    return TaskRecord(
        task_id=_new_id(world, identity, is_number="id-number" in order.faults),
        number=len(world.ledger.tasks),
        slug=order.model.slug,
        body=body,
        request_id=order.request_id,
        created_at=now,
        starts_at=NEVER,
        ends_at=NEVER,
        outcome=world.outcome(_said(order), order.faults),
        faults=order.faults,
        wire="ark",
        account=order.account,
        echo=_echo(world, order, body),
        ready_at=now + _START * world.settings.median_s,
        render_s=rendering,
        expires_at=now + settings.execution_expires_after,
    )


def _said(order: Order) -> dict[str, Any]:
    """Return what distinguishes a request, in the words of the simulator's bodies."""
    scene, settings = order.scene, order.settings
    body: dict[str, Any] = {
        "prompt": scene.text,
        "resolution": settings.resolution,
        "ratio": settings.ratio,
        "seed": settings.seed,
        "generate_audio": settings.generate_audio,
        "return_last_frame": settings.return_last_frame,
    }
    if settings.frames is not None:
        body["frames"] = settings.frames
    if settings.duration is not None:
        body["duration"] = settings.duration
    if scene.first_frame is not None:
        body["first_frame_image"] = scene.first_frame.value
    if scene.last_frame is not None:
        body["last_frame_image"] = scene.last_frame.value
    names = {"reference_images": MediaKind.IMAGE, "video_urls": MediaKind.VIDEO}
    for name, kind in {**names, "audio_urls": MediaKind.AUDIO}.items():
        if items := scene.of(kind):
            body[name] = [item.value for item in items]
    if settings.output_format is not None:
        body["output_format"] = settings.output_format
    return body


def _decided(world: World, order: Order, identity: str) -> dict[str, Any]:
    """Choose ratio, seconds and seed where the request leaves them to the model."""
    rng = random.Random(identity)  # noqa: S311 -- a simulation
    body, family = _said(order), order.model.family
    if body["ratio"] == ADAPTIVE:
        sizes = family.pixels[body["resolution"]]
        shape = ark_media.shape(world, order.scene)
        body["ratio"] = nearest(sizes, shape) if shape else "16:9"
    seconds = rng.randint(family.min_duration_s, family.max_duration_s)
    if body.get("duration") == -1:
        source = _input_seconds(world, order.scene)
        is_edit = order.settings.task_type == "edit" and source
        body["duration"] = max(family.min_duration_s, int(source)) if is_edit else seconds
    if body["seed"] == -1:
        body["seed"] = rng.randint(0, _MOST_SEED)
    return body


def _input_seconds(world: World, scene: Scene) -> float:
    """Return the length of the clips in the input; one that is out of reach counts as nothing."""
    return sum(ark_media.seconds(world, item) or 0.0 for item in scene.of(MediaKind.VIDEO))


def _echo(world: World, order: Order, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a read shows beside the clip."""
    settings = order.settings
    echo: dict[str, Any] = {
        "given_model": order.given_model,
        "service_tier": settings.service_tier,
        "execution_expires_after": settings.execution_expires_after,
        "generate_audio": settings.generate_audio,
        "draft": settings.draft,
        "priority": settings.priority,
        "tokens": _tokens(world, order, body),
    }
    used = {
        "safety_identifier": settings.safety_identifier,
        "tools": [{"type": kind} for kind in settings.tools] or None,
        "output_format": settings.output_format,
        "draft_task_id": order.draft_id,
        "callback_url": settings.callback_url,
    }
    return echo | {key: value for key, value in used.items() if value is not None}


def _tokens(world: World, order: Order, body: Mapping[str, Any]) -> int:
    """Return what success is billed by."""
    family = order.model.family
    width, height = family.pixels[body["resolution"]][body["ratio"]]
    frames = body["frames"] if "frames" in body else FPS * body["duration"] + 1
    if order.scene.of(MediaKind.VIDEO):
        output = body["duration"]
        billed = max(
            _input_seconds(world, order.scene) + output, math.ceil(round(output * _MINIMUM, 6))
        )
        frames = round(FPS * billed) + 1
    tokens = width * height * frames / _TOKENS_PER_PIXEL
    if order.settings.draft and order.model.is_old:
        tokens *= _DRAFT_SHARE[order.settings.generate_audio]
    return int(tokens)


def _new_id(world: World, identity: str, *, is_number: bool) -> str:
    """Return an id of the wire's shape: a time in UTC+8, and five letters; or a number."""
    if is_number:
        return number_of(identity)
    wall = datetime.fromtimestamp(world.clock.wall(), UTC).astimezone(_ID_ZONE)
    number = int(identity[:16], 16)
    while True:
        letters, rest = "", number
        for _ in range(_ID_LETTERS):
            rest, place = divmod(rest, len(_LETTERS))
            letters += _LETTERS[place]
        task_id = f"cgt-{wall:%Y%m%d%H%M%S}-{letters}"
        if task_id not in world.ledger.tasks:
            return task_id
        number += 1
