from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seedrender import __version__
from seedrender.__main__ import main
from seedrender.cli.main import main as call

FILM = "seedrender: 1\nname: film\nshots: {opener: {prompt: A kite., duration: 4}}\n"


def seedrender(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "seedrender", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", **environment} if environment else None,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "film.yaml").write_text(FILM)
    return tmp_path


def test_the_version_is_printed(folder: Path) -> None:
    assert seedrender(folder, "--version").stdout == f"seedrender {__version__}\n"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(["check", "film.yaml"], 0, id="right"),
        pytest.param(["check", "other.yaml"], 2, id="no file"),
        pytest.param(["paint"], 2, id="no command"),
        pytest.param(["run", "--fast", "film.yaml"], 2, id="no option"),
        pytest.param(["plan", "film.yaml", "zzz"], 2, id="no job"),
        pytest.param(["plan", "film.yaml", "--check"], 8, id="pending"),
        pytest.param(["status", "film.yaml"], 0, id="nothing known"),
    ],
)
def test_exit_codes(folder: Path, words: list[str], code: int) -> None:
    assert seedrender(folder, *words).returncode == code


@pytest.mark.parametrize(
    ("word", "said"), [("chek", "'chek'. Did you mean 'check'?"), ("qqq", "'qqq'.\n")]
)
def test_a_command_that_is_misspelt_is_told_the_closest_one(
    folder: Path, word: str, said: str
) -> None:
    assert f"No such command {said}" in seedrender(folder, word, "film.yaml").stderr


def test_ctrl_c_while_modules_are_loaded_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Interrupts:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "seedrender.cli.main":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "seedrender.cli.main", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupts(), *sys.meta_path])

    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 130


def test_a_plugin_that_would_end_the_program_is_a_bug(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def leaves(*_: object, **__: object) -> None:
        raise SystemExit(0)

    monkeypatch.setattr("seedrender.run.project.load", leaves)

    with pytest.raises(SystemExit) as caught:
        call(["check", str(folder / "film.yaml")])

    assert caught.value.code == 1
    assert "an exception that seedrender does not expect: SystemExit" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["check", "plan", "run", "status"])
def test_a_link_to_a_manifest_is_refused_for_its_lockfile_would_be_another(
    folder: Path, name: str
) -> None:
    (folder / "sub").mkdir()
    (folder / "sub/film.yaml").symlink_to("../film.yaml")

    done = seedrender(folder, name, "sub/film.yaml")

    assert done.returncode == 2
    assert "is a link to ../film.yaml: name the file itself" in done.stderr.replace("\n", " ")
    assert not (folder / "sub/film.lock").exists()


@pytest.mark.parametrize(
    "name", ["film.lock", "film.lock.journal", ".seedrender/film.lock", ".seedrender/outputs.json"]
)
def test_a_pipe_in_the_place_of_a_file_of_ours_is_not_waited_for(folder: Path, name: str) -> None:
    (folder / ".seedrender").mkdir()
    os.mkfifo(folder / name)

    done = seedrender(folder, "plan", "film.yaml")

    assert done.returncode == (0 if name.startswith(".seedrender") else 3), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["check", "expand", "plan", "run", "status", "report"])
def test_json_is_one_document_also_for_errors(folder: Path, name: str) -> None:
    (folder / "film.yaml").write_text(FILM.replace("prompt", "promt"))
    (folder / "film.lock").write_text("no lock")

    done = seedrender(folder, name, "film.yaml", "--json")
    found = json.loads(done.stdout)

    assert found["exit_code"] == done.returncode == (3 if name == "status" else 2)
    if name != "status":
        assert found["violations"][0]["hint"] == "did you mean 'prompt'?"
        assert (found["violations"][0]["line"], found["violations"][0]["column"]) == (3, 18)


def test_a_new_project_is_right_and_is_never_overwritten(tmp_path: Path) -> None:
    first = seedrender(tmp_path, "init", "my film")
    check = seedrender(tmp_path, "check", "my film/film.yaml")
    again = seedrender(tmp_path, "init", "my film")

    assert (first.returncode, check.returncode, again.returncode) == (0, 0, 2)
    assert "*.lock merge=union" in (tmp_path / "my film/.gitattributes").read_text()


