"""A rehearsal that another clone made is made again here, for nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.cli.test_main import seedrender

FILM = """\
seedrender: 1
name: film
defaults: {tier: fast, resolution: 480p, duration: 4}
shots: {a: {prompt: A kite over the sea.}}
chains: {fly: {segments: [{prompt: One.}, {prompt: Two.}]}}
"""
SPEED = ("--sim-speed", "600")


def test_what_another_clone_simulated_is_made_again_byte_for_byte(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    (first / "film.yaml").write_text(FILM)
    assert seedrender(first, "run", "film.yaml", *SPEED).returncode == 0
    for name in ("film.yaml", "film.lock"):  # as git brings them
        shutil.copy(first / name, second / name)

    done = seedrender(second, "run", "film.yaml", *SPEED)

    assert done.returncode == 0, done.stderr
    for clip in ("renders/a.mp4", "renders/fly/01.mp4", "renders/fly/02.mp4", "renders/fly.mp4"):
        assert (second / clip).read_bytes() == (first / clip).read_bytes()
    assert "Everything is done" in seedrender(second, "run", "film.yaml").stdout
