from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from seedrender.run.hashes import CACHE, Hashes

MINUTE_NS = 60 * 10**9
BIG = b"a" * (1 << 20)
OTHER = b"b" * (1 << 20)


def write(folder: Path, content: bytes) -> Path:
    path = folder / "clip.mp4"
    path.write_bytes(content)
    return path


def digest(path: Path, *, later_ns: int = MINUTE_NS) -> str:
    """Look at a file some time after it was written."""
    found = Hashes(path.parent, lambda: time.time_ns() + later_ns)
    result = found.sha256(path)
    found.save()
    return result


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def falsify(folder: Path) -> None:
    """Make the cache say what is not so: who believes it has not read the file."""
    cache = folder / CACHE
    cache.write_text(cache.read_text().replace(sha256(BIG), "0" * 64))


def test_what_did_not_change_is_not_read_again(tmp_path: Path) -> None:
    path = write(tmp_path, BIG)
    assert digest(path) == sha256(BIG)
    falsify(tmp_path)

    assert digest(path) == "0" * 64


def test_a_file_that_changed_in_the_last_two_seconds_is_read_anew_each_time(tmp_path: Path) -> None:
    path = write(tmp_path, BIG)

    digest(path, later_ns=0)

    assert not (tmp_path / CACHE).exists()


def test_what_is_known_of_a_file_does_not_count_just_after_it_was_written(tmp_path: Path) -> None:
    path = write(tmp_path, BIG)
    digest(path)
    falsify(tmp_path)

    assert digest(path, later_ns=0) == sha256(BIG)


def test_another_content_of_the_same_size_and_time_is_seen(tmp_path: Path) -> None:
    path = write(tmp_path, BIG)
    before = path.stat()
    digest(path)
    write(tmp_path, OTHER)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert digest(path) == sha256(OTHER)


def test_small_files_leave_no_cache_behind(tmp_path: Path) -> None:
    assert digest(write(tmp_path, b"small")) == sha256(b"small")
    assert list(tmp_path.iterdir()) == [tmp_path / "clip.mp4"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[1, 2]", id="list"),
        pytest.param('{"hashes": 1}', id="no-files"),
        pytest.param('{"hashes": 1, "files": {"clip.mp4": [1, 2]}}', id="short-row"),
        pytest.param('{"hashes": 1, "files": {"clip.mp4": "abc"}}', id="text"),
        pytest.param('{"hashes": 2, "files": {"clip.mp4": [1, 2, 3, 4, "x"]}}', id="newer"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param("\xff", id="no-utf8"),
    ],
)
def test_a_cache_that_is_not_ours_is_none(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, BIG)
    (tmp_path / CACHE).parent.mkdir()
    (tmp_path / CACHE).write_bytes(text.encode("latin-1"))

    assert digest(path) == sha256(BIG)
    assert json.loads((tmp_path / CACHE).read_text())["files"]["clip.mp4"][-1] == sha256(BIG)


def test_a_folder_that_takes_no_file_is_no_error(tmp_path: Path) -> None:
    path = write(tmp_path, BIG)
    (tmp_path / ".seedrender").write_text("in the way")

    assert digest(path) == sha256(BIG)
