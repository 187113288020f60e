"""The schemas in VS Code: its YAML extension runs this server."""

from __future__ import annotations

import os
from pathlib import Path

from tests.cli.test_providers import FILM, said
from tests.conformance.language_server import LanguageServer
from tests.test_editors import BOUNDS, SCHEMA, is_misshapen
from tests.test_examples import INVALID, VALID

PROGRAM = Path(os.environ["SEEDRENDER_CONFORMANCE"]) / (
    "node_modules/yaml-language-server/bin/yaml-language-server"
)


def test_the_examples_that_are_right_are_accepted_by_the_schema_that_they_name() -> None:
    with LanguageServer(PROGRAM) as server:
        found = server.diagnostics(VALID)

    assert found == {path: [] for path in VALID}


def test_what_check_calls_a_wrong_shape_is_refused() -> None:
    plain = [path for path in INVALID if path.suffix == ".yaml" and path.name not in BOUNDS]

    with LanguageServer(PROGRAM, SCHEMA) as server:
        found = server.diagnostics(plain)

    refused = {path.name for path, rows in found.items() if rows}
    assert refused == {path.name for path in plain if is_misshapen(path)}


def test_a_resolution_that_the_tier_does_not_render_is_refused_in_its_line(tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(said("schema", "--provider", "modellix", "--model", "seedance-2.0"))
    fast, standard = tmp_path / "fast.yaml", tmp_path / "standard.yaml"
    fast.write_text(FILM % "fast")
    standard.write_text(FILM % "standard")

    with LanguageServer(PROGRAM, schema) as server:
        found = server.diagnostics([fast, standard])

    refusal = 'Value is not accepted. Valid values: "480p", "720p".'
    assert found == {fast: [(5, refusal)], standard: []}


def test_an_included_file_is_checked_by_its_own_schema(tmp_path: Path) -> None:
    schema, good, bad = (tmp_path / name for name in ("part.json", "good.yaml", "bad.yaml"))
    schema.write_text(said("schema", "--part"))
    good.write_text("references: {hero: {image: refs/hero.png}}\n")
    bad.write_text("vars: {a: 1}\nreferenes: {hero: {image: refs/hero.png}}\n")

    with LanguageServer(PROGRAM, schema) as server:
        found = server.diagnostics([good, bad])

    assert found == {good: [], bad: [(2, "Property referenes is not allowed.")]}
