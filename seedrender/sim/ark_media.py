"""Turns the media of a scene into what the simulator can know of them: shapes, lengths, limits."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from PIL import Image

from seedrender.media.make import FPS
from seedrender.media.probe import probe
from seedrender.sim.ark_content import Item, Scene
from seedrender.sim.ark_errors import INVALID, ArkRefusal
from seedrender.sim.ark_models import ArkModel
from seedrender.sim.rules import decoded, is_url
from seedrender.sim.world import World
from seedrender.values.job import MediaKind

_TOLERATED_S = 0.2  # beyond the sum of seconds


def check(world: World, model: ArkModel, scene: Scene) -> None:
    """Look at what is at hand: data in the body, and addresses of our own.

    Raises:
        ArkRefusal: a medium cannot be read, or is outside the model's limits.
    """
    for item in scene.items:
        if item.kind is MediaKind.IMAGE and item.value.startswith("data:"):
            _check_picture(model, item)
        if is_url(item.value):
            _check_reach(world, item)
    _check_seconds(world, model, scene.of(MediaKind.VIDEO))


def _check_picture(model: ArkModel, item: Item) -> None:
    limits = model.family.media[MediaKind.IMAGE]
    content = decoded(item.value) or b""
    try:
        with Image.open(BytesIO(content)) as image:
            width, height = image.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise ArkRefusal(INVALID, "the image cannot be decoded.", item.place) from None
    if limits.max_bytes is not None and len(content) >= limits.max_bytes:
        raise ArkRefusal(INVALID, f"the image has {len(content)} bytes.", item.place)
    if limits.side_px is not None:
        low, high = limits.side_px
        if not low <= min(width, height) <= max(width, height) <= high:
            words = f"each side must have {low} to {high} pixels, not {width}x{height}"
            raise ArkRefusal(INVALID, f"{words}.", item.place)
    if limits.ratio is not None and not limits.ratio[0] <= width / height <= limits.ratio[1]:
        words = f"width by height must be {limits.ratio[0]} to {limits.ratio[1]}"
        raise ArkRefusal(INVALID, f"{words}.", item.place)


def _check_reach(world: World, item: Item) -> None:
    """Refuse an address of ours that leads nowhere, as it does once a result has expired."""
    footage = world.footage
    if footage.own_name(item.value, "/files/"):
        behind = footage.task_behind(item.value) or footage.still_task(item.value)
        is_there = behind is not None and world.is_served(behind)
    elif footage.own_name(item.value, "/media/"):
        is_there = footage.media_behind(item.value) is not None
    else:
        return
    if not is_there:
        raise ArkRefusal(INVALID, "the resource cannot be downloaded.", item.place)


def _check_seconds(world: World, model: ArkModel, videos: Sequence[Item]) -> None:
    limits = model.family.media[MediaKind.VIDEO]
    known = [(item, length) for item in videos if (length := seconds(world, item)) is not None]
    for item, length in known:
        if limits.seconds and not limits.seconds[0] <= length <= limits.seconds[1] + _TOLERATED_S:
            words = (
                f"a reference video must have {limits.seconds[0]} to {limits.seconds[1]} seconds"
            )
            raise ArkRefusal(INVALID, f"{words}.", item.place)
    most = (limits.max_seconds_in_all or 0) + _TOLERATED_S
    if known and sum(length for _, length in known) > most:
        words = f"video duration (seconds) must be ≤ {most:.1f} for model {model.name} in r2v"
        raise ArkRefusal(INVALID, f"{words}.", "content")


def seconds(world: World, item: Item) -> float | None:
    """Return how long a clip is; None: it is out of reach."""
    footage = world.footage
    if (parent := footage.task_behind(item.value)) is not None:
        return footage.order(parent).frames / FPS
    path = footage.media_behind(item.value)
    return probe(path).duration_s if path is not None and path.suffix == ".mp4" else None


def shape(world: World, scene: Scene) -> tuple[int, int] | None:
    """Return the size that an adaptive clip follows: the first frame, a clip, then a picture."""
    order = (
        *filter(None, [scene.first_frame]),
        *scene.of(MediaKind.VIDEO),
        *scene.of(MediaKind.IMAGE),
    )
    return world.footage.shape(order[0].value) if order else None
