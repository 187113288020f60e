"""`explain`, after a film was rendered on the simulator."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.errors import ConfigError
from tests.cli.test_main import seedrender

FILM = """\
seedrender: 1
name: film
defaults: {tier: fast, resolution: 480p}
references: {hero: {image: hero.png}}
shots:
  opener:
    prompt: A kite over the sea, {{ ref.hero }}.
    duration: 4
chains:
  fly: {prompt: One flight., segments: [{duration: 4}, {duration: 4, seed: 2}]}
"""


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rendered")
    (folder / "film.yaml").write_text(FILM)
    shutil.copy(Path(__file__).parents[2] / "examples/brand-campaign/refs/lamp.jpg", folder)
    (folder / "lamp.jpg").rename(folder / "hero.png")
    done = seedrender(folder, "run", "film.yaml", "--sim-speed", "600")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def folder(rendered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = shutil.copytree(rendered, tmp_path / "film")
    monkeypatch.chdir(copy)
    return copy


def said(*words: str) -> str:
    done = CliRunner().invoke(cli, ["explain", *words], obj=State(), catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "film.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.usefixtures("folder")
def test_a_job_that_is_as_in_the_lock_has_no_change() -> None:
    assert said("film.yaml", "opener") == "opener  current: as in the lock\n"


def test_each_part_is_told_with_its_old_and_new_value_and_its_line(folder: Path) -> None:
    edit(folder, "sea, {{ ref.hero }}.", "lake, {{ ref.hero }}.")
    edit(folder, "    duration: 4\n", "    duration: 6\n    seed: 7\n")
    edit(folder, "resolution: 480p", "ratio: '1:1'")

    lines = said("film.yaml", "opener").splitlines()

    assert lines[0].startswith("opener  stale: its definition changed: ")
    assert sorted("\n".join(lines[2:]).split("\n\n")) == [
        "duration_s  (film.yaml:8:15)\n  was  4\n  is   6",
        (
            "prompt  (film.yaml:7:13)\n  was  A kite over the sea, {{ ref 1 }}.\n"
            "  is   A kite over the lake, {{ ref 1 }}."
        ),
        "ratio  (film.yaml:3:31)\n  was  not set\n  is   1:1",
        "resolution  (film.yaml:6:3)\n  was  480p\n  is   not set",
        "seed  (film.yaml:9:11)\n  was  not set\n  is   7",
    ]


def test_a_reference_with_other_bytes_is_told(folder: Path) -> None:
    (folder / "hero.png").write_bytes((folder / "hero.png").read_bytes() + b"more")

    (change,) = json.loads(said("film.yaml", "opener", "--json"))["changes"]

    assert change["part"] == "references"
    assert change["old"] != change["new"]
    assert change["old"][0].startswith("sha256:")


def test_a_segment_that_waits_is_compared_without_its_parent(folder: Path) -> None:
    edit(folder, "One flight.", "Two flights.")

    found = json.loads(said("film.yaml", "fly/02", "--json"))

    assert found["plan"] == "waits"
    assert [change["part"] for change in found["changes"]] == ["prompt"]


def test_one_job_is_asked_for(folder: Path) -> None:
    edit(folder, "One flight.", "Two flights.")

    with pytest.raises(ConfigError, match="'fly' names fly/01, fly/02 …: give one job"):
        said("film.yaml", "fly")
    with pytest.raises(ConfigError, match="did you mean 'opener'"):
        said("film.yaml", "openr")


def test_a_job_that_was_never_rendered_has_nothing_to_be_compared_with(folder: Path) -> None:
    (folder / "film.lock").unlink()
    (folder / "renders/opener.mp4").unlink()

    assert said("film.yaml", "opener") == "opener  missing: never rendered\n"
