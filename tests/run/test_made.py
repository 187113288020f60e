"""Whole films in which one shot's picture or clip is another's reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.sim.app import SimSettings
from tests.served import account, kept, ledger, simulator

FILM = """\
seedrender: 1
name: film
provider: PROVIDER
defaults: {tier: mini, resolution: 480p, ratio: "16:9", duration: 4, audio: false}
run: {poll: {first: 1s, interval: 1s, max_interval: 1s}}
references: {face: {shot: portrait}, step: {shot: walk}}
shots:
  walk: {prompt: "{{ ref.face }} walks."}
  turn: {prompt: She turns., references: [{use: face, as: first_frame}]}
  again: {prompt: "{{ ref.step }} once more.", mode: v2v}
  portrait: {prompt: "A face.", model: kling-3.0-image}
"""


def film(folder: Path, provider: str = "sim", face: str = "A face.") -> Path:
    path = folder / "film.yaml"
    path.write_text(FILM.replace("PROVIDER", provider).replace("A face.", face))
    return path


def seedrender(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, words, obj=State(), standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.return_value, done.output


def run(path: Path, *words: str) -> tuple[int, str]:
    return seedrender("run", str(path), "--sim-speed", "3000", *words)


def bodies(path: Path) -> dict[str, Any]:
    """Return what the embedded simulator was asked for, by prompt."""
    lines = (path.parent / ".seedrender/sim" / path.stem / "ledger.jsonl").read_text().splitlines()
    tasks = [row["task"] for row in map(json.loads, lines) if "task" in row]
    return {task["body"]["prompt"]: task["body"] for task in tasks}


def rows(path: Path) -> dict[str, Any]:
    lines = path.with_suffix(".lock").read_text().splitlines()
    return {row["job"]: row for row in map(json.loads, lines) if "job" in row}


@pytest.fixture
def rendered(tmp_path: Path) -> Path:
    path = film(tmp_path)
    assert run(path)[0] == 0
    return path


def test_a_picture_travels_in_the_request_and_a_clip_by_its_address(rendered: Path) -> None:
    sent = bodies(rendered)

    assert [list(sent["[Image 1] walks."]), list(sent["She turns."])] == [
        ["prompt", "reference_images", "ratio", "resolution", "duration", "generate_audio"],
        ["prompt", "first_frame_image", "ratio", "resolution", "duration", "generate_audio"],
    ]
    blob = sent["She turns."]["first_frame_image"]
    assert sent["[Image 1] walks."]["reference_images"] == [blob]
    content = (rendered.parent / ".seedrender/sim/film/blobs" / blob.rpartition(":")[2]).read_text()
    assert content.startswith("data:image/png;base64,")
    assert "/files/task-" in sent["[Video 1] once more."]["video_urls"][0]


def test_the_lock_keeps_what_was_used_and_a_second_run_does_nothing(rendered: Path) -> None:
    found = rows(rendered)
    picture = found["portrait"]["output"]["sha256"]

    for user in ("walk", "turn"):
        assert found[user]["fingerprint"]["parts"]["uses"] == [f"sha256:{picture}"]
    assert run(rendered)[1].startswith("Everything is done")


def test_another_picture_renders_its_users_anew_and_the_one_before_brings_them_back(
    rendered: Path,
) -> None:
    before = {name: row["output"]["sha256"] for name, row in rows(rendered).items()}

    film(rendered.parent, face="An old face.")
    assert run(rendered)[0] == 0
    after = {name: row["output"]["sha256"] for name, row in rows(rendered).items()}
    assert all(before[name] != after[name] for name in before)

    film(rendered.parent)
    assert run(rendered, "--locked")[0] == 0
    assert {name: row["output"]["sha256"] for name, row in rows(rendered).items()} == before


def test_explain_names_the_reference_whose_picture_is_another(rendered: Path) -> None:
    film(rendered.parent, face="An old face.")
    assert run(rendered, "portrait")[0] == 0

    words = seedrender("explain", str(rendered), "walk")[1]

    assert "stale" in words
    assert "uses" in words


def test_a_picture_that_is_pinned_keeps_its_users(rendered: Path) -> None:
    assert seedrender("pin", str(rendered), "portrait")[0] == 0

    film(rendered.parent, face="An old face.")

    assert "4 current" in seedrender("plan", str(rendered))[1]


def test_a_picture_that_is_refused_costs_no_clip(tmp_path: Path) -> None:
    path = film(tmp_path, face="A face. [sim:refuse]")

    assert run(path)[0] == 4
    assert set(rows(path)) == {"portrait"}


def test_a_picture_whose_file_changed_is_not_given_to_anybody(rendered: Path) -> None:
    picture = rendered.parent / "renders/portrait.png"
    content = bytearray(picture.read_bytes())
    content[-20] ^= 1
    picture.write_bytes(content)
    rendered.write_text(rendered.read_text().replace("She turns.", "She turns away."))

    done, _ = run(rendered)

    assert done == 4
    assert "She turns away." not in bodies(rendered)


def test_a_clip_that_the_provider_forgot_is_uploaded_and_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = film(tmp_path, "modellix")
    lock = path.with_suffix(".lock")
    with simulator(SimSettings(speed=3000.0, footage="patched")) as base_url:
        account(monkeypatch, base_url)
        assert run(path, "--no-preflight", "walk")[0] == 0
        lock.write_text(lock.read_text().replace('"task_id": "task-', '"task_id": "gone-'))

        done, words = run(path, "--no-preflight")

        assert done == 0, words
        assert kept(base_url) == []
        assert ledger(base_url)["upload"] == 1
    assert "uses" in rows(path)["again"]["fingerprint"]["parts"]


def test_a_clip_that_is_kept_is_not_given_as_the_picture_that_is_asked_for(tmp_path: Path) -> None:
    path = film(tmp_path)
    head = path.read_text().partition("references:")[0]
    path.write_text(f'{head}shots: {{portrait: {{prompt: "A face."}}}}\n')
    assert run(path)[0] == 0
    assert seedrender("pin", str(path), "portrait")[0] == 0

    film(tmp_path)
    done, words = run(path, "turn")

    assert done == 4, words
    assert set(bodies(path)) == {"A face."}
    assert rows(path)["portrait"]["output"]["path"] == "renders/portrait.mp4"


def test_a_budget_buys_a_picture_and_those_of_its_users_for_which_there_is_room(
    tmp_path: Path,
) -> None:
    path = film(tmp_path)
    path.write_text(path.read_text().replace("run: {", 'run: {budget: "2 clips", '))

    done, words = run(path)

    assert done == 7, words
    assert sorted(rows(path)) in (["portrait", "turn"], ["portrait", "walk"])
    assert "Left out" in words or "leaves out" in words


def test_a_run_that_was_cut_off_goes_on_with_the_picture_that_is_paid(tmp_path: Path) -> None:
    path = film(tmp_path)
    assert run(path, "--no-wait", "portrait")[0] == 5
    assert set(rows(path)) == {"portrait"}

    assert run(path)[0] == 0

    prompts = list(bodies(path))
    assert prompts.count("A face.") == 1
    assert len(rows(path)["portrait"]["tasks"]) == 1
