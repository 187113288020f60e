"""The page of `report`, where something is in its place already."""

from __future__ import annotations

from pathlib import Path

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


@pytest.mark.parametrize("options", [(), ("--output", "nowhere/page.html")])
def test_a_page_that_cannot_be_written_is_told_in_words(
    manifest: Path, options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(manifest.parent)
    (manifest.parent / "film.report.html").mkdir()

    with pytest.raises(StorageError, match="cannot be written"):
        seedrender("report", manifest, *options)
