"""Turns the body of any maker's endpoint into what there is to draw, in the words of Seedance.

Nothing is unified on this wire: a ratio is `ratio` or `aspect_ratio`, a resolution `720p`, `720P`
or a `mode`, sound `audio` or `sound`. The names are those of the reference; what has none of them
is drawn with the defaults of its model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from seedrender.catalog.models import Variant

SIZE = re.compile(r"([1-9][0-9]{1,4})[x*]([1-9][0-9]{1,4})")
_RATIO = ("ratio", "aspect_ratio")
_SOUND = ("generate_audio", "audio", "sound")
_LOUD = (True, "on", "native")
_FIRST_FRAME = ("first_frame_image", "first_frame", "image", "image_url")
_PICTURES = ("reference_images", "image", "images", "input_image")
_CLIPS = ("video_urls", "first_clip")
_RESOLUTION = ("resolution", "mode")
_LINES = {"std": "720p", "pro": "1080p"}  # of Kling's modes


def wishes(variant: Variant, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a body asks for; that of Seedance is in its own words already."""
    return dict(_wishes(variant, body)) if variant.body else body


def _wishes(variant: Variant, sent: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    defaults = {name: rule["default"] for name, rule in variant.body.items() if "default" in rule}
    body = {**defaults, **sent}
    yield "prompt", body.get("prompt", "")
    for name in ("duration", "seed"):
        if name in body:
            yield name, body[name]
    if (ratio := _first(body, _RATIO)) in variant.family.pixels[_resolution(variant, body)]:
        yield "ratio", ratio
    yield "resolution", _resolution(variant, body)
    yield "generate_audio", _first(body, _SOUND) in _LOUD
    if size := SIZE.fullmatch(str(body.get("size", ""))):
        yield "size", (int(size[1]), int(size[2]))
    if isinstance(frame := _first(body, _FIRST_FRAME), str):
        yield "first_frame_image", frame
    elif isinstance(pictures := _first(body, _PICTURES), list):
        yield "reference_images", pictures
    if isinstance(clip := _first(body, _CLIPS), str):
        yield "video_urls", [clip]
    if "output_format" in body:
        yield "output_format", body["output_format"]


def _resolution(variant: Variant, body: Mapping[str, Any]) -> str:
    found = str(_first(body, _RESOLUTION)).lower()
    found = _LINES.get(found, found)
    return found if found in variant.family.pixels else variant.family.default_resolution


def _first(body: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((body[name] for name in names if name in body), None)
