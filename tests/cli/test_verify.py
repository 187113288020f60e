"""`verify`, after a film was rendered on the simulator."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from seedrender.cli.console import State
from seedrender.cli.main import cli
from seedrender.errors import LockError
from tests.cli.test_main import seedrender

FILM = """\
seedrender: 1
name: film
defaults: {tier: fast, resolution: 480p, duration: 4}
shots: {a: {prompt: A kite over the sea.}, b: {prompt: A fox in the snow.}}
"""
CLIP = "renders/a.mp4"


@pytest.fixture
def film(tmp_path: Path) -> Path:
    film = tmp_path / "film.yaml"
    film.write_text(FILM)
    done = seedrender(tmp_path, "run", "film.yaml", "--sim-speed", "600")
    assert done.returncode == 0, done.stderr
    return film


def verify(film: Path, *words: str) -> tuple[int, str]:
    command = ["verify", str(film), *words]
    done = CliRunner().invoke(
        cli, command, obj=State(), catch_exceptions=False, standalone_mode=False
    )
    return done.return_value, done.output


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


@pytest.mark.parametrize(
    ("harm", "words"),
    [(Path.unlink, "it is not there"), (lengthen, "bytes, not"), (flip, "sha256")],
)
def test_a_clip_that_differs_from_the_lock_is_named(
    film: Path, harm: Callable[[Path], None], words: str
) -> None:
    assert verify(film) == (0, f"2 clips are as {film.with_suffix('.lock')} says.\n")
    harm(film.parent / CLIP)

    code, text = verify(film)

    assert code == 4
    assert f"a    {CLIP}" in text
    assert words in text
    assert "1 of 2 clips differ" in text


def test_a_lock_that_describes_another_picture_is_told(film: Path) -> None:
    lock = film.with_suffix(".lock")
    lock.write_text(lock.read_text().replace('"width": 864', '"width": 8640'))

    code, text = verify(film, "--json")

    assert code == 4
    (first, _) = json.loads(text)["clips"]
    assert first == {"job": "a", "path": CLIP, "wrong": "it is 864x496, not 8640x496"}


def test_a_folder_of_clips_may_be_a_link_to_another_disk_where_a_person_allows_it(
    film: Path,
) -> None:
    elsewhere = film.parent.parent / f"{film.parent.name}-disk"
    (film.parent / "renders").rename(elsewhere)
    (film.parent / "renders").symlink_to(elsewhere)

    refused, words = verify(film)

    assert refused == 4
    assert f"`--allow-outside {elsewhere}` allows that" in words
    assert verify(film, "--allow-outside", str(elsewhere))[0] == 0


def test_a_lock_that_names_a_clip_outside_is_not_followed(film: Path) -> None:
    lock = film.with_suffix(".lock")
    lock.write_text(lock.read_text().replace(CLIP, f"../{CLIP}"))

    with pytest.raises(LockError):
        verify(film)


def test_where_nothing_was_rendered_nothing_is_said_to_be_right(tmp_path: Path) -> None:
    (tmp_path / "film.yaml").write_text(FILM)

    code, said = verify(tmp_path / "film.yaml")

    assert (code, said) == (
        0,
        f"There is no clip to compare: {tmp_path}/film.lock names none yet.\n",
    )


def test_another_purchase_of_a_clip_that_is_right_is_refused_with_the_way_to_another(
    film: Path,
) -> None:
    words = ["run", "film.yaml", "--resubmit", "a", "--record", "said.jsonl"]

    done = seedrender(film.parent, *words)

    assert done.returncode == 0
    assert "a: as in the lock, so --resubmit buys nothing: for another clip change its `seed`" in (
        done.stdout
    )
    assert "Nothing is to be sent, so that said.jsonl is not written." in done.stderr
