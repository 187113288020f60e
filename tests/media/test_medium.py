from __future__ import annotations

import struct
import wave
import zlib
from pathlib import Path

import pytest
from PIL import Image

from seedrender.errors import ArtifactError
from seedrender.media.medium import inspect
from seedrender.values.job import MediaKind
from seedrender.values.magic import recognised
from tests.scripted import clip_bytes

FORMATS = ("png", "jpeg", "webp", "gif", "bmp", "tiff")


def picture(path: Path, form: str = "png", size: tuple[int, int] = (640, 480)) -> Path:
    Image.effect_noise(size, 50).save(path, form)
    return path


def sound(path: Path, seconds: float = 3.0) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(int(seconds * 8000) * 2))
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_a_picture_is_told_by_its_bytes_and_not_by_its_name(tmp_path: Path, form: str) -> None:
    found = inspect(picture(tmp_path / "clip.mp4", form))

    assert (found.kind, found.format) == (MediaKind.IMAGE, form)
    assert (found.width, found.height) == (640, 480)


def test_a_clip_has_pixels_seconds_frames_and_a_codec(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip_bytes())

    found = inspect(path)

    assert str(found).startswith("mp4 h264, 64x64, 24 fps, 4.0 s, ")
    assert found.size_bytes == path.stat().st_size


def test_a_sound_has_seconds(tmp_path: Path) -> None:
    assert str(inspect(sound(tmp_path / "a.wav"))) == "wav, 3.0 s, 48 kB"


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_a_truncated_picture_is_found(tmp_path: Path, form: str) -> None:
    path = picture(tmp_path / "a", form)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])

    with pytest.raises(ArtifactError, match="the picture is"):
        inspect(path)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_a_picture_that_unfolds_to_gigabytes_is_not_unfolded(tmp_path: Path) -> None:
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    body = chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + body)

    with pytest.raises(ArtifactError, match="too many pixels"):
        inspect(tmp_path / "bomb.png")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "the file is empty", id="empty"),
        pytest.param(b"<html>not here</html>", "a page of HTML, not a medium", id="page"),
        pytest.param(
            b"version https://git-lfs.github.com/spec/v1\n", "run `git lfs pull`", id="lfs"
        ),
        pytest.param(b'<svg xmlns=""></svg>', "a drawing \\(SVG\\)", id="svg"),
        pytest.param(b"%PDF-1.7", "a PDF", id="pdf"),
        pytest.param(b"hello", "neither a picture nor a clip", id="text"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(50), "the picture is damaged", id="png"),
        pytest.param(b"ID3" + bytes(50), "not a sound", id="mp3"),
        pytest.param(b"\x00\x00\x00\x18ftypmp42" + bytes(50), "cut short", id="mp4"),
        pytest.param(b"RIFF\x24\x00\x00\x00WAVEfmt ", "not a sound|no sound|no length", id="wav"),
    ],
)
def test_what_is_damaged_or_no_medium_is_said(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.bin").write_bytes(content)

    with pytest.raises(ArtifactError, match=words):
        inspect(tmp_path / "a.bin")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="cannot be read"):
        inspect(tmp_path / "a.png")


def test_a_picture_that_nobody_here_can_read_is_known_by_kind_only(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(50))

    assert str(inspect(tmp_path / "a.heic")) == "heic, 0.062 kB"


def test_nothing_is_recognised_in_too_few_bytes() -> None:
    assert recognised(b"\x89PN") is None


@pytest.mark.parametrize(("orientation", "shape"), [(1, (40, 20)), (3, (40, 20)), (6, (20, 40))])
def test_a_picture_is_as_large_as_it_is_shown(
    tmp_path: Path, orientation: int, shape: tuple[int, int]
) -> None:
    path = tmp_path / "a.jpg"
    image = Image.new("RGB", (40, 20))
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(path, exif=exif)

    found = inspect(path)

    assert (found.width, found.height) == shape


def test_a_clip_is_as_large_as_it_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(clip_bytes(size=(96, 64)))
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # the matrix of the track: ISO/IEC 14496-12, 8.3.2
    a, b, c, d = 0, 0x10000, 0xFFFF0000, 0
    for offset, value in ((0, a), (4, b), (12, c), (16, d)):
        data[at + offset : at + offset + 4] = value.to_bytes(4, "big")
    path.write_bytes(bytes(data))

    found = inspect(path)

    assert (found.width, found.height) == (64, 96)
