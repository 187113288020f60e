"""Turns the parameters of an Ark request into settings, each checked as its model wants it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seedrender.catalog.models import ADAPTIVE
from seedrender.sim.ark_content import Scene
from seedrender.sim.ark_errors import INVALID, UNSUPPORTED, ArkRefusal
from seedrender.sim.ark_models import ArkModel
from seedrender.sim.rules import is_url
from seedrender.values.job import MediaKind

MOST_SEED = 2**32 - 1  # of the older text; today's says 2**31 - 1
_EXPIRY_S = (3600, 259_200)
_DEFAULT_EXPIRY_S = 172_800
_PRIORITY = (0, 9)
_FRAMES = (29, 289)
_FRAME_STEP, _FRAME_BASE = 4, 25
_MOST_IDENTIFIER = 64
_DRAFT = "480p"
_AUTO = "auto"
_SCENES = {"t2v": "t2v", "i2v": "i2v", "v2v": "r2v"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a valid request says beside its content, with the defaults filled in."""

    resolution: str
    ratio: str
    duration: int | None  # None: `frames` counts
    frames: int | None
    seed: int
    generate_audio: bool
    watermark: bool
    camera_fixed: bool
    return_last_frame: bool
    service_tier: str
    execution_expires_after: int
    priority: int
    draft: bool
    task_type: str
    tools: tuple[str, ...]
    output_format: str | None
    safety_identifier: str | None
    callback_url: str | None


