from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.errors import ConfigError, ManifestError
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
            f"::error file={film},line=5,endLine=5,col=40,endColumn=51,title=seedrender template::prompt: "
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
        "startColumn": 40,
        "endLine": 5,
        "endColumn": 51,
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
        ("/shots/spin/prompt", (5, 51)),
        ("/shots/opener/duratoin", (7, 37)),
    ]


LINTED = """seedrender: 1
name: film
templates:
  face: {prompt: "Close-up, wide shot, {{ who }} smiles."}
shots:
  cast: {template: face, matrix: {who: [Ada, Bea, Cleo, Dora, Eve]}}
"""


@pytest.fixture
def linted(tmp_path: Path) -> Path:
    (tmp_path / "film.yaml").write_text(LINTED)
    return tmp_path / "film.yaml"


def test_what_is_probably_a_mistake_is_a_warning_and_said_once(linted: Path) -> None:
    done = check(linted)

    assert done.return_value == 0
    (warning,) = [line for line in done.output.splitlines() if "SR101" in line]
    assert warning.startswith(
        "film.yaml:4:18: warning SR101: cast/Ada, cast/Bea, cast/Cleo and 2 more: "
    )
    assert "5 jobs" in done.output
    assert done.output.rstrip().endswith("; 1 warning")


@pytest.mark.parametrize(("rule", "code"), [("SR101", 2), ("all", 2), ("SR105", 0)])
def test_a_rule_can_be_denied(linted: Path, rule: str, code: int) -> None:
    assert check(linted, "--deny", rule).return_value == code


def test_a_rule_that_is_not_there_cannot_be_denied(linted: Path) -> None:
    assert isinstance(check(linted, "--deny", "SR999").exception, ConfigError)


def test_a_comment_allows_a_finding(linted: Path) -> None:
    linted.write_text(LINTED.replace('smiles."}', 'smiles."}  # seedrender: allow SR101'))

    assert "SR101" not in check(linted, "--deny", "all").output


def test_a_comment_that_allows_nothing_is_found(linted: Path) -> None:
    linted.write_text(RIGHT + "# seedrender: allow SR101\n")

    assert "film.yaml:4:1: warning SR100: nothing here needs" in check(linted).output


def test_annotations_of_warnings_are_warnings(linted: Path) -> None:
    assert check(linted, "--format", "github").output.startswith("::warning file=")
    (run,) = json.loads(check(linted, "--format", "sarif").output)["runs"]
    assert run["results"][0]["level"] == "warning"


@pytest.mark.parametrize("command", ["check", "plan", "run", "expand"])
def test_options_in_a_prompt_stop_every_command(tmp_path: Path, command: str) -> None:
    film = tmp_path / "film.yaml"
    film.write_text(RIGHT.replace("A kite.", "A kite. --dur 12"))

    done = CliRunner().invoke(cli, [command, str(film)], obj=State(), standalone_mode=False)

    assert done.return_value == 2 or isinstance(done.exception, ManifestError)
    assert "SR117" in f"{done.output}{done.exception}"
    assert [path.name for path in tmp_path.iterdir()] == ["film.yaml"]


