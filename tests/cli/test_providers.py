"""`providers`, and `schema` for one of them, as they are called."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from seedrender.catalog.models import ROUTES
from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.errors import ConfigError

FILM = """\
seedrender: 1
name: film
provider: modellix
defaults: {model: seedance-2.0, tier: %s}
shots: {opener: {prompt: A kite over the sea., resolution: 1080p}}
"""


def said(*words: str) -> str:
    done = CliRunner().invoke(cli, words, obj=State(), catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_every_route_is_printed_with_what_it_renders_and_costs() -> None:
    text = said("providers")

    assert "sim: free, and accepts what modellix does" in text
    assert "modellix: renders; facts of 2026-09-01; 10 tasks in flight" in text
    assert "byteplus: renders; facts of 2026-11-01; 3 tasks in flight" in text
    assert "0.0690-0.1380 USD a second" in text
    assert "4.0-7.7 USD a million tokens" in text
    assert "720p 1080p unknown" in text
    assert "standard (ended 2026-11-11)" in text
    assert "inferred: " in text


def test_one_route_and_one_model_can_be_asked_for() -> None:
    text = said("providers", "--provider", "sim", "--model", "seedance-1.5-pro")

    assert "16 tasks in flight, 1000 requests a minute" in text
    assert "takes first_frame, last_frame" in text
    assert "seedance-2.0" not in text
    assert "byteplus" not in said("providers", "--provider", "modellix")


def test_the_json_holds_every_route_with_numbers_and_units() -> None:
    data = json.loads(said("providers", "--json"))

    rows = {row["name"]: row for row in data["providers"]}
    assert set(rows) == set(ROUTES)
    model = next(m for m in rows["modellix"]["models"] if m["name"] == "seedance-2.0")
    assert model["duration"] == {"min_s": 4, "max_s": 15, "default_s": 5, "can_choose": False}
    assert model["media"]["image"]["max_count"] == 9
    assert model["media"]["image"]["side_px"] == [300, 6000]
    assert model["media"]["video"]["seconds"] == [2, 15]
    assert model["pixels"]["480p"]["16:9"] == [864, 496]
    fast = next(e for e in model["endpoints"] if (e["tier"], e["mode"]) == ("fast", "i2v"))
    assert fast["slug"] == "bytedance/seedance-2.0-fast-i2v"
    assert fast["resolutions"] == ["480p", "720p"]
    assert fast["price_per_second"] == {"480p": "0.0690", "720p": "0.1380"}
    assert rows["modellix"]["placeholders"]["image"] == "[Image {n}]"
    assert rows["byteplus"]["account"]["batch"] == 100
    assert rows["modellix"]["sources"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["providers", "--provider", "modelix"], "did you mean 'modellix'?"),
        (["providers", "--model", "sora"], "there is no model 'sora'; one of seedance-2.0"),
        (["schema", "--provider", "ark"], "there is no provider 'ark'"),
        (["schema", "--provider", "sim", "--tier", "slow"], "there is no tier 'slow'"),
        (["schema", "--provider", "sim", "--model", "seedance-2"], "did you mean 'seedance-2.0'?"),
        (["schema", "--tier", "fast"], "give --provider too"),
        (["schema", "--provider", "sim", "--part"], "leave --provider out"),
        (["schema", "--provider", "sim", "--prices"], "leave --provider out"),
        (["schema", "--part", "--prices"], "give one of them"),
    ],
)
def test_a_name_that_does_not_exist_is_an_error(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace("?", r"\?")):
        CliRunner().invoke(cli, words, obj=State(), catch_exceptions=False)


@pytest.mark.parametrize(("tier", "code"), [("fast", 1), ("standard", 0)])
def test_an_editor_refuses_a_resolution_that_the_tier_does_not_render(
    tmp_path: Path, tier: str, code: int
) -> None:
    schema, film = tmp_path / "schema.json", tmp_path / "film.yaml"
    schema.write_text(said("schema", "--provider", "modellix", "--model", "seedance-2.0"))
    film.write_text(FILM % tier)
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(schema), str(film)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == code
    assert ("'1080p' is not one of ['480p', '720p']" in done.stdout) is bool(code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (
            "vars: {who: Mira}\nreferences: {hero: {image: refs/hero.png}}\ninclude: [more.yaml]\n",
            0,
        ),
        ("templates: {car: {prompt: 'A {{ colour }} car.', params: {colour: {enum: [red]}}}}\n", 0),
        ("name: film\n", 1),
        ("templates: {car: {promt: A car.}}\n", 1),
        ("references: {hero: {image: 7}}\n", 1),
    ],
)
def test_included_files_have_a_schema_of_their_own(tmp_path: Path, text: str, code: int) -> None:
    schema, part = tmp_path / "part.schema.json", tmp_path / "cast.yaml"
    schema.write_text(said("schema", "--part"))
    part.write_text(text)
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(schema), str(part)]

    assert subprocess.run(command, capture_output=True, check=False).returncode == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("date: 2026-11-23\nsource: a page\nprices: [{mode: v2v, rate: 0.17}]\n", 0),
        ("prices: [{rate: free}]\n", 1),
        ("prices: [{rate: 0.17, unit: minute}]\n", 1),
        ("rates: []\n", 1),
    ],
)
def test_price_tables_have_a_schema_of_their_own(tmp_path: Path, text: str, code: int) -> None:
    schema, table = tmp_path / "prices.schema.json", tmp_path / "prices.yaml"
    schema.write_text(said("schema", "--prices"))
    table.write_text(text)
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(schema), str(table)]

    assert subprocess.run(command, capture_output=True, check=False).returncode == code


def test_the_schema_of_one_tier_holds_for_the_whole_file() -> None:
    words = ["--provider", "modellix", "--model", "seedance-2.0", "--tier", "mini"]
    schema = json.loads(said("schema", *words))

    assert schema["title"].endswith("for seedance-2.0 on modellix")
    assert schema["$defs"]["settings"]["tier"]["else"] == {"enum": ["mini"]}
    assert schema["$defs"]["settings"]["resolution"]["else"] == {"enum": ["480p", "720p"]}
