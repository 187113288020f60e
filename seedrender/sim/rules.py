"""Turns an endpoint of the catalogue into a schema, and a body into what is wrong with it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from seedrender.catalog.models import Variant
from seedrender.sim.neighbours import SIZE
from seedrender.values.job import MediaKind, Mode, Role

MISSING = "Missing required parameter"
FORMAT = "Invalid format"
RANGE = "Value out of range"
PARAMETERS = "Invalid parameters"

_IMAGE = {"type": "string", "minLength": 1, "format": "uri-or-base64"}
_URL = {"type": "string", "minLength": 1, "format": "uri"}
_MAX_SEED = 2**31 - 1
_FEWEST, _MOST_FRAMES = 29, 289
_FRAME_ROLES = (Role.FIRST_FRAME, Role.LAST_FRAME)
_FRAMES = ("first_frame_image", "last_frame_image")
_MEDIA = (*_FRAMES, "reference_images", "audio_urls", "video_urls")
_MODE_MEDIA: Mapping[Mode, tuple[str, ...]] = {
    Mode.T2V: (),
    Mode.I2V: _MEDIA[:-1],
    Mode.V2V: _MEDIA,
}

_SETTINGS: Mapping[str, tuple[str, dict[str, Any]]] = {  # of a manifest → of this wire
    "audio": ("generate_audio", {"type": "boolean", "default": True}),
    "camera_fixed": ("camera_fixed", {"type": "boolean", "default": False}),
    "seed": ("seed", {"type": "integer", "minimum": -1, "maximum": _MAX_SEED, "default": -1}),
}

_FRAME_COUNT = {"type": "integer", "minimum": _FEWEST, "maximum": _MOST_FRAMES}


def counts_frames(variant: Variant) -> bool:
    """Whether a model can be asked for a number of pictures in place of seconds."""
    return variant.family.name == "seedance-1.0-pro"


def schema(variant: Variant) -> dict[str, Any]:
    """Return the JSON schema of an endpoint's body."""
    if variant.body:
        return {
            "type": "object",
            "required": list(variant.required),
            "properties": dict(variant.body),
            "additionalProperties": False,
        }
    family = variant.family
    durations = list(range(family.min_duration_s, family.max_duration_s + 1))
    media = {
        "first_frame_image": _IMAGE,
        "last_frame_image": _IMAGE,
        "reference_images": _array(_IMAGE, family.media[MediaKind.IMAGE].max_count),
        "audio_urls": _array(_URL, family.media[MediaKind.AUDIO].max_count),
        "video_urls": _array(_URL, family.media[MediaKind.VIDEO].max_count),
    }
    assert family.max_prompt_chars is not None, "the wire bounds every prompt"
    properties: dict[str, Any] = {
        "prompt": {"type": "string", "minLength": 1, "maxLength": family.max_prompt_chars},
        **{name: media[name] for name in _media_names(variant)},
        "ratio": _enum(list(variant.ratios), variant.default_ratio),
        "resolution": _enum(list(variant.resolutions), family.default_resolution),
        "duration": {"type": "integer", "enum": durations, "default": family.default_duration_s},
        **({"frames": _FRAME_COUNT} if counts_frames(variant) else {}),
        **{_SETTINGS[name][0]: _SETTINGS[name][1] for name in sorted(family.settings)},
        "execution_expires_after": _integer(3600, 259_200, 172_800),
        "service_tier": _enum(["default", "flex"], "default"),
        "return_last_frame": {"type": "boolean", "default": False},
    }
    required = ["prompt", "video_urls"] if variant.mode is Mode.V2V else ["prompt"]
    return {"type": "object", "required": required, "properties": properties}


def _media_names(variant: Variant) -> list[str]:
    family = variant.family
    takes = {
        **{f"{role.value}_image": role in family.roles for role in _FRAME_ROLES},
        "reference_images": family.media[MediaKind.IMAGE].max_count > 0,
        "audio_urls": family.media[MediaKind.AUDIO].max_count > 0,
        "video_urls": family.media[MediaKind.VIDEO].max_count > 0,
    }
    return [name for name in _MODE_MEDIA[variant.mode] if takes[name]]


def _array(items: Mapping[str, Any], most: int) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "maxItems": most, "items": items}


def _enum(values: list[str], default: str) -> dict[str, Any]:
    return {"type": "string", "enum": values, "default": default}


def _integer(low: int, high: int, default: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high, "default": default}


