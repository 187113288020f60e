from __future__ import annotations

import asyncio
import wave
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from PIL import Image

from seedrender.errors import Origin
from seedrender.media import make
from seedrender.run.preflight import Film, Looks, look
from seedrender.run.remote import Remote
from seedrender.values.hosting import PROVIDER_FILES, S3Store, UrlPrefix
from seedrender.values.job import Job, JobId, MediaKind, Mode, Reference, ReferenceUse, Tier
from tests.builders import job
from tests.site import LOOPBACK, PNG, Site

PLACE = Origin("film.yaml", 4, 3)


def use(name: str, kind: MediaKind = MediaKind.IMAGE, **where: Any) -> ReferenceUse:
    return ReferenceUse(reference=Reference(name=name, kind=kind, **where))


def shot(*uses: ReferenceUse, name: str = "spin", **fields: Any) -> Job:
    return job(name, references=uses, **fields)


def film(folder: Path, **fields: Any) -> Film:
    made = Film(
        root=folder, route="modellix", hosting=PROVIDER_FILES, place=lambda _: PLACE, wait_s=3600.0
    )
    return replace(made, **fields)


def looked(
    folder: Path, *jobs: Job, site: Site | None = None, whole: Sequence[Job] = (), **fields: Any
) -> Looks:
    """Look at jobs; `BASE` in an address is that of the site."""

    async def work() -> Looks:
        async with (site or Site()).served() as base, Remote(LOOPBACK, pauses_s=()) as remote:
            there = [
                replace(one, references=tuple(_at(base, u) for u in one.references)) for one in jobs
            ]
            if "hosting" in fields and isinstance(fields["hosting"], UrlPrefix):
                fields["hosting"] = UrlPrefix(url=f"{base}/film/")
            return await look(film(folder, **fields), there, remote, whole or there)

    return asyncio.run(work())


def _at(base: str, found: ReferenceUse) -> ReferenceUse:
    url = found.reference.url
    if url is None:
        return found
    return replace(found, reference=replace(found.reference, url=url.replace("BASE", base)))


def picture(path: Path, width: int = 640, height: int = 480) -> Path:
    Image.new("RGB", (width, height)).save(path)
    return path


def clip(path: Path, seconds: int = 5, width: int = 864, height: int = 496) -> Path:
    make.clip(
        path, width=width, height=height, duration_s=seconds, seed=0, title="x", has_sound=False
    )
    return path


def sound(path: Path, seconds: float) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(int(seconds * 8000) * 2))
    return path


def words(looks: Looks) -> str:
    return "\n".join(map(str, looks.violations))


def test_every_reference_is_one_row(tmp_path: Path) -> None:
    picture(tmp_path / "hero.png")
    one = shot(
        use("hero", path="hero.png"), use("street", url="BASE/street.png?X-Amz-Signature=s3cret")
    )

    looks = looked(tmp_path, one, shot(use("hero", path="hero.png"), name="opener"))

    assert [(row.reference, len(row.jobs), row.problems) for row in looks.rows] == [
        ("hero", 2, ()),
        ("street", 1, ()),
    ]
    assert looks.rows[0].found.startswith("png, 640x480")
    assert "s3cret" not in str(looks)


@pytest.mark.parametrize(
    ("width", "height", "problem"),
    [
        pytest.param(299, 299, "sides of 300 to 6000 pixels", id="small"),
        pytest.param(6001, 3000, "sides of 300 to 6000 pixels", id="large"),
        pytest.param(1000, 320, "width by height is 3.12", id="wide"),
    ],
)
def test_a_picture_beyond_the_models_limits_is_found(
    tmp_path: Path, width: int, height: int, problem: str
) -> None:
    picture(tmp_path / "hero.png", width, height)

    looks = looked(tmp_path, shot(use("hero", path="hero.png")))

    assert problem in words(looks)
    assert str(looks.violations[0]).startswith("film.yaml:4:3: spin: reference 'hero' (hero.png): ")


def made(name: str, by: Job, **fields: Any) -> Looks:
    """Look at a shot whose reference another one makes."""
    kind = by.makes
    reference = Reference(name=name, kind=kind, shot=by.id)
    user = shot(ReferenceUse(reference=reference), **fields)
    return looked(Path(), user, whole=[by, user])


