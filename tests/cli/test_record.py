"""`run --record` and `sim --replay`: what a provider said can be handed in, and played again."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import AbstractContextManager
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.errors import ConfigError
from seedrender.media.probe import probe
from seedrender.providers.answers import Answer
from seedrender.providers.recording import Recorder
from seedrender.run import store
from seedrender.sim import replay
from seedrender.sim.app import SimSettings
from tests.run.git import IDENTITY
from tests.served import KEY, beside, simulator

FILM = """\
seedrender: 1
name: film
provider: {route}
defaults: {{tier: fast, resolution: 480p, ratio: "16:9", duration: 4, audio: true}}
references: {{hero: {{image: hero.png}}}}
run: {{poll: {{first: 0.1s, interval: 0.1s, max_interval: 0.2s}}}}
shots:
  good: {{prompt: "A kite over {{{{ ref.hero }}}}."}}
  bad: {{prompt: "Mud. [sim:refuse]"}}
"""
SHAPES = """\
seedrender: 1
name: film
provider: {route}
defaults: {{tier: fast, resolution: 480p, ratio: "16:9", duration: 4, audio: true}}
run: {{poll: {{first: 0.1s, interval: 0.1s, max_interval: 0.2s}}}}
shots:
  wide: {{prompt: "A kite."}}
  tall: {{prompt: "A tower.", ratio: "9:16", duration: 6, audio: false}}
  sharp: {{prompt: "A needle.", resolution: 720p, ratio: "1:1"}}
chains:
  walk: {{prompt: "One walk.", segments: [{{}}, {{prompt: "On.", duration: 5}}]}}
