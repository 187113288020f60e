"""media/probe.py: what a file really contains."""

from __future__ import annotations

import random
import wave
from pathlib import Path

import av
import pytest
from PIL import Image

from seedrender.errors import ArtifactError
from seedrender.media import make
from seedrender.media.probe import has_sound, probe
from tests.containers import contained


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("probe") / "clip.mp4"
    make.clip(path, width=320, height=180, duration_s=2, seed=1, title="a kite")
    return path


def test_a_whole_clip_is_described(clip: Path) -> None:
    found = probe(clip)

    assert (found.width, found.height, found.duration_s, found.fps) == (320, 180, 2.0, 24.0)
    assert (found.frames, found.size_bytes) == (48, clip.stat().st_size)
    assert (found.video_codec, found.audio_codec, found.audio_duration_s) == ("h264", "aac", 2.0)
    assert found.monotonic


def test_a_clip_cut_at_any_byte_is_refused(clip: Path, tmp_path: Path) -> None:
    content, cut = clip.read_bytes(), tmp_path / "cut.mp4"
    offsets = {*range(0, len(content), len(content) // 250), *range(64)}
    offsets |= {len(content) - n for n in range(1, 40)}
    for name in (b"moov", b"mdat", b"free", b"trak", b"stsz"):
        at = content.find(name)
        offsets |= {max(0, at + n) for n in range(-6, 12)} if at >= 0 else set()

    accepted = []
    for offset in sorted(offsets):
        cut.write_bytes(content[:offset])
        try:
            probe(cut)
        except ArtifactError:
            continue
        accepted.append(offset)

    assert accepted == []


@pytest.mark.parametrize(
    ("codec", "form"), [("libx264", "mp4"), ("libx265", "mp4"), ("libx264", "mkv")]
)
def test_a_clip_with_a_part_destroyed_is_refused(tmp_path: Path, codec: str, form: str) -> None:
    path = tmp_path / f"clip.{form}"
    noise = random.Random(5)  # noqa: S311
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=24)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        for _ in range(24):
            frame = av.VideoFrame.from_image(
                Image.frombytes("RGB", (320, 180), noise.randbytes(172_800))
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    content = path.read_bytes()
    middle = len(content) // 2
    for part in (bytes(60_000), noise.randbytes(60_000)):
        assert probe(path).frames == 24
        path.write_bytes(content[:middle] + part + content[middle + 60_000 :])
        with pytest.raises(ArtifactError, match=r"damaged|cut short"):
            probe(path)
        path.write_bytes(content)


def test_a_clip_without_faststart_that_was_cut_is_refused(clip: Path, tmp_path: Path) -> None:
    late, cut = tmp_path / "late.mp4", tmp_path / "cut.mp4"
    with av.open(str(clip)) as source, av.open(str(late), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    content = late.read_bytes()
    assert probe(late).frames == 48

    for part in (0.1, 0.5, 0.9, 0.999):
        cut.write_bytes(content[: int(len(content) * part)])
        with pytest.raises(ArtifactError):
            probe(cut)


def test_a_matroska_file_that_was_cut_is_refused(clip: Path, tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.mkv", tmp_path / "cut.mkv"
    with av.open(str(clip)) as source, av.open(str(whole), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    assert probe(whole).frames == 48

    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(ArtifactError, match="cut short"):
        probe(cut)


def test_a_box_that_players_skip_does_no_harm_unless_it_is_cut(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "patched.mp4"
    path.write_bytes(clip.read_bytes() + b"\x00\x00\x00\x0cfreetask")

    assert probe(path).frames == 48

    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match="cut short"):
        probe(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "empty", id="nothing"),
        pytest.param(b"*" * 5000, "not a clip", id="noise"),
        pytest.param(b"<html><body>404</body></html>", "not a clip", id="a page"),
        pytest.param(b"\x00\x00\x00\x04ftyp", "not a clip", id="a box of no size"),
    ],
)
def test_what_is_no_clip_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)

    with pytest.raises(ArtifactError, match=message):
        probe(path)


def test_a_sound_is_no_clip(tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16_000))

    with pytest.raises(ArtifactError, match="no picture"):
        probe(path)


def test_a_still_picture_is_no_clip(tmp_path: Path) -> None:
    path = tmp_path / "still.png"
    Image.new("RGB", (64, 64)).save(path)

    with pytest.raises(ArtifactError, match="still picture"):
        probe(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"gone\.mp4"):
        probe(tmp_path / "gone.mp4")


def test_reading_stops_at_the_limit(clip: Path) -> None:
    with pytest.raises(ArtifactError, match="more than 10 packets"):
        probe(clip, max_packets=10)


@pytest.mark.parametrize("form", ["mp4", "mov", "mkv", "webm", "gif", "apng", "ts"])
def test_a_container_is_known_by_its_content_whatever_its_name(form: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4.part"
    path.write_bytes(contained(form))

    found = probe(path)

    assert (found.container, found.width, found.height) == (form, 64, 64)
    assert found.duration_s == pytest.approx(2.0, abs=0.1)
    assert not found.has_sound
    assert not has_sound(path)


def test_a_clip_with_a_track_of_sound_says_so(clip: Path) -> None:
    assert probe(clip).has_sound
    assert has_sound(clip)


@pytest.mark.parametrize("form", ["gif", "apng"])
def test_an_animation_of_one_picture_is_a_still_picture(form: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(contained(form, 1))

    with pytest.raises(ArtifactError, match="still picture"):
        probe(path)


@pytest.mark.parametrize("form", ["webm", "mov", "apng"])
def test_another_container_that_was_cut_is_refused(form: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(contained(form)[: len(contained(form)) // 2])

    with pytest.raises(ArtifactError):
        probe(path)


def test_a_gif_that_was_cut_at_any_byte_is_refused(tmp_path: Path) -> None:
    path, whole = tmp_path / "clip.mp4", contained("gif", 3)

    accepted = []
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        try:
            probe(path)
        except ArtifactError:
            continue
        accepted.append(length)

    assert accepted == []


def test_of_what_is_no_clip_nobody_can_say_whether_it_sounds(tmp_path: Path) -> None:
    (tmp_path / "page.mp4").write_bytes(b"<html>")

    for name in ("page.mp4", "gone.mp4"):
        with pytest.raises(ArtifactError, match=name):
            has_sound(tmp_path / name)