@pytest.mark.parametrize(
    ("resolution", "ratio", "problem"),
    [
        pytest.param("2k", "21:9", "", id="fits"),
        pytest.param("4k", "21:9", "6198x2656: seedance-2.0 takes sides of 300", id="too large"),
    ],
)
def test_a_picture_that_will_not_fit_is_not_bought(
    resolution: str, ratio: str, problem: str
) -> None:
    still = job("portrait", model="seedream-4.5", tier=Tier.STANDARD, mode=Mode.T2I)

    looks = made("face", replace(still, resolution=resolution, ratio=ratio))

    assert problem in words(looks)
    assert bool(looks.violations) is bool(problem)
    assert looks.rows[0].found.startswith("made by portrait: jpeg, ")


def test_a_clip_that_will_be_too_long_is_not_bought() -> None:
    long = job("before", model="seedance-2.5", tier=Tier.STANDARD, duration_s=20)

    assert "20.0 s: seedance-2.0 takes 2 to 15 s" in words(made("step", long, mode=Mode.V2V))


def test_what_nobody_can_foresee_is_not_judged() -> None:
    strange = job("portrait", model="mystery", mode=Mode.T2I)

    looks = made("face", strange)

    assert (looks.violations, looks.rows[0].found) == ((), "made by portrait")


def test_a_clip_is_measured_in_pixels_seconds_and_bytes(tmp_path: Path) -> None:
    clip(tmp_path / "dance.mp4", seconds=1, width=320, height=320)

    looks = looked(tmp_path, shot(use("dance", MediaKind.VIDEO, path="dance.mp4"), mode=Mode.V2V))

    assert "407,696 to 8,295,044 pixels in all" in words(looks)
    assert "1.0 s: seedance-2.0 takes 2 to 15 s" in words(looks)


def test_the_seconds_of_all_clips_of_a_shot_are_added_up(tmp_path: Path) -> None:
    for name in ("a", "b"):
        clip(tmp_path / f"{name}.mp4", seconds=8)
    uses = [use(name, MediaKind.VIDEO, path=f"{name}.mp4") for name in ("a", "b")]

    looks = looked(tmp_path, shot(*uses, mode=Mode.V2V), shot(uses[0], name="one", mode=Mode.V2V))

    assert [v.jobs for v in looks.violations] == [("spin",)]
    assert "16.0 s of video in all; seedance-2.0 takes 15 s" in words(looks)


def test_the_clip_that_a_segment_continues_counts_among_its_videos(tmp_path: Path) -> None:
    clip(tmp_path / "a.mp4", seconds=5)
    first = job("fly/01", duration_s=12)
    second = shot(
        use("a", MediaKind.VIDEO, path="a.mp4"),
        name="fly/02",
        mode=Mode.V2V,
        needs=(JobId("fly/01"),),
    )

    looks = looked(tmp_path, second, whole=[first, second])

    assert "17.0 s of video in all" in words(looks)


def test_sounds_are_added_up_too(tmp_path: Path) -> None:
    for name in ("a", "b"):
        sound(tmp_path / f"{name}.wav", 9.0)
    uses = [use(name, MediaKind.AUDIO, path=f"{name}.wav") for name in ("a", "b")]

    assert "18.0 s of audio in all" in words(looked(tmp_path, shot(*uses)))


def test_what_is_not_what_the_reference_says_is_found(tmp_path: Path) -> None:
    picture(tmp_path / "dance.png").rename(tmp_path / "dance.mp4")
    (tmp_path / "hero.png").write_bytes(b"<html>")

    looks = looked(
        tmp_path,
        shot(use("dance", MediaKind.VIDEO, path="dance.mp4"), use("hero", path="hero.png")),
    )

    assert "it is an image, and the reference says video" in words(looks)
    assert "a page of HTML, not a medium" in words(looks)


def test_many_pictures_do_not_fit_into_one_request(tmp_path: Path) -> None:
    uses = []
    for number in range(3):
        path = picture(tmp_path / f"{number}.png")
        path.write_bytes(path.read_bytes() + bytes(17_000_000))
        uses.append(use(f"r{number}", path=path.name))

    assert "of local images travel in one request; 48 MB at most" in words(
        looked(tmp_path, shot(*uses))
    )


