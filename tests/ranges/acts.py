"""What a user does with an installed seedrender, and what is said: also every word of mistakes.

Run by the Python of an environment that has seedrender and nothing for development in it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

FILM = """\
seedrender: 1
name: film
defaults: {tier: fast, resolution: 480p, ratio: "16:9", audio: true}
references: {hero: {image: hero.png}}
shots:
  opener: {prompt: "A kite over {{ ref.hero }}.", duration: 4}
  rows: {prompt: "{{ who }} in the rain.", foreach: rows.csv, duration: 4}
chains:
  fly: {prompt: One flight., segments: [{duration: 4}, {duration: 4, seed: 2}]}
"""
HEAD = "seedrender: 1\nname: film\n"
MISTAKES = {
    "unknown key": HEAD + "shots: {a: {promt: A kite.}}\n",
    "wrong type": HEAD + "shots: {a: {prompt: A kite., duration: long}}\n",
    "wrong parameter": HEAD + "shots: {a: {prompt: A kite., params: {seed: [1]}}}\n",
    "out of range": HEAD + "shots: {a: {prompt: A kite., duration: 99}}\n",
    "no YAML": HEAD + "shots: {a: {prompt: A kite.}\n",
    "two keys": HEAD + "shots: {a: {prompt: A., prompt: B.}}\n",
    "deep nesting": HEAD + "shots: " + "[" * 5000 + "]" * 5000 + "\n",
    "unknown name": HEAD + 'shots: {a: {prompt: "A {{ hero }}."}}\n',
    "no expression": HEAD + 'shots: {a: {prompt: "A {{ 1 + }}."}}\n',
    "no reference": HEAD
    + 'references: {x: {image: no.png}}\nshots: {a: {prompt: "{{ ref.x }}"}}\n',
    "unknown model": HEAD + "shots: {a: {prompt: A kite., model: veo}}\n",
    "empty": "",
}
_DECODED = """\
import sys, av
with av.open(sys.argv[1]) as take:
    print(sum(1 for _ in take.decode(video=0)))
with av.open(sys.argv[1]) as take:
    print(sum(frame.samples for frame in take.decode(audio=0)) // 48000)
"""


def main() -> None:
    """Do it all in a folder of its own, and print what was said as JSON."""
    with TemporaryDirectory() as folder:
        sys.stdout.write(json.dumps(said(Path(folder))))


def said(folder: Path) -> dict[str, Any]:
    """Return each step's exit code and words."""
    from PIL import Image

    Image.new("RGB", (640, 360), (90, 120, 200)).save(folder / "hero.png")
    (folder / "rows.csv").write_text("id,who\none,Anna\ntwo,Bo\n")
    (folder / "film.yaml").write_text(FILM)
    found: dict[str, Any] = {}
    for words in (
        "--version",
        "check film.yaml",
        "expand film.yaml --json",
        "plan film.yaml",
        "run film.yaml --sim-speed 600 --json",
        "run film.yaml",
        "verify film.yaml",
        "status film.yaml",
        "report film.yaml",
        "lock show film.yaml",
        "schema",
    ):
        found[words] = _seedrender(folder, *words.split())
    take = _run(folder, "-c", _DECODED, "renders/fly.mp4")
    found["pictures and seconds of sound in the take"] = take
    for name, text in MISTAKES.items():
        (folder / "wrong.yaml").write_text(text)
        found[name] = _seedrender(folder, "check", "wrong.yaml")
    return found


def _seedrender(folder: Path, *words: str) -> list[Any]:
    return _run(folder, "-m", "seedrender", *words)


def _run(folder: Path, *words: str) -> list[Any]:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "100"},
    )
    return [done.returncode, _steady(done.stdout), _steady(done.stderr)]


def _steady(text: str) -> str:
    """Take out what differs from run to run: times, ids, digests and prices' ages."""
    text = re.sub(r"(?m)^.* rendering  .*$", "", text)  # seen or not, as it happens
    text = re.sub(r"\d{2}:\d{2}:\d{2}|\d{4}-\d{2}-\d{2}T[\d:.]+Z", "TIME", text)
    text = re.sub(r"task-[0-9a-f]{8,}|[0-9a-f]{32,}|(?<=sha256[ :])[0-9a-f]{12}", "ID", text)
    text = re.sub(r"\d+(\.\d+)?( ?)(s|ms|kB|MB|KiB|MiB|bytes)\b", "SIZE", text)
    return "\n".join(sorted(filter(None, text.splitlines())))


if __name__ == "__main__":
    main()
