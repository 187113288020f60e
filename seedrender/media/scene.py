"""Turns a seed into a landscape that moves: pictures of one second that repeat without a seam."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageEnhance, ImageFilter

LOOP = 24  # pictures in a loop

Colour = tuple[int, int, int]
Layer = Callable[[Image.Image, float], None]  # draws itself at a phase of 0..1


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a scene, from the top of the sky to the foreground."""

    sky: Colour
    haze: Colour
    light: Colour
    far: Colour
    middle: Colour
    near: Colour


PALETTES = tuple(
    Palette(*(ImageColor.getrgb(f"#{word}")[:3] for word in row.split()))
    for row in (
        "18204e f08c6e ffdea0 764c76 4a3062 22183a",
        "0c3c5c 96d6ca fff8d6 488a94 246070 0e3242",
        "3a1c5c fa8296 ffd6be 964280 602a6c 2c1442",
        "121630 425896 d6e2ff 344276 222c56 10142e",
        "4a82be fae0b4 fffae2 8c9ea6 587c70 2a4c42",
        "602628 fab25c ffecaa b05c3e 7c3830 3e1a20",
        "0a2c38 369680 beffd6 1c6460 12464a 08242c",
        "404660 d4bec4 fff4ec 8c8094 625c76 323046",
    )
)


def gradient(width: int, height: int, *stops: Colour) -> Image.Image:
    """Return a vertical blend of colours, the first on top."""
    column = Image.new("RGB", (1, len(stops)))
    column.putdata(stops)
    tall = column.resize((1, height), Image.Resampling.BICUBIC)
    return tall.resize((width, height), Image.Resampling.NEAREST)


def disc(size: int, *, softness: float, strength: float = 1.0) -> Image.Image:
    """Return the mask of a round spot; softness 1 fades from the middle, 0 has a crisp edge."""
    ramp = max(0.06, softness) * 255
    edge = Image.radial_gradient("L").point(
        [
            round(255 * strength * min(1.0, max(0.0, (180 - value * 1.4142) / (ramp * 0.71))))
            for value in range(256)
        ]
    )
    return edge.resize((size, size), Image.Resampling.BILINEAR)


def _scroll(strip: Image.Image, mask: Image.Image, top: int, width: int, period: int) -> Layer:
    """Move a band of the landscape by one period a loop, which never shows a seam.

    Only the rows in which the mask has gaps are blended; the solid rest is copied, which is cheap.
    """
    height = strip.height
    blended = _depth(mask)
    edge = mask.crop((0, 0, mask.width, blended))

    def draw(frame: Image.Image, phase: float) -> None:
        left = round(period * phase)
        shown = (left, 0, left + width, blended)
        frame.paste(strip.crop(shown), (0, top), edge.crop(shown))
        if blended < height:
            frame.paste(strip.crop((left, blended, left + width, height)), (0, top + blended))

    return draw


def _depth(mask: Image.Image) -> int:
    """Return how many rows of a mask are not solid; those above the first solid one."""
    gaps = mask.point(lambda value: 255 if value < 255 else 0).getbbox()  # noqa: PLR2004 -- opaque
    return gaps[3] if gaps else 0


def _float(
    spots: Sequence[tuple[float, float, Image.Image, Colour]], spacing: float, sway: float
) -> Layer:
    """Let spots rise by their common spacing a loop, each swaying a little."""

    def draw(frame: Image.Image, phase: float) -> None:
        for index, (x, y, mask, colour) in enumerate(spots):
            swing = sway * math.sin(2 * math.pi * phase + index)
            half = mask.width // 2
            place = (round(x + swing) - half, round(y - spacing * phase) - half)
            frame.paste(colour, (*place, place[0] + mask.width, place[1] + mask.height), mask)

    return draw