def test_several_manifests_are_checked_and_the_worst_counts(film: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(RIGHT)

    words = CliRunner().invoke(
        cli, ["check", str(other), str(film)], obj=State(), standalone_mode=False
    )
    document = CliRunner().invoke(
        cli, ["check", "--json", str(other), str(film)], obj=State(), standalone_mode=False
    )

    assert words.return_value == 2
    assert "other.yaml: right. 1 job" in words.output
    assert f"{film}:7:29: unknown key 'duratoin'" in words.output
    found = json.loads(document.output)
    assert [row["exit_code"] for row in found["manifests"]] == [0, 2]


def test_manifests_that_write_the_same_files_are_told_before_anything_is_rendered(
    tmp_path: Path,
) -> None:
    text = "seedrender: 1\nname: film\nshots: {a: {prompt: A.}, b: {prompt: B.}}\n"
    (tmp_path / "one.yaml").write_text(text)
    (tmp_path / "two.yaml").write_text(text)
    (tmp_path / "own.yaml").write_text(f"{text}output: {{dir: own}}\n")

    found = [
        check(tmp_path / names[0], *(str(tmp_path / name) for name in names[1:]))
        for names in (["one.yaml"], ["own.yaml", "one.yaml"], ["one.yaml", "own.yaml", "two.yaml"])
    ]

    assert [result.return_value for result in found] == [0, 0, 2]
    words = "a, b: renders/a.mp4, renders/b.mp4 are outputs of one.yaml too; give each manifest"
    assert words in found[2].output


def test_clips_of_no_said_length_are_counted_apart(tmp_path: Path) -> None:
    (tmp_path / "film.yaml").write_text(
        "seedrender: 1\nname: film\nshots:\n  a: {prompt: A kite.}\n  b: {prompt: A., duration: 4}\n"
        "  c: {prompt: A storm.}\n"
    )

    said = check(tmp_path / "film.yaml").output

    assert "4 seconds of footage asked for, and 2 clips as long as the model makes" in said


def test_limits_are_checked_beside_mistakes_of_shape(tmp_path: Path) -> None:
    film = tmp_path / "film.yaml"
    film.write_text(
        "seedrender: 1\nname: film\nrun: {deadline: soon}\nshots:\n"
        "  a: {prompt: A kite., tier: fast, resolution: 1080p, duratoin: 5}\n"
        "  b: {prompt: A kite., tier: fast, resolution: 1080p}\n"
        "  c: {prompt: A kite., model: seedance-2}\n"
    )

    with pytest.raises(ManifestError) as caught:
        project.load(film)

    found = [(v.origin.line, v.code) for v in caught.value.violations]
    assert found == [(3, "schema"), (5, "schema"), (6, "limits"), (7, "limits")]


def test_limits_of_jobs_are_left_out_where_their_defaults_lost_a_part(tmp_path: Path) -> None:
    film = tmp_path / "film.yaml"
    film.write_text(
        "seedrender: 1\nname: film\ndefaults: {teir: standard}\n"
        "shots: {a: {prompt: A kite., resolution: 8k}}\n"
    )

    with pytest.raises(ManifestError) as caught:
        project.load(film)

    assert [v.code for v in caught.value.violations] == ["schema"]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(
            'references: {r: {image: "NAME.png"}}\nshots: {a: {prompt: x, references: [r]}}',
            id="ref",
        ),
        pytest.param('include: ["NAME.yaml"]\nshots: {a: {prompt: x}}', id="include"),
        pytest.param("shots: {a: {prompt: '{{ q }}', foreach: \"NAME.csv\"}}", id="rows"),
    ],
)
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a" * 300, id="a part"),
        pytest.param("/".join(["a" * 200] * 30), id="in all"),
        pytest.param("a\\0", id="NUL"),
    ],
)
def test_a_name_that_no_file_can_have_is_said_to_be_wrong(
    tmp_path: Path, lines: str, name: str
) -> None:
    path = tmp_path / "film.yaml"
    path.write_text(f"seedrender: 1\nname: film\n{lines}\n".replace("NAME", name))

    done = check(path)

    assert done.return_value == 2, done.output
    assert "film.yaml:" in done.output
    assert "schema" not in done.output


def test_what_would_turn_or_hide_text_is_escaped_in_every_document(tmp_path: Path) -> None:
    path = tmp_path / "film.yaml"
    path.write_text(RIGHT.replace("A kite.", '"x \\u202e y \\x9b31m \\u200b z"'))
    asked = "x \u202e y \x9b31m \u200b z"
    shown = [
        CliRunner().invoke(cli, ["expand", str(path), *form], obj=State(), standalone_mode=False)
        for form in ([], ["--json"], ["--explain", "opener"])
    ]

    assert not any(sign in done.output for done in shown for sign in "\u202e\x9b\u200b")
    assert yaml.safe_load(shown[0].output)["jobs"][0]["body"]["prompt"] == asked
    assert json.loads(shown[1].output)["jobs"][0]["body"]["prompt"] == asked


def test_a_local_file_is_looked_at_without_a_network(tmp_path: Path) -> None:
    path = tmp_path / "film.yaml"
    path.write_text(
        "seedrender: 1\nname: film\nprovider: sim\nreferences: {hero: {image: hero.png}}\n"
        "shots: {a: {prompt: '{{ ref.hero }} walks.', references: [hero]}}\n"
    )
    (tmp_path / "hero.png").write_text("version https://git-lfs.github.com/spec/v1\noid x\n")

    done = check(path)

    assert done.return_value == 2
    assert "film.yaml:4:14: a: reference 'hero' (hero.png): a pointer of git-lfs" in done.output


def test_a_name_of_a_file_turns_no_text_in_annotations(film: Path) -> None:
    odd = film.with_name("film\u202e.yaml")
    odd.write_text("seedrender: 1\nname: film\nshots: {a: {promt: x}}\n")

    done = check(odd, "--format", "github")

    assert "\u202e" not in done.output
    assert "film\\u202e.yaml" in done.output