class Fields:
    """The top-level parameters of one body; null is as good as absent, unknown ones are ignored."""

    def __init__(
        self, model: ArkModel, body: Mapping[str, Any], flags: Mapping[str, object], scene: Scene
    ) -> None:
        self._model = model
        self._scene = scene
        self._variant = model.variant(scene.mode)
        self._values = {key: value for key, value in body.items() if value is not None}
        self._flags = {
            key: value
            for key, value in flags.items()
            if key not in self._values and self._is_heeded(key, value)
        }

    def _is_heeded(self, name: str, value: object) -> bool:
        return name != "ratio" or value in self._variant.ratios

    def settings(self) -> Settings:
        """Check everything.

        Raises:
            ArkRefusal: something is of the wrong type, out of range, or not for this model.
        """
        task_type = self._task_type()
        frames = self._frames()
        tier = self._tier()
        return Settings(
            resolution=self._resolution(),
            ratio=self._ratio(task_type),
            duration=None if frames is not None else self._duration(task_type),
            frames=frames,
            seed=self._integer("seed", -1, MOST_SEED, -1),
            generate_audio=self._sound(),
            watermark=self._flag("watermark"),
            camera_fixed=self._only_old("camera_fixed"),
            return_last_frame=self._last_frame(),
            service_tier=tier,
            execution_expires_after=self._integer(
                "execution_expires_after", *_EXPIRY_S, _DEFAULT_EXPIRY_S
            ),
            priority=self._priority(tier),
            draft=self._draft(tier),
            task_type=task_type,
            tools=self._tools(),
            output_format=self._format(),
            safety_identifier=self._identifier(),
            callback_url=self._callback(),
        )

    def _get(self, name: str) -> Any:
        return self._values.get(name, self._flags.get(name))

    def _wrong(self, name: str, words: str = "", code: str = INVALID) -> ArkRefusal:
        """Return a refusal that names the parameter where it was given."""
        param = f"{self._scene.text_place}.{name}" if name in self._flags else name
        model = self._model.name
        words = words or f"not supported for model {model}"
        return ArkRefusal(
            code, f"the parameter `{name}` specified in the request is {words}.", param
        )

    def _unfit(self, name: str) -> ArkRefusal:
        scene = _SCENES[self._scene.mode]
        words = f"not valid for model {self._model.name} in {scene}"
        return self._wrong(name, words, UNSUPPORTED)

    def _text(self, name: str) -> str | None:
        value = self._get(name)
        if value is not None and not isinstance(value, str):
            raise self._wrong(name, "not a string")
        return value

    def _flag(self, name: str, default: bool = False) -> bool:  # noqa: FBT001, FBT002 -- a default
        value = self._get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._wrong(name, "not a boolean")
        return value

    def _integer(self, name: str, low: int, high: int, default: int) -> int:
        value = self._get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
            raise self._wrong(name, "not an integer")
        if not low <= value <= high:
            raise self._wrong(name, f"not between {low} and {high}")
        return int(value)

    def _resolution(self) -> str:
        value = self._text("resolution")
        if value is None:
            return _DRAFT if self._get("draft") is True else self._model.family.default_resolution
        found = "4k" if value == "4K" else value
        if found not in self._variant.resolutions:
            raise self._wrong("resolution")
        return found

    def _ratio(self, task_type: str) -> str:
        value = self._text("ratio")
        if value is None:
            return self._variant.default_ratio
        is_bound = self._scene.first_frame is not None or task_type in ("edit", "extend")
        if self._model.is_newest and is_bound and value != ADAPTIVE:
            raise self._unfit("ratio")
        if value not in self._variant.ratios:
            raise self._wrong("ratio")
        return value

    def _duration(self, task_type: str) -> int:
        family = self._model.family
        value = self._get("duration")
        if task_type == "edit" and value not in (None, -1):
            raise self._unfit("duration")
        default = family.default_duration_s
        if value is None:
            return -1 if default is None or task_type == "edit" else default
        if value == -1 and family.can_choose_duration and not isinstance(value, bool):
            return -1
        try:
            return self._integer("duration", family.min_duration_s, family.max_duration_s, 0)
        except ArkRefusal:
            raise self._wrong("duration") from None

    def _frames(self) -> int | None:
        if self._get("frames") is None:
            return None
        if self._model.family.name != "seedance-1.0-pro":
            raise self._unfit("frames")
        value = self._integer("frames", *_FRAMES, 0)
        if (value - _FRAME_BASE) % _FRAME_STEP:
            raise self._wrong("frames", "not of the form 25 + 4n")
        return value

    def _sound(self) -> bool:
        has_sound = "audio" in self._model.family.settings
        wanted = self._flag("generate_audio", has_sound)
        if wanted and not has_sound:
            raise self._unfit("generate_audio")
        return wanted

    def _only_old(self, name: str) -> bool:
        wanted = self._flag(name)
        if wanted and not self._model.is_old:
            raise self._unfit(name)
        return wanted

    def _last_frame(self) -> bool:
        wanted = self._flag("return_last_frame")
        if wanted and self._model.is_old and self._get("draft") is True:
            raise self._unfit("return_last_frame")
        return wanted

    def _tier(self) -> str:
        value = self._text("service_tier") or "default"
        if value not in ("default", "flex"):
            raise self._wrong("service_tier")
        if value == "flex" and not self._model.is_old:
            raise self._unfit("service_tier")
        return value

    def _priority(self, tier: str) -> int:
        value = self._integer("priority", *_PRIORITY, 0)
        if value and (self._model.is_old or tier == "flex"):
            raise self._unfit("priority")
        return value

    def _draft(self, tier: str) -> bool:
        wanted = self._flag("draft")
        if wanted and not self._model.has_drafts:
            raise self._unfit("draft")
        if wanted and self._get("resolution") not in (None, _DRAFT):
            raise self._wrong("resolution", f"not {_DRAFT}, which a draft has")
        if wanted and tier == "flex":
            raise self._unfit("service_tier")
        return wanted

    def _tools(self) -> tuple[str, ...]:
        value = self._get("tools") or []
        if not isinstance(value, list):
            raise self._wrong("tools", "not an array")
        kinds = [tool.get("type") if isinstance(tool, Mapping) else None for tool in value]
        if any(kind != "web_search" for kind in kinds):
            raise self._wrong("tools", "not a list of web_search")
        if kinds and self._model.is_old:
            raise self._unfit("tools")
        return tuple(map(str, kinds))

    def _format(self) -> str | None:
        value = self._text("output_format")
        if value is None:
            return None
        if value not in ("mp4", "mov"):
            raise self._wrong("output_format")
        if value == "mov" and not self._model.is_newest:
            raise self._unfit("output_format")
        return value

    def _task_type(self) -> str:
        value = self._text("omni_reference_task_type") or _AUTO
        if value not in (_AUTO, "reference", "edit", "extend"):
            raise self._wrong("omni_reference_task_type")
        if value != _AUTO and not self._model.is_newest:
            raise self._unfit("omni_reference_task_type")
        if value in ("edit", "extend") and not self._scene.of(MediaKind.VIDEO):
            words = f"{value}, which needs at least one reference video"
            code = "InvalidParameter.TaskTypeConstraint"
            raise self._wrong("omni_reference_task_type", words, code)
        return value

    def _identifier(self) -> str | None:
        value = self._text("safety_identifier")
        if value is not None and len(value) > _MOST_IDENTIFIER:
            raise self._wrong("safety_identifier", f"longer than {_MOST_IDENTIFIER} characters")
        return value

    def _callback(self) -> str | None:
        value = self._text("callback_url")
        if value is not None and not is_url(value):
            raise self._wrong("callback_url", "not a URL")
        return value
