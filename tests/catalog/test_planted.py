"""A model more is one data file: it is planted into a copy of the package, and rendered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import seedrender

PACKAGE = Path(seedrender.__file__).parent
FLUX = """\
date = 2027-01-31
sources = ["https://docs.modellix.ai/bfl/flux-2"]

[model.flux-2]
makes = "image"
format = "webp"
pixels = "flux"

[pixels.flux]
"1k" = { "16:9" = [1344, 768], "1:1" = [1024, 1024] }
"2k" = { "16:9" = [2688, 1536], "1:1" = [2048, 2048] }

[[endpoint]]
model = "flux-2"
mode = "t2i"
slug = "bfl/flux-2-t2i"
required = ["prompt"]
words = { prompt = "prompt", ratio = "aspect_ratio", resolution = "resolution", seed = "seed" }
price_per_image = "0.0500"
price_date = 2027-01-31
[endpoint.body]
prompt = { type = "string", minLength = 1, maxLength = 500 }
aspect_ratio = { type = "string", enum = ["16:9", "1:1"], default = "1:1" }
resolution = { type = "string", enum = ["1K", "2K"], default = "1K" }
seed = { type = "integer", minimum = 0, maximum = 9 }
output_format = { type = "string", enum = ["png", "webp"], default = "webp" }

[model.flux-motion]
pixels = "motion"

[pixels.motion]
"480p" = { "16:9" = [854, 480] }

[[endpoint]]
model = "flux-motion"
mode = "i2v"
slug = "bfl/flux-motion"
required = ["image", "prompt"]
words = { prompt = "prompt", first_frame = "image", duration = "duration" }
[endpoint.body]
image = { type = "string", minLength = 1, format = "uri-or-base64" }
prompt = { type = "string", minLength = 1 }
duration = { type = "integer", enum = [2, 3], default = 2 }
"""
FILM = """\
seedrender: 1
name: film
references: {sky: {image: "https://cdn.example.org/sky.png"}}
shots:
  tulip: {prompt: A tulip., model: flux-2, ratio: "16:9", resolution: 1k, seed: 7}
  wind:
    prompt: It bends.
    model: flux-motion
    duration: 3
    references: [{use: sky, as: first_frame}]
"""


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "seedrender", ignore=ignored)
    schemas = tmp_path / "schemas"
    shutil.copytree(PACKAGE.parent / "schemas", schemas)
    (tmp_path / "seedrender/catalog/data/modellix/flux.toml").write_text(FLUX)
    (tmp_path / "film.yaml").write_text(FILM)
    return tmp_path


def call(folder: Path, *words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "seedrender", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_model_more_is_one_data_file(planted: Path) -> None:
    done, words = call(planted, "run", "film.yaml", "--sim-speed", "3000")

    assert done == 0, words
    lines = (planted / "film.lock").read_text().splitlines()
    rows = {row["job"]: row for row in map(json.loads, lines) if "job" in row}
    tulip = rows["tulip"]["output"]
    assert (tulip["path"], tulip["width"], tulip["height"]) == ("renders/tulip.webp", 1344, 768)
    assert rows["tulip"]["tasks"][0]["cost"]["amount"] == "0.05"
    assert (rows["wind"]["output"]["width"], rows["wind"]["output"]["duration_s"]) == (854, 3.0)
    assert "flux-2" in call(planted, "providers", "--provider", "modellix")[1]


def test_its_bounds_hold_before_money_is_spent(planted: Path) -> None:
    film = planted / "film.yaml"
    film.write_text(FILM.replace("seed: 7", "seed: 10").replace("duration: 3", "duration: 4"))

    done, words = call(planted, "check", "film.yaml")

    assert done == 2
    assert "seed 10 is not possible with flux-2 standard t2i" in words
    assert "2 to 3 whole seconds" in words
    film.write_text(FILM.replace("flux-2", "flux-3"))
    assert "did you mean 'flux-2'?" in call(planted, "check", "film.yaml")[1]


def test_the_file_that_the_page_shows_is_one(planted: Path) -> None:
    page = PACKAGE.joinpath("docs", "neighbours.md").read_text("utf-8")
    shown = page.partition("```toml\n")[2].partition("```")[0]
    (planted / "seedrender/catalog/data/modellix/flux.toml").write_text(shown)
    film = FILM.partition("  wind:")[0].replace("resolution: 1k, ", "")
    (planted / "film.yaml").write_text(film)

    done, words = call(planted, "expand", "film.yaml")

    assert done == 0, words
    assert "post: /api/v1/bfl/flux-2-t2i" in words
    assert "n: 1" in words
