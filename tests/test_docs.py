from __future__ import annotations

import json
import re
from pathlib import Path

import click
import pytest

from seedrender.cli.main import COMMANDS, cli
from seedrender.plan.outcome import Exit

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert isinstance(found, click.Command)
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_stands_in_the_readme(name: str) -> None:
    options = [o for p in command(name).params if isinstance(p, click.Option) for o in p.opts]

    assert f"| `{name}" in README or f"`{name}`" in README
    assert [option for option in options if f"`{option}" not in README] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_starts_with_what_it_does(name: str) -> None:
    text = command(name).help

    assert text
    assert text.split("\n")[0].endswith((".", "once."))


@pytest.mark.parametrize("code", Exit)
def test_every_exit_code_stands_in_the_readme(code: Exit) -> None:
    assert re.search(rf"\| {int(code)} \||{int(code)} after Ctrl-C", README)


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
