from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.errors import BugError, ProviderError
from seedrender.plan.outcome import Exit
from seedrender.run import bugs
from seedrender.run.bugs import bug, with_bugs, without_secrets


def raised(error: Exception) -> Exception:
    try:
        raise error  # noqa: TRY301 - so that it has a place
    except Exception as caught:  # noqa: BLE001 - that is what is wanted
        return caught


def kept(folder: Path) -> str:
    (path,) = (folder / ".seedrender").glob("bug-*.txt")
    return path.read_text("utf-8")


def test_a_bug_is_one_line_and_its_traceback_is_in_a_file_of_ours_alone(tmp_path: Path) -> None:
    found = bug(raised(ValueError("no such state\nat all \x1b[2J \ud83d")), tmp_path, where="spin")

    assert str(found).startswith("spin: an exception that seedrender does not expect: ValueError: ")
    assert re.search(r"\(test_bugs\.py:\d+\); its traceback is in .*/\.seedrender/bug-", str(found))
    assert str(found).isprintable()
    assert "raise error" in kept(tmp_path)
    (path,) = (tmp_path / ".seedrender").glob("bug-*.txt")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (tmp_path / ".seedrender/.gitignore").read_text() == "*\n"


def test_no_key_and_no_signature_comes_into_the_words_or_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODD_ROUTE_API_KEY", "planted-8c1f")
    error = ValueError("GET https://u:pw@h.example/a.mp4?sig=SECRET: Bearer planted-8c1f")

    words = str(bug(raised(error), tmp_path))

    for text in (words, kept(tmp_path)):
        assert "https://h.example/a.mp4 Bearer $ODD_ROUTE_API_KEY" in text
        assert not re.search(r"SECRET|u:pw|planted", text)


@given(st.text(), st.text("abc/?#&=%", min_size=1))
def test_a_signature_never_survives(words: str, path: str) -> None:
    text = f"{words} https://h.example/{path}?X-Signature=planted8c1f {words}"

    assert "planted8c1f" not in without_secrets(text, {})


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_an_error_that_has_no_words_is_named_by_its_type(tmp_path: Path) -> None:
    found = bug(raised(MuteError()), tmp_path)

    assert "does not expect: MuteError (" in str(found)


def test_a_link_in_place_of_our_own_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "film/.seedrender").mkdir(parents=True)
    (tmp_path / "film/.seedrender/.gitignore").symlink_to(tmp_path / "elsewhere")

    bug(raised(ValueError("x")), tmp_path / "film")

    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_a_link_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere, temporary = tmp_path / "elsewhere", tmp_path / "tmp"
    elsewhere.mkdir()
    temporary.mkdir()
    monkeypatch.setattr("seedrender.run.bugs.tempfile.gettempdir", lambda: str(temporary))
    (tmp_path / ".seedrender").symlink_to(elsewhere)

    words = str(bug(raised(ValueError("x")), tmp_path))

    assert list(elsewhere.iterdir()) == []
    assert str(next(temporary.iterdir())) in words


def test_where_nothing_can_be_written_the_line_is_said_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere() -> str:
        raise FileNotFoundError("no usable temporary folder")

    monkeypatch.setattr("seedrender.run.bugs.tempfile.gettempdir", nowhere)
    (tmp_path / ".seedrender").write_text("a file")

    words = str(bug(raised(ValueError("x")), tmp_path))

    assert "ValueError: x (test_bugs.py:" in words
    assert "could not be written" in words


def test_a_thousand_bugs_make_one_file_of_bounded_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bugs, "_MOST_BYTES", 5000)

    for _ in range(100):
        bug(raised(ValueError("x" * 10_000)), tmp_path)

    (path,) = (tmp_path / ".seedrender").glob("bug-*.txt")
    assert path.stat().st_size == 5000


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        (Exit.DONE, 1),
        (Exit.FAILED, 1),
        (Exit.UNFINISHED, 1),
        (Exit.UNDECIDED, 6),
        (Exit.OVER_BUDGET, 7),
    ],
)
def test_a_bug_outweighs_what_is_left_over_but_no_decision(code: Exit, ends: int) -> None:
    assert with_bugs(code, [ProviderError("down"), BugError("odd")]) == ends
    assert with_bugs(code, [ProviderError("down")]) == code


def test_nobody_else_can_prepare_the_file(tmp_path: Path) -> None:
    (tmp_path / ".seedrender").mkdir()
    target = tmp_path / "target"
    target.write_text("mine")
    (tmp_path / ".seedrender" / bugs._name()).symlink_to(target)

    bug(raised(ValueError("x")), tmp_path)

    assert target.read_text() == "mine"
