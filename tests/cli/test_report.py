"""The page of `report`, where something is in its place already."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest

from seedrender.errors import StorageError
from tests.cli.test_adopt import FILM, seedrender


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    manifest = tmp_path / "film.yaml"
    manifest.write_text(FILM)
    return manifest


def test_a_page_that_is_no_text_is_replaced(manifest: Path) -> None:
    page = manifest.with_name("film.report.html")
    page.write_bytes(b"\xff\xfe")

    assert seedrender("report", manifest)[0] == 0
    assert page.read_text("utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize("kind", ["endless", "pipe", "elsewhere"])
def test_what_lies_in_the_place_of_the_page_is_not_followed(manifest: Path, kind: str) -> None:
    page, other = manifest.with_name("film.report.html"), manifest.with_name("other")
    other.write_text("mine")
    if kind == "pipe":
        os.mkfifo(page)
    else:
        page.symlink_to("/dev/zero" if kind == "endless" else other)

    assert seedrender("report", manifest)[0] == 0
    assert not page.is_symlink()
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert other.read_text() == "mine"


@pytest.mark.parametrize("options", [(), ("--output", "nowhere/page.html")])
def test_a_page_that_cannot_be_written_is_told_in_words(
    manifest: Path, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(manifest.parent)
    (manifest.parent / "film.report.html").mkdir()

    with pytest.raises(StorageError, match="cannot be written"):
        seedrender("report", manifest, *options)


def test_a_clip_that_cannot_be_shown_costs_nothing_but_its_own_picture(manifest: Path) -> None:
    seedrender("run", manifest, "a", "b", "--sim-speed", "6000")
    clip = manifest.parent / "renders/a.mp4"
    clip.write_bytes(bytes(clip.stat().st_size))

    code, said = seedrender("report", manifest)

    page = manifest.with_name("film.report.html").read_text("utf-8")
    assert (code, said.startswith("a: ")) == (0, True)
    assert "its file cannot be shown" in page
    assert 'src="renders/b.mp4"' in page


@pytest.mark.parametrize("name", ["film.yaml", "film.lock", "mine.html", "renders/a.mp4"])
def test_a_report_is_written_over_no_other_file_and_in_place_of_none_of_the_project(
    manifest: Path, name: str
) -> None:
    path = manifest.parent / name
    path.parent.mkdir(exist_ok=True)
    before = manifest.read_bytes()
    if name.endswith((".mp4", ".html")):
        path.write_bytes(b"mine")

    with pytest.raises(click.UsageError, match="is no report"):
        seedrender("report", manifest, "--output", path)

    assert manifest.read_bytes() == before
    assert not path.exists() or path.read_bytes() in (b"mine", before)


def test_a_report_is_written_anew(manifest: Path) -> None:
    page = manifest.with_name("page.html")

    assert [seedrender("report", manifest, "--output", page)[0] for _ in range(2)] == [0, 0]
