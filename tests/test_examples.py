from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.errors import ManifestError
from seedrender.run import project

EXAMPLES = Path(__file__).parents[1] / "examples"
INVALID = sorted((EXAMPLES / "invalid").glob("*.yaml*"))
VALID = sorted(p for p in EXAMPLES.glob("*/*.yaml") if p.parent.name != "invalid")


@pytest.mark.parametrize("path", [pytest.param(p, id=p.stem) for p in INVALID])
def test_an_invalid_example_prints_exactly_what_its_text_says(path: Path) -> None:
    with pytest.raises(ManifestError) as caught:
        project.load(path)

    text = path.with_name(f"{path.name.partition('.')[0]}.txt")
    assert f"{caught.value}\n" == text.read_text("utf-8")


def test_there_are_enough_invalid_examples() -> None:
    assert len(INVALID) >= 80


@pytest.mark.parametrize("path", [pytest.param(p, id=p.stem) for p in VALID])
def test_an_example_is_right_planned_rendered_and_then_done(path: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(
        path.parent, tmp_path / "film", ignore=shutil.ignore_patterns("renders", "*.lock", ".*")
    )
    manifest = str(folder / path.name)
    runner = CliRunner()

    results = [
        runner.invoke(cli, [*command, manifest], obj=State(), standalone_mode=False)
        for command in (
            ["check"],
            ["expand"],
            ["run", "--sim-speed", "600"],
            ["report"],
            ["run"],
            ["plan", "--check"],
        )
    ]

    assert [result.return_value for result in results] == [0] * 6, results[2].output
    assert "Everything is done" in results[4].output
