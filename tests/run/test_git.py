"""Git is asked, and not waited for without end."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from seedrender.errors import ConfigError
from seedrender.run import git


def test_git_that_waits_for_a_pipe_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)  # noqa: S607
    os.mkfifo(tmp_path / ".gitattributes")
    monkeypatch.setattr(git, "_WAIT_S", 0.2)

    with pytest.raises(ConfigError, match=r"^git has not answered within .* a pipe\?\)"):
        git.asked(tmp_path, "check-attr", "merge", "--", "film.lock")


def test_where_git_does_not_answer_it_would_keep_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)  # noqa: S607
    (tmp_path / ".git/info").mkdir(exist_ok=True)
    (tmp_path / ".git/info/exclude").write_text("record.jsonl\n")
    assert not git.would_keep(tmp_path / "record.jsonl")
    os.mkfifo(tmp_path / ".gitignore")
    monkeypatch.setattr(git, "_WAIT_S", 0.2)

    assert git.would_keep(tmp_path / "record.jsonl")


def test_a_file_in_an_ignored_folder_that_is_still_to_come_would_not_be_kept(
    tmp_path: Path,
) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)  # noqa: S607
    (tmp_path / ".gitignore").write_text(".seedrender/\n")

    assert not git.would_keep(tmp_path / ".seedrender/more/record.jsonl")
    assert git.would_keep(tmp_path / "more/record.jsonl")
