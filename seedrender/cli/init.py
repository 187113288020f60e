"""`seedrender init`: a small project to start from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from seedrender.cli.console import echo
from seedrender.errors import ConfigError
from seedrender.project.files import denial
from seedrender.source import schema

_MANIFEST = """\
# yaml-language-server: $schema=manifest.v1.schema.json
seedrender: 1
name: {name}

# The embedded simulator renders for free. With an account, write `modellix` here and set
# MODELLIX_API_KEY: nothing else changes.
provider: sim

vars:
  product: Aurora One

defaults: {{model: seedance-2.0, tier: fast, resolution: 480p, ratio: "16:9", duration: 5}}

shots:
  # One clip: renders/opener.mp4
  opener:
    prompt: "Dawn over a quiet harbour; on the pier stands the {{{{ vars.product }}}}."

  # Four clips: one for each combination of colour and angle.
  spin:
    prompt: "The {{{{ vars.product }}}} in {{{{ colour }}}} turns slowly, {{{{ angle }}}} view."
    matrix:
      colour: [black, silver]
      angle: [front, side]

chains:
  # One long take: rendered as 15 + 15 s, each segment continuing the one before, then joined.
  flythrough:
    prompt: "One continuous drone shot through the market."
    duration: 30
"""
_GITATTRIBUTES = "*.lock merge=union\n"
_GITIGNORE = "renders/\n.seedrender/\n*.lock.journal\n*.lock*.damaged-*\n*.report.html\n"


@click.command("init")
@click.argument("directory", default=".", type=click.Path(file_okay=False, path_type=Path))
def command(directory: Path) -> int:
    """Write a small, commented, working project into DIRECTORY. Nothing is overwritten."""
    name = directory.resolve().name or "film"
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in name)
    files = {
        "film.yaml": _MANIFEST.format(name=safe.lstrip("._-") or "film"),
        ".gitattributes": _GITATTRIBUTES,
        ".gitignore": _GITIGNORE,
        "manifest.v1.schema.json": schema.schema_text(),
    }
    if os.path.lexists(directory / "film.yaml"):
        raise ConfigError(f"{directory / 'film.yaml'} is there already; nothing was changed")
    try:
        _write(directory, files)
    except OSError as error:
        place = Path(error.filename or directory)
        raise ConfigError(f"{place} cannot be written ({denial(error, place)})") from None
    echo(f"Next: seedrender plan {directory / 'film.yaml'}, then seedrender run …")
    return 0


def _write(directory: Path, files: Mapping[str, str]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        path = directory / file
        if os.path.lexists(path):
            words = f": see that it has these lines\n{text}" if file.startswith(".") else ""
            echo(f"{path} is there already{words}")
        else:
            with path.open("x", encoding="utf-8") as made:
                made.write(text)
            echo(f"wrote {path}")