@pytest.mark.parametrize(
    "name", ["film.yaml", ".gitignore", ".gitattributes", "manifest.v1.schema.json"]
)
def test_a_new_project_is_not_written_through_links(tmp_path: Path, name: str) -> None:
    (tmp_path / "clone").mkdir()
    (tmp_path / "clone" / name).symlink_to(tmp_path / "elsewhere")

    seedrender(tmp_path / "clone", "init")

    assert not (tmp_path / "elsewhere").exists()


def test_the_schema_is_printed(tmp_path: Path) -> None:
    schema = json.loads(seedrender(tmp_path, "schema").stdout)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_expand_prints_what_would_be_sent_without_signatures(folder: Path) -> None:
    (folder / "film.yaml").write_text(
        FILM + "references: {a: {image: 'https://h.example/a.png?X-Amz-Signature=secret'}}\n"
        "chains: {fly: {prompt: '{{ ref.a }} flies.', duration: 20}}\n"
    )

    found = json.loads(seedrender(folder, "expand", "film.yaml", "fly/02", "--json").stdout)

    body = found["jobs"][1]["body"]
    assert body["video_urls"] == ["clip of fly/01"]
    assert body["reference_images"] == ["https://h.example/a.png"]
    assert body["prompt"] == "Continue [Video 1] without a cut. [Image 1] flies."


def test_completion_is_as_click_gives_it(tmp_path: Path) -> None:
    done = seedrender(tmp_path, _SEEDRENDER_COMPLETE="zsh_source")

    assert "compdef _seedrender_completion seedrender" in done.stdout


@pytest.mark.parametrize("path", ["../../../../dev/zero", "../../../../etc/passwd", "rows"])
def test_rows_are_read_from_inside_the_repository_only(folder: Path, path: str) -> None:
    (folder / "rows").mkdir()
    (folder / "film.yaml").write_text(FILM.replace("duration: 4", f"foreach: {path}"))

    done = seedrender(folder, "check", "film.yaml")

    assert done.returncode == 2
    assert "root:" not in done.stderr


@pytest.mark.parametrize("words", [["expand", "--json"], ["expand"], ["check", "--json"]])
def test_a_reader_that_has_seen_enough_is_no_failure(tmp_path: Path, words: list[str]) -> None:
    shots = "".join(f"  s{n}: {{prompt: A kite number {n}., duration: 4}}\n" for n in range(2000))
    (tmp_path / "film.yaml").write_text(f"seedrender: 1\nname: film\nshots:\n{shots}")
    with subprocess.Popen(
        [sys.executable, "-m", "seedrender", *words, "film.yaml"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        said = process.stderr.read().decode()

    assert (process.wait(), "rror" in said, "Traceback" in said) == (0, False, False)


def test_a_run_whose_reader_has_gone_collects_what_it_bought(folder: Path) -> None:
    shots = "".join(f"  s{n}: {{prompt: A kite number {n}., duration: 4}}\n" for n in range(6))
    (folder / "film.yaml").write_text(f"seedrender: 1\nname: film\nshots:\n{shots}")
    run = [sys.executable, "-m", "seedrender", "run", "film.yaml", "--sim-speed", "600"]
    with subprocess.Popen(
        run, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        process.stdout.close()

    assert process.returncode == 0
    assert seedrender(folder, "plan", "film.yaml", "--check").returncode == 0


def test_modules_of_the_folder_that_it_stands_in_are_not_run(tmp_path: Path) -> None:
    for name in ("yaml", "click", "aiohttp", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('pwned')\n")
    (tmp_path / "film.yaml").write_text("seedrender: 1\nname: film\nshots: {a: {prompt: x}}\n")

    done = subprocess.run(
        [sys.executable, "-m", "seedrender", "check", "film.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, "pwned" in done.stderr) == (0, False), done.stderr
