"""Prints how `check`, `plan` and `expand` grow with the jobs, beside the libraries alone."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.bench.measure import SEEDRENDER, measured, say

SIZES = (10_000, 30_000, 100_000)
HEAD = """\
seedrender: 1
name: bench
defaults: {tier: fast, duration: 5, resolution: 480p}
references: {hero: {image: "https://cdn.example.org/hero.png"}}
shots:
"""
# PyYAML's C loader and jsonschema-rs on the same text: no places, no repeated keys, no jobs
LIBRARIES = """\
import gc, sys, yaml, jsonschema_rs, json
gc.disable()
text = open(sys.argv[1]).read()
schema = json.loads(__import__("seedrender.source.schema", fromlist=["_"]).schema_text())
assert jsonschema_rs.Draft202012Validator(schema).is_valid(yaml.load(text, Loader=yaml.CSafeLoader))
"""


def film(path: Path, count: int) -> None:
    """Write a manifest of so many shots, each with a prompt of its own."""
    with path.open("w") as out:
        out.write(HEAD)
        for number in range(count):
            out.write(
                f"  shot-{number:06}:\n"
                f'    prompt: "{{{{ ref.hero }}}} walks through market number {number}, at dusk."\n'
                f"    seed: {number}\n    tags: [t{number % 10}]\n"
            )


def bench(folder: Path) -> None:
    """Measure each command at each size."""
    path = folder / "film.yaml"
    say("shots with a prompt each: processor seconds, peak memory, x the libraries alone")
    for size in SIZES:
        film(path, size)
        alone, _ = measured([sys.executable, "-c", LIBRARIES, str(path)], Path.cwd(), {})
        say(f"  {size:7,} jobs  libraries      {alone:6.2f} s")
        for words in (["check"], ["plan"], ["expand", "--json"]):
            used, peak = measured([*SEEDRENDER, *words, str(path)], folder, {})
            name = " ".join(words)
            say(
                f"  {'':12}  {name:13}  {used:6.2f} s {peak / 2**20:5.0f} MiB {used / alone:5.2f} x"
            )
