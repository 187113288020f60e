"""`doctor`, as it is called."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from seedrender.errors import ConfigError
from seedrender.run import doctor_folder, doctor_machine
from seedrender.run.doctor import Grade
from seedrender.sim.app import SimSettings
from tests.cli.test_promise import edit, seedrender
from tests.served import KEY, account, ledger, simulator

FILM = """\
seedrender: 1
name: film
defaults: {tier: fast, resolution: 480p}
shots: {opener: {prompt: A kite., duration: 4}}
"""

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "film.yaml").write_text(FILM)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def looked(*words: str, code: int = 0) -> dict[str, dict[str, Any]]:
    found = json.loads(seedrender("doctor", *words, "--json", code=code))
    assert found["exit_code"] == code
    return {row["check"]: row for row in found["checks"]}


def git(folder: Path, *words: str) -> None:
    subprocess.run([shutil.which("git") or "git", *words], cwd=folder, check=True)


def test_one_line_is_said_of_everything() -> None:
    lines = seedrender("doctor", "film.yaml").splitlines()

    assert lines[1].startswith("ok    python")
    assert [line.split()[1] for line in lines[1:]] == [
        *("python", "packages", "video", "git", "proxy"),
        *("manifest", "lockfile", "journal", "repository", "disk"),
        "account",
    ]


def test_without_a_manifest_only_the_machine_and_the_route_that_is_named_are_looked_at() -> None:
    assert list(looked()) == ["python", "packages", "video", "git", "proxy"]
    assert "account" in looked("--provider", "sim")


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        pytest.param({}, "none: HTTPS_PROXY is not set", id="without one"),
        pytest.param({"HTTPS_PROXY": "http://me:word@office:8"}, "office:8", id="with one"),
        pytest.param(
            {"HTTPS_PROXY": "office:8", "NO_PROXY": "*"}, "none: NO_PROXY is *", id="for nothing"
        ),
        pytest.param(
            {"HTTPS_PROXY": "office:8", "NO_PROXY": "lan"}, "office:8, but for lan", id="not all"
        ),
    ],
)
def test_the_proxy_of_the_environment_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], words: str
) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert looked()["proxy"]["found"] == words


def test_a_memory_that_cannot_be_read_must_be_mended(folder: Path) -> None:
    (folder / ".seedrender").mkdir()
    (folder / ".seedrender/film.lock").write_text("what is this?")

    found = looked("film.yaml", code=2)

    assert found["memory"]["grade"] == "fail"
    assert "lock repair" in found["memory"]["found"]


def test_a_paid_route_without_its_key_must_be_mended() -> None:
    found = looked("film.yaml", "--provider", "modellix", code=2)

    assert found["key"]["grade"] == "fail"
    assert found["key"]["advice"] == "export MODELLIX_API_KEY=…"


def test_the_credit_is_compared_with_the_plan_and_nothing_is_bought(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with simulator(SimSettings(speed=600, key=KEY)) as base_url:
        account(monkeypatch, base_url)
        found = looked("film.yaml", "--provider", "modellix")
        asked = ledger(base_url)

    assert found["credit"]["found"] == "1000.00 USD, and the plan costs 0.276 USD"
    assert asked == {"validate": 1, "balance": 1, "models": 1}


def test_a_manifest_with_mistakes_must_be_mended(folder: Path) -> None:
    edit(folder, "480p", "481p")

    found = looked("film.yaml", code=2)

    assert found["manifest"]["found"].startswith("1 mistake, the first: film.yaml:3:")


def test_a_route_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ConfigError, match="did you mean 'modellix'"):
        looked("film.yaml", "--provider", "modelix", code=2)


def test_a_damaged_lockfile_must_be_mended(folder: Path) -> None:
    (folder / "film.lock").write_text("{]\n")

    assert looked("film.yaml", code=2)["lockfile"]["grade"] == "fail"


def test_what_waits_to_be_collected_and_what_a_run_left_behind_is_said(folder: Path) -> None:
    seedrender("run", "film.yaml", "--no-wait", code=5)
    (folder / "film.lock.journal").write_text("")

    found = looked("film.yaml")

    assert found["lockfile"]["found"] == "film.lock, entries: 1, tasks to be collected: 1"
    assert found["journal"]["grade"] == "warn"


@needs_git
def test_how_git_merges_the_lockfile_is_looked_at(folder: Path) -> None:
    git(folder, "init", "-q")
    bare = looked("film.yaml")
    (folder / ".gitattributes").write_text("*.lock merge=union\n")
    (folder / ".gitignore").write_text("*.lock.journal\n")
    right = looked("film.yaml")
    (folder / ".gitattributes").write_text("*.lock merge=seedrender\n")
    half = looked("film.yaml", code=2)
    git(folder, "config", "merge.seedrender.driver", "no-such-program --driver %O %A %B")
    lost = looked("film.yaml", code=2)
    git(folder, "config", "merge.seedrender.driver", f'"{sys.executable}" -m seedrender %A')
    whole = looked("film.yaml")
    (folder / ".gitattributes").write_text("*.lock merge=union binary\n")
    forbidden = looked("film.yaml")

    assert [bare[name]["grade"] for name in ("merging", "ignoring")] == ["warn", "warn"]
    assert [right[name]["grade"] for name in ("merging", "ignoring")] == ["ok", "ok"]
    assert half["merging"]["advice"].startswith("git config merge.seedrender.driver")
    assert whole["merging"]["found"] == "film.lock is merged by the driver seedrender"
    assert lost["merging"]["found"].endswith("by no-such-program, which is not on the PATH")
    assert forbidden["merging"]["found"] == "git would leave one side alone in film.lock"


def test_little_room_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def free(size: int) -> Grade:
        usage = shutil.disk_usage(folder)._replace(free=size)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
        return doctor_folder._room(folder, "renders").grade

    assert [free(size) for size in (2**40, 2**30, 2**20)] == [Grade.OK, Grade.WARN, Grade.FAIL]


def test_a_bucket_without_keys_must_be_mended(folder: Path) -> None:
    edit(folder, "name: film\n", "name: film\nhosting: {s3: {bucket: clips}}\n")

    assert looked("film.yaml", code=2)["hosting"]["grade"] == "fail"


def test_a_library_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        metadata, "requires", lambda _: ["av>=14", "no-such-thing>=1", "x; extra == 's3'"]
    )

    found = doctor_machine._packages()

    assert (found.grade, found.advice) == (Grade.FAIL, "pip install no-such-thing")


def test_a_checkout_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_: str) -> list[str]:
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "requires", nothing)

    assert doctor_machine._packages().grade is Grade.WARN


def test_a_codec_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_machine, "_CODECS", ("libx264", "no-such-codec"))

    found = doctor_machine._video()

    assert found.grade is Grade.FAIL
    assert found.found.endswith("without no-such-codec")


def test_a_machine_without_git_is_warned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)

    assert doctor_machine._git().grade is Grade.WARN


def test_a_proxy_that_is_not_understood_costs_no_other_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with simulator(SimSettings(speed=600, key=KEY)) as base_url:
        account(monkeypatch, base_url)
        monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")
        found = looked("film.yaml", "--provider", "modellix", code=2)

    assert found["proxy"]["grade"] == found["account"]["grade"] == "fail"
    assert found["manifest"]["grade"] == "ok"


@needs_git
def test_a_lockfile_that_git_ignores_is_said(folder: Path) -> None:
    git(folder, "init", "-q")
    (folder / ".gitignore").write_text("*.lock\n")

    found = looked("film.yaml")

    assert found["merging"]["found"] == "git ignores film.lock"
    assert found["merging"]["grade"] == "warn"


@needs_git
def test_a_repository_that_git_does_not_read_is_not_said_to_be_none(folder: Path) -> None:
    git(folder, "init", "-q")
    (folder / ".git/HEAD").write_text("broken\n")

    found = looked("film.yaml")

    assert found["repository"]["grade"] == "warn"
    assert "git: " in found["repository"]["found"]