def _ridge(
    rng: random.Random, width: int, height: int, period: int, *, roughness: float
) -> Image.Image:
    """Return the mask of a row of hills that repeats every `period` pixels."""
    waves = [
        (k, rng.uniform(0.35, 1.0) / k ** (1.6 - roughness), rng.uniform(0, 2 * math.pi))
        for k in range(1, 6)
    ]
    total = sum(size for _, size, _ in waves)
    scale = 2  # drawn larger, for smooth edges
    points = [
        (
            x * scale,
            scale
            * height
            * (
                0.5
                - 0.5
                * sum(s * math.sin(2 * math.pi * k * x / period + p) for k, s, p in waves)
                / total
            ),
        )
        for x in range(0, width + 4, 3)
    ]
    mask = Image.new("L", (width * scale, height * scale))
    bottom = height * scale
    ImageDraw.Draw(mask).polygon([(0, bottom), *points, (width * scale, bottom)], fill=255)
    return mask.reduce(scale)


def _sky(rng: random.Random, width: int, height: int, colours: Palette) -> Image.Image:
    """Return the part that stands still: sky, sun and its glow."""
    middle = tuple(round((a * 2 + b) / 3) for a, b in zip(colours.sky, colours.haze, strict=True))
    assert len(middle) == 3  # noqa: PLR2004 -- red, green, blue
    sky = gradient(width, height, colours.sky, middle, colours.haze, colours.haze)
    size = min(width, height)
    x, y = round(width * rng.uniform(0.25, 0.75)), round(height * rng.uniform(0.26, 0.4))
    for share, softness, strength in ((1.5, 1.0, 0.35), (0.7, 1.0, 0.4), (0.24, 0.06, 0.95)):
        mask = disc(round(size * share), softness=softness, strength=strength)
        left, top = x - mask.width // 2, y - mask.height // 2
        sky.paste(colours.light, (left, top, left + mask.width, top + mask.height), mask)
    return sky


