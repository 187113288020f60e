"""Turns a caption and a seed into a real, playable clip, marked as simulated."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from seedrender.media import scene, sound, text

FPS = 24
MARK = "SIMULATED"
_ACCENT = (255, 206, 84)
_LARGEST = 2_400_000  # pixels drawn; larger clips are drawn smaller and scaled up
_OPTIONS = {"preset": "superfast", "crf": "24", "tune": "zerolatency"}
_BT709 = 1
_DISSOLVED = 18  # pictures until nothing is left of the first one
_UNCOVERED = 12  # pictures until the caption begins to appear

Overlay = tuple[Image.Image, tuple[int, int]]  # and its place


class Cancelled(Exception):  # noqa: N818 -- a wish that was met, no error
    """The clip is not wanted any more."""


def clip(
    target: Path,
    *,
    width: int,
    height: int,
    duration_s: float,
    seed: int,
    title: str,
    label: str = "",
    has_sound: bool = True,
    first_frame: Image.Image | None = None,
    references: Sequence[Image.Image] = (),
    stop: threading.Event | None = None,
    container: Literal["mp4", "mov"] = "mp4",
) -> None:
    """Write a file of exactly this size and length; equal arguments give equal bytes.

    A `first_frame` is shown as the very first picture and dissolves into the scene within a second.

    Raises:
        Cancelled: `stop` was set; what was written so far is no clip.
    """
    shrink = max(1.0, (width * height / _LARGEST) ** 0.5)
    size = round(width / shrink), round(height / shrink)
    overlays = _overlays(size, title, label, references)
    pictures = _pictures(size, seed, overlays, first_frame)
    with av.open(str(target), "w", format=container, options={"movflags": "+faststart"}) as output:
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
        packets: list[av.Packet[Any]] = []
        for frame in _frames(pictures, (width, height)):
            if stop is not None and stop.is_set():
                raise Cancelled
            packets += context.encode(frame)
        packets += context.encode(None)
        for packet in _repeated(packets, round(FPS * duration_s)):
            packet.stream = video
            output.mux(packet)
        for sample in sound.packets(seed, duration_s) if has_sound else ():
            sample.stream = audio
            output.mux(sample)


def still(
    target: Path,
    *,
    form: str,
    size: tuple[int, int],
    seed: int,
    title: str,
    label: str = "",
    references: Sequence[Image.Image] = (),
) -> None:
    """Write a picture of exactly this size, as PNG, JPEG or WebP; equal arguments, equal bytes."""
    shrink = max(1.0, (size[0] * size[1] / _LARGEST) ** 0.5)
    drawn = round(size[0] / shrink), round(size[1] / shrink)
    picture = next(scene.pictures(*drawn, seed))
    _cover(picture, _overlays(drawn, title, label, references), 1.0)
    picture.resize(size, Image.Resampling.BICUBIC).save(target, format=form.upper())


def _pictures(
    size: tuple[int, int],
    seed: int,
    overlays: Sequence[Overlay],
    first_frame: Image.Image | None,
) -> Iterator[Image.Image]:
    """Yield what is shown: the dissolve out of the first picture, if any, then the loop."""
    loop = scene.pictures(*size, seed)
    if first_frame is not None:
        opening, plain = ImageOps.fit(first_frame.convert("RGB"), size), list(loop)
        loop = iter(plain)
        for index, picture in enumerate(plain):
            mixed = Image.blend(opening, picture, _ease(index / _DISSOLVED))
            _cover(mixed, overlays, _ease((index - _UNCOVERED) / (scene.LOOP - _UNCOVERED)))
            yield mixed
    for picture in loop:
        _cover(picture, overlays, 1.0)
        yield picture


def _cover(picture: Image.Image, overlays: Sequence[Overlay], strength: float) -> None:
    """Put what stands in front of the scene there, as strongly as asked for."""
    for overlay, place in overlays if strength else ():
        mask = overlay.getchannel("A")
        if strength < 1:
            mask = ImageEnhance.Brightness(mask).enhance(strength)
        picture.paste(overlay, place, mask)


def _ease(share: float) -> float:
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)


def _frames(pictures: Iterator[Image.Image], size: tuple[int, int]) -> Iterator[av.VideoFrame]:
    """Yield pictures as the encoder wants them."""
    reformatter = VideoReformatter()
    for index, picture in enumerate(pictures):
        source = av.VideoFrame.from_image(picture)
        frame = reformatter.reformat(
            source,
            width=size[0],
            height=size[1],
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.FAST_BILINEAR,
        )
        frame.pts, frame.time_base = index, Fraction(1, FPS)
        yield frame


def _repeated(packets: Sequence[av.Packet[Any]], count: int) -> Iterator[av.Packet[Any]]:
    """Yield as many packets as asked for: all of them, then the last loop over and over."""
    data = [(bytes(packet), packet.is_keyframe) for packet in packets]
    for index in range(count):
        place = index
        if index >= len(data):
            place = len(data) - scene.LOOP + (index - len(data)) % scene.LOOP
        packet: av.Packet[Any] = av.Packet(data[place][0])
        packet.pts = packet.dts = index
        packet.duration, packet.time_base = 1, Fraction(1, FPS)
        packet.is_keyframe = data[place][1]
        yield packet


def _overlays(
    whole: tuple[int, int], title: str, label: str, references: Sequence[Image.Image]
) -> list[Overlay]:
    """Return the mark, the caption and the references used, each with its place."""
    (width, height), short = whole, min(whole)
    size, margin = max(12, round(short * 0.042)), round(short * 0.045)
    card = text.card(title, label, width=width - 2 * margin, size=size)
    mark = text.pill(MARK, size=max(10, round(size * 0.72)), fill=_ACCENT)
    overlays = [(card, (margin, height - margin - card.height)), (mark, (margin, margin))]
    gap, top = size // 2, margin if width > height else margin + mark.height + size // 2
    room = width - 2 * margin - (mark.width + gap if width > height else 0)
    side = min(round(short * 0.2), room // max(1, len(references)) - gap)
    for index, reference in enumerate(references):
        left = width - margin + gap - (len(references) - index) * (side + gap)
        tile = _tile(reference, side, str(index + 1), round(size * 0.7))
        overlays.append((tile, (left, top)))
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
