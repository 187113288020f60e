"""The last picture of a clip, where a provider gives it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from seedrender.errors import NotFoundError, ProtocolError, UnavailableError
from seedrender.plan.outcome import Exit
from seedrender.run import verify
from seedrender.run.files import Files
from seedrender.values import task
from seedrender.values.entry import TaskRecord
from seedrender.values.job import JobId, MediaKind
from tests.builders import job
from tests.run.test_executor import Film
from tests.run.test_pictures import picture

PNG = picture("PNG")


def film(folder: Path, *content: bytes | Exception) -> Film:
    found = Film(folder, [job("fly/01")])
    found.provider.frames["fly/01"] = list(content)
    return found


def made(found: Film) -> TaskRecord:
    (record,) = found.lock().entries[JobId("fly/01")].tasks
    return record


def test_it_is_kept_under_a_name_of_its_own_and_stands_in_the_lock(tmp_path: Path) -> None:
    found = film(tmp_path, PNG)

    codes = [found.run(), found.run()]

    frame = made(found).last_frame
    assert codes == [Exit.DONE, Exit.DONE]
    assert frame is not None
    assert frame.path.startswith("renders/.last-frames/fly/01.")
    assert frame.path.endswith(".png")
    assert (tmp_path / frame.path).read_bytes() == PNG
    assert [f.wrong for f in verify.verify(found.lock(), tmp_path)] == ["", ""]
    assert "secret" not in found.lock_path.read_text()


def test_a_network_that_fails_for_a_while_does_not_lose_it(tmp_path: Path) -> None:
    found = film(tmp_path, UnavailableError("no"), UnavailableError("no"), PNG)

    assert found.run() is Exit.DONE
    assert made(found).last_frame is not None


@pytest.mark.parametrize(
    "content",
    [
        pytest.param([UnavailableError("no")] * 4, id="network"),
        pytest.param([NotFoundError("lapsed")], id="lapsed"),
        pytest.param([ProtocolError("a private address")], id="address"),
        pytest.param([b"<html>please log in</html>"], id="page"),
        pytest.param([b""], id="empty"),
        pytest.param([PNG[:-6]], id="cut short"),
        pytest.param([PNG[:8] + bytes(90)], id="damaged"),
    ],
)
def test_that_it_is_lost_stops_nothing_and_is_said(
    tmp_path: Path, content: list[bytes | Exception]
) -> None:
    found = film(tmp_path, *content)

    assert found.run() is Exit.DONE
    assert made(found).last_frame is None
    assert ("fly/01", "lost") in found.listener.notes


def test_one_without_end_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cast(dict[MediaKind, int], task.MAX_BYTES), MediaKind.IMAGE, 50)
    found = film(tmp_path, PNG)

    assert found.run() is Exit.DONE
    assert made(found).last_frame is None


def test_a_clip_that_is_fetched_again_fetches_it_only_if_it_is_gone(tmp_path: Path) -> None:
    found = film(tmp_path, PNG, PNG)
    found.run()
    frame = made(found).last_frame
    assert frame is not None
    found.provider.finish_everything()
    (tmp_path / "renders/fly/01.mp4").unlink()
    found.run()
    left = len(found.provider.frames["fly/01"])
    (tmp_path / "renders/fly/01.mp4").unlink()
    (tmp_path / frame.path).unlink()

    assert found.run() is Exit.DONE
    assert (left, len(found.provider.frames["fly/01"])) == (1, 0)
    assert (tmp_path / frame.path).read_bytes() == PNG


def test_a_picture_never_takes_the_place_of_another(tmp_path: Path) -> None:
    files = Files(root=tmp_path, output_dir="renders")

    one = asyncio.run(files.keep_frame("renders/a.mp4", PNG, "png"))
    other = asyncio.run(files.keep_frame("renders/a.mp4", PNG + b"x", "png"))
    outside = asyncio.run(files.keep_frame("b.mp4", PNG, "png"))

    assert len({one.path, other.path, outside.path}) == 3
    assert outside.path.startswith("renders/.last-frames/b.")


def test_what_became_of_it_on_disk_is_seen(tmp_path: Path) -> None:
    found = film(tmp_path, PNG)
    found.run()
    frame = made(found).last_frame
    assert frame is not None
    (tmp_path / frame.path).write_bytes(PNG[:-1] + b"x")

    assert [f.wrong for f in verify.verify(found.lock(), tmp_path)] == [
        "",
        "its bytes are others (sha256)",
    ]