def _hills(
    rng: random.Random, width: int, height: int, colours: Palette
) -> tuple[Image.Image, list[Layer]]:
    long = max(width, height)
    ground = _sky(rng, width, height, colours)
    far = _ridge(rng, width, height // 4, round(width * 1.3), roughness=0.7)
    top = round(height * 0.42)
    fill = gradient(width, height - top, colours.far, colours.haze)
    whole = Image.new("L", fill.size, 255)
    whole.paste(far, (0, 0))
    ground.paste(fill, (0, top), whole)
    layers: list[Layer] = []
    for share, rise, depth, colour, below, roughness in (
        (5, 0.52, 0.13, colours.middle, colours.far, 0.2),
        (2, 0.66, 0.16, colours.near, colours.middle, 0.5),
    ):
        period, y, crest = long // share, round(height * rise), round(height * depth)
        mask = _ridge(rng, width + period, crest, period, roughness=roughness)
        soil = gradient(width + period, height - y, colour, below)
        layers.append(_scroll(soil.crop((0, 0, width + period, crest)), mask, y, width, period))
        ground.paste(soil.crop((0, crest, width, height - y)), (0, y + crest))
    return ground, layers


def _sea(
    rng: random.Random, width: int, height: int, colours: Palette
) -> tuple[Image.Image, list[Layer]]:
    long = max(width, height)
    ground = _sky(rng, width, height, colours)
    horizon = round(height * 0.5)
    water = gradient(width, height - horizon, colours.haze, colours.middle, colours.near)
    mirror = ground.crop((0, 0, width, horizon)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    mirror = mirror.resize(water.size).filter(ImageFilter.BoxBlur(height / 60))
    ground.paste(Image.blend(water, mirror, 0.45), (0, horizon))
    layers: list[Layer] = []
    for row, share in enumerate((6, 4, 3, 2)):
        period, y = long // share, horizon + round(height * (0.035 + 0.095 * row * (1 + row / 8)))
        crest, strength = max(10, round(height * (0.028 + 0.014 * row))), 0.25 + 0.12 * row
        size = (width + period, crest * 3)
        wave = _ridge(rng, width + period, crest, period, roughness=0.0)
        foam = ImageChops.subtract(wave, ImageChops.offset(wave, 0, max(1, crest // 9)))
        mask = Image.new("L", size)
        mask.paste(wave, (0, 0))
        fade = gradient(1, crest * 2, (255,) * 3, (0,) * 3).convert("L")
        mask.paste(fade.resize((size[0], crest * 2)), (0, crest))
        mask = ImageEnhance.Brightness(mask).enhance(strength)
        strip = Image.new("RGB", size, colours.near if row % 2 else colours.middle)
        strip.paste(colours.light, (0, 0, *foam.size), foam)
        layers.append(_scroll(strip, mask, y, width, period))
    return ground, layers


def _lanterns(
    rng: random.Random, width: int, height: int, colours: Palette
) -> tuple[Image.Image, list[Layer]]:
    ground = gradient(width, height, colours.near, colours.middle, colours.far, colours.haze)
    layers: list[Layer] = []
    size = min(width, height)
    for share, rows, columns, softness, strength in (
        (0.42, 2, 3, 0.5, 0.16),
        (0.2, 3, 4, 0.25, 0.3),
        (0.075, 4, 6, 0.6, 0.85),
    ):
        spacing = height * (1 + share) / rows
        mask = disc(round(size * share), softness=softness, strength=strength)
        spots = []
        for column in range(columns):
            x = width * (column + rng.uniform(0.15, 0.85)) / columns
            shift = rng.uniform(0, spacing)
            colour = rng.choice((colours.light, colours.haze, colours.light))
            spots += [(x, shift + spacing * row, mask, colour) for row in range(rows + 1)]
        layers.append(_float(spots, spacing, size * share * 0.06))
    return ground, layers


def _city(
    rng: random.Random, width: int, height: int, colours: Palette
) -> tuple[Image.Image, list[Layer]]:
    long = max(width, height)
    ground = _sky(rng, width, height, colours)
    layers: list[Layer] = []
    for share, rise, fall, colour, below, lit in (
        (6, 0.36, 0.66, colours.far, colours.haze, False),
        (4, 0.44, 0.80, colours.middle, colours.far, True),
        (2, 0.56, 1.0, colours.near, colours.middle, True),
    ):
        period, y = long // share, round(height * rise)
        tall = round(height * fall) - y  # what is lower stands behind the next row
        towers, windows = _towers(rng, period, height - y, lit=lit)
        strip = gradient(period, height - y, colour, below)
        strip.paste(colours.light, (0, 0, *windows.size), windows)
        layers.append(
            _scroll(
                _tiled(strip, width + period, tall), _tiled(towers, width + period, tall),
                y, width, period,
            )
        )  # fmt: skip
    return ground, layers


def _tiled(tile: Image.Image, width: int, height: int) -> Image.Image:
    """Return the upper part of a picture, side by side with itself up to a width."""
    row = Image.new(tile.mode, (width, height))
    for left in range(0, width, tile.width):
        row.paste(tile, (left, 0))
    return row


def _towers(
    rng: random.Random, period: int, tall: int, *, lit: bool
) -> tuple[Image.Image, Image.Image]:
    """Return one period of a skyline and of its windows, as masks."""
    towers, windows = Image.new("L", (period, tall)), Image.new("L", (period, tall))
    block, light = ImageDraw.Draw(towers), ImageDraw.Draw(windows)
    pane = max(2, tall // 70)
    x = 0
    while x < period:
        right = min(period, x + round(period * rng.uniform(0.13, 0.3)))
        if period - right < period * 0.1:  # too narrow for a tower of its own
            right = period
        top = round(tall * rng.uniform(0.0, 0.45))
        block.rectangle((x, top, right - 1, tall), fill=255)
        panes = [
            (column, row)
            for row in range(top + 2 * pane, tall - pane, 3 * pane)
            for column in range(x + pane, right - 2 * pane, 2 * pane)
        ]
        for column, row in rng.sample(panes, len(panes) // 4) if lit else ():
            fill = 90 + 60 * ((column + row) % 3)
            light.rectangle((column, row, column + pane - 2, row + pane), fill=fill)
        x = right
    return towers, windows


SCENES = (_hills, _sea, _lanterns, _city)


def pictures(width: int, height: int, seed: int) -> Iterator[Image.Image]:
    """Yield the pictures of one loop; equal seeds give equal pixels."""
    rng = random.Random(seed)  # noqa: S311 -- scenery
    scene, colours = rng.choice(SCENES), rng.choice(PALETTES)
    ground, layers = scene(rng, width, height, colours)
    for index in range(LOOP):
        frame = ground.copy()
        for layer in layers:
            layer(frame, index / LOOP)
        yield frame
