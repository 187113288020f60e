"""Turns a caption and a seed into a real, playable clip, marked as simulated."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from PIL import Image, ImageDraw, ImageOps

from seedrender.media import scene, sound, text

FPS = 24
MARK = "SIMULATED"
_ACCENT = (255, 206, 84)
_LARGEST = 2_400_000  # pixels drawn; larger clips are drawn smaller and scaled up
_OPTIONS = {"preset": "superfast", "crf": "24", "tune": "zerolatency"}
_BT709 = 1


class Cancelled(Exception):  # noqa: N818 -- a wish that was met, no error
    """The clip is not wanted any more."""


def clip(
    target: Path,
    *,
    width: int,
    height: int,
    duration_s: int,
    seed: int,
    title: str,
    label: str = "",
    has_sound: bool = True,
    first_frame: Image.Image | None = None,
    references: Sequence[Image.Image] = (),
    stop: threading.Event | None = None,
) -> None:
    """Write an MP4 of exactly this size and length; equal arguments give equal bytes.

    A `first_frame` is shown as the very first picture and dissolves into the scene within a second.

    Raises:
        Cancelled: `stop` was set; what was written so far is no clip.
    """
    scenery = _captioned(width, height, seed, title, label, references)
    with av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as output:
        output.metadata["comment"] = "simulated by seedrender"
        video = output.add_stream("libx264", rate=FPS, options=_OPTIONS)
        context = video.codec_context
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.thread_count, context.gop_size = 1, scene.LOOP
        context.color_range, context.colorspace = ColorRange.MPEG, Colorspace.ITU709
        context.color_primaries = context.color_trc = _BT709
        if has_sound:
            audio = output.add_stream("aac", rate=sound.SAMPLE_RATE, layout="stereo")
            audio.bit_rate = sound.BIT_RATE
        frames = _frames(scenery, (width, height), first_frame)
        packets: list[av.Packet] = []
        for frame in frames:
            if stop is not None and stop.is_set():
                raise Cancelled
            packets += context.encode(frame)
        packets += context.encode(None)
        for packet in _repeated(packets, FPS * duration_s):
            packet.stream = video
            output.mux(packet)
        for packet in sound.packets(seed, duration_s) if has_sound else ():
            packet.stream = audio
            output.mux(packet)


def _frames(
    scenery: Iterator[Image.Image], size: tuple[int, int], first_frame: Image.Image | None
) -> Iterator[av.VideoFrame]:
    """Yield what is encoded: the dissolve, if there is one, then the loop."""
    pictures = list(scenery)
    if first_frame is not None:
        opening = ImageOps.fit(first_frame.convert("RGB"), pictures[0].size)
        dissolve = [
            Image.blend(opening, picture, _ease(index / scene.LOOP))
            for index, picture in enumerate(pictures)
        ]
        pictures = dissolve + pictures
    reformatter = VideoReformatter()
    for index, picture in enumerate(pictures):
        frame = reformatter.reformat(
            av.VideoFrame.from_image(picture),
            width=size[0],
            height=size[1],
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )
        frame.pts, frame.time_base = index, Fraction(1, FPS)
        yield frame


def _ease(share: float) -> float:
    return share * share * (3 - 2 * share)


def _repeated(packets: list[av.Packet], count: int) -> Iterator[av.Packet]:
    """Yield as many packets as asked for: all of them, then the last loop over and over."""
    data = [(bytes(packet), packet.is_keyframe) for packet in packets]
    for index in range(count):
        place = index
        if index >= len(data):
            place = len(data) - scene.LOOP + (index - len(data)) % scene.LOOP
        packet = av.Packet(data[place][0])
        packet.pts = packet.dts = index
        packet.duration, packet.time_base = 1, Fraction(1, FPS)
        packet.is_keyframe = data[place][1]
        yield packet


def _captioned(
    width: int,
    height: int,
    seed: int,
    title: str,
    label: str,
    references: Sequence[Image.Image],
) -> Iterator[Image.Image]:
    """Yield the scene's pictures with everything that stands in front of it."""
    shrink = max(1.0, (width * height / _LARGEST) ** 0.5)
    width, height = round(width / shrink), round(height / shrink)
    overlays = _overlays(width, height, title, label, references)
    for picture in scene.pictures(width, height, seed):
        for overlay, place in overlays:
            picture.paste(overlay, place, overlay)
        yield picture


def _overlays(
    width: int, height: int, title: str, label: str, references: Sequence[Image.Image]
) -> list[tuple[Image.Image, tuple[int, int]]]:
    """Return the mark, the caption and the references used, each with its place."""
    size = max(12, round(min(width, height) * 0.042))
    margin = round(min(width, height) * 0.045)
    card = text.card(title, label, width=width - 2 * margin, size=size)
    mark = text.pill(MARK, size=max(10, round(size * 0.72)), fill=_ACCENT)
    overlays = [
        (card, (margin, height - margin - card.height)),
        (mark, (margin, margin)),
    ]
    room = (width - 2 * margin) // max(4, len(references))
    side = min(room - size // 2, round(min(width, height) * 0.2))
    for index, reference in enumerate(references):
        tile = _tile(reference, side, str(index + 1), round(size * 0.7))
        left = width - margin - (len(references) - index) * (side + size // 2) + size // 2
        overlays.append((tile, (left, margin + (0 if width > height else 2 * size))))
    return overlays


def _tile(reference: Image.Image, side: int, number: str, size: int) -> Image.Image:
    """Return a reference as a small framed and numbered picture."""
    border = max(2, side // 40)
    tile = Image.new("RGBA", (side, side), (255, 255, 255, 230))
    inner = ImageOps.fit(reference.convert("RGB"), (side - 2 * border, side - 2 * border))
    tile.paste(inner, (border, border))
    draw = ImageDraw.Draw(tile)
    box = (border, side - border - round(size * 1.5), border + round(size * 1.5), side - border)
    draw.rectangle(box, fill=(255, 255, 255, 230))
    middle = ((box[0] + box[2]) // 2, (box[1] + box[3]) // 2)
    draw.text(middle, number, font=text.font(size), fill=(20, 20, 30, 255), anchor="mm")
    return tile
