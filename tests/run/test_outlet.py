from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedrender.errors import ConfigError
from seedrender.run import outlet
from seedrender.run.outlet import Outlet, Sink, open_file

ENCODINGS = ["utf-8", "ascii", "latin-1", "cp1252", "shift_jis", "gb18030", "koi8-r"]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for descriptor in (read, write):
        try:
            os.close(descriptor)
        except OSError:
            continue


@given(st.text(), st.sampled_from(ENCODINGS))
def test_any_text_can_be_written_in_any_encoding(text: str, encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, newline="")

    Sink(stream).write(text)

    assert raw.getvalue() == text.encode(encoding, "backslashreplace")


def test_an_encoding_that_nobody_knows_is_utf_8() -> None:
    class Odd(io.StringIO):
        encoding = "klingon"

    assert Sink(Odd()).encoding == "utf-8"


def test_text_comes_out_in_order(pipe: tuple[int, int]) -> None:
    out = Outlet(pipe[1], is_owned=True)

    for number in range(100):
        out.write(f"{number}\n")
    trouble = out.finish()

    with os.fdopen(pipe[0], encoding="utf-8", closefd=False) as read:
        assert [int(line) for line in read] == list(range(100))
    assert trouble == ""


@pytest.mark.parametrize("mode", ["full", "no reader", "closed"])
def test_a_stream_that_fails_raises_nothing_and_says_why(mode: str, pipe: tuple[int, int]) -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY) if mode == "full" else os.dup(pipe[1])
    out = Outlet(descriptor)
    if mode == "no reader":
        os.close(pipe[0])
    if mode == "closed":
        os.close(descriptor)

    for _ in range(3):
        out.write("paid\n")
    trouble = out.finish()
    out.write("later\n")

    words = {"full": "No space left", "no reader": "Broken pipe", "closed": "Bad file"}
    assert trouble.startswith(words[mode])
    if mode != "closed":
        os.close(descriptor)


def test_a_reader_who_stops_reading_holds_nobody_up(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlet, "_ROOM", 1 << 18)
    monkeypatch.setattr(outlet, "_PATIENCE_S", 0.2)
    out = Outlet(pipe[1])

    began = time.monotonic()
    for _ in range(1000):
        out.write("x" * 1000)
    took_s = time.monotonic() - began
    trouble = out.finish()

    assert took_s < 1.0
    assert trouble.startswith("the reader was too slow: ")
    os.close(pipe[0])  # ends the thread


def test_a_slow_reader_gets_everything(pipe: tuple[int, int]) -> None:
    got = bytearray()

    def read() -> None:
        while block := os.read(pipe[0], 5000):
            got.extend(block)
            time.sleep(0.001)

    reader = threading.Thread(target=read)
    reader.start()
    out = Outlet(pipe[1], is_owned=True)
    out.write("x" * 300_000)
    trouble = out.finish()
    reader.join()

    assert (trouble, len(got)) == ("", 300_000)


def test_a_pipe_that_does_not_block_gets_everything(pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[1], False)

    test_a_slow_reader_gets_everything(pipe)


def test_without_a_thread_text_is_written_at_once(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    out = Outlet(pipe[1])

    out.write("done\n")

    assert os.read(pipe[0], 100) == b"done\n"
    assert out.finish() == ""


def test_no_stream_at_all_takes_everything() -> None:
    out = Outlet(None)

    out.write("x")

    assert (out.finish(), out.isatty()) == ("", False)


def test_a_file_is_made_and_what_is_in_it_stays(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"

    for line in ("one\n", "two\n"):
        out = Outlet(open_file(path, "--events", []), is_owned=True)
        out.write(line)
        out.finish()

    assert path.read_text() == "one\ntwo\n"


def test_a_link_to_a_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "profile").write_text("mine")
    (tmp_path / "events").symlink_to("profile")
    (tmp_path / "nowhere").symlink_to("not-there")

    for name in ("events", "nowhere"):
        with pytest.raises(ConfigError, match="nothing was sent"):
            open_file(tmp_path / name, "--events", [])

    assert (tmp_path / "profile").read_text() == "mine"
    assert not (tmp_path / "not-there").exists()


def test_files_of_the_project_are_refused_under_any_name(tmp_path: Path) -> None:
    lock = tmp_path / "film.lock"
    lock.write_text("{}")
    os.link(lock, tmp_path / "same")

    for path in (lock, tmp_path / "x/../film.lock", tmp_path / "same"):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(ConfigError, match="is a file of the project"):
            open_file(path, "--log-file", [lock, tmp_path / "film.lock.journal"])


@pytest.mark.parametrize("name", ["", "no/folder/events", "\0"])
def test_a_file_that_cannot_be_made_is_a_mistake_before_anything_is_sent(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        open_file(tmp_path / name, "--events", [])


def test_pipes_and_devices_are_taken_as_they_are(pipe: tuple[int, int]) -> None:
    out = Outlet(open_file(Path(f"/dev/fd/{pipe[1]}"), "--events", []), is_owned=True)

    out.write("x\n")
    out.finish()

    assert os.read(pipe[0], 10) == b"x\n"
