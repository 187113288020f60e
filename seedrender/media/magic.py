"""Says what a file is by its first bytes, whatever its name says."""

from __future__ import annotations

from seedrender.values.job import MediaKind

HEAD_BYTES = 32

_MAGIC = (
    (0, b"\x89PNG\r\n\x1a\n", MediaKind.IMAGE, "png"),
    (0, b"\xff\xd8\xff", MediaKind.IMAGE, "jpeg"),
    (8, b"WEBP", MediaKind.IMAGE, "webp"),
    (0, b"GIF8", MediaKind.IMAGE, "gif"),
    (0, b"BM", MediaKind.IMAGE, "bmp"),
    (0, b"II*\x00", MediaKind.IMAGE, "tiff"),
    (0, b"MM\x00*", MediaKind.IMAGE, "tiff"),
    (4, b"ftyphei", MediaKind.IMAGE, "heic"),
    (4, b"ftypmif1", MediaKind.IMAGE, "heif"),
    (4, b"ftypavif", MediaKind.IMAGE, "avif"),
    (8, b"WAVE", MediaKind.AUDIO, "wav"),
    (0, b"ID3", MediaKind.AUDIO, "mp3"),
    (0, b"\xff\xfb", MediaKind.AUDIO, "mp3"),
    (0, b"\xff\xf3", MediaKind.AUDIO, "mp3"),
    (0, b"\xff\xf2", MediaKind.AUDIO, "mp3"),
    (0, b"OggS", MediaKind.AUDIO, "ogg"),
    (0, b"fLaC", MediaKind.AUDIO, "flac"),
    (4, b"ftypM4A", MediaKind.AUDIO, "m4a"),
    (4, b"ftypqt", MediaKind.VIDEO, "mov"),
    (4, b"ftyp", MediaKind.VIDEO, "mp4"),
    (0, b"\x1aE\xdf\xa3", MediaKind.VIDEO, "webm"),
)


def recognised(head: bytes) -> tuple[MediaKind, str] | None:
    """Return what a file is, and in which format; None: nothing that we know."""
    for at, magic, kind, form in _MAGIC:
        if head[at : at + len(magic)] == magic:
            return kind, form
    return None
