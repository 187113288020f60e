"""`--provider`: a manifest on another route than its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from seedrender.errors import ConfigError, ManifestError
from seedrender.lock import fold, lockfile
from seedrender.sim.app import SimSettings
from seedrender.values.entry import JobState, Lock
from tests.builders import entry, record
from tests.cli.test_promise import edit, seedrender
from tests.served import KEY, account, ledger, simulator

FILM = """\
seedrender: 1
name: film
provider: modellix
defaults: {tier: fast, resolution: 480p, ratio: "16:9"}
shots:
  opener: {prompt: A kite over the sea., duration: 4}
  still:
    prompt: A boat on a lake.
    duration: 4
    camera_fixed: true
"""
OTHER = ("film.yaml", "--provider", "byteplus")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "film.yaml").write_text(FILM)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def planned(*words: str, code: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(seedrender("plan", *words, "--json", code=code))
    return found


def test_the_plan_says_what_cannot_be_carried_over_and_where_it_stands() -> None:
    text = seedrender("plan", *OTHER, code=2)

    assert "still   blocked  fast t2v  the route does not render it" in text
    assert "Cannot be carried over from modellix to byteplus; 1 job is left out:" in text
    assert (
        "  film.yaml:10:19: still: camera_fixed is not possible with seedance-2.0 fast t2v" in text
    )
    assert "difference of 1" in text


def test_the_same_is_there_for_programs(folder: Path) -> None:
    edit(folder, 'ratio: "16:9"', "audio: true")

    found = planned(*OTHER, code=2)["route"]

    assert (found["from"], found["to"]) == ("modellix", "byteplus")
    assert [v["line"] for v in found["cannot_be_carried_over"]] == [10]
    assert found["left_out"] == ["still"]
    assert [s["setting"] for s in found["filled_in_otherwise"]] == ["ratio"]
    assert found["cost"]["before"]["expected"] == "0.276 USD"
    assert found["cost"]["difference"]["expected"].endswith("USD")


def test_what_is_carried_over_whole_is_said_and_a_selection_is_kept_to() -> None:
    text = seedrender("plan", *OTHER, "opener")

    assert "Everything can be carried over from modellix to byteplus." in text
    assert "still" not in text
    assert "carried over" not in seedrender("plan", "film.yaml")


def test_a_rehearsal_of_a_paid_film_is_one_option_away_and_is_never_taken_for_the_film() -> None:
    seedrender("run", "film.yaml", "--provider", "sim")

    assert "Everything is done" in seedrender("run", "film.yaml", "--provider", "sim")
    rows = {row["job"]: row for row in planned("film.yaml")["jobs"]}
    assert {row["plan"] for row in rows.values()} == {"stale"}
    assert rows["opener"]["reason"] == "it is simulated footage, and modellix is to render it"
    (change,) = json.loads(seedrender("explain", "film.yaml", "opener", "--json"))["changes"]
    assert (change["part"], change["old"], change["new"]) == ("provider", "sim", "modellix")
    assert (change["file"], change["line"]) == ("film.yaml", 3)


def test_a_saved_plan_keeps_its_route() -> None:
    seedrender("plan", "film.yaml", "--provider", "sim", "--out", "film.plan")

    assert json.loads(Path("film.plan").read_text())["choices"]["provider"] == "sim"
    seedrender("run", "film.yaml", "--plan", "film.plan")
    assert {row["plan"] for row in planned("film.yaml", "--provider", "sim")["jobs"]} == {"current"}


def test_a_plan_with_jobs_that_the_route_does_not_render_is_not_saved() -> None:
    seedrender("plan", *OTHER, "--out", "film.plan", code=2)

    assert not Path("film.plan").exists()


def test_the_request_of_another_route_can_be_looked_at(folder: Path) -> None:
    edit(folder, "    camera_fixed: true\n", "")

    assert "post: /contents/generations/tasks" in seedrender("expand", *OTHER)
    assert "post: /api/v1/bytedance" in seedrender("expand", "film.yaml")


def test_a_run_and_a_check_on_a_route_that_does_not_render_it_are_refused() -> None:
    with pytest.raises(ManifestError, match=r"film\.yaml:10:19"):
        seedrender("run", "film.yaml", "--provider", "byteplus")
    with pytest.raises(ManifestError, match=r"film\.yaml:10:19"):
        seedrender("run", "film.yaml", "--provider", "byteplus", "still")
    seedrender("check", "film.yaml")
    seedrender("check", *OTHER, code=2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plan", "film.yaml", "--provider", "bytplus"], "did you mean 'byteplus'"),
        (["run", "film.yaml", "--plan", "x", "--provider", "sim"], "give none beside it"),
        (["plan", "film.yaml", "--against", "HEAD", "--provider", "sim"], "--against compares"),
    ],
)
def test_what_does_not_go_together_is_said(words: list[str], message: str) -> None:
    Path("x").write_text("{}")

    with pytest.raises((ConfigError, click.UsageError), match=message):
        seedrender(*words)


def test_where_the_route_is_part_of_the_identity_the_manifest_says_so(folder: Path) -> None:
    seedrender("run", "film.yaml", "opener", "--provider", "sim")
    edit(folder, "provider: modellix", "provider: sim\nroute_in_identity: true")

    (same,) = planned("film.yaml", "opener")["jobs"]
    (other,) = planned("film.yaml", "opener", "--provider", "byteplus")["jobs"]

    assert same["plan"] == "current"
    assert other["reason"] == "it was rendered on sim, and route_in_identity asks for byteplus"


@pytest.fixture
def clouds(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """One simulator as two paid routes."""
    with simulator(SimSettings(speed=600, footage="patched", has_ark_rates=False)) as base_url:
        account(monkeypatch, base_url)
        monkeypatch.setenv("ARK_BASE_URL", f"{base_url}/api/v3")
        monkeypatch.setenv("ARK_API_KEY", KEY)
        yield base_url


def test_what_one_paid_route_rendered_is_not_bought_on_another(folder: Path, clouds: str) -> None:
    seedrender("run", "film.yaml", "opener")
    edit(folder, "provider: modellix", "provider: byteplus")
    edit(folder, "    camera_fixed: true\n", "")

    assert "Everything is done" in seedrender("run", "film.yaml", "opener")
    assert ledger(clouds)["submit"] == 1
    edit(folder, "provider: byteplus", "provider: byteplus\nroute_in_identity: true")
    seedrender("run", "film.yaml", "opener")
    edit(folder, "route_in_identity: true", "")
    assert "Everything is done" in seedrender("run", "film.yaml", "opener")

    assert ledger(clouds)["submit"] == 2


def test_a_task_that_runs_at_another_route_is_collected_there_and_bought_nowhere(
    clouds: str, folder: Path
) -> None:
    seedrender("run", "film.yaml", "opener", "--no-wait", code=5)

    said = seedrender("run", "film.yaml", "opener", "--provider", "byteplus", code=5)
    edit(folder, "provider: modellix", "provider: byteplus")
    edit(folder, "    camera_fixed: true\n", "    resolution: 720p\n    ratio: adaptive\n")
    seedrender("run", "film.yaml", "--provider", "modellix", "--locked", code=2)
    done = seedrender("run", "film.yaml", "opener")

    assert "is at modellix, paid already: collected by a run with --provider modellix" in said
    assert "Everything is done" in done
    assert ledger(clouds)["submit"] == 1


def test_a_task_at_another_route_keeps_a_run_from_buying_and_says_who_collects_it(
    folder: Path,
) -> None:
    live = record(state=JobState.UNKNOWN, task_id=None, provider="modellix")
    lock = fold.fold(Lock(manifest="film.yaml"), [entry("opener", live)])
    (folder / "film.lock").write_text(lockfile.dumps(lock), "utf-8")

    said = seedrender("run", "film.yaml", "opener", "--provider", "sim", code=6)
    (row,) = planned("film.yaml", "opener", "--provider", "sim")["jobs"]

    assert "opener: it is not known whether a task was created and paid" in said
    assert (row["plan"], row["will_submit"]) == ("unknown", False)
    assert "a submit to modellix of 2026-11-23 10:00:00 UTC" in row["reason"]
    assert seedrender("reconcile", "film.yaml", "--provider", "sim", code=6)
