"""Turns the content of an Ark request into a scene: its prompt, frames and references."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seedrender.sim.ark_errors import INVALID, MISSING, ArkRefusal
from seedrender.sim.ark_models import ArkModel
from seedrender.sim.rules import decoded, is_url
from seedrender.values.job import MediaKind, Mode, Role

IMAGE_ROLES = ("first_frame", "last_frame", "reference_image")
_TYPES = ("text", "image_url", "video_url", "audio_url", "draft_task")
_ASSET = re.compile(r"asset://([A-Za-z0-9._-]{1,128})")
_MISSING_ASSET = "missing"  # in an id: the simulator keeps no assets, and lacks these
_DATA = {
    MediaKind.IMAGE: re.compile(r"data:image/[a-z0-9.+-]+;base64,"),
    MediaKind.AUDIO: re.compile(r"data:audio/[a-z0-9.+-]+;base64,"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One image, clip or sound of the content."""

    kind: MediaKind
    value: str  # a URL, a data URI or an asset
    role: str | None
    place: str  # as messages name it: content[1].image_url.url


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the model is given."""

    text: str
    text_place: str  # content[0].text
    first_frame: Item | None = None
    last_frame: Item | None = None
    references: tuple[Item, ...] = ()

    def of(self, kind: MediaKind) -> tuple[Item, ...]:
        """Return the references of a kind."""
        return tuple(item for item in self.references if item.kind is kind)

    @property
    def items(self) -> tuple[Item, ...]:
        """All media: frames, then references."""
        return (*filter(None, (self.first_frame, self.last_frame)), *self.references)

    @property
    def mode(self) -> Mode:
        """The endpoint variant that this needs."""
        if self.of(MediaKind.VIDEO):
            return Mode.V2V
        return Mode.I2V if self.items else Mode.T2V


def draft_id(content: object) -> str | None:
    """Return the draft that a content consists of, if it is one.

    Raises:
        ArkRefusal: there is something beside it.
    """
    if not isinstance(content, list):
        return None
    drafts = [i for i in content if isinstance(i, Mapping) and i.get("type") == "draft_task"]
    if not drafts:
        return None
    if len(content) > 1:
        raise ArkRefusal(INVALID, "draft_task must be the only item of the content.", "content")
    given = drafts[0].get("draft_task")
    task_id = given.get("id") if isinstance(given, Mapping) else None
    if not isinstance(task_id, str):
        raise _missing("content[0].draft_task.id")
    return task_id


def scene(model: ArkModel, content: object) -> Scene:
    """Read a content.

    Raises:
        ArkRefusal: it is misshapen, mixes scenes, or is more than the model takes.
    """
    if content is None or content == []:
        raise _missing("content")
    if not isinstance(content, list):
        raise ArkRefusal(INVALID, "The parameter `content` must be an array.", "content")
    texts: list[tuple[str, str]] = []
    media: list[Item] = []
    for index, item in enumerate(content):
        if not isinstance(item, Mapping):
            raise ArkRefusal(INVALID, "An item must be an object.", f"content[{index}]")
        if item.get("type") == "text":
            texts.append((_text(item, index), f"content[{index}].text"))
        else:
            media.append(_medium(item, index))
    text = " ".join(words for words, _ in texts)
    if not text.strip() and not media:
        raise _missing("content.text")
    place = texts[0][1] if texts else "content"
    found = _arranged(text, place, media)
    _check_counts(model, found)
    return found


def with_text(found: Scene, text: str) -> Scene:
    """Return the scene with another prompt."""
    return replace(found, text=text)


def _text(item: Mapping[str, Any], index: int) -> str:
    text = item.get("text")
    if text is None:
        raise _missing(f"content[{index}].text")
    if not isinstance(text, str):
        raise ArkRefusal(INVALID, "The text must be a string.", f"content[{index}].text")
    return text


def _medium(item: Mapping[str, Any], index: int) -> Item:
    """Read an item that is no text."""
    name = item.get("type")
    if name not in _TYPES:
        raise ArkRefusal(
            INVALID, f"type must be one of {', '.join(_TYPES)}.", f"content[{index}].type"
        )
    kind = MediaKind(str(name).removesuffix("_url"))
    place = f"content[{index}].{name}"
    payload = item.get(str(name))
    if payload is None:
        raise _missing(place)
    if not isinstance(payload, Mapping):
        raise ArkRefusal(INVALID, f"{name} must be an object with a url.", place)
    role = item.get("role")
    wanted = IMAGE_ROLES if kind is MediaKind.IMAGE else (f"reference_{kind}",)
    if role is not None and role not in wanted:
        words = f"invalid role specified for {kind} content; one of {', '.join(wanted)}"
        raise ArkRefusal(INVALID, f"{words}.", f"content[{index}].role")
    value = _value(kind, payload.get("url"), f"{place}.url")
    return Item(kind=kind, value=value, role=role, place=f"{place}.url")


def _value(kind: MediaKind, value: object, place: str) -> str:
    """Check an address as far as it can be judged without a request."""
    is_image = kind is MediaKind.IMAGE
    if value is None or value == "":
        if is_image:
            raise ArkRefusal("InvalidImageURL.EmptyURL", "The image URL is empty.", place)
        raise _missing(place)
    if not isinstance(value, str):
        raise ArkRefusal(INVALID, "The url must be a string.", place)
    if value.startswith("asset://"):
        return _asset(kind, value, place)
    if value.startswith("data:") and kind is MediaKind.VIDEO:
        raise ArkRefusal(INVALID, "reference_video must be provided as a web url.", place)
    if is_url(value):
        return value
    if kind in _DATA and _DATA[kind].match(value) and decoded(value) is not None:
        return value
    code = "InvalidImageURL.InvalidFormat" if is_image else INVALID
    raise ArkRefusal(code, f"The {kind} URL is neither an address nor valid Base64.", place)


def _asset(kind: MediaKind, value: str, place: str) -> str:
    match = _ASSET.fullmatch(value)
    if match is None or _MISSING_ASSET in match[1]:
        words = f"the specified asset {value.removeprefix('asset://')[:80]} is not found"
        raise ArkRefusal(INVALID, f"{words}.", place)
    if any(f"-{other}-" in match[1] for other in MediaKind if other is not kind):
        raise ArkRefusal(INVALID, f"the specified asset {match[1]} is not of type {kind}.", place)
    return value


def _arranged(text: str, place: str, media: Sequence[Item]) -> Scene:
    """Sort media into one of the three scenes that exclude each other."""
    images = [item for item in media if item.kind is MediaKind.IMAGE]
    bare = [item for item in media if item.role is None]
    if bare == images == media and len(bare) == 1:
        return Scene(text=text, text_place=place, first_frame=bare[0])
    if bare:
        words = f"role must be specified for {bare[0].kind} contents"
        raise ArkRefusal(INVALID, f"{words}.", bare[0].place.rpartition(".")[0])
    frames = [item for item in images if item.role != "reference_image"]
    if not frames:
        return Scene(text=text, text_place=place, references=tuple(media))
    if len(frames) < len(media):
        words = "first/last frame content cannot be mixed with reference media content"
        raise ArkRefusal(INVALID, f"{words}.", "content")
    for role in IMAGE_ROLES[:2]:
        count = sum(item.role == role for item in frames)
        if count > 1:
            words = f"expected at most 1 {role.replace('_', ' ')} images but got {count}"
            raise ArkRefusal(INVALID, f"{words}.", "content")
    by_role = {item.role: item for item in frames}
    if "first_frame" not in by_role:
        raise ArkRefusal(INVALID, "a last frame needs a first frame beside it.", "content")
    return Scene(
        text=text,
        text_place=place,
        first_frame=by_role["first_frame"],
        last_frame=by_role.get("last_frame"),
    )


def _check_counts(model: ArkModel, found: Scene) -> None:
    """Refuse more media than the model takes, and those that it does not take at all."""
    family = model.family
    for frame, role in ((found.first_frame, Role.FIRST_FRAME), (found.last_frame, Role.LAST_FRAME)):
        if frame is not None and role not in family.roles:
            raise _unfit(model, role, frame)
    for kind in MediaKind:
        items, most = found.of(kind), family.media[kind].max_count
        if items and not most:
            raise _unfit(model, f"reference_{kind}", items[0])
        if len(items) > most:
            words = f"expected at most {most} reference {kind}s but got {len(items)}"
            raise ArkRefusal(INVALID, f"{words}.", "content")
    if len(found.items) > family.max_media:
        words = f"expected at most {family.max_media} media but got {len(found.items)}"
        raise ArkRefusal(INVALID, f"{words}.", "content")
    is_sound_alone = len(found.of(MediaKind.AUDIO)) == len(found.items) > 0
    if is_sound_alone and family.audio_needs_visual:
        raise ArkRefusal(INVALID, "reference_audio cannot be the only reference input.", "content")


def _unfit(model: ArkModel, role: str, item: Item) -> ArkRefusal:
    words = f"role {role} is not valid for model {model.name}"
    return ArkRefusal(INVALID, f"{words}.", item.place.rpartition(".")[0])


def _missing(param: str) -> ArkRefusal:
    return ArkRefusal(f"{MISSING}.{param}", f"The request is missing {param}.", param)
