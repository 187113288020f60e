from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.errors import ConfigError

FILM = """seedrender: 1
name: film
include: [cast.yaml]
vars: {product: Kite}
defaults: {tier: fast, duration: 5}
profiles:
  final: {tier: standard}
shots:
  spin:
    template: product
    matrix: {colour: [black, silver]}
    include:
      - {colour: gold, mood: bright}
  rows:
    template: product
    with: {mood: grey}
    foreach: rows.csv
chains:
  fly: {prompt: "{{ vars.product }} flies.", duration: 20}
"""
CAST = """templates:
  base: {ratio: "1:1"}
  product:
    extends: base
    params: {mood: {default: calm}}
    prompt: "A {{ colour }} {{ vars.product }}, {{ mood }}."
"""


@pytest.fixture
def film(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text("id,colour\na,red\n")
    (tmp_path / "cast.yaml").write_text(CAST)
    (tmp_path / "film.yaml").write_text(FILM)
    return tmp_path / "film.yaml"


def explain(film: Path, job: str, *args: str) -> Result:
    words = ["expand", str(film), "--explain", job, *args]
    return CliRunner().invoke(
        cli, words, obj=State(), standalone_mode=False, catch_exceptions=False
    )


def values(film: Path, job: str, *args: str) -> dict[str, tuple[str, str]]:
    found = json.loads(explain(film, job, "--json", *args).output)["values"]
    rows = [*found, *(variable for value in found for variable in value["variables"])]
    return {row["name"]: (row["by"], row["origin"]) for row in rows}


def test_every_value_of_a_job_says_where_it_comes_from(film: Path) -> None:
    found = values(film, "spin/black", "--profile", "final", "--set", "product=Boat")

    assert found == {
        "tier": ("profile final", "film.yaml:7:17"),
        "duration": ("the defaults", "film.yaml:5:34"),
        "ratio": ("template base", "cast.yaml:2:17"),
        "prompt": ("template product", "cast.yaml:6:13"),
        "colour": ("matrix", "film.yaml:11:23"),
        "vars.product": ("--set product", "--set product:1:1"),
        "mood": ("default of template product", "cast.yaml:5:30"),
    }


@pytest.mark.parametrize(
    ("job", "name", "by"),
    [
        ("spin/gold", "mood", ("include", "film.yaml:13:7")),
        ("spin/gold", "colour", ("include", "film.yaml:13:7")),
        ("rows/a", "mood", ("with", "film.yaml:16:18")),
        ("rows/a", "colour", ("row", "rows.csv:2:1")),
        ("fly/02", "prompt", ("chain fly", "film.yaml:19:17")),
        ("fly/02", "vars.product", ("vars", "film.yaml:4:17")),
        ("fly/02", "duration", ("chain fly", "film.yaml:19:56")),
    ],
)
def test_variables_say_who_gave_them(film: Path, job: str, name: str, by: tuple[str, str]) -> None:
    assert values(film, job)[name] == by


def test_people_see_what_was_overruled(film: Path) -> None:
    lines = explain(film, "spin/black", "--profile", "final").output.splitlines()

    assert lines[0] == "spin/black  (film.yaml:9:3)"
    assert lines[3].split() == ["tier", "profile", "final", "film.yaml:7:17", "standard"]
    assert lines[4].split() == ["over", "the", "defaults", "film.yaml:5:18"]


def test_a_shot_is_no_job(film: Path) -> None:
    with pytest.raises(ConfigError, match="spin is not one job"):
        explain(film, "spin")


def test_a_note_of_rights_stands_beside_the_request(tmp_path: Path) -> None:
    manifest = tmp_path / "film.yaml"
    manifest.write_text(
        "seedrender: 1\nname: film\nreferences:\n"
        "  mira: {asset: asset-1, kind: image, rights: {authorised_by: release-117.pdf}}\n"
        'shots: {hello: {prompt: "{{ ref.mira }} waves."}}\n'
    )

    result = CliRunner().invoke(
        cli, ["expand", "--json", str(manifest)], obj=State(), standalone_mode=False
    )

    assert json.loads(result.output)["jobs"][0]["rights"] == {"mira": "release-117.pdf"}
