"""Compares what a medium is with what a model takes."""

from __future__ import annotations

from collections.abc import Iterator

from seedrender.catalog.models import Media
from seedrender.media.medium import Medium, size

SLACK_S = 0.2  # by which services have been seen to let lengths pass


def problems(medium: Medium, limits: Media, model: str) -> Iterator[str]:
    """Say every limit that a medium breaks; what is not known breaks none."""
    if limits.formats and medium.format and medium.format not in limits.formats:
        yield f"{model} takes no {medium.format}: {', '.join(limits.formats)}"
    if medium.size_bytes == 0:
        yield "it is empty"
    if limits.max_bytes is not None and (medium.size_bytes or 0) > limits.max_bytes:
        assert medium.size_bytes is not None, "it is more than nothing"
        yield f"{size(medium.size_bytes)}: {model} takes {size(limits.max_bytes)} at most"
    if medium.width and medium.height:
        yield from _shape(medium.width, medium.height, limits, model)
    if limits.fps is not None and medium.fps is not None:
        low, high = limits.fps
        if not low - 0.5 <= medium.fps <= high + 0.5:
            yield f"{medium.fps:.4g} frames a second: {model} takes {low:g} to {high:g}"
    if limits.seconds is not None and medium.seconds is not None:
        low, high = limits.seconds
        if not low - SLACK_S <= medium.seconds <= high + SLACK_S:
            yield f"{medium.seconds:.1f} s: {model} takes {low:g} to {high:g} s"


def _shape(width: int, height: int, limits: Media, model: str) -> Iterator[str]:
    shape = f"{width}x{height}"
    if limits.side_px is not None:
        least, most = limits.side_px
        if min(width, height) < least or max(width, height) > most:
            yield f"{shape}: {model} takes sides of {least} to {most} pixels"
    if limits.ratio is not None:
        low, high = limits.ratio
        if not low <= width / height <= high:
            wanted = f"{low:g} to {high:g}"
            yield f"{shape}: width by height is {width / height:.2f}, and {model} takes {wanted}"
    if limits.area_px is not None:
        few, many = limits.area_px
        if not few <= width * height <= many:
            yield f"{shape}: {model} takes {few:,} to {many:,} pixels in all"
