"""What a file is, by its first bytes."""

from __future__ import annotations

import pytest

from seedrender.values.job import MediaKind
from seedrender.values.magic import described, is_footage, recognised


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"", "the file is empty"),
        (b"version https://git-lfs.github.com/spec/v1", "run `git lfs pull`"),
        (b"\xef\xbb\xbf <!DOCTYPE html>", "a page of HTML"),
        (b"<html>", "a page of HTML"),
        (b"<?xml version='1.0'?>", "a drawing (SVG)"),
        (b"%PDF-1.7", "a PDF"),
        (b"hello", "neither a picture nor a clip nor a sound"),
    ],
)
def test_a_file_is_described_by_its_first_bytes(head: bytes, words: str) -> None:
    assert words in described(head)


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\xff\xfb\x90", (MediaKind.AUDIO, "mp3")),
        (b"\xff\xf3\x90", (MediaKind.AUDIO, "mp3")),
        (b"\xff\xd8\xff", (MediaKind.IMAGE, "jpeg")),
        (b"\xff\xf9\x90", None),
        (b"\xff", None),
    ],
)
def test_a_frame_of_mp3_is_told_from_what_begins_like_it(
    head: bytes, found: tuple[MediaKind, str] | None
) -> None:
    assert recognised(head) == found
    assert is_footage(head) is (found is not None and found[0] is MediaKind.IMAGE)
