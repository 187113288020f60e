from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.errors import ManifestError
from seedrender.run import project

RIGHT = "seedrender: 1\nname: film\nshots: {opener: {prompt: A kite., duration: 4}}\n"
WRONG = """seedrender: 1
name: film
shots:
  spin:
    prompt: "A {{ colour }} kite, 100% {{ colur }}."
    foreach: rows.csv
  opener: {prompt: A kite., duratoin: 4}
"""


@pytest.fixture
def film(tmp_path: Path) -> Path:
    (tmp_path / "rows.csv").write_text("id,colour\na,red\nb,blue\n")
    path = tmp_path / "film.yaml"
    path.write_text(WRONG)
    return path


def check(film: Path, *args: str) -> Result:
    return CliRunner().invoke(cli, ["check", str(film), *args], obj=State(), standalone_mode=False)


def test_annotations_for_github_stand_at_the_value(film: Path) -> None:
    done = check(film, "--format", "github")

    assert done.return_value == 2
    assert done.output.splitlines() == [
        (
            f"::error file={film},line=5,endLine=5,col=13,endColumn=53,title=seedrender template::prompt: "
            "'colur' is not defined (from film.yaml:4:3, rows.csv:2:1, rows.csv:3:1); "
            "did you mean 'colour'?"
        ),
        (
            f"::error file={film},line=7,endLine=7,col=29,endColumn=37,title=seedrender schema::unknown "
            "key 'duratoin' in shot opener; did you mean 'duration'?"
        ),
    ]


def test_an_annotation_keeps_to_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a,b:c%.yaml"
    path.write_text(RIGHT.replace("A kite.", "'{{ 1/0 }}\n\n  100%'"))

    line = check(path, "--format", "github").output

    assert line.count("\n") == 1
    assert "a%2Cb%3Ac%25.yaml" in line


def test_sarif_names_rules_places_and_rows(film: Path) -> None:
    done = check(film, "--format", "sarif")
    (run,) = json.loads(done.output)["runs"]

    assert done.return_value == 2
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["schema", "template"]
    template = run["results"][0]
    assert (template["ruleId"], template["level"]) == ("template", "error")
    assert template["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 5,
        "startColumn": 13,
        "endLine": 5,
        "endColumn": 53,
    }
    assert [
        place["physicalLocation"]["artifactLocation"]["uri"].rsplit("/")[-1]
        for place in template["relatedLocations"]
    ] == ["film.yaml", "rows.csv", "rows.csv"]


@pytest.mark.parametrize("form", ["sarif", "github"])
def test_a_manifest_that_is_right_has_no_results(film: Path, form: str) -> None:
    film.write_text(RIGHT)

    done = check(film, "--format", form)

    assert done.return_value == 0
    assert form != "sarif" or json.loads(done.output)["runs"][0]["results"] == []
    assert "::error" not in done.output


def test_json_has_path_and_range_for_editors(film: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        project.load(film)

    assert [(v.as_json()["path"], v.end) for v in caught.value.violations] == [
        ("/shots/spin/prompt", (5, 53)),
        ("/shots/opener/duratoin", (7, 37)),
    ]
