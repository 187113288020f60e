"""sim/footage.py and sim/files.py: the clips behind the tasks, and how they are served."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from io import BytesIO
from pathlib import Path

import aiohttp
import av
import pytest
from PIL import Image, ImageChops, ImageStat

from seedrender.media.frames import last_frame
from seedrender.media.probe import probe
from tests.sim.wire import I2V, V2V, Client, against, client


def difference(one: Image.Image, other: Image.Image) -> float:
    stat = ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB")))
    return sum(stat.mean) / 3


def first_frame(path: Path) -> Image.Image:
    with av.open(str(path)) as container:
        image: Image.Image = next(container.decode(video=0)).to_image()
        return image


def picture(image: Image.Image) -> str:
    target = BytesIO()
    image.save(target, "PNG")
    return "data:image/png;base64," + base64.b64encode(target.getvalue()).decode()


async def saved(sim: Client, url: str, path: Path) -> Path:
    content = (await sim.get(url)).content
    await asyncio.to_thread(path.write_bytes, content)
    return path


@pytest.mark.parametrize(
    ("body", "size", "frames", "codec"),
    [
        pytest.param({"ratio": "9:16"}, (496, 864), 96, "aac", id="portrait"),
        pytest.param({"ratio": "21:9", "duration": 7}, (992, 432), 168, "aac", id="wide"),
        pytest.param({"generate_audio": False}, (864, 496), 96, None, id="silent"),
        pytest.param({"resolution": "720p", "ratio": "4:3"}, (1112, 834), 96, "aac", id="720p"),
    ],
)
def test_a_clip_is_what_the_body_asked_for(
    tmp_path: Path, body: dict[str, object], size: tuple[int, int], frames: int, codec: str | None
) -> None:
    async def test(sim: Client) -> Path:
        video = (await sim.result(**body)).video
        assert (video["width"], video["height"]) == size
        return await saved(sim, video["url"], tmp_path / "clip.mp4")

    found = probe(against(test, footage="loop"))

    assert (found.width, found.height) == size
    assert (found.frames, found.audio_codec) == (frames, codec)


@pytest.mark.parametrize(
    ("slug", "frame", "size", "codec"),
    [
        ("seedance-1.5-pro-i2v", (300, 540), (496, 864), "aac"),
        ("seedance-1.0-pro-i2v", (640, 600), (640, 640), None),
        ("seedance-1.5-pro-t2v", None, (864, 496), "aac"),
    ],
)
def test_an_adaptive_clip_has_the_shape_of_its_first_frame_and_an_old_model_is_silent(
    tmp_path: Path,
    slug: str,
    frame: tuple[int, int] | None,
    size: tuple[int, int],
    codec: str | None,
) -> None:
    body: dict[str, object] = {"ratio": "adaptive"}
    if frame is not None:
        body["first_frame_image"] = picture(Image.new("RGB", frame, "teal"))

    async def test(sim: Client) -> Path:
        video = (await sim.result(f"bytedance/{slug}", **body)).video
        assert (video["width"], video["height"]) == size
        return await saved(sim, video["url"], tmp_path / "clip.mp4")

    found = probe(against(test, footage="loop"))

    assert (found.width, found.height, found.audio_codec) == (*size, codec)


def test_a_continuation_starts_with_the_last_picture_of_its_input(tmp_path: Path) -> None:
    async def test(sim: Client) -> tuple[Path, Path]:
        url = (await sim.result()).video["url"]
        first = await saved(sim, url, tmp_path / "1.mp4")
        more = (await sim.result(V2V, video_urls=[url], prompt="on")).video["url"]
        return first, await saved(sim, more, tmp_path / "2.mp4")

    first, second = against(test, footage="loop")

    assert difference(last_frame(first), first_frame(second)) < 3
    assert difference(last_frame(first), last_frame(second)) > 3


def test_a_continuation_of_an_uploaded_clip_starts_with_its_last_picture(tmp_path: Path) -> None:
    async def test(sim: Client) -> tuple[Path, Path]:
        first = await saved(sim, (await sim.result()).video["url"], tmp_path / "1.mp4")
        form = aiohttp.FormData()
        form.add_field("file", first.read_bytes(), filename="1.mp4")
        upload = (await sim.ask("POST", "/api/v1/media/files", data=form)).data
        more = (await sim.result(V2V, video_urls=[upload["url"]])).video["url"]
        return first, await saved(sim, more, tmp_path / "2.mp4")

    first, second = against(test, footage="loop")

    assert difference(last_frame(first), first_frame(second)) < 3


def test_a_clip_starts_with_the_first_frame_of_its_body(tmp_path: Path) -> None:
    opening = Image.linear_gradient("L").resize((864, 496)).convert("RGB")

    async def test(sim: Client) -> Path:
        done = await sim.result(I2V, first_frame_image=picture(opening))
        return await saved(sim, done.video["url"], tmp_path / "1.mp4")

    assert difference(first_frame(against(test, footage="loop")), opening) < 3


def test_references_change_the_picture_and_strangers_are_not_fetched() -> None:
    async def test(sim: Client) -> list[bytes]:
        noise = base64.b64encode(b"no picture at all").decode()
        bodies: list[dict[str, object]] = [
            {},
            {"reference_images": [picture(Image.new("RGB", (90, 60), "red"))]},
            {"reference_images": ["http://192.0.2.1/a.png", noise]},
            {"first_frame_image": "https://cdn.invalid/a.png"},
        ]
        clips = []
        for body in bodies:
            done = await sim.result(I2V, seed=5, **body)
            clips.append((await sim.get(done.video["url"])).content)
        stranger = await sim.result(V2V, video_urls=["http://192.0.2.1/a.mp4"])
        assert stranger.data["status"] == "success"
        return clips

    clips = against(test, footage="loop")

    assert len(set(clips)) == 4


def test_a_seed_of_the_body_draws_the_scene(tmp_path: Path) -> None:
    async def test(sim: Client) -> list[Path]:
        paths = []
        for number, seed in enumerate((7, 7, 8)):
            url = (await sim.result(seed=seed)).video["url"]
            paths.append(await saved(sim, url, tmp_path / f"{number}.mp4"))
        return paths

    one, same, other = (first_frame(path) for path in against(test, footage="loop"))

    assert difference(one, same) < 1  # only the task's id differs
    assert difference(one, other) > 3


def test_clips_of_a_load_test_are_cheap_playable_and_all_different(tmp_path: Path) -> None:
    async def test(sim: Client) -> list[bytes]:
        tasks = [await sim.task() for _ in range(20)]
        sim.wall.pass_(600)
        urls = [(await sim.poll(task)).video["url"] for task in tasks]
        return [(await sim.get(url)).content for url in urls]

    clips = against(test, footage="patched")

    assert len({hashlib.sha256(clip).digest() for clip in clips}) == 20
    (tmp_path / "clip.mp4").write_bytes(clips[-1])
    assert probe(tmp_path / "clip.mp4").frames == 96


def test_many_readers_of_one_task_wait_for_one_clip() -> None:
    async def test(sim: Client) -> None:
        task_id = await sim.task()
        sim.wall.pass_(600)

        answers = await asyncio.gather(*(sim.poll(task_id) for _ in range(12)))

        assert {answer.data["status"] for answer in answers} == {"success"}
        assert len({answer.video["size"] for answer in answers}) == 1

    against(test, footage="loop")


def test_a_clip_that_was_lost_is_made_again_with_the_same_bytes(tmp_path: Path) -> None:
    async def test() -> tuple[bytes, bytes]:
        async with client(folder=tmp_path, footage="loop") as sim:
            url = (await sim.result()).video["url"]
            first = (await sim.get(url)).content
            for path in (tmp_path / "clips").iterdir():
                path.unlink()
            return first, (await sim.get(url)).content

    first, second = asyncio.run(test())

    assert first == second


def test_a_clip_is_served_without_a_key_in_parts_and_by_head() -> None:
    async def test(sim: Client) -> None:
        video = (await sim.result()).video
        async with aiohttp.ClientSession() as stranger:
            own = Client(sim.base, stranger, sim.wall)
            whole = await own.get(video["url"])
            part = await own.get(video["url"], headers={"Range": "bytes=100-199"})
            head = await own.ask("HEAD", video["url"])

        assert whole.headers["Content-Type"] == "video/mp4"
        assert int(whole.headers["Content-Length"]) == video["size"] == len(whole.content)
        assert (part.status, part.content) == (206, whole.content[100:200])
        assert (head.status, head.headers["Content-Length"]) == (200, str(video["size"]))

    against(test)


def test_a_clip_is_not_served_without_its_signature() -> None:
    async def test(sim: Client) -> None:
        url = (await sim.result()).video["url"]
        bare, _, signature = url.partition("?sig=")

        assert len(signature) == 32
        for wrong in (bare, f"{bare}?sig=", f"{bare}?sig={'0' * 32}", f"{bare}?sig=%ff%fe"):
            assert (await sim.get(wrong)).status == 403

    against(test)


def test_a_clip_is_not_served_before_its_task_is_done() -> None:
    async def test(sim: Client) -> None:
        url = (await sim.result()).video["url"]
        async with client() as other:  # equal seeds: the same first task, just created
            await other.task()
            assert (await other.get(url.replace(sim.base, other.base))).status == 404

    against(test)
