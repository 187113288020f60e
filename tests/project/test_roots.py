"""How a command that is typed here names a manifest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seedrender.project.roots import named


def test_a_manifest_is_named_as_it_is_reached_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert named(tmp_path, "film.yaml") == "film.yaml"
    assert named(Path("films"), "film.yaml") == "films/film.yaml"
    assert named(tmp_path.parent, "film.yaml") == str(tmp_path.parent / "film.yaml")
    assert named(tmp_path, "-x.yaml") == "./-x.yaml"
    assert named(tmp_path, "a b;$(x).yaml") == "'a b;$(x).yaml'"


def test_where_there_is_no_folder_any_more_the_whole_path_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> str:
        raise FileNotFoundError

    monkeypatch.setattr(os, "getcwd", gone)

    assert named(tmp_path, "film.yaml") == str(tmp_path / "film.yaml")
