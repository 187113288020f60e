"""Turns a caption into a picture: wrapped text on a card, in the font that Pillow bundles."""

from __future__ import annotations

import unicodedata
from functools import cache

from PIL import Image, ImageDraw, ImageFont

INK = (255, 255, 255, 255)
MUTED = (255, 255, 255, 190)
SHADE = (10, 12, 20, 172)
ELLIPSIS = "…"
_LIKENESS = str.maketrans({"–": "-", "—": "-", "−": "-", "×": "x", "→": ">", "\u00a0": " "})  # noqa: RUF001 -- looked up, not typed by mistake

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@cache
def font(size: int) -> Font:
    """Return the bundled font at a size in pixels: the same letters on every machine."""
    return ImageFont.load_default(size)


@cache
def _has_glyph(char: str) -> bool:
    face = font(16)
    missing, mask = face.getmask("\uffff"), face.getmask(char)
    return char == " " or (bytes(mask), mask.size) != (bytes(missing), missing.size)


@cache
def _legible_char(char: str) -> str:
    if char.isspace():
        return " "
    plain = unicodedata.normalize("NFKD", char.translate(_LIKENESS))
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return letters if letters and all(map(_has_glyph, letters)) else "·"


def legible(text: str) -> str:
    """Return the text in letters that the font has; what it lacks becomes one dot a word."""
    words = "".join(map(_legible_char, text)).split()
    return " ".join("·" if set(word) == {"·"} else word for word in words)


def wrap(text: str, face: Font, width: int, lines: int) -> list[str]:
    """Break text into at most so many lines of at most so many pixels, the last one shortened."""
    words = legible(text).split()
    broken: list[str] = []
    while words and len(broken) < lines:
        line = words.pop(0)
        while words and face.getlength(f"{line} {words[0]}") <= width:
            line += f" {words.pop(0)}"
        broken.append(line)
    return [_shorten(line, face, width, cut=bool(words) and line is broken[-1]) for line in broken]


def _shorten(line: str, face: Font, width: int, *, cut: bool) -> str:
    if not cut and face.getlength(line) <= width:
        return line
    while line and face.getlength(line + ELLIPSIS) > width:
        line = line[: -max(1, len(line) // 16)]
    return line.rstrip(" ,;:.") + ELLIPSIS


def card(title: str, label: str, *, width: int, size: int) -> Image.Image:
    """Draw a caption of the given pixel width: up to three lines of title over one small line."""
    face, small = font(size), font(max(10, round(size * 0.68)))
    pad = round(size * 0.8)
    lines = wrap(title, face, width - 2 * pad, 3)
    foot = wrap(label, small, width - 2 * pad, 1)
    line_height, foot_height = round(size * 1.35), round(size * 1.0)
    height = 2 * pad + line_height * len(lines) + foot_height * len(foot) - round(size * 0.2)
    image = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, width - 1, height - 1), radius=pad, fill=SHADE)
    for row, line in enumerate(lines):
        draw.text((pad, pad + row * line_height), line, font=face, fill=INK, anchor="lt")
    if foot:
        top = height - pad - round(size * 0.55)
        draw.text((pad, top), foot[0], font=small, fill=MUTED, anchor="lt")
    return image


def pill(word: str, *, size: int, fill: tuple[int, int, int]) -> Image.Image:
    """Draw one word on a small coloured plate."""
    face = font(size)
    width, height = round(face.getlength(word)) + 2 * size, round(size * 1.8)
    image = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, width - 1, height - 1), radius=height // 2, fill=(*fill, 235))
    draw.text((width // 2, height // 2), word, font=face, fill=(15, 15, 25, 255), anchor="mm")
    return image
