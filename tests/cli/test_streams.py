"""Whatever becomes of standard output and error: no traceback, and the work is done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from seedrender.cli.console import columns, table
from seedrender.cli.output.streams import SafeStream, _visible
from seedrender.errors import printable

FILM = "seedrender: 1\nname: film\nshots: {opener: {prompt: 猫 in the rain., duration: 4}}\n"
SEEDRENDER = f"{sys.executable} -m seedrender"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "film.yaml").write_text(FILM, "utf-8")
    return tmp_path


def shell(folder: Path, words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = words.replace("RUN", f"{SEEDRENDER} run film.yaml --sim-speed 600")
    return subprocess.run(
        ["/bin/bash", "-c", command.replace("SEEDRENDER", SEEDRENDER)],
        cwd=folder,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize(
    "words",
    [
        "RUN 2>/dev/full",
        "RUN >/dev/full",
        "RUN >/dev/full 2>&1",
        "RUN 2>&-",
        "RUN >&-",
        "RUN <&- >&- 2>&-",
        "set -o pipefail; RUN 2>&1 | head -1",
        "RUN --events /dev/full",
        "RUN --log-file /dev/full --log-level debug",
        "RUN --events - >/dev/full",
        "umask 777; RUN",
        "ulimit -n 20; RUN",
        "TMPDIR=/nonexistent RUN",
        f"mkdir {'t' * 120}; TMPDIR=$PWD/{'t' * 120} RUN",
        "PYTHONIOENCODING=ascii RUN",
        "LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 RUN",
    ],
)
def test_a_run_ends_with_the_code_of_its_work(folder: Path, words: str) -> None:
    done = shell(folder, words)

    lock = folder / "film.lock"
    lock.chmod(0o644)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"done"' in lock.read_text("utf-8")
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "words", ["check", "plan", "plan --json", "expand", "expand --json", "status"]
)
def test_a_command_whose_output_is_lost_on_a_full_disk_says_so(folder: Path, words: str) -> None:
    name, *options = words.split()

    done = shell(folder, f"SEEDRENDER {name} film.yaml {' '.join(options)} > /dev/full")

    assert done.returncode == 4
    assert done.stderr == (
        "standard output: No space left on device; what the command has to say is not complete\n"
    )


@pytest.mark.parametrize("redirect", [">&-", "2>&-", "<&- >&- 2>&-", "2>/dev/full"])
@pytest.mark.parametrize("words", ["plan --check", "expand --json", "plan zzz", "schema"])
def test_a_stream_that_nobody_reads_changes_no_exit_code(
    folder: Path, words: str, redirect: str
) -> None:
    name, *options = words.split()
    command = f"SEEDRENDER {name} {'film.yaml' if name != 'schema' else ''} {' '.join(options)}"

    whole, part = shell(folder, command), shell(folder, f"{command} {redirect}")

    assert part.returncode == whole.returncode
    assert "Traceback" not in part.stdout + part.stderr


def test_a_reader_that_has_gone_takes_no_exit_code_with_it(folder: Path) -> None:
    done = shell(folder, "set -o pipefail; SEEDRENDER plan film.yaml --check | true")

    assert (done.returncode, done.stderr) == (8, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8", "shift_jis"])
@pytest.mark.parametrize("words", ["expand --json", "plan --json", "expand"])
def test_json_says_the_same_in_every_encoding(folder: Path, words: str, encoding: str) -> None:
    name, *options = words.split()

    done = shell(
        folder, f"SEEDRENDER {name} film.yaml {' '.join(options)}", PYTHONIOENCODING=encoding
    )

    assert done.returncode == 0, done.stderr
    if options and encoding != "shift_jis":
        assert json.loads(done.stdout)["jobs"][0]["job"] == "opener"
    if words == "expand":
        (row,) = yaml.safe_load(done.stdout)["jobs"]
        assert row["body"]["prompt"] == "猫 in the rain."
    if words == "expand --json" and encoding != "shift_jis":
        assert "猫 in the rain." in json.dumps(json.loads(done.stdout), ensure_ascii=False)


def events(text: str) -> list[str]:
    return [json.loads(line)["event"] for line in text.splitlines()]


def test_events_on_standard_output_are_alone_there(folder: Path) -> None:
    done = shell(folder, "RUN --events -")

    names = events(done.stdout)
    assert (names[0], names[-2:]) == ("started", ["done", "ended"])
    assert "1 current. Lockfile: film.lock" in done.stderr


def test_events_of_each_run_stand_behind_one_another_in_a_file(folder: Path) -> None:
    first, second = (shell(folder, "RUN --events ev.jsonl") for _ in range(2))

    names = events((folder / "ev.jsonl").read_text())
    assert (first.returncode, second.returncode) == (0, 0)
    assert (names[0], names[-2:]) == ("started", ["started", "ended"])


def test_events_of_a_run_that_ends_in_an_error_say_so(folder: Path) -> None:
    (folder / "film.yaml").write_text(FILM.replace("name: film", "name: film\nprovider: modellix"))

    done = shell(folder, "RUN --events ev.jsonl", MODELLIX_API_KEY="")

    last = json.loads((folder / "ev.jsonl").read_text().splitlines()[-1])
    assert (done.returncode, last["event"], last["exit_code"]) == (2, "ended", 2)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--events - --json", "both want standard output"),
        ("--events film.yaml", "is a file of the project"),
        ("--events film.lock", "is a file of the project"),
        ("--log-file no/folder/log", "cannot be written"),
        ("--events ev.jsonl --log-file no/folder/log", "cannot be written"),
        ("--log-level loud", "loud"),
    ],
)
def test_where_nothing_can_be_told_nothing_is_sent(folder: Path, options: str, words: str) -> None:
    done = shell(folder, f"RUN {options}")

    assert done.returncode == 2
    assert words in done.stderr + done.stdout
    assert not (folder / "film.lock").exists()


def test_what_could_not_be_told_is_said_at_the_end(folder: Path) -> None:
    words = "Not everything was told: standard error: No space left on device."

    plain = shell(folder, "RUN 2>/dev/full")
    (folder / "film.lock").unlink()
    as_json = shell(folder, "RUN --json --events /dev/full")

    assert words in plain.stdout
    assert json.loads(as_json.stdout)["troubles"] == ["/dev/full: No space left on device"]


def test_a_log_has_the_events_and_levels(folder: Path) -> None:
    shell(folder, "RUN --log-file log.txt")

    lines = (folder / "log.txt").read_text().splitlines()
    assert any(line.endswith("opener  done  renders/opener.mp4") for line in lines)
    assert {line.split()[1] for line in lines} == {"INFO"}


def test_an_exception_that_nobody_foresaw_is_one_line_and_a_file(folder: Path) -> None:
    broken = (
        "import seedrender.run.project as p, seedrender.cli.main as m\n"
        "def load(*a, **k): raise {error}\n"
        "p.load = load\n"
        "m.main(['plan', 'film.yaml'{more}])\n"
    )
    for error in (
        "ValueError('odd')",
        "RecursionError()",
        "MemoryError()",
        "EOFError()",
        "BrokenPipeError(32, 'x')",
        "__import__('asyncio').CancelledError()",
    ):
        (folder / "broken.py").write_text(broken.replace("{error}", error).replace("{more}", ""))

        done = shell(folder, f"{sys.executable} broken.py")

        assert done.returncode == 1, error
        assert len(done.stderr.splitlines()) == 1
        assert error.split("(")[0] in done.stderr or "Cancelled" in done.stderr
        assert "traceback is in .seedrender/bug-" in done.stderr
    (folder / "broken.py").write_text(
        broken.replace("{error}", "ValueError('odd')").replace("{more}", ", '--json'")
    )
    document = json.loads(shell(folder, f"{sys.executable} broken.py").stdout)
    assert (document["exit_code"], document["error"]) == (1, "BugError")


@given(st.text())
def test_a_terminal_gets_nothing_that_it_would_obey(text: str) -> None:
    shown = _visible(text)

    assert all(sign in "\n\t" or printable(sign) == sign for sign in shown)
    assert shown == text or not text.isprintable()


@given(st.text())
def test_no_text_makes_a_safe_stream_raise(text: str) -> None:
    with Path("/dev/full").open("w", encoding="ascii") as full:
        stream = SafeStream(full)

        assert stream.write(text) == len(text)
        assert stream.trouble in ("", "No space left on device")


def test_columns_stand_below_one_another_also_in_chinese() -> None:
    printed = table(("job", "state"), [("猫", "done"), ("a-long-one", "failed")])

    starts = [
        columns(line[: line.index(word)])
        for line, word in zip(printed.split("\n"), ("state", "done", "failed"), strict=True)
    ]
    assert starts == [12, 12, 12]
