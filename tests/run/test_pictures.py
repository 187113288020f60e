"""Pictures as outputs: from the simulator to the folder, the lock, `verify` and the report."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.errors import ArtifactError
from seedrender.run.files import Files
from seedrender.values.job import MediaKind
from seedrender.values.task import Artifact
from tests.scripted import clip_bytes

FILM = """\
seedrender: 1
name: film
defaults: {tier: fast, resolution: 480p, duration: 4, ratio: "1:1"}
shots:
  portrait: {prompt: "A face.%s", model: MODEL}
"""


def film(folder: Path, mark: str = "", *, model: str = "kling-3.0-image") -> Path:
    path = folder / "film.yaml"
    path.write_text((FILM % mark).replace("MODEL", model))
    return path


def seedrender(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, words, obj=State(), standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.return_value, done.output


def run(path: Path, *words: str) -> tuple[int, str]:
    return seedrender("run", str(path), "--sim-speed", "3000", *words)


def output(path: Path) -> Any:
    rows = [json.loads(line) for line in path.with_suffix(".lock").read_text().splitlines()]
    return next(row["output"] for row in rows if row.get("job") == "portrait")


def names(path: Path) -> set[str]:
    return {
        file.relative_to(path.parent).as_posix()
        for file in path.parent.joinpath("renders").rglob("*")
        if file.is_file()
    }


def picture(form: str, colour: str = "red") -> bytes:
    content = BytesIO()
    Image.new("RGB", (40, 30), colour).save(content, form)
    return content.getvalue()


def saved(folder: Path, content: bytes, target: str = "renders/a.png") -> Artifact:
    async def blocks() -> AsyncIterator[bytes]:
        yield content

    files = Files(root=folder, output_dir="renders")
    work = files.save(blocks(), target, promised_bytes=None, made_by="c1", kind=MediaKind.IMAGE)
    return asyncio.run(work)[0]


def test_a_picture_is_rendered_verified_and_shown(tmp_path: Path) -> None:
    path = film(tmp_path)

    assert run(path)[0] == 0
    found = output(path)
    assert (found["path"], found["width"], found["height"]) == ("renders/portrait.png", 1024, 1024)
    assert "duration_s" not in found
    assert seedrender("verify", str(path))[0] == 0
    assert seedrender("report", str(path))[0] == 0
    page = path.with_suffix(".report.html").read_text()
    assert '<a href="renders/portrait.png"><img class="still"' in page
    assert "<video" not in page
    assert "portrait.png: 1024x1024" in page
    assert "1024x1024, " in seedrender("lock", "show", str(path))[1]
    assert run(path)[1].startswith("Everything is done")


def test_a_picture_that_is_another_is_found_by_verify(tmp_path: Path) -> None:
    path = film(tmp_path)
    run(path)
    (tmp_path / "renders/portrait.png").write_bytes(clip_bytes())

    assert seedrender("verify", str(path))[0] == 4


def test_a_picture_comes_back_from_the_provider_and_from_where_it_was_kept(tmp_path: Path) -> None:
    path = film(tmp_path)
    run(path)
    first = output(path)["sha256"]
    (tmp_path / "renders/portrait.png").unlink()
    assert run(path)[0] == 0
    assert output(path)["sha256"] == first

    film(tmp_path, " Older.")
    assert run(path)[0] == 0
    assert output(path)["sha256"] != first
    film(tmp_path)
    assert "comes back from renders/.superseded/portrait." in seedrender("plan", str(path))[1]
    assert run(path, "--locked")[0] == 0
    assert output(path)["sha256"] == first


def test_another_format_takes_the_place_of_the_picture_before(tmp_path: Path) -> None:
    path = film(tmp_path)
    run(path)

    film(tmp_path, model="seedream-4.5")
    assert run(path)[0] == 0

    kept = [name for name in names(path) if ".superseded" in name]
    assert output(path)["path"] == "renders/portrait.jpeg"
    assert names(path) == {"renders/portrait.jpeg", *kept}
    assert [name.rpartition(".")[2] for name in kept] == ["png"]
    film(tmp_path)
    assert run(path, "--locked")[0] == 0
    assert output(path)["path"] == "renders/portrait.png"


def test_a_second_picture_of_one_task_is_kept_beside_the_first(tmp_path: Path) -> None:
    path = film(tmp_path, " [sim:two-pictures]", model="seedream-4.5")

    done, _ = run(path)

    assert done == 0
    assert names(path) == {"renders/portrait.jpeg", "renders/portrait+2.jpeg"}
    one, two = ((tmp_path / name).read_bytes() for name in sorted(names(path)))
    assert one != two
    assert run(path)[1].startswith("Everything is done")


def test_a_second_picture_that_cannot_be_kept_stops_nothing(tmp_path: Path) -> None:
    path = film(tmp_path, " [sim:two-pictures]", model="seedream-4.5")
    (tmp_path / "renders/portrait+2.jpeg/in-the-way").mkdir(parents=True)

    done, told = run(path)

    assert done == 0
    assert "one more picture than was asked for cannot be kept as" in told
    assert (tmp_path / "renders/portrait.jpeg").is_file()


@pytest.mark.parametrize("fault", ["truncated", "garbage", "short", "no-size", "download-503"])
def test_a_download_that_goes_wrong_is_asked_for_again(tmp_path: Path, fault: str) -> None:
    path = film(tmp_path, f" [sim:{fault}]")

    assert run(path)[0] == 0
    assert output(path)["width"] == 1024


@pytest.mark.parametrize(
    ("form", "target", "path"),
    [
        ("PNG", "renders/a.png", "renders/a.png"),
        ("JPEG", "renders/a.png", "renders/a.jpeg"),
        ("JPEG", "renders/a.jpg", "renders/a.jpg"),
        ("WEBP", "renders/a.png", "renders/a.webp"),
        ("GIF", "renders/a.png", "renders/a.gif"),
    ],
)
def test_a_picture_is_named_after_what_its_bytes_are(
    tmp_path: Path, form: str, target: str, path: str
) -> None:
    found = saved(tmp_path, picture(form), target)

    assert (found.path, found.width, found.height) == (path, 40, 30)
    assert found.is_picture
    assert (tmp_path / path).read_bytes() == picture(form)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(clip_bytes(), id="a clip"),
        pytest.param(picture("PNG")[:-20], id="cut"),
        pytest.param(b"<html>", id="a page"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_no_picture_does_not_touch_what_is_in_place(tmp_path: Path, content: bytes) -> None:
    saved(tmp_path, picture("PNG"))

    with pytest.raises(ArtifactError):
        saved(tmp_path, content)

    assert (tmp_path / "renders/a.png").read_bytes() == picture("PNG")


def test_a_picture_of_one_s_own_can_be_adopted(tmp_path: Path) -> None:
    path = film(tmp_path)
    (tmp_path / "mine.jpg").write_bytes(picture("JPEG"))

    file = str(tmp_path / "mine.jpg")
    done, words = seedrender("adopt", str(path), "portrait", "--file", file)

    assert done == 0
    assert "renders/portrait.jpeg (40x30) is its picture from now on" in words
    assert run(path)[1].startswith("Everything is done")
