from __future__ import annotations

from dataclasses import replace

import pytest

from seedrender.values.job import Mode
from seedrender.values.picture import another, form_of, is_replaced, named, place, stem
from tests.builders import clip, job


@pytest.mark.parametrize(
    ("path", "form", "found"),
    [
        ("renders/a.mp4", "jpeg", "renders/a.jpeg"),
        ("renders/a.JPG", "jpeg", "renders/a.JPG"),
        ("renders/a.png", "png", "renders/a.png"),
        ("renders/a.png", "webp", "renders/a.webp"),
        ("renders/a.png", "tiff", "renders/a.tiff"),
        ("renders/a.tiff", "tiff", "renders/a.tiff"),
        ("renders/a.mp4", "webm", "renders/a.webm"),
        ("renders/v1.2.MP4", "mp4", "renders/v1.2.MP4"),
    ],
)
def test_a_picture_is_named_by_its_format_unless_it_says_so_already(
    path: str, form: str, found: str
) -> None:
    assert named(path, form) == found


def test_pictures_that_differ_in_their_suffix_are_in_each_others_way() -> None:
    assert stem("renders/a.png") == stem("renders/a.jpeg") == "renders/a"


@pytest.mark.parametrize(
    ("mode", "is_picture", "path", "found"),
    [
        pytest.param(Mode.V2V, False, "renders/old.mp4", "renders/spin.mp4", id="a clip"),
        pytest.param(Mode.V2V, False, "renders/old.mov", "renders/spin.mov", id="as it came"),
        pytest.param(Mode.T2V, False, "renders/spin.gif", "renders/spin.gif", id="there"),
        pytest.param(Mode.T2I, True, "renders/spin.webp", "renders/spin.webp", id="in place"),
        pytest.param(Mode.T2I, True, "renders/old.webp", "renders/spin.webp", id="elsewhere"),
        pytest.param(Mode.V2V, True, "renders/old.png", "renders/spin.png", id="no clip yet"),
        pytest.param(Mode.T2I, False, "renders/old.mov", "renders/spin.mov", id="no picture"),
    ],
)
def test_what_a_job_has_belongs_where_its_output_is_and_keeps_the_suffix_of_a_picture(
    mode: Mode, path: str, found: str, *, is_picture: bool
) -> None:
    made = replace(clip(path=path), duration_s=None if is_picture else 5.0)

    assert place(job(mode=mode), made) == found


def test_a_second_picture_stands_beside_the_first() -> None:
    assert another("renders/a.b.png", 2) == "renders/a.b+2.png"


@pytest.mark.parametrize(
    ("path", "form"), [("a.JPG", "jpeg"), ("a.webm", "webm"), ("a.ogv", "ogv"), ("a", "")]
)
def test_a_path_says_which_format_it_is_named_after(path: str, form: str) -> None:
    assert form_of(path) == form


def test_a_file_under_another_suffix_takes_the_place_of_one() -> None:
    assert is_replaced("renders/a.webm", "renders/a.mp4")
    assert not is_replaced("renders/a.mp4", "renders/a.mp4")
    assert not is_replaced("renders/b.webm", "renders/a.mp4")