def test_a_file_too_large_for_the_route_needs_another_host(tmp_path: Path) -> None:
    path = clip(tmp_path / "dance.mp4")
    path.write_bytes(
        path.read_bytes() + (17_000_000).to_bytes(4, "big") + b"free" + bytes(16_999_992)
    )
    one = shot(use("dance", MediaKind.VIDEO, path="dance.mp4"), mode=Mode.V2V)

    by_provider = looked(tmp_path, one)
    by_bucket = looked(tmp_path, one, hosting=S3Store(bucket="film"))
    elsewhere = looked(tmp_path, one, route="byteplus")

    assert "the route keeps 16.78 MB at most; set `hosting`" in words(by_provider)
    assert "byteplus keeps no files: set `hosting`" in words(elsewhere)
    assert by_bucket.violations == ()


def test_what_an_address_serves_is_compared_with_the_file(tmp_path: Path) -> None:
    content = clip(tmp_path / "dance.mp4").read_bytes()
    served = {"/film/dance.mp4": content}

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path not in served:
            return web.Response(status=404)
        return web.Response(body=served[request.path], content_type="video/mp4")

    site = Site()
    site.answer = answer
    one = shot(use("dance", MediaKind.VIDEO, path="dance.mp4"), mode=Mode.V2V)
    prefix = UrlPrefix(url="https://media.example.org/film/")

    good = looked(tmp_path, one, site=site, hosting=prefix)
    served["/film/dance.mp4"] = content[:-7]
    older = looked(tmp_path, one, site=site, hosting=prefix)
    served.clear()
    gone = looked(tmp_path, one, site=site, hosting=prefix)

    assert good.violations == ()
    assert f"hosting.prefix: {len(content) - 7} bytes there, {len(content)} here" in words(older)
    assert "hosting.prefix: there is nothing (HTTP 404)" in words(gone)


def test_an_asset_needs_a_route_that_takes_it(tmp_path: Path) -> None:
    one = shot(use("mira", asset="asset-1", authorised_by="release-117.pdf"))

    refused = looked(tmp_path, one)
    taken = looked(tmp_path, one, route="byteplus")

    assert "the route modellix takes no assets: use byteplus or volcengine" in words(refused)
    assert taken.rows[0].found == "asset, use allowed by release-117.pdf"
    assert taken.violations == ()


def test_a_link_of_the_author_that_will_not_hold_is_found(tmp_path: Path) -> None:
    def signed(ago: timedelta) -> str:
        at = datetime.now(UTC) - ago
        return (
            f"BASE/a.png?X-Amz-Date={at:%Y%m%dT%H%M%SZ}&X-Amz-Expires=7200&X-Amz-Signature=s3cret"
        )

    hours = [timedelta(hours=3), timedelta(hours=1.5), timedelta(0)]
    uses = [use(f"r{n}", url=signed(ago)) for n, ago in enumerate(hours)]

    looks = looked(tmp_path, shot(*uses))

    assert "reference 'r0' " in words(looks)
    assert "its link lapsed on" in words(looks)
    assert "jobs take up to 60" in words(looks)
    assert looks.rows[2].problems == ()
    assert "s3cret" not in words(looks)


def test_one_url_is_asked_for_once_for_a_thousand_jobs(tmp_path: Path) -> None:
    site = Site()
    jobs = [shot(use("street", url="BASE/a.png"), name=f"s{n}") for n in range(1000)]

    looks = looked(tmp_path, *jobs, site=site)

    assert site.asked == {"HEAD": 1}
    assert len(looks.rows[0].jobs) == 1000
    assert looks.rows[0].found == f"png, {len(PNG) / 1000:.3g} kB"


def test_thousands_of_references_are_looked_at(tmp_path: Path) -> None:
    site = Site()
    uses = [use(f"r{n}", url=f"BASE/{n}.png") for n in range(2000)]

    looks = looked(tmp_path, *(shot(one, name=f"s{n}") for n, one in enumerate(uses)), site=site)

    assert site.asked["HEAD"] == 2000
    assert looks.violations == ()
