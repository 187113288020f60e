"""Turns a local picture or sound into a data URI that Ark takes."""

from __future__ import annotations

import base64

from seedrender.catalog.models import Catalog
from seedrender.errors import RejectedError
from seedrender.values.job import MediaKind
from seedrender.values.provider import MediaUrl

_BRANDS = {b"heic": "heic", b"heix": "heic", b"hevc": "heic", b"mif1": "heif", b"msf1": "heif"}
_STARTS = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\xff\xd8\xff": "jpeg",
    b"GIF8": "gif",
    b"BM": "bmp",
    b"II*\x00": "tiff",
    b"MM\x00*": "tiff",
    b"ID3": "mp3",
}
_RIFF = {b"WEBP": "webp", b"WAVE": "wav"}
_SYNC = 0xE0  # the upper bits of an MP3 frame's second byte
_MB = 1_000_000


def data_uri(name: str, content: bytes, kind: MediaKind, catalog: Catalog) -> MediaUrl:
    """Return a file's content as a data URI. Raises: RejectedError beyond what the models take."""
    if "data" not in catalog.sends[kind]:
        raise RejectedError(
            f"{name}: a {kind.value} must be given as a URL, because a request carries none; "
            "set up `hosting:`, or give a URL. A clip is taken by its own link for 24 hours after "
            "it was made; nothing was bought"
        )
    limits = [family.media[kind] for family in catalog.families.values()]
    formats = list(dict.fromkeys(form for media in limits for form in media.formats))
    found = _format(content)
    if found not in formats:
        raise RejectedError(f"{name} is none of {', '.join(formats)}; nothing was bought")
    most = max(media.max_bytes or 0 for media in limits)
    if len(content) > most:
        size = f"{len(content) / _MB:.1f} MB"
        raise RejectedError(
            f"{name} has {size}, and {most // _MB} MB are taken: make it smaller; "
            "nothing was bought"
        )
    return MediaUrl(f"data:{kind.value}/{found};base64,{base64.b64encode(content).decode()}")


def _format(content: bytes) -> str:
    """Tell a file's format by its first bytes: a name may lie. Empty: none that we know."""
    if content[:4] == b"RIFF":
        return _RIFF.get(content[8:12], "")
    if content[4:8] == b"ftyp":
        return _BRANDS.get(content[8:12], "")
    if len(content) > 1 and content[0] == 0xFF and content[1] & _SYNC == _SYNC:  # noqa: PLR2004
        return "jpeg" if content.startswith(b"\xff\xd8\xff") else "mp3"
    return next((form for start, form in _STARTS.items() if content.startswith(start)), "")
