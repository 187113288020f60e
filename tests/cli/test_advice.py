"""What a command advises is safe to follow word for word: it names the film and what was said."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.media import make

FILM = """\
seedrender: 1
name: film
provider: modellix
vars: {colour: red}
defaults: {tier: fast, resolution: 480p, ratio: "16:9", duration: 4}
profiles: {final: {tier: standard}}
shots: {a: {prompt: "A {{ vars.colour }} ball."}}
"""


def said(*words: str) -> str:
    done = CliRunner().invoke(cli, [*words], obj=State(), catch_exceptions=False)
    return done.output


@pytest.mark.parametrize(
    "choices", [(), ("--profile", "final"), ("--set", "colour=light green"), ("--vars", "v.yaml")]
)
def test_a_clip_that_is_taken_over_as_was_advised_is_the_one_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choices: tuple[str, ...]
) -> None:
    folder = tmp_path / "my films"
    (folder / "renders").mkdir(parents=True)
    (folder / "film.yaml").write_text(FILM)
    (tmp_path / "v.yaml").write_text("colour: blue\n")
    clip = folder / "renders/a.mp4"
    make.clip(clip, width=864, height=496, duration_s=4, seed=1, title="a ball")
    monkeypatch.chdir(tmp_path)
    film = "my films/film.yaml"

    advice = re.search(r"`seedrender (adopt [^`]+)`", said("plan", film, *choices))
    assert advice is not None
    said(*shlex.split(" ".join(advice[1].split())))

    assert "Nothing to buy" in said("plan", film, *choices)
    assert "1 current" in said("plan", film, *choices)
