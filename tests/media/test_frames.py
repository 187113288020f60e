"""media/frames.py: single pictures and strips of them."""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import pytest
from PIL import Image

from seedrender.errors import ArtifactError
from seedrender.media import frames


def counting(path: Path, *, keyint: int, count: int = 60, bframes: int = 2) -> Path:
    """A clip whose pictures get brighter step by step."""
    with av.open(str(path), "w") as output:
        options = {"x264-params": f"keyint={keyint}:scenecut=0:bframes={bframes}:threads=1"}
        video = output.add_stream("libx264", rate=24, options=options)
        video.width, video.height, video.pix_fmt = 160, 96, "yuv420p"
        for index in range(count):
            frame = av.VideoFrame.from_image(Image.new("L", (160, 96), 4 * index).convert("RGB"))
            frame.pts, frame.time_base = index, Fraction(1, 24)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
    return path


def brightness(image: Image.Image, x: int, y: int) -> int:
    value = image.convert("L").getpixel((x, y))
    assert isinstance(value, int)
    return value


@pytest.mark.parametrize("keyint", [12, 250])
def test_the_last_frame_is_the_very_last(tmp_path: Path, keyint: int) -> None:
    path = counting(tmp_path / "clip.mp4", keyint=keyint)

    image = frames.last_frame(path)

    assert image.size == (160, 96)
    assert brightness(image, 80, 48) == pytest.approx(4 * 59, abs=4)


@pytest.mark.parametrize("keyint", [12, 250])
def test_a_strip_shows_the_middle_of_each_part(tmp_path: Path, keyint: int) -> None:
    path = counting(tmp_path / "clip.mp4", keyint=keyint)

    strip = frames.strip(path, 6, 40)

    with Image.open(BytesIO(strip)) as image:
        assert image.format == "JPEG"
        assert image.size == (6 * 44 - 4, 24)
        shades = [brightness(image, 20 + 44 * n, 12) for n in range(6)]
    assert shades == pytest.approx([4 * (5 + 10 * n) for n in range(6)], abs=6)


def test_a_strip_of_a_short_clip_repeats_no_work_and_still_fills_up(tmp_path: Path) -> None:
    path = counting(tmp_path / "clip.mp4", keyint=12, count=2, bframes=0)

    with Image.open(BytesIO(frames.strip(path, 2, 40))) as image:
        assert image.size == (84, 24)


def test_a_thumbnail_of_a_picture_keeps_its_proportions(tmp_path: Path) -> None:
    path = tmp_path / "still.png"
    Image.new("RGBA", (400, 100), "teal").save(path)

    with Image.open(BytesIO(frames.thumbnail(path, 80))) as image:
        assert (image.format, image.size) == ("JPEG", (80, 20))


def test_a_thumbnail_of_a_clip_is_one_of_its_pictures(tmp_path: Path) -> None:
    path = counting(tmp_path / "clip.mp4", keyint=12)

    with Image.open(BytesIO(frames.thumbnail(path, 80))) as image:
        assert image.size == (80, 48)


def test_what_has_no_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "noise.mp4"
    path.write_bytes(b"*" * 1000)

    for look in (
        lambda: frames.last_frame(path),
        lambda: frames.strip(path, 3, 40),
        lambda: frames.thumbnail(path, 40),
        lambda: frames.thumbnail(tmp_path / "gone.png", 40),
    ):
        with pytest.raises(ArtifactError):
            look()
