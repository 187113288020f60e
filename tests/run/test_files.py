from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from seedrender.errors import ArtifactError
from seedrender.project.files import sha256
from seedrender.run.files import Files
from seedrender.values.task import Artifact
from tests.crash.disk import Disk
from tests.scripted import clip_bytes


async def blocks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 1000):
        yield data[start : start + 1000]


def save(folder: Path, data: bytes, promised: int | None = None) -> tuple[Artifact, str | None]:
    files = Files(root=folder, output_dir="renders")
    work = files.save(blocks(data), "renders/a.mp4", promised_bytes=promised, made_by="c1")
    return asyncio.run(work)


def test_a_clip_is_verified_and_moved_into_place(tmp_path: Path) -> None:
    artifact, kept = save(tmp_path, clip_bytes(), len(clip_bytes()))

    path = tmp_path / "renders/a.mp4"
    assert kept is None
    assert (artifact.sha256, artifact.size_bytes) == (sha256(path), len(clip_bytes()))
    assert (artifact.duration_s, artifact.width, artifact.height) == (4.0, 64, 64)
    assert [p.name for p in path.parent.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize(
    ("data", "promised"),
    [
        pytest.param(clip_bytes()[:-10], None, id="cut"),
        pytest.param(clip_bytes(), len(clip_bytes()) + 1, id="shorter than promised"),
        pytest.param(b"<html>not found</html>", None, id="a page"),
        pytest.param(b"", None, id="nothing"),
    ],
)
def test_what_is_short_or_no_clip_does_not_touch_what_is_in_place(
    tmp_path: Path, data: bytes, promised: int | None
) -> None:
    save(tmp_path, clip_bytes(1))

    with pytest.raises(ArtifactError):
        save(tmp_path, data, promised)

    assert (tmp_path / "renders/a.mp4").read_bytes() == clip_bytes(1)
    assert not (tmp_path / "renders/.superseded").exists()


def test_the_same_clip_again_sets_nothing_aside(tmp_path: Path) -> None:
    save(tmp_path, clip_bytes())

    _, kept = save(tmp_path, clip_bytes())

    assert kept is None


def test_another_clip_is_set_aside(tmp_path: Path) -> None:
    save(tmp_path, clip_bytes(1))

    _, kept = save(tmp_path, clip_bytes())

    assert kept is not None
    assert (tmp_path / kept).read_bytes() == clip_bytes(1)


def test_a_link_that_leads_outside_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "film"
    folder.mkdir()
    (folder / "renders").symlink_to(tmp_path)

    with pytest.raises(ArtifactError, match="leads outside"):
        save(folder, clip_bytes())

    assert not (tmp_path / "a.mp4").exists()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "renders").write_text("a file where a folder should be")

    with pytest.raises(ArtifactError, match="cannot be written"):
        save(tmp_path, clip_bytes())


def test_a_picture_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    files = Files(root=tmp_path, output_dir="renders")

    def full(kind: str, path: Path) -> None:
        if kind == "fsync" and path.name.endswith(".part"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Disk(tmp_path, before=full), pytest.raises(ArtifactError, match="No space left"):
        asyncio.run(files.keep_frame("renders/spin.mp4", b"a picture", "png"))

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
