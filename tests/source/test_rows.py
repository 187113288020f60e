from __future__ import annotations

from pathlib import Path

import pytest

from seedrender.errors import ManifestError
from seedrender.run import project
from tests.source.film import jobs, prompts, refused

JSONL = '{"id": "x", "n": 1, "on": true}\n\n{"id": "y", "n": 2, "on": false}\n'
YAML = "- {id: x, n: 1, on: true}\n- {id: y, n: 2, on: false}\n"
CSV = "id,n,on\nx,1,true\ny,2,false\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *[("r.jsonl", JSONL), ("r.yaml", YAML), ("r.yml", YAML), ("r.csv", CSV)],
        ("r.csv", f"\ufeff{CSV},,\n,,\n"),  # as a spreadsheet writes it
    ],
)
def test_every_kind_of_file_gives_the_same_jobs(name: str, text: str) -> None:
    shot = f"shots: {{s: {{prompt: 'N {{{{ n }}}}', audio: '{{{{ on }}}}', foreach: {name}}}}}\n"

    found = jobs(shot, {name: text})

    assert [(j.id, j.prompt, j.audio) for j in found.values()] == [
        ("s/x", "N 1", True),
        ("s/y", "N 2", False),
    ]


def test_json_rows_keep_their_types() -> None:
    rows = '[{"id": "x", "n": 1, "words": ["a", "b"]}]'
    shot = "shots: {s: {prompt: '{{ words | join(\"+\") }} {{ n + 1 }}', foreach: r.json}}\n"

    assert prompts(shot, {"r.json": rows}) == {"s/x": "a+b 2"}


def test_rows_may_stand_in_place_or_come_from_a_var() -> None:
    inline = "shots: {s: {prompt: '{{ n }}', foreach: [{id: x, n: 1}, {id: 7, n: 2}]}}\n"
    var = "vars: {rows: [{id: x, n: 1}]}\nshots: {s: {prompt: '{{ n }}', foreach: '{{ vars.rows }}'}}\n"

    assert prompts(inline) == {"s/x": "1", "s/7": "2"}
    assert prompts(var) == {"s/x": "1"}


def test_a_file_may_be_named_by_a_var() -> None:
    shot = "vars: {day: mon}\nshots: {s: {prompt: '{{ n }}', foreach: '{{ vars.day }}.jsonl'}}\n"

    assert prompts(shot, {"mon.jsonl": JSONL}) == {"s/x": "1", "s/y": "2"}


def test_rows_and_a_matrix_multiply() -> None:
    shot = (
        "shots: {s: {prompt: '{{ n }} {{ c }}', foreach: [{id: x, n: 1}], matrix: {c: [a, b]}}}\n"
    )

    assert prompts(shot) == {"s/x-a": "1 a", "s/x-b": "1 b"}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        pytest.param("r.jsonl", '{"id": 1}\n{"id": ', "r.jsonl:2:8: this is not JSON", id="torn"),
        pytest.param(
            "r.jsonl", '{"id": 1, "id": 2}\n', "r.jsonl:1:1: this is not JSON: a key", id="repeated"
        ),
        pytest.param("r.jsonl", "[1]\n", "r.jsonl:1:1: a row is a mapping", id="no object"),
        pytest.param("r.jsonl", "[" * 9999, "r.jsonl:1:1: this is not JSON", id="deep"),
        pytest.param("r.jsonl", '{"n": 1}\n', "r.jsonl:1:1: this row has no id", id="no id"),
        pytest.param(
            "r.yaml", "- {id: a}\n- {id: a}\n", "r.yaml:2:3: the id 'a' is in r.yaml:1:3", id="two"
        ),
        pytest.param("r.yaml", "id: a\n", "r.yaml:1:1: a file of rows is a list", id="a mapping"),
        pytest.param("r.yaml", "- [", "r.yaml:2:1: this is not YAML", id="no YAML"),
        pytest.param("r.csv", "id,ref\na,b\n", "column 'ref' is no name", id="a taken name"),
        pytest.param("r.csv", "a,b\na,b\n", "r.csv:1:1: no column 'id'", id="no id column"),
        pytest.param("r.csv", "", "r.csv:1:1: this is empty; its first line", id="no bytes"),
        pytest.param("r.csv", "\n\n", "r.csv:1:1: this is empty; its first line", id="no lines"),
        pytest.param("r.csv", "id,a\n", "shot s makes no jobs: r.csv has no rows", id="no rows"),
        pytest.param("r.csv", "id, a \nx,y\n", "r.csv:1:1: column ' a ' is no", id="a blank"),
        pytest.param("r.csv", "id, a \nx,y\n", "take out the blanks around it", id="blanks"),
        pytest.param("r.csv", "id,a b\nx,y\n", "rename it: letters", id="a blank inside"),
        pytest.param("r.csv", "ID,a\nx,y\n", "r.csv:1:1: no column 'id', but 'ID'", id="ID"),
        pytest.param("r.csv", "a, id\ny,x\n", "no column 'id', but ' id'; write", id="_id"),
        pytest.param("r.csv", "id,a\nx,b,c,d\n", "r.csv:2:1: this row has 4 of 2", id="long"),
        pytest.param("r.csv", "id\né\n", "the id 'é' has nothing that a job's", id="letters"),
        pytest.param("r.csv", "id;a\nx;b\n", "columns are separated by ';'", id="semicolons"),
        pytest.param("r.csv", "a\tid\nx\tb\n", "columns are separated by '\\t'", id="tabs"),
        pytest.param("r.csv", "id,a,a\na,b,c\n", "two columns have one name", id="equal columns"),
        pytest.param("r.csv", "id,a\nx\n", "r.csv:2:1: this row has 1 of 2 fields", id="short"),
        pytest.param("r.csv", 'id,a\nx,"b', "this is not CSV", id="an open quote"),
        pytest.param("r.txt", "", "'r.txt' is no table that can be read", id="another kind"),
    ],
)
def test_wrong_rows_are_refused_where_they_stand(name: str, text: str, words: str) -> None:
    shot = f"shots: {{s: {{prompt: A., foreach: {name}}}}}\n"

    assert words in refused(shot, {name: text})


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("'{{ vars.x }}'", "foreach: 'x' is not defined"),
        ("'{{ 1 + 1 }}'", "foreach: 2 is no table that can be read; give a list"),
        ("/etc/rows.csv", "/etc/rows.csv is an absolute path"),
        ("[{n: 1}]", "lacks the key 'id'"),
        ("[{id: [1]}]", "this row has no id"),
    ],
)
def test_wrong_foreach_is_refused(written: str, words: str) -> None:
    assert words in refused(f"shots: {{s: {{prompt: A., foreach: {written}}}}}\n")


def test_what_is_no_text_is_not_said_to_be_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(b"id\xe9\n")
    (tmp_path / "film.yaml").write_text(
        "seedrender: 1\nname: f\nshots: {s: {prompt: A., foreach: r.csv}}\n"
    )

    with pytest.raises(ManifestError) as caught:
        project.load(tmp_path / "film.yaml")

    assert "r.csv: byte 2 is not UTF-8; save it as UTF-8" in str(caught.value)
    assert "relative" not in str(caught.value)


def test_a_column_that_is_no_name_is_said_once() -> None:
    text = '{"id": 1, "a b": 1}\n{"id": 2, "a b": 1}\n'

    found = refused("shots: {s: {prompt: A., foreach: r.jsonl}}\n", {"r.jsonl": text})

    assert found.count("column 'a b' is no name for a variable") == 1
