"""The simulator makes what was asked of it: no clip and no picture of any model differs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from click.testing import CliRunner

from seedrender.cli.console import State
from seedrender.cli.main import cli

LAMP = Path(__file__).parents[2] / "examples/brand-campaign/refs/lamp.jpg"
FILM = """\
seedrender: 1
name: film
run: {concurrency: 20, requests_per_minute: 6000}
references: {hero: {image: lamp.jpg}}
shots:
  wide: {prompt: One., tier: fast, resolution: 480p, ratio: "21:9", duration: 4, audio: false}
  tall: {prompt: Two., tier: mini, resolution: 720p, ratio: "9:16", duration: 4, audio: true}
  large: {prompt: Three., tier: standard, resolution: 1080p, ratio: "1:1", duration: 4}
  newer: {prompt: Four., model: seedance-2.5, resolution: 480p, ratio: "4:3", duration: 4}
  older: {prompt: Five., model: seedance-1.5-pro, resolution: 480p, ratio: "3:4", duration: 4, audio: false}
  oldest: {prompt: Six., model: seedance-1.0-pro, resolution: 720p, ratio: "16:9", duration: 2}
  framed: {prompt: Seven., tier: fast, resolution: 480p, ratio: "16:9", duration: 4, references: [{use: hero, as: first_frame}]}
  adaptive: {prompt: Eight., model: seedance-1.5-pro, resolution: 480p, ratio: adaptive, duration: 4, references: [{use: hero, as: first_frame}]}
  kling: {prompt: Nine., model: kling-3.0, resolution: 720p, ratio: "9:16", duration: 3, audio: true}
  kling-framed: {prompt: Ten., model: kling-3.0, resolution: 720p, ratio: "16:9", duration: 3, audio: false, references: [{use: hero, as: first_frame}]}
  hailuo: {prompt: Eleven., model: hailuo-2.3, resolution: 768p, duration: 6}
  hailuo-framed: {prompt: Twelve., model: hailuo-2.3, resolution: 768p, duration: 6, references: [{use: hero, as: first_frame}]}
  wan: {prompt: Thirteen., model: wan-2.7, resolution: 720p, ratio: "4:3", duration: 2}
  wan-framed: {prompt: Fourteen., model: wan-2.7, resolution: 720p, duration: 2, references: [{use: hero, as: first_frame}]}
  still: {prompt: Fifteen., model: kling-3.0-image, ratio: "16:9"}
  painted: {prompt: Sixteen., model: seedream-4.5, resolution: 2k, ratio: "3:2"}
chains:
  fly: {prompt: One flight., tier: fast, resolution: 480p, ratio: "16:9", audio: true, segments: [{duration: 4}, {duration: 5}]}
"""


def test_nothing_that_the_simulator_makes_differs_from_what_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "film.yaml"
    path.write_text(FILM)
    shutil.copy(LAMP, tmp_path / "lamp.jpg")

    done = CliRunner().invoke(
        cli,
        ["run", str(path), "--sim-speed", "3000"],
        obj=State(),
        catch_exceptions=False,
        standalone_mode=False,
    )

    rows = [json.loads(line) for line in path.with_suffix(".lock").read_text().splitlines()]
    outputs = {row["job"]: row["output"] for row in rows if "job" in row}
    assert done.return_value == 0, done.output
    assert len(outputs) == 19
    assert {job: made["differs"] for job, made in outputs.items() if "differs" in made} == {}
    assert "differs" not in done.output
