"""Turns clips and pictures into single frames, thumbnails and strips of them."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import av
from PIL import Image, UnidentifiedImageError

from seedrender.errors import ArtifactError
from seedrender.media.container import opened

_QUALITY = 82
_GAP = 4  # pixels between the pictures of a strip


def last_frame(path: Path) -> Image.Image:
    """Return the last picture of a clip.

    Raises:
        ArtifactError: there is none that can be decoded.
    """
    try:
        with opened(path) as container:
            if not container.streams.video:
                raise ArtifactError(f"{path.name}: there is no picture in this file")
            video = container.streams.video[0]
            last = None
            for start in (video.duration, None):  # from the last keyframe; failing that, from 0
                if start is not None:
                    container.seek(start, stream=video, backward=True)
                for frame in container.decode(video):
                    last = frame
                if last is not None:
                    return _image(last)
                container.seek(0)
    except (av.FFmpegError, OSError) as error:
        raise ArtifactError(f"{path.name}: no picture can be decoded ({error.strerror})") from error
    raise ArtifactError(f"{path.name}: no picture can be decoded")


def thumbnail(path: Path, width: int) -> bytes:
    """Return a still picture, or the first one of a clip, as a small JPEG.

    Raises:
        ArtifactError: it is neither.
    """
    try:
        with Image.open(path) as image:
            image.draft("RGB", (width * 2, width * 2))
            return _jpeg(_narrow(image.convert("RGB"), width))
    except UnidentifiedImageError:
        return strip(path, 1, width)
    except (OSError, Image.DecompressionBombError) as error:
        raise ArtifactError(f"{path.name}: not a picture that can be read") from error


def strip(path: Path, count: int, width: int) -> bytes:
    """Return pictures of a clip at even distances, side by side, as one JPEG.

    Raises:
        ArtifactError: nothing can be decoded.
    """
    try:
        with opened(path) as container:
            pictures = [_narrow(picture, width) for picture in _samples(container, count)]
    except (av.FFmpegError, OSError) as error:
        raise ArtifactError(f"{path.name}: no picture can be decoded ({error.strerror})") from error
    if not pictures:
        raise ArtifactError(f"{path.name}: no picture can be decoded")
    height = max(picture.height for picture in pictures)
    whole = Image.new("RGB", (len(pictures) * (width + _GAP) - _GAP, height), "white")
    for index, picture in enumerate(pictures):
        whole.paste(picture, (index * (width + _GAP), 0))
    return _jpeg(whole)


def _samples(container: av.container.InputContainer, count: int) -> Iterator[Image.Image]:
    """Yield the pictures in the middle of so many equal parts, decoding as little as possible."""
    if not container.streams.video:
        return
    video = container.streams.video[0]
    keys, end = [], 0
    for packet in container.demux(video):
        if packet.size and packet.pts is not None:
            end = max(end, packet.pts + (packet.duration or 0))
            if packet.is_keyframe:
                keys.append(packet.pts)
    container.seek(0)
    frames, position = container.decode(video), -1
    for index in range(count):
        wanted = end * (2 * index + 1) // (2 * count)
        key = max((key for key in keys if key <= wanted), default=0)
        if key > position:
            container.seek(key, stream=video, backward=True)
            frames = container.decode(video)
        picture = None
        for frame in frames:
            picture, position = frame, frame.pts or 0
            if position + (frame.duration or 1) > wanted:
                break
        if picture is not None:
            yield _image(picture)


def _image(frame: av.VideoFrame) -> Image.Image:
    image: Image.Image = frame.to_image()
    return image


def _narrow(picture: Image.Image, width: int) -> Image.Image:
    height = max(1, round(picture.height * width / picture.width))
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _jpeg(picture: Image.Image) -> bytes:
    data = BytesIO()
    picture.save(data, "JPEG", quality=_QUALITY, optimize=True)
    return data.getvalue()
