"""Asked and got, for every model of every route."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.catalog.models import ADAPTIVE, ROUTES, Family, catalog
from seedrender.plan.asked import LENGTH_SLACK_S, Got, Mismatch, mismatches
from seedrender.values.job import Job, JobId, MediaKind, Mode, Reference, ReferenceUse, Tier
from tests.builders import job

HERO = ReferenceUse(reference=Reference(name="hero", kind=MediaKind.IMAGE, path="hero.png"))
SIZES = {"480p": (864, 496), "720p": (1280, 720), "1080p": (1920, 1080), "4k": (3840, 2160)}


def got(width: int = 864, height: int = 496, **fields: Any) -> Got:
    defaults = {"container": "mp4", "duration_s": 5.0, "has_sound": True}
    return Got(width=width, height=height, **{**defaults, **fields})


def said(asked: Job, found: Got, route: str = "sim", **more: float) -> list[str]:
    return [f"{m.what}: {m}" for m in mismatches(asked, found, route, **more)]


def families() -> Iterator[tuple[str, Family]]:
    for route in ROUTES:
        for family in catalog(route).families.values():
            yield route, family


def rows() -> Iterator[tuple[str, Family, str, str]]:
    for route, family in families():
        for resolution, sizes in family.pixels.items():
            for ratio in sizes:
                yield route, family, resolution, ratio


def of(family: Family, **fields: Any) -> Job:
    mode = Mode.T2V if family.makes is MediaKind.VIDEO else Mode.T2I
    return job(model=family.name, tier=Tier.STANDARD, mode=mode, **fields)


@given(st.sampled_from(list(rows())), st.data())
def test_what_is_as_the_table_says_never_differs(
    row: tuple[str, Family, str, str], data: st.DataObject
) -> None:
    route, family, resolution, ratio = row
    width, height = family.pixels[resolution][ratio]
    is_clip = family.makes is MediaKind.VIDEO
    length = data.draw(st.integers(family.min_duration_s, family.max_duration_s))
    audio = data.draw(st.booleans())
    asked = of(family, resolution=resolution, ratio=ratio, duration_s=length, audio=audio)

    found = Got(
        width=width,
        height=height,
        container=family.format,
        duration_s=float(length) if is_clip else None,
        has_sound=audio if is_clip else None,
    )

    assert mismatches(asked, found, route) == ()


@pytest.mark.parametrize(("route", "family"), list(families()), ids=lambda v: getattr(v, "name", v))
def test_each_class_of_a_table_is_told_from_the_others(route: str, family: Family) -> None:
    for asked in family.pixels:
        for other, sizes in family.pixels.items():
            for width, height in sizes.values():
                found = [
                    m.what
                    for m in mismatches(of(family, resolution=asked), got(width, height), route)
                ]
                assert ("resolution" in found) is (asked != other), (asked, other, width, height)


@given(st.sampled_from(list(rows())))
def test_each_ratio_of_a_table_is_told_from_the_others(row: tuple[str, Family, str, str]) -> None:
    route, family, resolution, asked = row

    for ratio, (width, height) in family.pixels[resolution].items():
        found = mismatches(of(family, ratio=asked), got(width, height), route)
        assert ("ratio" in [m.what for m in found]) is (ratio != asked)


@pytest.mark.parametrize(
    ("resolution", "size", "differs"),
    [
        pytest.param("480p", (864, 496), False, id="as listed"),
        pytest.param("480p", (832, 480), False, id="as others render it"),
        pytest.param("480p", (854, 480), False, id="as the next model renders it"),
        pytest.param("480p", (640, 640), False, id="square"),
        pytest.param("720p", (1248, 704), False, id="in blocks of 16"),
        pytest.param("720p", (720, 720), False, id="a smaller square, by its side"),
        pytest.param("1080p", (1080, 1080), False, id="a square, by its side"),
        pytest.param("480p", (1280, 720), True, id="the next class"),
        pytest.param("480p", (640, 360), True, id="less than any"),
        pytest.param("1080p", (1280, 720), True, id="the class below"),
        pytest.param("4k", (7680, 4320), True, id="more than any"),
        pytest.param("1080p", (3840, 2160), True, id="two classes above"),
    ],
)
def test_only_another_class_differs(
    resolution: str,
    size: tuple[int, int],
    differs: bool,  # noqa: FBT001 - a row
) -> None:
    found = said(job(resolution=resolution), got(*size))

    assert found == ([f"resolution: asked for {resolution}, got {size[0]}x{size[1]}"] * differs)


@pytest.mark.parametrize(
    ("ratio", "size", "differs"),
    [
        pytest.param("16:9", (864, 496), False, id="as listed"),
        pytest.param("16:9", (1366, 768), False, id="nearly"),
        pytest.param("16:9", (1280, 800), False, id="nearest to it"),
        pytest.param("21:9", (992, 432), False, id="wide"),
        pytest.param("16:9", (496, 864), True, id="upright"),
        pytest.param("16:9", (640, 640), True, id="square"),
        pytest.param("1:1", (720, 640), False, id="not quite square"),
        pytest.param(ADAPTIVE, (496, 864), False, id="left to the model"),
        pytest.param(None, (496, 864), False, id="nothing was said"),
        pytest.param("0:9", (496, 864), False, id="no ratio"),
    ],
)
def test_only_another_ratio_differs(
    ratio: str | None,
    size: tuple[int, int],
    differs: bool,  # noqa: FBT001 - a row
) -> None:
    found = said(job(ratio=ratio), got(*size))

    assert found == [f"ratio: asked for {ratio}, got {size[0]}x{size[1]}"] * differs


@pytest.mark.parametrize("given", [{"needs": (JobId("a"),)}, {"references": (HERO,)}])
def test_a_model_that_follows_its_media_may_choose_the_ratio(given: dict[str, Any]) -> None:
    asked = job(model="seedance-2.5", ratio="16:9", **given)

    assert said(asked, got(496, 864), "byteplus") == []
    assert said(job(model="seedance-2.5", ratio="16:9"), got(496, 864), "byteplus") != []


@pytest.mark.parametrize(
    ("asked", "found", "differs"),
    [
        (5, 5.0, []),
        (5, 5.5, []),
        (5, 4.5, []),
        (5, 2.0417, ["length: asked for 5 s, got 2.04 s"]),
        (5, 5.6, ["length: asked for 5 s, got 5.6 s"]),
        (-1, 11.0, []),
        (None, 11.0, []),
        (5, None, []),
    ],
)
def test_only_half_a_second_differs(
    asked: int | None, found: float | None, differs: list[str]
) -> None:
    assert said(job(duration_s=asked), got(duration_s=found)) == differs


@given(st.floats(0, 60))
def test_what_a_model_gives_back_of_its_input_may_come_on_top(seconds: float) -> None:
    is_right = 10 - LENGTH_SLACK_S <= seconds <= 14 + LENGTH_SLACK_S

    assert (said(job(duration_s=10), got(duration_s=seconds), echo_s=4) == []) is is_right


@pytest.mark.parametrize(
    ("audio", "has_sound", "differs"),
    [
        (True, True, []),
        (False, False, []),
        (None, True, []),
        (None, False, []),
        (True, None, []),
        (True, False, ["sound: asked for sound, got none"]),
        (False, True, ["sound: asked for no sound, got some"]),
    ],
)
def test_sound_that_is_missing_and_sound_that_was_not_wanted_differ(
    audio: bool | None,  # noqa: FBT001 - a row
    has_sound: bool | None,  # noqa: FBT001 - a row
    differs: list[str],
) -> None:
    assert said(job(audio=audio), got(has_sound=has_sound)) == differs


def test_a_model_without_a_setting_for_sound_does_as_it_does() -> None:
    silent = job(model="seedance-1.0-pro", tier=Tier.STANDARD, audio=True)

    assert said(silent, got(has_sound=False)) == []


@pytest.mark.parametrize("container", ["gif", "webm", "mov", "mkv"])
def test_another_container_is_named(container: str) -> None:
    wanted = [f"container: asked for mp4, got {container}"]

    assert said(job(), got(container=container)) == wanted
    assert said(job(), got(container=container), "a plugin") == wanted


@pytest.mark.parametrize("container", ["png", "jpeg", "webp"])
def test_a_picture_may_have_any_format(container: str) -> None:
    asked = job(model="seedream-4.5", tier=Tier.STANDARD, mode=Mode.T2I, resolution="2k")
    found = Got(width=2048, height=2048, container=container)

    assert mismatches(asked, found, "sim") == ()
    assert mismatches(asked, Got(width=512, height=512, container=container), "sim") == (
        Mismatch(what="resolution", asked="2k", got="512x512"),
    )


@pytest.mark.parametrize("name", SIZES)
def test_of_a_plugins_model_the_name_of_a_class_says_what_is_meant(name: str) -> None:
    asked = job(model="tiny-1", resolution=name, ratio="16:9", audio=True)

    found = {size: said(asked, got(*size), "tiny") for size in SIZES.values()}

    assert [size for size, words in found.items() if not words] == [SIZES[name]]
    assert said(job(model="tiny-1", resolution="fine"), got(64, 36), "tiny") == []


@given(
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.floats(0, 1e12),
    st.text(max_size=8),
    st.text(max_size=8),
    st.sampled_from(["seedance-2.0", "another"]),
)
def test_whatever_came_and_was_asked_it_is_compared(
    width: int, height: int, seconds: float, resolution: str, ratio: str, model: str
) -> None:
    asked = job(model=model, resolution=resolution, ratio=ratio, duration_s=5, audio=True)

    found = mismatches(asked, got(width, height, duration_s=seconds), "sim")

    assert all(str(m).startswith("asked for ") for m in found)
