from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from seedrender.cli.main import COMMANDS, cli
from seedrender.plan.outcome import Exit
from seedrender.source.rules import RULES
from tests import reference
from tests.run.git import IDENTITY, Repository, git

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert isinstance(found, click.Command)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_stands_in_the_readme(name: str) -> None:
    found = command(name)
    commands = [found, *(found.commands.values() if isinstance(found, click.Group) else ())]
    params = [param for one in commands for param in one.params]
    options = [o for p in params if isinstance(p, click.Option) for o in p.opts]

    assert f"| `{name}" in README or f"`{name}`" in README
    assert [option for option in options if f"`{option}" not in README] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_starts_with_what_it_does(name: str) -> None:
    found = command(name)
    commands = [found, *(found.commands.values() if isinstance(found, click.Group) else ())]

    for one in commands:
        assert one.help
        assert one.help.split("\n")[0].endswith((".", "once."))


@pytest.mark.parametrize("code", Exit)
def test_every_exit_code_stands_in_the_readme(code: Exit) -> None:
    assert re.search(rf"\| {int(code)} \||{int(code)} after (Ctrl-C|SIG)", README)


def test_every_file_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"`(examples/[\w./-]+|tests/[\w./-]+|seedrender/[\w./-]+)`", README))
    made_by_a_run = {n for n in named if "renders" in n or n.endswith((".lock", ".html"))}

    assert [n for n in named - made_by_a_run if not (ROOT / n).exists()] == []


def test_every_key_of_the_schema_is_described() -> None:
    schema = json.loads((ROOT / "schemas/manifest.v1.schema.json").read_text("utf-8"))
    bare: list[str] = []

    def walk(node: object, path: str) -> None:
        if isinstance(node, dict):
            for key, value in node.get("properties", {}).items():
                if isinstance(value, dict) and not {"description", "$ref"} & value.keys():
                    bare.append(f"{path}/{key}")
            for key, value in node.items():
                walk(value, f"{path}/{key}")

    walk(schema, "")

    assert bare == []


def test_what_the_readme_shows_of_an_error_is_what_is_printed() -> None:
    text = (ROOT / "examples/invalid/28-resolution-of-fast-tier.txt").read_text("utf-8")

    assert text in README


def test_the_reference_is_made_from_the_schema_and_the_rules() -> None:
    assert reference.PAGE.read_text("utf-8") == reference.page(), "run `make reference`"


def test_every_key_of_the_schema_has_a_row_in_the_reference() -> None:
    text = reference.page()
    keys = {key for name in schema_keys() for key in [name] if f"| `{key}` |" not in text}

    assert keys == set()


def test_every_code_of_a_violation_is_explained() -> None:
    code = re.compile(r'code(?:: str)? ?= ?"([a-z]+)"')
    used = {
        c for path in (ROOT / "seedrender").rglob("*.py") for c in code.findall(path.read_text())
    }

    assert used <= reference.CODES.keys()
    assert {f"### {name}\n" for name in (*used, *RULES)} <= {
        f"{line}\n" for line in reference.page().split("\n")
    }


def schema_keys() -> set[str]:
    found: set[str] = set()

    def walk(node: object) -> None:
        if isinstance(node, dict):
            found.update(node.get("properties", {}))
            for value in node.values():
                walk(value)

    walk(json.loads((ROOT / "schemas/manifest.v1.schema.json").read_text("utf-8")))
    return found


def test_the_workflow_of_the_docs_pushes_what_it_paid_for_where_others_pushed_meanwhile(
    tmp_path: Path,
) -> None:
    text = (ROOT / "seedrender/docs/plan.md").read_text("utf-8")
    workflow = next(
        found
        for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
        if "run" in (found := yaml.safe_load(block)).get("jobs", {})
    )
    steps = workflow["jobs"]["run"]["steps"]
    (script,) = [step["run"] for step in steps if "git push" in step.get("run", "")]
    (tmp_path / "seed").mkdir()
    Repository(tmp_path / "seed", "*.lock merge=union\n").render()
    git(tmp_path, "clone", "-q", "--bare", "seed", "origin.git")
    runner, colleague = tmp_path / "runner", tmp_path / "colleague"
    for clone in (runner, colleague):
        git(tmp_path, "clone", "-q", "origin.git", clone.name)
    (colleague / "notes.txt").write_text("a word\n")
    git(colleague, "add", "notes.txt")
    git(colleague, "commit", "-q", "-m", "a word")
    git(colleague, "push", "-q")
    (runner / "films").mkdir()
    (runner / "films/launch.lock").write_text("paid\n")

    done = subprocess.run(
        ["/bin/bash", "-e", "-c", script],
        cwd=runner,
        env=IDENTITY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert git(tmp_path / "origin.git", "show", "main:films/launch.lock").stdout == "paid\n"
    assert workflow["concurrency"]["cancel-in-progress"] is False
    checkouts = [s for job in workflow["jobs"].values() for s in job["steps"] if "uses" in s]
    places = [s["with"]["ref"] for s in checkouts if "checkout" in s["uses"]]
    assert places == ["main"] * len(workflow["jobs"])
