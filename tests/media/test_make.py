"""media/make.py: clips that are real, exact and equal for equal arguments."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image, ImageChops, ImageStat

from seedrender.media import make, scene
from seedrender.media.probe import probe

SMALL: Mapping[str, Any] = {"width": 320, "height": 180, "duration_s": 2, "title": "a kite"}


def pictures(path: Path) -> list[Image.Image]:
    with av.open(str(path)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def difference(one: Image.Image, other: Image.Image) -> float:
    stat = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB")))
    return sum(stat.mean) / 3


@pytest.mark.parametrize(
    ("width", "height", "duration_s"),
    [
        pytest.param(864, 496, 15, id="480p landscape"),
        pytest.param(496, 864, 5, id="480p portrait"),
        pytest.param(1112, 834, 4, id="720p 4:3"),
    ],
)
def test_a_clip_has_exactly_the_size_length_and_rate_asked_for(
    tmp_path: Path, width: int, height: int, duration_s: int
) -> None:
    path = tmp_path / "clip.mp4"

    make.clip(path, width=width, height=height, duration_s=duration_s, seed=3, title="a kite")

    found = probe(path)
    assert (found.width, found.height, found.frames) == (width, height, 24 * duration_s)
    assert (found.duration_s, found.fps) == (duration_s, 24)
    assert (found.video_codec, found.audio_codec) == ("h264", "aac")
    assert found.audio_duration_s == pytest.approx(duration_s, abs=1024 / 48_000)
    assert found.monotonic


def test_the_index_stands_before_the_footage(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"

    make.clip(path, seed=1, **SMALL)

    content = path.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_a_clip_without_sound_has_no_sound(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"

    make.clip(path, seed=1, has_sound=False, **SMALL)

    assert probe(path).audio_codec is None


def test_equal_arguments_give_equal_bytes_and_another_seed_others(tmp_path: Path) -> None:
    digests = []
    for seed in (5, 5, 6):
        path = tmp_path / "clip.mp4"
        make.clip(path, seed=seed, first_frame=Image.new("RGB", (64, 36), "teal"), **SMALL)
        digests.append(hashlib.sha256(path.read_bytes()).digest())

    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_the_caption_changes_the_picture(tmp_path: Path) -> None:
    one, other = tmp_path / "one.mp4", tmp_path / "other.mp4"

    make.clip(one, seed=1, **SMALL)
    make.clip(other, seed=1, **{**SMALL, "title": "a boat"})

    assert pictures(one)[0].tobytes() != pictures(other)[0].tobytes()


def test_a_clip_starts_with_its_first_frame_and_leaves_it_within_a_second(tmp_path: Path) -> None:
    path, plain = tmp_path / "clip.mp4", tmp_path / "plain.mp4"
    opening = Image.radial_gradient("L").resize((320, 180)).convert("RGB")

    make.clip(path, seed=4, first_frame=opening, **SMALL)
    make.clip(plain, seed=4, **SMALL)

    shown, own = pictures(path), pictures(plain)
    assert difference(shown[0], opening) < 3
    assert difference(shown[24], opening) > 20
    assert difference(shown[24], own[0]) < 3


def test_a_first_frame_of_another_shape_is_cropped_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    tall = Image.new("RGB", (100, 400), "black")
    tall.paste("white", (0, 150, 100, 250))

    make.clip(path, seed=4, first_frame=tall, **SMALL)

    first = pictures(path)[0].convert("L")
    assert first.getpixel((160, 90)) == pytest.approx(255, abs=8)


def test_references_are_shown_in_the_scene(tmp_path: Path) -> None:
    path, plain = tmp_path / "clip.mp4", tmp_path / "plain.mp4"

    make.clip(path, seed=4, references=[Image.new("RGB", (50, 50), "red")] * 2, **SMALL)
    make.clip(plain, seed=4, **SMALL)

    corner = (240, 8, 312, 44)
    assert difference(pictures(path)[0].crop(corner), pictures(plain)[0].crop(corner)) > 20


@pytest.mark.parametrize("seed", range(0, 40, 3))
def test_a_scene_moves_and_repeats_without_a_seam(seed: int) -> None:
    shown = list(scene.pictures(160, 96, seed))

    steps = [difference(shown[i], shown[(i + 1) % 24]) for i in range(24)]
    assert min(steps) > 0
    assert steps[-1] < 2.5 * sorted(steps)[12] + 0.5


@pytest.mark.parametrize("title", ["猫 walks", "", "\ud800 \x00 😀", "x" * 10_000, "word " * 2000])
def test_no_text_is_too_strange_to_be_drawn(tmp_path: Path, title: str) -> None:
    path = tmp_path / "clip.mp4"

    make.clip(path, seed=1, **{**SMALL, "title": title, "duration_s": 1})

    assert probe(path).frames == 24


def test_a_wish_to_stop_is_met_at_once(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()

    with pytest.raises(make.Cancelled):
        make.clip(tmp_path / "clip.mp4", seed=1, stop=stop, **SMALL)


def test_a_clip_beyond_full_hd_is_drawn_smaller_and_scaled(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"

    make.clip(path, seed=1, **{**SMALL, "width": 2206, "height": 1186, "duration_s": 1})

    assert (probe(path).width, probe(path).height) == (2206, 1186)
