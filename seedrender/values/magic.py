"""Says what a file is by its first bytes, whatever its name says."""

from __future__ import annotations

from pathlib import PurePosixPath

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
    (((0, b"OggS"),), MediaKind.AUDIO, "ogg"),
    (((0, b"fLaC"),), MediaKind.AUDIO, "flac"),
    (((4, b"ftypM4A"),), MediaKind.AUDIO, "m4a"),
    (((4, b"ftypqt"),), MediaKind.VIDEO, "mov"),
    (((4, b"ftyp"),), MediaKind.VIDEO, "mp4"),
    (((0, b"\x1aE\xdf\xa3"),), MediaKind.VIDEO, "webm"),
    (((0, b"RIFF"), (8, b"AVI ")), MediaKind.VIDEO, "avi"),
)
_LFS = b"version https://git-lfs"  # the pointer's own specification
_NO_MEDIUM = "neither a picture nor a clip nor a sound"
_FOOTAGE = (MediaKind.VIDEO, MediaKind.IMAGE)
_FOOTAGE_NAMES = NAMES | {f".{form}" for _, kind, form in _MAGIC if kind in _FOOTAGE} | {".mkv"}


def recognised(head: bytes) -> tuple[MediaKind, str] | None:
    """Return what a file is, and in which format; None: nothing that we know."""
    for magic, kind, form in _MAGIC:
        if all(head[at : at + len(part)] == part for at, part in magic):
            return kind, form
    return (MediaKind.AUDIO, "mp3") if _is_frame_of_mp3(head) else None


def described(head: bytes) -> str:
    """Say what a file is by its first bytes, for people; also what is no medium."""
    found = recognised(head)
    if found is not None:
        return found[1]
    if not head:
        return "the file is empty"
    if head.startswith(_LFS):
        return "a pointer of git-lfs, not the file itself: run `git lfs pull`"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a page of HTML, not a medium"
    if start.startswith((b"<?xml", b"<svg")):
        return "a drawing (SVG) or other XML: models take pictures of pixels, such as PNG"
    return "a PDF, not a medium" if start.startswith(b"%pdf-") else _NO_MEDIUM


def _is_frame_of_mp3(head: bytes) -> bool:
    """Say whether a frame of MPEG 1 or 2, layer 3, begins here, as in a file without tags."""
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2  # noqa: PLR2004


def is_footage_name(path: str) -> bool:
    """Return whether a name is one of a clip or a picture."""
    return PurePosixPath(path).suffix.lower() in _FOOTAGE_NAMES


def is_footage(head: bytes) -> bool:
    """Return whether a clip or a picture begins so."""
    found = recognised(head)
    return found is not None and found[0] in _FOOTAGE
