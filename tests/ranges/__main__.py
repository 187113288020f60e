"""Installs the wheel with the oldest and the newest dependencies, on each Python, and tries it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[2]
ACTS = ROOT / "tests/ranges/acts.py"
RESOLUTIONS = ("lowest-direct", "highest")
NEWEST_MINOR = 14


def main() -> None:
    """Try every pair, and compare what is said with what the pinned versions say."""
    pinned = said(Path(sys.executable))
    wrong = 0
    with TemporaryDirectory() as folder:
        wheel = built(Path(folder))
        for python in pythons():
            for resolution in RESOLUTIONS:
                place = Path(folder) / f"{python.parent.parent.name}-{resolution}"
                wrong += tried(place, python, resolution, wheel, pinned)
    sys.exit(bool(wrong))


def tried(
    place: Path, python: Path, resolution: str, wheel: Path, pinned: Mapping[str, Any]
) -> bool:
    """Install, act and print; say whether something was said otherwise."""
    uv("venv", "--quiet", "--python", python, place)
    uv(
        "pip",
        "install",
        "--quiet",
        "--python",
        place,
        "--resolution",
        resolution,
        "-r",
        ROOT / "pyproject.toml",
    )
    uv("pip", "install", "--quiet", "--python", place, "--no-deps", wheel)
    found = said(place / "bin/python")
    differs = [step for step, words in pinned.items() if found.get(step) != words]
    say(f"{version_of(python)} {resolution}: {'differs' if differs else 'the same'}")
    say(f"  {', '.join(direct(place))}")
    for step in differs:
        say(f"  {step}:\n    pinned: {_shown(pinned[step])}\n    here:   {_shown(found.get(step))}")
    return bool(differs)


def said(python: Path) -> dict[str, Any]:
    """Act with an environment's Python, and return what was said."""
    done = _done([python, "-I", ACTS])
    found: dict[str, Any] = json.loads(done)
    return found


def built(folder: Path) -> Path:
    """Build the wheel that users install."""
    uv("build", "--quiet", "--wheel", "--out-dir", folder, ROOT)
    return next(folder.glob("*.whl"))


def pythons() -> Iterator[Path]:
    """Yield one Python of each minor version that is installed and supported."""
    for minor in range(11, NEWEST_MINOR + 1):
        versions = sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python"))
        on_path = shutil.which(f"python3.{minor}")
        found = versions[-1:] or ([Path(on_path)] if on_path else [])
        yield from found


def direct(place: Path) -> list[str]:
    """Return the versions of the direct dependencies that an environment has."""
    rows = json.loads(uv("pip", "list", "--python", place, "--format", "json"))
    known = {row["name"].lower(): row["version"] for row in rows}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = [re.split(r"[><=\[]", one)[0] for one in project["dependencies"]]
    return [f"{name} {known[name]}" for name in names]


def version_of(python: Path) -> str:
    """Return how a Python calls itself."""
    return _done([python, "-c", "import sys; print('Python', sys.version.split()[0])"]).strip()


def uv(*words: object) -> str:
    """Run uv."""
    return _done([ROOT / ".ranges/bin/uv", *words])


def _done(words: list[object]) -> str:
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


def _shown(words: Any) -> str:
    return json.dumps(words)[:600]


def say(words: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
