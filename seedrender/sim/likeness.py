"""What a file is like that stands in for one which a recording left out: its size, length, sound.

What the answer says of the file holds; what it leaves open is as the task's submit asked for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from seedrender.catalog.models import Variant, catalog
from seedrender.media.make import FPS
from seedrender.sim import ark_models
from seedrender.sim.footage import order
from seedrender.values.job import Mode

_IDS = ("task_id", "id")
_LEAST_PX, _MOST_PX = 16, 4096
_LEAST_S, _MOST_S = 0.5, 60.0
_NO_LIMIT = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """What a clip or picture is like; pixels and seconds within what can be drawn."""

    width: int = 864
    height: int = 496
    seconds: float = 4.0
    has_sound: bool = True


USUAL = Likeness()


class Likenesses:
    """What the files of each task are like, by all that a recording says."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._by_task: dict[str, Likeness] = {}
        for row in rows:
            if row["method"] == "POST" and isinstance(row.get("sent"), dict):
                task_id = _id_in(row.get("answer"))
                if task_id is not None:
                    self._by_task[task_id] = _asked_for(row["path"], row["sent"])

    def of(self, task_id: str) -> Likeness:
        """Return what was asked for; of a task that was bought before the recording, the usual."""
        return self._by_task.get(task_id, USUAL)

    def told(self, said: Mapping[str, Any], known: Likeness) -> Likeness:
        """Return what an object of an answer says of its files, over what is known already."""
        own = next((str(said[name]) for name in _IDS if said.get(name)), "")
        found = self._by_task.get(own, known)
        sizes = _pixels(said)
        width, height = _number(said.get("width")), _number(said.get("height"))
        if width and height:
            found = _sized(found, width, height)
        elif sizes is not None:
            found = _sized(found, *sizes)
        if {"url", "content"} & said.keys():  # beside a state it is how long the rendering took
            frames, rate = _number(said.get("frames")), _number(said.get("framespersecond")) or FPS
            seconds = frames / rate if frames else _number(said.get("duration"))
            found = _long(found, seconds or found.seconds)
        if isinstance(said.get("generate_audio"), bool):
            found = replace(found, has_sound=said["generate_audio"])
        return found


def _asked_for(path: str, sent: Mapping[str, Any]) -> Likeness:
    """Return what the body of a submit asks for; where it is none of ours, the usual."""
    variant = _variant(path, sent)
    if variant is None:
        return USUAL
    shape = {name: value for name, value in sent.items() if name != "first_frame_image"}
    try:
        wanted = order(variant, shape)
    except (LookupError, ValueError, TypeError, ArithmeticError):  # nothing that could be ordered
        return USUAL
    found = _sized(replace(USUAL, has_sound=wanted.has_sound), wanted.width, wanted.height)
    return _long(found, wanted.frames / FPS if wanted.frames > 0 else USUAL.seconds)


def _variant(path: str, sent: Mapping[str, Any]) -> Variant | None:
    """Return the endpoint of a submit: Ark's body names it, Modellix has it in the path."""
    model = ark_models.models().get(str(sent.get("model")))
    if model is not None:
        return model.variant(Mode.T2V)
    parts = path.partition("?")[0].removesuffix("/async").rsplit("/", 2)
    return catalog("sim").by_slug("/".join(parts[-2:]))


def _pixels(said: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the size that a model's resolution and ratio stand for."""
    model = ark_models.models().get(str(said.get("model")))
    sizes = {} if model is None else model.family.pixels.get(str(said.get("resolution")), {})
    return sizes.get(str(said.get("ratio")))


def _sized(known: Likeness, width: float, height: float) -> Likeness:
    even = [int(min(_MOST_PX, max(_LEAST_PX, side))) // 2 * 2 for side in (width, height)]
    return replace(known, width=even[0], height=even[1])


def _long(known: Likeness, seconds: float) -> Likeness:
    return replace(known, seconds=min(_MOST_S, max(_LEAST_S, seconds)))


def _number(value: Any) -> float | None:
    """Return a number above 0 that something to be drawn may have."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and 0 < value < _NO_LIMIT else None


def _id_in(answer: Any) -> str | None:
    """Return the id of the task that a submit was answered with."""
    if not isinstance(answer, dict):
        return None
    inner = answer.get("data")
    for place in (answer, inner if isinstance(inner, dict) else {}):
        for name in _IDS:
            if isinstance(place.get(name), str | int):
                return str(place[name])
    return None