def violation(variant: Variant, body: object) -> str | None:
    """Return the first thing that is wrong with a body, as "category: detail"."""
    if not isinstance(body, dict):
        return f"{FORMAT}: the body must be a JSON object"
    rules = schema(variant)
    for name in rules["required"]:
        if name not in body:
            return f"{MISSING}: {name}"
    for name, rule in rules["properties"].items():
        if name in body and (found := _value(name, body[name], rule)):
            return found
    known = rules["properties"]
    for name in body if variant.body else _MEDIA:  # of Seedance's no source says what happens
        if name in body and name not in known:
            return f"{PARAMETERS}: {name} is not accepted by {variant.slug}"
    return _exclusion(variant, body) if variant.body else _combination(variant, body)


def _exclusion(variant: Variant, body: Mapping[str, Any]) -> str | None:
    if variant.needs_one_of and not any(name in body for name in variant.needs_one_of):
        return f"{MISSING}: {' or '.join(variant.needs_one_of)}"
    defaults = {name: rule["default"] for name, rule in variant.body.items() if "default" in rule}
    whole = {**defaults, **body}
    for row in variant.excludes:
        if row.items() <= whole.items():
            words = " and ".join(f"{name} {value}" for name, value in row.items())
            return f"{PARAMETERS}: {words} do not go together"
    return None


def _combination(variant: Variant, body: Mapping[str, Any]) -> str | None:
    frames = [name for name in _FRAMES if name in body]
    if frames and "reference_images" in body:
        return f"{PARAMETERS}: reference_images cannot be combined with {frames[0]}"
    pictures = frames or variant.family.roles >= {Role.REFERENCE}
    if variant.mode is Mode.I2V and not pictures:
        return f"{MISSING}: first_frame_image or last_frame_image"
    has_picture = any(name in body for name in _MEDIA if name != "audio_urls")
    if "audio_urls" in body and not has_picture and variant.mode is not Mode.T2V:
        return f"{PARAMETERS}: audio_urls need an image or a video beside them"
    return None


_TYPES: Mapping[str, Callable[[object], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1
    ),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
}


def _value(name: str, value: Any, rule: Mapping[str, Any]) -> str | None:
    """Return what is wrong with one value."""
    if not _TYPES[rule["type"]](value):
        return f"{FORMAT}: {name} must be of type {rule['type']}"
    if "enum" in rule and value not in rule["enum"]:
        return f"{PARAMETERS}: {name} must be one of {', '.join(map(str, rule['enum']))}"
    if "minimum" in rule and not rule["minimum"] <= value <= rule["maximum"]:
        return f"{RANGE}: {name} must be between {rule['minimum']} and {rule['maximum']}"
    if rule["type"] == "array":
        return _items(name, value, rule)
    if rule["type"] == "string":
        return _string(name, value, rule)
    return None


def _items(name: str, value: list[Any], rule: Mapping[str, Any]) -> str | None:
    if not rule["minItems"] <= len(value) <= rule["maxItems"]:
        return f"{PARAMETERS}: {name} must have 1 to {rule['maxItems']} items"
    found = (_value(f"{name}[{i}]", item, rule["items"]) for i, item in enumerate(value))
    return next(filter(None, found), None)


def _string(name: str, value: str, rule: Mapping[str, Any]) -> str | None:
    if len(value) < rule.get("minLength", 0):
        return f"{PARAMETERS}: {name} must not be empty"
    if len(value) > rule.get("maxLength", len(value)):
        return f"{PARAMETERS}: {name} must have at most {rule['maxLength']} characters"
    if "area" in rule and not _has_area(value, *rule["area"]):
        low, high = rule["area"]
        return f"{RANGE}: {name} must be WIDTHxHEIGHT of {low} to {high} pixels"
    if rule.get("format") == "uri" and not is_url(value):
        return f"{PARAMETERS}: {name} must be a URL"
    if rule.get("format") == "uri-or-base64" and not is_url(value) and not _is_base64(value):
        return f"{FORMAT}: {name} must be a URL or Base64"
    return None


def _has_area(value: str, low: int, high: int) -> bool:
    size = SIZE.fullmatch(value)
    return size is not None and low <= int(size[1]) * int(size[2]) <= high


def is_url(value: str) -> bool:
    """Whether this is an address that can be fetched."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _is_base64(value: str) -> bool:
    return decoded(value) is not None


def decoded(value: str) -> bytes | None:
    """Return the bytes of a data URI or of bare Base64; None: it is neither."""
    text = value
    if value.startswith("data:"):
        head, _, text = value.partition(",")
        if not head.endswith(";base64"):
            return None
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
