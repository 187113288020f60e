"""media/join.py: clips to one long take, pictures bit by bit, sound in time."""

from __future__ import annotations

import hashlib
import json
from array import array
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from seedrender.errors import ArtifactError
from seedrender.media import make, seams
from seedrender.media.h264 import parameter_sets
from seedrender.media.join import join
from seedrender.media.probe import probe

WIDTH, HEIGHT = 320, 180


def clip(path: Path, duration_s: int, seed: int = 1, **more: Any) -> Path:
    size = {"width": WIDTH, "height": HEIGHT, **more}
    make.clip(path, duration_s=duration_s, seed=seed, title=path.stem, **size)
    return path


def foreign(path: Path, *, bframes: int, frames: int = 48, beep_at: float | None = None) -> Path:
    """A clip of another encoder: other parameter sets, another delay, a flash and a beep."""
    with av.open(str(path), "w") as output:
        options = {"preset": "veryfast", "x264-params": f"bframes={bframes}:keyint=30:threads=1"}
        video = output.add_stream("libx264", rate=24, options=options)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = output.add_stream("aac", rate=44_100, layout="mono")
        for index in range(frames):
            shade = 255 if beep_at is not None and index == round(beep_at * 24) else index * 3
            frame = av.VideoFrame.from_image(Image.new("RGB", (WIDTH, HEIGHT), (shade,) * 3))
            frame.pts, frame.time_base = index, Fraction(1, 24)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        samples = array("f", bytes(4 * (44_100 * frames // 24)))
        if beep_at is not None:
            start = round(beep_at * 44_100)
            samples[start : start + 2000] = array("f", [0.8, -0.8] * 1000)
        for start in range(0, len(samples), 1024):
            part = samples[start : start + 1024].tobytes()
            piece = av.AudioFrame(format="fltp", layout="mono", samples=len(part) // 4)
            piece.planes[0].update(part + bytes(piece.planes[0].buffer_size - len(part)))
            piece.sample_rate, piece.pts, piece.time_base = 44_100, start, Fraction(1, 44_100)
            output.mux(sound.encode(piece))
        output.mux(sound.encode(None))
    return path


def digests(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        frames = container.decode(video=0)
        return [hashlib.md5(bytes(frame.planes[0])).hexdigest() for frame in frames]  # noqa: S324


def times(path: Path, kind: str) -> list[Fraction]:
    with av.open(str(path)) as container:
        stream = next(s for s in container.streams if s.type == kind)
        packets = [packet for packet in container.demux(stream) if packet.size]
        found = [packet.pts * packet.time_base for packet in packets if packet.pts is not None]
        return sorted(found)


def samples_of(path: Path) -> tuple[array[float], int]:
    values: array[float] = array("f")
    rate = 0
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            rate = frame.sample_rate
            values.frombytes(bytes(frame.planes[0])[: frame.samples * 4])
    return values, rate


def beeps(path: Path) -> list[float]:
    values, rate = samples_of(path)
    loud = [index for index, value in enumerate(values) if abs(value) > 0.3]
    return [i / rate for n, i in enumerate(loud) if not n or i - loud[n - 1] > rate // 2]


def flashes(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        pairs = [(f.time, bytes(f.planes[0])[0]) for f in container.decode(video=0)]
    return [float(time) for time, shade in pairs if shade > 220 and time is not None]


def test_segments_of_15_15_and_12_seconds_become_42_whose_pictures_are_untouched(
    tmp_path: Path,
) -> None:
    lengths = (15, 15, 12)
    segments = [clip(tmp_path / f"{n}.mp4", s, seed=n) for n, s in enumerate(lengths)]

    found = join(segments, tmp_path / "take.mp4")

    assert (found.duration_s, found.frames, found.monotonic) == (42.0, 42 * 24, True)
    assert found.audio_duration_s == pytest.approx(42.0, abs=1024 / 48_000)
    whole = [digest for path in segments for digest in digests(path)]
    assert digests(tmp_path / "take.mp4") == whole


@pytest.mark.parametrize("audio", ["keep", "copy", "none"])
def test_times_are_even_across_the_joins(tmp_path: Path, audio: str) -> None:
    segments = [clip(tmp_path / f"{n}.mp4", 1, seed=n) for n in range(3)]

    join(segments, tmp_path / "take.mp4", audio=audio)

    shown = times(tmp_path / "take.mp4", "video")
    assert shown == [Fraction(n, 24) for n in range(72)]
    if audio != "none":
        heard = times(tmp_path / "take.mp4", "audio")
        assert {b - a for a, b in pairwise(heard)} == {Fraction(1024, 48_000)}


def test_sound_can_be_left_out(tmp_path: Path) -> None:
    segments = [clip(tmp_path / f"{n}.mp4", 1) for n in range(2)]

    found = join(segments, tmp_path / "take.mp4", audio="none")

    assert found.audio_codec is None


@pytest.mark.parametrize(
    ("audio", "tolerance"),
    [pytest.param("keep", 0.002, id="keep"), pytest.param("copy", 0.013, id="copy")],
)
def test_sound_stays_with_its_picture_across_many_joins(
    tmp_path: Path, audio: str, tolerance: float
) -> None:
    # 43 frames are no whole number of AAC frames, so a naive join would drift
    segment = foreign(tmp_path / "one.mp4", bframes=2, frames=43, beep_at=1.0)

    join([segment] * 6, tmp_path / "take.mp4", audio=audio)

    heard, shown = beeps(tmp_path / "take.mp4"), flashes(tmp_path / "take.mp4")
    assert len(heard) == len(shown) == 6
    own = beeps(segment)[0] - flashes(segment)[0]
    drifts = [abs(h - s - own) for h, s in zip(heard, shown, strict=True)]
    assert max(drifts) < tolerance


def test_segments_of_different_encoders_are_joined_bit_by_bit(tmp_path: Path) -> None:
    segments = [
        clip(tmp_path / "0.mp4", 1),
        foreign(tmp_path / "1.mp4", bframes=2),
        foreign(tmp_path / "2.mp4", bframes=0),
        clip(tmp_path / "3.mp4", 2, seed=2),
    ]

    found = join(segments, tmp_path / "take.mp4")

    assert (found.duration_s, found.monotonic) == (7.0, True)
    whole = [digest for path in segments for digest in digests(path)]
    assert digests(tmp_path / "take.mp4") == whole


def test_a_segment_without_sound_is_silent_between_the_others(tmp_path: Path) -> None:
    segments = [
        clip(tmp_path / "0.mp4", 2),
        clip(tmp_path / "1.mp4", 2, has_sound=False),
        clip(tmp_path / "2.mp4", 2),
    ]

    for audio in ("keep", "copy"):
        found = join(segments, tmp_path / f"{audio}.mp4", audio=audio)

        values, rate = samples_of(tmp_path / f"{audio}.mp4")
        assert found.audio_duration_s == pytest.approx(6.0, abs=1024 / 48_000)
        assert max(values[: 2 * rate]) > 0.1
        assert max(values[round(2.1 * rate) : round(3.9 * rate)]) < 0.001
        assert max(values[4 * rate : 6 * rate]) > 0.1


def test_a_take_whose_first_segment_is_silent_keeps_the_later_sound(tmp_path: Path) -> None:
    segments = [clip(tmp_path / "0.mp4", 2, has_sound=False), clip(tmp_path / "1.mp4", 2)]

    for audio in ("keep", "copy"):
        join(segments, tmp_path / f"{audio}.mp4", audio=audio)

        values, rate = samples_of(tmp_path / f"{audio}.mp4")
        assert max(values[: round(1.9 * rate)]) < 0.001
        assert max(values[round(2.5 * rate) :]) > 0.1


def test_segments_without_any_sound_make_a_take_without_sound(tmp_path: Path) -> None:
    segments = [clip(tmp_path / f"{n}.mp4", 1, has_sound=False) for n in range(2)]

    assert join(segments, tmp_path / "take.mp4").audio_codec is None


def test_sizes_that_differ_are_refused_with_both_named(tmp_path: Path) -> None:
    segments = [clip(tmp_path / "0.mp4", 1), clip(tmp_path / "1.mp4", 1, width=496, height=280)]

    with pytest.raises(ArtifactError, match=r"1\.mp4: 496x280 .* 0\.mp4 has 320x180; render all"):
        join(segments, tmp_path / "take.mp4")


def test_sound_of_another_kind_is_not_copied_but_can_be_kept(tmp_path: Path) -> None:
    segments = [clip(tmp_path / "0.mp4", 1), foreign(tmp_path / "1.mp4", bframes=0, frames=24)]

    with pytest.raises(ArtifactError, match=r"1\.mp4: its sound .* use audio: keep"):
        join(segments, tmp_path / "take.mp4", audio="copy")

    assert join(segments, tmp_path / "take.mp4").duration_s == 2.0


def test_one_segment_is_a_take_too(tmp_path: Path) -> None:
    segment = clip(tmp_path / "0.mp4", 1)

    join([segment], tmp_path / "take.mp4")

    assert digests(tmp_path / "take.mp4") == digests(segment)


def test_equal_segments_give_equal_bytes(tmp_path: Path) -> None:
    segments = [clip(tmp_path / f"{n}.mp4", 1, seed=n) for n in range(2)]

    join(segments, tmp_path / "a.mp4")
    join(segments, tmp_path / "b.mp4")

    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_nothing_and_noise_cannot_be_joined(tmp_path: Path) -> None:
    noise = tmp_path / "noise.mp4"
    noise.write_bytes(b"*" * 1000)

    with pytest.raises(ArtifactError, match="no segments"):
        join([], tmp_path / "take.mp4")
    with pytest.raises(ArtifactError, match="cannot be joined"):
        join([noise], tmp_path / "take.mp4")


def test_parameter_sets_are_read_out_of_a_configuration_record(tmp_path: Path) -> None:
    path = clip(tmp_path / "0.mp4", 1)
    with av.open(str(path)) as container:
        record = container.streams.video[0].codec_context.extradata
    assert record is not None

    sets = parameter_sets(record)

    assert sets[4] & 0x1F == 7  # a sequence parameter set comes first
    for broken in (b"", b"\x00\x00\x01\x67\x00\x00", record[:12]):
        with pytest.raises(ArtifactError, match="avcC"):
            parameter_sets(broken)


def test_a_take_can_be_joined_again(tmp_path: Path) -> None:
    segments = [clip(tmp_path / f"{n}.mp4", 1, seed=n) for n in range(2)]
    join(segments, tmp_path / "a.mp4")

    join([tmp_path / "a.mp4", segments[0]], tmp_path / "b.mp4")

    assert probe(tmp_path / "b.mp4").duration_s == 3.0


def labelled(path: Path, **metadata: str) -> Path:
    """Write a clip anew with these marks."""
    plain = clip(path.with_name(f"plain-{path.name}"), 1)
    options = {"movflags": "+faststart+use_metadata_tags"}
    with av.open(str(plain)) as source, av.open(str(path), "w", options=options) as output:
        streams = {s.index: output.add_stream_from_template(s) for s in source.streams}
        output.metadata.update(metadata)
        for packet in source.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                output.mux(packet)
    return path


def metadata_of(path: Path) -> dict[str, str]:
    with av.open(str(path)) as container:
        return dict(container.metadata)


def test_a_take_carries_the_marks_of_its_clips(tmp_path: Path) -> None:
    label = '{"Label":"1","ContentProducer":"p","ProduceID":"%s"}'
    parts = [
        labelled(tmp_path / "a.mp4", AIGC=label % "a", comment="AI generated"),
        labelled(tmp_path / "b.mp4", AIGC=label % "b", comment="AI generated"),
        clip(tmp_path / "c.mp4", 1),
    ]

    join(parts, tmp_path / "take.mp4")

    found = metadata_of(tmp_path / "take.mp4")
    assert json.loads(found["AIGC"]) == {
        "Label": "1",
        "ContentProducer": "p",
        "ProduceID": "a; b",
    }
    assert found["comment"] == "AI generated; simulated by seedrender"


def test_a_take_of_simulated_clips_says_so(tmp_path: Path) -> None:
    join([clip(tmp_path / "a.mp4", 1), clip(tmp_path / "b.mp4", 1)], tmp_path / "take.mp4")

    found = metadata_of(tmp_path / "take.mp4")
    assert (found["comment"], "AIGC" in found) == ("simulated by seedrender", False)


def test_what_was_written_is_looked_at_and_must_show_each_clip_from_its_beginning(
    tmp_path: Path,
) -> None:
    one, two = clip(tmp_path / "one.mp4", 2, seed=1), clip(tmp_path / "two.mp4", 2, seed=2)
    take = tmp_path / "take.mp4"
    join([one, two], take)
    starts = [Fraction(0), Fraction(2)]

    seams.check(take, [one, two], starts)
    for wrong, where in (([two, one], starts), ([one, two], [Fraction(0), Fraction(3, 2)])):
        with pytest.raises(ArtifactError, match=r"does not show \w+\.mp4 from its beginning"):
            seams.check(take, wrong, where)


def test_a_take_that_cannot_be_decoded_is_none(tmp_path: Path) -> None:
    one = clip(tmp_path / "one.mp4", 2)
    take = tmp_path / "take.mp4"
    join([one], take)
    data = bytearray(take.read_bytes())
    at = data.index(b"mdat") + 8
    data[at : at + 4000] = bytes(4000)
    take.write_bytes(data)

    with pytest.raises(ArtifactError, match=r"take\.mp4 was written, and "):
        seams.check(take, [one], [Fraction(0)])
