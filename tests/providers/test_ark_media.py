from __future__ import annotations

import base64

import pytest

from seedrender.catalog.models import catalog
from seedrender.errors import RejectedError
from seedrender.providers.ark_media import data_uri
from seedrender.values.job import MediaKind

ARK = catalog("byteplus")


@pytest.mark.parametrize(
    ("content", "kind", "form"),
    [
        (b"\x89PNG\r\n\x1a\n....", MediaKind.IMAGE, "image/png"),
        (b"\xff\xd8\xff\xe0....", MediaKind.IMAGE, "image/jpeg"),
        (b"RIFF....WEBPVP8 ", MediaKind.IMAGE, "image/webp"),
        (b"GIF89a....", MediaKind.IMAGE, "image/gif"),
        (b"BM" + bytes(30), MediaKind.IMAGE, "image/bmp"),
        (b"II*\x00....", MediaKind.IMAGE, "image/tiff"),
        (b"MM\x00*....", MediaKind.IMAGE, "image/tiff"),
        (b"\x00\x00\x00\x18ftypheic....", MediaKind.IMAGE, "image/heic"),
        (b"\x00\x00\x00\x18ftypmif1....", MediaKind.IMAGE, "image/heif"),
        (b"RIFF....WAVEfmt ", MediaKind.AUDIO, "audio/wav"),
        (b"ID3\x04....", MediaKind.AUDIO, "audio/mp3"),
        (b"\xff\xfb\x90....", MediaKind.AUDIO, "audio/mp3"),
    ],
)
def test_a_file_is_named_by_what_it_holds(content: bytes, kind: MediaKind, form: str) -> None:
    found = data_uri("x", content, kind, ARK)

    assert found == f"data:{form};base64,{base64.b64encode(content).decode()}"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7", MediaKind.IMAGE),
        (b"RIFF....WAVE", MediaKind.IMAGE),
        (b"\x89PNG\r\n\x1a\n", MediaKind.AUDIO),
        (b"OggS", MediaKind.AUDIO),
        (b"\x00\x00\x00\x18ftypisom", MediaKind.IMAGE),
        (b"RIFF....AVI ", MediaKind.IMAGE),
        (b"", MediaKind.IMAGE),
    ],
)
def test_what_the_models_do_not_take_is_refused(content: bytes, kind: MediaKind) -> None:
    with pytest.raises(RejectedError, match=r"x is none of .*; nothing was bought"):
        data_uri("x", content, kind, ARK)


def test_too_large_a_file_is_refused() -> None:
    with pytest.raises(RejectedError, match=r"hero\.jpg has 30\.0 MB, and 30 MB are taken"):
        data_uri("hero.jpg", b"\xff\xd8\xff" + bytes(30_000_000), MediaKind.IMAGE, ARK)


def test_a_clip_travels_as_a_url_only() -> None:
    with pytest.raises(RejectedError, match=r"a video must be given as a URL.*`hosting:`"):
        data_uri("clip.mp4", b"\x00\x00\x00\x18ftypisom", MediaKind.VIDEO, ARK)
