"""`reconcile` and `cancel` on the simulator: nothing is bought, and the words say what now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_main import seedrender

FILM = """\
seedrender: 1
name: film
defaults: {tier: fast, resolution: 480p, duration: 4}
shots:
  lost: {prompt: "A kite. [sim:lost-answer]"}
  never: {prompt: "A fox. [sim:lost-request]"}
"""


@pytest.fixture
def film(tmp_path: Path) -> Path:
    (tmp_path / "film.yaml").write_text(FILM)
    done = seedrender(tmp_path, "run", "film.yaml", "--sim-speed", "600")
    assert done.returncode == 6, done.stdout
    assert "may have been created" in done.stdout or "created and paid" in done.stdout
    return tmp_path


def test_a_provider_that_can_tell_settles_every_outcome(film: Path) -> None:
    done = seedrender(film, "reconcile", "film.yaml")
    again = seedrender(film, "reconcile", "film.yaml")
    run = seedrender(film, "run", "film.yaml", "--sim-speed", "600")
    status = json.loads(seedrender(film, "status", "film.yaml", "--json").stdout)

    assert done.returncode == 0, done.stderr
    assert "the next run collects it" in done.stdout
    assert "nothing was created: the next run buys it" in done.stdout
    assert again.stdout == "No outcome is unknown.\n"
    assert run.returncode == 0
    assert [len(job["tasks"]) for job in status["jobs"]] == [1, 1]


def test_one_that_cannot_leaves_it_to_a_person(film: Path) -> None:
    text = (film / "film.yaml").read_text()
    (film / "film.yaml").write_text(text.replace("name: film", "name: film\nprovider: modellix"))
    lock = film / "film.lock"
    lock.write_text(lock.read_text().replace('"provider": "sim"', '"provider": "modellix"'))

    done = seedrender(film, "reconcile", "film.yaml", "--json", MODELLIX_API_KEY="any")

    tasks = json.loads(done.stdout)["tasks"]
    assert done.returncode == 6
    assert [task["state"] for task in tasks] == ["unknown", "unknown"]
    assert "--resubmit lost" in tasks[0]["what"]


def test_reconcile_may_be_asked_for_one_job(film: Path) -> None:
    done = seedrender(film, "reconcile", "film.yaml", "lost", "--json")

    assert [task["job"] for task in json.loads(done.stdout)["tasks"]] == ["lost"]


def test_what_cannot_be_cancelled_runs_on_and_is_collected(film: Path) -> None:
    seedrender(film, "reconcile", "film.yaml")

    done = seedrender(film, "cancel", "film.yaml")
    run = seedrender(film, "run", "film.yaml", "--sim-speed", "600")
    nothing = seedrender(film, "cancel", "film.yaml")

    assert done.returncode == 5
    assert "it began, so it is paid: the next run collects it" in done.stdout
    assert run.returncode == 0
    assert (nothing.returncode, nothing.stdout) == (0, "No task is in flight.\n")
