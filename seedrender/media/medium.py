"""Turns a local picture, clip or sound into what a model's limits speak of."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
from PIL import Image, UnidentifiedImageError

from seedrender.errors import ArtifactError
from seedrender.media.container import opened
from seedrender.media.probe import MAX_PACKETS, probe
from seedrender.values.job import MediaKind
from seedrender.values.magic import HEAD_BYTES, described, recognised

# a few bytes that unfold to gigabytes: an error wherever pictures are looked at
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

_READABLE = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP", "gif": "GIF", "bmp": "BMP"}
_READABLE["tiff"] = "TIFF"
_ORIENTATION, _TURNED = 0x0112, (5, 6, 7, 8)  # of EXIF: those are shown on their side
_QUARTER = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """What a file is; None where its kind has no such thing, or nobody here can read it."""

    kind: MediaKind
    format: str | None = None
    size_bytes: int | None = None
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    fps: float | None = None
    codec: str | None = None  # of the picture, in a clip

    def __str__(self) -> str:
        form = self.format or self.kind.value
        parts = [f"{form} {self.codec}" if self.codec else form]
        if self.width and self.height:
            parts.append(f"{self.width}x{self.height}")
        if self.fps:
            parts.append(f"{self.fps:.4g} fps")
        if self.seconds is not None:
            parts.append(f"{self.seconds:.1f} s")
        parts.append(size(self.size_bytes) if self.size_bytes is not None else "size not said")
        return ", ".join(parts)


def size(size_bytes: int) -> str:
    """Say a number of bytes as people do."""
    if size_bytes < 1_000_000:  # noqa: PLR2004 - a megabyte
        return f"{size_bytes / 1000:.3g} kB"
    return f"{size_bytes / 1_000_000:.4g} MB"


def inspect(path: Path) -> Medium:
    """Read a file and say what it is. Raises: ArtifactError where it is damaged or no medium."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        found = recognised(head)
        if found is None:
            raise ArtifactError(f"{path.name}: {described(head)}")
        kind, form = found
        size_bytes = path.stat().st_size
        if kind is MediaKind.IMAGE:
            return _picture(path.name, path, form, size_bytes)
        return _sound(path, form, size_bytes) if kind is MediaKind.AUDIO else _clip(path, form)
    except OSError as error:
        raise ArtifactError(f"{path.name}: cannot be read ({error.strerror or error})") from None


def inspect_picture(name: str, content: bytes) -> Medium:
    """Say what a picture is that is on no disk. Raises: ArtifactError, also where it is none."""
    found = recognised(content[:HEAD_BYTES])
    if found is None or found[0] is not MediaKind.IMAGE:
        raise ArtifactError(f"{name}: no picture")
    return _picture(name, content, found[1], len(content))


def _picture(name: str, source: Path | bytes, form: str, size_bytes: int) -> Medium:
    if form not in _READABLE:
        return Medium(kind=MediaKind.IMAGE, format=form, size_bytes=size_bytes)
    try:
        with Image.open(_opened(source), formats=(_READABLE[form],)) as image:
            width, height = image.size
            if image.getexif().get(_ORIENTATION) in _TURNED:
                width, height = height, width
            image.load()
        with Image.open(_opened(source), formats=(_READABLE[form],)) as image:
            image.verify()  # a PNG to its end, by the sums of its parts
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ArtifactError(f"{name}: too many pixels to be looked at") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        words = "truncated" if "truncated" in str(error) else "damaged"
        raise ArtifactError(f"{name}: the picture is {words}") from None
    return Medium(
        kind=MediaKind.IMAGE, format=form, size_bytes=size_bytes, width=width, height=height
    )


def _opened(source: Path | bytes) -> Path | BytesIO:
    return BytesIO(source) if isinstance(source, bytes) else source


def _clip(path: Path, form: str) -> Medium:
    found = probe(path)
    width, height = found.width, found.height
    if _is_turned(path):
        width, height = height, width
    return Medium(
        kind=MediaKind.VIDEO,
        format=form,
        size_bytes=found.size_bytes,
        width=width,
        height=height,
        seconds=found.duration_s,
        fps=found.fps,
        codec=found.video_codec,
    )


def _is_turned(path: Path) -> bool:
    """Say whether players turn a clip by a quarter, as phones leave it to them."""
    with opened(path) as container:
        frame = next(container.decode(video=0), None)
        return frame is not None and frame.rotation % 180 == _QUARTER


def _sound(path: Path, form: str, size_bytes: int) -> Medium:
    try:
        with opened(path) as container:
            if not container.streams.audio:
                raise ArtifactError(f"{path.name}: there is no sound in this file")
            stream = container.streams.audio[0]
            step, length = stream.time_base or Fraction(0), Fraction(0)
            for number, packet in enumerate(container.demux(stream)):
                if number >= MAX_PACKETS:
                    raise ArtifactError(f"{path.name}: more than {MAX_PACKETS} packets")
                length += (packet.duration or 0) * step
    except (av.FFmpegError, UnicodeDecodeError):
        raise ArtifactError(f"{path.name}: not a sound that can be read") from None
    if not length:
        raise ArtifactError(f"{path.name}: the sound has no length")
    return Medium(
        kind=MediaKind.AUDIO,
        format=form,
        size_bytes=size_bytes,
        seconds=float(length),
    )
