"""The example of a plugin, packed and installed as its readers would, and rendered with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import KEY, Tiny, tiny

EXAMPLE = Path(__file__).parents[1] / "examples/plugin-route"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example's package in it, as pip lays it out."""
    folder = tmp_path_factory.mktemp("installed")
    source = shutil.copytree(EXAMPLE, tmp_path_factory.mktemp("source") / "plugin-route")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    flags = ["--no-deps", "--no-build-isolation", "--no-index", "--target", str(folder)]
    subprocess.run([*pip, *flags, str(source)], check=True)
    return folder


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return shutil.copytree(EXAMPLE / "film", tmp_path / "film")


def seedrender(
    film: Path, installed: Path, *words: str, service: Tiny | None = None, code: int = 0
) -> str:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(installed)}
    if service is not None:
        environ |= {"TINY_BASE_URL": service.base_url, "TINY_API_KEY": KEY}
    done = subprocess.run(
        [sys.executable, "-m", "seedrender", *words],
        cwd=film,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert KEY not in done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_film_is_planned_rendered_and_then_done_on_a_route_of_another_package(
    film: Path, installed: Path
) -> None:
    plan = seedrender(film, installed, "plan", "film.yaml")
    with tiny() as service:
        ran = seedrender(film, installed, "run", "film.yaml", service=service)
        again = seedrender(film, installed, "run", "film.yaml", service=service)
    lines = [json.loads(line) for line in (film / "film.lock").read_text().splitlines()[1:]]

    assert "4 jobs" in plan or "3 missing, 1 waits" in plan
    assert "To buy: 0.08 USD" in plan
    assert "4 current" in ran
    assert "Everything is done" in again
    assert len(service.bodies) == 4
    assert len(service.keyless) == 4
    assert {row.get("provider") for row in lines if row["job"] != "fly"} == {"tiny"}
    assert {row["state"] for row in lines} == {"done"}
    assert (film / "renders/fly.mp4").is_file()
    bodies = {body["prompt"]: body for body in service.bodies}
    (lamp,) = (b for p, b in bodies.items() if p.startswith("(medium 1) is switched on"))
    assert lamp["media"][0].startswith(f"{service.base_url}/files/")
    assert lamp["seconds"] == 2
    continued = next(b for p, b in bodies.items() if "One flight" in p and "media" in b)
    assert continued["media"][0].startswith(service.base_url)


def test_a_lost_answer_on_such_a_route_is_found_and_not_bought_again(
    film: Path, installed: Path
) -> None:
    with tiny() as service:
        service.loses_answers = True
        seedrender(film, installed, "run", "film.yaml", "opener", service=service, code=6)
        service.loses_answers = False
        seedrender(film, installed, "run", "film.yaml", "opener", service=service)

    assert len(service.bodies) == 1


def test_without_its_key_nothing_is_sent(film: Path, installed: Path) -> None:
    said = seedrender(film, installed, "run", "film.yaml", code=2)

    assert "TINY_API_KEY is not set; nothing was sent" in said


def test_what_the_plugin_refuses_is_said_with_its_place(film: Path, installed: Path) -> None:
    path = film / "film.yaml"
    path.write_text(path.read_text().replace("duration: 2", "duration: 20"))

    said = seedrender(film, installed, "check", "film.yaml", code=2)

    assert "film.yaml:5:37: " in said
    assert "tiny makes 1 to 10 seconds" in said


def test_providers_and_doctor_know_the_plugin(film: Path, installed: Path) -> None:
    listed = seedrender(film, installed, "providers", "--provider", "tiny")
    whole = seedrender(film, installed, "providers", "--json")
    with tiny() as service:
        well = seedrender(film, installed, "doctor", "film.yaml", service=service)
    ill = seedrender(film, installed, "doctor", "--provider", "tiny", code=2)

    assert listed == "tiny: of seedrender-tiny 1.0, which says itself what it renders\n"
    assert [p["name"] for p in json.loads(whole)["providers"]][-1] == "tiny"
    assert "7.50 USD, and the plan costs 0.08 USD" in well
    assert "TINY_API_KEY is not set" in ill


def test_a_film_can_be_taken_from_a_plugin_to_a_route_and_back(film: Path, installed: Path) -> None:
    said = seedrender(film, installed, "plan", "film.yaml", "--provider", "modellix", code=2)

    assert "Cannot be carried over from tiny to modellix" in said
    assert "model 'tiny-1' is not possible on the route modellix" in said
    assert "there is no route" not in said


def test_without_the_package_the_route_is_unknown(film: Path, tmp_path: Path) -> None:
    said = seedrender(film, tmp_path, "check", "film.yaml", code=2)

    assert "film.yaml:4:11: there is no route 'tiny'; there are: byteplus, modellix" in said
