"""What users install: the wheel, in an environment of its own, from an empty directory."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_renders_the_demo_from_an_empty_directory(tmp_path: Path) -> None:
    source = shutil.copytree(
        ROOT, tmp_path / "source", ignore=shutil.ignore_patterns(".*", "renders", "*.lock")
    )
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(tmp_path), str(source)],
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    requirements = ["-r", str(ROOT / "requirements.txt")]
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, *requirements, str(wheel)], check=True)
    empty = tmp_path / "empty"
    shutil.copytree(ROOT / "examples/short-drama/refs", empty / "refs")
    shutil.copy(ROOT / "examples/short-drama/drama.yaml", empty)

    done = subprocess.run(
        [str(environment / "bin" / "seedrender"), "run", "drama.yaml", "--sim-speed", "600"],
        cwd=empty,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert (empty / "renders/staircase.mp4").exists()
    shipped = set(zipfile.ZipFile(wheel).namelist())
    assert {f"seedrender/schemas/{kind}.v1.schema.json" for kind in ("manifest", "lock")} <= shipped
    assert "seedrender/docs/lockfile.md" in shipped
    assert "seedrender/catalog/data/modellix/kling.toml" in shipped
