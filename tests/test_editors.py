"""What editors, pre-commit and other validators are given agrees with what `check` says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.errors import ManifestError
from seedrender.run import project
from seedrender.source import yaml_text
from tests.test_examples import EXAMPLES, INVALID, VALID

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "schemas/manifest.v1.schema.json"
BOUNDS = {"81-alias-bomb.yaml"}  # of a right shape, once it is followed a million times


def check_jsonschema(*words: Path | str, schema: Path = SCHEMA) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(schema)]
    return subprocess.run([*command, *map(str, words)], capture_output=True, text=True, check=False)


def test_check_jsonschema_accepts_every_example_that_is_right() -> None:
    done = check_jsonschema(*VALID)

    assert (done.returncode, done.stdout) == (0, "ok -- validation done\n"), done.stdout


def test_check_jsonschema_refuses_what_check_calls_a_wrong_shape() -> None:
    plain = [path for path in INVALID if path.suffix == ".yaml"]

    found = json.loads(check_jsonschema(*plain, "--output-format", "json").stdout)

    rows = [*found["errors"], *found["parse_errors"]]
    refused = {Path(row["filename"]).name for row in rows}
    assert refused | BOUNDS == {path.name for path in plain if is_misshapen(path)}
    assert len(refused) > 10


def is_misshapen(path: Path) -> bool:
    """Say whether the manifest itself, not a file that it includes, has an error of shape."""
    with pytest.raises(ManifestError) as caught:
        project.load(path)
    return any(
        v.code in ("schema", "yaml") and v.origin.file == path.name for v in caught.value.violations
    )


def test_the_schema_is_a_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--check-metaschema", str(SCHEMA)]

    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_examples_name_the_schema_for_editors() -> None:
    for path in VALID:
        first = path.read_text("utf-8").split("\n", 1)[0]
        named = first.removeprefix("# yaml-language-server: $schema=")
        assert (path.parent / named).resolve() == SCHEMA, path


def test_the_hook_for_pre_commit_runs_check(tmp_path: Path) -> None:
    (hook,) = yaml_text.parse((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"), "hooks").root
    film = tmp_path / "launch.yaml"
    film.write_text("seedrender: 1\nname: f\nshots: {a: {prompt: A kite.}}\n")

    words = hook["entry"].split()[1:]
    done = CliRunner().invoke(cli, [*words, str(film)], obj=State(), standalone_mode=False)

    assert re.search(hook["files"], "films/launch.yaml")
    assert re.search(hook["files"], "one.seedrender.yml")
    assert not re.search(hook["files"], "docker-compose.yaml")
    assert done.return_value == 0
    assert EXAMPLES.is_dir()