"""
NAMES = {"modellix": ("MODELLIX", ""), "byteplus": ("ARK", "/api/v3")}


def call(*words: object) -> Result:
    return CliRunner().invoke(cli, [*map(str, words)], obj=State(), standalone_mode=False)


def film(folder: Path, route: str) -> Path:
    folder.mkdir(exist_ok=True)
    Image.new("RGB", (640, 480), (200, 90, 20)).save(folder / "hero.png")
    (folder / "film.yaml").write_text(FILM.format(route=route))
    return folder / "film.yaml"


def account(monkeypatch: pytest.MonkeyPatch, route: str, base_url: str) -> None:
    name, path = NAMES[route]
    monkeypatch.setenv(f"{name}_BASE_URL", f"{base_url}{path}")
    monkeypatch.setenv(f"{name}_API_KEY", KEY)


def replayed(path: Path) -> AbstractContextManager[str]:
    return beside(replay.serve(replay.load(path)))


def states(film: Path) -> dict[str, list[tuple[str | None, str]]]:
    lock = store.read(film.with_suffix(".lock"), film.name)
    return {
        job: [(record.task_id, record.state.value) for record in entry.tasks]
        for job, entry in lock.entries.items()
    }


def looks_of(path: Path) -> tuple[int, int, int, bool]:
    """Return width, height, seconds and whether there is sound."""
    found = probe(path)
    return found.width, found.height, round(found.duration_s), found.has_sound


@pytest.mark.parametrize("route", ["modellix", "byteplus"])
def test_what_a_provider_said_is_kept_without_what_opens_something_and_plays_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    first, again = film(tmp_path / "first", route), film(tmp_path / "again", route)
    record = tmp_path / "record.jsonl"
    with simulator(SimSettings(key=KEY, speed=600)) as base_url:
        account(monkeypatch, route, base_url)
        code = call("run", first, "--record", record).return_value
    with replayed(record) as base_url:
        account(monkeypatch, route, base_url)
        code_again = call("run", again).return_value

    text = record.read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    submits = [row for row in rows if row["method"] == "POST" and "sent" in row]
    assert KEY not in text
    assert "Signature=" not in text
    assert route != "modellix" or any("base64,…" in str(row.get("sent")) for row in rows)
    assert len(submits) == 2
    assert {row["status"] for row in submits} >= {200}
    assert all(row["headers"].get("date") for row in rows)
    assert record.stat().st_mode & 0o077 == 0
    assert (code, states(again)) == (code_again, states(first))
    assert (again.parent / "renders/good.mp4").stat().st_size > 10_000


@pytest.mark.parametrize("route", ["modellix", "byteplus"])
def test_what_stands_in_for_a_clip_has_its_size_length_and_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    for name in ("first", "again"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "film.yaml").write_text(SHAPES.format(route=route))
    record = tmp_path / "record.jsonl"
    with simulator(SimSettings(key=KEY, speed=600)) as base_url:
        account(monkeypatch, route, base_url)
        code = call("run", tmp_path / "first/film.yaml", "--record", record).return_value
    with replayed(record) as base_url:
        account(monkeypatch, route, base_url)
        again = call("run", tmp_path / "again/film.yaml").return_value

    found = [
        {path.name: looks_of(path) for path in (tmp_path / name / "renders").rglob("*.mp4")}
        for name in ("first", "again")
    ]
    assert (code, again) == (0, 0)
    assert found[0] == found[1]
    assert {seconds for _, _, seconds, _ in found[0].values()} >= {4, 5, 6}


def test_a_recording_is_not_put_where_git_would_commit_it_nor_over_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = film(tmp_path, "modellix")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, env=IDENTITY, check=True)  # noqa: S607
    (tmp_path / ".gitignore").write_text("ignored.jsonl\n")
    (tmp_path / "there.jsonl").write_text("mine")
    with simulator(SimSettings(key=KEY, speed=600)) as base_url:
        account(monkeypatch, "modellix", base_url)
        kept = call("run", path, "good", "--record", tmp_path / "kept.jsonl")
        there = call("run", path, "--record-in-git", "--record", tmp_path / "there.jsonl")
        nowhere = call("run", path, "--record", "/proc/no/file.jsonl")
        fine = call("run", path, "good", "--record", tmp_path / "ignored.jsonl")
        said = call("run", path, "--record-in-git", "--record", tmp_path / "kept.jsonl")

    for refused, words in ((kept, "--record-in-git"), (there, "is there"), (nowhere, "cannot be")):
        assert isinstance(refused.exception, click.UsageError)
        assert words in str(refused.exception)
    assert (tmp_path / "there.jsonl").read_text() == "mine"
    assert (fine.return_value, said.return_value) == (0, 4)
    assert (tmp_path / "kept.jsonl").exists()


@pytest.mark.parametrize("name", ["film.lock", "film.lock.journal"])
def test_a_recording_is_put_into_no_file_of_the_project(tmp_path: Path, name: str) -> None:
    path = film(tmp_path, "modellix")

    done = call("run", path, "--record", tmp_path / name)

    assert isinstance(done.exception, click.UsageError)
    assert not (tmp_path / name).exists()


def test_nothing_of_the_simulator_is_recorded(tmp_path: Path) -> None:
    done = call("run", film(tmp_path, "sim"), "--record", tmp_path / "record.jsonl")

    assert isinstance(done.exception, click.UsageError)
    assert not (tmp_path / "record.jsonl").exists()


@pytest.mark.parametrize("text", ["no json", "[1]\n", '{"method": "GET"}\n', "[" * 9999, "\xff"])
def test_what_is_no_recording_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "record.jsonl").write_bytes(text.encode("latin-1"))

    done = call("sim", "--replay", tmp_path / "record.jsonl", "--port", "0")

    assert isinstance(done.exception, ConfigError)
    assert "is no recording of `seedrender run --record`" in str(done.exception)


def test_an_empty_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "record.jsonl").write_text("\n")

    done = call("sim", "--replay", tmp_path / "record.jsonl", "--port", "0")

    assert isinstance(done.exception, ConfigError)
    assert "nothing was recorded in it" in str(done.exception)


def test_a_lost_answer_is_recorded_and_lost_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[str] = []
    Recorder(rows.append).lost(("POST", "/api/v1/x", {"prompt": "A kite."}), "ServerDisconnected")
    path = film(tmp_path / "film", "modellix")
    path.write_text(path.read_text().replace(" over {{ ref.hero }}", ""))
    (tmp_path / "record.jsonl").write_text(
        rows[0].replace("/api/v1/x", "/api/v1/bytedance/seedance-2.0-fast-t2v")
    )
    with replayed(tmp_path / "record.jsonl") as base_url:
        account(monkeypatch, "modellix", base_url)
        done = call("run", path, "good", "--no-preflight")

    assert (done.return_value, states(path)) == (6, {"good": [(None, "unknown")]})


def test_a_key_within_an_address_is_in_no_recording() -> None:
    rows: list[str] = []
    recorder = Recorder(rows.append)
    recorder.hide(KEY)
    answer = Answer(status=200, body={"url": f"https://cdn.example/{KEY}/a.mp4"})

    recorder.answered(("GET", "/api/v1/tasks/t", None), answer, {})

    assert KEY not in rows[0]
    assert json.loads(rows[0])["status"] == 200


def test_a_recording_into_our_own_folder_makes_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, record = film(tmp_path, "modellix"), tmp_path / ".seedrender/record.jsonl"
    with simulator(SimSettings(speed=600, key=KEY)) as base_url:
        account(monkeypatch, "modellix", base_url)
        call("run", path, "good", "--record", record)

    assert '"path": ' in record.read_text()
    assert (tmp_path / ".seedrender/.gitignore").read_text() == "*\n"


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with simulator(SimSettings(key=KEY)) as base_url:
        port = base_url.rpartition(":")[2]
        done = call("sim", "--port", port, "--folder", tmp_path / "world")

    assert isinstance(done.exception, click.UsageError)
    assert f"port {port} is in use" in str(done.exception)


def test_a_pipe_in_place_of_a_recording_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "record.jsonl")

    done = call("sim", "--replay", tmp_path / "record.jsonl", "--port", "0")

    assert isinstance(done.exception, ConfigError)
    assert "is no file" in str(done.exception)
