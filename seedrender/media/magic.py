"""Says what a file is by its first bytes, whatever its name says."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from seedrender.values.job import MediaKind
from seedrender.values.picture import NAMES

HEAD_BYTES = 32

Magic = tuple[tuple[int, bytes], ...]  # what stands where; all of it

_MAGIC: tuple[tuple[Magic, MediaKind, str], ...] = (
    (((0, b"\x89PNG\r\n\x1a\n"),), MediaKind.IMAGE, "png"),
    (((0, b"\xff\xd8\xff"),), MediaKind.IMAGE, "jpeg"),
    (((0, b"RIFF"), (8, b"WEBP")), MediaKind.IMAGE, "webp"),
    (((0, b"GIF8"),), MediaKind.IMAGE, "gif"),
    (((0, b"BM"), (6, bytes(4)), (16, bytes(2))), MediaKind.IMAGE, "bmp"),  # no text begins so
    (((0, b"II*\x00"),), MediaKind.IMAGE, "tiff"),
    (((0, b"MM\x00*"),), MediaKind.IMAGE, "tiff"),
    (((4, b"ftyphei"),), MediaKind.IMAGE, "heic"),
    (((4, b"ftyphev"),), MediaKind.IMAGE, "heic"),
    (((4, b"ftypmif1"),), MediaKind.IMAGE, "heif"),
    (((4, b"ftypmsf1"),), MediaKind.IMAGE, "heif"),
    (((4, b"ftypavi"),), MediaKind.IMAGE, "avif"),
    (((0, b"RIFF"), (8, b"WAVE")), MediaKind.AUDIO, "wav"),
    (((0, b"ID3"),), MediaKind.AUDIO, "mp3"),
    (((0, b"\xff\xfb"),), MediaKind.AUDIO, "mp3"),
    (((0, b"\xff\xfa"),), MediaKind.AUDIO, "mp3"),
    (((0, b"\xff\xf3"),), MediaKind.AUDIO, "mp3"),
    (((0, b"\xff\xf2"),), MediaKind.AUDIO, "mp3"),
    (((0, b"OggS"),), MediaKind.AUDIO, "ogg"),
    (((0, b"fLaC"),), MediaKind.AUDIO, "flac"),
    (((4, b"ftypM4A"),), MediaKind.AUDIO, "m4a"),
    (((4, b"ftypqt"),), MediaKind.VIDEO, "mov"),
    (((4, b"ftyp"),), MediaKind.VIDEO, "mp4"),
    (((0, b"\x1aE\xdf\xa3"),), MediaKind.VIDEO, "webm"),
    (((0, b"RIFF"), (8, b"AVI ")), MediaKind.VIDEO, "avi"),
)
_FOOTAGE = (MediaKind.VIDEO, MediaKind.IMAGE)
_FOOTAGE_NAMES = NAMES | {f".{form}" for _, kind, form in _MAGIC if kind in _FOOTAGE} | {".mkv"}


def recognised(head: bytes) -> tuple[MediaKind, str] | None:
    """Return what a file is, and in which format; None: nothing that we know."""
    for magic, kind, form in _MAGIC:
        if all(head[at : at + len(part)] == part for at, part in magic):
            return kind, form
    return None


def is_footage_name(path: str) -> bool:
    """Return whether a name is one of a clip or a picture."""
    return PurePosixPath(path).suffix.lower() in _FOOTAGE_NAMES


def is_footage(path: Path) -> bool:
    """Return whether a file begins as a clip or a picture does."""
    try:
        with path.open("rb") as file:
            found = recognised(file.read(HEAD_BYTES))
    except OSError:
        return False
    return found is not None and found[0] in _FOOTAGE
